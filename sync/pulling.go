package sync

import (
	"context"
	stdsync "sync"
	"time"

	"github.com/stowage-db/stowage/store"
)

// pulling is one shape that is pulled: chunk after chunk, then what changes. One goroutine
// runs it; what others see and ask for is guarded.
type pulling struct {
	shape    *shape
	source   Source
	requests *Requests
	live     bool
	every    time.Duration
	held     func(complete bool) bool
	tell     func()

	// Of the goroutine alone.
	position *Position
	caughtUp bool
	cursor   string
	buster   string // makes URLs other ones, until all is there, or the shape has another handle than busted
	busted   string
	failures backoff // after failures
	anew     backoff // after it had to begin anew
	guard    guard
	stale    int // old answers in a row
	ahead    *ahead

	mu      stdsync.Mutex
	current Progress
	wanted  wish
	lost    bool // the position is to be read again
	waiting []waiter
	ctx     context.Context    // of the goroutine
	rest    context.Context    // of what it waits for, be it the next try or a live answer
	nudge   context.CancelFunc // ends rest
}

// wish is what somebody wants to be asked for.
type wish int

const (
	nothing wish = iota
	news         // what is new
	anew         // all of it, once more
)

type waiter struct {
	entire bool // and not news
	done   chan error
}

func newPulling(s *shape, requests *Requests, o *PullOptions) *pulling {
	return &pulling{
		shape: s, source: o.Source, requests: requests, live: !o.Once, every: o.Every, held: o.held,
		failures: backoff{Retry: o.Retry}, anew: backoff{Retry: o.Retry},
		current: Progress{Shape: s.name, Phase: Waiting, Total: -1},
	}
}

func (p *pulling) progress() Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

func (p *pulling) is(change func(*Progress)) {
	p.mu.Lock()
	change(&p.current)
	p.mu.Unlock()
	p.tell()
}

// see takes notice of a position that is stored.
func (p *pulling) see(position *Position) {
	p.position = position
	p.is(func(now *Progress) {
		now.Complete, now.Rows, now.FetchedAt = position.Complete, position.Rows, position.FetchedAt
	})
	if position.Complete {
		p.settle(true, nil)
	}
}

// settle tells those who wait what came of it.
func (p *pulling) settle(entire bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := p.waiting[:0]
	for _, w := range p.waiting {
		if w.entire == entire {
			w.done <- err
		} else {
			left = append(left, w)
		}
	}
	p.waiting = left
}

func (p *pulling) fail(phase Phase, err error) {
	p.is(func(now *Progress) { now.Phase, now.Err = phase, err })
	p.settle(true, err)
	p.settle(false, err)
}

func (p *pulling) complete() <-chan error {
	done := make(chan error, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.current.Complete:
		done <- nil
	case p.current.Phase.ended():
		done <- p.current.Err
	default:
		p.waiting = append(p.waiting, waiter{true, done})
	}
	return done
}

// refresh has the goroutine ask now, whatever it waits for.
func (p *pulling) refresh(what wish) <-chan error {
	done := make(chan error, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.ctx.Err(); err != nil {
		done <- &store.Error{Code: store.Closed, Op: "pull"}
		return done
	}
	p.waiting = append(p.waiting, waiter{false, done})
	p.wanted = max(p.wanted, what)
	if p.current.Phase != Pulling {
		p.nudge()
	}
	return done
}

// wake ends whatever it waits for. Where its rows were lost, it begins anew.
func (p *pulling) wake(lost bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = p.lost || lost
	p.nudge()
}

// begin makes ready for run.
func (p *pulling) begin(ctx context.Context) {
	p.ctx = ctx
	p.rest, p.nudge = context.WithCancel(ctx)
}

// run pulls until the context ends.
func (p *pulling) run(ctx context.Context) {
	for ctx.Err() == nil {
		p.step(ctx)
	}
	p.nudge()
	p.drop()
}

// turn is what is done next.
type turn struct {
	rest   context.Context
	wanted wish
	lost   bool // reads the position again
	held   bool // waits until somebody wants something
	idle   bool // waits for the time to ask again
	follow bool // waits at the origin
}

// next decides what is done next, and says so in one with what others may ask for
// meanwhile: a wish either is seen here or ends rest.
func (p *pulling) next() turn {
	held := p.held != nil && p.held(p.progress().Complete)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rest.Err() != nil && p.ctx.Err() == nil {
		p.rest, p.nudge = context.WithCancel(p.ctx)
	}
	t := turn{rest: p.rest, wanted: p.wanted, lost: p.lost}
	p.lost = false
	after := p.caughtUp && p.wanted == nothing
	t.held = held && p.wanted == nothing
	t.follow = after && p.live && p.source.Live()
	t.idle = after && !t.follow
	switch {
	case after:
		p.current.Phase = Live
	case t.held:
		p.current.Phase = Waiting
	default:
		p.current.Phase = Pulling
	}
	return t
}

// step asks once, or waits where there is nothing to ask.
func (p *pulling) step(ctx context.Context) {
	t := p.next()
	p.tell()
	switch {
	case t.lost:
		p.missed(ctx, t.rest, errMoved)
		return
	case t.held:
		<-t.rest.Done()
		return
	case t.idle:
		p.idle(t.rest)
		return
	case t.wanted == anew:
		p.refetch(ctx, t.rest)
		return
	}
	chunk, wanted, err := p.chunk(&t)
	if t.rest.Err() != nil {
		return // whoever ended it wants something else
	}
	if err == nil {
		p.askAhead(t.rest, chunk, t.wanted)
		err = p.store(ctx, chunk)
	}
	switch {
	case err == nil:
		p.took(chunk, wanted)
	case ctx.Err() == nil:
		p.drop()
		p.missed(ctx, t.rest, err)
	}
}

// refetch begins anew because somebody wants it.
func (p *pulling) refetch(ctx, rest context.Context) {
	position, err := p.shape.again(ctx, p.position, p.position.Handle)
	if err != nil {
		p.missed(ctx, rest, err)
		return
	}
	p.see(position)
	p.granted(anew)
}

// granted takes a wish back for less: what is new is still to come.
func (p *pulling) granted(what wish) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wanted == what {
		p.wanted = news
	}
	p.caughtUp = false
}

// idle waits for the time to ask again, for ever where only others say when.
func (p *pulling) idle(rest context.Context) {
	if !p.live {
		<-rest.Done()
		return
	}
	pause(rest, p.every)
	p.caughtUp = false
}

// chunk returns what follows, which may have been asked for ahead, and what was wanted
// when it was asked for.
func (p *pulling) chunk(t *turn) (*Chunk, wish, error) {
	if a := p.ahead; a != nil && a.follows(p.position, t.rest) {
		p.ahead = nil
		c, err := a.take()
		return c, a.wanted, err
	}
	p.drop()
	c, err := p.asking(p.position, t.follow)(t.rest)
	return c, t.wanted, err
}

// askAhead asks for what follows a chunk that is about to be stored.
func (p *pulling) askAhead(rest context.Context, c *Chunk, wanted wish) {
	if c.UpToDate || c.Handle != p.busted {
		p.buster = ""
	}
	if !c.UpToDate {
		at := p.position.after(c)
		p.ahead = newAhead(at, rest, wanted, p.asking(at, false))
	}
}

// drop gives up what was asked for ahead.
func (p *pulling) drop() {
	if p.ahead != nil {
		p.ahead.end()
		p.ahead = nil
	}
}

// asking returns what asks for the chunk that follows a position, in another goroutine if
// need be.
func (p *pulling) asking(at *Position, follow bool) func(context.Context) (*Chunk, error) {
	asking := Asking{Requests: p.requests, Live: follow, Cursor: p.cursor, Buster: p.buster}
	refused := p.guard.admit(at, follow)
	return func(ctx context.Context) (*Chunk, error) {
		if refused != nil {
			return nil, refused
		}
		c, err := p.source.Next(ctx, p.shape.spec, *at, asking)
		if err == nil && !c.UpToDate && c.Offset == at.Offset && c.Handle == at.Handle {
			err = &Unanswered{Again: true, what: "the origin does not move on"}
		}
		return c, err
	}
}

// store stores a chunk. It is stored whole once it has arrived, even where the puller is
// closed meanwhile.
func (p *pulling) store(ctx context.Context, c *Chunk) error {
	position, err := p.shape.apply(context.WithoutCancel(ctx), p.position, c)
	if err == nil {
		p.see(position)
	}
	return err
}

// took goes on after a chunk that was stored.
func (p *pulling) took(c *Chunk, wanted wish) {
	p.cursor, p.stale = c.Cursor, 0
	p.failures.succeeded()
	p.caughtUp = c.UpToDate
	if c.UpToDate {
		p.anew.succeeded()
	}
	p.is(func(now *Progress) {
		now.Chunks++
		now.Bytes += c.Bytes
		now.Err = nil
		if c.Rows >= 0 {
			now.Total = c.Rows
		}
	})
	if !c.UpToDate || wanted != news {
		return
	}
	p.guard = guard{} // who asks by hand may ask for the same
	p.mu.Lock()
	if p.wanted == wanted {
		p.wanted = nothing
	}
	p.mu.Unlock()
	p.settle(false, nil)
}
