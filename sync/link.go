package sync

import (
	"context"
	"slices"

	"github.com/stowage-db/stowage/store"
)

// changedLink is a link, a row of the third model that leads from many to many, which was
// added, moved or removed here: as the origin has it and as it is seen, nil where it does
// not or is not. Pages have the same in js/src/sync/link.ts.
type changedLink struct {
	key           any
	before, after map[string]any
}

// loadLinked has the links be here that are pulled; of others, those that were changed
// here and do not tell by their identity where they led. Then what links that were changed
// here lead to is here as well.
func (r *relation) loadLinked(ctx context.Context, owners []*held, how Load) error {
	if err := r.loadLinks(ctx, how); err != nil {
		return err
	}
	var ends []any
	err := r.from.view.env.View(ctx, func(tx *store.Tx) error {
		changes, err := r.changedLinks(tx)
		ends = nil
		for _, owner := range owners {
			for _, c := range changes {
				ends = r.appendEnd(ends, c.after, owner)
			}
		}
		return err
	})
	if err == nil && len(ends) > 0 {
		_, err = r.from.view.rows(ctx, r.to, distinct(ends), Load{Mode: how.Mode, MaxAge: how.MaxAge})
	}
	return err
}

func (r *relation) loadLinks(ctx context.Context, how Load) error {
	v := r.from.view
	if r.link.spec.Pulled {
		return v.ensure(ctx, r.link, []wanted{wantedRow(r.link.name, "")}, how, nil)
	}
	if r.tells() {
		return nil
	}
	var untold []wanted
	err := v.env.View(ctx, func(tx *store.Tx) error {
		changes, err := listChanges(tx, r.link.name, nil)
		untold = nil
		for _, c := range changes {
			if c.Kind != Added {
				untold = append(untold, wantedRow(r.link.name, c.Key))
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	how.Mode = least(how.Mode, PreferCache)
	return v.ensure(ctx, r.link, untold, how, func(ctx context.Context, some []wanted) error { return v.loader.rows(ctx, r.link, some) })
}

// linksAnew asks for links that are pulled once more, and has what was changed be here.
func (r *relation) linksAnew(ctx context.Context, owner *held) error {
	if v := r.from.view; r.link.spec.Pulled {
		if err := v.ask(ctx, question{model: r.link, since: v.loader.answers()}); err != nil {
			return err
		}
	}
	return r.loadLinked(ctx, []*held{owner}, Load{Mode: r.from.view.Mode()})
}

// linked returns what links lead to: what is listed, or what those lead to that are
// pulled, with what was changed here. What a link led to that is gone here stays where
// another one leads to it; of links that are not pulled, only those are known that were
// changed.
func (r *relation) linked(tx *store.Tx, owner *held, listed []any) ([]any, error) {
	changes, err := r.changedLinks(tx)
	if err != nil {
		return nil, err
	}
	other, still := map[string]bool{}, map[string]bool{}
	var now, before []any
	for _, c := range changes {
		other[nameOf(c.key)] = true
		now = r.appendEnd(now, c.after, owner)
		before = r.appendEnd(before, c.before, owner)
	}
	for _, end := range now {
		still[nameOf(end)] = true
	}
	if r.link.spec.Pulled {
		rows, err := rowsWith(tx, r.link.name, r.out, owner.key)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			key, err := r.link.keyOf(row)
			if err != nil {
				return nil, err
			}
			if !other[nameOf(key)] {
				still[nameOf(row[r.in])] = true
			}
			listed = r.appendEnd(listed, row, owner)
		}
	}
	left := map[string]bool{}
	for _, end := range before {
		left[nameOf(end)] = !still[nameOf(end)]
	}
	kept := slices.DeleteFunc(slices.Clone(listed), func(end any) bool { return left[nameOf(end)] })
	return distinct(append(kept, now...)), nil
}

// appendEnd adds where a link ends, if it is one that begins at the owner.
func (r *relation) appendEnd(ends []any, link map[string]any, owner *held) []any {
	if link == nil || link[r.in] == nil || nameOf(link[r.out]) != nameOf(owner.key) {
		return ends
	}
	return append(ends, link[r.in])
}

func (r *relation) changedLinks(tx *store.Tx) ([]changedLink, error) {
	changes, err := listChanges(tx, r.link.name, nil)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	table, err := openTable(tx, r.link.name)
	if err != nil {
		return nil, err
	}
	links := make([]changedLink, len(changes))
	for i := range changes {
		c := &changes[i]
		var before map[string]any
		if table != nil {
			if before, err = rowOf(tx, table, c.Key); err != nil {
				return nil, err
			}
		}
		if before == nil && c.Kind == Removed && r.tells() {
			before = r.link.told(c.Key)
		}
		links[i] = changedLink{c.Key, before, c.seen(before)}
	}
	return links, nil
}

// tells reports whether the identity of a link tells where it leads.
func (r *relation) tells() bool {
	return slices.Contains(r.link.spec.Key, r.out) && slices.Contains(r.link.spec.Key, r.in)
}

// told returns the columns of an identity of several.
func (m *model) told(key any) map[string]any {
	columns := map[string]any{}
	for i, part := range key.([]any) {
		columns[m.spec.Key[i]] = part
	}
	return columns
}

func distinct(keys []any) []any {
	met := map[string]bool{}
	return slices.DeleteFunc(keys, func(key any) bool {
		name := nameOf(key)
		defer func() { met[name] = true }()
		return met[name]
	})
}
