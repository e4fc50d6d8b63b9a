package main

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/stowage-db/stowage/store"
)

// lineage is the oracle of writers that may crash, fail and race. Every
// transaction reads the number of the one before and writes its own, so that
// each knows its parent, and what is found in a store later says by itself which
// transactions it must hold the work of: those from the root down to the number
// found, all of them and no others.
type lineage struct {
	moments []moment // by number; the first is the empty store
	acks    []ack
}

// moment is what a transaction left, were it to commit.
type moment struct {
	parent     int
	held       contents
	rolledBack bool // given up by its own function: nothing of it may ever be seen
}

// ack is a commit that was reported as done.
type ack struct {
	number  int
	strict  bool
	changes int // of the platform by then
	durable int // of them, those that a power cut leaves
}

const (
	lineageDB  = "lineage"
	lineageKey = "now"
)

func newLineage() *lineage { return &lineage{moments: make([]moment, 1)} }

// now reads the number of the last transaction that a transaction sees.
func (l *lineage) now(tx *store.Tx) (int, error) {
	db, err := tx.DB(lineageDB)
	if store.CodeOf(err) == store.NotFound {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	stored, found, err := db.Get([]byte(lineageKey))
	if err != nil || !found {
		return 0, err
	}
	if len(stored) != 8 {
		return 0, wrong("a number of %d bytes", len(stored))
	}
	number := binary.BigEndian.Uint64(stored)
	if number >= uint64(len(l.moments)) {
		return 0, wrong("number %d was never written", number)
	}
	return int(number), nil
}

// errGivenUp makes a transaction roll back.
var errGivenUp = errors.New("given up on purpose")

// transact does a step's operations in a writing transaction and returns the
// number of what it leaves.
func (l *lineage) transact(tx *store.Tx, s *step) (int, error) {
	parent, err := l.now(tx)
	if err != nil {
		return 0, err
	}
	p := performer{tx: tx, draft: newDraft(l.moments[parent].held)}
	if err := p.all(s.operations); err != nil {
		return 0, err
	}
	number := len(l.moments)
	value := string(binary.BigEndian.AppendUint64(nil, uint64(number)))
	p.draft.open(lineageDB)
	p.draft.set(lineageDB+"\x00"+lineageKey, &value)
	l.moments = append(l.moments, moment{parent: parent, held: p.draft.now(), rolledBack: s.giveUp})
	db, err := tx.DB(lineageDB)
	if err == nil {
		err = db.Put([]byte(lineageKey), []byte(value))
	}
	if err == nil && s.giveUp {
		err = errGivenUp
	}
	return number, err
}

// verify compares all that a transaction sees, and returns its number.
func (l *lineage) verify(tx *store.Tx, back bool) (int, error) {
	number, err := l.now(tx)
	if err != nil {
		return 0, err
	}
	if l.moments[number].rolledBack {
		return 0, wrong("%d was rolled back, and is there", number)
	}
	got, err := everything(tx, back)
	if err != nil {
		return 0, err
	}
	if d := difference(got, l.moments[number].held); d != "" {
		return 0, wrong("not what transaction %d left: %s", number, d)
	}
	return number, nil
}

// includes reports whether what one transaction left holds the work of another.
func (l *lineage) includes(number, earlier int) bool {
	for number > earlier { // a parent's number is always the lower one
		number = l.moments[number].parent
	}
	return number == earlier
}

// lost says which acknowledged commit is missing from what a transaction left,
// if a crash left the first n changes of a platform; "" where none is.
func (l *lineage) lost(number, n int) error {
	for _, a := range l.acks {
		durability, due := "relaxed", a.changes <= n
		if a.strict && a.durable <= n {
			durability, due = "strict", true
		}
		if due && !l.includes(number, a.number) {
			return wrong("the %s commit of %d was acknowledged and is lost: found %d", durability, a.number, number)
		}
	}
	return nil
}

// update does a step as an exclusive transaction, optimistic as one that is run
// again after conflicts. They return the number of what was committed.
func (l *lineage) update(env *store.Env, s *step) (number int, err error) {
	err = env.Update(context.Background(), func(tx *store.Tx) error {
		tx.SetDurability(s.durability())
		var err error
		number, err = l.transact(tx, s)
		return err
	})
	return number, err
}

func (l *lineage) optimistic(env *store.Env, s *step) (int, error) {
	begin := func(ctx context.Context) (*store.Tx, error) { return env.Begin(ctx, true) }
	for attempt := 0; ; attempt++ {
		number, err := l.attempt(begin, s)
		if store.CodeOf(err) != store.Conflict || attempt == maxConflicts {
			return number, err
		}
		begin = env.BeginAgain
	}
}

// maxConflicts is how often an optimistic step is run again before its loss is
// its result.
const maxConflicts = 100

func (l *lineage) attempt(begin func(context.Context) (*store.Tx, error), s *step) (int, error) {
	tx, err := begin(context.Background())
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	tx.SetDurability(s.durability())
	number, err := l.transact(tx, s)
	if err != nil {
		return 0, err
	}
	return number, tx.Commit(context.Background())
}

func (s *step) durability() store.Durability {
	if s.strict {
		return store.Strict
	}
	return store.Relaxed
}
