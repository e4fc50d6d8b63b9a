package sync

import (
	"context"
	stdsync "sync"
)

// TokenSource tells what requests are to bear. It is called before the first request,
// and again after one was refused.
type TokenSource func(ctx context.Context) (string, error)

// token is that of an origin, fetched once however many ask.
type token struct {
	source TokenSource

	mu      stdsync.Mutex // held while the source is asked
	current string
	known   bool
}

// get returns the token, "" where there is none to bear.
func (t *token) get(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.locked(ctx)
}

func (t *token) locked(ctx context.Context) (string, error) {
	if t.known || t.source == nil {
		return t.current, nil
	}
	fetched, err := t.source(ctx)
	if err == nil {
		t.current, t.known = fetched, true
	}
	return fetched, err
}

// renewed reports whether there is another token than one that was refused. Whoever
// comes late finds the one that has come since.
func (t *token) renewed(ctx context.Context, refused string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current == refused {
		t.known = false
	}
	fresh, err := t.locked(ctx)
	return err == nil && fresh != refused
}
