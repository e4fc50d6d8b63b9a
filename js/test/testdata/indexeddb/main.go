//go:build js && wasm

// Command indexeddb is the Go side of js/test/browser/go.test.ts, which runs it in a
// page: it works on the environment that JavaScript keeps in IndexedDB.
//
//	indexeddb write name   fills the table "places" with 2,000 documents
//	indexeddb read name    checks everything and prints how many places there are
//	indexeddb fill name    puts values until that fails, prints why, then reads them all
package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/indexeddb"
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Println(store.CodeOf(err), err)
		os.Exit(1)
	}
}

func run(ctx context.Context, what, name string) error {
	backend, err := indexeddb.Open(ctx, name)
	if err != nil {
		return err
	}
	env, err := store.Open(ctx, backend, store.Options{Modifiers: []store.Modifier{compress.S2{}}})
	if err != nil {
		return err
	}
	switch what {
	case "write":
		err = write(ctx, env)
	case "read":
		err = read(ctx, env)
	case "fill":
		err = fill(ctx, env)
	}
	if err != nil {
		return err
	}
	return env.Close(ctx)
}

func write(ctx context.Context, env *store.Env) error {
	table, err := env.Table(ctx, "places", store.Schema{
		Key:     query.Field("id"),
		Indexes: []store.IndexSpec{{Name: "country", Paths: []query.Path{query.Field("country")}}},
	}, nil)
	if err != nil {
		return err
	}
	return env.Update(ctx, func(tx *store.Tx) error {
		tx.SetDurability(store.Strict)
		var docs [][]byte
		for id := range 2000 {
			doc := msgp.AppendMapHeader(nil, 2)
			doc = msgp.AppendInt(msgp.AppendString(doc, "id"), id)
			docs = append(docs, msgp.AppendString(msgp.AppendString(doc, "country"), [...]string{"NO", "SE", "DK", "FI"}[id%4]))
		}
		_, err := table.Insert(tx, docs)
		return err
	})
}

func read(ctx context.Context, env *store.Env) error {
	report, err := env.Check(ctx)
	if err != nil {
		return err
	}
	return env.View(ctx, func(tx *store.Tx) error {
		table, err := tx.OpenTable("places")
		if err != nil {
			return err
		}
		n, err := table.Count(tx, &query.Query{Limit: -1})
		fmt.Println(n, len(report.Problems))
		return err
	})
}

func fill(ctx context.Context, env *store.Env) error {
	random := rand.NewChaCha8([32]byte{})
	n := 0
	for ; ; n++ {
		value := make([]byte, 200_000)
		_, _ = random.Read(value)
		err := env.Put(ctx, "values", fmt.Append(nil, n), value)
		if err != nil {
			fmt.Println(store.CodeOf(err))
			break
		}
	}
	for i := range n {
		value, found, err := env.Get(ctx, "values", fmt.Append(nil, i))
		if err != nil || !found || len(value) != 200_000 {
			return fmt.Errorf("value %d of %d: %v, %w", i, n, found, err)
		}
	}
	return nil
}
