package sync

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/stowage-db/stowage/store"
)

// SQL runs a statement that reads over what was pulled, as store.Env.Query does. Each model
// that it reads must be one that is pulled, and its shape here as a whole: the mode says
// whether the origin is asked first. Models are tables by their names; changes that were
// made here are not seen.
//
//	for row, err := range music.SQL(ctx, `SELECT count(*) AS n FROM albums WHERE year > ?`, 1990) {
//
// Errors: those of store.Env.Query; Incomplete, which names the models that are not here as
// a whole; OriginFailed; NotLive; ReadOnly for a statement that writes.
func (v *View) SQL(ctx context.Context, text string, values ...any) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		if err := v.readable(ctx, text); err != nil {
			yield(store.Row{}, err)
			return
		}
		v.env.Query(ctx, text, values...)(yield)
	}
}

// readable fails where a statement cannot be answered out of what is here.
func (v *View) readable(ctx context.Context, text string) error {
	if err := v.live(); err != nil {
		return err
	}
	tables, err := v.tablesOf(ctx, text)
	if store.CodeOf(err) == store.UnknownTable {
		// Nothing has come yet of what it may name.
		if absent := v.absent(ctx, text); len(absent) > 0 {
			if err := v.whole(ctx, absent); err != nil {
				return err
			}
			tables, err = v.tablesOf(ctx, text)
		}
	}
	if err != nil {
		return err
	}
	return v.whole(ctx, tables)
}

// tablesOf names the tables that a statement reads.
func (v *View) tablesOf(ctx context.Context, text string) (tables []string, err error) {
	err = v.env.View(ctx, func(tx *store.Tx) error {
		p, err := tx.Prepare(text)
		if err != nil {
			return err
		}
		if p.Writes() {
			return &store.Error{Code: store.ReadOnly, Op: "statement: a view is read"}
		}
		tables = p.Tables()
		return nil
	})
	return tables, err
}

// absent are the models that are pulled, have no table yet and occur in a text.
func (v *View) absent(ctx context.Context, text string) (names []string) {
	text = strings.ToLower(text)
	_ = v.env.View(ctx, func(tx *store.Tx) error {
		for name, m := range v.models {
			if !m.spec.Pulled || !strings.Contains(text, strings.ToLower(name)) {
				continue
			}
			if table, err := openTable(tx, name); err == nil && table == nil {
				names = append(names, name)
			}
		}
		return nil
	})
	slices.Sort(names)
	return names
}

// whole fails with Incomplete unless the shapes of models are here as a whole, for which the
// origin is asked as the mode says. Other tables are the program's own.
func (v *View) whole(ctx context.Context, tables []string) error {
	var lacking []string
	for _, name := range tables {
		m := v.models[name]
		if m == nil {
			continue
		}
		var err error
		if m.spec.Pulled {
			err = v.ensure(ctx, m, []wanted{{model: m.name}}, Load{}, nil)
		}
		switch code := store.CodeOf(err); {
		case !m.spec.Pulled, code == store.Offline, code == store.Incomplete:
			lacking = append(lacking, name)
		case err != nil:
			return err
		}
	}
	if len(lacking) > 0 {
		return &store.Error{Code: store.Incomplete, Op: "statement: not here as a whole", Name: strings.Join(lacking, ", ")}
	}
	return nil
}
