package policies_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/op"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/policies"
)

// A table that gives its documents a slug, and holds two of them.
func Example() {
	ctx := context.Background()
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		panic(err)
	}
	defer env.Close(ctx)
	table, err := env.Table(ctx, "cities", store.Schema{Key: query.Field("id")}, nil)
	if err != nil {
		panic(err)
	}

	on := policies.NewTableHooks()
	_, err = on.Hook("create", func(_ *store.Tx, city policies.Document) error {
		city["slug"] = strings.ToLower(city["name"].(string))
		return nil
	})
	if err != nil {
		panic(err)
	}
	bounded, err := policies.NewBounded(policies.BoundedOptions{Kind: policies.FIFO, Max: 2})
	if err != nil {
		panic(err)
	}
	cities := policies.Over(table, nil, on, bounded)

	err = env.Update(ctx, func(tx *store.Tx) error {
		for id, name := range []string{"Oslo", "Bergen", "Hamar"} {
			doc := query.AppendValue(nil, map[string]any{"id": id, "name": name})
			if _, err := cities.Insert(tx, [][]byte{doc}); err != nil {
				return err
			}
		}
		q, err := cities.Select(nil)
		if err != nil {
			return err
		}
		return cities.Find(tx, q, func(doc []byte) error {
			city, _ := query.ReadValue(doc)
			fmt.Println(city)
			return nil
		})
	})
	if err != nil {
		panic(err)
	}
	// Output:
	// map[id:1 name:Bergen slug:bergen]
	// map[id:2 name:Hamar slug:hamar]
}

// A table with policies has all that a table has. What is changed bears the time of its change, whichever way
// it is changed.
func ExampleTable() {
	ctx := context.Background()
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		panic(err)
	}
	defer env.Close(ctx)
	table, err := env.Table(ctx, "cities", store.Schema{Key: query.Field("name")}, nil)
	if err != nil {
		panic(err)
	}
	hour := 8
	cities := policies.Over(table, nil, policies.Timestamps{
		Created: "created", Modified: "modified",
		Format: func(time.Time) any { return fmt.Sprint(hour, ":00") },
	})
	all, err := cities.Select(nil)
	if err != nil {
		panic(err)
	}
	city := func(doc map[string]any) [][]byte { return [][]byte{query.AppendValue(nil, doc)} }
	for _, write := range []func(tx *store.Tx) error{
		func(tx *store.Tx) error {
			_, err := cities.Insert(tx, city(map[string]any{"name": "Oslo", "visits": 1}))
			return err
		},
		func(tx *store.Tx) error {
			_, err := cities.UpdateMany(tx, []store.Change{{Query: all, Raw: op.Append(nil, op.Increment(query.Field("visits")))}})
			return err
		},
		func(tx *store.Tx) error {
			_, err := cities.Upsert(tx, city(map[string]any{"name": "Oslo", "country": "NO"})[0], nil)
			return err
		},
		func(tx *store.Tx) error {
			_, err := cities.Replace(tx, city(map[string]any{"name": "Oslo"}))
			return err
		},
	} {
		err := env.Update(ctx, func(tx *store.Tx) error {
			if err := write(tx); err != nil {
				return err
			}
			return cities.Find(tx, all, func(doc []byte) error {
				city, _ := query.ReadValue(doc)
				fmt.Println(city)
				return nil
			})
		})
		if err != nil {
			panic(err)
		}
		hour++
	}
	// Output:
	// map[created:8:00 modified:8:00 name:Oslo visits:1]
	// map[created:8:00 modified:9:00 name:Oslo visits:2]
	// map[country:NO created:8:00 modified:10:00 name:Oslo visits:2]
	// map[created:8:00 modified:11:00 name:Oslo]
}
