package sync

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/stowage-db/stowage/store"
)

// answering is a statement that the origin is to answer.
type answering struct {
	*reading
	statement Statement
	versions  string // see keptAnswer
	kept      *keptAnswer
}

// ask has the origin answer the statement, as the mode says, unless it has. A statement that
// it does not understand waits for the shapes.
func (s *reading) ask(ctx context.Context, yield func(store.Row, error) bool) error {
	found, err := s.answered(ctx)
	var u *Unanswered
	if errors.As(err, &u) && u.Status == http.StatusBadRequest {
		if pulled, failed := s.pulled(ctx); pulled || failed != nil {
			if failed == nil {
				failed = s.run(ctx, yield)
			}
			return failed
		}
	}
	if err != nil {
		return err
	}
	for _, values := range found.Rows {
		row, err := store.NewRow(found.Columns, values)
		if err != nil {
			return err
		}
		if !yield(row, nil) {
			return nil
		}
	}
	return nil
}

// pulled waits for the shapes that were lacking, and tells whether all are here.
func (s *reading) pulled(ctx context.Context) (bool, error) {
	for _, name := range s.lacking {
		if here, err := s.view.whole(ctx, s.view.models[name], false); !here || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (s *reading) answered(ctx context.Context) (*Found, error) {
	v := s.view
	for i, value := range s.values {
		if s.values[i] = settled(value); value != nil && !scalar(s.values[i]) {
			return nil, &store.Error{Code: store.InvalidArgument, Op: "ask the origin a statement with a value that is no text, number or boolean"}
		}
	}
	since := v.loader.answers()
	a, err := s.answering(ctx, v.translated(s.text, s.values))
	if err != nil {
		return nil, err
	}
	mode, maxAge := a.wish()
	before := *a // loading may go on when nobody waits any more
	q := question{lacking: s.lacking, list: []wanted{{record: a.record()}}, since: since, load: before.load}
	if err := v.meet(ctx, mode, []state{v.loader.answerState(a.kept, maxAge)}, q); err != nil {
		return nil, err
	}
	if err := a.look(ctx); err != nil || a.kept != nil {
		return a.found(), err
	}
	return v.query(ctx, a.statement) // it gave way to others at once
}

// answering looks for the answer to a statement.
func (s *reading) answering(ctx context.Context, statement Statement) (*answering, error) {
	a := &answering{reading: s, statement: statement}
	var versions []any
	err := s.view.env.View(ctx, func(tx *store.Tx) error {
		versions = nil
		for _, m := range s.models {
			if !m.spec.Pulled {
				continue
			}
			position, err := s.view.puller.pulls[m.name].shape.stored(tx)
			if err != nil {
				return err
			}
			if position.Complete {
				versions = append(versions, m.name, position.Handle, position.Offset)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.versions = listText(versions...)
	return a, a.look(ctx)
}

// record tells the statement from all others.
func (a *answering) record() string { return listText(a.statement.SQL, typed(a.statement.Params)) }

func (a *answering) look(ctx context.Context) error {
	return a.view.env.View(ctx, func(tx *store.Tx) (err error) {
		a.kept, err = readAnswer(tx, a.record(), a.versions)
		return err
	})
}

func (a *answering) found() *Found {
	if a.kept == nil {
		return nil
	}
	return &a.kept.found
}

// wish is what is wanted of all models: the least mode, and the least age that is too much.
func (a *answering) wish() (mode Mode, maxAge time.Duration) {
	mode = a.view.Mode()
	for _, m := range a.models {
		mode = least(mode, m.spec.Mode)
		if age := a.view.maxAge(m, 0); age > 0 && (maxAge == 0 || age < maxAge) {
			maxAge = age
		}
	}
	return mode, maxAge
}

// load asks the origin, and keeps what it answers.
func (a *answering) load(ctx context.Context, _ []wanted) error {
	v, statement := a.view, a.statement
	next := &keptAnswer{hash: hashOf(a.record()), asked: a.record(), versions: a.versions}
	if a.kept != nil {
		statement.ETag, next.found = a.kept.found.ETag, a.kept.found
	}
	found, err := v.query(ctx, statement)
	if err != nil {
		return err
	}
	if found != nil {
		next.found = *found
	}
	if err := next.keep(ctx, v.env); err != nil {
		return err
	}
	v.loader.mu.Lock()
	defer v.loader.mu.Unlock()
	v.loader.fresh[next.asked] = next.at
	return nil
}
