package store_test

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/memory"
)

// filled is an environment of n entries of 357 bytes.
func filled(b *testing.B, n int) *store.Env {
	b.Helper()
	env, err := store.Open(context.Background(), memory.New(), store.Options{Modifiers: []store.Modifier{compress.S2{}}})
	if err != nil {
		b.Fatal(err)
	}
	load(b, env, n)
	return env
}

func load(b *testing.B, env *store.Env, n int) {
	b.Helper()
	value := make([]byte, 357)
	for i := range value {
		value[i] = byte(i * i >> 3)
	}
	err := env.Update(context.Background(), func(tx *store.Tx) error {
		db, err := tx.DB("d")
		if err != nil {
			return err
		}
		for i := range n {
			if _, _, err := db.Get(number(i)); err != nil {
				return err
			}
			if err := db.Put(number(i), value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func number(i int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(i)) }

func BenchmarkBulkPut(b *testing.B) {
	const n = 10000
	b.SetBytes(n * 357)
	for b.Loop() {
		filled(b, n)
	}
}

func BenchmarkWarmGet(b *testing.B) {
	ctx := context.Background()
	env := filled(b, 50000)
	if err := env.Checkpoint(ctx); err != nil {
		b.Fatal(err)
	}
	tx, err := env.Begin(ctx, false)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if err := tx.Renew(ctx); err != nil {
			b.Fatal(err)
		}
		db, err := tx.DB("d")
		if err != nil {
			b.Fatal(err)
		}
		i = (i + 7919) % 50000
		if _, found, err := db.Get(number(i)); err != nil || !found {
			b.Fatal(found, err)
		}
		tx.Rollback()
	}
}

func BenchmarkScan(b *testing.B) {
	ctx := context.Background()
	const n = 10000
	env := filled(b, n)
	b.SetBytes(n * 357)
	for b.Loop() {
		err := env.View(ctx, func(tx *store.Tx) error {
			db, err := tx.DB("d")
			if err != nil {
				return err
			}
			c := db.Cursor(store.KeyRange{})
			for ok := c.First(); ok; ok = c.Next() {
				if _, err := c.Value(); err != nil {
					return err
				}
			}
			return c.Err()
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	ctx := context.Background()
	env := filled(b, 1000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		err := env.Update(ctx, func(tx *store.Tx) error {
			db, err := tx.DB("d")
			if err != nil {
				return err
			}
			return db.Put(number(i), number(i))
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
