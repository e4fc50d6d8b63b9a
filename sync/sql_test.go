package sync

import (
	"errors"
	"net/http"
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
