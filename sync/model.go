package sync

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// ModelSpec describes a model: what a view calls a table of an origin. Pages have the
// same in js/src/sync/model.ts.
type ModelSpec struct {
	Table   string        // its name there
	Key     []string      // the columns that are the identity
	Columns []string      // what is asked for; all where none are named; those of the key must be among them
	Pulled  bool          // pulls it as a shape, rather than load rows when they are asked for
	Where   string        // of what is pulled, a condition
	Params  []string      // and the texts that stand for $1 … in it
	Mode    Mode          // what is asked at most, whatever the view's mode; no limit
	MaxAge  time.Duration // older than this it is stale; as the view says
}

// Model is one of a view. Rows are read as T by their names in JSON; map[string]any is a
// T for all of them.
type Model[T any] struct{ *model }

// model is a Model of whatever rows.
type model struct {
	view *View
	name string
	spec ModelSpec
}

// NewModel adds a model to a view that is not open yet. Its rows are kept in the table of
// that name.
func NewModel[T any](v *View, name string, spec ModelSpec) *Model[T] {
	m := &model{view: v, name: name, spec: spec}
	v.declare(m)
	return &Model[T]{m}
}

// Load says how something is loaded. The zero value does as the view and the relation do.
type Load struct {
	Mode   Mode          // what is asked at most
	MaxAge time.Duration // older than this it is stale
	// OrNothing has nil, or an empty list, take the place of what is not here and may not
	// be asked for, or cannot be.
	OrNothing bool
}

func only(how []Load) Load {
	if len(how) == 0 {
		return Load{}
	}
	return how[0]
}

// Get returns the row of an identity, nil where there is none: of several columns, that is
// a []any. Errors: Offline and Incomplete where it is not here and the origin may not be
// asked, or does not answer; OriginFailed; NotLive.
func (m *Model[T]) Get(ctx context.Context, key any, how ...Load) (*Item[T], error) {
	key, err := m.identify(key)
	if err != nil {
		return nil, err
	}
	found, err := m.view.rows(ctx, m.model, []any{key}, only(how))
	if err != nil || found[0] == nil {
		return nil, err
	}
	return itemOf[T](found[0]), nil
}

// Where returns the rows that meet a condition in the origin's SQL, in which $1 … stand
// for values. It is not for models that are pulled: ask their tables.
func (m *Model[T]) Where(ctx context.Context, condition string, params []any, how ...Load) ([]*Item[T], error) {
	found, err := m.view.where(ctx, m.model, condition, params, only(how))
	return itemsOf[T](found), err
}

// Change changes columns of a row here, and only here: see Changes and Discard of the view.
func (m *Model[T]) Change(ctx context.Context, key any, columns map[string]any) (*Item[T], error) {
	for _, name := range m.spec.Key {
		if _, has := columns[name]; has {
			return nil, &store.Error{Code: store.InvalidArgument, Op: "change the identity of a row", Name: m.name}
		}
	}
	found, err := m.Get(ctx, key, Load{Mode: PreferCache})
	if err == nil && found == nil {
		err = &store.Error{Code: store.NotFound, Op: "change a row", Name: m.name}
	}
	if err != nil {
		return nil, err
	}
	return m.make(ctx, found.key, Changed, columns)
}

// Add adds a row here, and only here.
func (m *Model[T]) Add(ctx context.Context, columns map[string]any) (*Item[T], error) {
	key, err := m.keyOf(columns)
	if err != nil {
		return nil, err
	}
	return m.make(ctx, key, Added, columns)
}

// Remove has a row not be seen here.
func (m *Model[T]) Remove(ctx context.Context, key any) error {
	key, err := m.identify(key)
	if err != nil {
		return err
	}
	_, err = m.make(ctx, key, Removed, map[string]any{})
	return err
}

func (m *Model[T]) make(ctx context.Context, key any, kind ChangeKind, columns map[string]any) (*Item[T], error) {
	if err := m.view.live(); err != nil {
		return nil, err
	}
	columns = maps.Clone(columns)
	for name, v := range columns {
		columns[name] = settled(v)
	}
	err := makeChange(ctx, m.view.env, LocalChange{m.name, key, kind, columns, m.view.now()})
	if err != nil {
		return nil, err
	}
	found, err := m.view.show(ctx, m.model, []any{key})
	if err != nil || found[0] == nil {
		return nil, err
	}
	return itemOf[T](found[0]), nil
}

// identity is where rows have their key.
func (m *model) identity() query.Path {
	if len(m.spec.Key) == 1 {
		return query.Field(m.spec.Key[0])
	}
	return query.Field(compositeKey)
}

// settled is a value as it is read again.
func settled(v any) any {
	switch v := v.(type) {
	case int:
		return int64(v)
	case int32:
		return int64(v)
	case uint32:
		return int64(v)
	}
	return v
}

// identify fails where a key is none.
func (m *model) identify(key any) (any, error) {
	list, composite := key.([]any)
	ok := composite == (len(m.spec.Key) > 1)
	if composite {
		ok = ok && len(list) == len(m.spec.Key)
		list = slices.Clone(list)
		for i := range list {
			list[i] = settled(list[i])
			ok = ok && scalar(list[i])
		}
		key = list
	} else {
		key = settled(key)
		ok = ok && scalar(key)
	}
	if !ok {
		return nil, &store.Error{Code: store.InvalidKey, Op: "read an identity", Name: m.name}
	}
	return key, nil
}

func scalar(v any) bool {
	switch v.(type) {
	case string, int64, bool, float64:
		return true
	}
	return false
}

// keyOf is the identity that a row has.
func (m *model) keyOf(row map[string]any) (any, error) {
	if len(m.spec.Key) == 1 {
		return m.identify(row[m.spec.Key[0]])
	}
	list := make([]any, len(m.spec.Key))
	for i, name := range m.spec.Key {
		list[i] = row[name]
	}
	return m.identify(list)
}

// Statement is what is asked of an origin: one SELECT, and the values that stand for $1 …
// in it.
type Statement struct {
	SQL    string
	Params []any
	ETag   string // of the answer that is here already
}

// statement asks for the rows that meet a condition, or all.
func (m *model) statement(where string, params []any) Statement {
	columns := "*"
	if len(m.spec.Columns) > 0 {
		list := slices.Clone(m.spec.Columns)
		for i := range list {
			list[i] = quoted(list[i])
		}
		columns = strings.Join(list, ", ")
	}
	if where != "" {
		where = " where " + where
	}
	return Statement{SQL: "select " + columns + " from " + m.spec.Table + where, Params: params}
}

// withKeys asks for the rows of identities.
func (m *model) withKeys(keys []any) Statement {
	if len(m.spec.Key) == 1 {
		return m.statement(among(m.spec.Key[0], len(keys)), keys)
	}
	var terms []string
	var params []any
	for _, key := range keys {
		var term []string
		for i, part := range key.([]any) {
			params = append(params, part)
			term = append(term, quoted(m.spec.Key[i])+" = $"+strconv.Itoa(len(params)))
		}
		terms = append(terms, "("+strings.Join(term, " and ")+")")
	}
	return m.statement(strings.Join(terms, " or "), params)
}

// among is the condition that a column has one of n values.
func among(column string, n int) string {
	if n == 1 {
		return quoted(column) + " = $1"
	}
	places := make([]string, n)
	for i := range places {
		places[i] = "$" + strconv.Itoa(i+1)
	}
	return quoted(column) + " in (" + strings.Join(places, ", ") + ")"
}

// decode reads a row as T.
func decode[T any](row map[string]any) (T, error) {
	var v T
	if whole, ok := any(&v).(*map[string]any); ok {
		*whole = maps.Clone(row)
		return v, nil
	}
	written, err := json.Marshal(row)
	if err == nil {
		err = json.Unmarshal(written, &v)
	}
	if err != nil {
		return v, &store.Error{Code: store.Undecodable, Op: fmt.Sprintf("read a row as %T", v), Err: err}
	}
	return v, nil
}
