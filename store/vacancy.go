package store

import "bytes"

// vacancy is a stretch of a database that is known to hold nothing. Keys that are put there in
// ascending order need no search each to learn that they are new: behind the last of all, between
// others, or where all was deleted.
type vacancy struct {
	KeyRange     // whole keys, the upper bound nil until one was looked for
	searched int // keys not found since
	wait     int // how many of them are worth looking for another
}

const (
	// leastWait is how many keys are searched for before a vacancy is looked for. Where that did not
	// help, twice as many are the next time.
	leastWait = 16
	// mostDeleted is how many deleted keys one has when it is found.
	mostDeleted = 256
)

// holds reports whether a whole key lies in it.
//
//go:noinline
func (v *vacancy) holds(whole []byte) bool { return v.High != nil && v.Contains(whole) }

// fill makes of it what is behind a key that is put into it.
//
//go:noinline
func (v *vacancy) fill(whole []byte) {
	if v.holds(whole) {
		v.Low = append(append(v.Low[:0], whole...), 0)
		v.wait = 0
	}
}

// missed notes that there is nothing under a whole key, and now and then looks where there is
// something behind it.
func (db *DB) missed(whole []byte) {
	v := &db.vacancy
	if v.searched++; !db.tx.writable || v.searched < max(v.wait, leastWait) {
		return
	}
	*v = vacancy{wait: 2 * max(v.wait, leastWait)}
	bounds := db.space.bounds(KeyRange{})
	m := newMerge(db.tx.sources(bounds), bounds)
	m.seek(whole)
	for range mostDeleted {
		if !m.valid() {
			break
		}
		if e, err := m.entry(); err != nil || e.kind != deleted {
			break
		}
		m.next()
	}
	if m.err() != nil {
		return // found out by who reads there
	}
	if v.Low, v.High = bytes.Clone(whole), bounds.High; m.valid() {
		v.High = bytes.Clone(m.key())
	}
}
