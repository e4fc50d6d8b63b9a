package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// epochs are the keys that the header of an environment has.
func epochs(t *testing.T, env *store.Env) (numbers []byte) {
	t.Helper()
	enough := errors.New("the header was seen")
	err := env.Amend(context.Background(), func(header []byte) ([]byte, error) {
		numbers = header[8:]
		return nil, enough
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	return numbers
}

// expectEpochs opens the environment with nothing but its key: everything can be read, and
// the header has the epochs.
func expectEpochs(t *testing.T, blobs *memory.Blobs, entries int, want ...byte) {
	t.Helper()
	env := storetest.Open(t, memory.Open(blobs), keyed("key"))
	expectFilled(t, env, entries)
	if got := epochs(t, env); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("epochs %v, want %v", got, want)
	}
	storetest.Close(t, env)
}

func TestRotate(t *testing.T) {
	const entries = 500
	ctx, blobs, rotations := context.Background(), memory.NewBlobs(), 0
	env := storetest.Open(t, memory.Open(blobs), keyed("key"))
	fillTree(t, env, entries)
	m := storetest.NewModel(t, storetest.Seed(t))
	for rotations < 3 {
		slices := 0
		err := env.Rotate(ctx, func(int64, int64) {
			slices++
			m.Step(env)
			m.Compare(env)
		})
		if rotations++; err != nil || slices < 3 {
			t.Fatalf("%d slices, %v", slices, err)
		}
	}
	m.Compare(env)
	storetest.Close(t, env)
	expectEpochs(t, blobs, entries, 4)
}

// TestRotateNeedsKeys rotates where there is nothing to rotate, and where there is nothing stored.
func TestRotateNeedsKeys(t *testing.T) {
	ctx := context.Background()
	env := storetest.Open(t, memory.New(), storetest.Small())
	if err := env.Rotate(ctx, nil); store.CodeOf(err) != store.KeyRequired {
		t.Errorf("rotated with %v, want key_required", err)
	}
	storetest.Close(t, env)

	env = storetest.Open(t, memory.New(), keyed("key"))
	if err := env.Rotate(ctx, nil); err != nil { // before anything was stored
		t.Error(err)
	}
	if got := epochs(t, env); fmt.Sprint(got) != "[2]" {
		t.Errorf("epochs %v", got)
	}
	fillTree(t, env, 500)
	cutShort(t, func(ctx context.Context, progress func(done, total int64)) error {
		return env.Rechain(ctx, nil, progress)
	})
	if err := env.Rotate(ctx, nil); store.CodeOf(err) != store.NotEncrypted {
		t.Errorf("rotated with %v while it is decrypted, want not_encrypted", err)
	}
	storetest.Close(t, env)
}

// cutShort ends a walk after its first slice.
func cutShort(t *testing.T, walk func(context.Context, func(done, total int64)) error) {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	if err := walk(ctx, func(int64, int64) { end() }); store.CodeOf(err) != store.Aborted {
		t.Fatalf("ended with %v, want aborted", err)
	}
}

// TestHeadersThatChangeHaveAllBegunAnew brings newer keys between the slices of a
// walk that was interrupted: what the first slices have sealed by the keys of then must not be taken
// for done when the older ones are dropped.
func TestHeadersThatChangeHaveAllBegunAnew(t *testing.T) {
	const entries = 500
	ctx := context.Background()
	amend := func(env *store.Env) error { return env.Amend(ctx, storetest.NewEpoch) }
	rotate := func(env *store.Env) error { return env.Rotate(ctx, nil) }
	again := func(env *store.Env) error { return env.Rechain(ctx, keyed("key").Modifiers, nil) }
	for name, test := range map[string]struct {
		interrupted func(env *store.Env) func(context.Context, func(int64, int64)) error
		then        []func(*store.Env) error
		epochs      []byte
	}{
		"a chain, then keys":           {rechaining, []func(*store.Env) error{amend, again}, []byte{2}},
		"a chain, then a rotation":     {rechaining, []func(*store.Env) error{rotate}, []byte{2}},
		"a rotation, gone on with":     {rotating, []func(*store.Env) error{rotate}, []byte{2}},
		"a rotation, as a chain":       {rotating, []func(*store.Env) error{again}, []byte{2}},
		"a rotation, then keys":        {rotating, []func(*store.Env) error{amend, again}, []byte{3}},
		"a rotation after other keys":  {rotating, []func(*store.Env) error{amend, rotate}, []byte{4}},
		"a rotation, not gone on with": {rotating, nil, []byte{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			blobs := memory.NewBlobs()
			env := storetest.Open(t, memory.Open(blobs), keyed("key"))
			fillTree(t, env, entries)
			cutShort(t, test.interrupted(env))
			storetest.Close(t, env)
			env = storetest.Open(t, memory.Open(blobs), keyed("key"))
			for _, then := range test.then {
				if err := then(env); err != nil {
					t.Fatal(err)
				}
			}
			expectFilled(t, env, entries)
			storetest.Close(t, env)
			expectEpochs(t, blobs, entries, test.epochs...)
		})
	}
}

func rotating(env *store.Env) func(context.Context, func(int64, int64)) error { return env.Rotate }

func rechaining(env *store.Env) func(context.Context, func(int64, int64)) error {
	return func(ctx context.Context, progress func(int64, int64)) error {
		return env.Rechain(ctx, keyed("key").Modifiers, progress)
	}
}

// TestRotateAtEveryCall ends a rotation at each of the backend's calls in turn: whatever
// is left opens with the key, and goes on.
func TestRotateAtEveryCall(t *testing.T) {
	const entries = 70
	for _, mode := range []storetest.Mode{storetest.Dead, storetest.Before, storetest.After, storetest.Torn} {
		for at, done := 0, false; !done; at += storetest.Stride() {
			done = rotateOnce(t, entries, at, mode)
		}
	}
}

// rotateOnce fails a rotation at one call, and reports whether that came to its end before.
func rotateOnce(t *testing.T, entries, at int, mode storetest.Mode) (done bool) {
	t.Helper()
	ctx, blobs := context.Background(), memory.NewBlobs()
	env := storetest.Open(t, memory.Open(blobs), keyed("key"))
	fillTree(t, env, entries)
	update(t, env, putKey("canary", "in the log"))
	storetest.Close(t, env)
	faulty := storetest.NewFaulty(memory.Open(blobs))
	env = storetest.Open(t, faulty, keyed("key"))
	faulty.FailAt(at, mode)
	err := env.Rotate(ctx, nil)
	done = err == nil && !faulty.Failed()
	if mode != storetest.Dead {
		faulty.Heal()
		update(t, env, putKey("canary", "again"))
		expectFilled(t, env, entries)
		if err != nil {
			err = env.Rotate(ctx, nil)
		}
		if err != nil {
			t.Fatalf("call %d, %v: not gone on with: %v", at, mode, err)
		}
		update(t, env, putKey("canary", "in the log"))
	}
	env.Close(ctx) // with whatever the fault makes of it
	env = storetest.Open(t, memory.Open(blobs), keyed("key"))
	expectFilled(t, env, entries)
	expectLatest(t, env, "canary", "in the log")
	if n := len(epochs(t, env)); n > 2 || mode != storetest.Dead && n != 1 {
		t.Errorf("call %d, %v: %d epochs", at, mode, n)
	}
	if err := env.Rotate(ctx, nil); err != nil {
		t.Fatalf("call %d, %v: not gone on with when opened again: %v", at, mode, err)
	}
	if n := len(epochs(t, env)); n != 1 {
		t.Errorf("call %d, %v: %d epochs in the end", at, mode, n)
	}
	storetest.Close(t, env)
	env = storetest.Open(t, memory.Open(blobs), keyed("key"))
	expectFilled(t, env, entries)
	expectLatest(t, env, "canary", "in the log")
	storetest.Close(t, env)
	return done
}

// TestRotateInTwoContexts rotates in both at once, and changes the header in a third.
func TestRotateInTwoContexts(t *testing.T) {
	const entries = 400
	ctx, blobs := context.Background(), memory.NewBlobs()
	var envs [3]*store.Env
	for i := range envs {
		envs[i] = storetest.Open(t, memory.Share(blobs), keyed("key"))
	}
	fillTree(t, envs[0], entries)
	slices := 0
	err := envs[0].Rotate(ctx, func(int64, int64) {
		slices++
		update(t, envs[2], putKey("canary", fmt.Sprint(slices)))
		switch slices {
		case 2:
			cutShort(t, envs[1].Rotate)
		case 3:
			if err := envs[2].Amend(ctx, storetest.NewEpoch); err != nil {
				t.Error(err)
			}
		case 5:
			if err := envs[1].Rotate(ctx, nil); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, env := range envs {
		expectFilled(t, env, entries)
		expectLatest(t, env, "canary", fmt.Sprint(slices))
		storetest.Close(t, env)
	}
	expectEpochs(t, blobs, entries, 4)
}
