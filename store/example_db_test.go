package store_test

import (
	"context"
	"fmt"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
)

// A database with sorted duplicates keeps several values a key.
func ExampleDB() {
	ctx := context.Background()
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		panic(err)
	}
	defer env.Close(ctx)
	err = env.Update(ctx, func(tx *store.Tx) error {
		tags, err := tx.DB("tags", store.DupSort)
		if err != nil {
			return err
		}
		_, _, err = tags.PutMulti([]store.Pair{
			{Key: []byte("oslo"), Value: []byte("harbour")},
			{Key: []byte("bergen"), Value: []byte("rain")},
			{Key: []byte("oslo"), Value: []byte("capital")},
		}, true)
		return err
	})
	if err != nil {
		panic(err)
	}
	err = env.View(ctx, func(tx *store.Tx) error {
		tags, err := tx.DB("tags")
		if err != nil {
			return err
		}
		c := tags.Cursor(store.KeyRange{})
		defer c.Close()
		for city, tag := range c.Forward() {
			fmt.Printf("%s: %s\n", city, tag)
		}
		return c.Err()
	})
	if err != nil {
		panic(err)
	}
	// Output:
	// bergen: rain
	// oslo: capital
	// oslo: harbour
}

// A child is tried; its parent goes on without it.
func ExampleTx_Update() {
	ctx := context.Background()
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		panic(err)
	}
	defer env.Close(ctx)
	err = env.Update(ctx, func(tx *store.Tx) error {
		accounts, err := tx.DB("accounts")
		if err != nil {
			return err
		}
		for _, name := range []string{"a", ""} {
			err := tx.Update(func(child *store.Tx) error {
				accounts, err := child.DB("accounts")
				if err != nil {
					return err
				}
				if err := accounts.Put([]byte("last"), []byte(name)); err != nil {
					return err
				}
				return accounts.Put([]byte(name), []byte("open"))
			})
			if err != nil {
				fmt.Println(store.CodeOf(err))
			}
		}
		last, _, err := accounts.Get([]byte("last"))
		fmt.Printf("last: %s\n", last)
		return err
	})
	if err != nil {
		panic(err)
	}
	// Output:
	// invalid_key
	// last: a
}
