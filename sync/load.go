package sync

import (
	"bytes"
	"context"
	"errors"
	stdsync "sync"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// loader loads rows of an origin as they are asked for: into the table of their model,
// with the records of what was asked, in one transaction. What is asked by many at once
// is asked once. Pages have the same in js/src/sync/load.ts.
type loader struct {
	env *store.Env
	ask func(context.Context, Statement) (*Found, error)
	ctx context.Context // of what is being asked, which goes on when those who wait give up

	mu      stdsync.Mutex
	flights map[string]*flight // by record
	landed  map[string]uint64  // the last answer to each, by a count of all
	count   uint64
	fresh   map[string]int64 // what has come since the view was opened, and when
	work    stdsync.WaitGroup
}

// flight is a question that is being asked.
type flight struct {
	done chan struct{}
	err  error
}

// valuesAsked are in one statement, and no more.
const valuesAsked = 100

// known is how something is here, and since when.
type known struct {
	state state
	at    int64
}

func newLoader(ctx context.Context, env *store.Env, ask func(context.Context, Statement) (*Found, error)) *loader {
	return &loader{env: env, ask: ask, ctx: ctx, flights: map[string]*flight{}, landed: map[string]uint64{}, fresh: map[string]int64{}}
}

// state tells how something is here.
func (l *loader) state(tx *store.Tx, one *wanted, maxAge time.Duration) (known, error) {
	record, err := readLoaded(tx, one.record)
	if err != nil {
		return known{}, err
	}
	k := known{}
	if record != nil {
		k.at = record.at
	}
	if k.state, err = l.there(tx, one, record); err != nil || k.state != complete {
		return k, err
	}
	l.mu.Lock()
	came, has := l.fresh[one.record]
	l.mu.Unlock()
	switch {
	case maxAge > 0 && time.Since(time.UnixMilli(k.at)) > maxAge:
		k.state = stale
	case has && came == k.at:
		k.state = fresh
	}
	return k, nil
}

// there tells whether something was not only loaded once, but still is here.
func (l *loader) there(tx *store.Tx, one *wanted, record *loaded) (state, error) {
	var keys []any
	switch {
	case record != nil:
		keys = record.rows
	case one.field == itself:
		keys = []any{one.owner}
	}
	if len(keys) == 0 {
		if record == nil {
			return evicted, nil
		}
		return complete, nil
	}
	lost := 0
	for _, key := range keys {
		there, err := l.has(tx, one.model, key)
		if err != nil {
			return evicted, err
		}
		if !there {
			lost++
		}
	}
	switch {
	case lost == 0 && record != nil:
		return complete, nil
	case lost == 0 || lost < len(keys):
		return partial, nil
	}
	return evicted, nil
}

// has reports whether a row is here, or known to be nowhere.
func (l *loader) has(tx *store.Tx, model string, key any) (bool, error) {
	table, err := openTable(tx, model)
	if err != nil {
		return false, err
	}
	if table != nil {
		doc, err := document(tx, table, key)
		if err != nil || doc != nil {
			return doc != nil, err
		}
	}
	record, err := readLoaded(tx, recordOf(model, itself, nameOf(key)))
	return err == nil && record != nil && len(record.rows) == 0, err
}

// found asks for rows.
func (l *loader) found(ctx context.Context, s Statement) ([]map[string]any, error) {
	f, err := l.ask(ctx, s)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, strange("an answer to a question that was not asked", nil)
	}
	return f.named(), nil
}

// answerState tells how the answer to a statement is here.
func (l *loader) answerState(a *keptAnswer, maxAge time.Duration) state {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case a == nil:
		return evicted
	case maxAge > 0 && time.Since(time.UnixMilli(a.at)) > maxAge:
		return stale
	case l.fresh[a.asked] == a.at:
		return fresh
	}
	return complete
}

// answers counts what was answered until now.
func (l *loader) answers() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// once asks for what is wanted, unless that is being asked for already, or was answered
// since a number of answers: who looks, finds nothing and comes here is not alone. load
// gets what is not.
func (l *loader) once(ctx context.Context, list []wanted, since uint64, load func(context.Context, []wanted) error) error {
	var flights []*flight
	var rest []wanted
	l.mu.Lock()
	for _, one := range list {
		if f := l.flights[one.record]; f != nil {
			flights = append(flights, f)
		} else if l.landed[one.record] <= since {
			rest = append(rest, one)
		}
	}
	if len(rest) > 0 && l.ctx.Err() == nil {
		f := &flight{done: make(chan struct{})}
		for _, one := range rest {
			l.flights[one.record] = f
		}
		flights = append(flights, f)
		l.work.Go(func() { l.fly(f, rest, load) })
	}
	l.mu.Unlock()
	for _, f := range flights {
		select {
		case <-f.done:
			if f.err != nil {
				return f.err
			}
		case <-ctx.Done():
			return &store.Error{Code: store.Aborted, Op: "wait for the origin", Err: ctx.Err()}
		}
	}
	return nil
}

func (l *loader) fly(f *flight, list []wanted, load func(context.Context, []wanted) error) {
	f.err = load(l.ctx, list)
	l.mu.Lock()
	l.count++
	for _, one := range list {
		delete(l.flights, one.record)
		if f.err == nil {
			l.landed[one.record] = l.count
		}
	}
	l.mu.Unlock()
	close(f.done)
}

// forget has everything be asked for once more.
func (l *loader) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.fresh)
}

// rows loads rows by their identities.
func (l *loader) rows(ctx context.Context, m *model, list []wanted) error {
	for ; len(list) > 0; list = list[min(valuesAsked, len(list)):] {
		part := list[:min(valuesAsked, len(list))]
		keys := make([]any, len(part))
		for i := range part {
			keys[i] = part[i].owner
		}
		rows, err := l.found(ctx, m.withKeys(keys))
		if err == nil {
			err = l.store(ctx, m, rows, nil, keys)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// answered is what was wanted, and the rows that were found.
type answered struct {
	wanted
	rows []map[string]any
}

// children loads the rows of a relation to one or many, for many owners at once.
func (l *loader) children(ctx context.Context, r *relation, list []wanted) error {
	rows, err := l.found(ctx, r.to.statement(among(r.column, len(list)), owners(list)))
	if err != nil {
		return err
	}
	of := groupedBy(rows, r.column)
	lists := make([]answered, len(list))
	for i, one := range list {
		lists[i] = answered{one, of[nameOf(one.owner)]}
	}
	return l.store(ctx, r.to, rows, lists, nil)
}

// through loads the rows that a third table leads to: for many owners with its rows, in a
// second request.
func (l *loader) through(ctx context.Context, r *relation, list []wanted) error {
	if len(r.to.spec.Key) != 1 {
		return &store.Error{Code: store.Unsupported, Op: "go through a table to an identity of several columns", Name: r.to.name}
	}
	inner := "select " + quoted(r.in) + " from " + r.link.spec.Table + " where " + among(r.out, len(list))
	rows, err := l.found(ctx, r.to.statement(quoted(r.to.spec.Key[0])+" in ("+inner+")", owners(list)))
	if err != nil {
		return err
	}
	if len(list) == 1 {
		return l.store(ctx, r.to, rows, []answered{{list[0], rows}}, nil)
	}
	narrow := *r.link
	narrow.spec.Columns = []string{r.out, r.in}
	links, err := l.found(ctx, narrow.statement(among(r.out, len(list)), owners(list)))
	if err != nil {
		return err
	}
	found := groupedBy(rows, r.to.spec.Key[0])
	of := groupedBy(links, r.out)
	lists := make([]answered, len(list))
	for i, one := range list {
		lists[i].wanted = one
		for _, link := range of[nameOf(one.owner)] {
			lists[i].rows = append(lists[i].rows, found[nameOf(link[r.in])]...)
		}
	}
	return l.store(ctx, r.to, rows, lists, nil)
}

// where loads what a condition finds.
func (l *loader) where(ctx context.Context, m *model, one wanted) error {
	rows, err := l.found(ctx, m.statement(one.where, one.params))
	if err != nil {
		return err
	}
	return l.store(ctx, m, rows, []answered{{one, rows}}, nil)
}

func owners(list []wanted) []any {
	values := make([]any, len(list))
	for i := range list {
		values[i] = list[i].owner
	}
	return values
}

// groupedBy groups rows by what they have in a column.
func groupedBy(rows []map[string]any, column string) map[string][]map[string]any {
	groups := map[string][]map[string]any{}
	for _, row := range rows {
		name := nameOf(row[column])
		groups[name] = append(groups[name], row)
	}
	return groups
}

// store stores rows that have come, which of them each of what was wanted has found, and
// the identities that were asked for, of which some have none. Rows that have left a list
// are known no longer, for they may be gone.
func (l *loader) store(ctx context.Context, m *model, rows []map[string]any, lists []answered, asked []any) error {
	at := time.Now().UnixMilli()
	records, came, docs, err := l.recorded(m, rows, lists, at)
	if err != nil {
		return err
	}
	var gone []any
	for _, key := range asked {
		if !came[nameOf(key)] {
			gone = append(gone, key)
			records = append(records, loaded{wanted: wantedRow(m.name, key), at: at})
		}
	}
	err = l.env.Update(ctx, func(tx *store.Tx) error {
		table, err := tx.Table(m.name, store.Schema{Key: m.identity()})
		if err != nil {
			return err
		}
		if has := table.Schema().Key; !has.Equal(m.identity()) {
			return &store.Error{Code: store.SchemaMismatch, Op: "load rows of another identity", Name: m.name}
		}
		if err := putOther(tx, table, docs); err != nil {
			return err
		}
		if err := deleteKeys(tx, table, gone); err != nil {
			return err
		}
		known, err := tx.Table(loadedTable, uncompressed(recordPath))
		if err != nil {
			return err
		}
		left, err := l.left(tx, m, lists, came)
		if err == nil {
			err = deleteKeys(tx, known, left)
		}
		if err != nil {
			return err
		}
		written := make([][]byte, len(records))
		for i := range records {
			written[i] = records[i].append(nil)
		}
		_, err = known.Put(tx, written)
		return err
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range records {
		l.fresh[records[i].record] = at
	}
	return nil
}

// recorded makes the records of what has come, and the documents.
func (l *loader) recorded(m *model, rows []map[string]any, lists []answered, at int64) (records []loaded, came map[string]bool, docs [][]byte, err error) {
	came = make(map[string]bool, len(rows))
	for _, row := range rows {
		key, err := m.keyOf(row)
		if err != nil {
			return nil, nil, nil, strange("a row without its key", err)
		}
		if came[nameOf(key)] {
			continue
		}
		came[nameOf(key)] = true
		if len(m.spec.Key) > 1 {
			row[compositeKey] = key
		}
		records = append(records, loaded{wanted: wantedRow(m.name, key), rows: []any{key}, at: at})
		docs = append(docs, query.AppendValue(nil, row))
	}
	for _, list := range lists {
		record := loaded{wanted: list.wanted, at: at}
		for _, row := range list.rows {
			key, err := m.keyOf(row)
			if err != nil {
				return nil, nil, nil, err
			}
			record.rows = append(record.rows, key)
		}
		records = append(records, record)
	}
	return records, came, docs, nil
}

// left are the records of rows that lists had and no longer have, and that have not come
// otherwise.
func (l *loader) left(tx *store.Tx, m *model, lists []answered, came map[string]bool) ([]any, error) {
	var left []any
	for i := range lists {
		before, err := readLoaded(tx, lists[i].record)
		if err != nil {
			return nil, err
		}
		if before == nil {
			continue
		}
		for _, key := range before.rows {
			if !came[nameOf(key)] {
				left = append(left, recordOf(m.name, itself, nameOf(key)))
			}
		}
	}
	return left, nil
}

// putOther puts documents that are not there as they are.
func putOther(tx *store.Tx, table *store.Table, docs [][]byte) error {
	path := table.Schema().Key
	var other [][]byte
	for _, doc := range docs {
		identity, _, err := query.Lookup(doc, path)
		if err != nil {
			return err
		}
		key, err := store.AppendIdentity(nil, identity)
		if err != nil {
			return err
		}
		there, _, err := table.Get(tx, key)
		if err != nil {
			return err
		}
		if !bytes.Equal(there, doc) {
			other = append(other, doc)
		}
	}
	if len(other) == 0 {
		return nil
	}
	_, err := table.Put(tx, other)
	return err
}

func deleteKeys(tx *store.Tx, table *store.Table, keys []any) error {
	for _, key := range keys {
		id, err := store.AppendIdentity(nil, query.AppendValue(nil, key))
		if err == nil {
			_, err = table.Delete(tx, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rowsWith finds the rows of a table that have a value in a column.
func rowsWith(tx *store.Tx, name, column string, value any) ([]map[string]any, error) {
	table, err := openTable(tx, name)
	if err != nil || table == nil {
		return nil, err
	}
	q, err := query.Select(query.Eq(query.Field(column), value))
	if err != nil {
		return nil, err
	}
	var found []map[string]any
	err = table.Find(tx, q, func(doc []byte) error {
		row, err := readDocument(doc)
		found = append(found, row)
		return err
	})
	return found, err
}

// unanswered reports whether an origin failed with something that a view can do without.
func unanswered(err error) bool {
	return errors.Is(err, store.OriginFailed) || errors.Is(err, store.Denied)
}
