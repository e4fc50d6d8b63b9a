package store_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// told reports whether a watch has something to tell by now. A gate that is open
// may still answer a context that has ended, though not thirty times.
func told(w *store.Watch) bool {
	ended, end := context.WithCancel(ctx)
	end()
	for range 30 {
		if w.Wait(ended) == nil {
			return true
		}
	}
	return false
}

// watchKeys watches what a function reads of a database.
func watchKeys(t *testing.T, env *store.Env, read func(db *store.DB) error) *store.Watch {
	t.Helper()
	w := env.Watch()
	err := w.View(ctx, func(tx *store.Tx) error {
		db, err := tx.DB("d")
		if err != nil {
			return err
		}
		return read(db)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return w
}

// from walks over n entries from a key on.
func from(key string, n int) func(db *store.DB) error {
	return func(db *store.DB) error {
		c := db.Cursor(store.KeyRange{Low: []byte(key)})
		defer c.Close()
		for range n {
			if !c.Next() {
				break
			}
		}
		return c.Err()
	}
}

func oneKey(key string) func(db *store.DB) error {
	return func(db *store.DB) error {
		_, _, err := db.Get([]byte(key))
		return err
	}
}

// A watch is told of what it has read, and of nothing else.
func TestWatchIsToldOfWhatItRead(t *testing.T) {
	for _, test := range []struct {
		name    string
		read    func(db *store.DB) error
		changed string
		want    bool
	}{
		{"the key itself", oneKey("b"), "b", true},
		{"a key that was not there", oneKey("bb"), "bb", true},
		{"another key", oneKey("b"), "c", false},
		{"a key within the range walked over", from("b", 2), "bb", true},
		{"the end of that range", from("b", 2), "d", false},
		{"behind the end of all", from("b", 9), "z", true},
		{"before its beginning", from("b", 9), "a", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := storetest.Open(t, memory.New(), store.Options{})
			for _, key := range []string{"a", "b", "c", "d"} {
				update(t, env, putKey(key, "1"))
			}
			w := watchKeys(t, env, test.read)
			if told(w) {
				t.Fatal("told before anything has changed")
			}
			update(t, env, putKey(test.changed, "2"))
			if got := told(w); got != test.want {
				t.Errorf("told: %v, want %v", got, test.want)
			}
		})
	}
}

// What was staged before a view began, and committed after it, was not seen by it.
func TestWatchIsToldOfWhatWasOnItsWay(t *testing.T) {
	gate := make(chan struct{})
	backend := &held{Backend: memory.New()}
	env := storetest.Open(t, backend, store.Options{})
	update(t, env, putKey("a", "1"))
	backend.gate = gate
	done := make(chan int, 1)
	go func() { done <- update(t, env, putKey("a", "2")) }()
	for !backend.waiting.Load() {
		time.Sleep(time.Millisecond)
	}
	w := watchKeys(t, env, func(db *store.DB) error {
		value, _, err := db.Get([]byte("a"))
		if string(value) != "1" {
			t.Errorf("a view shows %q, which is not committed", value)
		}
		return err
	})
	if told(w) {
		t.Error("told of what readers do not see yet")
	}
	close(gate)
	<-done
	if !told(w) {
		t.Error("not told")
	}
}

func TestWatchAmongContexts(t *testing.T) {
	_, _, envs := contexts(t, 2, store.Options{})
	update(t, envs[1], putKey("a", "1"))
	update(t, envs[1], putKey("b", "1"))
	if err := envs[0].Sync(ctx); err != nil {
		t.Fatal(err)
	}
	w := watchKeys(t, envs[0], oneKey("a"))
	update(t, envs[1], putKey("b", "2"))
	if err := envs[0].Sync(ctx); err != nil {
		t.Fatal(err)
	}
	if told(w) {
		t.Error("told of another key")
	}
	update(t, envs[1], putKey("a", "2"))
	if err := w.Wait(ctx); err != nil { // it hears of it by itself
		t.Fatal(err)
	}
	expectLatest(t, envs[0], "a", "2")
}

// Buffered commits show at once, and what came of them when they are lost.
func TestWatchOverBufferedCommits(t *testing.T) {
	backend := &switched{Backend: memory.New()}
	env := bufferedEnv(t, backend, store.Options{})
	putBuffered(t, env, "k", "1")
	if err := env.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	w := env.Watch()
	defer w.Stop()
	var seen string
	look := func() {
		err := w.View(ctx, func(tx *store.Tx) error {
			db, err := tx.DB("a")
			if err != nil {
				return err
			}
			value, _, err := db.Get([]byte("k"))
			seen = string(value)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	look()
	putBuffered(t, env, "k", "2")
	if !told(w) {
		t.Error("not told of a buffered commit")
	}
	if look(); seen != "2" {
		t.Errorf("sees %q", seen)
	}
	backend.broken = true
	if err := env.Flush(ctx); err == nil {
		t.Fatal("flushed to a backend that is switched off")
	}
	backend.broken = false
	if !told(w) {
		t.Error("not told that a buffered commit was lost")
	}
	if look(); seen != "1" {
		t.Errorf("sees %q", seen)
	}
}

func TestWatchEnds(t *testing.T) {
	env := storetest.Open(t, memory.New(), store.Options{})
	update(t, env, putKey("a", "1"))
	w := watchKeys(t, env, oneKey("a"))
	waiting := make(chan error)
	go func() { waiting <- w.Wait(ctx) }()
	w.Stop()
	if err := <-waiting; store.CodeOf(err) != store.TxEnded {
		t.Errorf("Wait after Stop: %v", err)
	}
	if err := env.Watch().Wait(ctx); store.CodeOf(err) != store.TxEnded {
		t.Errorf("Wait before View: %v", err)
	}
	w = watchKeys(t, env, oneKey("a"))
	soon, end := context.WithTimeout(ctx, time.Millisecond)
	defer end()
	if err := w.Wait(soon); store.CodeOf(err) != store.Aborted {
		t.Errorf("Wait with a context that ends: %v", err)
	}
	go func() { waiting <- w.Wait(ctx) }()
	env.Close(ctx)
	if err := <-waiting; store.CodeOf(err) != store.Closed {
		t.Errorf("Wait after Close: %v", err)
	}
	if err := w.View(ctx, func(*store.Tx) error { return nil }); store.CodeOf(err) != store.Closed {
		t.Errorf("View after Close: %v", err)
	}
}

// TestWatchModel watches random queries while random writes go on. Whenever the
// answer to one has changed, its watch must have been told; and those that read an
// index or limited themselves are seldom told for nothing.
func TestWatchModel(t *testing.T) {
	m := &tableModel{
		bed:  newBed(t, cities()),
		r:    rand.New(rand.NewPCG(storetest.Seed(t), 7)),
		docs: map[string][]byte{},
		size: 150,
	}
	type watched struct {
		*store.Watch
		query  *query.Query
		answer string
	}
	look := func(w *watched) (answer string) {
		err := w.View(ctx, func(tx *store.Tx) error {
			if w.query.Limit == 7 { // of some the number counts
				n, err := m.table.Count(tx, w.query)
				answer = fmt.Sprint(n)
				return err
			}
			return m.table.Find(tx, w.query, func(doc []byte) error {
				answer += string(doc)
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	watches := make([]*watched, 12)
	changes, tellings := 0, 0
	for step := range 300 {
		if step%25 == 0 {
			for i := range watches {
				watches[i] = &watched{Watch: m.env.Watch(), query: m.query()}
				watches[i].answer = look(watches[i])
				t.Cleanup(watches[i].Stop)
			}
		}
		m.write()
		if step%50 == 30 {
			if err := m.env.Checkpoint(ctx); err != nil {
				t.Fatal(err)
			}
		}
		for _, w := range watches {
			was := told(w.Watch)
			before := w.answer
			w.answer = look(w)
			if w.answer != before {
				changes++
			}
			if was {
				tellings++
			} else if !sameAnswer(w.query, w.answer, before) {
				t.Fatalf("step %d: not told of a change of %+v\nwas %q\n is %q", step, w.query, before, w.answer)
			}
		}
	}
	if changes == 0 || tellings == 300*len(watches) {
		t.Errorf("%d changes, told %d times: this proves nothing", changes, tellings)
	}
	t.Logf("%d changes, told %d times of %d", changes, tellings, 300*len(watches))
}

// sameAnswer compares answers; those in no order by what they consist of.
func sameAnswer(q *query.Query, a, b string) bool {
	if len(q.Order) > 0 || q.Limit >= 0 || q.Skip > 0 || q.After != nil || q.Reverse {
		return a == b
	}
	x, y := []byte(a), []byte(b)
	slices.Sort(x)
	slices.Sort(y)
	return bytes.Equal(x, y)
}

// held is a backend whose commits wait for a gate, once it has one.
type held struct {
	store.Backend
	gate    chan struct{}
	waiting atomic.Bool
}

func (h *held) Commit(ctx context.Context, batch *store.Batch) error {
	if h.gate != nil {
		h.waiting.Store(true)
		<-h.gate
	}
	return h.Backend.Commit(ctx, batch)
}
