package main

import (
	"fmt"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/wasm/wire"
)

// names asks live for the name alone of every city.
func names(op wire.Op) []byte {
	return request(op, 0, cities, 1, func(b []byte) []byte {
		b = msgp.AppendArrayHeader(b, 3)
		b = msgp.AppendMapHeader(b, 1)
		b = msgp.AppendString(b, "fields")
		b = msgp.AppendArrayHeader(b, 1)
		b = msgp.AppendArrayHeader(b, 1)
		b = msgp.AppendString(b, "name")
		b = msgp.AppendInt(b, 7)
		return msgp.AppendBool(b, false)
	})
}

func TestRowsThatAreAlikeStayWhereTheyAre(t *testing.T) {
	h := newHost(t)
	h.must(insertFrame(0, city(1, "a"), city(2, "a"), city(3, "b")))
	read := func(result []byte) string {
		rows, _, err := msgp.ReadIntfBytes(result)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(rows)
	}
	if got := read(h.must(names(wire.Live))); got != "[map[name:a] map[name:a] map[name:b]]" {
		t.Fatal(got)
	}
	for _, c := range []struct {
		put  []byte
		want string
	}{
		{city(4, "a"), "[0 1 2 1]"},
		{city(4, "b"), "[0 1 2 2]"},
		{city(1, "b"), "[3 1 2 3]"},
	} {
		h.must(request(wire.Put, 0, cities, 2, func(b []byte) []byte {
			return append(msgp.AppendArrayHeader(msgp.AppendBool(b, false), 1), c.put...)
		}))
		if got := read(h.must(names(wire.Changed))); got != c.want {
			t.Errorf("rows %s, want %s", got, c.want)
		}
	}
}
