package sync

import (
	"context"
	"reflect"
	"runtime"
	"time"
	"weak"
)

// Item is what a view hands out: one for each row, however often it is asked for, so that
// items of the same row are the same. It shows what was loaded last, for as long as the
// view is open. Those that nobody holds any more are forgotten.
type Item[T any] struct{ *held }

// held is what an item stands for. The view's mu guards row and about.
type held struct {
	model *model
	key   any
	row   map[string]any
	about About
	item  any // the Item, made by who first needs it
}

// About tells where a row comes from, and how old it is.
type About struct {
	Source    RowSource
	FetchedAt time.Time // zero for what was only made here
	Stale     bool      // older than it may be
}

// RowSource is where a row comes from.
type RowSource string

// The sources of rows.
const (
	FromOrigin  RowSource = "origin" // asked for since the view was opened
	FromCache   RowSource = "cache"
	FromOverlay RowSource = "overlay" // changed here
)

func itemOf[T any](h *held) *Item[T] {
	v := h.model.view
	v.mu.Lock()
	defer v.mu.Unlock()
	if h.item == nil {
		h.item = &Item[T]{h}
	}
	return h.item.(*Item[T])
}

func itemsOf[T any](list []*held) []*Item[T] {
	items := make([]*Item[T], len(list))
	for i, h := range list {
		items[i] = itemOf[T](h)
	}
	return items
}

// Row returns the columns as they were loaded last. It fails with NotLive once the view
// is closed, and with Undecodable where the row is no T.
func (i *Item[T]) Row() (T, error) {
	v := i.model.view
	var none T
	if err := v.live(); err != nil {
		return none, err
	}
	return decode[T](i.columns())
}

// Key returns the identity.
func (i *Item[T]) Key() (any, error) { return i.key, i.model.view.live() }

// About tells where the row comes from.
func (i *Item[T]) About() (About, error) {
	v := i.model.view
	v.mu.Lock()
	about := i.about
	v.mu.Unlock()
	return about, v.live()
}

// Refresh loads the row from the origin once more. It fails with Offline in that mode.
func (i *Item[T]) Refresh(ctx context.Context) error {
	v := i.model.view
	if err := v.mayAsk(); err != nil {
		return err
	}
	if err := v.askRows(ctx, i.model, []any{i.key}); err != nil {
		return err
	}
	_, err := v.show(ctx, i.model, []any{i.key})
	return err
}

// columns returns the row as it is now; it is never modified.
func (h *held) columns() map[string]any {
	v := h.model.view
	v.mu.Lock()
	defer v.mu.Unlock()
	return h.row
}

// items are those of a view, by their models and identities.
type items map[string]weak.Pointer[held]

func itemName(m *model, key any) string { return m.name + "\x00" + nameOf(key) }

// show returns what a row stands for, and reports whether somebody has it and saw
// something else until now. The view's mu is held.
func (all items) show(m *model, key any, row map[string]any, about About) (h *held, changed bool) {
	name := itemName(m, key)
	if h = all[name].Value(); h != nil {
		changed = !reflect.DeepEqual(h.row, row)
		h.row, h.about = row, about
		return h, changed
	}
	h = &held{model: m, key: key, row: row, about: about}
	all[name] = weak.Make(h)
	runtime.AddCleanup(h, m.view.forget, name)
	return h, false
}

// keys are the identities of a model that somebody has. The view's mu is held.
func (all items) keys(m *model) []any {
	var keys []any
	for _, found := range all {
		if h := found.Value(); h != nil && h.model == m {
			keys = append(keys, h.key)
		}
	}
	return keys
}

// forget forgets an item that nobody has.
func (v *View) forget(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.items[name].Value() == nil {
		delete(v.items, name)
	}
}
