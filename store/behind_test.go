package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
)

// switched is a backend whose writes fail while broken is set, half-way where torn is.
type switched struct {
	store.Backend
	commits int
	broken  bool
	torn    bool
}

var errSwitchedOff = errors.New("switched off")

func (s *switched) Commit(ctx context.Context, batch *store.Batch) error {
	if s.broken {
		return errSwitchedOff
	}
	if s.torn {
		return errors.Join(s.Backend.Commit(ctx, &store.Batch{Put: batch.Put}), errSwitchedOff)
	}
	s.commits++
	return s.Backend.Commit(ctx, batch)
}

// bufferedEnv opens an environment that writes behind only when it is told to.
func bufferedEnv(t *testing.T, backend store.Backend, options store.Options) *store.Env {
	t.Helper()
	options.Durability = store.Buffered
	if options.BufferTime == 0 {
		options.BufferTime = time.Hour
	}
	env, err := store.Open(ctx, backend, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { env.Close(ctx) })
	return env
}

func putBuffered(t *testing.T, env *store.Env, key, value string) {
	t.Helper()
	if err := env.Put(ctx, "a", []byte(key), []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func valueOf(t *testing.T, env *store.Env, key string) string {
	t.Helper()
	value, found, err := env.Get(ctx, "a", []byte(key))
	if store.CodeOf(err) == store.NotFound {
		return "-"
	}
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		return "-"
	}
	return string(value)
}

func TestBufferedCommitsAreSeenAtOnceAndWrittenTogether(t *testing.T) {
	backend := &switched{Backend: memory.New()}
	env := bufferedEnv(t, backend, store.Options{})
	for i := range 100 {
		putBuffered(t, env, fmt.Sprint(i), "x")
		if got := valueOf(t, env, fmt.Sprint(i)); got != "x" {
			t.Fatalf("%d reads %q after its commit", i, got)
		}
	}
	if backend.commits != 0 {
		t.Fatalf("%d batches were written for %d small commits", backend.commits, 100)
	}
	if err := env.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if backend.commits != 1 {
		t.Errorf("%d batches were written, want 1", backend.commits)
	}
	if err := env.Flush(ctx); err != nil || backend.commits != 1 {
		t.Errorf("a second flush wrote again, or failed: %v", err)
	}
}

func TestBufferedCommitsAreWrittenInTime(t *testing.T) {
	env := bufferedEnv(t, memory.New(), store.Options{BufferTime: time.Millisecond})
	putBuffered(t, env, "k", "v")
	awaitWriting(t, env)
}

func TestBufferedCommitsAreWrittenWhenTheyAreMany(t *testing.T) {
	env := bufferedEnv(t, memory.New(), store.Options{BufferBytes: 1000})
	for i := range 20 {
		putBuffered(t, env, fmt.Sprint(i), fmt.Sprintf("%0100d", i))
	}
	awaitWriting(t, env)
}

// awaitWriting returns once a log record has been written, which must happen by
// itself.
func awaitWriting(t *testing.T, env *store.Env) {
	t.Helper()
	for {
		stat, err := env.Stat(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if stat.Position > 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// A commit that is waited for takes along what stands before it, and closing and
// folding leave nothing behind.
func TestBufferedCommitsGoWithOthers(t *testing.T) {
	for name, finish := range map[string]func(env *store.Env) error{
		"a commit": func(env *store.Env) error {
			return env.Update(ctx, func(tx *store.Tx) error {
				tx.SetDurability(store.Relaxed)
				db, err := tx.DB("a")
				if err != nil {
					return err
				}
				return db.Put([]byte("last"), []byte("v"))
			})
		},
		"close":      func(env *store.Env) error { return env.Close(ctx) },
		"checkpoint": func(env *store.Env) error { return env.Checkpoint(ctx) },
	} {
		backend := memory.New()
		env := bufferedEnv(t, backend, store.Options{})
		putBuffered(t, env, "first", "v")
		if err := finish(env); err != nil {
			t.Fatal(name, err)
		}
		again, err := store.Open(ctx, memory.Open(backend.Blobs()), store.Options{})
		if err != nil {
			t.Fatal(name, err)
		}
		if got := valueOf(t, again, "first"); got != "v" {
			t.Errorf("after %s the backend has %q", name, got)
		}
		again.Close(ctx)
	}
}

func TestALostBufferedCommitIsReported(t *testing.T) {
	backend := &switched{Backend: memory.New()}
	told := make(chan error, 1)
	env := bufferedEnv(t, backend, store.Options{OnLost: func(err error) { told <- err }})
	putBuffered(t, env, "kept", "v")
	if err := env.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	backend.broken = true
	putBuffered(t, env, "lost", "v")
	if err := env.Flush(ctx); !errors.Is(err, errSwitchedOff) {
		t.Fatalf("flush: %v", err)
	}
	if err := <-told; !errors.Is(err, errSwitchedOff) {
		t.Errorf("OnLost was told %v", err)
	}
	backend.broken = false
	if err := env.Flush(ctx); err != nil {
		t.Errorf("the loss is reported twice: %v", err)
	}
	if kept, lost := valueOf(t, env, "kept"), valueOf(t, env, "lost"); kept != "v" || lost != "-" {
		t.Errorf("kept %q, lost %q", kept, lost)
	}
	putBuffered(t, env, "later", "v")
	if err := env.Flush(ctx); err != nil || valueOf(t, env, "later") != "v" {
		t.Errorf("the environment is of no use after a loss: %v", err)
	}
}

// Another context takes the place in the log that a buffered update was to have,
// and changes what it read: it is run again, for nobody else could.
func TestABufferedUpdateIsRunAgain(t *testing.T) {
	blobs := memory.NewBlobs()
	a := bufferedEnv(t, memory.Share(blobs), store.Options{})
	b, err := store.Open(ctx, memory.Share(blobs), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(ctx)
	for range 20 {
		for _, env := range []*store.Env{a, b} {
			if err := env.Update(ctx, lengthen); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for name, env := range map[string]*store.Env{"a": a, "b": b} {
		if err := env.Sync(ctx); err != nil {
			t.Fatal(err)
		}
		if err := env.View(ctx, func(tx *store.Tx) error {
			db, err := tx.DB("a")
			if err != nil {
				return err
			}
			value, _, err := db.Get([]byte("n"))
			if len(value) != 40 {
				t.Errorf("%s counts %d increments, want 40", name, len(value))
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// lengthen makes the counter a byte longer.
func lengthen(tx *store.Tx) error {
	db, err := tx.DB("a")
	if err != nil {
		return err
	}
	value, _, err := db.Get([]byte("n"))
	if err != nil {
		return err
	}
	return db.Put([]byte("n"), append(bytes.Clone(value), '+'))
}
