package value_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	. "github.com/stowage-db/stowage/query/sql/value"
)

// timestamp appends a timestamp in the form of 8 or 12 bytes.
func timestamp(t time.Time) []byte {
	seconds, nanoseconds := uint64(t.Unix()), uint64(t.Nanosecond())
	if seconds>>34 == 0 {
		b := []byte{0xd7, 0xff}
		for shift := 56; shift >= 0; shift -= 8 {
			b = append(b, byte((nanoseconds<<34|seconds)>>shift))
		}
		return b
	}
	b := []byte{0xc7, 12, 0xff}
	for shift := 24; shift >= 0; shift -= 8 {
		b = append(b, byte(nanoseconds>>shift))
	}
	for shift := 56; shift >= 0; shift -= 8 {
		b = append(b, byte(seconds>>shift))
	}
	return b
}

func TestFromMsgpack(t *testing.T) {
	long := string(bytes.Repeat([]byte("é"), 40_000))
	for _, test := range []struct {
		raw  []byte
		want Value
	}{
		{nil, Value{}},
		{msgp.AppendNil(nil), Value{}},
		{[]byte{0xd4, 0, 0}, Value{}},
		{msgp.AppendBool(nil, true), FromInt(1)},
		{msgp.AppendBool(nil, false), FromInt(0)},
		{msgp.AppendInt64(nil, 5), FromInt(5)},
		{msgp.AppendInt64(nil, -5), FromInt(-5)},
		{msgp.AppendInt64(nil, -500), FromInt(-500)},
		{msgp.AppendInt64(nil, 70_000), FromInt(70_000)},
		{msgp.AppendInt64(nil, math.MinInt64), FromInt(math.MinInt64)},
		{msgp.AppendUint64(nil, 200), FromInt(200)},
		{msgp.AppendUint64(nil, math.MaxInt64), FromInt(math.MaxInt64)},
		{msgp.AppendUint64(nil, math.MaxInt64+1), FromReal(1 << 63)},
		{msgp.AppendFloat64(nil, 3), FromReal(3)},
		{msgp.AppendFloat32(nil, 0.5), FromReal(0.5)},
		{msgp.AppendFloat64(nil, math.NaN()), Value{}},
		{msgp.AppendString(nil, ""), FromText("")},
		{msgp.AppendString(nil, "é"), FromText("é")},
		{msgp.AppendString(nil, long), FromText(long)},
		{msgp.AppendString(nil, long[:1000]), FromText(long[:1000])},
		{msgp.AppendString(nil, long[:100]), FromText(long[:100])},
		{msgp.AppendBytes(nil, []byte{1, 2}), FromBlob([]byte{1, 2})},
		{timestamp(time.UnixMilli(0)), FromText("1970-01-01T00:00:00.000Z")},
		{timestamp(time.UnixMilli(1709208000123)), FromText("2024-02-29T12:00:00.123Z")},
		{timestamp(time.UnixMilli(-1)), FromText("1969-12-31T23:59:59.999Z")},
		{timestamp(time.Date(-5, 3, 1, 0, 0, 0, 0, time.UTC)), FromText("-000005-03-01T00:00:00.000Z")},
		{timestamp(time.Date(12345, 1, 2, 3, 4, 5, 0, time.UTC)), FromText("+012345-01-02T03:04:05.000Z")},
		{[]byte{0xd4, 0xff, 0}, Value{}},
		{[]byte{0xcb, 1, 2}, Value{}},
		{[]byte{0xd9}, Value{}},
		{[]byte{0xda, 0, 9, 'a'}, Value{}},
		{[]byte{0xc1}, Value{}},
	} {
		if got := FromMsgpack(test.raw); got.Kind() != test.want.Kind() || got.Text() != test.want.Text() {
			t.Errorf("%x: %v %q, not %v %q", test.raw[:min(len(test.raw), 12)], got.Kind(), got.Text(), test.want.Kind(), test.want.Text())
		}
	}
}

// TestAppendMsgpack reads again what was written.
func TestAppendMsgpack(t *testing.T) {
	nested := msgp.AppendInt64(msgp.AppendArrayHeader(nil, 1), 1)
	for _, v := range []Value{{}, FromInt(-1), FromInt(math.MaxInt64), FromReal(2), FromReal(0.1), FromText("é"), FromBlob([]byte("x")), FromDocument(nested)} {
		if got := FromMsgpack(v.AppendMsgpack(nil)); got.Kind() != v.Kind() || got.Text() != v.Text() {
			t.Errorf("%v %q came back as %v %q", v.Kind(), v.Text(), got.Kind(), got.Text())
		}
	}
}

// TestPack loads again numbers that were packed, at the ends of every length, and nothing of one that was cut.
func TestPack(t *testing.T) {
	numbers := []Value{FromReal(2), FromReal(math.Copysign(0, -1)), FromReal(math.Inf(-1))}
	for _, i := range []int64{0, 1<<7 - 1, 1 << 7, math.MaxInt32, math.MaxInt32 + 1, math.MaxInt64} {
		numbers = append(numbers, FromInt(i), FromInt(-i), FromInt(-i-1))
	}
	for _, v := range numbers {
		packed := v.Pack(nil)
		var got Value
		if n := got.Load(packed, 0); n > 0 && n != len(packed) || got.Kind() != v.Kind() || got.Text() != v.Text() {
			t.Errorf("%v %q came back as %v %q after %d of %d bytes", v.Kind(), v.Text(), got.Kind(), got.Text(), n, len(packed))
		}
		if cut := FromMsgpack(packed[:len(packed)-1]); cut.Kind() != Null {
			t.Errorf("%v %q came out of a part as %v %q", v.Kind(), v.Text(), cut.Kind(), cut.Text())
		}
	}
}

// TestDocument looks at documents as the JSON that they stand for.
func TestDocument(t *testing.T) {
	raw := msgp.AppendMapHeader(nil, 7)
	raw = msgp.AppendFloat64(msgp.AppendString(raw, "real"), 1)
	raw = append(msgp.AppendString(raw, "gone"), 0xd4, 0, 0)
	raw = msgp.AppendString(msgp.AppendString(raw, "text"), "a\"\\\n\x01é")
	raw = msgp.AppendArrayHeader(msgp.AppendString(raw, "list"), 3)
	raw = append(msgp.AppendNil(msgp.AppendBool(raw, true)), 0xd4, 0, 0)
	raw = append(msgp.AppendString(raw, "time"), timestamp(time.UnixMilli(0))...)
	raw = msgp.AppendBytes(msgp.AppendString(raw, "bytes"), []byte{0xab, 1})
	raw = msgp.AppendMapHeader(msgp.AppendInt64(raw, 5), 0)
	const want = `{"real":1.0,"text":"a\"\\\n\u0001é","list":[true,null,null],"time":"1970-01-01T00:00:00.000Z","bytes":"AB01","5":{}}`

	v := FromMsgpack(raw)
	if v.Kind() != Document || v.Text() != want {
		t.Errorf("%s, not %s", v.Text(), want)
	}
	if text := FromText(want); !Equal(v, text, Binary) || Hash(0, &v, Binary) != Hash(0, &text, Binary) {
		t.Error("it is not equal to its text")
	}
	if !bytes.Equal(v.AppendMsgpack(nil), raw) {
		t.Error("it does not come out as it went in")
	}
	if got := TextAffinity.Cast(v); got.Kind() != Text || got.Text() != want {
		t.Errorf("as text it is %q", got.Text())
	}
	for end := range raw {
		AppendJSON(nil, raw[:end]) // damaged, and still an answer
	}
}

// FuzzFromMsgpack reads and writes any bytes.
func FuzzFromMsgpack(f *testing.F) {
	f.Add([]byte{0x81, 0xa1, 'a', 0x92, 1, 0xc0})
	f.Add([]byte{0xc7, 12, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		v := FromMsgpack(raw)
		if again := FromMsgpack(v.AppendMsgpack(nil)); v.Kind() != Document && (again.Kind() != v.Kind() || again.Text() != v.Text()) {
			t.Errorf("%q came back as %q", v.Text(), again.Text())
		}
		AppendJSON(nil, raw)
	})
}
