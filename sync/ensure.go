package sync

import (
	"context"
	"errors"
	"time"

	"github.com/stowage-db/stowage/store"
)

// rows has rows be here, and returns what stands for them, in their order: nil for those
// that do not exist.
func (v *View) rows(ctx context.Context, m *model, keys []any, how Load) ([]*held, error) {
	if err := v.live(); err != nil {
		return nil, err
	}
	var list []wanted
	err := v.env.View(ctx, func(tx *store.Tx) error {
		list = nil
		for _, key := range keys {
			change, err := readChange(tx, m.name, key)
			if err != nil {
				return err
			}
			if change == nil || change.Kind == Changed {
				list = append(list, wantedRow(m.name, key))
			}
		}
		return nil
	})
	if err == nil {
		err = v.ensure(ctx, m, list, how, func(ctx context.Context, some []wanted) error { return v.loader.rows(ctx, m, some) })
	}
	if err != nil {
		return make([]*held, len(keys)), how.excuse(err)
	}
	return v.show(ctx, m, keys)
}

func (v *View) where(ctx context.Context, m *model, condition string, params []any, how Load) ([]*held, error) {
	if err := v.live(); err != nil {
		return nil, err
	}
	if m.spec.Pulled {
		return nil, &store.Error{Code: store.Unsupported, Op: "ask for rows of what is pulled", Name: m.name}
	}
	values := make([]any, len(params))
	for i, p := range params {
		if values[i] = settled(p); p != nil && !scalar(values[i]) {
			return nil, &store.Error{Code: store.InvalidArgument, Op: "read a parameter", Name: m.name}
		}
	}
	one := wantedWhere(m.name, "where", condition, values)
	err := v.ensure(ctx, m, []wanted{one}, how, func(ctx context.Context, _ []wanted) error { return v.loader.where(ctx, m, one) })
	if err != nil {
		return nil, how.excuse(err)
	}
	var keys []any
	err = v.env.View(ctx, func(tx *store.Tx) error {
		record, err := readLoaded(tx, one.record)
		if err == nil && record != nil {
			keys = record.rows
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return v.list(ctx, m, keys, nil)
}

// question is what is asked of the origin, unless it was answered since.
type question struct {
	model   *model
	lacking []string // where it is a statement's, in the place of a model: those that it cannot do without
	list    []wanted
	since   uint64 // see loader.once
	load    func(context.Context, []wanted) error
}

// missing is the error where it is not answered.
func (q *question) missing(s state, cause error) error {
	if q.model == nil {
		return lacks(q.lacking, cause)
	}
	return missing(q.model, s, cause)
}

// ensure has things of a model be here as the mode says.
func (v *View) ensure(ctx context.Context, m *model, list []wanted, how Load, load func(context.Context, []wanted) error) error {
	if len(list) == 0 {
		return nil
	}
	q := question{model: m, list: list, since: v.loader.answers(), load: load}
	states, err := v.states(ctx, m, list, how.MaxAge)
	if err != nil {
		return err
	}
	return v.meet(ctx, least(how.Mode, v.Mode(), m.spec.Mode), states, q)
}

// meet does what a mode does about the states of what a question is about.
func (v *View) meet(ctx context.Context, mode Mode, states []state, q question) error {
	now, later := q, q
	now.list, later.list = nil, nil
	tried, worst := false, fresh
	for i, one := range q.list {
		switch what := does[mode][states[i]]; what {
		case refuse:
			return q.missing(states[i], nil)
		case ask, try:
			now.list = append(now.list, one)
			tried = tried || what == try
			worst = max(worst, states[i])
		case behind:
			later.list = append(later.list, one)
		}
	}
	if len(later.list) > 0 {
		v.behind(later)
	}
	switch {
	case len(now.list) == 0:
		return nil
	case tried:
		return v.attempt(ctx, worst, now)
	}
	return v.ask(ctx, now)
}

func (v *View) states(ctx context.Context, m *model, list []wanted, maxAge time.Duration) ([]state, error) {
	states := make([]state, len(list))
	if m.spec.Pulled {
		k, err := v.shapeState(ctx, m, maxAge)
		for i := range states {
			states[i] = k.state
		}
		return states, err
	}
	err := v.env.View(ctx, func(tx *store.Tx) error {
		for i := range list {
			k, err := v.loader.state(tx, &list[i], v.maxAge(m, maxAge))
			if err != nil {
				return err
			}
			states[i] = k.state
		}
		return nil
	})
	return states, err
}

func (v *View) maxAge(m *model, given time.Duration) time.Duration {
	for _, age := range []time.Duration{given, m.spec.MaxAge} {
		if age > 0 {
			return age
		}
	}
	return v.options.MaxAge
}

// shapeState tells how a shape is here: one that has lost its rows is pulled anew.
func (v *View) shapeState(ctx context.Context, m *model, maxAge time.Duration) (known, error) {
	p := v.puller.pulls[m.name]
	position, err := p.shape.position(ctx)
	if err != nil {
		return known{}, err
	}
	if !position.Complete {
		if p.progress().Complete {
			p.wake(true) // it has lost its rows
		}
		if position.Rows > 0 {
			return known{state: partial}, nil
		}
		return known{state: evicted}, nil
	}
	k := known{complete, position.FetchedAt.UnixMilli()}
	now := p.progress()
	v.mu.Lock()
	asked := v.refreshed[m.name]
	v.mu.Unlock()
	switch age := v.maxAge(m, maxAge); {
	case age > 0 && time.Since(position.FetchedAt) > age:
		k.state = stale
	case asked || now.Chunks > 0 && now.Err == nil:
		k.state = fresh
	}
	return k, nil
}

// ask asks for what is wanted, once however many do.
func (v *View) ask(ctx context.Context, q question) error {
	if q.model != nil && q.model.spec.Pulled {
		q.list = []wanted{{record: q.model.name}}
		q.load = func(ctx context.Context, _ []wanted) error { return v.refreshShape(ctx, q.model) }
	}
	err := v.loader.once(ctx, q.list, q.since, q.load)
	if live := v.live(); live != nil {
		return live
	}
	return err
}

func (v *View) askRows(ctx context.Context, m *model, keys []any) error {
	list := make([]wanted, len(keys))
	for i, key := range keys {
		list[i] = wantedRow(m.name, key)
	}
	load := func(ctx context.Context, some []wanted) error { return v.loader.rows(ctx, m, some) }
	return v.ask(ctx, question{model: m, list: list, since: v.loader.answers(), load: load})
}

func (v *View) refreshShape(ctx context.Context, m *model) error {
	if err := v.puller.Refresh(ctx, m.name); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.refreshed[m.name] = true
	return nil
}

// behind asks for the next time, and has what is shown change when it comes.
func (v *View) behind(q question) {
	l := v.loader
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		return
	}
	l.work.Go(func() {
		if v.ask(l.ctx, q) == nil && q.model != nil {
			v.showAgain(l.ctx, q.model)
		}
	})
}

// attempt waits for an answer for a while, and does without one where something whole is
// here.
func (v *View) attempt(ctx context.Context, worst state, q question) error {
	within, cancel := context.WithTimeout(ctx, v.options.Deadline)
	defer cancel()
	err := v.ask(within, q)
	if err != nil && within.Err() != nil && ctx.Err() == nil && errors.Is(err, store.Aborted) {
		err = &Unanswered{Again: true, what: "the origin took too long"}
	}
	switch {
	case err == nil || !unanswered(err):
		return err
	case worst.shows():
		return nil
	}
	return q.missing(worst, err)
}

// show returns what stands for rows as they are here, with what was changed here on them.
func (v *View) show(ctx context.Context, m *model, keys []any) ([]*held, error) {
	type shown struct {
		row   map[string]any
		about About
	}
	found := make([]shown, len(keys))
	var shape known
	if m.spec.Pulled {
		var err error
		if shape, err = v.shapeState(ctx, m, 0); err != nil {
			return nil, err
		}
	}
	err := v.env.View(ctx, func(tx *store.Tx) error {
		table, err := openTable(tx, m.name)
		if err != nil {
			return err
		}
		for i, key := range keys {
			row, about, err := v.seen(tx, m, table, key, shape)
			if err != nil {
				return err
			}
			found[i] = shown{row, about}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.stage != open {
		return nil, notLive("use a view that is not open")
	}
	list := make([]*held, len(keys))
	other := false
	for i, key := range keys {
		if found[i].row != nil {
			var changed bool
			list[i], changed = v.items.show(m, key, found[i].row, found[i].about)
			other = other || changed
		}
	}
	if other {
		close(v.changed)
		v.changed = make(chan struct{})
	}
	return list, nil
}

// seen reads a row as it is seen, nil where there is none.
func (v *View) seen(tx *store.Tx, m *model, table *store.Table, key any, shape known) (map[string]any, About, error) {
	var row map[string]any
	if table != nil {
		var err error
		if row, err = rowOf(tx, table, key); err != nil {
			return nil, About{}, err
		}
	}
	k := shape
	if !m.spec.Pulled {
		one := wantedRow(m.name, key)
		var err error
		if k, err = v.loader.state(tx, &one, v.maxAge(m, 0)); err != nil {
			return nil, About{}, err
		}
	}
	about := About{Source: FromCache, Stale: k.state == stale || k.state == partial}
	if k.state == fresh {
		about.Source = FromOrigin
	}
	if k.at > 0 {
		about.FetchedAt = time.UnixMilli(k.at)
	}
	change, err := readChange(tx, m.name, key)
	if change != nil {
		about.Source = FromOverlay
	}
	return change.seen(row), about, err
}

// list returns what stands for the rows of a list. Of what was changed here, it has what
// fits.
func (v *View) list(ctx context.Context, m *model, keys []any, fits func(map[string]any) bool) ([]*held, error) {
	if fits != nil {
		listed := map[string]bool{}
		for _, key := range keys {
			listed[nameOf(key)] = true
		}
		var changes []LocalChange
		err := v.env.View(ctx, func(tx *store.Tx) (err error) {
			changes, err = listChanges(tx, m.name, nil)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			if c.Kind != Removed && !listed[nameOf(c.Key)] {
				keys = append(keys[:len(keys):len(keys)], c.Key)
			}
		}
	}
	shown, err := v.show(ctx, m, keys)
	if err != nil {
		return nil, err
	}
	var found []*held
	for _, h := range present(shown) {
		if fits == nil || fits(h.columns()) {
			found = append(found, h)
		}
	}
	return found, nil
}

func present(list []*held) []*held {
	var there []*held
	for _, h := range list {
		if h != nil {
			there = append(there, h)
		}
	}
	return there
}

// showAgain has what was handed out show what is here now. Where that fails, it shows what
// it did.
func (v *View) showAgain(ctx context.Context, m *model) {
	v.mu.Lock()
	keys := v.items.keys(m)
	v.mu.Unlock()
	_, _ = v.show(ctx, m, keys)
}
