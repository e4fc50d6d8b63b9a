package main

import (
	"context"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/wasm/wire"
)

// host does natively what js/src/bridge/task.ts does: it calls the bridge, carries out
// what tasks ask for, and steps them. Unlike the real one it may hold replies
// back, so that tests decide about the order of things.
type host struct {
	t       testing.TB
	bridge  *bridge
	backend store.Backend
	waiting map[uint32]*call // tasks that wait for another one
	queue   []func()         // what is to be stepped next
	rows    [][]byte
	feed    [][]byte         // what is left of the stream that tasks read
	broken  error            // with which its stages fail
	sealed  int              // how often its stages were asked to seal
	sets    map[wire.Set]int // how often those of each set were asked to open
}

// call is a request on its way.
type call struct {
	done   bool
	result []byte
	err    error
}

// s2 is the stage that the module carries out itself.
var s2 = compress.S2{}.Stage()

func newHost(t testing.TB) *host { return newHostOn(t, memory.New(), s2) }

// newHostOn opens an environment whose blobs pass a chain.
func newHostOn(t testing.TB, backend store.Backend, chain ...store.Stage) *host {
	h := &host{t: t, bridge: newBridge(), backend: backend, waiting: map[uint32]*call{}, sets: map[wire.Set]int{}}
	h.must(opening(chain...))
	h.must(request(wire.Table, 0, cities, 7, func(b []byte) []byte {
		b = msgp.AppendString(b, "cities")
		b = msgp.AppendArrayHeader(b, 1)
		b = msgp.AppendString(b, "id")
		b = msgp.AppendBool(b, true)
		b = msgp.AppendArrayHeader(b, 0)
		return msgp.AppendBool(msgp.AppendBool(msgp.AppendInt(b, 10), false), false)
	}))
	return h
}

// opening is the request that opens an environment with a chain.
func opening(chain ...store.Stage) []byte {
	return request(wire.Open, 0, 0, 8, func(b []byte) []byte {
		for _, setting := range []uint{wire.Version, 1 << 20, 1 << 20, uint(store.Relaxed), 1 << 20, 100} {
			b = msgp.AppendUint(b, setting)
		}
		return appendChain(msgp.AppendBytes(b, make([]byte, 32)), chain)
	})
}

// appendChain appends [[kind, id] …].
func appendChain(b []byte, chain []store.Stage) []byte {
	b = msgp.AppendArrayHeader(b, uint32(len(chain)))
	for _, stage := range chain {
		b = msgp.AppendArrayHeader(b, 2)
		b = msgp.AppendUint8(msgp.AppendUint8(b, uint8(stage.Kind)), stage.ID)
	}
	return b
}

// request makes the frame of an operation with n arguments.
func request(op wire.Op, transaction, table uint32, n uint32, arguments func([]byte) []byte) []byte {
	b := msgp.AppendArrayHeader(nil, 3+n)
	b = msgp.AppendUint8(b, uint8(op))
	b = msgp.AppendUint32(b, transaction)
	b = msgp.AppendUint32(b, table)
	if arguments == nil {
		return b
	}
	return arguments(b)
}

// begin starts an operation and serves it as far as it gets without others.
func (h *host) begin(frame []byte) *call {
	c := &call{}
	h.take(c, h.bridge.begin(frame))
	return c
}

// run serves everything until nothing is left to do.
func (h *host) run() {
	for len(h.queue) > 0 {
		next := h.queue[0]
		h.queue = h.queue[1:]
		next()
	}
}

// must runs an operation to its end and returns its result.
func (h *host) must(frame []byte) []byte {
	h.t.Helper()
	c := h.begin(frame)
	h.run()
	if !c.done || c.err != nil {
		h.t.Fatalf("operation: done %v, %v", c.done, c.err)
	}
	return c.result
}

// fails runs an operation that has to fail with a code.
func (h *host) fails(frame []byte, code store.Code) {
	h.t.Helper()
	c := h.begin(frame)
	h.run()
	if !c.done || store.CodeOf(c.err) != code {
		h.t.Fatalf("operation: done %v, %v, want %v", c.done, c.err, code)
	}
}

// take deals with the answer to a call.
func (h *host) take(c *call, a *answer) {
	task := a.task
	h.wake(a.ready)
	switch a.status {
	case wire.Done:
		c.done, c.result = true, append([]byte(nil), a.payload...)
	case wire.Failed:
		_, err := failure(a.payload)
		c.done, c.err = true, err
	case wire.Wait:
		h.waiting[task] = c
	case wire.Feed:
		reply := nothing
		if len(h.feed) > 0 {
			reply, h.feed = msgp.AppendBytes([]byte{0x92, 0xc0}, h.feed[0]), h.feed[1:]
		}
		h.answer(c, task, reply)
	case wire.Rows:
		h.rows = append(h.rows, append([]byte(nil), a.payload...))
		h.answer(c, task, nothing)
	case wire.Breathe, wire.Progress:
		h.answer(c, task, nothing)
	default:
		h.answer(c, task, h.perform(a.status, a.payload))
	}
}

func (h *host) answer(c *call, task uint32, reply []byte) {
	h.queue = append(h.queue, func() { h.take(c, h.bridge.step(task, reply)) })
}

// wake steps the tasks that were made ready, and adopts those that are new.
func (h *host) wake(ready []uint32) {
	for _, task := range ready {
		c := h.waiting[task]
		delete(h.waiting, task)
		if c == nil {
			c = &call{}
		}
		h.answer(c, task, nothing)
	}
}

// nothing is the reply [nil, nil].
var nothing = []byte{0x92, 0xc0, 0xc0}

// perform carries out a request with the backend and makes the reply.
func (h *host) perform(status wire.Status, payload []byte) []byte {
	ctx := context.Background()
	ok := []byte{0x92, 0xc0}
	var err error
	switch status {
	case wire.Read:
		var blobs [][]byte
		if blobs, err = h.backend.Read(ctx, texts(payload)); err == nil {
			ok = msgp.AppendArrayHeader(ok, uint32(len(blobs)))
			for _, b := range blobs {
				if b == nil {
					ok = msgp.AppendNil(ok)
				} else {
					ok = msgp.AppendBytes(ok, b)
				}
			}
			return ok
		}
	case wire.Write:
		if err = h.backend.Commit(ctx, batch(payload)); err == nil {
			return nothing
		}
	case wire.List:
		var names []string
		prefix, _, _ := msgp.ReadStringBytes(payload)
		if names, err = h.backend.List(ctx, prefix); err == nil {
			return wire.AppendNames(ok, names)
		}
	case wire.Info:
		var info store.Info
		held, _, _ := msgp.ReadBoolBytes(payload)
		if info, err = h.backend.Info(ctx, held); err == nil {
			ok = msgp.AppendArrayHeader(ok, 6)
			ok = msgp.AppendBool(ok, info.Atomic)
			ok = msgp.AppendBool(ok, info.PrefixDurable)
			ok = msgp.AppendInt(ok, info.MaxBlob)
			ok = msgp.AppendInt64(ok, info.Blobs)
			ok = msgp.AppendInt64(ok, info.Bytes)
			return msgp.AppendInt(ok, 0)
		}
	case wire.Seal:
		if err = h.broken; err == nil {
			return h.inverted(payload)
		}
	case wire.Shut:
		if err = h.backend.Close(); err == nil {
			return nothing
		}
	default:
		h.t.Fatalf("a task asked for something unknown: %d", status)
	}
	return wire.AppendFailure(nil, err)
}

// inverted is what the host's stages make of blobs: all bits turned over.
func (h *host) inverted(b []byte) []byte {
	_, b, _ = msgp.ReadArrayHeaderBytes(b)
	set, b, _ := msgp.ReadUint32Bytes(b)
	_, b, _ = msgp.ReadUint8Bytes(b)
	_, b, _ = msgp.ReadUint8Bytes(b)
	direction, b, _ := msgp.ReadUint8Bytes(b)
	if wire.Direction(direction) == wire.SealBlobs {
		h.sealed++
	} else {
		h.sets[wire.Set(set)]++
	}
	n, b, _ := msgp.ReadArrayHeaderBytes(b)
	reply := msgp.AppendArrayHeader([]byte{0x92, 0xc0}, n)
	for range n {
		var bytes []byte
		_, b, _ = msgp.ReadArrayHeaderBytes(b)
		_, b, _ = msgp.ReadUint8Bytes(b)
		_, b, _ = msgp.ReadStringBytes(b)
		_, b, _ = msgp.ReadBytesBytes(b, nil)
		bytes, b, _ = msgp.ReadBytesBytes(b, nil)
		for i := range bytes {
			bytes[i] ^= 0xff
		}
		reply = msgp.AppendBytes(reply, bytes)
	}
	return reply
}

// texts reads [text …].
func texts(b []byte) []string {
	n, b, _ := msgp.ReadArrayHeaderBytes(b)
	all := make([]string, n)
	for i := range all {
		all[i], b, _ = msgp.ReadStringBytes(b)
	}
	return all
}

// batch reads what wire.AppendBatch wrote.
func batch(b []byte) *store.Batch {
	blobs := func() (all []store.Blob) {
		var n uint32
		n, b, _ = msgp.ReadArrayHeaderBytes(b)
		for range n {
			var blob store.Blob
			_, b, _ = msgp.ReadArrayHeaderBytes(b)
			blob.Name, b, _ = msgp.ReadStringBytes(b)
			blob.Bytes, b, _ = msgp.ReadBytesBytes(b, nil)
			all = append(all, blob)
		}
		return all
	}
	_, b, _ = msgp.ReadArrayHeaderBytes(b)
	batch := &store.Batch{Put: blobs(), Add: blobs()}
	if msgp.IsNil(b) {
		b = b[1:]
	} else {
		batch.Root = &store.RootSwap{}
		_, b, _ = msgp.ReadArrayHeaderBytes(b)
		if msgp.IsNil(b) {
			b = b[1:]
		} else {
			batch.Root.Old, b, _ = msgp.ReadBytesBytes(b, nil)
		}
		batch.Root.New, b, _ = msgp.ReadBytesBytes(b, nil)
	}
	n, rest, _ := msgp.ReadArrayHeaderBytes(b)
	batch.Delete = texts(b)
	for range n {
		rest, _ = msgp.Skip(rest)
	}
	if msgp.IsNil(rest) {
		rest = rest[1:]
	} else {
		ends := texts(rest)
		batch.DeleteRange = &store.NameRange{From: ends[0], To: ends[1]}
		rest, _ = msgp.Skip(rest)
	}
	strict, _, _ := msgp.ReadBoolBytes(rest)
	if strict {
		batch.Durability = store.Strict
	}
	return batch
}

// failure reads the payload of a failed operation.
func failure(b []byte) ([]byte, error) {
	_, b, _ = msgp.ReadArrayHeaderBytes(b)
	code, b, _ := msgp.ReadStringBytes(b)
	message, b, err := msgp.ReadStringBytes(b)
	if err != nil {
		return nil, err
	}
	return b, &wire.Failure{Code: code, Message: message}
}

// reopened returns a new backend over what a host's holds.
func reopened(h *host) store.Backend { return memory.Open(h.backend.(*memory.Backend).Blobs()) }
