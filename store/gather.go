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
// seen, unless the backend is Founding; ClockSkew where all snapshots are of times to come.
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
	p, _, err := r.readSnapshot(ctx, RootName)
	r.hinted = stamp{}
	if err == nil && p != nil {
		r.hinted = p.stamp
	}
	switch {
	case err != nil:
		return nil, err
	case p == nil: // or not seen
		p, _, err = r.lastListed(ctx)
		return p, err
	case r.clock.ahead(p.stamp.time):
		return r.mendHint(ctx)
	default:
		return p, nil
	}
}

// lastListed returns the last snapshot that is listed and not ahead, nil where none is, and its bytes.
func (r *replica) lastListed(ctx context.Context) (p *published, stored []byte, err error) {
	names, err := r.shared.List(ctx, publishedPrefix)
	if err != nil {
		return nil, nil, backendError("open", err)
	}
	for _, name := range slices.Backward(names) {
		p, stored, err := r.readSnapshot(ctx, name)
		if err != nil || p != nil && !r.clock.ahead(p.stamp.time) {
			return p, stored, err
		}
	}
	if len(names) > 0 {
		err = fail(ClockSkew, "open: every snapshot is of a time to come, so another context's clock was wrong, or this one's is", "", nil)
	}
	return nil, nil, err
}

// mendHint has the hint tell of the last snapshot that can be believed. The one it tells of says that it contains all
// records up to a time at which others still write: who begins with it when that has come would miss theirs.
func (r *replica) mendHint(ctx context.Context) (*published, error) {
	p, stored, err := r.lastListed(ctx)
	if err != nil || p == nil {
		return p, err
	}
	return p, backendError("open", r.shared.Commit(ctx, &Batch{Put: []Blob{{RootName, stored}}}))
}

// readSnapshot reads what is not sealed of a snapshot, nil where it is not there, and returns its bytes too.
func (r *replica) readSnapshot(ctx context.Context, name string) (p *published, stored []byte, err error) {
	read, err := r.shared.Read(ctx, []string{name})
	if err != nil {
		return nil, nil, backendError("open", err)
	}
	if read[0] == nil {
		return nil, nil, nil
	}
	p, err = readPublished(name, read[0])
	return p, read[0], err
}

// SyncAfter is Sync that also reads the commits which tokens name, one after the
// other, whether they are listed yet or not. It fails with NotFound where one cannot be
// had, with ClockSkew where one was made by a clock that is far ahead of this one, and with InvalidArgument for what is no token.
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
	for _, m := range after {
		if r.clock.ahead(m.time) {
			return fail(ClockSkew, "sync: a commit of the token is of a time to come, so another context's clock was wrong, or this one's is", m.name(), nil)
		}
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
