package memory

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/stowage-db/stowage/store"
)

// Context is a backend on blobs that others use at the same time: what a tab is
// to a site. Tests make several and open an environment on each.
//
//	blobs := memory.NewBlobs()
//	a, b := memory.Share(blobs), memory.Share(blobs)
//
// Kill, Freeze and Mute do to it what may happen to a tab.
type Context struct {
	Backend

	// Guarded by the blobs' mutex.
	writer uint64
	heard  func(store.Sign)
	pin    store.Pin
	muted  bool
	frozen chan struct{}
	dead   bool
}

var _ store.Contexts = (*Context)(nil)

// Share returns one more context on blobs.
func Share(blobs *Blobs) *Context {
	blobs.mu.Lock()
	defer blobs.mu.Unlock()
	c := &Context{Backend: Backend{blobs: blobs}}
	blobs.contexts = append(blobs.contexts, c)
	return c
}

// Freeze stops the context in its calls, until Thaw. It hears nothing meanwhile, and
// gives no sign of life.
func (c *Context) Freeze() {
	c.blobs.mu.Lock()
	defer c.blobs.mu.Unlock()
	c.frozen = make(chan struct{})
}

// Thaw lets a frozen context go on.
func (c *Context) Thaw() {
	c.blobs.mu.Lock()
	defer c.blobs.mu.Unlock()
	close(c.frozen)
	c.frozen = nil
}

// Mute keeps the others from hearing the context.
func (c *Context) Mute() {
	c.blobs.mu.Lock()
	defer c.blobs.mu.Unlock()
	c.muted = true
}

// Kill ends the context in the middle of whatever it does: no call of it changes
// anything any more, and what it held is free.
func (c *Context) Kill() {
	c.blobs.mu.Lock()
	defer c.blobs.mu.Unlock()
	c.dead = true
	c.leave()
}

// Close implements store.Backend.
func (c *Context) Close() error {
	c.blobs.mu.Lock()
	c.leave()
	c.blobs.mu.Unlock()
	return c.Backend.Close()
}

// leave gives up all that is held. The blobs' mutex is held.
func (c *Context) leave() {
	c.heard = nil
	c.blobs.contexts = slices.DeleteFunc(c.blobs.contexts, func(other *Context) bool { return other == c })
	for _, l := range c.blobs.locks {
		l.leave(c)
	}
}

// awake waits while the context is frozen.
func (c *Context) awake(ctx context.Context) error {
	for {
		c.blobs.mu.Lock()
		frozen, dead := c.frozen, c.dead
		c.blobs.mu.Unlock()
		if dead {
			return &store.Error{Code: store.BackendFailed, Op: "memory: the context was killed"}
		}
		if frozen == nil {
			return ctx.Err()
		}
		select {
		case <-frozen:
		case <-ctx.Done():
		}
	}
}

// Read implements store.Backend.
func (c *Context) Read(ctx context.Context, names []string) ([][]byte, error) {
	if err := c.awake(ctx); err != nil {
		return nil, err
	}
	return c.Backend.Read(ctx, names)
}

// List implements store.Backend.
func (c *Context) List(ctx context.Context, prefix string) ([]string, error) {
	if err := c.awake(ctx); err != nil {
		return nil, err
	}
	return c.Backend.List(ctx, prefix)
}

// Commit implements store.Backend.
func (c *Context) Commit(ctx context.Context, batch *store.Batch) error {
	if err := c.awake(ctx); err != nil {
		return err
	}
	err := c.Backend.Commit(ctx, batch)
	if err == nil && (len(batch.Add) > 0 || batch.Root != nil) {
		c.tell(store.Committed)
	}
	return err
}

// Info implements store.Backend.
func (c *Context) Info(ctx context.Context, held bool) (store.Info, error) {
	if err := c.awake(ctx); err != nil {
		return store.Info{}, err
	}
	info, err := c.Backend.Info(ctx, held)
	info.Contexts = c
	return info, err
}

// Join implements store.Contexts.
func (c *Context) Join(ctx context.Context, writer uint64, heard func(store.Sign)) error {
	if err := c.awake(ctx); err != nil {
		return err
	}
	c.blobs.mu.Lock()
	defer c.blobs.mu.Unlock()
	c.writer, c.heard = writer, heard
	return nil
}

// tell lets all others hear a sign.
func (c *Context) tell(sign store.Sign) {
	c.blobs.mu.Lock()
	var hear []func(store.Sign)
	for _, other := range c.blobs.contexts {
		if other != c && !c.muted && other.heard != nil && other.frozen == nil {
			hear = append(hear, other.heard)
		}
	}
	c.blobs.mu.Unlock()
	for _, heard := range hear {
		heard(sign)
	}
}

// Contest implements store.Contexts.
func (c *Context) Contest(ctx context.Context) error {
	if err := c.awake(ctx); err != nil {
		return err
	}
	c.tell(store.Contested)
	return nil
}

// Pin implements store.Contexts.
func (c *Context) Pin(ctx context.Context, pin store.Pin) error {
	if err := c.awake(ctx); err != nil {
		return err
	}
	c.blobs.mu.Lock()
	c.pin = pin
	c.blobs.mu.Unlock()
	c.tell(store.Moved)
	return nil
}

// Others implements store.Contexts.
func (c *Context) Others(ctx context.Context) (store.Others, error) {
	if err := c.awake(ctx); err != nil {
		return store.Others{}, err
	}
	c.blobs.mu.Lock()
	defer c.blobs.mu.Unlock()
	others := store.Others{Pin: store.Pin{Read: math.MaxUint64, Known: math.MaxUint64}}
	for _, other := range c.blobs.contexts {
		if other != c && other.heard != nil {
			others.Writers = append(others.Writers, other.writer)
			others.Read = min(others.Read, other.pin.Read)
			others.Known = min(others.Known, other.pin.Known)
		}
	}
	return others, nil
}

// Lock implements store.Contexts.
func (c *Context) Lock(ctx context.Context, name string, patience time.Duration) (release func(), err error) {
	if err := c.awake(ctx); err != nil {
		return nil, err
	}
	l := c.blobs.lock(name)
	w := &waiter{context: c, granted: make(chan struct{})}
	c.blobs.mu.Lock()
	l.queue = append(l.queue, w)
	l.serve()
	c.blobs.mu.Unlock()
	leave := sync.OnceFunc(func() {
		c.blobs.mu.Lock()
		defer c.blobs.mu.Unlock()
		l.drop(w)
	})
	for since := time.Now(); ; {
		select {
		case <-w.granted:
			return leave, c.awake(ctx)
		case <-ctx.Done():
			leave()
			return nil, ctx.Err()
		case <-time.After(l.rest(since, patience)):
			if err := c.awake(ctx); err != nil {
				leave()
				return nil, err
			}
			l.rob(since, patience)
		}
	}
}

// TryLock implements store.Contexts.
func (c *Context) TryLock(ctx context.Context, name string, patience time.Duration) (release func(), err error) {
	if err := c.awake(ctx); err != nil {
		return nil, err
	}
	l := c.blobs.lock(name)
	l.rob(time.Time{}, patience)
	c.blobs.mu.Lock()
	defer c.blobs.mu.Unlock()
	if l.holder != nil {
		return nil, nil
	}
	l.holder, l.alive = &waiter{context: c, granted: make(chan struct{})}, time.Now()
	w := l.holder
	return sync.OnceFunc(func() {
		c.blobs.mu.Lock()
		defer c.blobs.mu.Unlock()
		l.drop(w)
	}), nil
}

// Linger implements store.Contexts.
func (c *Context) Linger(ctx context.Context) error {
	time.Sleep(time.Millisecond)
	return c.awake(ctx)
}

// Alive implements store.Contexts.
func (c *Context) Alive(ctx context.Context, name string) error {
	if err := c.awake(ctx); err != nil {
		return err
	}
	l := c.blobs.lock(name)
	c.blobs.mu.Lock()
	defer c.blobs.mu.Unlock()
	l.alive = time.Now()
	return nil
}

// lock is a named lock and those who wait for it, in order.
type lock struct {
	blobs  *Blobs
	holder *waiter
	alive  time.Time // when it last gave a sign of life
	queue  []*waiter
}

type waiter struct {
	context *Context
	granted chan struct{}
}

func (b *Blobs) lock(name string) *lock {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.locks == nil {
		b.locks = make(map[string]*lock)
	}
	if b.locks[name] == nil {
		b.locks[name] = &lock{blobs: b}
	}
	return b.locks[name]
}

// serve gives a free lock to the next in line. The blobs' mutex is held, as in leave and drop.
func (l *lock) serve() {
	if l.holder == nil && len(l.queue) > 0 {
		l.holder, l.queue = l.queue[0], l.queue[1:]
		l.alive = time.Now()
		close(l.holder.granted)
	}
}

// leave takes all that a context has or wants of the lock from it.
func (l *lock) leave(c *Context) {
	l.queue = slices.DeleteFunc(l.queue, func(w *waiter) bool { return w.context == c })
	if l.holder != nil && l.holder.context == c {
		l.drop(l.holder)
	}
}

// drop ends a wait, or the holding that it came to.
func (l *lock) drop(w *waiter) {
	l.queue = slices.DeleteFunc(l.queue, func(waiting *waiter) bool { return waiting == w })
	if l.holder == w {
		l.holder = nil
	}
	l.serve()
}

// rest is for how long somebody who has waited since a moment is to be patient still.
func (l *lock) rest(since time.Time, patience time.Duration) time.Duration {
	l.blobs.mu.Lock()
	defer l.blobs.mu.Unlock()
	if l.holder != nil && l.holder.context.frozen != nil {
		return 0 // tests need not wait out its silence
	}
	if l.alive.After(since) {
		since = l.alive
	}
	return max(0, patience-time.Since(since))
}

// rob takes the lock from a holder that has been silent for too long.
func (l *lock) rob(since time.Time, patience time.Duration) {
	if l.rest(since, patience) > 0 {
		return
	}
	l.blobs.mu.Lock()
	defer l.blobs.mu.Unlock()
	l.holder = nil
	l.serve()
}
