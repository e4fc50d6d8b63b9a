package main

import (
	"bytes"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// onDatabase makes the frame of an operation on the database "d".
func onDatabase(op wire.Op, transaction uint32, arguments ...[]byte) []byte {
	return request(op, transaction, 0, 1+uint32(len(arguments)), func(b []byte) []byte {
		b = msgp.AppendArrayHeader(b, 3)
		b = msgp.AppendString(b, "d")
		b = msgp.AppendBool(msgp.AppendNil(b), true)
		return append(b, bytes.Join(arguments, nil)...)
	})
}

// atCursor makes the frame of an operation on a cursor.
func atCursor(op wire.Op, transaction, cursor uint32, arguments ...[]byte) []byte {
	return request(op, transaction, 0, 1+uint32(len(arguments)), func(b []byte) []byte {
		return append(msgp.AppendUint32(b, cursor), bytes.Join(arguments, nil)...)
	})
}

func text(s string) []byte { return msgp.AppendBytes(nil, []byte(s)) }

func number(n int64) []byte { return msgp.AppendInt64(nil, n) }

var (
	nothingThere = msgp.AppendNil(nil)
	backwards    = msgp.AppendBool(nil, true)
	forwards     = msgp.AppendBool(nil, false)
	everything   = []byte{0x95, 0xc0, 0xc2, 0xc0, 0xc2, 0xc0} // no bounds
)

// list makes an array of values.
func list(values ...[]byte) []byte {
	return append(msgp.AppendArrayHeader(nil, uint32(len(values))), bytes.Join(values, nil)...)
}

// tells checks what an operation results in.
func (h *host) tells(frame, want []byte) {
	h.t.Helper()
	if got := h.must(frame); !bytes.Equal(got, want) {
		h.t.Fatalf("%x tells %x, want %x", frame, got, want)
	}
}

func put(transaction uint32, pairs ...[]byte) []byte {
	return onDatabase(wire.DBPut, transaction, number(int64(wire.Overwrite)), list(pairs...))
}

func TestDatabaseOperations(t *testing.T) {
	h := newHost(t)
	h.tells(onDatabase(wire.DBGet, 0, text("a")), nothingThere)
	h.tells(request(wire.DBs, 0, 0, 0, nil), list())
	h.tells(put(0, text("a"), text("1"), text("b"), text("2")), list(number(2), number(2)))
	h.tells(onDatabase(wire.DBPut, 0, number(int64(wire.Keep)), list(text("a"), text("9"))), list(number(1), number(0)))
	h.tells(onDatabase(wire.DBGet, 0, text("a")), text("1"))
	h.tells(onDatabase(wire.DBReplace, 0, text("a"), text("")), text("1"))
	h.tells(onDatabase(wire.DBPop, 0, text("a")), text(""))
	h.tells(onDatabase(wire.DBPop, 0, text("a")), nothingThere)
	h.tells(onDatabase(wire.DBDelete, 0, list(text("b"), text("x"), text("b"), nothingThere)), list(forwards, backwards))
	h.tells(onDatabase(wire.DBCount, 0, everything), number(0))
	h.tells(request(wire.DBs, 0, 0, 0, nil), list(msgp.AppendString(nil, "d")))
	h.must(onDatabase(wire.DBDrop, 0))
	h.tells(request(wire.DBs, 0, 0, 0, nil), list())
}

func TestWarmDatabaseReadsNeedNoTask(t *testing.T) {
	h := newHost(t)
	h.must(put(0, text("a"), text("1")))
	if a := h.bridge.begin(onDatabase(wire.DBGet, 0, text("a"))); a.status != wire.Done || !bytes.Equal(a.payload, text("1")) {
		t.Fatalf("status %d, payload %x", a.status, a.payload)
	}
	many := onDatabase(wire.DBGetMulti, 0, list(text("a"), text("b")))
	if a := h.bridge.begin(many); a.status != wire.Done || !bytes.HasSuffix(a.payload, append(text("1"), nothingThere...)) {
		t.Fatalf("status %d, payload %x", a.status, a.payload)
	}
}

func TestWalksStayInTheirBounds(t *testing.T) {
	h := newHost(t)
	h.must(put(0, text("a"), text("1"), text("b"), text("2"), text("ba"), text("3"), text("c"), text("4")))
	walk := func(bounds, direction []byte, fields wire.Fields, skip, limit int64, want ...string) {
		t.Helper()
		got := h.must(onDatabase(wire.DBWalk, 0, bounds, direction, number(int64(fields)), number(skip), number(limit)))
		n, rest, err := msgp.ReadArrayHeaderBytes(got)
		if err != nil || int(n) != len(want) {
			t.Fatalf("%d values, %v; want %q", n, err, want)
		}
		for _, value := range want {
			var b []byte
			if b, rest, err = msgp.ReadBytesBytes(rest, nil); err != nil || string(b) != value {
				t.Fatalf("%q, %v; want %q", b, err, value)
			}
		}
	}
	bounds := func(low []byte, above []byte, high []byte, included []byte) []byte {
		return list(low, above, high, included, nothingThere)
	}
	walk(everything, forwards, wire.KeysAndValues, 0, 2, "a", "1", "b", "2")
	walk(everything, backwards, wire.ValuesOnly, 0, -1, "4", "3", "2", "1")
	walk(bounds(text("b"), backwards, text("c"), backwards), forwards, wire.KeysOnly, 0, -1, "ba", "c")
	walk(bounds(text("b"), forwards, text("c"), forwards), forwards, wire.KeysOnly, 0, -1, "b", "ba")
	walk(list(nothingThere, forwards, nothingThere, forwards, text("b")), forwards, wire.KeysOnly, 0, -1, "b", "ba")
	walk(everything, backwards, wire.KeysOnly, 1, 2, "ba", "b")
	walk(everything, forwards, wire.KeysOnly, 3, -1, "c")
	walk(everything, forwards, wire.KeysOnly, 4, -1)
}

func TestACursorIsUsedUpByAWalk(t *testing.T) {
	h := newHost(t)
	h.must(put(0, text("a"), text("1"), text("b"), text("2")))
	tx := h.beginTransaction(wire.Writing)
	c, _, err := msgp.ReadUint32Bytes(h.must(onDatabase(wire.CursorOpen, tx, everything)))
	if err != nil {
		t.Fatal(err)
	}
	step := func(op wire.Op, what uint8, key, value []byte) []byte {
		return atCursor(op, tx, c, number(int64(what)), key, value)
	}
	h.tells(step(wire.CursorMove, uint8(wire.Seek), text("aa"), nothingThere), list(text("b"), text("2")))
	h.tells(step(wire.CursorEdit, uint8(wire.EditDelete), nothingThere, nothingThere), list(backwards, nothingThere))
	h.tells(atCursor(wire.CursorWalk, tx, c, forwards, number(int64(wire.KeysOnly)), number(0), number(-1)), append([]byte{0xdd, 0, 0, 0, 1}, text("a")...))
	h.tells(atCursor(wire.CursorWalk, tx, c, forwards, number(int64(wire.KeysOnly)), number(0), number(-1)), []byte{0xdd, 0, 0, 0, 0})
	h.must(atCursor(wire.CursorClose, tx, c))
	h.fails(atCursor(wire.CursorCount, tx, c), store.TxEnded)
}

func TestWhatIsLeftOfAParentEndsWithIt(t *testing.T) {
	h := newHost(t)
	parent := h.beginTransaction(wire.Writing)
	begin := beginFrame(wire.Writing)
	inParent := request(wire.Begin, parent, 0, 2, func(b []byte) []byte { return append(b, begin[len(begin)-2:]...) })
	child := h.begun(h.must(inParent))
	h.must(put(child, text("a"), text("1")))
	h.fails(put(parent, text("b"), text("1")), store.TxBusy)
	h.fails(request(wire.Commit, parent, 0, 0, nil), store.TxBusy)
	h.must(request(wire.Rollback, parent, 0, 0, nil))
	h.fails(put(child, text("a"), text("1")), store.TxEnded)
	if n := len(h.bridge.transactions); n != 0 {
		t.Errorf("%d transactions are left", n)
	}
	h.tells(onDatabase(wire.DBGet, 0, text("a")), nothingThere)
}

func TestARefusedArgumentDoesNotSpoilATransaction(t *testing.T) {
	h := newHost(t)
	tx := h.beginTransaction(wire.Writing)
	h.must(put(tx, text("a"), text("1")))
	h.fails(put(tx, text("b"), text("1"), text(""), text("1")), store.InvalidKey)
	h.must(request(wire.Commit, tx, 0, 0, nil))
	h.tells(onDatabase(wire.DBGet, 0, text("a")), text("1"))
	h.tells(onDatabase(wire.DBGet, 0, text("b")), nothingThere)
}
