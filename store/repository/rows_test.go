//go:build !js

package repository_test

import (
	"context"
	"database/sql"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/repository"
	"github.com/stowage-db/stowage/store/storetest"
	"github.com/stowage-db/stowage/sync"
	"github.com/stowage-db/stowage/sync/origin"
)

// cities is the model of a view whose origin serves a table of them, until the test ends.
func cities(t *testing.T, mode sync.Mode) (*sync.View, *sync.Model[map[string]any]) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, file := context.Background(), filepath.Join(t.TempDir(), "cities.sqlite")
	db, err := sql.Open("sqlite", file)
	must(err)
	_, err = db.ExecContext(ctx, "CREATE TABLE cities (id integer PRIMARY KEY, name text NOT NULL, mayor text, population real, capital boolean); INSERT INTO cities VALUES (1, 'Oslo: %', NULL, 1.5, true), (2, 'Bø', 'Ada', 1000000, false)")
	must(err)
	must(db.Close())
	source, err := origin.OpenSQLite(file)
	must(err)
	serving, err := origin.Open(ctx, source, origin.Config{Sidecar: filepath.Join(t.TempDir(), "sidecar"), Tables: []origin.Table{{Name: "cities"}}, Statement: true})
	must(err)
	t.Cleanup(func() { must(serving.Close()) })
	server := httptest.NewServer(serving.Handler())
	t.Cleanup(server.Close)
	view := sync.NewView(storetest.Open(t, memory.New(), store.Options{}), sync.ViewOptions{Origin: server.URL + "/v1/shape", Mode: mode})
	model := sync.NewModel[map[string]any](view, "cities", sync.ModelSpec{Table: "cities", Key: []string{"id"}})
	must(view.Open(ctx))
	t.Cleanup(view.Close)
	return view, model
}

// city is one of them as an entity.
type city struct {
	ID         int     `json:"id"`
	Name       string  `json:"name"`
	Mayor      *string `json:"mayor"`
	Population float64 `json:"population"`
	Capital    bool    `json:"capital"`
}

// rowsOf is a tier over cities.
func rowsOf(model *sync.Model[map[string]any]) repository.Tier {
	lookup := func(ctx context.Context, key []string) (map[string]any, error) {
		id, err := strconv.Atoi(key[0])
		if err != nil {
			return nil, nil // no city is called so
		}
		item, err := model.Get(ctx, id)
		if err != nil || item == nil {
			return nil, err
		}
		return item.Row()
	}
	return repository.NewRows(map[string]repository.Lookup{"city": lookup, "a city: % of it": lookup, "town": nil})
}

// TestRows holds that a cache stands over the view of an origin, which it asks once for
// what there is and once for what there is not, and never writes to.
func TestRows(t *testing.T) {
	ctx := context.Background()
	view, model := cities(t, sync.Freshen)
	fast, pass := inMemory(t)
	u := &tiers{t: t, fast: &probe{Tier: fast}, fallback: &probe{Tier: rowsOf(model)}, pass: pass}
	found, err := repository.NewHash[city, int](u.config("city"))
	u.done(err)
	mayor := "Ada"
	for range 2 {
		oslo, err := found.Query(1).Entity(ctx)
		if u.done(err); oslo != (city{ID: 1, Name: "Oslo: %", Population: 1.5, Capital: true}) {
			t.Errorf("read %+v", oslo)
		}
		if _, err := found.Query(3).Entity(ctx); store.CodeOf(err) != store.NotFound {
			t.Error(err)
		}
	}
	if reads, _ := u.fallback.calls(); reads != 2 {
		t.Errorf("the view was asked %d times", reads)
	}
	for range 2 {
		some, err := found.Query(2, repository.Fields("mayor", "population")).Entity(ctx)
		if u.done(err); *some.Mayor != mayor || some.Population != 1e6 || some.Name != "" {
			t.Errorf("read %+v", some)
		}
	}
	if fields := held(t, u.fast, "city:2", repository.KindHash).Value.Fields; !maps.Equal(fields, map[string]string{"id": "2", "name": "Bø", "mayor": "Ada", "population": "1000000", "capital": "0"}) {
		t.Errorf("the fast tier holds %q", fields)
	}
	u.fails(found.Add(ctx, city{ID: 1, Name: "Kristiania"}), store.ReadOnly)
	u.fails(found.Query(1).Delete(ctx), store.ReadOnly)
	if oslo, err := found.Query(1).Entity(ctx); err != nil || oslo.Name != "Oslo: %" {
		t.Errorf("after what was refused: %v, %v", oslo, err)
	}

	known, err := repository.NewBoolean[int](u.config("a city: % of it"))
	u.done(err)
	for id, want := range map[int]bool{1: true, 3: false} {
		if there, err := known.Query(id).Exists(ctx); err != nil || there != want {
			t.Errorf("city %d: %v, %v", id, there, err)
		}
	}
	sets, err := repository.NewSortedSet[int](u.config("city"))
	u.done(err)
	_, err = sets.Query(2, repository.NoMemory()).Entity(ctx)
	u.fails(err, store.Unsupported)
	for _, name := range []string{"village", "town"} {
		strange, err := repository.NewBoolean[int](u.config(name))
		u.done(err)
		_, err = strange.Query(1).Exists(ctx)
		u.fails(err, store.InvalidKey)
	}

	view.SetMode(sync.Offline)
	u.pass(time.Hour)
	if oslo, err := found.Query(1).Entity(ctx); err != nil || oslo.ID != 1 {
		t.Errorf("what the view has is %v, %v", oslo, err)
	}
	_, err = found.Query(9).Entity(ctx)
	u.fails(err, store.Offline)
	u.done(u.fallback.Close())
	_, err = found.Query(9).Entity(ctx)
	u.fails(err, store.Closed)
}
