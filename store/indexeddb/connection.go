//go:build js && wasm

package indexeddb

import (
	"context"
	"sync"
	"syscall/js"

	"github.com/hack-pad/go-indexeddb/idb"

	"github.com/stowage-db/stowage/store"
)

// connection is a database that is opened when it is used, and again when it
// turns out dead: browsers close connections of their own accord, when a profile
// is under pressure.
type connection struct {
	name     string
	patience patience

	mu     sync.Mutex // held while it opens
	db     *idb.Database
	known  bool  // it has been open: the database exists, and must still
	gone   error // the database is not the one that was opened any more
	closed bool
}

const (
	// version of the database. Its schema never changes.
	version = 1
	// replays is how often work is done again on a new connection.
	replays = 3
)

// open returns the connection, made if need be.
func (c *connection) open(ctx context.Context) (*idb.Database, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, &store.Error{Code: store.Closed, Op: "indexeddb"}
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case c.gone != nil:
		return nil, c.gone
	case c.db != nil:
		return c.db, nil
	}
	watched, stop := watch(ctx, c.patience.open)
	defer stop()
	db, made, err := dial(watched, c.name)
	if err == context.Canceled && unanswered(watched) {
		err = errUnanswered
	}
	if err != nil {
		return nil, explain("open", err)
	}
	if made && c.known { // as empty as any new environment: whoever opens it next may have it
		_ = db.Close()
		c.gone = &store.Error{Code: store.BackendFailed, Op: "indexeddb: the database was deleted while it was open", Name: c.name}
		return nil, c.gone
	}
	c.db, c.known = db, true
	return db, nil
}

// forget lets the next call open another connection in the place of db.
func (c *connection) forget(db *idb.Database) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db == db {
		c.db = nil
	}
}

// close reports whether it was open until now.
func (c *connection) close() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.closed = true
	if c.db != nil {
		_ = c.db.Close() // fails for a connection that is dead, which is as good
		c.db = nil
	}
	return true
}

// dial opens a database and reports whether it had to be made.
func dial(ctx context.Context, name string) (db *idb.Database, made bool, err error) {
	factory, err := idb.WrapFactory(js.Global().Get("indexedDB"))
	if err != nil {
		return nil, false, err
	}
	// This context must not end before the request does: a database would be made
	// and nobody there to make its object store.
	settled, cancel := context.WithCancel(context.Background())
	request, err := factory.Open(settled, name, version, func(db *idb.Database, _, _ uint) error {
		made = true
		_, err := db.CreateObjectStore(objectStore, idb.ObjectStoreOptions{})
		return err
	})
	if err != nil {
		cancel()
		return nil, false, err
	}
	opened := make(chan error, 1)
	go func() {
		var err error
		db, err = request.Await(settled)
		cancel()
		opened <- err
	}()
	select {
	case err = <-opened:
		return db, made, err
	case <-ctx.Done():
		err = ctx.Err()
	}
	go func() { // it may answer still
		if <-opened == nil {
			_ = db.Close()
		}
	}()
	return nil, false, err
}

// access is how a transaction is used.
type access struct {
	idb.TransactionOptions
	repeatable bool // nobody can tell that it came twice
}

var (
	reading         = access{idb.TransactionOptions{Mode: idb.TransactionReadOnly}, true}
	writing         = access{idb.TransactionOptions{Mode: idb.TransactionReadWrite, Durability: idb.DurabilityRelaxed}, false}
	writingStrictly = access{idb.TransactionOptions{Mode: idb.TransactionReadWrite, Durability: idb.DurabilityStrict}, false}
)

// transaction is one of IndexedDB's, on the object store.
type transaction struct {
	*idb.Transaction
	store   *idb.ObjectStore
	refused error // why it was aborted, if it was
}

// refuse aborts the transaction.
func (t *transaction) refuse(why error) {
	t.refused = why
	_ = t.Abort() // fails where it has been aborted already
}

// transact makes the requests of one transaction and waits until it, not only
// they, are done. A dead connection cannot start one; then nothing has happened,
// and it is done again on a new connection. So is what was never answered, where
// it can be taken back or may happen twice; of anything else nobody knows whether
// it has happened, or will: BackendFailed, upon which the engine reads anew what
// there is.
func (c *connection) transact(ctx context.Context, a access, requests func(*transaction) error) error {
	for attempt := 1; ; attempt++ {
		db, err := c.open(ctx)
		if err != nil {
			return err
		}
		begun, err := db.TransactionWithOptions(a.TransactionOptions, objectStore)
		again := err != nil && dead(err)
		if err == nil {
			t := &transaction{Transaction: begun}
			if err = t.run(ctx, c.patience.transaction, requests); err != errUnanswered {
				return explain("transaction", err)
			}
			undone := t.Abort() == nil // fails where it is being committed
			_ = db.Close()
			again = undone || a.repeatable
		}
		c.forget(db)
		if attempt > replays || !again {
			return explain("transaction", err)
		}
	}
}

func (t *transaction) run(ctx context.Context, seconds int, requests func(*transaction) error) (err error) {
	if t.store, err = t.ObjectStore(objectStore); err == nil {
		err = requests(t)
	}
	if err != nil {
		t.refuse(err)
		return err
	}
	watched, stop := watch(ctx, seconds)
	defer stop()
	err = t.Await(watched)
	switch {
	case t.refused != nil: // what is aborted on purpose ends with another error, or none
		return t.refused
	case err == context.Canceled && unanswered(watched):
		return errUnanswered
	}
	return err
}

// dead reports whether an error says that the connection is of no use any more.
func dead(err error) bool {
	return isNamed(err, "InvalidStateError") || isNamed(err, "UnknownError")
}
