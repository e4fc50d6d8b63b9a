package sync

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stowage-db/stowage/store"
)

// asked runs a statement over a view and returns what stands in its only row and column.
func asked(t *testing.T, v *View, text string, values ...any) (only any, err error) {
	t.Helper()
	for row, err := range v.SQL(t.Context(), text, values...) {
		if err != nil {
			return nil, err
		}
		only = row.At(0)
	}
	return only, nil
}

// A statement is answered out of shapes that are here as a whole, with a network or without,
// and names those that are not.
func TestSQLOverAView(t *testing.T) {
	ctx := t.Context()
	w := newCities(t, 300)
	env := newEnv(t)
	var cut atomic.Bool
	var passed atomic.Int64
	w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
		if cut.Load() && passed.Add(1) > 2 {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(out, in)
	})
	cut.Store(true)
	open := func(mode Mode) *View {
		v := NewView(env, w.options(mode))
		NewModel[anyRow](v, "cities", ModelSpec{Table: "cities", Key: []string{"id"}, Pulled: true})
		NewModel[anyRow](v, "loaded", ModelSpec{Table: "cities", Key: []string{"id"}})
		must(t, v.Open(ctx))
		t.Cleanup(v.Close)
		return v
	}
	none := open(Offline)
	_, err := asked(t, none, "SELECT count(*) FROM cities")
	fails(t, store.Incomplete, err)
	none.Close()

	v := open(OfflineFallback)
	until(t, v.puller, func(now Progress) bool { return now.Rows > 0 && now.Err != nil })
	_, err = asked(t, v, "SELECT count(*) FROM cities WHERE id > ?", 5)
	fails(t, store.Incomplete, err)
	var told *store.Error
	if !errors.As(err, &told) || told.Name != "cities" {
		t.Errorf("what is missing is not named: %v", err)
	}
	v.Close()
	cut.Store(false)
	v = open(PreferCache)
	until(t, v.puller, func(now Progress) bool { return now.Complete })
	n, err := asked(t, v, "SELECT count(*) FROM cities WHERE id > ?", 5)
	if err != nil || n != int64(295) {
		t.Errorf("counted %v, %v", n, err)
	}
	v.SetMode(Offline)
	w.passing(func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) })
	if n, err = asked(t, v, "SELECT max(id) FROM cities"); err != nil || n != int64(300) {
		t.Errorf("offline: %v, %v", n, err)
	}
	_, err = asked(t, v, "DELETE FROM cities")
	fails(t, store.ReadOnly, err)
	_, err = asked(t, v, "SELECT 1 FROM towns")
	fails(t, store.UnknownTable, err)
	v.Close()
	_, err = asked(t, v, "SELECT 1 FROM cities")
	fails(t, store.NotLive, err)
}

// The origin is asked what cannot be answered here, in its own words.
func TestStatementsForTheOrigin(t *testing.T) {
	v := NewView(newEnv(t), ViewOptions{})
	NewModel[anyRow](v, "cities", ModelSpec{Table: "main.cities", Key: []string{"id"}})
	NewModel[anyRow](v, "norse", ModelSpec{Table: "cities", Key: []string{"id"}, Columns: []string{"id", "na\"me"}, Pulled: true, Where: "country = $1 or '$1' = $2", Params: []string{"NO", "x"}})
	NewModel[anyRow](v, "se", ModelSpec{Table: "cities", Key: []string{"id"}, Pulled: true, Where: "country = 'SE'"})
	for _, c := range []struct {
		text, want string
		params     []any
		values     int
	}{
		{"select * from cities", `select * from main.cities as "cities"`, nil, 0},
		{"select 1  -- from cities\n from /* cities */ CITIES c;", `select 1   from   main.cities c`, nil, 0},
		{`select 'from cities ?', "cities".id from "cities" as c where id = ? and id <= ?`, `select 'from cities ?', "cities".id from main.cities as c where id = $1 and id <= $2`, []any{1, 2}, 2},
		{"select * from a, cities where id=?2 and x is not distinct from cities and y = ?", `select * from a, main.cities as "cities" where id=$2 and x is not distinct from cities and y = $3`, []any{1, 2, 3}, 3},
		{"select (select max(id) from cities where x in (select id from cities, se)) from (cities join norse on f(cities, 1), cities)", `select (select max(id) from main.cities as "cities" where x in (select id from main.cities as "cities", (select * from cities where country = 'SE') as "se")) from (main.cities as "cities" join (select "id", "na""me" from cities where country = $1 or '$1' = $2) as "norse" on f(cities, 1), main.cities as "cities")`, []any{"NO", "x"}, 0},
		{"select * from norse where id = ? union select * from norse n where cities = 1", `select * from (select "id", "na""me" from cities where country = $2 or '$1' = $3) as "norse" where id = $1 union select * from (select "id", "na""me" from cities where country = $2 or '$1' = $3) n where cities = 1`, []any{1, "NO", "x"}, 1},
		{"select * from cities.x, cities(1) left join cities on 1 group by cities, cities", `select * from cities.x, cities(1) left join main.cities as "cities" on 1 group by cities, cities`, nil, 0},
	} {
		got := v.translated(c.text, c.params[:c.values])
		if got.SQL != c.want || !reflect.DeepEqual(append([]any{}, got.Params...), append([]any{}, c.params...)) {
			t.Errorf("%s:\n got %s %v\nwant %s %v", c.text, got.SQL, got.Params, c.want, c.params)
		}
	}
}

// asking opens a view of cities that are loaded when they are asked for, and of some that
// are pulled.
func (w *world) asking(env *store.Env, mode Mode) (*View, *Model[anyRow]) {
	v := NewView(env, w.options(mode))
	NewModel[anyRow](v, "towns", ModelSpec{Table: "cities", Key: []string{"id"}})
	cities := NewModel[anyRow](v, "cities", ModelSpec{Table: "cities", Key: []string{"id"}, Columns: []string{"id", "name"}, Pulled: true, Where: "id <= $1", Params: []string{"20"}})
	must(w, v.Open(w.Context()))
	w.Cleanup(v.Close)
	return v, cities
}

// queries counts the statements that were put to the origin since the last time.
func (w *world) queries() int {
	return len(slices.DeleteFunc(w.took(), func(asked string) bool { return asked != "POST /v1/query" }))
}

// What is not here as a whole is asked of the origin, as the mode says, and what it has
// answered is kept as long as nothing has changed.
func TestSQLAsksTheOrigin(t *testing.T) {
	w := newCities(t, 30)
	env := newEnv(t)
	const text = "SELECT count(*) AS n FROM towns WHERE id > ?"
	counts := func(v *View, want any, queries int, values ...any) {
		t.Helper()
		if n, err := asked(t, v, text, values...); err != nil || n != want {
			t.Errorf("counted %v, %v, want %v", n, err, want)
		}
		if n := w.queries(); n != queries {
			t.Errorf("the origin was asked %d times, want %d", n, queries)
		}
	}
	v, _ := w.asking(env, Freshen)
	until(t, v.puller, func(now Progress) bool { return now.Complete })
	w.queries()
	counts(v, int64(25), 1, 5)
	counts(v, int64(25), 0, 5)
	counts(v, int64(24), 1, 6)
	if n, err := asked(t, v, "SELECT count(*) FROM cities"); err != nil || n != int64(20) || w.queries() != 0 {
		t.Errorf("what is here was asked for: %v, %v", n, err)
	}
	if n, err := asked(t, v, "SELECT max(t.name) FROM towns t JOIN cities c ON c.id = t.id WHERE c.id < ?", 3); err != nil || n != "City 2 – ø" {
		t.Errorf("a join of what is here and what is not: %v, %v", n, err)
	}
	v.Close()
	w.queries()

	v, _ = w.asking(env, PreferCache)
	counts(v, int64(25), 0, 5)
	counts(v, int64(23), 1, 7)
	v.SetMode(Offline)
	counts(v, int64(25), 0, 5)
	_, err := asked(t, v, text, 8)
	fails(t, store.Incomplete, err)
	var told *store.Error
	if !errors.As(err, &told) || told.Name != "towns" {
		t.Errorf("what is missing is not named: %v", err)
	}
	v.Close()

	// Nothing is sent again that has not changed, and what has is.
	bodies := 0
	w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
		watched := &statusWriter{ResponseWriter: out}
		next.ServeHTTP(watched, in)
		if in.Method == http.MethodPost && watched.status == http.StatusOK {
			bodies++
		}
	})
	v, _ = w.asking(env, Freshen)
	counts(v, int64(25), 1, 5)
	if bodies != 0 {
		t.Error("an answer that is here was sent again")
	}
	v.Close()
	w.exec("DELETE FROM cities WHERE id = 30")
	v, _ = w.asking(env, Freshen)
	counts(v, int64(24), 1, 5)
	v.Close()

	w.passing(func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) })
	v, _ = w.asking(env, OfflineFallback)
	counts(v, int64(24), 1, 5)
	_, err = asked(t, v, text, 9)
	fails(t, store.Incomplete, err)
	v.SetMode(CacheFirst)
	if n, err := asked(t, v, text, 5); err != nil || n != int64(24) {
		t.Errorf("cache first: %v, %v", n, err)
	}
	v.SetMode(Freshen)
	_, err = asked(t, v, text, 5)
	fails(t, store.OriginFailed, err)
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// An answer that names a shape is none any more once that has changed.
func TestAnswersEndWithTheirShapes(t *testing.T) {
	w := newCities(t, 30)
	env := newEnv(t)
	v, _ := w.asking(env, PreferCache)
	until(t, v.puller, func(now Progress) bool { return now.Complete })
	const text = "SELECT count(*) FROM cities, towns"
	if n, err := asked(t, v, text); err != nil || n != int64(600) {
		t.Fatalf("%v, %v", n, err)
	}
	w.exec("DELETE FROM cities WHERE id = 1")
	w.poll()
	if n, err := asked(t, v, text); err != nil || n != int64(600) {
		t.Errorf("an answer was not kept: %v, %v", n, err)
	}
	must(t, v.puller.Refresh(t.Context(), "cities"))
	if n, err := asked(t, v, text); err != nil || n != int64(19*29) {
		t.Errorf("an answer was kept for too long: %v, %v", n, err)
	}
}

// Of answers no more are kept than are said, the oldest go.
func TestAnswersAreBounded(t *testing.T) {
	w := newCities(t, 5)
	env := newEnv(t)
	v, _ := w.asking(env, Freshen)
	for i := range answersKept + 6 {
		if n, err := asked(t, v, fmt.Sprintf("SELECT max(id) + %d FROM towns", i)); err != nil || n != int64(5+i) {
			t.Fatalf("%v, %v", n, err)
		}
	}
	counted(t, env, answersKept)
	big := keptAnswer{hash: "big", found: Found{Bytes: bytesKept + 1}}
	must(t, big.keep(t.Context(), env))
	counted(t, env, 1)
}

// counted fails where another number of answers is kept.
func counted(t *testing.T, env *store.Env, want int64) {
	t.Helper()
	for row, err := range env.Query(t.Context(), `SELECT count(*) FROM "sync answers"`) {
		if err != nil || row.At(0) != want {
			t.Errorf("%v answers are kept, want %d: %v", row.At(0), want, err)
		}
	}
}

// Statements see what was changed here, over shapes that are here as a whole.
func TestSQLSeesLocalChanges(t *testing.T) {
	ctx := t.Context()
	w := newCities(t, 30)
	env := newEnv(t)
	v, cities := w.asking(env, Freshen)
	until(t, v.puller, func(now Progress) bool { return now.Complete })
	const text = "SELECT count(*) || ' ' || sum(id) || ' ' || group_concat(name, '+') FILTER (WHERE id IN (2, 40)) FROM cities"
	seen := func(want string) {
		t.Helper()
		if got, err := asked(t, v, text); err != nil || got != want {
			t.Errorf("got %v, %v, want %s", got, err, want)
		}
	}
	seen("20 210 City 2 – ø")
	_, err := cities.Change(ctx, 2, map[string]any{"name": "mine"})
	must(t, err)
	_, err = cities.Add(ctx, map[string]any{"id": 40, "name": "new"})
	must(t, err)
	must(t, cities.Remove(ctx, 20))
	seen("20 230 mine+new")
	if doc := get(t, env, "cities", 2); doc["name"] != "City 2 – ø" {
		t.Errorf("a change went into the rows: %v", doc)
	}
	v.SetMode(Offline)
	seen("20 230 mine+new")
	_, err = v.Discard(ctx, "", nil)
	must(t, err)
	seen("20 210 City 2 – ø")
}
