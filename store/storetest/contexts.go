package storetest

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/stowage-db/stowage/store"
)

// Context is a connection to a Platform that others use at the same time: a tab
// among tabs. What it tells them arrives late, twice or not at all, as the
// schedule's seed decides; it may be frozen in any call, or killed.
type Context struct {
	Connection
	writer uint64
	heard  func(store.Sign)
	pin    store.Pin
	frozen store.Gate
	muted  bool
	doomed bool // a call of it is the one that kills it
	dead   bool
}

// Dead reports whether the context was killed.
func (c *Context) Dead() bool { return c.dead }

var _ store.Contexts = (*Context)(nil)

// Share opens one more context. The platform must have a schedule.
func (p *Platform) Share() *Context {
	c := &Context{Connection: Connection{platform: p}}
	p.contexts = append(p.contexts, c)
	return c
}

// Freeze stops the context in its calls, until Thaw: it holds what it holds, and
// hears nothing.
func (c *Context) Freeze() { c.frozen = c.platform.schedule.NewGate() }

// Thaw lets a frozen context go on.
func (c *Context) Thaw() {
	if c.frozen != nil {
		c.frozen.Open()
		c.frozen = nil
	}
}

// Mute keeps the others from hearing the context.
func (c *Context) Mute() { c.muted = true }

// Kill ends the context: no call of it has an effect any more, and what it held
// is free.
func (c *Context) Kill() {
	c.dead = true
	c.leave()
	c.Thaw()
}

// Close implements store.Backend.
func (c *Context) Close() error {
	c.leave()
	return c.Connection.Close()
}

func (c *Context) leave() {
	c.heard = nil
	c.platform.contexts = slices.DeleteFunc(c.platform.contexts, func(other *Context) bool { return other == c })
	for _, l := range c.platform.locks {
		l.queue = slices.DeleteFunc(l.queue, func(w *claim) bool {
			if w.context == c {
				w.turn.Open() // to find that it is over
			}
			return w.context == c
		})
		if l.holder != nil && l.holder.context == c {
			l.serve()
		}
	}
}

// KillAt kills whichever context makes the nth call of all of them, 0 being the
// first ever: before the call has an effect, or after it and before its answer.
func (p *Platform) KillAt(n int, after bool) {
	p.deadly, p.deadlyAfter = n+1, after
}

// Calls is how many calls all contexts have made.
func (p *Platform) Calls() int { return p.calls }

// enter is the way from a call to its effect.
func (c *Context) enter(ctx context.Context) error {
	p := c.platform
	p.calls++
	doomed := c.doomed // by the call before, which had no way back
	if p.calls == p.deadly {
		c.doomed = true
		doomed = !p.deadlyAfter
	}
	if doomed {
		c.Kill()
	}
	return c.awake(ctx)
}

// awake lets others go first, and waits while the context is frozen.
func (c *Context) awake(ctx context.Context) error {
	c.platform.pause()
	for c.frozen != nil && !c.dead {
		if err := c.frozen.Wait(ctx); err != nil {
			return err
		}
	}
	if c.dead {
		return ErrFault
	}
	return ctx.Err()
}

// Read implements store.Backend.
func (c *Context) Read(ctx context.Context, names []string) ([][]byte, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	found, err := c.Connection.Read(ctx, names)
	return found, c.back(ctx, err)
}

// List implements store.Backend.
func (c *Context) List(ctx context.Context, prefix string) ([]string, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	names, err := c.Connection.List(ctx, prefix)
	return names, c.back(ctx, err)
}

// Commit implements store.Backend.
func (c *Context) Commit(ctx context.Context, batch *store.Batch) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	err := c.Connection.Commit(ctx, batch)
	if err == nil && (len(batch.Add) > 0 || batch.Root != nil) {
		c.tell(store.Committed)
	}
	return c.back(ctx, err)
}

// back is the way from a call's effect to its answer: a context can be frozen or
// killed there too, after what it asked for has happened.
func (c *Context) back(ctx context.Context, err error) error {
	if c.doomed {
		c.Kill()
	}
	if lost := c.awake(ctx); lost != nil {
		return lost
	}
	return err
}

// Info implements store.Backend.
func (c *Context) Info(ctx context.Context, held bool) (store.Info, error) {
	if err := c.enter(ctx); err != nil {
		return store.Info{}, err
	}
	info, err := c.Connection.Info(ctx, held)
	info.Contexts = c
	return info, err
}

// Join implements store.Contexts.
func (c *Context) Join(ctx context.Context, writer uint64, heard func(store.Sign)) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	c.writer, c.heard = writer, heard
	return nil
}

// tell lets the others hear a sign, later. Of ten signs to one of them one is lost
// and one comes twice.
func (c *Context) tell(sign store.Sign) {
	s := c.platform.schedule
	for _, other := range c.platform.contexts {
		times := 1
		switch s.random.IntN(10) {
		case 0:
			times = 0
		case 1:
			times = 2
		}
		for range times {
			s.Go(func(context.Context) {
				if other != c && !c.muted && other.heard != nil && other.frozen == nil {
					other.heard(sign)
				}
			})
		}
	}
}

// Contest implements store.Contexts.
func (c *Context) Contest(ctx context.Context) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	c.tell(store.Contested)
	return nil
}

// Pin implements store.Contexts.
func (c *Context) Pin(ctx context.Context, pin store.Pin) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	c.pin = pin
	c.tell(store.Moved)
	return nil
}

// Others implements store.Contexts.
func (c *Context) Others(ctx context.Context) (store.Others, error) {
	if err := c.enter(ctx); err != nil {
		return store.Others{}, err
	}
	others := store.Others{Pin: store.Pin{Read: math.MaxUint64, Known: math.MaxUint64}}
	for _, other := range c.platform.contexts {
		if other != c && other.heard != nil {
			others.Writers = append(others.Writers, other.writer)
			others.Read = min(others.Read, other.pin.Read)
			others.Known = min(others.Known, other.pin.Known)
		}
	}
	return others, nil
}

// mutex is a named lock among contexts.
type mutex struct {
	schedule *Schedule
	holder   *claim
	alive    time.Time
	queue    []*claim
}

// claim is one context's part in a lock.
type claim struct {
	context *Context
	granted bool
	turn    store.Gate // open when it is granted, or it is time to look at the holder
}

func (p *Platform) mutex(name string) *mutex {
	if p.locks == nil {
		p.locks = make(map[string]*mutex)
	}
	if p.locks[name] == nil {
		p.locks[name] = &mutex{schedule: p.schedule}
	}
	return p.locks[name]
}

// serve gives the lock, which nobody holds any more, to the next in line.
func (m *mutex) serve() {
	m.holder = nil
	if len(m.queue) > 0 {
		m.holder, m.queue = m.queue[0], m.queue[1:]
		m.alive = m.schedule.Now()
		m.holder.granted = true
		m.holder.turn.Open()
	}
}

// drop ends a claim, granted or not.
func (m *mutex) drop(claimed *claim) {
	m.queue = slices.DeleteFunc(m.queue, func(c *claim) bool { return c == claimed })
	if m.holder == claimed {
		m.serve()
	}
}

// Linger implements store.Contexts.
func (c *Context) Linger(ctx context.Context) error {
	s := c.platform.schedule
	later := s.NewGate()
	s.OpenAt(s.Now().Add(time.Millisecond), later)
	if err := later.Wait(ctx); err != nil {
		return err
	}
	return c.awake(ctx)
}

// Lock implements store.Contexts.
func (c *Context) Lock(ctx context.Context, name string, patience time.Duration) (release func(), err error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	m := c.platform.mutex(name)
	mine := &claim{context: c, turn: m.schedule.NewGate()}
	m.queue = append(m.queue, mine)
	if m.holder == nil {
		m.serve()
	}
	since := m.schedule.Now()
	for !mine.granted {
		if m.alive.After(since) {
			since = m.alive
		}
		deadline := since.Add(patience)
		if !m.schedule.Now().Before(deadline) {
			m.serve() // the holder has been silent for too long
			continue
		}
		m.schedule.OpenAt(deadline, mine.turn)
		err := mine.turn.Wait(ctx)
		if c.dead {
			err = ErrFault
		}
		if err != nil {
			m.drop(mine)
			return nil, err
		}
		if !mine.granted {
			mine.turn = m.schedule.NewGate()
		}
	}
	return func() { m.drop(mine) }, nil
}

// TryLock implements store.Contexts.
func (c *Context) TryLock(ctx context.Context, name string, patience time.Duration) (release func(), err error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	m := c.platform.mutex(name)
	if m.holder != nil && m.schedule.Now().Sub(m.alive) < patience {
		return nil, nil
	}
	m.holder = &claim{context: c, granted: true}
	m.alive = m.schedule.Now()
	mine := m.holder
	return func() { m.drop(mine) }, nil
}

// Alive implements store.Contexts.
func (c *Context) Alive(ctx context.Context, name string) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	c.platform.mutex(name).alive = c.platform.schedule.Now()
	return nil
}
