package sql

import "github.com/stowage-db/stowage/query/sql/value"

// hashed is rows of so many values, numbered in the order in which they came, of
// which each is there once.
type hashed struct {
	rows       kept
	collations []value.Collation
	hashes     []uint64
	index      []uint64 // positions from 1 by hash, below the hash's upper half; 0 where there is none
}

//go:noinline
func newHashed(collations []value.Collation) *hashed {
	return &hashed{rows: kept{width: len(collations)}, collations: collations, index: make([]uint64, 16)}
}

func (h *hashed) len() int { return len(h.hashes) }

// bytes is about what the rows and the table over them take up.
func (h *hashed) bytes() int { return h.rows.bytes + 8*(len(h.hashes)+len(h.index)) }

// row returns the values of row i.
func (h *hashed) row(i int) []value.Value { return h.rows.row(i) }

func (h *hashed) hash(row []value.Value) uint64 {
	sum := uint64(14695981039346656037)
	for i := range row {
		sum = value.Hash(sum, &row[i], h.collations[i])
	}
	return sum
}

// find returns the number of the row that is equal to row, −1 where there is none.
func (h *hashed) find(row []value.Value) int { return h.findHashed(row, h.hash(row)) }

func (h *hashed) findHashed(row []value.Value, sum uint64) int {
	mask := uint64(len(h.index) - 1)
	for at := sum & mask; ; at = (at + 1) & mask {
		entry := h.index[at]
		if entry == 0 {
			return -1
		}
		if entry>>32 != sum>>32 {
			continue
		}
		if i := int(uint32(entry)) - 1; h.equal(h.row(i), row) {
			return i
		}
	}
}

func (h *hashed) equal(a, b []value.Value) bool {
	for i := range a {
		if v, w := &a[i], &b[i]; h.collations[i] == value.Binary && v.Kind() == value.Text && w.Kind() == value.Text {
			if v.Raw() != w.Raw() {
				return false
			}
		} else if !value.Equal(*v, *w, h.collations[i]) {
			return false
		}
	}
	return true
}

// add returns the number of row, which is added where it is not there yet.
func (h *hashed) add(r *run, row []value.Value) (i int, added bool) {
	sum := h.hash(row)
	if i = h.findHashed(row, sum); i >= 0 {
		return i, false
	}
	if 4*len(h.hashes) >= 3*len(h.index) {
		h.grow()
	}
	h.rows.push(r, row)
	h.hashes = append(h.hashes, sum)
	h.place(len(h.hashes)-1, sum)
	return len(h.hashes) - 1, true
}

func (h *hashed) place(i int, sum uint64) {
	mask := uint64(len(h.index) - 1)
	at := sum & mask
	for h.index[at] != 0 {
		at = (at + 1) & mask
	}
	h.index[at] = sum>>32<<32 | uint64(i+1)
}

func (h *hashed) grow() {
	h.index = make([]uint64, 2*len(h.index))
	for i, sum := range h.hashes {
		h.place(i, sum)
	}
}

//go:noinline
func (h *hashed) clear() {
	h.rows.clear()
	h.hashes = h.hashes[:0]
	clear(h.index)
}

// kept is rows of so many values, in the order in which they came. They lie on pages,
// so that none is moved when more come.
type kept struct {
	width int
	pages [][]value.Value
	count int
	bytes int // about what the rows take up
}

const pageBits = 8 // of the number of rows on a page

func (k *kept) row(i int) []value.Value {
	at := i & (1<<pageBits - 1) * k.width
	return k.pages[i>>pageBits][at : at+k.width : at+k.width]
}

// next makes room for a row.
func (k *kept) next() []value.Value {
	if k.count>>pageBits == len(k.pages) {
		rows := 1 << pageBits
		if k.count == 0 {
			rows = 16 // most subqueries have few
		}
		k.pages = append(k.pages, make([]value.Value, rows*k.width))
	} else if page := &k.pages[k.count>>pageBits]; k.count&(1<<pageBits-1)*k.width == len(*page) && k.width > 0 {
		whole := make([]value.Value, k.width<<pageBits)
		copy(whole, *page)
		*page = whole
	}
	k.count++
	return k.row(k.count - 1)
}

// add keeps what is in places of the row.
func (k *kept) add(r *run, slots []int) {
	row := k.next()
	for i, slot := range slots {
		row[i] = r.keep(r.row[slot])
		k.bytes += row[i].Size()
	}
}

// push keeps a row.
func (k *kept) push(r *run, values []value.Value) {
	row := k.next()
	for i, v := range values {
		row[i] = r.keep(v)
		k.bytes += v.Size()
	}
}

// load puts row i in places.
//
//go:noinline
func (k *kept) load(r *run, slots []int, i int) {
	row := k.row(i)
	for j, slot := range slots {
		r.row[slot] = row[j]
	}
}

//go:noinline
func (k *kept) clear() { k.count, k.bytes = 0, 0 }

// keep returns v such that it may be held longer than the record it comes from.
func (r *run) keep(v value.Value) value.Value {
	if r.stable {
		return v
	}
	return v.Clone()
}

// tick counts a row, and asks now and then whether to go on.
//
//go:noinline
func (r *run) tick() error { return r.ticks(1) }

// ticks counts rows.
func (r *run) ticks(n int) error {
	if r.work += n; r.work < 256 {
		return nil
	}
	n = r.work
	r.work = 0
	return r.source.Work(n)
}
