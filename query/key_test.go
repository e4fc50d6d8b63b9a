package query

import (
	"bytes"
	"testing"
	"time"
)

// TestKeyOrder compares the order of keys with the order of values, alone and
// with something behind them.
func TestKeyOrder(t *testing.T) {
	r := newRandom(t)
	for range 50_000 {
		a, b := randomValue(r, 2), randomValue(r, 2)
		x := keyOf(t, a)
		y := keyOf(t, b)
		want := order(a, b)
		if got := bytes.Compare(x, y); sign(got) != sign(want) {
			t.Fatalf("%v (% x) and %v (% x): %d, want %d", a, x, b, y, got, want)
		}
		x, y = append(x, keyOf(t, randomValue(r, 0))...), append(y, keyOf(t, randomValue(r, 0))...)
		if got := bytes.Compare(x, y); want != 0 && sign(got) != sign(want) {
			t.Fatalf("%v (% x) and %v (% x), with more behind: %d, want %d", a, x, b, y, got, want)
		}
	}
}

// TestKeyRoundTrip decodes what was encoded, and encodes that again.
func TestKeyRoundTrip(t *testing.T) {
	r := newRandom(t)
	for range 20_000 {
		var key []byte
		components := r.IntN(4)
		for range components {
			v := randomValue(r, 2)
			if rank(v) == 99 {
				v = nil
			}
			key = append(key, keyOf(t, v)...)
		}
		values, n, err := DecodeKey(nil, key)
		if err != nil || n != components {
			t.Fatalf("% x: %d components, %v", key, n, err)
		}
		var again []byte
		for len(values) > 0 {
			size, ok := Skip(values)
			if !ok {
				t.Fatalf("% x: decoded to damaged bytes", key)
			}
			again, _, _ = AppendKeyRaw(again, values[:size])
			values = values[size:]
		}
		if !bytes.Equal(again, key) {
			t.Fatalf("% x came back as % x", key, again)
		}
	}
}

// TestAppendKey checks that Go scalars and MessagePack make the same keys.
func TestAppendKey(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_123)
	for _, test := range []struct {
		value any
		key   []byte
	}{
		{nil, AppendKeyNull(nil)},
		{true, AppendKeyBool(nil, true)},
		{false, AppendKeyBool(nil, false)},
		{5, AppendKeyInt(nil, 5)},
		{5.0, AppendKeyInt(nil, 5)},
		{float32(5), AppendKeyUint(nil, 5)},
		{-2.5, AppendKeyFloat(nil, -2.5)},
		{uint64(1 << 63), AppendKeyFloat(nil, 1<<63)},
		{now, AppendKeyTime(nil, now)},
		{"a\x00b", AppendKeyString(nil, "a\x00b")},
		{[]byte{0, 0xff}, AppendKeyBytes(nil, []byte{0, 0xff})},
		{map[string]any{}, AppendKeyOther(nil)},
		{undefinedValue, AppendKeyMissing(nil)},
		{5, []byte{0x20, 0xc1, 0x0a}},
		{[]any{1, []any{}, "x"}, []byte{0x60, 0x20, 0xbf, 0xf8, 0x60, 0x00, 0x40, 'x', 0x00, 0x00}},
	} {
		if got := keyOf(t, test.value); !bytes.Equal(got, test.key) {
			t.Errorf("%v: % x, want % x", test.value, got, test.key)
		}
	}
}

func TestTimestamps(t *testing.T) {
	for name, raw := range map[string][]byte{
		"4 bytes":  {0xd6, 0xff, 0, 0, 0, 1},
		"8 bytes":  {0xd7, 0xff, 0, 0, 0, 0, 0, 0, 0, 1},
		"12 bytes": {0xc7, 12, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
	} {
		key, keyable, err := AppendKeyRaw(nil, raw)
		if want := AppendKeyTime(nil, time.Unix(1, 0)); !bytes.Equal(key, want) || !keyable || err != nil {
			t.Errorf("%s: % x, want % x", name, key, want)
		}
	}
	if _, keyable, err := AppendKeyRaw(nil, []byte{0xd4, 0xff, 0xff}); keyable || err != nil {
		t.Error("an invalid Date has an order")
	}
}

func TestPrefixRange(t *testing.T) {
	r := newRandom(t)
	for range 20_000 {
		a, b := keyOf(t, randomValue(r, 1)), keyOf(t, randomValue(r, 1))
		key := append(append([]byte{}, a...), b...)
		if !PrefixRange(a).Contains(key) || !PrefixRange(a).Contains(a) {
			t.Fatalf("% x is not in the range of % x", key, a)
		}
		if other := keyOf(t, randomValue(r, 1)); !bytes.Equal(other, a) && PrefixRange(a).Contains(append(other, b...)) {
			t.Fatalf("% x is in the range of % x", other, a)
		}
	}
}

func keyOf(t testing.TB, v any) []byte {
	key, keyable, err := AppendKeyRaw(nil, AppendValue(nil, v))
	if err != nil || keyable != (rank(normal(v)) != 99) {
		t.Fatalf("%v: keyable %v, %v", v, keyable, err)
	}
	if n, ok := SkipComponent(key); !ok || n != len(key) {
		t.Fatalf("%v: % x is not one component", v, key)
	}
	return key
}

// normal brings a Go value into the types that the reference knows.
func normal(v any) any {
	switch v := v.(type) {
	case int:
		return int64(v)
	case float32:
		return float64(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = normal(v[i])
		}
		return list
	default:
		return v
	}
}

func sign(n int) int { return min(max(n, -1), 1) }
