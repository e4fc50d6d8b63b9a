package store_test

import (
	"context"
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/op"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
)

// A table keeps documents and answers questions about them.
func ExampleTable() {
	ctx := context.Background()
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		panic(err)
	}
	defer env.Close(ctx)
	country, population := query.Field("country"), query.Field("population")
	cities, err := env.Table(ctx, "cities", store.Schema{
		Key:       query.Field("id"),
		Increment: true,
		Indexes:   []store.IndexSpec{{Name: "by country", Paths: []query.Path{country, population}}},
	}, nil)
	if err != nil {
		panic(err)
	}

	err = env.Update(ctx, func(tx *store.Tx) error {
		_, err := cities.Insert(tx, [][]byte{
			query.AppendValue(nil, map[string]any{"name": "Oslo", "country": "NO", "population": 709_037}),
			query.AppendValue(nil, map[string]any{"name": "Bergen", "country": "NO", "population": 291_940}),
			query.AppendValue(nil, map[string]any{"name": "Uppsala", "country": "SE", "population": 177_074}),
		})
		return err
	})
	if err != nil {
		panic(err)
	}

	q, err := query.Select(query.Eq(country, "NO"))
	if err != nil {
		panic(err)
	}
	q.OrderBy(population, true)
	q.Limit = 1
	err = env.View(ctx, func(tx *store.Tx) error {
		var last []byte
		for range 2 { // pages
			err := cities.Find(tx, q, func(doc []byte) error {
				name, _, err := query.Lookup(doc, query.Field("name"))
				fmt.Printf("%s\n", name[1:])
				last = doc
				return err
			})
			if err != nil {
				return err
			}
			q.Behind(last, query.Field("id"))
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	// Output:
	// Oslo
	// Bergen
}

// An aggregate tells of documents what they have in common, in rows.
func ExampleTable_Find_aggregate() {
	ctx := context.Background()
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		panic(err)
	}
	defer env.Close(ctx)
	cities, err := env.Table(ctx, "cities", store.Schema{Key: query.Field("name")}, nil)
	if err != nil {
		panic(err)
	}
	err = env.Update(ctx, func(tx *store.Tx) error {
		_, err := cities.Insert(tx, [][]byte{
			query.AppendValue(nil, map[string]any{"name": "Oslo", "country": "NO", "population": 709_037}),
			query.AppendValue(nil, map[string]any{"name": "Bergen", "country": "NO", "population": 291_940}),
			query.AppendValue(nil, map[string]any{"name": "Uppsala", "country": "SE", "population": 177_074}),
		})
		return err
	})
	if err != nil {
		panic(err)
	}

	q, err := query.Select(nil)
	if err != nil {
		panic(err)
	}
	q.GroupBy(query.Field("country")).Aggregated(query.Count(), query.Sum(query.Field("population")))
	err = env.View(ctx, func(tx *store.Tx) error {
		return cities.Find(tx, q, func(row []byte) error {
			values, _, err := msgp.ReadIntfBytes(row)
			fmt.Println(values)
			return err
		})
	})
	if err != nil {
		panic(err)
	}
	// Output:
	// [NO 2 1000977]
	// [SE 1 177074]
}

// Changes are fields to be set, operations or functions; all of a call or none is made.
func ExampleTable_UpdateMany() {
	ctx := context.Background()
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		panic(err)
	}
	defer env.Close(ctx)
	cities, err := env.Table(ctx, store.DefaultTable, store.Schema{Key: query.Field("name")}, nil)
	if err != nil {
		panic(err)
	}
	oslo := query.AppendValue(nil, map[string]any{"name": "Oslo", "visits": 1})
	norwegian, err := query.Select(query.Eq(query.Field("country"), "NO"))
	if err != nil {
		panic(err)
	}
	err = env.Update(ctx, func(tx *store.Tx) error {
		// Nobody has its identity, so it is inserted; then the second call finds it.
		if _, err := cities.Upsert(tx, oslo, nil); err != nil {
			return err
		}
		if _, err := cities.Upsert(tx, query.AppendValue(nil, map[string]any{"name": "Oslo", "country": "NO"}), nil); err != nil {
			return err
		}
		met, err := cities.UpdateMany(tx, []store.Change{
			{Query: norwegian, Raw: query.AppendValue(nil, map[string]any{"capital": true})},
			{Query: norwegian, Raw: op.Append(nil, op.Increment(query.Field("visits")))},
			{Query: norwegian, Func: func(doc []byte) ([]byte, error) {
				city, _ := query.ReadValue(doc)
				city.(map[string]any)["letters"] = 4
				return query.AppendValue(nil, city), nil
			}},
		})
		if err != nil {
			return err
		}
		fmt.Println(met.Len(), "changes")
		doc, _, err := cities.Get(tx, query.AppendKeyString(nil, "Oslo"))
		city, _ := query.ReadValue(doc)
		fmt.Println(city)
		return err
	})
	if err != nil {
		panic(err)
	}
	// Output:
	// 3 changes
	// map[capital:true country:NO letters:4 name:Oslo visits:2]
}
