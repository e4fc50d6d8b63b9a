package store

import (
	"bytes"
	"slices"

	"github.com/stowage-db/stowage/query"
)

// readSet is what a transaction has read, as ranges of whole keys: what must not
// have changed for a writing one to commit, and what a Watch watches.
type readSet struct {
	ranges    []KeyRange
	points    points    // not among the ranges yet
	cursors   []*Cursor // whose walks are not among the ranges yet
	databases []space   // those that are among the ranges as a whole
}

// maxReadRanges is how many ranges are kept apart before they are merged into
// one per database. That can only cause a conflict too many, never one too few.
const maxReadRanges = 8192

// noteKey notes that a key is read.
func (tx *Tx) noteKey(whole []byte) {
	if !tx.noted() {
		return
	}
	// Which databases there are is worth knowing by name: each is looked up in
	// every transaction, and seldom does one come or go.
	if id := spaceOf(whole); tx.exclusive && id != catalogue {
		tx.reads.database(id)
		return
	}
	tx.reads.point(whole)
}

// noted reports whether what a transaction reads has to be known. An exclusive one
// meets no other writer in its own context, and so seldom one of another that it
// notes only which databases it reads: a bulk load must not pay for every key.
func (tx *Tx) noted() bool { return tx.watched || tx.writable && (!tx.exclusive || tx.env.shared()) }

// database adds all keys of one database.
func (r *readSet) database(id space) {
	for _, known := range r.databases { // in place, for it is asked for each key
		if known == id {
			return
		}
	}
	r.databases = append(r.databases, id)
	r.add(id.bounds(KeyRange{}))
}

// noteRead notes that a range of whole keys is read.
func (tx *Tx) noteRead(bounds KeyRange) {
	if !tx.noted() {
		return
	}
	if tx.exclusive {
		tx.reads.database(spaceOf(bounds.Low))
		return
	}
	tx.reads.add(bounds)
}

// noteCursor notes that what a cursor is going to walk over is read.
func (tx *Tx) noteCursor(c *Cursor) {
	if !tx.noted() {
		return
	}
	if tx.exclusive {
		tx.reads.database(c.db.space)
		return
	}
	tx.reads.cursors = append(tx.reads.cursors, c)
}

// point adds a single key, which is copied.
func (r *readSet) point(whole []byte) {
	r.points.add(whole)
	r.bound()
}

// pointAt is the range of a single key. Behind the key it is written where there is room.
func pointAt(key []byte) KeyRange {
	return KeyRange{Low: key[:len(key):len(key)], High: append(key, 0)}
}

func (r *readSet) add(read KeyRange) {
	r.ranges = append(r.ranges, read)
	r.bound()
}

// take adds what another set has, but for walks that are under way.
func (r *readSet) take(from *readSet) {
	r.ranges = append(r.ranges, from.ranges...)
	r.points.take(&from.points)
	r.bound()
}

// bound sees to it that what is kept apart has a bound.
func (r *readSet) bound() {
	if len(r.ranges)+r.points.count > maxReadRanges {
		r.coarsen()
	}
}

// coarsen merges the ranges into one per database. There are thousands of ranges and a few
// databases, so that nothing has to be sorted.
func (r *readSet) coarsen() {
	var merged []KeyRange
	places := map[space]int{}
	merge := func(read KeyRange) {
		i, known := places[spaceOf(read.Low)]
		if !known {
			places[spaceOf(read.Low)] = len(merged)
			merged = append(merged, read)
			return
		}
		if bytes.Compare(read.Low, merged[i].Low) < 0 {
			merged[i].Low = read.Low
		}
		if bytes.Compare(read.High, merged[i].High) > 0 {
			merged[i].High = read.High
		}
	}
	for _, read := range r.ranges {
		merge(read)
	}
	r.points.each(merge)
	for i, read := range merged { // not to keep all of the others
		merged[i] = KeyRange{Low: bytes.Clone(read.Low), High: bytes.Clone(read.High)}
	}
	r.ranges, r.points = merged, points{}
}

// complete takes in the walks of cursors that are still open, and sorts.
func (r *readSet) complete() {
	for _, c := range r.cursors {
		c.note()
	}
	r.sort()
}

// sort puts the ranges in order, those of single keys too, and joins those that overlap.
func (r *readSet) sort() {
	r.ranges = slices.Grow(r.ranges, r.points.count)
	r.points.each(func(read KeyRange) { r.ranges = append(r.ranges, read) })
	r.points = points{}
	query.SortRanges(r.ranges)
	joined := r.ranges[:0]
	for _, next := range r.ranges {
		if n := len(joined); n > 0 && bytes.Compare(next.Low, joined[n-1].High) <= 0 {
			if bytes.Compare(next.High, joined[n-1].High) > 0 {
				joined[n-1].High = next.High
			}
			continue
		}
		joined = append(joined, next)
	}
	r.ranges = joined
}

// overlaps reports whether a range of written keys meets one that was read. The
// set must be sorted.
func (r *readSet) overlaps(written KeyRange) bool {
	i, _ := slices.BinarySearchFunc(r.ranges, written.Low, func(read KeyRange, low []byte) int {
		if bytes.Compare(read.High, low) <= 0 {
			return -1
		}
		return 1
	})
	return i < len(r.ranges) && bytes.Compare(r.ranges[i].Low, written.High) < 0
}

// holds reports whether a written key was read. The set must be sorted.
func (r *readSet) holds(key []byte) bool {
	i, _ := slices.BinarySearchFunc(r.ranges, key, func(read KeyRange, key []byte) int {
		if bytes.Compare(read.High, key) <= 0 {
			return -1
		}
		return 1
	})
	return i < len(r.ranges) && bytes.Compare(r.ranges[i].Low, key) <= 0
}

// footprint is what one staged transaction wrote, for as long as others may have
// to be validated against it.
type footprint struct {
	sequence uint64
	writes   *writeSet
	spans    []KeyRange // of what it wrote ahead
}

// meets reports whether it changed something that was read. What, the sight is told.
func (f *footprint) meets(s *sight) bool {
	for _, span := range f.spans {
		if s.reads.overlaps(span) {
			s.lost = true
			return true
		}
	}
	met := false
	_ = f.writes.all(func(whole []byte, _ entry) error {
		if !(met && s.lost) && s.reads.holds(whole) {
			met = true
			s.note(whole)
		}
		return nil
	})
	return met
}

// met reports whether any of the footprints met the reads, which are completed.
func (r *readSet) met(changed []footprint) bool {
	r.complete()
	s := sight{reads: *r, lost: true}
	return slices.ContainsFunc(changed, func(f footprint) bool { return f.meets(&s) })
}
