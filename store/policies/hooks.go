package policies

import (
	"slices"
	"sync"

	"github.com/stowage-db/stowage/store"
)

// Hooks are actions that are called when something happens, in the order in which they
// were hooked. They may be used by several goroutines.
type Hooks[A any] struct {
	mu     sync.Mutex
	events []string
	hooked []*Hook[A]
}

// Hook is an action and the event that it waits for.
type Hook[A any] struct {
	Event  string
	Action A
}

// Events lists the events that there are.
func (h *Hooks[A]) Events() []string { return slices.Clone(h.events) }

// Hook has an action called from now on. It fails with InvalidArgument where there is
// no such event.
func (h *Hooks[A]) Hook(event string, action A) (*Hook[A], error) {
	if err := h.check(event); err != nil {
		return nil, err
	}
	hook := &Hook[A]{event, action}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hooked = append(slices.Clip(h.hooked), hook)
	return hook, nil
}

// Unhook has an action called no more, and reports whether it was.
func (h *Hooks[A]) Unhook(hook *Hook[A]) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := slices.Index(h.hooked, hook)
	if at >= 0 {
		h.hooked = slices.Concat(h.hooked[:at], h.hooked[at+1:])
	}
	return at >= 0
}

// List returns the hooks of an event, in their order.
func (h *Hooks[A]) List(event string) ([]*Hook[A], error) {
	return h.of(event), h.check(event)
}

// Clear forgets the hooks of an event, or of all of them where that is empty.
func (h *Hooks[A]) Clear(event string) error {
	if event != "" {
		if err := h.check(event); err != nil {
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hooked = slices.DeleteFunc(slices.Clone(h.hooked), func(hook *Hook[A]) bool { return event == "" || hook.Event == event })
	return nil
}

func (h *Hooks[A]) check(event string) error {
	if !slices.Contains(h.events, event) {
		return &store.Error{Code: store.InvalidArgument, Op: "hook: no such event", Name: event}
	}
	return nil
}

func (h *Hooks[A]) of(event string) (hooks []*Hook[A]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, hook := range h.hooked {
		if hook.Event == event {
			hooks = append(hooks, hook)
		}
	}
	return hooks
}

// Document is a document as coder.MessagePack reads it.
type Document = map[string]any

// TableAction is called with a document, which it may change in place; of truncate
// there is none. What it fails with is what the operation fails with, and then the
// transaction, or the child it was done in, must be given up.
type TableAction func(tx *store.Tx, doc Document) error

// TableHooks are hooks of a table, one of its policies. Their events:
//
//	create    before a document is stored that was not there
//	update    before a changed document is stored, once for each change
//	delete    when a document has been deleted
//	read      before a document is handed out: a copy, so that what is stored stays
//	truncate  when the table has been emptied; of the documents in it nothing is told
type TableHooks struct{ Hooks[TableAction] }

// NewTableHooks returns hooks without any action.
func NewTableHooks() *TableHooks {
	return &TableHooks{Hooks[TableAction]{events: []string{"create", "update", "delete", "read", "truncate"}}}
}

func (h *TableHooks) steps() Steps {
	s := Steps{
		Created:   func(tx *store.Tx, doc Document) error { return h.tell("create", tx, doc) },
		Updated:   func(tx *store.Tx, doc, _ Document) error { return h.tell("update", tx, doc) },
		Deleted:   func(tx *store.Tx, doc Document) error { return h.tell("delete", tx, doc) },
		Truncated: func(tx *store.Tx) error { return h.tell("truncate", tx, nil) },
	}
	if len(h.of("read")) > 0 {
		s.Read = func(tx *store.Tx, doc Document) (hidden bool, err error) { return false, h.tell("read", tx, doc) }
	}
	return s
}

func (h *TableHooks) tell(event string, tx *store.Tx, doc Document) error {
	for _, hook := range h.of(event) {
		if err := hook.Action(tx, doc); err != nil {
			return err
		}
	}
	return nil
}
