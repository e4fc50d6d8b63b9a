package sync

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// LocalChange is a change that was made here and that the origin has not heard of, nor
// ever will. Together they are the overlay: they lie beside the rows, in the table `sync
// overlay`, are seen through a view, and outlive every pull. Pages have the same in
// js/src/sync/overlay.ts.
type LocalChange struct {
	Model string
	Key   any
	Kind  ChangeKind
	Row   map[string]any // its columns that are other ones; all, of one that was added
	At    time.Time
}

// ChangeKind says what was made.
type ChangeKind string

// The kinds of change: of a row that the origin has, a new one, and that it is not to be
// seen.
const (
	Changed ChangeKind = "changed"
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
)

const overlayTable = "sync overlay"

func changeOf(model string, key any) string { return listText(model, nameOf(key)) }

// makeChange makes a change on top of what was changed already.
func makeChange(ctx context.Context, env *store.Env, c LocalChange) error {
	return env.Update(ctx, func(tx *store.Tx) error {
		table, err := tx.Table(overlayTable, uncompressed(query.Field("change")))
		if err != nil {
			return err
		}
		before, err := readChange(tx, c.Model, c.Key)
		if err != nil {
			return err
		}
		next := c
		switch {
		case before == nil || before.Kind == Removed:
		case before.Kind == Added && c.Kind == Removed:
			_, err := removeChange(tx, table, before)
			return err
		case c.Kind == Changed:
			next.Kind = before.Kind
			next.Row = maps.Clone(before.Row)
			maps.Copy(next.Row, c.Row)
		}
		_, err = table.Put(tx, [][]byte{query.AppendValue(nil, map[string]any{
			"change": changeOf(c.Model, c.Key), "model": next.Model, "key": next.Key, "kind": string(next.Kind),
			"row": next.Row, "at": next.At.UnixMilli(),
		})})
		return err
	})
}

func removeChange(tx *store.Tx, table *store.Table, c *LocalChange) (bool, error) {
	key, err := store.AppendIdentity(nil, query.AppendValue(nil, changeOf(c.Model, c.Key)))
	if err != nil {
		return false, err
	}
	return table.Delete(tx, key)
}

// readChange returns the change of a row, nil where there is none.
func readChange(tx *store.Tx, model string, key any) (*LocalChange, error) {
	table, err := openTable(tx, overlayTable)
	if err != nil || table == nil {
		return nil, err
	}
	doc, err := document(tx, table, changeOf(model, key))
	if err != nil || doc == nil {
		return nil, err
	}
	return parseChange(doc)
}

func parseChange(doc []byte) (*LocalChange, error) {
	fields, err := readDocument(doc)
	if err != nil {
		return nil, err
	}
	row, _ := fields["row"].(map[string]any)
	if row == nil {
		row = map[string]any{}
	}
	return &LocalChange{text(fields["model"]), fields["key"], ChangeKind(text(fields["kind"])), row, time.UnixMilli(whole(fields["at"]))}, nil
}

// listChanges returns the changes of all models, of one, or of one row, oldest first.
func listChanges(tx *store.Tx, model string, key any) ([]LocalChange, error) {
	table, err := openTable(tx, overlayTable)
	if err != nil || table == nil {
		return nil, err
	}
	var found []LocalChange
	err = table.Find(tx, all(), func(doc []byte) error {
		c, err := parseChange(doc)
		if err == nil && (model == "" || c.Model == model) && (key == nil || nameOf(c.Key) == nameOf(key)) {
			found = append(found, *c)
		}
		return err
	})
	slices.SortStableFunc(found, func(a, b LocalChange) int { return a.At.Compare(b.At) })
	return found, err
}

// discardChanges takes changes back, and tells which.
func discardChanges(ctx context.Context, env *store.Env, model string, key any) ([]LocalChange, error) {
	var gone []LocalChange
	err := env.Update(ctx, func(tx *store.Tx) error {
		var err error
		if gone, err = listChanges(tx, model, key); err != nil || len(gone) == 0 {
			return err
		}
		table, err := tx.OpenTable(overlayTable)
		for i := 0; i < len(gone) && err == nil; i++ {
			_, err = removeChange(tx, table, &gone[i])
		}
		return err
	})
	return gone, err
}

// seen is a row as it is seen with a change on it, nil where it is not.
func (c *LocalChange) seen(row map[string]any) map[string]any {
	switch {
	case c == nil:
		return row
	case c.Kind == Removed, c.Kind == Changed && row == nil:
		return nil
	}
	both := map[string]any{}
	maps.Copy(both, row)
	maps.Copy(both, c.Row)
	return both
}
