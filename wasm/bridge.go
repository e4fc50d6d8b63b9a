package main

import (
	"context"
	"errors"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/wasm/wire"
)

// bridge runs the operations of one environment for a host that awaits on its
// behalf. It is called by one thread; an operation runs until it is done or
// wants something of the host, and never waits inside a call.
//
// Operations are coroutines. The engine beneath them is ordinary blocking code:
// where it reads or waits, the backend and the scheduler that it was given hand
// the request to whichever task is running, and that task is stepped again with
// the answer.
type bridge struct {
	env          *store.Env
	tables       map[uint32]*store.Table
	transactions map[uint32]*transaction
	lives        map[uint32]*live
	tasks        map[uint32]*task
	heard        func(store.Sign) // whom to tell of other contexts
	lastNumber   uint32           // of tasks and transactions
	idle         []*coroutine     // for tasks to come
	spare        []byte           // for the result of a task to come: the largest of those before
	outbox       []byte           // for what is asked of the host, which reads it when the call returns
	room         []byte           // for the slice of a bulk insert to come: what the one before stood in

	current *task     // nil while an operation is tried without a task
	missed  bool      // an operation without a task wanted something of the host
	direct  operation // the one that is tried without a task; kept, as all of it is, to allocate nothing
	reading *store.Tx // what it reads in

	answer answer
}

// answer is what a call comes to. It is valid until the next one.
type answer struct {
	status  wire.Status
	task    uint32
	payload []byte
	ready   []uint32 // tasks to be stepped: woken ones, and new ones
}

// task is an operation that has a coroutine of its own.
type task struct {
	number  uint32
	ctx     context.Context
	cancel  context.CancelFunc
	in      *coroutine
	dropped bool

	status  wire.Status // what it waits for
	payload []byte
	reply   []byte // to what it waited for, valid until it waits again
	woken   bool   // listed as ready, not stepped yet

	result []byte
	err    error
}

func newBridge() *bridge {
	return &bridge{
		tables:       make(map[uint32]*store.Table),
		transactions: make(map[uint32]*transaction),
		lives:        make(map[uint32]*live),
		tasks:        make(map[uint32]*task),
	}
}

// begin starts an operation. The frame is read before begin returns.
func (b *bridge) begin(frame []byte) (told *answer) {
	told = b.reset()
	defer b.recover()
	request, err := wire.ReadRequest(frame)
	if err != nil {
		return b.finish(nil, err)
	}
	if warm(request) {
		o := b.tryDirectly()
		o.request = request
		err := o.perform()
		if !b.missed {
			return b.finish(o.result, err)
		}
	}
	request.Own(b.takeRoom(request))
	t := b.start(func(t *task) ([]byte, error) {
		o := operation{bridge: b, ctx: t.ctx, request: request}
		err := o.perform()
		if o.copied && cap(request.Room()) <= mostRoom {
			b.room = request.Room()
		}
		return o.result, err
	})
	return b.resume(t)
}

// mostRoom is how much memory is kept for slices, which are of a megabyte mostly.
const mostRoom = 2 << 20

// takeRoom returns memory for the arguments of a request. Slices of one bulk insert stand in the same: memory
// that nobody has touched yet costs more than what is copied to it.
func (b *bridge) takeRoom(request wire.Request) (room []byte) {
	if stores(request) && request.Transaction != 0 {
		room, b.room = b.room, nil
	}
	return room
}

// get reads one document where it is in memory, without a frame and without a
// task; its status is Missed where it is not. Key is the encoded identity.
func (b *bridge) get(table uint32, key []byte) (told *answer) {
	told = b.reset()
	defer b.recover()
	t := b.tables[table]
	if b.env == nil || t == nil {
		b.answer.status = wire.Missed
		return told
	}
	o := b.tryDirectly()
	tx, err := o.beginReading()
	if err != nil {
		return b.finish(nil, err)
	}
	defer tx.Rollback()
	doc, found, err := t.Get(tx, key)
	switch {
	case b.missed:
		b.answer.status = wire.Missed
		return told
	case !found:
		doc = absent
	}
	// The document stays where it is until the next call, at least.
	return b.finish(doc, err)
}

// step lets a task go on with the reply to what it waited for. The reply is
// read before step returns.
func (b *bridge) step(number uint32, reply []byte) (told *answer) {
	told = b.reset()
	defer b.recover()
	t := b.tasks[number]
	if t == nil {
		return b.finish(nil, &store.Error{Code: store.Internal, Op: "step: no such task"})
	}
	t.reply, t.woken = reply, false
	return b.resume(t)
}

// cancel ends the context of a task. One that waits for another task is ready then.
func (b *bridge) cancel(number uint32) (told *answer) {
	told = b.reset()
	defer b.recover()
	if t := b.tasks[number]; t != nil {
		t.cancel()
		if t.status == wire.Wait {
			b.wake(t)
		}
	}
	return b.finish(nil, nil)
}

// drop ends a task that nobody will step again.
func (b *bridge) drop(number uint32) (told *answer) {
	told = b.reset()
	defer b.recover()
	if t := b.tasks[number]; t != nil {
		t.dropped = true
		t.cancel()
		b.current = t // what it still does runs in it
		t.in.stop()
		b.current = nil
		b.forget(t)
	}
	return b.finish(nil, nil)
}

// reset prepares for the next answer, which a panic would leave as it is by then.
func (b *bridge) reset() *answer {
	b.answer = answer{ready: b.answer.ready[:0]}
	return &b.answer
}

// tryDirectly prepares the operation that runs without a task.
func (b *bridge) tryDirectly() *operation {
	b.missed = false
	o := &b.direct
	o.bridge, o.ctx, o.result, o.delivered = b, context.Background(), o.result[:0], false
	return o
}

// start makes a task that has not run yet.
func (b *bridge) start(run func(*task) ([]byte, error)) *task {
	b.lastNumber++
	t := &task{number: b.lastNumber}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.in = b.borrow(func() { t.result, t.err = run(t) })
	b.tasks[t.number] = t
	return t
}

// resume runs a task until it is done or waits.
func (b *bridge) resume(t *task) *answer {
	b.current = t
	done := t.in.run()
	b.current = nil
	if done {
		b.forget(t)
		b.giveBack(t.in)
		if cap(t.result) > cap(b.spare) {
			b.spare = t.result // the host has read it when the next call comes
		}
		return b.finish(t.result, t.err)
	}
	b.answer.status, b.answer.task, b.answer.payload = t.status, t.number, t.payload
	return &b.answer
}

func (b *bridge) finish(result []byte, err error) *answer {
	b.answer.status, b.answer.payload = wire.Done, result
	if errors.Is(err, context.Canceled) {
		err = &store.Error{Code: store.Aborted, Err: err}
	}
	if err != nil {
		b.answer.status = wire.Failed
		b.answer.payload = wire.AppendFailure(nil, err)
	}
	return &b.answer
}

func (b *bridge) forget(t *task) {
	t.cancel()
	delete(b.tasks, t.number)
}

// recover turns a panic of an operation into its failure. Whether the engine can go on
// shows when it is next used: a lock that was left held ends the instance.
func (b *bridge) recover() {
	cause := recover()
	if cause == nil {
		return
	}
	if t := b.current; t != nil {
		b.forget(t)
	}
	b.current = nil
	b.finish(nil, &store.Error{Code: store.Internal, Op: "panic: " + panicText(cause)})
}

func panicText(cause any) string {
	switch cause := cause.(type) {
	case error:
		return cause.Error()
	case string:
		return cause
	default:
		return "unknown cause"
	}
}

// await hands a request to the host and returns its reply, which is valid until the
// next await. An operation without a task cannot wait: it fails, whatever it makes
// of that, and is done again as a task.
func (b *bridge) await(status wire.Status, payload []byte) ([]byte, error) {
	t := b.current
	if t == nil {
		b.missed = true
		return nil, context.Canceled
	}
	if t.dropped {
		return nil, context.Canceled
	}
	t.status, t.payload = status, payload
	if !t.in.wait() {
		return nil, context.Canceled
	}
	t.status, t.payload = wire.None, nil
	return t.reply, nil
}

// lost tells the host that a buffered commit came to nothing: a task that nobody
// asked for fails with the reason.
func (b *bridge) lost(err error) {
	b.wake(b.start(func(*task) ([]byte, error) { return nil, err }))
}

// outgoing is memory for a request of n bytes. Small ones share the outbox.
func (b *bridge) outgoing(n int) []byte {
	if n > outboxBytes {
		return make([]byte, 0, n)
	}
	if b.outbox == nil {
		b.outbox = make([]byte, 0, outboxBytes)
	}
	return b.outbox
}

const outboxBytes = 16 << 10

// wake lists a task as ready, once.
func (b *bridge) wake(t *task) {
	if !t.woken {
		t.woken = true
		b.answer.ready = append(b.answer.ready, t.number)
	}
}
