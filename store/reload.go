package store

import (
	"bytes"
	"context"
	"slices"
	"strings"
)

// loaded is what was read of the environment as it is stored: all of it, from the
// root on, or the records after a state that was there already.
type loaded struct {
	base    *state // what was committed here when the reading began; nil at opening
	stored  []byte // the root as stored, nil while there is none
	known   root   // what it said when the reading began
	root    *root  // nil where base was gone on from
	state   *state // built on root; nil where base was gone on from
	records []section
	last    uint64 // the position of the last record

	garbage []garbage
	covered []covered
	bodies  []body

	foreign []footprint // of the records after base
	gap     bool        // some of those are gone: what they changed is not known
	anew    bool        // it is another snapshot than base came from: see Env.adopt
}

// reload takes the environment's state from the backend: the root, then the log
// records it does not cover. It runs at opening, and again after a write that
// failed without saying whether it happened. The log is this operation's.
//
// It writes nothing: opening never changes what is stored.
func (e *Env) reload(ctx context.Context) error { return e.reloadAs(ctx, false) }

func (e *Env) reloadAs(ctx context.Context, anew bool) error {
	for {
		l := e.looking()
		l.anew = anew
		if err := e.load(ctx, l); err != nil {
			return err
		}
		if e.install(l) {
			return nil
		}
	}
}

// looking begins to read what is stored.
func (e *Env) looking() *loaded {
	e.mu.Lock()
	defer e.mu.Unlock()
	return &loaded{base: e.committed, stored: e.rootBytes, known: e.root}
}

// install makes what was loaded the current state, and puts on top of it what is
// staged, unless a checkpoint of this environment has moved on meanwhile.
func (e *Env) install(l *loaded) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.committed != l.base {
		return false
	}
	e.deaf = nil
	s := l.state
	if s == nil {
		s = e.goOn(l)
	} else {
		e.root, e.rootBytes = *l.root, l.stored
		e.forgetLogged()
		e.swept = e.swept && !e.suspect // a checkpoint may have been published and not known
		if e.suspect {                  // nothing is staged then
			e.pages.transit.clear()
			for _, ref := range e.doubtful { // named by what was loaded, or the sweep's
				delete(e.unwritten, ref)
			}
			e.doubtful = nil
			e.suspect = false
		}
		e.reloads++
	}
	e.garbage = append(e.garbage, l.garbage...)
	e.covered = append(e.covered, l.covered...)
	e.bodies = append(e.bodies, l.bodies...)
	e.rebase(s, l)
	return true
}

// goOn applies records to what is committed: to the tip, unless more is staged
// there. e.mu is held.
func (e *Env) goOn(l *loaded) *state {
	s := e.tip
	if s.sequence != e.committed.sequence {
		var dead []Overflow
		s, dead = e.committed.reopen()
		l.garbage = appendDead(l.garbage, dead)
	}
	for _, r := range l.records {
		l.garbage = appendDead(l.garbage, s.apply(r.writes, r.trees))
	}
	s.position = l.last
	return s
}

// load reads the stored state. The log is listed before the root is read, so
// that a checkpoint between the two leaves only records too many. One that
// follows may delete records before they are read: then it begins again.
func (e *Env) load(ctx context.Context, l *loaded) error {
	in := &reader{ctx: ctx, pages: e.pages}
	for {
		names, err := e.backend.List(ctx, logPrefix)
		if err != nil {
			return backendError("open", err)
		}
		r, stored, err := e.readRoot(ctx, l.stored)
		if err != nil {
			return err
		}
		*l = loaded{base: l.base, root: r, stored: stored, known: l.known, anew: l.anew}
		l.state, l.last = &state{top: newMemory(), lower: layersOf(r.trees)}, r.position
		l.gap = l.anew || l.base != nil && r.position > l.base.position
		l.state.position = r.position
		err = e.replay(in, l, names)
		if err == nil {
			return l.rolledBack()
		}
		again, readErr := e.backend.Read(ctx, []string{RootName})
		if readErr != nil || bytes.Equal(again[0], stored) {
			return err
		}
	}
}

// rolledBack fails where what was loaded is from before what was known: the
// platform has lost it, and whoever reads on would not be told.
func (l *loaded) rolledBack() error {
	if l.base == nil || l.anew {
		return nil // nothing is known
	}
	if l.root.generation < l.known.generation || l.last < l.base.position {
		return fail(Corrupt, "reload: commits are missing", RootName, nil)
	}
	return nil
}

// readRoot returns the root and its stored bytes; on an empty backend a new
// root, and nil. An environment that had a root before must have one still.
func (e *Env) readRoot(ctx context.Context, before []byte) (*root, []byte, error) {
	stored, err := e.backend.Read(ctx, []string{RootName})
	if err != nil {
		return nil, nil, backendError("open", err)
	}
	if stored[0] == nil && before != nil {
		return nil, nil, fail(Corrupt, "reload: root is missing", RootName, nil)
	}
	if stored[0] == nil {
		if stored, err = e.vacant(ctx); err != nil {
			return nil, nil, err
		}
	}
	if stored[0] == nil {
		r, err := e.newRoot(ctx)
		return r, nil, err
	}
	r, err := e.pages.sealer.openRoot(ctx, stored[0])
	return r, stored[0], err
}

// newRoot is the root of an environment that is not written yet.
func (e *Env) newRoot(ctx context.Context) (r *root, err error) {
	r = &root{}
	if like := e.options.like; like != nil {
		r.id, r.header = like.id, like.header
	} else {
		for i := range r.id {
			r.id[i] = byte(e.options.Random())
		}
	}
	r.stages = stagesOf(e.pages.sealer.chain.Load().all)
	r.header, err = e.pages.sealer.load(ctx, r.id, r.header)
	return r, err
}

// vacant makes sure that a backend without a root is empty: the root is written
// with or before everything else, so blobs without one mean damage, and must not
// be taken for a new environment. Keys alone are what is left of a creation that was torn,
// and open nothing. It returns what is read of the root after all,
// if another context has written it meanwhile.
func (e *Env) vacant(ctx context.Context) (stored [][]byte, err error) {
	names, err := e.backend.List(ctx, "")
	if err != nil {
		return nil, backendError("open", err)
	}
	if !slices.ContainsFunc(names, func(name string) bool { return !strings.HasPrefix(name, keyPrefix) }) {
		return [][]byte{nil}, nil
	}
	stored, err = e.backend.Read(ctx, []string{RootName})
	if err != nil {
		return nil, backendError("open", err)
	}
	if stored[0] == nil {
		return nil, fail(Corrupt, "open: root is missing", RootName, nil)
	}
	return stored, nil
}

// replay applies the log records after the state's position, which must follow
// one another without a gap.
func (e *Env) replay(in *reader, l *loaded, names []string) error {
	var pending []string
	for _, name := range names {
		position, ok := logPosition(name)
		if !ok {
			return fail(Corrupt, "open: log name", name, nil)
		}
		if position > l.last {
			pending = append(pending, name)
		} else if l.covered == nil { // and not deleted yet
			l.covered = []covered{{l.root.position, l.root.generation}}
		}
	}
	for len(pending) > 0 {
		n := min(len(pending), readRecords)
		plain, err := e.pages.read(in.ctx, RecordBlob, pending[:n])
		if err != nil {
			return err
		}
		for i, b := range plain {
			if err := e.replayRecord(in, l, pending[i], b); err != nil {
				return err
			}
		}
		pending = pending[n:]
	}
	return nil
}

// readRecords is how many log records are read at once.
const readRecords = 256

// replayRecord applies the next log record.
func (e *Env) replayRecord(in *reader, l *loaded, name string, plain []byte) error {
	corrupt := fail(Corrupt, "open: log record", name, nil)
	r, ok := decodeRecord(plain)
	if !ok || r.position != l.last+1 || logName(r.position) != name {
		return corrupt
	}
	stored, err := in.value(r.body)
	if err != nil {
		return err
	}
	sections, ok := decodeSections(stored)
	if !ok {
		return corrupt
	}
	for _, sec := range sections {
		if l.base != nil && r.position > l.base.position {
			f := footprint{writes: sec.writes}
			if f.spans, err = spansOf(in, sec.trees); err != nil {
				return err
			}
			l.foreign = append(l.foreign, f)
		}
		if l.state == nil {
			l.records = append(l.records, sec)
		} else {
			l.garbage = appendDead(l.garbage, l.state.apply(sec.writes, sec.trees))
		}
	}
	if l.last = r.position; l.state != nil {
		l.state.position = r.position
	}
	if o, ok := readOverflow(r.body.value); ok && r.body.kind == overflow {
		l.bodies = append(l.bodies, body{r.position, chunkRefs([]Overflow{o})})
	}
	if err := e.scheduler.Breathe(in.ctx); err != nil {
		return fail(Aborted, "open", "", err)
	}
	return nil
}

// spansOf is which keys trees hold at most, as Tx.span has them.
func spansOf(in *reader, trees []tree) (spans []KeyRange, err error) {
	for _, t := range trees {
		c := newTreeCursor(in, t, KeyRange{})
		c.seek(nil)
		for ; c.valid() && spaceOf(c.key()) == catalogue; c.next() {
			spans = append(spans, pointAt(bytes.Clone(c.key())))
		}
		for c.valid() {
			low := bytes.Clone(c.key())
			above := (spaceOf(low) + 1).whole(nil)
			if c.seekBefore(above); !c.valid() {
				break
			}
			spans = append(spans, KeyRange{Low: low, High: append(bytes.Clone(c.key()), 0)})
			c.seek(above)
		}
		if c.err() != nil {
			return nil, c.err()
		}
	}
	return spans, nil
}

// value is an entry's value, read from its chunks where it is a large one.
func (r *reader) value(e entry) ([]byte, error) {
	if e.kind != overflow {
		return e.value, nil
	}
	o, ok := readOverflow(e.value)
	if !ok {
		return nil, fail(Corrupt, "read value", "", nil)
	}
	value, err := r.pages.value(r.ctx, o)
	return value, r.explain(err)
}
