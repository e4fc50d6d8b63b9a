//go:build !page

package store

import (
	"context"
	"math"
	"slices"
)

// What is new may take more pages than a call may write, and the next call may be another context's, which
// has nothing of what this one holds. So a call publishes what it can of it, as a snapshot like any other: the
// one before, with the oldest of the records that it did not contain as a run above its trees. That is a
// matter of how much was written. How much of the trees that touches is another one: once they are
// many, some neighbours are merged, from the first key on as far as the budget reaches. What lies beyond stays where
// it is, for the next call.
const (
	// portionBytes is how much a portion has of records, in memory, at most.
	portionBytes = 4 << 20
	// mostTrees is of how many trees a portion adds no more.
	mostTrees = 2 * maxRuns
)

// publishPortion publishes a snapshot that contains more than the one this environment is on, in about so many blobs,
// and reports whether there was anything to do. This environment stays on the one it is on: it is ahead of both.
func (e *Env) publishPortion(ctx context.Context, most int) (progress bool, err error) {
	r := e.replica()
	other, err := e.aside(ctx, r.base.again())
	if err != nil {
		return false, err
	}
	defer other.rest(ctx)
	if err := other.beginCheckpoint(ctx); err != nil { // it folds nothing by itself
		return false, err
	}
	defer func() { other.endCheckpoint(err) }()
	p := other.replica()
	if len(other.trees()) < mostTrees {
		if progress, err = other.cover(ctx, r.recent(), most/2); err != nil {
			return false, err
		}
	}
	if len(other.trees()) >= maxRuns {
		progress = true
		if err := other.mergeNeighbours(ctx, max(1, (most-p.unpublished())/3)); err != nil {
			return false, err
		}
	}
	if !progress && (r.base == nil || !r.base.changed) {
		return false, nil
	}
	u := p.snapshot(p.known.clone(), p.done)
	if u == nil {
		return false, nil
	}
	if err := p.publish(ctx, u); err != nil {
		return false, err
	}
	r.portion = &u.snapshot
	return progress, nil
}

// again is the snapshot for another environment to be on, nil for none.
func (p *published) again() *published {
	if p == nil {
		return nil
	}
	other := *p
	other.known = p.known.clone()
	return &other
}

// trees are those that it is on.
func (e *Env) trees() []tree {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.root.trees
}

// unpublished counts the blobs that a snapshot of what is folded here takes.
func (r *replica) unpublished() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range r.held {
		if isShared(name) {
			n++
		}
	}
	return n
}

// cover does what the oldest records tell that are not known, as far as so many pages reach, and folds that into
// a run. It reports whether there was anything to do.
//
// Records are done in the order of their times, so that a stamp which is forgotten is that of no record
// to come. One that does not fit is done in part, and known only once all of it is. Who opens the snapshot
// does it again, which does nothing where it was done. As that is to be as a whole, it is one which everybody has
// listed by now; a later one is done at once, however long it is, if it is the first.
func (e *Env) cover(ctx context.Context, also []mark, most int) (progress bool, err error) {
	marks, err := e.listed(ctx)
	if err != nil {
		return false, err
	}
	r := e.replica()
	marks = r.unknown(append(marks, also...), make(map[mark]bool))
	slices.SortFunc(marks, func(a, b mark) int { return a.compare(b.stamp) })
	c := covering{env: e, most: max(1, most), settled: hybridOf(e.now()).add(-settling)}
	horizon := c.settled
	for len(marks) > 0 && !c.full() {
		n := min(len(marks), doRecords)
		records, missing, err := e.readRecords(ctx, marks[:n])
		if err != nil {
			return false, err
		}
		for _, m := range missing {
			horizon = min(horizon, m.time)
		}
		for len(records) > 0 && !c.full() {
			done, err := c.record(ctx, records[0])
			if err != nil {
				return false, err
			}
			if !done {
				horizon = min(horizon, records[0].mark.time)
			}
			records = records[1:]
		}
		marks = marks[n:]
		if len(records) > 0 {
			horizon = min(horizon, records[0].mark.time)
		}
	}
	if len(marks) > 0 {
		horizon = min(horizon, marks[0].time)
	}
	r.mu.Lock()
	r.known.advance(horizon)
	r.mu.Unlock()
	if !c.progress {
		return false, nil
	}
	if err := e.forgetStamps(ctx, e.options.PageBytes/stampBytes); err != nil {
		return false, err
	}
	return true, e.foldBy(ctx, nil, func(in *reader, w *pageWriter, layers []layer) ([]tree, []Ref, error) {
		n, _ := unwritten(layers)
		return e.mergeLayers(in, w, layers, 0, n, 0)
	})
}

// covering is how far the records of a portion are done.
type covering struct {
	env      *Env
	most     int    // pages
	settled  hybrid // records from before are listed everywhere
	progress bool
}

// full reports whether what was done takes about as many pages as it may.
func (c *covering) full() bool {
	c.env.mu.Lock()
	bytes := c.env.committed.bytes()
	c.env.mu.Unlock()
	return c.progress && (bytes >= portionBytes || c.env.replica().unpublished()+bytes/c.env.options.PageBytes >= c.most)
}

// record does what a record tells, or a part of it, and reports whether that was all.
func (c *covering) record(ctx context.Context, record *journalRecord) (done bool, err error) {
	parts := []*journalRecord{record}
	if record.mark.time < c.settled {
		parts = record.divide(c.env.options.PageBytes)
	} else if c.progress && record.size() > c.left() {
		c.most = 0 // it is for the next portion
		return false, nil
	}
	for _, part := range parts {
		if c.full() {
			return false, nil
		}
		if err := c.env.asForeign(ctx, func(tx *Tx) (err error) {
			done, err = tx.do(part)
			return err
		}); err != nil || !done {
			return false, err
		}
		c.progress = true
	}
	c.env.replica().note([]*journalRecord{record})
	return true, nil
}

// left is how many bytes of records still fit, if each takes as much in the indexes and the stamps.
func (c *covering) left() int {
	c.env.mu.Lock()
	bytes := c.env.committed.bytes()
	c.env.mu.Unlock()
	return (min(portionBytes, c.most*c.env.options.PageBytes) - bytes) / 2
}

func (r *journalRecord) size() (size int) {
	for _, commit := range r.commits {
		for _, c := range commit.changes {
			for _, e := range c.entries {
				size += len(e.key) + len(e.value)
			}
		}
	}
	return size
}

// divide cuts a record into some of about so many bytes, which do the same one after the other.
func (r *journalRecord) divide(bytes int) (parts []*journalRecord) {
	for _, commit := range r.commits {
		for _, c := range commit.changes {
			first := true
			for rest := c.entries; first || len(rest) > 0; first = false {
				n, size := 0, 0
				for n < len(rest) && (n == 0 || size < bytes) {
					size += len(rest[n].key) + len(rest[n].value)
					n++
				}
				part := &change{name: c.name, since: c.since, entries: rest[:n]}
				if first {
					part.made, part.fate = c.made, c.fate
				}
				parts = append(parts, &journalRecord{r.mark, r.before, []journalCommit{{commit.time, []*change{part}}}})
				rest = rest[n:]
			}
		}
	}
	return parts
}

// mergeNeighbours merges those of the trees beside one another that take the least to merge, for each that is gone
// then, up to so many pages.
func (e *Env) mergeNeighbours(ctx context.Context, most int) error {
	return e.foldBy(ctx, nil, func(in *reader, w *pageWriter, layers []layer) ([]tree, []Ref, error) {
		from, to := cheapest(layers, min(max(2, most/leastMerged), maxRuns))
		return e.mergeLayers(in, w, layers, from, to, most)
	})
}

// leastMerged is how many pages of each tree a portion should merge: where it ends, each is divided.
const leastMerged = 4

// cheapest chooses two layers beside one another or more, most of them at most.
func cheapest(layers []layer, most int) (from, to int) {
	var least int64 = math.MaxInt64
	for i := range layers {
		size := layers[i].tree.root.bytes
		for j := i + 1; j < len(layers) && j-i < most; j++ {
			size += layers[j].tree.root.bytes
			if each := size / int64(j-i); each < least {
				from, to, least = i, j+1, each
			}
		}
	}
	return from, to
}

// mergeLayers merges some layers into one tree. Where that takes more pages than most, 0 for any number, all but the
// lowest keep what is left of them. All others are trees.
func (e *Env) mergeLayers(in *reader, w *pageWriter, layers []layer, from, to, most int) (trees []tree, leftover []Ref, err error) {
	f := &fold{in: in, out: w, target: e.options.PageBytes, bottom: to == len(layers), most: most}
	if f.bottom {
		if f.dropped, err = droppedSpaces(in, layers); err != nil {
			return nil, nil, err
		}
	}
	some := layers[from:to]
	merged, err := f.run(some)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range layers[:from] {
		trees = append(trees, l.tree)
	}
	for i := 0; f.rest != nil && i < len(some)-1; i++ {
		above := &fold{in: in, out: w, target: e.options.PageBytes, from: f.rest, adopted: f.adopted}
		left, err := above.run(some[i : i+1])
		if err != nil {
			return nil, nil, err
		}
		trees = append(trees, left)
	}
	trees = append(trees, merged)
	for _, l := range layers[to:] {
		trees = append(trees, l.tree)
	}
	leftover, err = f.leftover(some)
	return slices.DeleteFunc(trees, tree.empty), append(leftover, chunkRefs(f.dead)...), err
}
