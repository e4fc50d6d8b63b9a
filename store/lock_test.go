package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
)

// TestLock forgets the key of a living environment and gives it back: in between nothing
// can be begun, and afterwards all of it is there, what was not folded and what others wrote too.
func TestLock(t *testing.T) {
	ctx := context.Background()
	blobs := memory.NewBlobs()
	cipher := storetest.NewCipher("key")
	options := chained([]store.Modifier{cipher})
	env := storetest.Open(t, memory.Share(blobs), options)
	other := storetest.Open(t, memory.Share(blobs), chained(chains()["encrypted"]()))
	fillTree(t, env, 50)
	update(t, env, putKey("canary", "in the log"))
	reading, err := env.Begin(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	buffered, err := env.Begin(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	buffered.SetDurability(store.Buffered)
	if err := putKey("buffered", "written all the same")(buffered); err != nil {
		t.Fatal(err)
	}
	if err := buffered.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := env.Lock(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := getKey(reading, "canary"); err == nil {
		t.Error("a transaction outlived the lock")
	}
	if stat, err := env.Stat(ctx); err != nil || stat.CacheBytes+stat.OverlayBytes != 0 {
		t.Errorf("it remembers %d and %d bytes, %v", stat.CacheBytes, stat.OverlayBytes, err)
	}
	update(t, other, putKey("other", "meanwhile"))
	calls := map[string]func() error{
		"begin":      func() error { return env.View(ctx, func(*store.Tx) error { return nil }) },
		"update":     func() error { return env.Update(ctx, putKey("canary", "locked")) },
		"renew":      func() error { return reading.Renew(ctx) },
		"checkpoint": func() error { return env.Checkpoint(ctx) },
		"sync":       func() error { return env.Sync(ctx) },
		"amend":      func() error { return env.Amend(ctx, storetest.NewEpoch) },
		"unlock":     func() error { return env.Unlock(ctx) },
	}
	for name, call := range calls {
		if err := call(); store.CodeOf(err) != store.KeyRequired {
			t.Errorf("%s while locked: %v, want key_required", name, err)
		}
	}
	cipher.SetKey("other")
	if err := env.Unlock(ctx); store.CodeOf(err) != store.WrongKey {
		t.Errorf("unlocked with %v, want wrong_key", err)
	}
	if err := env.Update(ctx, putKey("canary", "locked")); store.CodeOf(err) != store.KeyRequired {
		t.Errorf("a wrong key unlocked it: %v", err)
	}
	cipher.SetKey("key")
	for range 2 {
		if err := env.Unlock(ctx); err != nil {
			t.Fatal(err)
		}
	}
	expectFilled(t, env, 50)
	expectLatest(t, env, "canary", "in the log")
	expectLatest(t, env, "buffered", "written all the same")
	expectLatest(t, env, "other", "meanwhile")
	update(t, env, putKey("canary", "unlocked"))
	expectLatest(t, other, "canary", "unlocked")
	storetest.Close(t, env)
	storetest.Close(t, other)
}

func TestLockNeedsAKey(t *testing.T) {
	ctx := context.Background()
	env := storetest.Open(t, memory.New(), storetest.Small())
	if err := env.Lock(ctx); store.CodeOf(err) != store.Unsupported {
		t.Errorf("locked with %v, want unsupported", err)
	}
	storetest.Close(t, env)
	options := storetest.Small()
	options.LockAfter = time.Second
	if _, err := store.Open(ctx, memory.New(), options); store.CodeOf(err) != store.InvalidOption {
		t.Errorf("opened with %v, want invalid_option", err)
	}
}

// TestLocksWhenIdle stays open while a transaction is, and locks some time after it, by the
// time of a schedule.
func TestLocksWhenIdle(t *testing.T) {
	ctx, schedule := context.Background(), storetest.NewSchedule(1)
	rest := func(d time.Duration) {
		gate := schedule.NewGate()
		schedule.OpenAt(schedule.Now().Add(d), gate)
		if err := gate.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := schedule.Run(func() {
		options := chained(chains()["encrypted"]())
		options.Scheduler, options.LockAfter = schedule, time.Minute
		env := storetest.Open(t, memory.New(), options)
		tx, err := env.Begin(ctx, false)
		if err != nil {
			t.Error(err)
			return
		}
		rest(10 * options.LockAfter)
		if _, err := getKey(tx, "none"); err != nil {
			t.Errorf("it locked under a transaction: %v", err)
		}
		tx.Rollback()
		rest(options.LockAfter / 2)
		if err := env.Checkpoint(ctx); err != nil {
			t.Errorf("it locked too early: %v", err)
		}
		rest(2 * options.LockAfter)
		if _, err := env.Info(ctx); err != nil {
			t.Error(err)
		}
		if err := env.Checkpoint(ctx); store.CodeOf(err) != store.KeyRequired {
			t.Errorf("it did not lock: %v", err)
		}
		if err := env.Close(ctx); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Error(err)
	}
}
