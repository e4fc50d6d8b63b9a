package store_test

import (
	"context"
	"fmt"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
)

// SQL works on the tables that programs open by their names, and makes some.
func ExampleEnv_Query() {
	ctx := context.Background()
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		panic(err)
	}
	defer env.Close(ctx)
	_, err = env.Exec(ctx, `
		CREATE TABLE cities (name TEXT NOT NULL, country TEXT, population INT);
		CREATE INDEX by_country ON cities (country);
		INSERT INTO cities VALUES ('Oslo', 'NO', 709037), ('Bergen', 'NO', 291940), ('Uppsala', 'SE', 177074)`)
	if err != nil {
		panic(err)
	}
	for row, err := range env.Query(ctx, `SELECT name, population FROM cities WHERE country = ? ORDER BY population DESC`, "NO") {
		if err != nil {
			panic(err)
		}
		fmt.Println(row.Get("name"), row.Get("population"))
	}
	// Output:
	// Oslo 709037
	// Bergen 291940
}

// A connection begins and ends transactions by statements.
func ExampleConnection() {
	ctx := context.Background()
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		panic(err)
	}
	defer env.Close(ctx)
	c := env.Connect()
	defer c.Close()
	_, err = c.Exec(ctx, `
		CREATE TABLE accounts (owner TEXT, amount INT);
		BEGIN;
		INSERT INTO accounts VALUES ('Ada', 3);
		SAVEPOINT more;
		UPDATE accounts SET amount = 1000;
		ROLLBACK TO more;
		COMMIT`)
	if err != nil {
		panic(err)
	}
	for row, err := range c.Query(ctx, `SELECT amount FROM accounts`) {
		if err != nil {
			panic(err)
		}
		fmt.Println(row.At(0))
	}
	// Output: 3
}
