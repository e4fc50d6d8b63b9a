package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// catalogueModel is what databases there are, and what is kept with each.
type catalogueModel map[string]string

// seen fails where a transaction sees other databases than the model has.
func (m catalogueModel) seen(tx *store.Tx) error {
	for i := range 4 {
		name := fmt.Sprint("d", i)
		meta, there := m[name]
		db, err := tx.OpenDB(name)
		switch {
		case store.CodeOf(err) == store.NotFound && !there:
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		case !there || string(db.Meta()) != meta:
			return fmt.Errorf("%s holds %q, want %q, %t", name, db.Meta(), meta, there)
		}
	}
	return nil
}

// change does something to a database.
func (m catalogueModel) change(tx *store.Tx, random *rand.Rand) error {
	name := fmt.Sprint("d", random.IntN(4))
	db, err := tx.DB(name)
	if err != nil {
		return err
	}
	if random.IntN(3) == 0 {
		delete(m, name)
		return db.Drop()
	}
	m[name] = fmt.Sprint("meta ", random.IntN(100))
	return db.SetMeta([]byte(m[name]))
}

// TestCatalogueIsWhatWasCommitted: what is remembered of the catalogue is what a transaction's snapshot has, for those
// that began before it was changed, within those that change it, after those that came to nothing, and in other contexts.
func TestCatalogueIsWhatWasCommitted(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	ctx := context.Background()
	_, _, envs := contexts(t, 2, storetest.Small())
	random := rand.New(rand.NewPCG(1, 2))
	model := catalogueModel{}
	undone := errors.New("undone")
	for round := range rounds {
		writer, reader := envs[round%2], envs[random.IntN(2)]
		if err := reader.Sync(ctx); err != nil {
			t.Fatal(err)
		}
		old, err := reader.Begin(ctx, false)
		if err != nil {
			t.Fatal(err)
		}
		before, next, fails := model, model, random.IntN(4) == 0
		err = writer.Update(ctx, func(tx *store.Tx) error {
			next = maps.Clone(model)
			for range 1 + random.IntN(3) {
				if err := errors.Join(next.change(tx, random), next.seen(tx)); err != nil {
					return err
				}
			}
			if fails {
				return undone
			}
			return nil
		})
		if err != nil && (!fails || !errors.Is(err, undone)) {
			t.Fatalf("round %d: %v", round, err)
		}
		if err == nil {
			model = next
		}
		if err := before.seen(old); err != nil {
			t.Fatalf("round %d, in an older snapshot: %v", round, err)
		}
		old.Rollback()
		for _, env := range envs {
			if err := errors.Join(env.Sync(ctx), env.View(ctx, model.seen)); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
	}
}
