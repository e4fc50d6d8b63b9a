package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"

	"github.com/stowage-db/stowage/query/sql"
)

// Staged is how many writes wait for the next log record: tests use it to know that
// others have come behind a commit under way.
func (e *Env) Staged() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.staged == nil {
		return 0
	}
	n := 0
	for _, m := range e.staged.members {
		n += m.tx.writes.len()
	}
	return n
}

// Later moves an environment's clock.
func (e *Env) Later(by time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now
	e.now = func() time.Time { return now().Add(by) }
}

// Inner opens one of the databases that make up a table, so that tests see what it
// holds.
func (tx *Tx) Inner(name string) (*DB, error) { return tx.inner(name) }

// plainSealer seals without modifiers.
func plainSealer() *sealer {
	s, err := newSealer(nil)
	if err != nil {
		panic(err)
	}
	return s
}

// Seal makes an export of plain parts, with checksums that are right, whatever
// is in them: tests reach what lies behind the checksums with it.
func Seal(parts ...[]byte) []byte {
	var out bytes.Buffer
	w := &partWriter{ctx: context.Background(), out: &out, sealer: plainSealer()}
	_ = w.write(append([]byte(signature), exportVersion)) // a buffer does not fail
	for _, plain := range parts {
		w.plain = append(w.plain[:0], plain...)
		_ = w.flush()
	}
	return out.Bytes()
}

// Parts cuts an export into its parts, the signature first.
func Parts(export []byte) [][]byte {
	parts := [][]byte{export[:len(signature)+1]}
	for rest := export[len(signature)+1:]; len(rest) > 0; {
		n := 4 + binary.BigEndian.Uint32(rest)
		parts, rest = append(parts, rest[:n]), rest[n:]
	}
	return parts
}

// Plain are the plain parts of an export that passed no modifiers.
func Plain(export []byte) [][]byte {
	var plain [][]byte
	r := &partReader{ctx: context.Background(), in: bytes.NewReader(export[len(signature)+1:]), sealer: plainSealer()}
	for {
		sealed, err := r.frame()
		if err != nil || r.part(sealed) != nil {
			return plain
		}
		plain = append(plain, r.rest)
	}
}

// SQL gives tests what statements prepare and run with.
func (tx *Tx) SQL() (sql.Catalog, sql.Source) { return &dictionary{tx: tx}, &statement{tx: tx} }

// Touched tells whether something changed that the last View has read.
func (w *Watch) Touched() bool {
	w.env.mu.Lock()
	defer w.env.mu.Unlock()
	return w.due != 0
}

// Kept is how many bytes are kept with pages.
func (e *Env) Kept() (n int) {
	c := e.pages.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, held := range c.pages {
		n += held.kept
	}
	return n
}
