//go:build !page

package store

import (
	"context"
	"slices"
)

// OpenMerging is Open for backends that may be Merging. Of such a one, commits are seen by
// others only after a while, and theirs here only by Sync; indexes that are Unique, identities that
// increment and whatever else takes one place that all writes go through are Unsupported.
//
// What a transaction has read may be old, and is not held against what others have
// written: of two writes to the same key or document the later stays. Until a day has gone, Compact
// deletes nothing that was superseded.
//
// Errors: those of Open; NotFound where an environment with keys of its own was never
// seen, unless the backend is Founding.
func OpenMerging(ctx context.Context, backend Backend, options Options) (*Env, error) {
	info, err := backend.Info(ctx, false)
	if err != nil {
		return nil, backendError("open", err)
	}
	if !info.Merging {
		return Open(ctx, backend, options)
	}
	setDefaults(&options)
	s, err := newSealer(options.Modifiers)
	if err != nil {
		return nil, err
	}
	r := newReplica(backend, info, &options)
	p, err := r.hint(ctx)
	if err != nil {
		return nil, err
	}
	e, err := r.open(ctx, p, options, s)
	if err != nil {
		return nil, err
	}
	if p == nil && s.chain.Load().keyed != nil {
		err = e.found(ctx)
	}
	if err == nil {
		err = e.learn(ctx)
	}
	return e, err
}

// open opens an environment on a snapshot, nil for none, and on nothing else.
func (r *replica) open(ctx context.Context, p *published, options Options, s *sealer) (*Env, error) {
	if p != nil {
		r.held[RootName] = p.root
	} else if s.chain.Load().keyed != nil && !r.founding {
		return nil, fail(NotFound, "open: no snapshot is seen yet, and nobody was told to found one", "", nil)
	}
	if s.chain.Load().keyed == nil {
		options.like = &root{} // whoever begins it begins the same
	}
	e, err := open(ctx, r, Info{Properties: replicaProperties}, options, s)
	if err != nil {
		return nil, err
	}
	e.merger, r.env, r.pages = r, e, e.writer
	if p != nil {
		if err := p.open(ctx, s); err != nil {
			return nil, err
		}
		r.base, r.known = p, p.known.clone()
		r.clock.heard(p.stamp.time)
	}
	return e, e.asForeign(ctx, func(tx *Tx) error { return nil })
}

// hint returns the snapshot to begin with, nil where none is seen.
func (r *replica) hint(ctx context.Context) (*published, error) {
	name := RootName
	stored, err := r.shared.Read(ctx, []string{name})
	if err == nil && stored[0] == nil { // or not seen: the list may know better
		var names []string
		if names, err = r.shared.List(ctx, publishedPrefix); err == nil && len(names) > 0 {
			name = names[len(names)-1]
			stored, err = r.shared.Read(ctx, []string{name})
		}
	}
	if err != nil {
		return nil, backendError("open", err)
	}
	r.hinted = stamp{}
	if stored[0] == nil {
		return nil, nil
	}
	p, err := readPublished(name, stored[0])
	if err == nil {
		r.hinted = p.stamp
	}
	return p, err
}

// SyncAfter is Sync that also reads the commits which tokens name, one after the
// other, whether they are listed yet or not. It fails with NotFound where one cannot be
// had, and with InvalidArgument for what is no token.
func (e *Env) SyncAfter(ctx context.Context, tokens string) error {
	if e.merger == nil {
		return e.Sync(ctx)
	}
	return e.merger.syncAfter(ctx, tokens)
}

func (r *replica) syncAfter(ctx context.Context, tokens string) error {
	e := r.env
	after, err := readToken(tokens)
	if err != nil {
		return err
	}
	if err := r.turn.take(ctx); err != nil {
		return err
	}
	defer r.turn.pass()
	if err := e.adopt(ctx); err != nil {
		return err
	}
	if err := e.learn(ctx); err != nil {
		return err
	}
	missing, err := e.fetch(ctx, after)
	if err == nil && len(missing) > 0 {
		err = fail(NotFound, "sync: a commit of the token", missing[0].name(), nil)
	}
	return err
}

// learn does what is listed and not known.
func (e *Env) learn(ctx context.Context) error {
	r := e.replica()
	now := hybridOf(e.now())
	marks, err := e.listed(ctx)
	if err != nil {
		return err
	}
	missing, err := e.fetch(ctx, marks)
	if err != nil {
		return err
	}
	// Whatever was acknowledged before that was listed.
	horizon := now.add(-settling)
	for _, m := range missing {
		horizon = min(horizon, m.time)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known.advance(horizon)
	return nil
}

// listed are the records that can be seen from here since the horizon.
func (e *Env) listed(ctx context.Context) (marks []mark, err error) {
	r := e.replica()
	until := hybridOf(e.now()).add(skew)
	r.mu.Lock()
	from := r.known.horizon
	r.mu.Unlock()
	for _, prefix := range buckets(from, until) {
		names, err := r.shared.List(ctx, prefix)
		if err != nil {
			return nil, backendError("sync", err)
		}
		for _, name := range names {
			m, ok := markOf(name)
			if !ok {
				return nil, fail(Corrupt, "sync: record name", name, nil)
			}
			if m.time <= until {
				marks = append(marks, m)
			}
		}
	}
	return marks, nil
}

// fetchRecords is how many records are read at once.
const fetchRecords = 100

// fetch does what records tell that are not known, and returns those that could not
// be had, or not be done yet. What the same writers had written before is fetched with
// them.
func (e *Env) fetch(ctx context.Context, marks []mark) (missing []mark, err error) {
	r := e.replica()
	var records []*journalRecord
	asked := make(map[mark]bool)
	wanted := r.unknown(marks, asked)
	for len(wanted) > 0 {
		n := min(len(wanted), fetchRecords)
		read, gone, err := e.readRecords(ctx, wanted[:n])
		if err != nil {
			return nil, err
		}
		records, missing = append(records, read...), append(missing, gone...)
		wanted = wanted[n:]
		var before []mark
		for _, record := range read {
			if m := record.mark; m.seq > 1 {
				before = append(before, mark{stamp{record.before, m.writer}, m.seq - 1})
			}
		}
		wanted = append(wanted, r.unknown(before, asked)...)
	}
	slices.SortFunc(records, func(a, b *journalRecord) int { return a.mark.compare(b.mark.stamp) })
	for len(records) > 0 {
		left, err := e.do(ctx, records)
		if err != nil {
			return nil, err
		}
		if len(left) == len(records) {
			break
		}
		records = left
	}
	for _, record := range records {
		missing = append(missing, record.mark)
	}
	return missing, nil
}

// unknown returns the marks that are not known and were not asked for.
func (r *replica) unknown(marks []mark, asked map[mark]bool) (unknown []mark) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range marks {
		if !asked[m] && !r.known.contains(m) {
			asked[m] = true
			unknown = append(unknown, m)
		}
	}
	return unknown
}

func (e *Env) readRecords(ctx context.Context, marks []mark) (records []*journalRecord, missing []mark, err error) {
	names := make([]string, len(marks))
	for i, m := range marks {
		names[i] = m.name()
	}
	stored, err := e.replica().shared.Read(ctx, names)
	if err != nil {
		return nil, nil, backendError("sync", err)
	}
	var blobs []Blob
	var found []mark
	for i, b := range stored {
		if b == nil {
			missing = append(missing, marks[i])
			continue
		}
		blobs, found = append(blobs, Blob{names[i], b}), append(found, marks[i])
	}
	plain, err := e.pages.sealer.open(ctx, RecordBlob, blobs)
	if err != nil {
		return nil, nil, err
	}
	for i, b := range plain {
		record, ok := decodeJournal(found[i], b.Bytes)
		if !ok {
			return nil, nil, fail(Corrupt, "sync: record", b.Name, nil)
		}
		records = append(records, record)
	}
	return records, missing, nil
}

// doRecords is how many records are done in one transaction.
const doRecords = 64

// do does what records tell, and returns those that must wait for others.
func (e *Env) do(ctx context.Context, records []*journalRecord) (left []*journalRecord, err error) {
	for len(records) > 0 {
		n := min(len(records), doRecords)
		var done, waiting []*journalRecord
		err := e.asForeign(ctx, func(tx *Tx) error {
			done, waiting = nil, nil
			for _, record := range records[:n] {
				ok, err := tx.do(record)
				if err != nil {
					return err
				}
				if ok {
					done = append(done, record)
				} else {
					waiting = append(waiting, record)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		e.replica().note(done)
		left, records = append(left, waiting...), records[n:]
	}
	return left, nil
}

// asForeign runs f in a transaction that nobody else is told of.
func (e *Env) asForeign(ctx context.Context, f func(tx *Tx) error) error {
	return e.Update(ctx, func(tx *Tx) (err error) {
		tx.foreign = true
		if tx.stamps, err = tx.inner(stampsName); err != nil {
			return err
		}
		return f(tx)
	})
}

// do does what a record tells, unless it needs a database that is not known here.
func (tx *Tx) do(record *journalRecord) (bool, error) {
	for _, commit := range record.commits {
		m := merging{tx, stamp{commit.time, record.mark.writer}}
		if unknown, err := m.unknown(commit.changes); unknown || err != nil {
			return false, err
		}
		for _, c := range commit.changes {
			if err := m.change(c); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// note notes what was done.
func (r *replica) note(records []*journalRecord) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done += len(records)
	for _, record := range records {
		r.known.add(record.mark, record.before)
		r.clock.heard(record.mark.time)
	}
}
