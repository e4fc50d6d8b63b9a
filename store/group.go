package store

// group is what commits together: all transactions staged while the one before
// was being written. It becomes one log record. A group without members writes
// nothing; it stands for a context that is reading the log.
type group struct {
	members    []*member // oldest first
	after      *state    // what will be committed
	generation uint64    // of the root when that was made
	mark       mark      // of its journal record, where it has one
	before     hybrid    // when the one before that was made
	done       Gate
	err        error // of reading or writing the log, set before done opens
	fell       bool  // a member of this group or of the one before was taken out
	moved      bool  // others' commits came below it
	current    bool  // it got its place in the log or read it to the end, so what was there when it began is known
}

// member is a transaction in a group. Its commit waits for the group's end, so
// nobody else touches the transaction meanwhile.
type member struct {
	tx       *Tx
	buffered bool       // nobody waits for it
	written  []Ref      // names that the record refers to, published with it
	dead     []Overflow // large values that it overwrites within the overlay
	err      error      // set before the group is done
}

// section is the member's part of the record.
func (m *member) section() section { return section{trees: m.tx.runs, writes: m.tx.writes} }

func (m *member) footprint(sequence uint64) footprint {
	return footprint{sequence: sequence, writes: m.tx.writes, spans: m.tx.spans}
}

func (g *group) sections() []section {
	sections := make([]section, len(g.members))
	for i, m := range g.members {
		sections[i] = m.section()
	}
	return sections
}

// blobs are the sealed pages and chunks that go into the batch.
func (g *group) blobs() []Blob {
	var blobs []Blob
	for _, m := range g.members {
		blobs = append(blobs, m.tx.unsaved...)
	}
	return blobs
}

// raw reports whether the record holds what must not be compressed.
func (g *group) raw() bool {
	for _, m := range g.members {
		if n := len(m.tx.writes.spaces); n > 0 && m.tx.writes.spaces[n-1].space >= uncompressed {
			return true
		}
	}
	return false
}

// durability is the most that any member asks for.
func (g *group) durability() Durability {
	d := Relaxed
	for _, m := range g.members {
		d = max(d, m.tx.durability)
	}
	return d
}
