package sync

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// SQL runs a statement that reads, as store.Env.Query does. Models are tables by their
// names. Where the shapes of all that it names are here as a whole, it runs here, over
// their rows with what was changed here on them; the mode says whether the origin is asked
// for news first. Else, and where the mode allows, the origin is asked the statement, which
// answers in its own dialect and knows nothing of changes made here: see js/VIEW.md. What
// it has answered is kept.
//
//	for row, err := range music.SQL(ctx, `SELECT count(*) AS n FROM albums WHERE year > ?`, 1990) {
//
// Errors: those of store.Env.Query; Incomplete, which names the models that are not here as
// a whole where nobody may be asked, or answers; OriginFailed; NotLive; ReadOnly for a
// statement that writes.
func (v *View) SQL(ctx context.Context, text string, values ...any) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		s, err := v.read(ctx, text, values)
		switch {
		case err != nil:
		case len(s.lacking) > 0:
			err = s.ask(ctx, yield)
		default:
			err = s.run(ctx, yield)
		}
		if err != nil {
			yield(store.Row{}, err)
		}
	}
}

// reading is a statement that reads.
type reading struct {
	view    *View
	text    string
	values  []any
	models  []*model
	lacking []string // models that are not here as a whole, where the origin can be asked
}

// read finds out what a statement is about, and has shapes be here as the mode says.
func (v *View) read(ctx context.Context, text string, values []any) (*reading, error) {
	if err := v.live(); err != nil {
		return nil, err
	}
	tables, err := v.tablesOf(ctx, text)
	if store.CodeOf(err) == store.UnknownTable {
		// Nothing has come yet of what it may name.
		if err = v.makeTables(ctx); err == nil {
			tables, err = v.tablesOf(ctx, text)
		}
	}
	if err != nil {
		return nil, err
	}
	s := &reading{view: v, text: text, values: slices.Clone(values)}
	_, asks := v.source.(Statements)
	for _, name := range tables {
		m := v.models[name]
		if asks = asks && m != nil; m != nil {
			s.models = append(s.models, m)
		}
	}
	var missing []string
	for _, m := range s.models {
		here, err := v.whole(ctx, m, asks)
		if err != nil {
			return nil, err
		}
		if !here {
			missing = append(missing, m.name)
		}
	}
	if len(missing) > 0 && !asks {
		return nil, lacks(missing, nil)
	}
	s.lacking = missing
	return s, nil
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

// makeTables makes the tables of models of which nothing has come yet.
func (v *View) makeTables(ctx context.Context) error {
	return v.env.Update(ctx, func(tx *store.Tx) error {
		for name, m := range v.models {
			table, err := openTable(tx, name)
			if err == nil && table == nil {
				_, err = tx.Table(name, store.Schema{Key: m.identity()})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// whole has a shape be here as a whole, as the mode says, and tells whether it is. One that
// is not is waited for only where the origin cannot be asked the statement.
func (v *View) whole(ctx context.Context, m *model, asks bool) (bool, error) {
	if !m.spec.Pulled {
		return false, nil
	}
	if asks {
		k, err := v.shapeState(ctx, m, 0)
		if err != nil || !k.state.shows() {
			return false, err
		}
	}
	err := v.ensure(ctx, m, []wanted{{model: m.name}}, Load{}, nil)
	if code := store.CodeOf(err); code == store.Offline || code == store.Incomplete {
		return false, nil
	}
	return err == nil, err
}

func lacks(models []string, cause error) error {
	return &store.Error{Code: store.Incomplete, Op: "statement: not here as a whole", Name: strings.Join(models, ", "), Err: cause}
}

// run runs it here.
func (s *reading) run(ctx context.Context, yield func(store.Row, error) bool) error {
	var changes []LocalChange
	err := s.view.env.View(ctx, func(tx *store.Tx) (err error) {
		changes, err = s.changes(tx)
		return err
	})
	if err != nil {
		return err
	}
	if len(changes) == 0 {
		s.view.env.Query(ctx, s.text, s.values...)(yield)
		return nil
	}
	rows, err := s.overlaid(ctx)
	for i := 0; err == nil && i < len(rows) && yield(rows[i], nil); i++ {
	}
	return err
}

func (s *reading) changes(tx *store.Tx) ([]LocalChange, error) {
	changes, err := listChanges(tx, "", nil)
	return slices.DeleteFunc(changes, func(c LocalChange) bool {
		return !slices.ContainsFunc(s.models, func(m *model) bool { return m.name == c.Model })
	}), err
}

// errSeen ends a transaction of which nothing is to stay.
var errSeen = errors.New("seen")

// overlaid runs it over the rows as they are seen: the changes are made in a transaction
// that is never committed.
func (s *reading) overlaid(ctx context.Context) (rows []store.Row, err error) {
	err = s.view.env.Update(ctx, func(tx *store.Tx) error {
		changes, err := s.changes(tx)
		for i := 0; err == nil && i < len(changes); i++ {
			err = s.view.models[changes[i].Model].lay(tx, &changes[i])
		}
		if err != nil {
			return err
		}
		rows = nil
		for row, err := range tx.Query(s.text, s.values...) {
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		return errSeen
	})
	if errors.Is(err, errSeen) {
		err = nil
	}
	return rows, err
}

// lay makes of a row what is seen of it.
func (m *model) lay(tx *store.Tx, c *LocalChange) error {
	table, err := tx.Table(m.name, store.Schema{Key: m.identity()})
	if err != nil {
		return err
	}
	row, err := rowOf(tx, table, c.Key)
	if err != nil {
		return err
	}
	if row = c.seen(row); row == nil {
		return deleteKeys(tx, table, []any{c.Key})
	}
	if len(m.spec.Key) > 1 {
		row[compositeKey] = c.Key
	}
	_, err = table.Put(tx, [][]byte{query.AppendValue(nil, row)})
	return err
}
