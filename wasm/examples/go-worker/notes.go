//go:build js && wasm

package main

import (
	"context"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/coder"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/kv"
)

type note struct {
	ID     int    `json:"id"`
	Author string `json:"author"`
	Text   string `json:"text"`
}

// notes are the notes as one request sees them.
type notes struct {
	env   *store.Env
	table *store.Table
}

var schema = store.Schema{
	Key:     query.Field("id"),
	Indexes: []store.IndexSpec{{Name: "author", Paths: []query.Path{query.Field("author")}}},
}

// open opens the notes, with the commits that tokens name.
func open(ctx context.Context, tokens string) (*notes, error) {
	env, err := openEnv(ctx)
	if err != nil {
		return nil, err
	}
	table, err := env.Table(ctx, "notes", schema, nil)
	if err == nil && tokens != "" {
		err = env.SyncAfter(ctx, tokens)
	}
	if err != nil {
		_ = env.Close(ctx)
		return nil, err
	}
	return &notes{env, table}, nil
}

func openEnv(ctx context.Context) (*store.Env, error) {
	backend, err := kv.Open("NOTES", "notes", kv.Options{})
	if err != nil {
		return nil, err
	}
	return store.OpenMerging(ctx, backend, store.Options{Modifiers: []store.Modifier{compress.S2{}}, CacheBytes: 8 << 20})
}

// compact is what the cron trigger does: it publishes a snapshot, and deletes what is needless.
func compact(ctx context.Context) error {
	env, err := openEnv(ctx)
	if err != nil {
		return err
	}
	defer env.Close(ctx)
	_, err = env.Compact(ctx, 500)
	return err
}

func (n *notes) put(ctx context.Context, note note) error {
	doc := query.AppendValue(nil, map[string]any{"id": note.ID, "author": note.Author, "text": note.Text})
	return n.env.Update(ctx, func(tx *store.Tx) error {
		_, err := n.table.Put(tx, [][]byte{doc})
		return err
	})
}

func (n *notes) get(ctx context.Context, id int) (note any, err error) {
	key, err := keyOf(id)
	if err != nil {
		return nil, err
	}
	err = n.env.View(ctx, func(tx *store.Tx) error {
		doc, found, err := n.table.Get(tx, key)
		if err == nil && !found {
			return errNoNote
		}
		if err == nil {
			note, err = coder.MessagePack.Decode(doc)
		}
		return err
	})
	return note, err
}

// list returns the notes of an author, of all where that is "".
func (n *notes) list(ctx context.Context, author string) (any, error) {
	var of query.Expr
	if author != "" {
		of = query.Eq(query.Field("author"), author)
	}
	q, err := query.Select(of)
	if err != nil {
		return nil, err
	}
	all := []any{}
	err = n.env.View(ctx, func(tx *store.Tx) error {
		return n.table.Find(tx, q, func(doc []byte) error {
			note, err := coder.MessagePack.Decode(doc)
			all = append(all, note)
			return err
		})
	})
	return all, err
}

func (n *notes) delete(ctx context.Context, id int) error {
	key, err := keyOf(id)
	if err != nil {
		return err
	}
	return n.env.Update(ctx, func(tx *store.Tx) error {
		found, err := n.table.Delete(tx, key)
		if err == nil && !found {
			return errNoNote
		}
		return err
	})
}

func keyOf(id int) ([]byte, error) { return store.AppendIdentity(nil, query.AppendValue(nil, id)) }
