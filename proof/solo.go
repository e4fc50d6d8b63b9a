package main

import (
	"context"
	"fmt"
	"hash"
	"hash/fnv"

	"github.com/stowage-db/stowage/store"
)

// solo runs a history step after step on one environment, comparing all that it
// is told with plain contents. What a history gives does not depend on where it
// runs, nor with which options.
type solo struct {
	connect func() (store.Backend, error) // reaches the same blobs each time
	options store.Options

	env     *store.Env
	held    []holding
	now     contents
	results hash.Hash64
	done    int64
}

// holding is a reading transaction that stays open while others write.
type holding struct {
	tx   *store.Tx
	seen contents
}

// run returns a digest of everything that the operations gave.
func (s *solo) run(steps []step) (digest uint64, err error) {
	s.results = fnv.New64a()
	if err := s.open(); err != nil {
		return 0, err
	}
	defer func() {
		if closed := s.close(); err == nil {
			err = closed
		}
	}()
	for i := range steps {
		if err := s.step(&steps[i]); err != nil {
			return 0, fmt.Errorf("step %d, %v: %w", i+1, steps[i], err)
		}
	}
	for _, last := range []step{{kind: checkpoint}, {kind: reopen}, {kind: view}, {kind: check}} {
		if err := s.step(&last); err != nil {
			return 0, fmt.Errorf("in the end, %v: %w", last, err)
		}
	}
	return s.results.Sum64(), nil
}

func (s *solo) open() error {
	backend, err := s.connect()
	if err != nil {
		return err
	}
	s.env, err = openEnv(context.Background(), backend, s.options)
	return err
}

func (s *solo) close() error {
	for len(s.held) > 0 {
		if err := s.release(); err != nil {
			return err
		}
	}
	return s.env.Close(context.Background())
}

func (s *solo) step(st *step) error {
	ctx := context.Background()
	switch st.kind {
	case update, optimistic:
		return s.write(st)
	case view:
		return s.view(st)
	case hold:
		tx, err := s.env.Begin(ctx, false)
		s.held = append(s.held, holding{tx, s.now})
		return err
	case release:
		return s.release()
	case checkpoint:
		return s.env.Checkpoint(ctx)
	case rotate:
		return rotateKeys(s.env)
	case reopen:
		if err := s.close(); err != nil {
			return err
		}
		return s.open()
	default:
		return clean(s.env, -1)
	}
}

func (s *solo) write(st *step) error {
	begin := s.env.BeginExclusive
	if st.kind == optimistic {
		begin = func(ctx context.Context) (*store.Tx, error) { return s.env.Begin(ctx, true) }
	}
	tx, err := begin(context.Background())
	if err != nil {
		return err
	}
	defer tx.Rollback()
	p := performer{tx: tx, draft: newDraft(s.now), results: s.results}
	err = p.all(st.operations)
	s.done += p.done
	if err != nil || st.giveUp {
		return err
	}
	if st.strict {
		tx.SetDurability(store.Strict)
	}
	if err := tx.Commit(context.Background()); err != nil {
		return err
	}
	s.now = p.draft.now()
	return nil
}

func (s *solo) view(st *step) error {
	return s.env.View(context.Background(), func(tx *store.Tx) error {
		if err := s.compare(tx, s.now); err != nil {
			return err
		}
		p := performer{tx: tx, draft: newDraft(s.now), results: s.results}
		err := p.all(st.operations)
		s.done += p.done
		return err
	})
}

// release compares what the oldest transaction held still sees, and ends it.
func (s *solo) release() error {
	if len(s.held) == 0 {
		return nil
	}
	oldest := s.held[0]
	s.held = s.held[1:]
	defer oldest.tx.Rollback()
	return s.compare(oldest.tx, oldest.seen)
}

func (s *solo) compare(tx *store.Tx, want contents) error {
	got, err := everything(tx, true)
	if err != nil {
		return err
	}
	if d := difference(got, want); d != "" {
		return wrong("%s", d)
	}
	return nil
}
