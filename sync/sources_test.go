package sync

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	stdsync "sync"
	"sync/atomic"
	"testing"

	"github.com/stowage-db/stowage/store"
)

// Static files are pulled, and what a later export adds.
func TestStaticExport(t *testing.T) {
	w := newCities(t, 300)
	dir := t.TempDir()
	export := func() {
		t.Helper()
		_, err := w.origin.Export(t.Context(), dir)
		must(t, err)
	}
	export()
	var down atomic.Int64
	var asked stdsync.Map
	files := http.FileServer(http.Dir(dir))
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if down.Add(-1) >= 0 {
			out.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if _, twice := asked.LoadOrStore(in.URL.Path, true); twice && in.URL.Path != "/manifest.json" {
			t.Errorf("%s was asked for twice", in.URL.Path)
		}
		files.ServeHTTP(out, in)
	}))
	defer server.Close()
	env := newEnv(t)
	p := w.pull(env, func(o *PullOptions) { o.Source = StaticExport(server.URL) })
	must(t, p.Complete(t.Context()))
	w.equals(env)

	w.exec("UPDATE cities SET name = 'Changed' WHERE id % 7 = 0")
	w.exec("DELETE FROM cities WHERE id % 5 = 0")
	export()
	must(t, p.Refresh(t.Context()))
	w.equals(env)

	w.restart(true) // it has another handle
	w.addCities(1000, 1100)
	export()
	down.Store(2)
	for p.Refresh(t.Context()) != nil && t.Context().Err() == nil {
	}
	w.equals(env)

	old, err := os.ReadFile(dir + "/manifest.json")
	must(t, err)
	w.exec("DELETE FROM cities WHERE id > 1050")
	export()
	must(t, p.Refresh(t.Context()))
	must(t, os.WriteFile(dir+"/manifest.json", old, 0o600))
	fails(t, store.OriginFailed, p.Refresh(t.Context()))
	w.equals(env) // an older manifest is none

	for _, spec := range []ShapeSpec{{Table: "gone"}, {Table: "cities", Where: "id = 1"}} {
		wrong := w.pull(newEnv(t), func(o *PullOptions) {
			o.Source = StaticExport(server.URL)
			o.Shapes = map[string]ShapeSpec{"cities": spec}
		})
		if code := store.CodeOf(wrong.Complete(t.Context())); code != store.NotFound && code != store.Unsupported {
			t.Errorf("%+v: %s", spec, code)
		}
	}
}

// Lists in pages are read as a whole each time.
func TestREST(t *testing.T) {
	var rows atomic.Pointer[[]map[string]any]
	var asked []string
	fill := func(ids ...int) {
		list := []map[string]any{}
		for _, id := range ids {
			list = append(list, map[string]any{"id": id, "name": fmt.Sprintf("Row %d of %d", id, len(ids))})
		}
		rows.Store(&list)
	}
	all := make([]int, 25)
	for i := range all {
		all[i] = i + 1
	}
	fill(all...)
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		asked = append(asked, in.URL.RawQuery)
		after, _ := strconv.Atoi(in.URL.Query().Get("after"))
		page := []map[string]any{}
		for _, row := range *rows.Load() {
			if row["id"].(int) > after && len(page) < 10 {
				page = append(page, row)
			}
		}
		must(t, json.NewEncoder(out).Encode(map[string]any{"items": page}))
	}))
	defer server.Close()
	source := REST(RESTOptions{
		Limit: 10,
		Page: func(shape ShapeSpec, after any, limit int) string {
			if after == nil {
				return fmt.Sprintf("%s/%s?limit=%d", server.URL, shape.Table, limit)
			}
			return fmt.Sprintf("%s/%s?limit=%d&after=%v", server.URL, shape.Table, limit, after)
		},
		Rows: func(answer []byte) ([]byte, error) {
			var page struct{ Items json.RawMessage }
			err := json.Unmarshal(answer, &page)
			return page.Items, err
		},
	})
	env := newEnv(t)
	p, err := Pull(t.Context(), env, PullOptions{Source: source, Shapes: map[string]ShapeSpec{"rows": {Table: "rows"}}, Once: true, Retry: quick})
	must(t, err)
	defer p.Close()
	must(t, p.Complete(t.Context()))
	if want := []string{"limit=10", "limit=10&after=10", "limit=10&after=20"}; !slices.Equal(asked, want) {
		t.Errorf("%q", asked)
	}
	asked = nil
	fill(2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24)
	must(t, p.Refresh(t.Context()))
	if want := []string{"limit=10", "limit=10&after=20"}; !slices.Equal(asked, want) {
		t.Errorf("%q", asked)
	}
	if found := shown(t, env, "rows"); len(found) != 12 || found[24] != "map[id:24 name:Row 24 of 12]" {
		t.Errorf("%v", found)
	}
}

// The changes of a database of CouchDB are followed, and another one in its place is seen.
func TestCouch(t *testing.T) {
	type change struct {
		ID      string         `json:"id"`
		Deleted bool           `json:"deleted,omitempty"`
		Doc     map[string]any `json:"doc,omitempty"`
	}
	var mu stdsync.Mutex
	uuid := "first"
	changes := []change{{ID: "_design/any", Doc: map[string]any{"_id": "_design/any"}}}
	for i := range 2300 {
		id := fmt.Sprintf("city/%d", i)
		changes = append(changes, change{ID: id, Doc: map[string]any{"_id": id, "_rev": "1-a", "size": float64(i) / 8, "tags": []any{"a", i}}})
	}
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if in.URL.Path == "/cities" {
			must(t, json.NewEncoder(out).Encode(map[string]any{"uuid": uuid}))
			return
		}
		since, _ := strconv.Atoi(in.URL.Query().Get("since"))
		limit, _ := strconv.Atoi(in.URL.Query().Get("limit"))
		end := min(len(changes), since+limit)
		must(t, json.NewEncoder(out).Encode(map[string]any{"results": changes[since:end], "last_seq": end}))
	}))
	defer server.Close()
	env := newEnv(t)
	p, err := Pull(t.Context(), env, PullOptions{Source: Couch(server.URL), Shapes: map[string]ShapeSpec{"cities": {Table: "cities"}}, Once: true, Retry: quick})
	must(t, err)
	defer p.Close()
	must(t, p.Complete(t.Context()))
	if got := get(t, env, "cities", "city/9"); row(got) != "map[_id:city/9 _rev:1-a size:1.125 tags:[a 9]]" {
		t.Errorf("%v", got)
	}
	mu.Lock()
	changes = append(changes, change{ID: "city/1", Doc: map[string]any{"_id": "city/1", "name": "other"}}, change{ID: "city/2", Deleted: true})
	mu.Unlock()
	must(t, p.Refresh(t.Context()))
	if got := get(t, env, "cities", "city/1"); got["name"] != "other" || get(t, env, "cities", "city/2") != nil || p.Progress()["cities"].Rows != 2299 {
		t.Errorf("%v, %+v", got, p.Progress())
	}
	mu.Lock()
	uuid, changes = "second", changes[:11]
	mu.Unlock()
	must(t, p.Refresh(t.Context()))
	if n := p.Progress()["cities"].Rows; n != 10 {
		t.Errorf("%d rows of the other database", n)
	}
}
