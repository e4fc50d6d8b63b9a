package store

import "encoding/binary"

// haul is the documents of a window's entries, got in the order of their keys and kept
// until it is their turn: what is on one leaf is got together. Where a table is larger than the cache, an order
// that is not that of the keys would have a leaf read for almost every document; so each is read once
// a window, and the window is as large as the part of the cache that can be lent for it. Where
// everything fits the cache, documents stay where they are.
type haul struct {
	docs  *DB
	lent  bool     // documents are copied to what the cache lends
	from  int      // the entry of the first one
	of    [][]byte // nil: to be got when it is its turn
	bytes int      // lent by the cache
	read  int      // leaves that had to be read

	misses int // of the transaction, when leaves were last read together

	changes int    // of the transaction when they were got: what it writes makes them old
	block   []byte // room for documents; never used again, for who was handed one may keep it
	mean    int    // bytes that an entry took last time
}

const (
	entryRoom    = 128 // what an entry takes beside its document
	liftedAtOnce = 512
	leastLifted  = 64   // where documents stay where they are: fewer are not worth it
	mostLifted   = 4096 // and more at once are no better
	leastBlock   = 1 << 10
	mostBlock    = 64 << 10
	leavesInHand = 8 // that part of the cache leaves may take that are read together
)

// most is how many entries a window may have that are like the last ones, or a little larger.
func (h *haul) most() int {
	if !h.lent {
		return mostLifted
	}
	return max(aheadKeys, h.docs.tx.in.pages.cache.lendable()/16*15/max(h.mean, entryRoom))
}

// has reports whether an entry is among those that documents were got for.
func (h *haul) has(at int) bool { return at >= h.from && at < h.from+len(h.of) }

// document is that of an entry, nil where it is not there.
func (h *haul) document(at int) []byte {
	if !h.has(at) || h.outdated() {
		return nil
	}
	return h.of[at-h.from]
}

// outdated reports whether the transaction has written since documents were got.
func (h *haul) outdated() bool { return h.of != nil && h.changes != h.docs.tx.changes }

// drop gives back what was lent.
func (h *haul) drop() {
	h.docs.tx.in.pages.cache.giveBack(h.bytes)
	h.of, h.block, h.bytes, h.read = nil, nil, 0, 0
}

// bring gets the documents under keys, the first of which is that of an entry: of so many
// as fit. What only a read by itself can fail with is left to that.
func (h *haul) bring(at int, keys [][]byte) error {
	next := keys[:min(len(keys), aheadKeys)]
	for ; len(keys) > 0; keys = keys[:len(keys)/2] {
		h.drop()
		if fits, err := h.gather(at, keys); fits || err != nil {
			return err
		}
	}
	h.drop() // others have borrowed it all
	h.from, h.of = at, make([][]byte, len(next))
	return h.docs.fetch(next)
}

func (h *haul) gather(at int, keys [][]byte) (fits bool, err error) {
	if h.lent && !h.borrow(len(keys)*entryRoom) {
		return false, nil
	}
	h.from, h.of, h.changes = at, make([][]byte, len(keys)), h.docs.tx.changes
	sorted, err := h.docs.inOrder(keys)
	h.docs.tx.in.rising = new(rising)
	defer func() { h.docs.tx.in.rising = nil }()
	for len(sorted) > 0 && err == nil {
		var n int
		if n, err = h.lift(sorted[:min(len(sorted), liftedAtOnce)]); n == 0 {
			return false, err
		}
		sorted = sorted[n:]
	}
	h.mean = h.bytes / len(keys)
	return err == nil, err
}

// lift gets the first of the documents that keys with their numbers tell: those on so many
// leaves as the cache has room for at once. It tells how many, none where they do not fit.
func (h *haul) lift(sorted []sortable) (n int, err error) {
	tx := h.docs.tx
	n = len(sorted)
	if h.lent || h.misses != tx.in.misses {
		pages := tx.in.pages.cache.ceiling / leavesInHand / tx.env.options.PageBytes
		var read int
		n, read, err = tx.fetch(sorted, max(1, min(pages, maxReadAhead)))
		h.read, h.misses = h.read+read, tx.in.misses
	}
	for i := 0; i < n && err == nil; i++ {
		whole := sorted[i].sortKey()
		e, found, missed := tx.lookup(whole)
		if missed == nil && found && e.kind == inline && !h.keep(sorted[i].bytes[len(whole):], e.value) {
			return 0, nil
		}
		if err = tx.Work(entryWork); !h.lent && h.misses != tx.in.misses { // those that follow are read together
			return i + 1, err
		}
	}
	return n, err
}

// keep takes a document in where it fits.
func (h *haul) keep(number, doc []byte) bool {
	if !h.lent {
		h.of[binary.BigEndian.Uint32(number)] = doc
		return true
	}
	if len(doc) > cap(h.block)-len(h.block) {
		size := max(min(2*cap(h.block), mostBlock), leastBlock, len(doc))
		if !h.borrow(size) {
			return false
		}
		h.block = make([]byte, 0, size)
	}
	start := len(h.block)
	h.block = append(h.block, doc...)
	h.of[binary.BigEndian.Uint32(number)] = h.block[start:len(h.block):len(h.block)]
	return true
}

func (h *haul) borrow(n int) bool {
	if !h.docs.tx.in.pages.cache.lend(n, h.bytes) {
		return false
	}
	h.bytes += n
	return true
}
