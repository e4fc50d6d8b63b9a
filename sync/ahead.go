package sync

import "context"

// ahead is a chunk that is asked for before its turn, while the one before it is stored:
// there is one at most, so that two are in memory. What went wrong with it is told when
// its turn comes. Pages have the same in js/src/sync/ahead.ts.
type ahead struct {
	at     *Position       // that it follows
	rest   context.Context // ends the wait for it
	wanted wish            // when it was asked for
	cancel context.CancelFunc
	done   chan struct{} // closed when it is here, or is not to come
	chunk  *Chunk
	err    error
}

// newAhead has ask ask for what follows a position.
func newAhead(at *Position, rest context.Context, wanted wish, ask func(context.Context) (*Chunk, error)) *ahead {
	a := &ahead{at: at, rest: rest, wanted: wanted, done: make(chan struct{})}
	ctx, cancel := context.WithCancel(rest)
	a.cancel = cancel
	go func() {
		defer close(a.done)
		a.chunk, a.err = ask(ctx)
	}()
	return a
}

// follows reports whether it is what follows a position, and nobody has ended the wait for it.
func (a *ahead) follows(at *Position, rest context.Context) bool {
	return a.rest == rest && a.at.Handle == at.Handle && a.at.Offset == at.Offset
}

// take waits for it.
func (a *ahead) take() (*Chunk, error) {
	defer a.cancel()
	<-a.done
	return a.chunk, a.err
}

// end gives it up, for nobody wants it any more.
func (a *ahead) end() {
	a.cancel()
	<-a.done
}
