package policies_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/stowage-db/stowage/query"
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
