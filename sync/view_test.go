package sync

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	stdsync "sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

type rowA struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

type rowB struct {
	ID   int64  `json:"id"`
	A    *int64 `json:"a_id"`
	Name string `json:"name"`
}

type rowC struct {
	ID   int64  `json:"id"`
	B    int64  `json:"b_id"`
	Name string `json:"name"`
}

type anyRow = map[string]any

// newMusic serves two rows of a; of the first two of b and of the second one; of b3 no c.
// Tags of b1: x, y; of b2: y.
func newMusic(t testing.TB) *world {
	w := newWorld(t, nil, []string{"a", "b", "c", "tags", "taggings"},
		"CREATE TABLE a (id integer PRIMARY KEY, name text)", "INSERT INTO a VALUES (1, 'a1'), (2, 'a2')",
		"CREATE TABLE b (id integer PRIMARY KEY, a_id integer, name text)", "INSERT INTO b VALUES (1, 1, 'b1'), (2, 1, 'b2'), (3, 2, 'b3'), (4, NULL, 'b4')",
		"CREATE TABLE c (id integer PRIMARY KEY, b_id integer, name text)", "INSERT INTO c VALUES (1, 1, 'c1'), (2, 1, 'c2'), (3, 2, 'c3')",
		"CREATE TABLE tags (id text PRIMARY KEY, text text)", "INSERT INTO tags VALUES ('x', 'X'), ('y', 'Y')",
		"CREATE TABLE taggings (b_id integer, tag_id text, PRIMARY KEY (b_id, tag_id))", "INSERT INTO taggings VALUES (1, 'x'), (1, 'y'), (2, 'y')")
	w.poll()
	return w
}

// music is a view of it.
type music struct {
	*View
	a        *Model[rowA]
	b        *Model[rowB]
	c        *Model[rowC]
	tags     *Model[anyRow]
	taggings *Model[anyRow]

	bs, maybe, lasting *ToMany[rowA, rowB]
	only, onlyMaybe    *ToOne[rowA, rowB]
	parent             *ToOne[rowB, rowA]
	cs, cOfAll         *ToMany[rowB, rowC]
	tagsOf             *ToMany[rowB, anyRow]
}

func (w *world) options(mode Mode) ViewOptions {
	return ViewOptions{Origin: w.shapes(), Mode: mode, Retry: quick}
}

func newView(env *store.Env, o ViewOptions) *music {
	v := NewView(env, o)
	id := []string{"id"}
	m := &music{
		View: v,
		a:    NewModel[rowA](v, "a", ModelSpec{Table: "main.a", Key: id}),
		b:    NewModel[rowB](v, "b", ModelSpec{Table: "b", Key: id, Columns: []string{"id", "a_id", "name"}}),
		c:    NewModel[rowC](v, "c", ModelSpec{Table: "c", Key: id}),
		tags: NewModel[anyRow](v, "tags", ModelSpec{Table: "tags", Key: id}),
	}
	m.taggings = NewModel[anyRow](v, "taggings", ModelSpec{Table: "taggings", Key: []string{"b_id", "tag_id"}})
	m.bs = Many(m.a, "bs", m.b, "a_id", RelationOptions{})
	m.maybe = Many(m.a, "maybe", m.b, "a_id", RelationOptions{OrNothing: true})
	m.lasting = Many(m.a, "lasting", m.b, "a_id", RelationOptions{Mode: PreferCache})
	m.only = One(m.a, "only", m.b, "a_id", RelationOptions{})
	m.onlyMaybe = One(m.a, "onlyMaybe", m.b, "a_id", RelationOptions{OrNothing: true})
	m.parent = Parent(m.b, "a", m.a, "a_id", RelationOptions{})
	m.cs = Many(m.b, "cs", m.c, "b_id", RelationOptions{})
	m.cOfAll = Query(m.b, "cOfAll", m.c, QuerySpec{Tag: "of all", Where: "b_id > $1"},
		func(rowB) []any { return []any{0} }, func(b rowB, c rowC) bool { return c.B == b.ID }, RelationOptions{})
	m.tagsOf = Through(m.b, "tags", m.tags, m.taggings, "b_id", "tag_id", RelationOptions{})
	return m
}

// opened opens a view until the test ends.
func (w *world) opened(env *store.Env, mode Mode) *music {
	w.Helper()
	m := newView(env, w.options(mode))
	must(w, m.Open(w.Context()))
	w.Cleanup(m.Close)
	return m
}

// counts fails where not so many requests were sent since the last time.
func (w *world) counts(want int) {
	w.Helper()
	if asked := w.took(); len(asked) != want {
		w.Errorf("%d requests, want %d: %q", len(asked), want, asked)
	}
}

// cut has no request reach the origin, or all where it is false.
func (w *world) cut(off bool) {
	if !off {
		w.passing(nil)
		return
	}
	w.passing(func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) })
}

// there returns what came without an error.
func there[T any](t testing.TB) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		must(t, err)
		return v
	}
}

func name(t testing.TB, item any) string {
	t.Helper()
	switch item := item.(type) {
	case *Item[rowA]:
		return there[rowA](t)(item.Row()).Name
	case *Item[rowB]:
		return there[rowB](t)(item.Row()).Name
	case *Item[rowC]:
		return there[rowC](t)(item.Row()).Name
	case *Item[anyRow]:
		return there[anyRow](t)(item.Row())["text"].(string)
	}
	return ""
}

func names[T any](t testing.TB, list []*Item[T], err error) string {
	t.Helper()
	must(t, err)
	all := make([]string, len(list))
	for i, item := range list {
		all[i] = name(t, item)
	}
	return strings.Join(all, " ")
}

// Objects and their relations are asked for once, and never by those who need not.
func TestScenario52_RequestsOfAView(t *testing.T) {
	ctx := t.Context()
	w := newMusic(t)
	env := newEnv(t)
	v := w.opened(env, Freshen)
	a := there[*Item[rowA]](t)(v.a.Get(ctx, 1))
	w.counts(1)
	bs := there[[]*Item[rowB]](t)(v.bs.Of(ctx, a))
	w.counts(1)
	if got := names(t, bs, nil); name(t, a) != "a1" || got != "b1 b2" {
		t.Fatalf("%s", got)
	}
	for _, b := range bs {
		if there[*Item[rowA]](t)(v.parent.Of(ctx, b)) != a {
			t.Error("the parent is another item")
		}
	}
	again := there[[]*Item[rowB]](t)(v.bs.Of(ctx, a))
	if !slices.Equal(again, bs) || there[*Item[rowA]](t)(v.a.Get(ctx, int64(1))) != a || there[*Item[rowB]](t)(v.b.Get(ctx, 2)) != bs[1] {
		t.Error("the same rows are other items")
	}
	w.counts(0)
	v.Close()
	for _, mode := range []Mode{PreferCache, Offline} {
		later := w.opened(env, mode)
		other := there[*Item[rowA]](t)(later.a.Get(ctx, 1))
		children := there[[]*Item[rowB]](t)(later.bs.Of(ctx, other))
		if other == a || there[*Item[rowA]](t)(later.parent.Of(ctx, children[0])) != other {
			t.Errorf("%s: items of another view", mode)
		}
		w.counts(0)
	}
	third := w.opened(env, Freshen)
	there[[]*Item[rowB]](t)(third.bs.Of(ctx, there[*Item[rowA]](t)(third.a.Get(ctx, 1))))
	w.counts(2)
}

// What is empty is not what was never loaded.
func TestScenario53_OfflineAndEmpty(t *testing.T) {
	ctx := t.Context()
	w := newMusic(t)
	env := newEnv(t)
	never := w.opened(env, Offline)
	_, err := never.a.Get(ctx, 1)
	fails(t, store.Offline, err)
	_, err = never.b.Where(ctx, "a_id = $1", []any{1})
	fails(t, store.Offline, err)
	if got, err := never.a.Get(ctx, 1, Load{OrNothing: true}); got != nil || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	w.counts(0)

	v := w.opened(env, Freshen)
	there[*Item[rowA]](t)(v.a.Get(ctx, 1))
	b3, b4 := there[*Item[rowB]](t)(v.b.Get(ctx, 3)), there[*Item[rowB]](t)(v.b.Get(ctx, 4))
	cs, err := v.cs.Of(ctx, b3)
	if len(cs) != 0 || err != nil {
		t.Errorf("%v, %v", cs, err)
	}
	if got, err := v.parent.Of(ctx, b4); got != nil || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := v.tagsOf.Of(ctx, b3); len(got) != 0 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	a3, err := v.a.Get(ctx, 77)
	if a3 != nil || err != nil {
		t.Errorf("%v, %v", a3, err)
	}
	if got, err := v.b.Where(ctx, "a_id = $1", []any{99}); len(got) != 0 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	v.Close()
	w.took()

	later := newView(env, ViewOptions{Mode: Offline})
	must(t, later.Open(ctx))
	defer later.Close()
	a := there[*Item[rowA]](t)(later.a.Get(ctx, 1))
	_, err = later.bs.Of(ctx, a)
	fails(t, store.Offline, err)
	_, err = later.only.Of(ctx, a)
	fails(t, store.Offline, err)
	if list, err := later.maybe.Of(ctx, a); list == nil || len(list) != 0 || err != nil {
		t.Errorf("%v, %v", list, err)
	}
	if one, err := later.onlyMaybe.Of(ctx, a); one != nil || err != nil {
		t.Errorf("%v, %v", one, err)
	}
	if list, err := later.bs.Of(ctx, a, Load{OrNothing: true}); len(list) != 0 || err != nil {
		t.Errorf("%v, %v", list, err)
	}
	if list, err := later.cs.Of(ctx, there[*Item[rowB]](t)(later.b.Get(ctx, 3))); len(list) != 0 || err != nil {
		t.Errorf("%v, %v", list, err)
	}
	if one, err := later.parent.Of(ctx, there[*Item[rowB]](t)(later.b.Get(ctx, 4))); one != nil || err != nil {
		t.Errorf("%v, %v", one, err)
	}
	if one, err := later.a.Get(ctx, 77); one != nil || err != nil {
		t.Errorf("that there is none is known: %v, %v", one, err)
	}
	if list, err := later.b.Where(ctx, " a_id  = $1", []any{99}); len(list) != 0 || err != nil {
		t.Errorf("%v, %v", list, err)
	}
	_, err = later.b.Where(ctx, "a_id = $1", []any{"99"})
	fails(t, store.Offline, err)
	_, err = later.a.Get(ctx, 2)
	fails(t, store.Offline, err)
	w.counts(0)
}

// What has changed at the origin is seen by those who freshen, and then by all.
func TestScenario54_ChangesAtTheOrigin(t *testing.T) {
	ctx := t.Context()
	w := newMusic(t)
	env := newEnv(t)
	read := func(mode Mode) string {
		v := w.opened(env, mode)
		defer v.Close()
		b := there[*Item[rowB]](t)(v.b.Get(ctx, 1))
		a := there[*Item[rowA]](t)(v.parent.Of(ctx, b))
		cs := there[[]*Item[rowC]](t)(v.cs.Of(ctx, b))
		return fmt.Sprint(name(t, b), " ", name(t, a), " ", len(cs))
	}
	expect := func(mode Mode, want string, requests int) {
		t.Helper()
		if got := read(mode); got != want {
			t.Errorf("%s: %s, want %s", mode, got, want)
		}
		w.counts(requests)
	}
	expect(Freshen, "b1 a1 2", 3)
	w.exec("UPDATE b SET a_id = 2, name = 'changed' WHERE id = 1")
	w.exec("INSERT INTO c VALUES (4, 1, 'c4')")
	expect(PreferCache, "b1 a1 2", 0)
	expect(Offline, "b1 a1 2", 0)
	expect(Freshen, "changed a2 3", 3)
	expect(PreferCache, "changed a2 3", 0)
	expect(Offline, "changed a2 3", 0)
}

// A view lives from when it is opened until it is closed.
func TestScenario55_LifeOfAView(t *testing.T) {
	ctx := t.Context()
	w := newMusic(t)
	env := newEnv(t)
	v := newView(env, w.options(Freshen))
	_, err := v.a.Get(ctx, 1)
	fails(t, store.NotLive, err)
	_, err = v.Changes(ctx)
	fails(t, store.NotLive, err)
	must(t, v.Open(ctx))
	fails(t, store.NotLive, v.Open(ctx))
	a := there[*Item[rowA]](t)(v.a.Get(ctx, 1))
	v.Close()
	v.Close()
	_, err = v.a.Get(ctx, 1)
	fails(t, store.NotLive, err)
	_, err = a.Row()
	fails(t, store.NotLive, err)
	_, err = a.About()
	fails(t, store.NotLive, err)
	_, err = v.bs.Of(ctx, a)
	fails(t, store.NotLive, err)
	fails(t, store.NotLive, a.Refresh(ctx))
	fails(t, store.NotLive, v.RefreshAll(ctx))
	fails(t, store.NotLive, v.Open(ctx))
	never := newView(env, w.options(Freshen))
	never.Close()
	fails(t, store.NotLive, never.Open(ctx))
}

// Ten at once ask once.
func TestScenario56_TenAtOnce(t *testing.T) {
	ctx := t.Context()
	w := newMusic(t)
	v := w.opened(newEnv(t), Freshen)
	gate := make(chan struct{})
	arrived := make(chan struct{}, 100)
	w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
		arrived <- struct{}{}
		<-gate
		next.ServeHTTP(out, in)
	})
	ten := func(one func() any) []any {
		found := make([]any, 10)
		var all stdsync.WaitGroup
		for i := range found {
			all.Go(func() { found[i] = one() })
		}
		<-arrived
		close(gate)
		all.Wait()
		gate = make(chan struct{})
		return found
	}
	items := ten(func() any {
		a, err := v.a.Get(ctx, 1)
		if err != nil {
			t.Error(err)
		}
		return a
	})
	for _, a := range items {
		if a != items[0] || name(t, a) != "a1" {
			t.Errorf("%v", items)
		}
	}
	w.counts(1)
	lists := ten(func() any {
		bs, err := v.bs.Of(ctx, items[0].(*Item[rowA]))
		if err != nil || len(bs) != 2 {
			t.Error(bs, err)
			return nil
		}
		return bs[0]
	})
	for _, b := range lists {
		if b != lists[0] {
			t.Errorf("%v", lists)
		}
	}
	w.counts(1)
}

func TestRelations(t *testing.T) {
	ctx := t.Context()
	w := newMusic(t)
	v := w.opened(newEnv(t), Freshen)
	b1, b2 := there[*Item[rowB]](t)(v.b.Get(ctx, 1)), there[*Item[rowB]](t)(v.b.Get(ctx, 2))
	tags, err := v.tagsOf.Of(ctx, b1)
	if got := names(t, tags, err); got != "X Y" {
		t.Error(got)
	}
	other, err := v.tagsOf.Of(ctx, b2)
	if got := names(t, other, err); got != "Y" || other[0] != tags[1] {
		t.Error(got)
	}
	a2 := there[*Item[rowA]](t)(v.a.Get(ctx, 2))
	if got := name(t, there[*Item[rowB]](t)(v.only.Of(ctx, a2))); got != "b3" {
		t.Error(got)
	}
	w.took()
	cs, err := v.cOfAll.Of(ctx, b1)
	if got := names(t, cs, err); got != "c1 c2" {
		t.Error(got)
	}
	cs, err = v.cOfAll.Of(ctx, b2)
	if got := names(t, cs, err); got != "c3" {
		t.Error(got)
	}
	w.counts(1)
	tagging := there[anyRow](t)(there[*Item[anyRow]](t)(v.taggings.Get(ctx, []any{1, "y"})).Row())
	if row(tagging) != "map[_key:[1 y] b_id:1 tag_id:y]" {
		t.Error(tagging)
	}
	if one, err := v.taggings.Get(ctx, []any{2, "x"}); one != nil || err != nil {
		t.Errorf("%v, %v", one, err)
	}
	for _, key := range []any{1, []any{1}, nil, []any{1, nil}} {
		_, err := v.taggings.Get(ctx, key)
		fails(t, store.InvalidKey, err)
	}
}

// Relations that are included are one request each, or two by a third table.
func TestInclude(t *testing.T) {
	ctx := t.Context()
	w := newMusic(t)
	v := w.opened(newEnv(t), Freshen)
	as := there[[]*Item[rowA]](t)(v.a.Where(ctx, "id > $1", []any{0}))
	bs := there[[]*Item[rowB]](t)(v.bs.Include(ctx, as...))
	there[[]*Item[rowC]](t)(v.cs.Include(ctx, bs...))
	there[[]*Item[anyRow]](t)(v.tagsOf.Include(ctx, bs...))
	if parents := there[[]*Item[rowA]](t)(v.parent.Include(ctx, bs...)); !slices.Equal(parents, as) {
		t.Errorf("%v", parents)
	}
	w.counts(5)
	var got []string
	for _, a := range as {
		for _, b := range there[[]*Item[rowB]](t)(v.bs.Of(ctx, a)) {
			got = append(got, fmt.Sprint(name(t, b), " ", len(there[[]*Item[rowC]](t)(v.cs.Of(ctx, b))), len(there[[]*Item[anyRow]](t)(v.tagsOf.Of(ctx, b)))))
		}
	}
	if want := []string{"b1 2 2", "b2 1 1", "b3 0 0"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	w.counts(0)
}

// What is deleted at the origin disappears, and refreshing shows it in the items there are.
func TestViewRefreshes(t *testing.T) {
	ctx := t.Context()
	w := newMusic(t)
	v := w.opened(newEnv(t), Freshen)
	a := there[*Item[rowA]](t)(v.a.Get(ctx, 1))
	bs := there[[]*Item[rowB]](t)(v.bs.Of(ctx, a))
	changed := v.Changed()
	w.exec("UPDATE a SET name = 'other' WHERE id = 1")
	w.exec("DELETE FROM b WHERE id = 2")
	must(t, a.Refresh(ctx))
	<-changed
	if name(t, a) != "other" || len(there[[]*Item[rowB]](t)(v.bs.Of(ctx, a))) != 2 {
		t.Error(name(t, a))
	}
	left, err := v.bs.Refresh(ctx, a)
	if got := names(t, left, err); got != "b1" {
		t.Error(got)
	}
	if b, err := v.b.Get(ctx, 2); b != nil || err != nil {
		t.Errorf("%v, %v", b, err)
	}
	if name(t, bs[1]) != "b2" {
		t.Error("who holds it has what was loaded last")
	}
	w.exec("UPDATE b SET name = 'once more' WHERE id = 1")
	w.took()
	must(t, v.RefreshAll(ctx))
	w.counts(3) // rows of a, rows of b, and the bs of a
	if name(t, bs[0]) != "once more" {
		t.Error(name(t, bs[0]))
	}
	v.SetMode(Offline)
	fails(t, store.Offline, a.Refresh(ctx))
	fails(t, store.Offline, v.RefreshAll(ctx))
}

// A relation asks no more than it may, and the mode can be changed.
func TestViewModes(t *testing.T) {
	ctx := t.Context()
	w := newMusic(t)
	env := newEnv(t)
	v := w.opened(env, Freshen)
	there[[]*Item[rowB]](t)(v.lasting.Of(ctx, there[*Item[rowA]](t)(v.a.Get(ctx, 1))))
	v.Close()
	w.took()
	later := w.opened(env, Freshen)
	a := there[*Item[rowA]](t)(later.a.Get(ctx, 1, Load{Mode: PreferCache}))
	there[[]*Item[rowB]](t)(later.lasting.Of(ctx, a))
	there[[]*Item[rowB]](t)(later.lasting.Of(ctx, a, Load{Mode: Freshen}))
	w.counts(0)
	later.SetMode(Offline)
	_, err := later.a.Get(ctx, 2)
	fails(t, store.Offline, err)
	later.SetMode(OfflineFallback)
	if got := name(t, there[*Item[rowA]](t)(later.a.Get(ctx, 2))); got != "a2" {
		t.Error(got)
	}
}

// What is changed here is seen, listed and taken back; it outlives what is loaded, and is
// sent nowhere.
func TestOverlay(t *testing.T) {
	ctx := t.Context()
	w := newMusic(t)
	env := newEnv(t)
	v := w.opened(env, Freshen)
	a := there[*Item[rowA]](t)(v.a.Get(ctx, 1))
	there[[]*Item[rowB]](t)(v.bs.Of(ctx, a))
	if there[*Item[rowA]](t)(v.a.Change(ctx, 1, anyRow{"name": "mine"})) != a || name(t, a) != "mine" {
		t.Error(name(t, a))
	}
	if about := there[About](t)(a.About()); about.Source != FromOverlay || about.FetchedAt.IsZero() {
		t.Errorf("%+v", about)
	}
	there[*Item[rowB]](t)(v.b.Add(ctx, anyRow{"id": 9, "a_id": 1, "name": "b9"}))
	must(t, v.b.Remove(ctx, 1))
	there[*Item[rowB]](t)(v.b.Change(ctx, 2, anyRow{"a_id": 2}))
	bs, err := v.bs.Of(ctx, a)
	if got := names(t, bs, err); got != "b9" {
		t.Error(got)
	}
	if b, err := v.b.Get(ctx, 1); b != nil || err != nil {
		t.Errorf("%v, %v", b, err)
	}
	must(t, a.Refresh(ctx))
	there[[]*Item[rowB]](t)(v.bs.Refresh(ctx, a))
	if name(t, a) != "mine" {
		t.Error(name(t, a))
	}
	_, err = v.b.Change(ctx, 77, anyRow{"name": ""})
	fails(t, store.NotFound, err)
	_, err = v.b.Change(ctx, 2, anyRow{"id": 5})
	fails(t, store.InvalidArgument, err)
	v.Close()

	later := w.opened(env, Freshen)
	again := there[*Item[rowA]](t)(later.a.Get(ctx, 1))
	bs, err = later.bs.Of(ctx, again)
	if got := names(t, bs, err); name(t, again) != "mine" || got != "b9" {
		t.Error(name(t, again), got)
	}
	var listed []string
	for _, c := range there[[]LocalChange](t)(later.Changes(ctx)) {
		listed = append(listed, fmt.Sprint(c.Model, c.Key, c.Kind, c.Row))
	}
	slices.Sort(listed) // several are of the same millisecond
	if want := []string{"a1changedmap[name:mine]", "b1removedmap[]", "b2changedmap[a_id:2]", "b9addedmap[a_id:1 id:9 name:b9]"}; !slices.Equal(listed, want) {
		t.Errorf("%q, want %q", listed, want)
	}
	if n, err := later.Discard(ctx, "b", 1); n != 1 || err != nil {
		t.Error(n, err)
	}
	bs, err = later.bs.Of(ctx, again)
	if got := names(t, bs, err); got != "b1 b9" {
		t.Error(got)
	}
	if n, err := later.Discard(ctx, "", nil); n != 3 || err != nil {
		t.Error(n, err)
	}
	bs, err = later.bs.Of(ctx, again)
	if got := names(t, bs, err); got != "b1 b2" || name(t, again) != "a1" {
		t.Error(got)
	}
	for _, asked := range w.took() {
		if asked != "POST /v1/query" {
			t.Error(asked)
		}
	}
	isUncompressed(t, env, overlayTable, query.Field("change"))
	isUncompressed(t, env, loadedTable, recordPath)
}

// cell is what a mode does about a state: what is shown, of a row that is 'old' here and
// 'new' at the origin, with how many requests; first with a network and then without.
type cell struct {
	online   string
	requests int
	offline  string
}

// Each mode meets each state, loaded rows and pulled ones.
func TestModesAndStates(t *testing.T) {
	none, part := string(store.Offline), string(store.Incomplete)
	failed := string(store.OriginFailed)
	table := map[Mode]map[state]cell{
		Offline: {
			fresh: {"old", 0, "old"}, complete: {"old", 0, "old"}, stale: {"old", 0, "old"}, partial: {part, 0, part}, evicted: {none, 0, none},
		},
		PreferCache: {
			fresh: {"old", 0, "old"}, complete: {"old", 0, "old"}, stale: {"new", 1, failed}, partial: {"new", 1, failed}, evicted: {"new", 1, failed},
		},
		CacheFirst: {
			fresh: {"old", 0, "old"}, complete: {"old", 1, "old"}, stale: {"old", 1, "old"}, partial: {"new", 1, failed}, evicted: {"new", 1, failed},
		},
		OfflineFallback: {
			fresh: {"old", 0, "old"}, complete: {"new", 1, "old"}, stale: {"new", 1, "old"}, partial: {"new", 1, part}, evicted: {"new", 1, none},
		},
		Freshen: {
			fresh: {"old", 0, "old"}, complete: {"new", 1, failed}, stale: {"new", 1, failed}, partial: {"new", 1, failed}, evicted: {"new", 1, failed},
		},
	}
	met := 0 // in an order that is another one each time
	for mode, states := range table {
		for s, want := range states {
			for _, off := range []bool{false, true} {
				if met++; met%storetest.Stride() != 0 {
					continue
				}
				t.Run(fmt.Sprintf("%s/%d/offline=%v", mode, s, off), func(t *testing.T) {
					got, requests := meet(t, mode, s, off)
					shown := want.online
					if off {
						shown = want.offline
					}
					if got != shown || !off && requests != want.requests {
						t.Errorf("%s after %d requests, want %s after %d", got, requests, shown, want.requests)
					}
					got, requests = meetPulled(t, mode, s, off)
					if got != shown || want.requests == 0 && requests > 0 {
						t.Errorf("pulled: %s after %d requests, want %s", got, requests, shown)
					}
				})
			}
		}
	}
}

// meet has a view in a mode ask for a row in a state.
func meet(t *testing.T, mode Mode, s state, off bool) (shown string, requests int) {
	ctx := t.Context()
	w := newMusic(t)
	env := newEnv(t)
	w.exec("UPDATE a SET name = 'old' WHERE id = 1")
	o := w.options(Freshen)
	if s == stale {
		o.MaxAge = time.Nanosecond
	}
	v := newView(env, o)
	must(t, v.Open(ctx))
	defer v.Close()
	if s != evicted {
		there[*Item[rowA]](t)(v.a.Get(ctx, 1))
	}
	switch s {
	case complete, stale:
		v.loader.forget()
	case partial: // the row is here, and no record of it
		must(t, env.Update(ctx, func(tx *store.Tx) error {
			records, err := tx.OpenTable(loadedTable)
			if err != nil {
				return err
			}
			return records.Truncate(tx)
		}))
	}
	w.exec("UPDATE a SET name = 'new' WHERE id = 1")
	v.SetMode(mode)
	w.cut(off)
	w.took()
	shownFirst := make(chan struct{})
	if does[mode][s] == behind && !off {
		w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
			<-shownFirst
			next.ServeHTTP(out, in)
		})
	}
	a, err := v.a.Get(ctx, 1)
	if err != nil {
		shown = string(store.CodeOf(err))
	} else {
		shown = name(t, a)
	}
	close(shownFirst)
	v.loader.work.Wait() // for what is asked behind
	return shown, len(w.took())
}

// meetPulled has a view in a mode ask for a row of a shape in a state.
func meetPulled(t *testing.T, mode Mode, s state, off bool) (shown string, requests int) {
	ctx := t.Context()
	w := newCities(t, 300)
	w.exec("UPDATE cities SET name = 'old' WHERE id = 1")
	w.poll()
	env := newEnv(t)
	open := func(mode Mode) (*View, *Model[anyRow]) {
		o := w.options(mode)
		if s == stale {
			o.MaxAge = time.Nanosecond
		}
		v := NewView(env, o)
		m := NewModel[anyRow](v, "cities", ModelSpec{Table: "cities", Key: []string{"id"}, Pulled: true})
		must(t, v.Open(ctx))
		t.Cleanup(v.Close)
		return v, m
	}
	var v *View
	var cities *Model[anyRow]
	switch s {
	case fresh, complete, stale:
		v, cities = open(Freshen)
		there[*Item[anyRow]](t)(cities.Get(ctx, 1))
	case partial:
		left := atomic.Int64{}
		left.Store(2)
		w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
			if left.Add(-1) < 0 {
				panic(http.ErrAbortHandler)
			}
			next.ServeHTTP(out, in)
		})
		v, _ = open(PreferCache)
		until(t, v.puller, func(now Progress) bool { return now.Rows > 0 && now.Err != nil })
	}
	w.exec("UPDATE cities SET name = 'new' WHERE id = 1")
	w.poll()
	if s != fresh && v != nil {
		v.Close()
	}
	w.cut(off)
	w.took()
	shownFirst := make(chan struct{})
	if does[mode][s] == behind && !off {
		w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
			<-shownFirst
			next.ServeHTTP(out, in)
		})
	}
	if s == fresh {
		v.SetMode(mode)
	} else {
		v, cities = open(mode)
	}
	city, err := cities.Get(ctx, 1)
	if err != nil {
		shown = string(store.CodeOf(err))
	} else {
		shown = there[anyRow](t)(city.Row())["name"].(string)
	}
	close(shownFirst)
	v.loader.work.Wait() // for what is asked behind
	return shown, len(w.took())
}

// A cache that was shown first is followed by what is new.
func TestCacheFirstShowsTheNewBehind(t *testing.T) {
	ctx := t.Context()
	w := newMusic(t)
	env := newEnv(t)
	first := w.opened(env, Freshen)
	there[*Item[rowA]](t)(first.a.Get(ctx, 1))
	first.Close()
	w.exec("UPDATE a SET name = 'new' WHERE id = 1")
	shown := make(chan struct{}) // without which the new could be there before the old was shown
	w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
		<-shown
		next.ServeHTTP(out, in)
	})
	v := w.opened(env, CacheFirst)
	changed := v.Changed()
	a := there[*Item[rowA]](t)(v.a.Get(ctx, 1))
	close(shown)
	<-changed
	if got := name(t, a); got != "new" {
		t.Error(got)
	}
}

// A model that is pulled is there as a whole, or not at all.
func TestViewPulls(t *testing.T) {
	ctx := t.Context()
	w := newMusic(t)
	env := newEnv(t)
	pulled := func(mode Mode) (*View, *Model[rowA], *ToMany[rowA, rowB]) {
		v := NewView(env, w.options(mode))
		a := NewModel[rowA](v, "a", ModelSpec{Table: "a", Key: []string{"id"}, Pulled: true})
		b := NewModel[rowB](v, "b", ModelSpec{Table: "b", Key: []string{"id"}, Pulled: true})
		bs := Many(a, "bs", b, "a_id", RelationOptions{})
		must(t, v.Open(ctx))
		t.Cleanup(v.Close)
		return v, a, bs
	}
	v, as, _ := pulled(Offline)
	_, err := as.Get(ctx, 1)
	fails(t, store.Offline, err)
	w.counts(0)
	v.SetMode(PreferCache)
	if got := name(t, there[*Item[rowA]](t)(as.Get(ctx, 1))); got != "a1" {
		t.Error(got)
	}
	must(t, v.puller.Complete(ctx))
	v.Close()
	w.exec("INSERT INTO b VALUES (5, 1, 'b5')")
	w.exec("DELETE FROM b WHERE id = 1")
	w.poll()
	w.took()
	v, as, bs := pulled(Offline)
	a := there[*Item[rowA]](t)(as.Get(ctx, 1))
	list, err := bs.Of(ctx, a)
	if got := names(t, list, err); got != "b1 b2" {
		t.Error(got)
	}
	if gone, err := as.Get(ctx, 77); gone != nil || err != nil {
		t.Errorf("%v, %v", gone, err)
	}
	w.counts(0)
	v.SetMode(Freshen)
	list, err = bs.Of(ctx, a)
	if got := names(t, list, err); got != "b2 b5" {
		t.Error(got)
	}
	_, err = as.Where(ctx, "id = 1", nil)
	fails(t, store.Unsupported, err)
}

// A shape that is whole is asked for when somebody wants it, and not because a view is opened.
func TestOpeningAsksForNothing(t *testing.T) {
	ctx := t.Context()
	w := newCities(t, 20)
	env := newEnv(t)
	open := func(mode Mode) *View {
		v := NewView(env, w.options(mode))
		NewModel[anyRow](v, "cities", ModelSpec{Table: "cities", Key: []string{"id"}, Pulled: true})
		must(t, v.Open(ctx))
		return v
	}
	v := open(Freshen)
	must(t, v.puller.Complete(ctx))
	v.Close()
	w.took()
	for range 10 { // who asks needs a moment for it
		for _, mode := range []Mode{Offline, PreferCache, CacheFirst, OfflineFallback, Freshen} {
			v := open(mode)
			time.Sleep(time.Millisecond)
			v.Close()
		}
	}
	w.counts(0)
}

// Who finds nothing, and asks once the answer has come that another was waiting for, has it.
func TestAnsweredMeanwhile(t *testing.T) {
	ctx := t.Context()
	w := newMusic(t)
	v := w.opened(newEnv(t), Freshen)
	before := v.loader.answers()
	there[*Item[rowA]](t)(v.a.Get(ctx, 1))
	w.counts(1)
	one := wantedRow("a", int64(1))
	again := func(since uint64) (asked bool) {
		must(t, v.ask(ctx, question{model: v.models["a"], list: []wanted{one}, since: since, load: func(context.Context, []wanted) error {
			asked = true
			return nil
		}}))
		return asked
	}
	if again(before) {
		t.Error("what was answered since is asked again")
	}
	if !again(v.loader.answers()) {
		t.Error("what somebody wants anew is not asked")
	}
}

// Of a shape of which some chunks are here, nothing is shown.
func TestViewOfAPartOfAShape(t *testing.T) {
	ctx := t.Context()
	w := newCities(t, 300)
	env := newEnv(t)
	var passed atomic.Int64
	w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
		if passed.Add(1) > 2 {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(out, in)
	})
	open := func() (*View, *Model[anyRow]) {
		v := NewView(env, w.options(OfflineFallback))
		m := NewModel[anyRow](v, "cities", ModelSpec{Table: "cities", Key: []string{"id"}, Pulled: true})
		must(t, v.Open(ctx))
		t.Cleanup(v.Close)
		return v, m
	}
	v, cities := open()
	until(t, v.puller, func(now Progress) bool { return now.Rows > 0 && now.Err != nil })
	_, err := cities.Get(ctx, 1)
	fails(t, store.Incomplete, err)
	v.SetMode(Offline)
	_, err = cities.Get(ctx, 1)
	fails(t, store.Incomplete, err)
	if got, err := cities.Get(ctx, 1, Load{OrNothing: true}); got != nil || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	w.passing(nil)
	v.SetMode(PreferCache)
	must(t, v.puller.Complete(ctx))
	if there[*Item[anyRow]](t)(cities.Get(ctx, 300)) == nil {
		t.Error("what is pulled is not there")
	}
	v.Close()

	// Its rows are lost: it is pulled again.
	must(t, env.Update(ctx, func(tx *store.Tx) error {
		rows, err := tx.OpenTable("cities")
		if err != nil {
			return err
		}
		return rows.Truncate(tx)
	}))
	_, again := open()
	if there[*Item[anyRow]](t)(again.Get(ctx, 300)) == nil {
		t.Error("what was lost is not there")
	}
	w.equals(env)
}

func TestViewsDescribedWrongly(t *testing.T) {
	env := newEnv(t)
	id := []string{"id"}
	for what, declare := range map[string]func(*View){
		"no key":   func(v *View) { NewModel[rowA](v, "a", ModelSpec{Table: "a"}) },
		"no table": func(v *View) { NewModel[rowA](v, "a", ModelSpec{Key: id}) },
		"twice": func(v *View) {
			NewModel[rowA](v, "a", ModelSpec{Table: "a", Key: id})
			NewModel[rowA](v, "a", ModelSpec{Table: "a", Key: id})
		},
		"another view": func(v *View) {
			a := NewModel[rowA](v, "a", ModelSpec{Table: "a", Key: id})
			Many(a, "bs", NewModel[rowB](NewView(env, ViewOptions{}), "b", ModelSpec{Table: "b", Key: id}), "a_id", RelationOptions{})
		},
		"two keys": func(v *View) {
			a := NewModel[rowA](v, "a", ModelSpec{Table: "a", Key: []string{"id", "name"}})
			Many(a, "as", a, "a_id", RelationOptions{})
		},
		"a relation twice": func(v *View) {
			a := NewModel[rowA](v, "a", ModelSpec{Table: "a", Key: id})
			Many(a, "as", a, "a_id", RelationOptions{})
			Many(a, "as", a, "a_id", RelationOptions{})
		},
	} {
		v := NewView(env, ViewOptions{})
		declare(v)
		if err := v.Open(t.Context()); !errors.Is(err, store.InvalidOption) {
			t.Errorf("%s: %v", what, err)
		}
	}
	var zero Mode
	if least(zero) != Freshen || least(Offline, Freshen) != Offline || Mode(9).String() != "unknown" || CacheFirst.String() != "cache-first" {
		t.Error("modes")
	}
	if got := []any{nameOf(int64(1)), nameOf("1"), nameOf(true), nameOf([]any{"a", int64(1)})}; !reflect.DeepEqual(got, []any{"1", `"1`, "true", "[\"a\x00,1"}) {
		t.Errorf("%q", got)
	}
}

// Who gives up waiting leaves the others what was asked.
func TestViewGivesUp(t *testing.T) {
	w := newMusic(t)
	v := w.opened(newEnv(t), Freshen)
	gate := make(chan struct{})
	w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
		<-gate
		next.ServeHTTP(out, in)
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := v.a.Get(ctx, 1)
	fails(t, store.Aborted, err)
	close(gate)
	if got := name(t, there[*Item[rowA]](t)(v.a.Get(t.Context(), 1))); got != "a1" {
		t.Error(got)
	}
}
