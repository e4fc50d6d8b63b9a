package sync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	stdsync "sync"
	"sync/atomic"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// until waits for a progress of the cities.
func until(t testing.TB, p *Puller, f func(Progress) bool) Progress {
	t.Helper()
	for progress := range p.Subscribe(t.Context()) {
		if f(progress["cities"]) {
			return progress["cities"]
		}
	}
	t.Fatal("the puller has ended")
	return Progress{}
}

func TestPull(t *testing.T) {
	w := newCities(t, 250)
	env := newEnv(t)
	p := w.pull(env, func(o *PullOptions) { o.Once = false })
	must(t, p.Complete(t.Context()))
	w.equals(env)
	w.exec("INSERT INTO cities VALUES (1000, 'Oslo', 'NO', 7e5)")
	w.exec("UPDATE cities SET name = 'Changed' WHERE id = 1")
	w.exec("DELETE FROM cities WHERE id IN (2, 3)")
	w.poll()
	got := until(t, p, func(now Progress) bool { return now.Rows == 249 })
	w.equals(env)
	if got.Phase != Live || !got.Complete || got.Total != 249 || got.Chunks < 3 || got.Bytes == 0 || got.FetchedAt.IsZero() || got.Err != nil {
		t.Errorf("%+v", got)
	}
	for i, asked := range w.took() {
		if i < 2 && strings.Contains(asked, "live") {
			t.Errorf("request %d follows what is not there: %s", i, asked)
		}
	}
}

func TestPullGoesOn(t *testing.T) {
	w := newCities(t, 500)
	env := newEnv(t)
	var left atomic.Int64
	left.Store(3)
	w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
		if left.Add(-1) < 0 {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(out, in)
	})
	p := w.pull(env, nil)
	until(t, p, func(now Progress) bool { return now.Err != nil })
	fails(t, store.OriginFailed, p.Refresh(t.Context()))
	p.Close()
	stored := len(shown(t, env, "cities"))
	if stored == 0 || stored == 500 {
		t.Fatalf("%d rows after three chunks", stored)
	}
	asked := w.took()
	w.passing(nil)
	must(t, w.pull(env, nil).Complete(t.Context()))
	if first := w.took()[0]; first != asked[3] || slices.Contains(asked[:3], first) {
		t.Errorf("it goes on with %s, want %s", first, asked[3])
	}
	w.equals(env)
}

func TestPullRefetches(t *testing.T) {
	w := newCities(t, 250)
	env := newEnv(t)
	p := w.pull(env, nil)
	must(t, p.Complete(t.Context()))
	before := shown(t, env, "cities")
	w.exec("DELETE FROM cities WHERE id = 5")
	w.exec("UPDATE cities SET name = 'Changed' WHERE id = 6")
	w.exec("ALTER TABLE cities ADD COLUMN note text")
	w.exec("ALTER TABLE cities DROP COLUMN note")
	w.exec("ALTER TABLE cities RENAME COLUMN population TO people")
	w.poll()
	var torn atomic.Int64
	w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
		if found := shown(t, env, "cities"); len(found) != len(before) || found[5] != before[5] || found[6] != before[6] {
			torn.Add(1)
		}
		next.ServeHTTP(out, in)
	})
	w.took()
	must(t, p.Refresh(t.Context()))
	if torn.Load() != 0 {
		t.Errorf("%d times a part of what comes was shown", torn.Load())
	}
	if n := len(w.took()); n < 4 {
		t.Errorf("%d requests, want a 409 and several chunks", n)
	}
	if len(shown(t, env, "cities")) != 249 || get(t, env, "cities", int64(5)) != nil || get(t, env, "cities", int64(6))["people"] != 9.0 {
		t.Errorf("%v", get(t, env, "cities", int64(6)))
	}
}

func TestPullShowsALongLogAtOnce(t *testing.T) {
	w := newCities(t, 10)
	env := newEnv(t)
	p := w.pull(env, nil)
	must(t, p.Complete(t.Context()))
	w.addCities(11, 600)
	w.exec("DELETE FROM cities WHERE id < 5")
	w.poll()
	var between []int
	var mu stdsync.Mutex
	w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
		n := len(shown(t, env, "cities"))
		mu.Lock()
		between = append(between, n)
		mu.Unlock()
		next.ServeHTTP(out, in)
	})
	must(t, p.Refresh(t.Context()))
	if len(between) < 3 || slices.Max(between) != 10 || slices.Min(between) != 10 {
		t.Errorf("rows shown meanwhile: %v", between)
	}
	isUncompressed(t, env, stagedTable("cities"), keyPath)
	w.equals(env)
}

// isUncompressed fails where a table is not there, or was made to be compressed.
func isUncompressed(t *testing.T, env *store.Env, name string, key query.Path) {
	t.Helper()
	must(t, env.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.OpenTable(name)
		if err == nil {
			_, err = tx.Table(name, uncompressed(key))
		}
		return err
	}))
}

func TestPullVerifies(t *testing.T) {
	w := newCities(t, 100)
	env := newEnv(t)
	spoiled := false
	w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
		if spoiled {
			next.ServeHTTP(out, in)
			return
		}
		spoiled = true
		in.Header.Del("Accept-Encoding")
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, in)
		for name, values := range answer.Header() {
			if name != "Content-Length" {
				out.Header()[name] = values
			}
		}
		_, _ = io.WriteString(out, strings.Replace(answer.Body.String(), "City 7 ", "City 8 ", 1))
	})
	must(t, w.pull(env, nil).Complete(t.Context()))
	w.equals(env)
	first := 0
	for _, asked := range w.took() {
		if strings.Contains(asked, "offset=-1") {
			first++
		}
	}
	if first != 2 {
		t.Errorf("it began %d times, want 2", first)
	}
}

func TestPullToken(t *testing.T) {
	w := newCities(t, 100)
	var valid atomic.Value
	valid.Store("new")
	w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
		if in.Header.Get("Authorization") != "Bearer "+valid.Load().(string) {
			out.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(out, in)
	})
	env := newEnv(t)
	var given atomic.Int64
	tokens := []string{"old", "new", "new", "newest"}
	p := w.pull(env, func(o *PullOptions) {
		o.Token = func(context.Context) (string, error) { return tokens[given.Add(1)-1], nil }
	})
	must(t, p.Complete(t.Context()))
	if given.Load() != 2 {
		t.Errorf("the token was asked for %d times, want 2", given.Load())
	}
	valid.Store("newest")
	fails(t, store.Denied, p.Refresh(t.Context()))
	if phase := p.Progress()["cities"].Phase; phase != NeedsToken {
		t.Errorf("it is %s", phase)
	}
	w.equals(env)
	must(t, p.Refresh(t.Context()))
	if given.Load() != 4 {
		t.Errorf("the token was asked for %d times, want 4", given.Load())
	}
}

func TestPullAnotherQuestion(t *testing.T) {
	w := newCities(t, 50)
	env := newEnv(t)
	first := w.pull(env, nil)
	must(t, first.Complete(t.Context()))
	first.Close()
	must(t, env.Update(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.OpenTable("cities")
		if err != nil {
			return err
		}
		return rows.Truncate(tx)
	}))
	second := w.pull(env, nil)
	must(t, second.Complete(t.Context()))
	w.equals(env) // what was lost has been pulled again
	second.Close()
	third := w.pull(env, func(o *PullOptions) {
		o.Shapes["cities"] = ShapeSpec{Table: "cities", Columns: []string{"id", "name"}, Where: "id < $1", Params: []string{"4"}}
	})
	must(t, third.Complete(t.Context()))
	if got := shown(t, env, "cities"); len(got) != 3 || got[1] != "map[id:1 name:City 1 – ø]" {
		t.Errorf("%v", got)
	}
}

func TestPullRefuses(t *testing.T) {
	w := newCities(t, 50)
	env := newEnv(t)
	for _, schema := range []store.Schema{{Key: query.Field("name")}, {Key: query.Field("id")}} {
		must(t, env.Update(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.DropTable("cities"); err != nil {
				return err
			}
			table, err := tx.Table("cities", schema)
			if err == nil {
				_, err = table.Put(tx, [][]byte{query.AppendValue(nil, map[string]any{"id": 1, "name": "mine"})})
			}
			return err
		}))
		p := w.pull(env, nil)
		want := store.NotEmpty
		if schema.Key.Equal(query.Field("name")) {
			want = store.SchemaMismatch
		}
		fails(t, want, p.Complete(t.Context()))
		if now := p.Progress()["cities"]; now.Phase != Failed || len(shown(t, env, "cities")) != 1 {
			t.Errorf("%+v", now)
		}
		p.Close()
		fails(t, store.Closed, p.Refresh(t.Context()))
	}
	_, err := Pull(t.Context(), env, PullOptions{})
	fails(t, store.InvalidOption, err)
	_, err = Pull(t.Context(), env, PullOptions{Origin: w.shapes(), Shapes: map[string]ShapeSpec{"cities": {}}})
	fails(t, store.InvalidOption, err)
	p := w.pull(env, func(o *PullOptions) { o.Shapes = map[string]ShapeSpec{"gone": {Table: "gone"}} })
	fails(t, store.OriginFailed, p.Complete(t.Context()))
	fails(t, store.NotFound, p.Refresh(t.Context(), "cities"))
}

// Values of all kinds come as what they are, with the key there is.
func TestPullTypes(t *testing.T) {
	w := newWorld(t, nil, []string{"all_kinds", "pairs"},
		"CREATE TABLE all_kinds (id integer PRIMARY KEY, r real, ok boolean, b blob, j json, n numeric, t text)",
		`INSERT INTO all_kinds VALUES (1, 0.1, 1, x'00ff', '{"a":[1,2.5,null]}', 12, 'ø'), (2, 1e300, 0, x'', '9007199254740993', NULL, NULL), (3, 5, NULL, NULL, NULL, NULL, '')`,
		"CREATE TABLE pairs (a text, b integer, note text, PRIMARY KEY (b, a))",
		"INSERT INTO pairs VALUES ('x', 1, 'first'), ('x', 2, 'second')")
	w.poll()
	env := newEnv(t)
	p := w.pull(env, func(o *PullOptions) {
		o.Shapes = map[string]ShapeSpec{"kinds": {Table: "all_kinds"}, "pairs": {Table: "pairs"}}
	})
	must(t, p.Complete(t.Context()))
	for id, want := range map[int64]map[string]any{
		1: {"id": int64(1), "r": 0.1, "ok": true, "b": []byte{0, 255}, "j": map[string]any{"a": []any{int64(1), 2.5, nil}}, "n": "12", "t": "ø"},
		2: {"id": int64(2), "r": 1e300, "ok": false, "b": []byte{}, "j": int64(9007199254740993), "n": nil, "t": nil},
		3: {"id": int64(3), "r": 5.0, "ok": nil, "b": nil, "j": nil, "n": nil, "t": ""},
	} {
		if got := get(t, env, "kinds", id); fmt.Sprintf("%#v", got["j"]) != fmt.Sprintf("%#v", want["j"]) || row(got) != row(want) {
			t.Errorf("%#v, want %#v", got, want)
		}
	}
	if got := get(t, env, "pairs", []any{int64(2), "x"}); got["note"] != "second" {
		t.Errorf("%v", got)
	}
	w.exec("UPDATE pairs SET note = 'changed' WHERE b = 1")
	w.exec("DELETE FROM pairs WHERE b = 2")
	w.poll()
	must(t, p.Refresh(t.Context()))
	if got := get(t, env, "pairs", []any{int64(1), "x"}); got["note"] != "changed" || get(t, env, "pairs", []any{int64(2), "x"}) != nil {
		t.Errorf("%v", got)
	}
}

// Ten who refresh at once are answered by what one of them has asked.
func TestRefreshOnce(t *testing.T) {
	w := newCities(t, 20)
	env := newEnv(t)
	p := w.pull(env, nil)
	must(t, p.Complete(t.Context()))
	until(t, p, func(now Progress) bool { return now.Phase == Live })
	w.took()
	gate := make(chan struct{})
	w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
		<-gate
		next.ServeHTTP(out, in)
	})
	var answers []<-chan error
	for range 10 {
		answers = append(answers, p.pulls["cities"].refresh(news))
	}
	close(gate)
	for _, answer := range answers {
		must(t, <-answer)
	}
	if asked := w.took(); len(asked) != 1 {
		t.Errorf("%d requests: %q", len(asked), asked)
	}
}

// What is pulled beside another puller is stored once.
func TestPullersBesideEachOther(t *testing.T) {
	w := newCities(t, 400)
	env := newEnv(t)
	pullers := []*Puller{w.pull(env, nil), w.pull(env, nil), w.pull(env, nil)}
	for _, p := range pullers {
		must(t, p.Complete(t.Context()))
	}
	w.exec("DELETE FROM cities WHERE id % 2 = 0")
	w.poll()
	for _, p := range pullers {
		must(t, p.Refresh(t.Context()))
	}
	w.equals(env)
}

// An origin that answers at once what it should wait for is not asked over and over.
func TestPullIsNoLoop(t *testing.T) {
	w := newCities(t, 20)
	env := newEnv(t)
	w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
		q := in.URL.Query()
		q.Del("live")
		in.URL.RawQuery = q.Encode()
		next.ServeHTTP(out, in)
	})
	p := w.pull(env, func(o *PullOptions) { o.Once = false })
	got := until(t, p, func(now Progress) bool { return now.Err != nil })
	if !strings.Contains(got.Err.Error(), "over and over") || got.Phase != Retrying || !errors.Is(got.Err, store.OriginFailed) {
		t.Errorf("%+v", got)
	}
	p.Close()
	if n := strings.Count(strings.Join(w.took(), "\n"), "live"); n != loopRequests {
		t.Errorf("%d live requests, want %d", n, loopRequests)
	}
}

// An origin that fails again and again is left alone.
func TestPullBreaks(t *testing.T) {
	w := newCities(t, 20)
	w.passing(func(out http.ResponseWriter, _ *http.Request, _ http.Handler) { out.WriteHeader(http.StatusBadGateway) })
	p := w.pull(newEnv(t), func(o *PullOptions) { o.Retry.Rest = math.MaxInt64 })
	until(t, p, func(now Progress) bool {
		return now.Err != nil && strings.Contains(now.Err.Error(), "left alone")
	})
	fails(t, store.OriginFailed, p.Refresh(t.Context()))
	if n := len(w.took()); n != 5 {
		t.Errorf("%d requests, want 5", n)
	}
}

// damagedOnce finds once that what is stored cannot be read.
type damagedOnce struct {
	Source
	done atomic.Bool
}

func (d *damagedOnce) Next(ctx context.Context, spec ShapeSpec, at Position, asking Asking) (*Chunk, error) {
	if at.Complete && d.done.CompareAndSwap(false, true) {
		return nil, &store.Error{Code: store.Corrupt, Op: "read a page"}
	}
	return d.Source.Next(ctx, spec, at, asking)
}

// What is damaged is pulled again, under the handle that the origin still has.
func TestPullMendsDamage(t *testing.T) {
	w := newCities(t, 30)
	env := newEnv(t)
	p := w.pull(env, func(o *PullOptions) { o.Source = &damagedOnce{Source: Electric(w.shapes())} })
	must(t, p.Complete(t.Context()))
	fails(t, store.Corrupt, p.Refresh(t.Context()))
	must(t, p.Complete(t.Context()))
	w.equals(env)
}

func TestRefetch(t *testing.T) {
	w := newCities(t, 30)
	env := newEnv(t)
	p := w.pull(env, nil)
	must(t, p.Complete(t.Context()))
	must(t, p.Refetch(t.Context()))
	w.equals(env)
	position, err := p.pulls["cities"].shape.position(t.Context())
	must(t, err)
	if position.Generation != 2 || position.Rows != 30 || position.Checksum == "" || position.Error != "" {
		t.Errorf("%+v", position)
	}
}

// A position is the same in a page and here.
func TestPosition(t *testing.T) {
	zero := 0
	p := Position{
		Shape: "cities", Asked: (&ShapeSpec{Table: "cities", Where: "a < $1 & b", Params: []string{"é"}}).text(), Handle: "h", Offset: "1_0",
		Schema: Columns{"id": {Type: "int8", Key: &zero}, "tags": {Type: "text", Dims: 1}}, Complete: true, Generation: 3,
		ETag: `"e"`, Checksum: writeSum(7), Rows: 2, Error: "no", Staging: stagedChanges, Inexact: true, Expired: []string{"g"},
	}
	if want := `["cities",null,"a < $1 & b",["é"]]`; p.Asked != want {
		t.Errorf("%s, want %s", p.Asked, want)
	}
	doc := p.append(nil)
	got, err := readPosition(doc)
	must(t, err)
	if !bytes.Equal(got.append(nil), doc) || *got.Schema["id"].Key != 0 || got.Schema["tags"].Key != nil {
		t.Errorf("%+v, want %+v", got, p)
	}
}
