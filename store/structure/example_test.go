package structure_test

import (
	"context"
	"fmt"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/structure"
)

// update runs f over an environment in memory.
func update(f func(t *structure.Tx) error) {
	ctx := context.Background()
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err == nil {
		err = structure.New(env, "structures", structure.Options{}).Update(ctx, f)
	}
	if err != nil {
		panic(err)
	}
}

// Who leads, and who is where.
func ExampleTx_ZRevRange() {
	update(func(t *structure.Tx) error {
		if _, err := t.ZAdd("chess", structure.Z{"Ada", 2810}, structure.Z{"Bo", 2700}, structure.Z{"Cy", 2755}); err != nil {
			return err
		}
		leaders, err := t.ZRevRange("chess", 0, 1)
		fmt.Println(leaders)
		rank, _, _ := t.ZRevRank("chess", "Bo")
		fmt.Println(rank)
		return err
	})
	// Output:
	// [{Ada 2810} {Cy 2755}]
	// 2
}

func ExampleTx_HSet() {
	update(func(t *structure.Tx) error {
		if _, err := t.HSet("person:1", "name", "Ada", "visits", "41"); err != nil {
			return err
		}
		if _, err := t.HIncrBy("person:1", "visits", 1); err != nil {
			return err
		}
		all, err := t.HGetAll("person:1")
		fmt.Println(all)
		return err
	})
	// Output: map[name:Ada visits:42]
}

func ExampleTx_GeoSearch() {
	update(func(t *structure.Tx) error {
		_, err := t.GeoAdd("cities",
			structure.Place{"Oslo", 10.75, 59.91}, structure.Place{"Bergen", 5.32, 60.39}, structure.Place{"Hamar", 11.07, 60.79})
		if err != nil {
			return err
		}
		near, err := t.GeoSearch("cities", structure.GeoQuery{Member: "Oslo", Radius: 150, Unit: structure.Kilometres})
		for _, f := range near {
			fmt.Printf("%s %.0f km\n", f.Member, f.Distance)
		}
		return err
	})
	// Output:
	// Oslo 0 km
	// Hamar 99 km
}

func ExampleTx_Expire() {
	update(func(t *structure.Tx) error {
		if err := t.Set("session", "Ada", time.Hour); err != nil {
			return err
		}
		if _, err := t.Persist("session"); err != nil {
			return err
		}
		ttl, err := t.TTL("session")
		fmt.Println(ttl == structure.Forever)
		return err
	})
	// Output: true
}
