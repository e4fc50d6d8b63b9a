//go:build !page

package store

import (
	"bytes"
	"slices"
	"strings"

	"github.com/tinylib/msgp/msgp"
)

// A journal record tells what commits did by the names of databases, not by their
// ids and without what follows from documents, so that contexts which have never met
// can do it too. Plain:
//
//	array of 2
//	  before   uint   the time of this writer's record before it, 0 in its first
//	  commits  array  oldest first: array of 2 (time uint, changes array)
//
//	a change, one for each database: array of 4, or of 5 where the database had been dropped before
//	  name     bin    as the catalogue has it
//	  made     array of 2 (flags uint, meta bin), or nil where neither was set
//	  fate     uint   1 where it was emptied first, 2 where it was dropped, else 0
//	  entries  array  key bin, value bin or nil … ascending: stored keys; nil is a deletion
//	  since    bin    16 bytes: the stamp of the last drop that was known
type journalRecord struct {
	mark    mark
	before  hybrid
	commits []journalCommit
}

type journalCommit struct {
	time    hybrid
	changes []*change
}

// change is what a commit did to one database.
type change struct {
	name    string
	made    *DB // flags and meta
	fate    fate
	emptied stamp // not stored: when it was emptied before
	since   stamp
	entries []journalEntry
}

type fate uint8

const (
	kept fate = iota
	emptied
	dropped
)

type journalEntry struct {
	key   []byte
	value []byte // nil where the key was deleted
}

// journal is what a transaction has done, to be told to others.
type journal struct {
	commit  journalCommit
	stamped [][]byte // the keys, in the database of stamps, of what was written
	size    int
}

// derived reports whether a database follows from others, or is this context's own.
func derived(name string) bool { return strings.IndexByte(name, 0) > 0 }

// keep notes what a transaction has done, before its values are cut and its
// writes moved. What it has done after others is theirs to tell.
func (r *replica) keep(tx *Tx) error {
	var err error
	if tx.stamps, err = tx.inner(stampsName); err != nil {
		return err
	}
	j := &journal{}
	m := newMerge(tx.ownSources(), KeyRange{})
	var at *change // of the database under way, nil where nobody is told of it
	id := catalogue
	for m.seek(nil); m.valid(); m.next() {
		whole := m.key()
		e, err := m.entry()
		if err == nil && spaceOf(whole) == catalogue {
			err = tx.journalName(j, whole, e)
		} else if err == nil {
			if spaceOf(whole) != id {
				id = spaceOf(whole)
				at, err = tx.journalOf(j, id)
			}
			if err == nil && at != nil {
				err = tx.journalEntry(j, at, whole, e)
			}
		}
		if err == nil {
			err = tx.Work(len(whole) + len(e.value))
		}
		if err != nil {
			return err
		}
	}
	if m.err() != nil {
		return m.err()
	}
	for _, c := range j.commit.changes {
		known, err := tx.historyOf(c.name)
		if err != nil {
			return err
		}
		c.emptied, c.since = known.emptied, known.dropped
	}
	if len(j.commit.changes) > 0 && r.copied() {
		return fail(ReadOnly, "commit: this is a copy that another environment publishes; import an export of it under another name to write to that", "", nil)
	}
	if j.size > r.largest {
		return fail(TooLarge, "commit", "", nil)
	}
	tx.journal = j
	return nil
}

// copied reports whether what it holds is for others to write.
func (r *replica) copied() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.publishing && r.base != nil && r.base.copied
}

// ownSources are the layers that the transaction has written.
func (tx *Tx) ownSources() (sources []source) {
	for _, s := range tx.writes.spaces {
		sources = s.cursors(sources)
	}
	for _, run := range tx.runs {
		sources = append(sources, newTreeCursor(&tx.in, run, KeyRange{}))
	}
	return sources
}

// journalName notes that a database was made, emptied, dropped or given a meta.
func (tx *Tx) journalName(j *journal, whole []byte, e entry) error {
	name := string(whole[spaceBytes:])
	if name == "" || derived(name) {
		return nil
	}
	c := j.change(name)
	if slices.Contains(tx.emptied, name) {
		c.fate = emptied
	}
	if e.kind == deleted {
		c.fate = dropped
	} else {
		value, err := tx.in.value(e)
		if err != nil {
			return err
		}
		db, ok := decodeDatabase(value)
		if !ok {
			return fail(Corrupt, "commit", name, nil)
		}
		c.made = &db
	}
	j.size += len(name) + len(e.value) + 16
	return nil
}

// journalOf returns the change of a database that the transaction has written to, nil
// where it is a derived one, or was dropped.
func (tx *Tx) journalOf(j *journal, id space) (*change, error) {
	for name, db := range tx.dbs {
		if db.space == id && !db.gone {
			if derived(name) {
				return nil, nil
			}
			return j.change(name), nil
		}
	}
	c := tx.names().Cursor(KeyRange{Low: []byte{0}}) // opened in a child
	defer c.Close()
	for ok := c.First(); ok; ok = c.Next() {
		stored, err := c.Value()
		if err != nil {
			return nil, err
		}
		if db, ok := decodeDatabase(stored); ok && db.space == id && !derived(string(c.Key())) {
			return j.change(string(c.Key())), nil
		}
	}
	return nil, c.Err()
}

func (tx *Tx) journalEntry(j *journal, c *change, whole []byte, e entry) error {
	entry := journalEntry{key: bytes.Clone(whole[spaceBytes:])}
	if e.kind != deleted {
		value, err := tx.in.value(e)
		if err != nil {
			return err
		}
		if len(tx.runs) > 0 { // else it stays where it is written
			value = bytes.Clone(value)
		}
		if entry.value = value; value == nil {
			entry.value = []byte{}
		}
	}
	c.entries = append(c.entries, entry)
	return j.stamp(whole, len(e.value))
}

// change returns the change of a database, a new one where there is none yet.
func (j *journal) change(name string) *change {
	for _, c := range j.commit.changes {
		if c.name == name {
			return c
		}
	}
	c := &change{name: name}
	j.commit.changes = append(j.commit.changes, c)
	return c
}

// stamp notes that what stands under a whole key is to be stamped.
func (j *journal) stamp(whole []byte, size int) error {
	if len(whole) > MaxKeyBytes {
		return fail(TooLarge, "commit: key", "", nil)
	}
	j.size += len(whole) + size + 16
	j.stamped = append(j.stamped, bytes.Clone(whole))
	return nil
}

func (r *journalRecord) append(dst []byte) []byte {
	dst = msgp.AppendArrayHeader(dst, 2)
	dst = msgp.AppendUint64(dst, uint64(r.before))
	dst = msgp.AppendArrayHeader(dst, uint32(len(r.commits)))
	for _, commit := range r.commits {
		dst = msgp.AppendArrayHeader(dst, 2)
		dst = msgp.AppendUint64(dst, uint64(commit.time))
		dst = msgp.AppendArrayHeader(dst, uint32(len(commit.changes)))
		for _, c := range commit.changes {
			dst = c.append(dst)
		}
	}
	return dst
}

func (c *change) append(dst []byte) []byte {
	n := uint32(4)
	if c.since != (stamp{}) {
		n = 5
	}
	dst = msgp.AppendArrayHeader(dst, n)
	dst = msgp.AppendBytes(dst, []byte(c.name))
	if c.made == nil {
		dst = msgp.AppendNil(dst)
	} else {
		dst = msgp.AppendArrayHeader(dst, 2)
		dst = msgp.AppendUint8(dst, uint8(c.made.flags))
		dst = msgp.AppendBytes(dst, c.made.meta)
	}
	dst = msgp.AppendUint8(dst, uint8(c.fate))
	dst = msgp.AppendArrayHeader(dst, uint32(2*len(c.entries)))
	for _, e := range c.entries {
		dst = msgp.AppendBytes(dst, e.key)
		if e.value == nil {
			dst = msgp.AppendNil(dst)
		} else {
			dst = msgp.AppendBytes(dst, e.value)
		}
	}
	if n == 5 {
		dst = c.since.append(appendBinHead(dst, stampBytes))
	}
	return dst
}

// decodeJournal reads a record; what it returns lies in plain.
func decodeJournal(m mark, plain []byte) (*journalRecord, bool) {
	r := schemaReader{b: plain}
	r.array(2)
	record := &journalRecord{mark: m, before: hybrid(r.uint())}
	for range r.array(-1) {
		r.array(2)
		commit := journalCommit{time: hybrid(r.uint())}
		for range r.array(-1) {
			commit.changes = append(commit.changes, r.change())
		}
		record.commits = append(record.commits, commit)
	}
	return record, r.err == nil && len(r.b) == 0
}

func (r *schemaReader) change() *change {
	parts := r.array(-1)
	if parts != 4 && parts != 5 {
		r.err = msgp.ErrShortBytes
	}
	c := &change{name: string(r.bin())}
	if !r.nil() {
		r.array(2)
		c.made = &DB{flags: Flags(r.uint()), meta: r.bin()}
	}
	c.fate = fate(r.uint())
	n := r.array(-1)
	if n%2 != 0 {
		r.err = msgp.ErrShortBytes
	}
	for range n / 2 {
		e := journalEntry{key: r.bin()}
		if !r.nil() {
			e.value = r.bin()
		}
		c.entries = append(c.entries, e)
	}
	if parts == 5 {
		if since := r.bin(); len(since) == stampBytes {
			c.since = readStamp(since)
		} else {
			r.err = msgp.ErrShortBytes
		}
	}
	return c
}

func (r *schemaReader) nil() bool {
	if r.err != nil || len(r.b) == 0 || r.b[0] != 0xc0 {
		return false
	}
	r.b = r.b[1:]
	return true
}

// bin reads bytes, which are not nil.
func (r *schemaReader) bin() []byte {
	if r.err != nil {
		return nil
	}
	value, rest, ok := readBin(r.b)
	if !ok {
		r.err = msgp.ErrShortBytes
		return nil
	}
	r.b = rest
	if value == nil {
		value = []byte{}
	}
	return value
}
