package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// consulted is a backend that is asked before every commit whether that shall fail.
type consulted struct {
	store.Backend
	asked chan chan error
}

func (g *consulted) Commit(ctx context.Context, batch *store.Batch) error {
	if g.asked != nil {
		answer := make(chan error)
		g.asked <- answer
		if err := <-answer; err != nil {
			return err
		}
	}
	return g.Backend.Commit(ctx, batch)
}

// unhurried is a backend that takes its time for a commit, so that contexts meet.
type unhurried struct{ store.Backend }

func (s unhurried) Commit(ctx context.Context, batch *store.Batch) error {
	time.Sleep(100 * time.Microsecond)
	return s.Backend.Commit(ctx, batch)
}

// follow watches keys by Next. What it sees, and what it is told, go to channels.
func follow(t *testing.T, env *store.Env, keys ...string) (seen, told chan string) {
	t.Helper()
	seen, told = make(chan string, 1000), make(chan string, 1000)
	w := env.Watch()
	var last string
	look := func(tx *store.Tx) error {
		last = ""
		for _, key := range keys {
			value, err := getKey(tx, key)
			if err != nil {
				return err
			}
			last += value + " "
		}
		seen <- last
		return nil
	}
	if err := w.View(ctx, look); err != nil {
		t.Fatal(err)
	}
	<-seen
	var following sync.WaitGroup
	following.Add(1)
	go func() {
		defer following.Done()
		for w.Next(ctx, look) == nil {
			told <- last
		}
	}()
	t.Cleanup(func() { env.Close(ctx); following.Wait() })
	return seen, told
}

// Next looks at what is being written, and tells of it when it is stored.
func TestNextLooksAhead(t *testing.T) {
	backend := &consulted{Backend: memory.New()}
	env := storetest.Open(t, backend, store.Options{})
	update(t, env, putKey("a", "1"))
	seen, told := follow(t, env, "a")
	backend.asked = make(chan chan error)
	wrote := make(chan error, 1)
	commit := func(value string) { wrote <- env.Update(ctx, putKey("a", value)) }

	go commit("2")
	answer := <-backend.asked
	if got := <-seen; got != "2 " {
		t.Fatalf("sees %q while \"2\" is being written", got)
	}
	select {
	case got := <-told:
		t.Fatalf("told of %q before it is stored", got)
	default:
	}
	answer <- nil
	if got := <-told; got != "2 " || <-wrote != nil {
		t.Fatalf("told of %q", got)
	}

	go commit("3")
	answer = <-backend.asked
	if got := <-seen; got != "3 " {
		t.Fatalf("sees %q while \"3\" is being written", got)
	}
	answer <- errors.New("no")
	if err := <-wrote; err == nil {
		t.Fatal("a commit that the backend refuses succeeded")
	}
	if got := <-seen; got != "2 " {
		t.Errorf("sees %q after \"3\" came to nothing", got)
	}
	if got := <-told; got != "2 " {
		t.Errorf("told of %q, which came to nothing", got)
	}
	backend.asked = nil
}

// TestNextTellsStatesOfTheLog has two contexts write a key each, which does not keep
// them from committing, while both watch both keys. What they are told must be states
// that follow each other: one that lacks what came before its last commit would not.
func TestNextTellsStatesOfTheLog(t *testing.T) {
	const commits = 100
	blobs := memory.NewBlobs()
	var envs []*store.Env
	for range 2 {
		envs = append(envs, storetest.Open(t, unhurried{memory.Share(blobs)}, store.Options{}))
	}
	for _, key := range []string{"a", "b"} {
		update(t, envs[0], putKey(key, "0"))
	}
	var told []chan string
	var writers sync.WaitGroup
	for i, env := range envs {
		if err := env.Sync(ctx); err != nil {
			t.Fatal(err)
		}
		_, tellings := follow(t, env, "a", "b")
		told = append(told, tellings)
		writers.Add(1)
		go func() {
			defer writers.Done()
			for n := range commits {
				update(t, env, putKey("ab"[i:i+1], fmt.Sprint(n+1)))
			}
		}()
	}
	writers.Wait()
	var states [][2]int
	for _, tellings := range told {
		for state := [2]int{}; state != [2]int{commits, commits}; {
			fmt.Sscan(<-tellings, &state[0], &state[1])
			states = append(states, state)
		}
	}
	slices.SortFunc(states, func(a, b [2]int) int { return a[0] + a[1] - b[0] - b[1] })
	for i := range len(states) - 1 {
		if a, b := states[i], states[i+1]; a[0] > b[0] || a[1] > b[1] {
			t.Errorf("told of %v and of %v", a, b)
		}
	}
	t.Logf("%d tellings", len(states))
}
