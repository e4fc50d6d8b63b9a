package store_test

import (
	"context"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// TestCheckBesideACheckpoint checks while a checkpoint deletes the log that is
// being read, in many orders: nothing is missing that should be there.
func TestCheckBesideACheckpoint(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(50) {
		schedule := storetest.NewSchedule(seed)
		options := storetest.Small()
		options.Scheduler = schedule
		platform := storetest.NewPlatform(storetest.Browser(), schedule)
		schedule.Go(func(context.Context) {
			env, err := store.Open(ctx, platform.Connect(), options)
			for range 4 {
				if err == nil {
					err = env.Update(ctx, func(tx *store.Tx) error { return increment(tx, "n") })
				}
			}
			if err != nil {
				t.Error(err)
				return
			}
			schedule.Go(func(ctx context.Context) {
				if err := env.Checkpoint(ctx); err != nil {
					t.Error(err)
				}
			})
			report, err := env.Check(ctx)
			if err != nil || !report.Clean() {
				t.Errorf("seed %d: %v, %+v", seed, err, report)
			}
		})
		if err := schedule.Drain(); err != nil {
			t.Fatal(err)
		}
	}
}
