package sql

import (
	"slices"
	"sync/atomic"

	"github.com/stowage-db/stowage/query/sql/value"
)

// Page is documents that stay as they are for as long as they are in memory. It is only for the call
// that it is handed to.
type Page interface {
	// Strips are what is kept with the page.
	Strips() *Strips
	// Stretch tells which of its documents a pass meets, those from one up to another, and of how many.
	Stretch() (from, to, of int)
	// Docs returns all its documents, a list that is only for the call.
	Docs() [][]byte
	// Room makes room for bytes to be kept with the page, and reports whether there was any;
	// below 0 it gives back.
	Room(bytes int) bool
}

// Strips are columns of a page, kept with it so that whoever passes over it again need not look
// into its documents. The second pass that is offered a page makes those that it reads. The zero
// Strips has none. They may be used concurrently.
type Strips struct {
	met atomic.Bool // by a pass
	all atomic.Pointer[[]strip]
}

type strip struct {
	path   string       // the affinity by which it is read, and as Path.Append has it
	column *value.Strip // nil where it cannot be one
}

const (
	// stripOverhead is what a strip takes beside its own size.
	stripOverhead = 64
	// mostStrips is how many a page has at most, all told.
	mostStrips = 32
	// mostRows is how many rows a sheet of strips has at most: as many as one of documents.
	mostRows = 256
)

// find enters the strips of paths, and reports whether all are there. Where one is not worth keeping,
// worth is false.
func (s *Strips) find(paths []string, columns []*value.Strip) (found, worth bool) {
	var all []strip
	if own := s.all.Load(); own != nil {
		all = *own
	}
	found = true
	for i, path := range paths {
		columns[i] = nil
		k := slices.IndexFunc(all, func(one strip) bool { return one.path == path })
		if k < 0 {
			found = false
		} else if columns[i] = all[k].column; columns[i] == nil {
			return false, false
		}
	}
	return found, true
}

// add keeps more strips, and reports false where somebody else has just kept some.
func (s *Strips) add(before *[]strip, some []strip) bool {
	var all []strip
	if before != nil {
		all = *before
	}
	all = append(slices.Clip(all), some...)
	return s.all.CompareAndSwap(before, &all)
}

// page reads a page from its strips, where it has them all or they can be made.
func (s *scanning) page(p Page) (taken bool, err error) {
	strips := p.Strips()
	found, worth := strips.find(s.members, s.strips)
	if !found && worth && strips.met.Swap(true) {
		found, err = s.strip(p)
	}
	if !found || err != nil {
		return false, err
	}
	from, to, _ := p.Stretch()
	for ; from < to; from += mostRows {
		n := min(to-from, mostRows)
		if err := s.r.ticks(n); err != nil {
			return true, err
		}
		s.sheet.room(n)
		s.read = reading{strips: s.strips, from: from}
		if err := s.pass(); err != nil {
			return true, err
		}
	}
	return true, nil
}

// strip makes those strips of a page that there are none of, and keeps them if there is room.
func (s *scanning) strip(p Page) (made bool, err error) {
	_, _, rows := p.Stretch()
	before := p.Strips().all.Load()
	most := len(s.members) * (stripOverhead + rows*value.MaxStripBytes)
	if before != nil && len(*before)+len(s.members) > mostStrips || !p.Room(most) {
		return false, nil
	}
	some, size, err := s.newStrips(p.Docs())
	if err != nil { // whoever needs the document that cannot be read finds out
		p.Room(-most)
		return false, nil
	}
	if !p.Strips().add(before, some) {
		size = 0
	}
	p.Room(size - most)
	return !slices.Contains(s.strips, nil), nil
}

// newStrips makes those that are missing, and tells how many bytes they take.
func (s *scanning) newStrips(docs [][]byte) (some []strip, size int, err error) {
	offsets, err := s.paths.Find(docs)
	if err != nil {
		return nil, 0, err
	}
	whole := sheet{columns: make([][]value.Value, 1)}
	whole.room(len(docs))
	n := 0
	for i := range s.stages {
		for _, c := range s.stages[i].columns {
			if s.strips[n] == nil {
				all := reading{docs: docs, offsets: offsets}
				all.load(whole.columns[0], whole.rows, c, n, 0)
				s.strips[n] = value.NewStrip(whole.columns[0])
				some = append(some, strip{s.members[n], s.strips[n]})
				size += s.strips[n].Size() + stripOverhead
			}
			n++
		}
	}
	return some, size, nil
}
