package sync

import (
	"context"
	"strconv"
	"time"

	"github.com/stowage-db/stowage/store"
)

// RelationOptions are what every relation can be told. The zero value is usable.
type RelationOptions struct {
	Mode      Mode          // what is asked at most, whatever the view's mode: PreferCache for what never changes
	MaxAge    time.Duration // older than this it is stale; as the model says
	OrNothing bool          // as in Load
}

// ToMany leads from a row of A to rows of B. Pages have relations in
// js/src/sync/relation.ts.
type ToMany[A, B any] struct{ *relation }

// ToOne leads from a row of A to one of B, or to none.
type ToOne[A, B any] struct{ *relation }

// relation is one of whatever rows.
type relation struct {
	RelationOptions
	kind     relationKind
	name     string
	from, to *model
	column   string // of to, or of from for a parent
	link     *model // of many to many, with its columns
	out, in  string
	query    *QuerySpec
	local    func(owner, row *held) (bool, error) // of a query, or nil
	params   func(owner *held) ([]any, error)     // of a query
}

type relationKind int

const (
	toMany relationKind = iota
	toOne
	toParent
	throughLink
	byQuery
)

// Many leads to the rows of a model that have this row's identity in a column.
func Many[A, B any](from *Model[A], name string, to *Model[B], column string, o RelationOptions) *ToMany[A, B] {
	return &ToMany[A, B]{newRelation(&relation{kind: toMany, name: name, from: from.model, to: to.model, column: column, RelationOptions: o})}
}

// One leads to the one row that has, or to none.
func One[A, B any](from *Model[A], name string, to *Model[B], column string, o RelationOptions) *ToOne[A, B] {
	return &ToOne[A, B]{newRelation(&relation{kind: toOne, name: name, from: from.model, to: to.model, column: column, RelationOptions: o})}
}

// Parent leads to the row whose identity is in a column of this row, or to none.
func Parent[A, B any](from *Model[A], name string, to *Model[B], column string, o RelationOptions) *ToOne[A, B] {
	return &ToOne[A, B]{newRelation(&relation{kind: toParent, name: name, from: from.model, to: to.model, column: column, RelationOptions: o})}
}

// Through leads from many to many, by the rows of a third model: those with this row's
// identity in the column out have the others' in the column in.
func Through[A, B, L any](from *Model[A], name string, to *Model[B], link *Model[L], out, in string, o RelationOptions) *ToMany[A, B] {
	return &ToMany[A, B]{newRelation(&relation{kind: throughLink, name: name, from: from.model, to: to.model, link: link.model, out: out, in: in, RelationOptions: o})}
}

// QuerySpec is a condition that finds rows. What it has found is known by its tag and the
// values: rows that share these share the answer.
type QuerySpec struct {
	Tag   string
	Where string // in the origin's SQL
}

// Query leads to the rows that a condition finds, with the values that params takes from
// this row. Where rows share the answer, local tells which of it are this one's.
func Query[A, B any](from *Model[A], name string, to *Model[B], spec QuerySpec, params func(A) []any, local func(A, B) bool, o RelationOptions) *ToMany[A, B] {
	r := &relation{kind: byQuery, name: name, from: from.model, to: to.model, query: &spec, RelationOptions: o}
	r.params = func(owner *held) ([]any, error) {
		if params == nil {
			return nil, nil
		}
		row, err := decode[A](owner.columns())
		return params(row), err
	}
	if local != nil {
		r.local = func(owner, row *held) (bool, error) {
			a, err := decode[A](owner.columns())
			if err != nil {
				return false, err
			}
			b, err := decode[B](row.columns())
			return err == nil && local(a, b), err
		}
	}
	return &ToMany[A, B]{newRelation(r)}
}

func newRelation(r *relation) *relation {
	r.from.view.relate(r)
	return r
}

// Of returns what the relation leads to, in the origin's order. Errors are those of Get.
func (r *ToMany[A, B]) Of(ctx context.Context, item *Item[A], how ...Load) ([]*Item[B], error) {
	found, err := r.follow(ctx, item.held, only(how))
	return itemsOf[B](found), err
}

// Refresh loads it from the origin once more.
func (r *ToMany[A, B]) Refresh(ctx context.Context, item *Item[A]) ([]*Item[B], error) {
	found, err := r.anew(ctx, item.held)
	return itemsOf[B](found), err
}

// Include has what the relation leads to be here for many items, which is asked for at
// once. It returns all of that, for the next relation to be included.
func (r *ToMany[A, B]) Include(ctx context.Context, items ...*Item[A]) ([]*Item[B], error) {
	found, err := r.include(ctx, heldOf(items))
	return itemsOf[B](found), err
}

// Of returns the row that the relation leads to, nil where there is none. Errors are those
// of Get.
func (r *ToOne[A, B]) Of(ctx context.Context, item *Item[A], how ...Load) (*Item[B], error) {
	found, err := r.follow(ctx, item.held, only(how))
	return first[B](found), err
}

// Refresh loads it from the origin once more.
func (r *ToOne[A, B]) Refresh(ctx context.Context, item *Item[A]) (*Item[B], error) {
	found, err := r.anew(ctx, item.held)
	return first[B](found), err
}

// Include has what the relation leads to be here for many items, as that of ToMany.
func (r *ToOne[A, B]) Include(ctx context.Context, items ...*Item[A]) ([]*Item[B], error) {
	found, err := r.include(ctx, heldOf(items))
	return itemsOf[B](found), err
}

func first[T any](list []*held) *Item[T] {
	if len(list) == 0 {
		return nil
	}
	return itemOf[T](list[0])
}

func heldOf[T any](items []*Item[T]) []*held {
	list := make([]*held, len(items))
	for i, item := range items {
		list[i] = item.held
	}
	return list
}

// field is the relation's in records.
func (r *relation) field() string { return listText(r.from.name, r.name) }

func (r *relation) follow(ctx context.Context, owner *held, how Load) ([]*held, error) {
	how.OrNothing = how.OrNothing || r.OrNothing
	err := r.load(ctx, []*held{owner}, how)
	if err == nil {
		var found []*held
		if found, err = r.led(ctx, owner); err == nil {
			return found, nil
		}
	}
	return nil, how.excuse(err)
}

func (r *relation) anew(ctx context.Context, owner *held) ([]*held, error) {
	v := r.from.view
	err := v.mayAsk()
	if err != nil {
		return nil, err
	}
	if r.kind == toParent {
		if key := r.parentOf(owner); key != nil {
			err = v.askRows(ctx, r.to, []any{key})
		}
	} else {
		var one wanted
		if one, err = r.wanted(owner); err == nil {
			err = v.ask(ctx, question{model: r.to, list: []wanted{one}, since: v.loader.answers(), load: r.request})
		}
	}
	if err == nil && r.kind == throughLink {
		err = r.linksAnew(ctx, owner)
	}
	if err != nil {
		return nil, err
	}
	return r.led(ctx, owner)
}

func (r *relation) include(ctx context.Context, owners []*held) ([]*held, error) {
	if err := r.load(ctx, owners, Load{}); err != nil {
		return nil, err
	}
	var found []*held
	met := map[*held]bool{}
	for _, owner := range owners {
		led, err := r.led(ctx, owner)
		if err != nil {
			return nil, err
		}
		for _, h := range led {
			if !met[h] {
				met[h] = true
				found = append(found, h)
			}
		}
	}
	return found, nil
}

// load has the relation of several owners be here.
func (r *relation) load(ctx context.Context, owners []*held, how Load) error {
	v := r.from.view
	if err := v.live(); err != nil {
		return err
	}
	how.Mode = least(how.Mode, r.Mode, v.Mode())
	if how.MaxAge == 0 {
		how.MaxAge = r.MaxAge
	}
	if r.kind == toParent {
		var keys []any
		met := map[string]bool{}
		for _, owner := range owners {
			if key := r.parentOf(owner); key != nil && !met[nameOf(key)] {
				met[nameOf(key)] = true
				keys = append(keys, key)
			}
		}
		if len(keys) == 0 {
			return nil
		}
		_, err := v.rows(ctx, r.to, keys, Load{Mode: how.Mode, MaxAge: how.MaxAge})
		return err
	}
	var list []wanted
	met := map[string]bool{}
	for _, owner := range owners {
		one, err := r.wanted(owner)
		if err != nil {
			return err
		}
		if !met[one.record] {
			met[one.record] = true
			list = append(list, one)
		}
	}
	err := v.ensure(ctx, r.to, list, how, r.request)
	if err == nil && r.kind == throughLink {
		err = r.loadLinked(ctx, owners, how)
	}
	return err
}

func (r *relation) wanted(owner *held) (wanted, error) {
	if r.kind == byQuery {
		params, err := r.params(owner)
		for i := range params {
			params[i] = settled(params[i])
		}
		return wantedWhere(r.to.name, r.query.Tag, r.query.Where, params), err
	}
	return wanted{record: recordOf(r.to.name, r.field(), nameOf(owner.key)), model: r.to.name, field: r.field(), owner: owner.key}, nil
}

func (r *relation) parentOf(owner *held) any { return owner.columns()[r.column] }

// request asks for what is wanted of the relation.
func (r *relation) request(ctx context.Context, list []wanted) error {
	l := r.to.view.loader
	for ; len(list) > 0; list = list[min(valuesAsked, len(list)):] {
		part := list[:min(valuesAsked, len(list))]
		var err error
		switch r.kind {
		case byQuery:
			for _, one := range part {
				if err = l.where(ctx, r.to, one); err != nil {
					break
				}
			}
		case throughLink:
			err = l.through(ctx, r, part)
		default:
			err = l.children(ctx, r, part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// led returns what the relation leads to, out of what is here.
func (r *relation) led(ctx context.Context, owner *held) ([]*held, error) {
	v := r.from.view
	if r.kind == toParent {
		key := r.parentOf(owner)
		if key == nil {
			return nil, v.live()
		}
		found, err := v.show(ctx, r.to, []any{key})
		return present(found), err
	}
	keys, err := r.listed(ctx, owner)
	if err != nil {
		return nil, err
	}
	var fits func(map[string]any) bool
	if r.kind == toMany || r.kind == toOne {
		name := nameOf(owner.key)
		fits = func(row map[string]any) bool { return nameOf(row[r.column]) == name }
	}
	found, err := v.list(ctx, r.to, keys, fits)
	if err != nil || r.local == nil {
		return found, err
	}
	var own []*held
	for _, h := range found {
		mine, err := r.local(owner, h)
		if err != nil {
			return nil, err
		}
		if mine {
			own = append(own, h)
		}
	}
	return own, nil
}

// listed returns the identities that the relation has found.
func (r *relation) listed(ctx context.Context, owner *held) ([]any, error) {
	var keys []any
	err := r.from.view.env.View(ctx, func(tx *store.Tx) error {
		var err error
		if keys, err = r.found(tx, owner); err == nil && r.kind == throughLink {
			keys, err = r.linked(tx, owner, keys)
		}
		return err
	})
	return keys, err
}

// found looks for the rows: in the record of what was asked for, or in a table that is
// pulled. Of links that are pulled it is linked that does.
func (r *relation) found(tx *store.Tx, owner *held) ([]any, error) {
	if !r.to.spec.Pulled {
		one, err := r.wanted(owner)
		if err != nil {
			return nil, err
		}
		record, err := readLoaded(tx, one.record)
		if err != nil || record == nil {
			return nil, err
		}
		return record.rows, nil
	}
	if r.kind == throughLink {
		return nil, nil
	}
	rows, err := rowsWith(tx, r.to.name, r.column, owner.key)
	keys := make([]any, 0, len(rows))
	for _, row := range rows {
		key, err := r.to.keyOf(row)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, err
}

// wrong says what is wrong with the relation, or "".
func (r *relation) wrong() string {
	others := []*model{r.from, r.to}
	if r.link != nil {
		others = append(others, r.link)
	}
	for _, m := range others {
		if m.view != r.from.view {
			return "leads to another view"
		}
	}
	switch {
	case r.name == "":
		return "has no name"
	case r.link != nil && r.link.spec.Pulled != r.to.spec.Pulled:
		return "goes through a model that must be pulled as well, or neither"
	case r.kind == byQuery && r.to.spec.Pulled:
		return "leads to a model that is pulled: ask its table"
	case r.kind != toParent && r.kind != byQuery && len(r.from.spec.Key) != 1:
		return "needs an identity of one column, not of " + strconv.Itoa(len(r.from.spec.Key))
	}
	return ""
}
