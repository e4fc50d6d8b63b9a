package structure

import (
	"context"
	"time"

	"github.com/stowage-db/stowage/store"
)

// Options tune structures. The zero value is what most programs want.
type Options struct {
	// Clock tells the time by which structures expire; nil is time.Now.
	Clock func() time.Time
	// SweepEvery is how often what has expired is removed in the background, until
	// Close: 0 is never, and Sweep does it then.
	SweepEvery time.Duration
}

// Structures are the structures in one database of an environment. They may be used
// by many goroutines.
type Structures struct {
	env   *store.Env
	name  string
	clock func() time.Time
	stop  context.CancelFunc // ends the sweeping
	ended chan struct{}      // closed when it has ended
}

// New returns the structures in the database of a name, which is made by the first
// write. Nothing else should write to that database.
func New(env *store.Env, name string, options Options) *Structures {
	s := &Structures{env: env, name: name, clock: options.Clock, ended: make(chan struct{})}
	if s.clock == nil {
		s.clock = time.Now
	}
	if options.SweepEvery <= 0 {
		close(s.ended)
		return s
	}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	go s.sweepEvery(ctx, options.SweepEvery)
	return s
}

// Close ends the sweeping in the background. The environment stays open.
func (s *Structures) Close() {
	if s.stop != nil {
		s.stop()
	}
	<-s.ended
}

// View runs f in a reading transaction.
func (s *Structures) View(ctx context.Context, f func(*Tx) error) error {
	return s.env.View(ctx, func(tx *store.Tx) error { return s.run(tx, f) })
}

// Update runs f in a transaction and commits it, all of it or nothing; after a conflict
// with another transaction f runs again.
func (s *Structures) Update(ctx context.Context, f func(*Tx) error) error {
	return s.env.Update(ctx, func(tx *store.Tx) error { return s.run(tx, f) })
}

func (s *Structures) run(tx *store.Tx, f func(*Tx) error) error {
	t, err := s.In(tx)
	if err != nil {
		return err
	}
	return f(t)
}

// In is the structures as a transaction of the environment sees them. What it writes
// is committed with everything else in that transaction.
func (s *Structures) In(tx *store.Tx) (*Tx, error) {
	open := tx.DB
	if !tx.Writable() {
		open = tx.OpenDB
	}
	db, err := open(s.name, 0)
	if err != nil && store.CodeOf(err) != store.NotFound {
		return nil, err
	}
	return &Tx{tx: tx, db: db, now: s.clock().UnixMilli()}, nil
}

// Tx is structures seen through one transaction, and used by one goroutine at a time.
// Time stands still in it: what has not expired when it begins stays until it ends.
type Tx struct {
	tx  *store.Tx
	db  *store.DB // nil where a reading transaction finds none
	now int64     // milliseconds since 1970
}

// writable fails where nothing can be written.
func (t *Tx) writable(op string) error {
	if !t.tx.Writable() {
		return fail(store.ReadOnly, op, nil)
	}
	return nil
}

// get returns a copy of the value of a stored key.
func (t *Tx) get(stored []byte) (value []byte, found bool, err error) {
	if t.db == nil {
		return nil, false, nil
	}
	return t.db.Get(stored)
}

// put and clear write. A command looks for all that is wrong with its arguments before
// it writes; so when something fails here, storage did, and the command is half done.
func (t *Tx) put(stored, value []byte) error { return t.whole(t.db.Put(stored, value)) }
func (t *Tx) clear(stored []byte) error      { return t.whole(t.db.Clear(stored)) }

func (t *Tx) whole(err error) error {
	if err != nil {
		return t.tx.Spoil(err)
	}
	return nil
}

// fail makes an error of a command.
func fail(code store.Code, op string, cause error) error {
	return &store.Error{Code: code, Op: op, Err: cause}
}
