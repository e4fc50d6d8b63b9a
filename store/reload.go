package store

import (
	"bytes"
	"context"
)

// reload takes the environment's state from the backend: the root, then the log
// records it does not cover. It runs at opening, and again after a write that
// failed without saying whether it happened.
//
// It writes nothing: opening never changes what is stored.
func (e *Env) reload(ctx context.Context) error {
	for {
		e.mu.Lock()
		generation := e.root.generation
		e.mu.Unlock()
		s, r, stored, err := e.load(ctx)
		if err != nil {
			return err
		}
		if e.install(s, r, stored, generation) {
			return nil
		}
	}
}

// install makes a loaded state the current one, unless a checkpoint of this
// environment has moved on from the generation it was loaded at.
func (e *Env) install(s *state, r *root, stored []byte, generation uint64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.root.generation != generation {
		return false
	}
	e.root, e.rootBytes = *r, stored
	if e.tip != nil {
		s.sequence = e.tip.sequence + 1
	}
	e.committed = s.freeze()
	e.tip = s
	e.recent = nil
	e.suspect = false
	e.pages.transit.clear()
	e.reloads++
	e.epoch++
	return true
}

// load reads the stored state. The log is listed before the root is read, so
// that a checkpoint between the two leaves only records too many. One that
// follows may delete records before they are read: then it begins again.
func (e *Env) load(ctx context.Context) (*state, *root, []byte, error) {
	in := &reader{ctx: ctx, pages: e.pages}
	for {
		names, err := e.backend.List(ctx, logPrefix)
		if err != nil {
			return nil, nil, nil, backendError("open", err)
		}
		r, stored, err := e.readRoot(ctx)
		if err != nil {
			return nil, nil, nil, err
		}
		e.forgetBodies(0)
		s := &state{position: r.position, top: newMemory()}
		s.lower = layersOf(r.trees)
		err = e.replay(in, s, names)
		if err == nil {
			return s, r, stored, nil
		}
		again, readErr := e.backend.Read(ctx, []string{RootName})
		if readErr != nil || bytes.Equal(again[0], stored) {
			return nil, nil, nil, err
		}
	}
}

// readRoot returns the root and its stored bytes; on an empty backend a new
// root, and nil.
func (e *Env) readRoot(ctx context.Context) (*root, []byte, error) {
	stored, err := e.backend.Read(ctx, []string{RootName})
	if err != nil {
		return nil, nil, backendError("open", err)
	}
	if stored[0] == nil {
		if err := e.vacant(ctx); err != nil {
			return nil, nil, err
		}
		r := &root{}
		for i := range r.id {
			r.id[i] = byte(e.options.Random())
		}
		r.stages, err = e.pages.sealer.require(nil)
		return r, nil, err
	}
	plain, err := e.pages.sealer.open(ctx, RootBlob, []Blob{{RootName, stored[0]}})
	if err != nil {
		return nil, nil, err
	}
	r, ok := decodeRoot(plain[0].Bytes)
	if !ok {
		return nil, nil, fail(Corrupt, "open", RootName, nil)
	}
	r.stages, err = e.pages.sealer.require(r.stages)
	return r, stored[0], err
}

// vacant makes sure that a backend without a root is empty: the root is written
// with or before everything else, so blobs without one mean damage, and must not
// be taken for a new environment.
func (e *Env) vacant(ctx context.Context) error {
	names, err := e.backend.List(ctx, "")
	if err != nil {
		return backendError("open", err)
	}
	if len(names) > 0 {
		return fail(Corrupt, "open: root is missing", RootName, nil)
	}
	return nil
}

// replay applies the log records after the state's position, which must follow
// one another without a gap.
func (e *Env) replay(in *reader, s *state, names []string) error {
	var pending []string
	for _, name := range names {
		position, ok := logPosition(name)
		if !ok {
			return fail(Corrupt, "open: log name", name, nil)
		}
		if position > s.position { // others were covered before a crash could delete them
			pending = append(pending, name)
		}
	}
	for len(pending) > 0 {
		n := min(len(pending), readRecords)
		if err := e.replayBatch(in, s, pending[:n]); err != nil {
			return err
		}
		pending = pending[n:]
	}
	return nil
}

// readRecords is how many log records are read at once.
const readRecords = 256

func (e *Env) replayBatch(in *reader, s *state, names []string) error {
	plain, err := e.pages.read(in.ctx, RecordBlob, names)
	if err != nil {
		return err
	}
	for i, b := range plain {
		corrupt := fail(Corrupt, "open: log record", names[i], nil)
		r, ok := decodeRecord(b)
		if !ok || r.position != s.position+1 || logName(r.position) != names[i] {
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
			dead := s.apply(sec.writes, sec.trees)
			e.mu.Lock()
			e.garbage = appendDead(e.garbage, dead)
			e.mu.Unlock()
		}
		s.position = r.position
		e.keepBody(r)
		if err := e.scheduler.Breathe(in.ctx); err != nil {
			return fail(Aborted, "open", "", err)
		}
	}
	return nil
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
	return r.pages.value(r.ctx, o)
}
