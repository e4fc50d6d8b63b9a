package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// list prints what databases and tables there are, or the keys of one.
type list struct {
	Directory string  `arg:"" help:"The environment's directory." type:"path"`
	Name      *string `arg:"" optional:"" help:"List the keys of this database (empty: the default one), or table."`
	Table     bool    `short:"t" help:"NAME is a table."`
	Hex       bool    `short:"x" help:"Print keys in hexadecimal."`
	Prefix    string  `help:"Only a database's keys that begin with this."`
}

func (c *list) Run(ctx context.Context, s *session) error {
	return s.within(ctx, c.Directory, false, func(env *store.Env) error {
		return env.View(ctx, func(tx *store.Tx) error {
			switch {
			case c.Name == nil:
				return c.names(tx, s)
			case c.Table:
				return c.identities(tx, s)
			}
			return c.keys(tx, s)
		})
	})
}

// names prints a line for each database and table: its kind, how many entries
// or documents it has, its name.
func (c *list) names(tx *store.Tx, s *session) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	databases, err := tx.DBs()
	if err != nil {
		return err
	}
	for _, name := range append([]string{""}, databases...) {
		db, err := tx.OpenDB(name)
		if err != nil {
			return err
		}
		n, err := db.Count(store.KeyRange{})
		if err != nil {
			return err
		}
		if name == "" && n == 0 {
			continue // it is always there
		}
		p := place{}
		fmt.Fprintf(w, "database\t%d\t%s\n", n, p.shown([]byte(name)))
	}
	tables, err := tx.Tables()
	if err != nil {
		return err
	}
	for _, name := range tables {
		t, err := tx.OpenTable(name)
		if err != nil {
			return err
		}
		n, err := t.Count(tx, &query.Query{Limit: -1})
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "table\t%d\t%s\n", n, name)
	}
	return w.Flush()
}

func (c *list) keys(tx *store.Tx, s *session) error {
	p := place{Hex: c.Hex}
	db, err := tx.OpenDB(*c.Name)
	if err != nil {
		return err
	}
	prefix, err := p.key(c.Prefix)
	if err != nil {
		return err
	}
	r := store.KeyRange{}
	if len(prefix) > 0 {
		r = db.Prefix(prefix)
	}
	cursor := db.Cursor(r)
	defer cursor.Close()
	for ok := cursor.First(); ok; ok = cursor.Next() {
		if _, err := fmt.Fprintln(s.out, p.shown(cursor.Key())); err != nil {
			return err
		}
	}
	return cursor.Err()
}

// identities prints those of a table's documents, as JSON.
func (c *list) identities(tx *store.Tx, s *session) error {
	p := place{Table: true, Hex: c.Hex}
	t, err := tx.OpenTable(*c.Name)
	if err != nil {
		return err
	}
	path := t.Schema().Key
	return t.Find(tx, &query.Query{Limit: -1}, func(doc []byte) error {
		value, _, err := query.Lookup(doc, path)
		if err != nil {
			return err
		}
		key, _, err := query.AppendKeyRaw(nil, value)
		if err == nil {
			_, err = fmt.Fprintln(s.out, p.shown(key))
		}
		return err
	})
}
