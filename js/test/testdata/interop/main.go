// Command interop is the Go side of js/test/interop.test.ts: it writes and
// reads the environment that the Node driver keeps in the same directory.
//
//	interop write dir   fills the table "places" with 2,000 documents
//	interop read dir    checks everything and prints how many places there are,
//	                    how many are in Norway, and document 4 in hex
//	interop inflate dir the same, where deflate has compressed it
//
// A passphrase as third argument encrypts the environment.
package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/encrypt"
	"github.com/stowage-db/stowage/store/file"
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, what, dir string, passphrase []string) error {
	backend, err := file.Open(dir)
	if err != nil {
		return err
	}
	modifiers := []store.Modifier{compress.S2{}}
	if what == "inflate" {
		modifiers[0] = compress.Deflate{}
	}
	for _, p := range passphrase {
		modifiers = append(modifiers, encrypt.AESGCM(encrypt.Passphrase(p, encrypt.Argon2id(19<<10, 2))))
	}
	env, err := store.Open(ctx, backend, store.Options{Modifiers: modifiers})
	if err != nil {
		return err
	}
	table, err := env.Table(ctx, "places", store.Schema{
		Key:     query.Field("id"),
		Indexes: []store.IndexSpec{{Name: "country", Paths: []query.Path{query.Field("country")}}},
	}, nil)
	if err != nil {
		return err
	}
	if what == "write" {
		err = write(ctx, env, table)
	} else {
		err = read(ctx, env, table)
	}
	if err != nil {
		return err
	}
	return env.Close(ctx)
}

func write(ctx context.Context, env *store.Env, table *store.Table) error {
	return env.Update(ctx, func(tx *store.Tx) error {
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

func read(ctx context.Context, env *store.Env, table *store.Table) error {
	report, err := env.Check(ctx)
	if err != nil {
		return err
	}
	if len(report.Problems) > 0 {
		return fmt.Errorf("problems: %v", report.Problems)
	}
	return env.View(ctx, func(tx *store.Tx) error {
		all, err := table.Count(tx, &query.Query{Limit: -1})
		if err != nil {
			return err
		}
		norway, err := query.Select(query.Eq(query.Field("country"), "NO"))
		if err != nil {
			return err
		}
		some, err := table.Count(tx, norway)
		if err != nil {
			return err
		}
		doc, _, err := table.Get(tx, query.AppendKeyInt(nil, 4))
		fmt.Println(all, some, hex.EncodeToString(doc))
		return err
	})
}
