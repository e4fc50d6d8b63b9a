package sync

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/stowage-db/stowage/store"
)

// What a pull does about failures: whether it is tried again and when, and whether it
// begins anew. Pages have the same in js/src/sync/failure.ts.

// missed does something about what went wrong, and waits.
func (p *pulling) missed(ctx, rest context.Context, err error) {
	p.caughtUp = false
	var refetch *mustRefetch
	switch {
	case errors.Is(err, errMoved):
		position, err := p.shape.position(ctx)
		if err == nil {
			p.see(position)
			return
		}
		p.waitOut(ctx, rest, err)
	case errors.As(err, &refetch):
		p.beginAnew(ctx, rest, refetch.handle, err)
	case errors.Is(err, errMismatch):
		p.beginAnew(ctx, rest, p.position.Handle, err)
	case errors.Is(err, errStale):
		p.bust()
		p.forgive(ctx)
		p.waitOut(ctx, rest, &Unanswered{Again: true, what: "the origin cannot be reached", err: err})
	default:
		p.waitOut(ctx, rest, err)
	}
}

// beginAnew pulls all of it, the first time at once.
func (p *pulling) beginAnew(ctx, rest context.Context, handle string, reason error) {
	p.bust()
	position, err := p.shape.again(ctx, p.position, handle)
	if err != nil {
		p.waitOut(ctx, rest, err)
		return
	}
	p.see(position)
	again := p.anew.failures > 0
	wait := p.anew.failed(0)
	if !again {
		return
	}
	p.is(func(now *Progress) {
		now.Phase, now.Err = Retrying, &Unanswered{Again: true, what: "the shape begins anew again and again", err: reason}
	})
	pause(rest, wait)
	p.guard = guard{}
}

// staleAnswers in a row, each to another URL, cannot all be a cache's: the handle that was
// given up, by a refusal that was an old one itself, is the shape's after all.
const staleAnswers = 3

func (p *pulling) forgive(ctx context.Context) {
	if p.stale++; p.stale < staleAnswers {
		return
	}
	if position, err := p.shape.forgive(ctx, p.position); err == nil {
		p.stale = 0
		p.see(position)
	}
}

// waitOut tells of a failure, and waits for the next try or, where it would change
// nothing, for somebody to want one.
func (p *pulling) waitOut(ctx, rest context.Context, failure error) {
	phase, floor := Failed, time.Duration(0)
	var u *Unanswered
	code := store.CodeOf(failure)
	switch {
	case errors.As(failure, &u):
		floor = u.Floor
		if u.Again {
			phase = Retrying
		} else if code == store.Denied {
			phase = NeedsToken
		}
	case passing[code]:
		phase = Retrying
	}
	if damaged[code] {
		if position, err := p.shape.restart(ctx, p.position); err == nil {
			p.see(position)
		}
	}
	p.mu.Lock()
	p.wanted = nothing
	p.current.Phase, p.current.Err = phase, failure
	p.mu.Unlock()
	p.tell()
	p.settle(false, failure)
	if phase == Retrying {
		pause(rest, p.failures.failed(floor))
		p.guard = guard{}
		return
	}
	p.settle(true, failure)
	if position, err := p.shape.failed(ctx, p.position, failure); err == nil {
		p.position = position
	}
	<-rest.Done()
}

// damaged are failures of what is stored: it is pulled again.
var damaged = map[store.Code]bool{store.Corrupt: true, store.Tampered: true, store.Undecodable: true}

// passing are failures after which it is tried again, beside those that an Unanswered
// says are.
var passing = map[store.Code]bool{
	store.OriginFailed: true, store.BackendFailed: true, store.Quota: true, store.Conflict: true,
	store.Corrupt: true, store.Tampered: true, store.Undecodable: true,
}

// bust has no cache answer.
func (p *pulling) bust() {
	p.buster = strconv.FormatUint(rand.Uint64()>>16, 36)
	if p.position.Handle != "" {
		p.busted = p.position.Handle
	}
}
