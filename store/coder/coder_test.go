package coder_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/coder"
)

func TestDecodedValuesAreTheCallers(t *testing.T) {
	stored := []byte("stored")
	v, err := coder.Identity.Decode(stored)
	if err != nil {
		t.Fatal(err)
	}
	v[0] = 'X'
	if string(stored) != "stored" {
		t.Error("a decoded value shares memory with the engine's")
	}
}

func TestNarrowTypes(t *testing.T) {
	wide, err := coder.Uint64[uint64]().Append(nil, 300)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := coder.Uint64[uint8]().Decode(wide); store.CodeOf(err) != store.Undecodable {
		t.Errorf("300 as a uint8 is %d, %v", v, err)
	}
	most := bytes.Repeat([]byte{0xff}, 8)
	if v, err := coder.Uint64[int64]().Decode(most); store.CodeOf(err) != store.Undecodable {
		t.Errorf("2⁶⁴−1 as an int64 is %d, %v", v, err)
	}
	below, err := coder.Int64[int]().Append(nil, -1)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := coder.Int64[uint64]().Decode(below); store.CodeOf(err) != store.Undecodable {
		t.Errorf("−1 as a uint64 is %d, %v", v, err)
	}
}

func TestOrder(t *testing.T) {
	ordered(t, coder.Int64[int64](), math.MinInt64, -300, -1, 0, 1, 300, math.MaxInt64)
	ordered(t, coder.Uint32[int](), 0, 1, 255, 256, 65536, math.MaxUint32)
	ordered(t, coder.Float64, math.Inf(-1), -2.5, -1, -math.SmallestNonzeroFloat64, 0, 0.5, 1, 1e300, math.Inf(1))
	ordered(t, coder.Tuple, []any{}, []any{"a"}, []any{"a", -1}, []any{"a", 2.5}, []any{"a", uint8(3)}, []any{"aa"}, []any{"b"})
}

// ordered checks that values which ascend have bytes which do.
func ordered[T any](t *testing.T, c coder.Coder[T], ascending ...T) {
	t.Helper()
	var below []byte
	for i, v := range ascending {
		b, err := c.Append(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && bytes.Compare(below, b) >= 0 {
			t.Errorf("%v does not sort behind the value before it", v)
		}
		below = b
	}
}

// rot13 is a coder of somebody else's.
var rot13 = coder.New(
	func(s string) ([]byte, error) { return turned([]byte(s)) },
	func(b []byte) (string, error) { s, err := turned(slices.Clone(b)); return string(s), err },
)

var errNoLetter = errors.New("no letter")

func turned(b []byte) ([]byte, error) {
	for i, c := range b {
		if c < 'a' || c > 'z' {
			return nil, errNoLetter
		}
		b[i] = 'a' + (c-'a'+13)%26
	}
	return b, nil
}

func TestCustom(t *testing.T) {
	b, err := rot13.Append([]byte("=> "), "hello")
	if err != nil || string(b) != "=> uryyb" {
		t.Fatalf("%s, %v", b, err)
	}
	if v, err := rot13.Decode(b[3:]); err != nil || v != "hello" {
		t.Errorf("%s, %v", v, err)
	}
	if _, err := rot13.Append(nil, "7"); store.CodeOf(err) != store.InvalidArgument || !errors.Is(err, errNoLetter) {
		t.Errorf("what it refuses gives %v", err)
	}
	if _, err := rot13.Decode([]byte("7")); store.CodeOf(err) != store.Undecodable {
		t.Errorf("what it does not read gives %v", err)
	}
}

func TestCompressedIsBounded(t *testing.T) {
	bomb, err := coder.Compressed(coder.Identity, 9).Append(nil, make([]byte, 64<<20+1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := coder.Compressed(coder.Identity, 9).Decode(bomb); store.CodeOf(err) != store.TooLarge {
		t.Errorf("64 MiB and a byte: %v", err)
	}
}

func TestDepthIsBounded(t *testing.T) {
	nest := func(depth int) any {
		var v any = "core"
		for range depth {
			v = []any{v}
		}
		return v
	}
	b, err := coder.MessagePack.Append(nil, nest(query.MaxDepth))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := coder.MessagePack.Decode(b); err != nil {
		t.Error(err)
	}
	if _, err := coder.MessagePack.Append(nil, nest(query.MaxDepth+1)); store.CodeOf(err) != store.TooDeep {
		t.Errorf("one deeper is %v", err)
	}
	if _, err := coder.MessagePack.Decode(append([]byte{0x91}, b...)); store.CodeOf(err) != store.TooDeep {
		t.Errorf("one deeper is read: %v", err)
	}
}

func TestMessagePackRefusesOtherTypes(t *testing.T) {
	if _, err := coder.MessagePack.Append(nil, map[string]any{"a": []any{strings.NewReader("")}}); store.CodeOf(err) != store.InvalidArgument {
		t.Errorf("a reader is %v", err)
	}
}

// point has methods as msgp generates them.
type point struct{ x, y int }

func (p *point) MarshalMsg(b []byte) ([]byte, error) {
	b = msgp.AppendArrayHeader(b, 2)
	return msgp.AppendInt(msgp.AppendInt(b, p.x), p.y), nil
}

func (p *point) UnmarshalMsg(b []byte) (rest []byte, err error) {
	if _, b, err = msgp.ReadArrayHeaderBytes(b); err == nil {
		if p.x, b, err = msgp.ReadIntBytes(b); err == nil {
			p.y, b, err = msgp.ReadIntBytes(b)
		}
	}
	return b, err
}

func TestGenerated(t *testing.T) {
	c := coder.Generated[point]()
	b, err := c.Append(nil, point{3, 4})
	if err != nil || string(b) != "\x92\x03\x04" {
		t.Fatalf("%x, %v", b, err)
	}
	if v, err := c.Decode(b); err != nil || v != (point{3, 4}) {
		t.Errorf("%v, %v", v, err)
	}
	for _, damaged := range []string{"", "\x92\x03", "\x92\x03\x04\x05"} {
		if _, err := c.Decode([]byte(damaged)); store.CodeOf(err) != store.Undecodable {
			t.Errorf("%x gives %v", damaged, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x93\x01\xa1a\x81\xa1b\xc0"))
	f.Add([]byte("\x40a\x00\x20\xc1\x0a"))
	f.Add([]byte(`{"a": [1]}`))
	f.Add([]byte("\xd6B0000"))
	f.Add([]byte("\xc7\x09S\x93\x01\xa1a\xc7\x02M\x91\xc0"))
	f.Fuzz(func(t *testing.T, b []byte) {
		settles(t, coder.MessagePack, b)
		settles(t, coder.Tuple, b)
		settles(t, coder.Compressed(coder.JSON[any](), 1), b)
		settles(t, coder.Float64, b)
	})
}

// settles checks that what is read from any bytes has bytes, and is read from them again.
func settles[T any](t *testing.T, c coder.Coder[T], b []byte) {
	v, err := c.Decode(b)
	if err != nil {
		if code := store.CodeOf(err); code != store.Undecodable && code != store.TooDeep && code != store.TooLarge {
			t.Errorf("%T fails on %x with %v", c, b, err)
		}
		return
	}
	once, err := c.Append(nil, v)
	if err != nil {
		t.Fatalf("%T reads %x as %#v, but does not write it: %v", c, b, v, err)
	}
	again, err := c.Decode(once)
	if err != nil {
		t.Fatalf("%T does not read what it wrote, %x: %v", c, once, err)
	}
	if twice, err := c.Append(nil, again); err != nil || !bytes.Equal(once, twice) {
		t.Errorf("%T does not settle on %x: %x, %x", c, b, once, twice)
	}
}
