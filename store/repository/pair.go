package repository

import (
	"context"
	"errors"
	"time"

	"github.com/stowage-db/stowage/store"
)

// pair is the two tiers of a repository, and what keeps them in step.
type pair struct {
	name                         string // of the repository, for its errors
	prefix                       string // of its keys
	fast, fallback               Tier
	fastTimeout, fallbackTimeout time.Duration
	expire                       time.Duration // of what is put into the fast tier
	warn                         func(error)   // told of what failed without failing a call
	counts                       *counts
	turns                        *turns
	doubts                       *doubts
}

// longest is a time of which a few can be added up.
const longest = time.Duration(1) << 59

func newPair(config Config, prefix string) *pair {
	p := &pair{
		name: config.Name, prefix: prefix, fast: config.Fast, fallback: config.Fallback,
		fastTimeout: config.FastTimeout, fallbackTimeout: config.FallbackTimeout,
		expire: config.Expire, warn: config.OnWarning,
		counts: new(counts), turns: new(turns), doubts: &doubts{expire: config.Expire},
	}
	for _, timeout := range []*time.Duration{&p.fastTimeout, &p.fallbackTimeout} {
		if *timeout == 0 {
			*timeout = time.Second
		}
		*timeout = min(*timeout, longest)
	}
	if p.warn == nil {
		p.warn = func(error) {}
	}
	return p
}

// wanted is what a read asks of one key.
type wanted struct {
	key     string
	read    Read // what answers
	whole   Read // what the fast tier is to have afterwards; of KindNone where that is nothing
	partial bool // the answer is less than the whole
}

// read answers from the fast tier, and what that does not know from the fallback.
func (p *pair) read(ctx context.Context, wants []wanted) ([]Reply, error) {
	replies := make([]Reply, len(wants))
	asked, failure := p.readFast(ctx, wants, replies)
	if len(asked) == 0 {
		return replies, nil
	}
	if ctx.Err() != nil {
		return nil, p.failed(ctx, nil, ctx.Err())
	}
	return replies, p.readThrough(ctx, wants, asked, replies, failure)
}

// readFast fills in the replies of the fast tier, and returns the places of those that
// it does not know. Where it fails these are all.
func (p *pair) readFast(ctx context.Context, wants []wanted, replies []Reply) (asked []int, failure error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.fastTimeout, errTimeout)
	defer cancel()
	keys := make([]string, len(wants))
	reads := make([]Read, 0, 2*len(wants))
	for i, w := range wants {
		keys[i] = w.key
		reads = append(reads, w.read, Read{Key: p.marker(w.key), Kind: KindExists})
	}
	var found []Reply
	if failure = p.settle(ctx, keys); failure == nil {
		found, failure = readAll(ctx, p.fast, reads)
	}
	if failure != nil {
		p.warn(failure)
	}
	for i := range wants {
		switch {
		case failure == nil && found[2*i].Found:
			replies[i] = found[2*i]
			p.counts.fastHits.Add(1)
		case failure == nil && found[2*i+1].Found:
			p.counts.markerHits.Add(1)
		default:
			asked = append(asked, i)
		}
	}
	return asked, failure
}

// settle removes from the fast tier what of the keys may be old there.
func (p *pair) settle(ctx context.Context, keys []string) error {
	doubted := p.doubts.among(keys)
	if len(doubted) == 0 {
		return nil
	}
	writes := make([]Write, 0, 2*len(doubted))
	for key := range doubted {
		writes = append(writes, Write{Key: key}, Write{Key: p.marker(key)})
	}
	if err := p.fast.Write(ctx, writes...); err != nil {
		return err
	}
	p.doubts.settle(doubted)
	return nil
}

// readThrough fills in the replies of the fallback to what was asked for, and has the
// fast tier keep what it says, unless that has failed.
func (p *pair) readThrough(ctx context.Context, wants []wanted, asked []int, replies []Reply, failure error) error {
	tickets := make([]ticket, len(asked))
	reads := make([]Read, 0, 2*len(asked))
	for n, i := range asked {
		tickets[n] = p.turns.draw(wants[i].key)
		reads = append(reads, wants[i].read)
	}
	defer func() {
		for _, t := range tickets {
			p.turns.leave(t.turn)
		}
	}()
	for _, i := range asked {
		if w := wants[i]; w.partial {
			reads = append(reads, w.whole)
		}
	}
	found, err := p.readFallback(ctx, reads)
	if err != nil {
		return p.failed(ctx, failure, err)
	}
	whole := found[len(asked):]
	for n, i := range asked {
		replies[i] = found[n]
		if wants[i].partial {
			found[n], whole = whole[0], whole[1:]
		}
	}
	if failure == nil {
		p.hydrate(ctx, wants, asked, tickets, found)
	}
	return nil
}

func (p *pair) readFallback(ctx context.Context, reads []Read) ([]Reply, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.fallbackTimeout, errTimeout)
	defer cancel()
	p.counts.fallbackReads.Add(1)
	return readAll(ctx, p.fallback, reads)
}

// readAll reads from a tier, which has to answer every read.
func readAll(ctx context.Context, t Tier, reads []Read) ([]Reply, error) {
	replies, err := t.Read(ctx, reads...)
	if err == nil && len(replies) != len(reads) {
		return nil, fail(store.BackendFailed, "repository: a tier did not answer every read", nil)
	}
	return replies, err
}

// hydrate puts what the fallback has into the fast tier, and a marker for what it has not.
func (p *pair) hydrate(ctx context.Context, wants []wanted, asked []int, tickets []ticket, found []Reply) {
	var writes []Write
	var keys []string
	for n, i := range asked {
		w, reply := wants[i], found[n]
		write := Write{Key: w.key, Kind: w.whole.Kind, Value: reply.Value, Only: IfAbsent, Expiry: sooner(p.expire, reply.Expiry)}
		if !reply.Found {
			write = p.mark(w.key)
		}
		if write.Kind == KindNone || !tickets[n].hold() {
			continue
		}
		defer tickets[n].release()
		writes, keys = append(writes, write), append(keys, w.key)
	}
	if len(writes) == 0 {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.fastTimeout, errTimeout)
	defer cancel()
	if err := p.fast.Write(ctx, writes...); err != nil {
		p.doubts.raise(keys...)
		p.warn(err)
	}
}

// change is what an add or a delete does to one key.
type change struct {
	key      string
	fallback Write
	fast     []Write
	whole    Read // what the fast tier is to get from the fallback instead, unless of KindNone
}

// write makes changes in the fallback, all or none, and then in the fast tier.
func (p *pair) write(ctx context.Context, changes []change) error {
	keys := make([]string, len(changes))
	writes := make([]Write, len(changes))
	for i, c := range changes {
		keys[i], writes[i] = c.key, c.fallback
	}
	// So long a turn before this one may take.
	waiting, cancel := context.WithTimeout(ctx, 2*(p.fallbackTimeout+p.fastTimeout))
	defer cancel()
	give, err := p.turns.take(waiting, keys)
	if err != nil {
		return p.failed(ctx, nil, err)
	}
	defer give()
	if err := p.writeFallback(ctx, writes); err != nil {
		if !refused(err) || errors.As(err, new(*partial)) {
			p.forget(ctx, keys) // it may have happened, to some at least
		}
		return p.failed(ctx, nil, err)
	}
	ctx = context.WithoutCancel(ctx) // the fast tier must not be left behind any more
	if err := p.writeFast(ctx, changes); err != nil {
		p.warn(err)
		p.forget(ctx, keys)
	}
	return nil
}

func (p *pair) writeFallback(ctx context.Context, writes []Write) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.fallbackTimeout, errTimeout)
	defer cancel()
	return p.fallback.Write(ctx, writes...)
}

func (p *pair) writeFast(ctx context.Context, changes []change) error {
	var writes []Write
	for _, c := range changes {
		if c.whole.Kind != KindNone {
			whole, err := p.readFallback(ctx, []Read{c.whole})
			if err != nil {
				return err
			}
			writes = append(writes, Write{Key: c.key, Kind: c.whole.Kind, Value: whole[0].Value, Expiry: sooner(p.expire, whole[0].Expiry)})
		}
		writes = append(writes, c.fast...)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.fastTimeout, errTimeout)
	defer cancel()
	return p.fast.Write(ctx, writes...)
}

// forget removes keys from the fast tier, now or before they are read there.
func (p *pair) forget(ctx context.Context, keys []string) {
	p.doubts.raise(keys...)
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), p.fastTimeout, errTimeout)
	defer cancel()
	if err := p.settle(ctx, keys); err != nil {
		p.warn(err)
	}
}

// failed is how a call fails that the fallback has failed: with Unavailable where the
// fast tier had too, unless it is the call that is wrong.
func (p *pair) failed(ctx context.Context, failure, err error) error {
	code := store.CodeOf(err)
	switch {
	case ctx.Err() != nil:
		code = store.Aborted
	case failure != nil && (!refused(err) || notAsked(err)):
		code, err = store.Unavailable, errors.Join(failure, err)
	case timedOut(err):
		code = store.Timeout
	}
	return &store.Error{Code: code, Op: "repository", Name: p.name, Err: err}
}

// refused tells whether a write has failed before anything could have come of it.
func refused(err error) bool {
	switch store.CodeOf(err) {
	case store.InvalidArgument, store.InvalidOption, store.InvalidKey, store.TooLarge, store.WrongType, store.ReadOnly, store.Closed, store.Unsupported:
		return true
	}
	return notAsked(err)
}
