package main

import (
	"bytes"
	"slices"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

const cities = 1

func city(id int, name string) []byte {
	b := msgp.AppendMapHeader(nil, 2)
	b = msgp.AppendString(b, "id")
	b = msgp.AppendInt(b, id)
	b = msgp.AppendString(b, "name")
	return msgp.AppendString(b, name)
}

func insertFrame(transaction uint32, docs ...[]byte) []byte {
	return request(wire.Insert, transaction, cities, 2, func(b []byte) []byte {
		b = msgp.AppendBool(b, false)
		b = msgp.AppendArrayHeader(b, uint32(len(docs)))
		return append(b, bytes.Join(docs, nil)...)
	})
}

func getFrame(transaction uint32, id int) []byte {
	return request(wire.Get, transaction, cities, 1, func(b []byte) []byte {
		return msgp.AppendBytes(b, query.AppendKeyInt(nil, int64(id)))
	})
}

func beginFrame(access wire.Access) []byte {
	return request(wire.Begin, 0, 0, 2, func(b []byte) []byte {
		return msgp.AppendNil(msgp.AppendUint8(b, uint8(access)))
	})
}

func faultFrame(how string) []byte {
	return request(wire.Fault, 0, 0, 1, func(b []byte) []byte { return msgp.AppendString(b, how) })
}

func (h *host) beginTransaction(access wire.Access) uint32 {
	h.t.Helper()
	return h.begun(h.must(beginFrame(access)))
}

// begun reads the number of a transaction from [number, id].
func (h *host) begun(result []byte) uint32 {
	h.t.Helper()
	_, result, err := msgp.ReadArrayHeaderBytes(result)
	if err != nil {
		h.t.Fatal(err)
	}
	n, _, err := msgp.ReadUint32Bytes(result)
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

func TestWarmReadNeedsNoTask(t *testing.T) {
	h := newHost(t)
	h.must(insertFrame(0, city(1, "Oslo")))
	if a := h.bridge.begin(getFrame(0, 1)); a.status != wire.Done || !bytes.Equal(a.payload, city(1, "Oslo")) {
		t.Fatalf("status %d, payload %q", a.status, a.payload)
	}
	if a := h.bridge.begin(getFrame(0, 2)); a.status != wire.Done || !msgp.IsNil(a.payload) {
		t.Fatalf("of what is not there: status %d, payload %q", a.status, a.payload)
	}
}

func TestGetWithoutAFrame(t *testing.T) {
	h := newHost(t)
	h.must(insertFrame(0, city(1, "Oslo")))
	if a := h.bridge.get(cities, query.AppendKeyInt(nil, 1)); a.status != wire.Done || !bytes.Equal(a.payload, city(1, "Oslo")) {
		t.Fatalf("status %d, payload %q", a.status, a.payload)
	}
	if a := h.bridge.get(cities, query.AppendKeyInt(nil, 2)); a.status != wire.Done || !msgp.IsNil(a.payload) {
		t.Fatalf("of what is not there: status %d, payload %q", a.status, a.payload)
	}
	if a := h.bridge.get(cities+1, query.AppendKeyInt(nil, 1)); a.status != wire.Missed {
		t.Fatalf("of a table that is not open: status %d", a.status)
	}
}

func TestColdReadBecomesATask(t *testing.T) {
	h := newHost(t)
	var docs [][]byte
	for i := range 5000 {
		docs = append(docs, city(i, string(bytes.Repeat([]byte{byte('a' + i%26)}, 300+i%7))))
	}
	h.must(insertFrame(0, docs...))
	h.must(request(wire.Checkpoint, 0, 0, 0, nil))
	h.must(request(wire.Close, 0, 0, 0, nil))

	cold := newHostOn(t, reopened(h), s2)
	if a := cold.bridge.get(cities, query.AppendKeyInt(nil, 4321)); a.status != wire.Missed {
		t.Fatalf("of what is not in memory: status %d", a.status)
	}
	if got := cold.must(getFrame(0, 4321)); !bytes.Equal(got, docs[4321]) {
		t.Fatalf("got %.40q", got)
	}
	if len(cold.bridge.tasks) != 0 {
		t.Fatalf("%d tasks are left", len(cold.bridge.tasks))
	}
}

func TestPanicIsTheOperationsOwn(t *testing.T) {
	h := newHost(t)
	h.must(insertFrame(0, city(1, "Oslo")))
	h.fails(faultFrame("panic"), store.Internal)
	h.must(getFrame(0, 1))
	h.must(insertFrame(0, city(2, "Bergen")))
}

func TestMalformedFramesFail(t *testing.T) {
	h := newHost(t)
	for _, frame := range [][]byte{nil, {0xc0}, {0x93, 1}, request(wire.Get, 0, cities, 0, nil), request(99, 0, 0, 0, nil)} {
		c := h.begin(frame)
		if !c.done || c.err == nil {
			t.Errorf("%x: done %v, %v", frame, c.done, c.err)
		}
	}
	h.must(insertFrame(0, city(1, "Oslo")))
}

func TestTransactionsQueueTheirOperations(t *testing.T) {
	h := newHost(t)
	tx := h.beginTransaction(wire.Writing)
	h.must(insertFrame(tx, city(1, "Oslo")))
	if got := h.must(getFrame(tx, 1)); !bytes.Equal(got, city(1, "Oslo")) {
		t.Fatalf("inside: %q", got)
	}
	if got := h.must(getFrame(0, 1)); !msgp.IsNil(got) {
		t.Fatalf("outside, before the commit: %q", got)
	}
	h.must(request(wire.Commit, tx, 0, 0, nil))
	if got := h.must(getFrame(0, 1)); !bytes.Equal(got, city(1, "Oslo")) {
		t.Fatalf("outside, after the commit: %q", got)
	}
	h.fails(getFrame(tx, 1), store.TxEnded)
}

// Slices of one bulk insert stand in the same memory; a long document is used where it stands.
func TestSlicesOfATransactionLeaveOneAnotherAlone(t *testing.T) {
	h := newHost(t)
	number := h.beginTransaction(wire.Writing)
	var want [][]byte
	for id := range 12 {
		size := []int{40, 300, store.MaxCopied - 100, store.MaxCopied + 100}[id%4]
		want = append(want, city(id, string(bytes.Repeat([]byte{byte('a' + id)}, size))))
		h.must(insertFrame(number, want[id]))
	}
	h.must(request(wire.Commit, number, 0, 0, nil))
	for id, doc := range want {
		if got := h.must(getFrame(0, id)); !bytes.Equal(got, doc) {
			t.Errorf("document %d came back as %.40q", id, got)
		}
	}
}

func TestAFailedWriteSpoilsItsTransaction(t *testing.T) {
	h := newHost(t)
	h.must(insertFrame(0, city(1, "Oslo")))
	tx := h.beginTransaction(wire.Writing)
	h.must(insertFrame(tx, city(2, "Bergen")))
	h.fails(insertFrame(tx, city(3, "Hamar"), city(1, "Oslo")), store.DuplicateKey)
	h.fails(request(wire.Commit, tx, 0, 0, nil), store.DuplicateKey)
	for _, id := range []int{2, 3} {
		if got := h.must(getFrame(0, id)); !msgp.IsNil(got) {
			t.Errorf("%d is there: %q", id, got)
		}
	}
}

func TestWritersWaitForOneAnother(t *testing.T) {
	h := newHost(t)
	first := h.beginTransaction(wire.Exclusive)
	second := h.begin(beginFrame(wire.Exclusive))
	third := h.begin(insertFrame(0, city(3, "Hamar")))
	h.run()
	if second.done || third.done {
		t.Fatal("two exclusive transactions at once")
	}
	h.must(request(wire.Commit, first, 0, 0, nil))
	if !second.done || third.done {
		t.Fatalf("after the first: second %v, third %v", second.done, third.done)
	}
	h.must(request(wire.Rollback, h.begun(second.result), 0, 0, nil))
	if !third.done || third.err != nil {
		t.Fatalf("third: %v, %v", third.done, third.err)
	}
}

func TestCancelWakesATaskThatWaits(t *testing.T) {
	h := newHost(t)
	tx := h.beginTransaction(wire.Exclusive)
	waiting := h.begin(beginFrame(wire.Exclusive))
	var number uint32
	for number = range h.waiting {
	}
	h.wake(slices.Clone(h.bridge.cancel(number).ready))
	h.run()
	if !waiting.done || store.CodeOf(waiting.err) != store.Aborted {
		t.Fatalf("done %v, %v", waiting.done, waiting.err)
	}
	h.must(request(wire.Rollback, tx, 0, 0, nil))
	h.must(insertFrame(0, city(1, "Oslo")))
}

func TestALargeResultComesInParts(t *testing.T) {
	h := newHost(t)
	h.fill(8000)
	last := h.must(findAll)
	parts := append(h.rows, last)
	if len(parts) < 3 {
		t.Fatalf("%d parts", len(parts))
	}
	var total uint32
	for i, part := range parts {
		n, _, err := msgp.ReadArrayHeaderBytes(part)
		if err != nil || len(part) > rowsBytes+1000 {
			t.Errorf("part %d: %d bytes, %v", i, len(part), err)
		}
		total += n
	}
	if total != 8000 {
		t.Errorf("%d documents", total)
	}
}

func TestDropEndsATaskEarly(t *testing.T) {
	h := newHost(t)
	h.fill(8000)
	a := h.bridge.begin(findAll)
	for a.status == wire.Breathe || a.status == wire.Read {
		reply := nothing
		if a.status == wire.Read {
			reply = h.perform(a.status, a.payload)
		}
		a = h.bridge.step(a.task, reply)
	}
	if a.status != wire.Rows {
		t.Fatalf("status %d", a.status)
	}
	task := a.task
	if a := h.bridge.drop(task); a.status != wire.Done {
		t.Fatalf("drop: status %d", a.status)
	}
	if a := h.bridge.step(task, nothing); a.status != wire.Failed {
		t.Fatalf("a dropped task was stepped: status %d", a.status)
	}
	if n := len(h.bridge.tasks); n != 0 {
		t.Errorf("%d tasks are left", n)
	}
	h.must(insertFrame(0, city(9000, "Oslo")))
}

// Who writes a group writes it for others too: they asked for nothing to be aborted.
func TestDropOfAWriterFailsThoseBehindIt(t *testing.T) {
	h := newHost(t)
	h.must(insertFrame(0, city(1, "Oslo")))
	writer := *h.bridge.begin(insertFrame(0, city(2, "Bergen")))
	if writer.status != wire.Write {
		t.Fatalf("status %d", writer.status)
	}
	behind := *h.bridge.begin(insertFrame(0, city(3, "Tromsø")))
	if behind.status != wire.Wait {
		t.Fatalf("status %d", behind.status)
	}
	if a := h.bridge.drop(writer.task); !slices.Contains(a.ready, behind.task) {
		t.Fatalf("ready: %d", a.ready)
	}
	a := h.bridge.step(behind.task, nothing)
	if _, err := failure(a.payload); a.status != wire.Failed || store.CodeOf(err) != store.BackendFailed {
		t.Fatalf("status %d, %v", a.status, err)
	}
	h.must(insertFrame(0, city(3, "Tromsø")))
}

// findAll asks for all documents of the table.
var findAll = request(wire.Find, 0, cities, 1, func(b []byte) []byte { return msgp.AppendMapHeader(b, 0) })

// fill inserts documents of about 400 bytes.
func (h *host) fill(count int) {
	h.t.Helper()
	var docs [][]byte
	for id := range count {
		docs = append(docs, city(id, string(bytes.Repeat([]byte{byte('a' + id%26)}, 380))))
	}
	h.must(insertFrame(0, docs...))
}

func TestVersionOfTheFramesIsChecked(t *testing.T) {
	h := &host{t: t, bridge: newBridge(), waiting: map[uint32]*call{}}
	h.fails(request(wire.Open, 0, 0, 1, func(b []byte) []byte { return msgp.AppendUint(b, wire.Version+1) }), store.Unsupported)
	h.fails(getFrame(0, 1), store.Closed)
}

func BenchmarkWarmGet(b *testing.B) {
	h := newHost(b)
	var docs [][]byte
	for i := range 10000 {
		docs = append(docs, city(i, string(bytes.Repeat([]byte{'x'}, 300))))
	}
	h.must(insertFrame(0, docs...))
	h.must(request(wire.Checkpoint, 0, 0, 0, nil))
	key := query.AppendKeyInt(nil, 5000)
	h.must(getFrame(0, 5000))
	b.ReportAllocs()
	for b.Loop() {
		if a := h.bridge.get(cities, key); a.status != wire.Done {
			b.Fatal(a.status)
		}
	}
}

func BenchmarkInsert(b *testing.B) {
	h := newHost(b)
	name := string(bytes.Repeat([]byte{'x'}, 300))
	b.ReportAllocs()
	for id := 0; b.Loop(); id++ {
		h.must(insertFrame(0, city(id, name)))
	}
}
