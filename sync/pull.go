package sync

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"slices"
	stdsync "sync"
	"time"

	"github.com/stowage-db/stowage/store"
)

// PullOptions say what is pulled, and how. Shapes and one of Origin and Source must be
// given; what else is zero takes the value that stands with it.
type PullOptions struct {
	Origin string               // the URL of an origin's shapes, which ends in /v1/shape
	Source Source               // another source in its place
	Shapes map[string]ShapeSpec // by the names of the tables that hold their rows; those that are not there are made
	Token  TokenSource          // tells what requests bear; nothing
	Once   bool                 // only Refresh asks for what has changed, once all is there
	Every  time.Duration        // that a source is asked which cannot wait for changes; 1 min
	Retry  Retry
	Client *http.Client // sends the requests; one of its own

	held func(complete bool) bool // tells whether a shape that is whole, or is not, is pulled only when Refresh asks; never
}

// Phase is what a shape is at.
type Phase string

// The phases. In the last two it waits to be told to go on, by Refresh.
const (
	Waiting    Phase = "waiting"
	Pulling    Phase = "pulling"
	Live       Phase = "live" // all is there, and what changes is waited for
	Retrying   Phase = "retrying"
	NeedsToken Phase = "needs token"
	Failed     Phase = "failed"
)

func (p Phase) ended() bool { return p == NeedsToken || p == Failed }

// Progress is how far a shape is.
type Progress struct {
	Shape     string
	Phase     Phase
	Complete  bool  // there is a whole shape, and it is shown
	Rows      int64 // so far
	Total     int64 // of how many; −1 where the origin does not tell
	Chunks    int   // that have come in since the puller was started
	Bytes     int64 // of these
	FetchedAt time.Time
	Err       error // why it does not go on
}

// told is the time within which progress is told once at most.
const told = 100 * time.Millisecond

// Puller pulls shapes into tables, each by a goroutine of its own, until it is closed.
// All its methods may be called at the same time.
type Puller struct {
	Requests *Requests

	pulls map[string]*pulling
	end   context.CancelFunc
	ended context.Context
	work  stdsync.WaitGroup

	mu      stdsync.Mutex
	changed chan struct{} // closed when progress changes, and then another
}

// Pull starts to pull. The context is that of the start alone. Several pullers, here or
// in other programs, may pull the same shape: each chunk is stored once.
func Pull(ctx context.Context, env *store.Env, options PullOptions) (*Puller, error) {
	if options.Source == nil {
		if options.Origin == "" {
			return nil, &store.Error{Code: store.InvalidOption, Op: "pull from no origin"}
		}
		options.Source = Electric(options.Origin)
	}
	options.Retry.fill()
	return start(ctx, env, newRequests(options.Client, options.Token, options.Retry.Rest), options)
}

func start(ctx context.Context, env *store.Env, requests *Requests, options PullOptions) (*Puller, error) {
	if options.Every <= 0 {
		options.Every = time.Minute
	}
	p := &Puller{Requests: requests, pulls: make(map[string]*pulling, len(options.Shapes)), changed: make(chan struct{})}
	for name, spec := range options.Shapes {
		if spec.Table == "" {
			return nil, &store.Error{Code: store.InvalidOption, Op: "pull a shape of no table", Name: name}
		}
		one := newPulling(newShape(env, name, spec), p.Requests, &options)
		one.tell = p.tell
		position, err := one.shape.position(ctx)
		if err != nil {
			return nil, err
		}
		one.see(position)
		p.pulls[name] = one
	}
	p.ended, p.end = context.WithCancel(context.Background())
	for _, one := range p.pulls {
		one.begin(p.ended)
		p.work.Go(func() { one.run(p.ended) })
	}
	return p, nil
}

// Progress tells how far each shape is.
func (p *Puller) Progress() map[string]Progress {
	progress := make(map[string]Progress, len(p.pulls))
	for name, one := range p.pulls {
		progress[name] = one.progress()
	}
	return progress
}

// Subscribe yields the progress, and again whenever it has changed, ten times a second
// at most, until the context ends or the puller is closed.
func (p *Puller) Subscribe(ctx context.Context) iter.Seq[map[string]Progress] {
	return func(yield func(map[string]Progress) bool) {
		for ctx.Err() == nil && p.ended.Err() == nil {
			p.mu.Lock()
			changed := p.changed
			p.mu.Unlock()
			if !yield(p.Progress()) {
				return
			}
			select {
			case <-changed:
				pause(ctx, told)
			case <-ctx.Done():
			case <-p.ended.Done():
			}
		}
	}
}

func (p *Puller) tell() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.changed)
	p.changed = make(chan struct{})
}

// Complete returns once there is a whole shape of each that is named, of all where none
// is. It fails where there cannot be.
func (p *Puller) Complete(ctx context.Context, names ...string) error {
	return p.each(names, func(one *pulling) <-chan error { return one.complete() }, ctx)
}

// Refresh asks the origin for what is new, and returns once that is here. It fails with
// OriginFailed where the origin does not answer; the puller goes on all the same.
func (p *Puller) Refresh(ctx context.Context, names ...string) error {
	return p.each(names, func(one *pulling) <-chan error { return one.refresh(news) }, ctx)
}

// Refetch pulls all of it anew, as where its rows cannot be read any more. What is shown
// stays until then.
func (p *Puller) Refetch(ctx context.Context, names ...string) error {
	return p.each(names, func(one *pulling) <-chan error { return one.refresh(anew) }, ctx)
}

// each begins something with the shapes, then waits for all of it.
func (p *Puller) each(names []string, begin func(*pulling) <-chan error, ctx context.Context) error {
	if len(names) == 0 {
		names = slices.Collect(maps.Keys(p.pulls))
	}
	waits := make([]<-chan error, len(names))
	for i, name := range names {
		one := p.pulls[name]
		if one == nil {
			return &store.Error{Code: store.NotFound, Op: "find a shape that is pulled", Name: name}
		}
		waits[i] = begin(one)
	}
	var first error
	for _, wait := range waits {
		select {
		case err := <-wait:
			if first == nil {
				first = err
			}
		case <-ctx.Done():
			return &store.Error{Code: store.Aborted, Op: "wait for the origin", Err: ctx.Err()}
		}
	}
	return first
}

// nudge has each shape see whether it is held.
func (p *Puller) nudge() {
	for _, one := range p.pulls {
		one.wake(false)
	}
}

// Close ends the pulling. What has arrived stays, and the next puller goes on from there.
func (p *Puller) Close() {
	p.end()
	p.work.Wait()
	for _, one := range p.pulls {
		one.fail(Failed, &store.Error{Code: store.Closed, Op: "pull"})
	}
}
