package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/tinylib/msgp/msgp"
)

// page is one decoded, immutable node of a tree. Its plain form is MessagePack:
//
//	array of 4
//	  level    uint  0 = leaf
//	  prefix   bin   what all keys of the page start with
//	  offsets  bin   uint16 little-endian each: where an entry starts in body
//	  body     bin   the entries, ascending by key
//
//	leaf entry     key bin (without the prefix), then an entry (see entry)
//	branch entry   key bin (without the prefix), then a bin (see child)
//
// A branch entry's key is exactly the first key below its child, so that a
// merge can tell where a leaf begins and ends without reading it.
type page struct {
	level   int
	prefix  []byte
	offsets []byte
	body    []byte

	// heads are the first bytes of the keys, behind the prefix, as numbers that
	// compare like them: most steps of a search need to look no further. They
	// are not stored.
	heads []uint32

	// tails are, in a branch, the bytes of the keys behind those of heads, as numbers too:
	// in one of many databases many keys begin alike. They are not stored.
	tails []uint32

	// sums are, in a branch, how many entries there are below its children from the
	// first to each. They are not stored.
	sums []int64
}

// child is a branch's view of the page below it, stored as a bin of 48 bytes.
// The counts are of the whole subtree.
//
//	offset  0  writer      uint64 big-endian, as are all that follow
//	        8  seq
//	       16  entries     of leaves, tombstones included
//	       24  tombstones
//	       32  overflows   entries whose value is stored in chunks
//	       40  bytes       of all plain pages
type child struct {
	ref        Ref
	entries    int64
	tombstones int64
	overflows  int64
	bytes      int64
}

const childBytes = refBytes + 4*8

// pageOverhead bounds what a plain page needs besides prefix, offsets and body.
const pageOverhead = 1 + 1 + 3*5

func (c child) append(dst []byte) []byte {
	dst = c.ref.append(dst)
	for _, count := range [...]int64{c.entries, c.tombstones, c.overflows, c.bytes} {
		dst = binary.BigEndian.AppendUint64(dst, uint64(count))
	}
	return dst
}

// readChild reads a stored child. Counts that cannot be true are refused.
func readChild(b []byte) (c child, ok bool) {
	if len(b) != childBytes {
		return child{}, false
	}
	count := func(at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) }
	c = child{readRef(b), count(16), count(24), count(32), count(40)}
	ok = c.entries > 0 && c.entries < 1<<48 && c.bytes > 0 && c.bytes < 1<<48 &&
		c.tombstones >= 0 && c.tombstones <= c.entries && c.overflows >= 0 && c.overflows <= c.entries
	return c, ok
}

// plus adds up the counts of two subtrees; the ref is c's.
func (c child) plus(other child) child {
	c.entries += other.entries
	c.tombstones += other.tombstones
	c.overflows += other.overflows
	c.bytes += other.bytes
	return c
}

// layOut begins a page whose plain form is plain: prefix and body are parts of it,
// so that what is written is what stays in the cache. The caller fills the offsets
// of count entries, and appends the bodyBytes of the body in place.
func layOut(level int, prefix []byte, count, bodyBytes int) (p *page, plain []byte) {
	size := pageOverhead + len(prefix) + 2*count + bodyBytes
	plain = make([]byte, 0, size)
	plain = msgp.AppendArrayHeader(plain, 4)
	plain = msgp.AppendInt(plain, level)
	p = &page{level: level}
	plain = appendBin(plain, prefix)
	p.prefix = plain[len(plain)-len(prefix) : len(plain) : len(plain)]
	plain = appendBinHead(plain, 2*count)
	start := len(plain)
	plain = plain[:start+2*count]
	p.offsets = plain[start:len(plain):len(plain)]
	plain = appendBinHead(plain, bodyBytes)
	start = len(plain)
	plain = plain[:start+bodyBytes]
	p.body = plain[start:start:len(plain)]
	return p, plain
}

// decodePage reads a plain page without copying it. Every entry is walked once,
// so that later accesses need no checks: whatever the bytes, a page that
// decodes can be searched and read without a panic.
func decodePage(plain []byte) (*page, bool) {
	n, b, err := msgp.ReadArrayHeaderBytes(plain)
	if err != nil || n != 4 {
		return nil, false
	}
	level, b, err := msgp.ReadIntBytes(b)
	if err != nil || level < 0 || level > maxLevel {
		return nil, false
	}
	p := &page{level: level}
	for _, field := range []*[]byte{&p.prefix, &p.offsets, &p.body} {
		var ok bool
		if *field, b, ok = readBin(b); !ok {
			return nil, false
		}
	}
	if len(b) != 0 || len(p.offsets) == 0 || len(p.offsets)%2 != 0 || !p.walk() {
		return nil, false
	}
	p.index()
	return p, true
}

// index makes what is not stored.
func (p *page) index() {
	p.heads = make([]uint32, p.len())
	for i := range p.heads {
		p.heads[i] = pageHead(p.suffix(i))
	}
	if p.level == 0 {
		return
	}
	p.sums, p.tails = make([]int64, p.len()), make([]uint32, p.len())
	var sum int64
	for i := range p.sums {
		p.tails[i] = pageTail(p.suffix(i))
		sum += p.child(i).entries
		p.sums[i] = sum
	}
}

func pageHead(suffix []byte) uint32 {
	if len(suffix) >= 4 {
		return binary.BigEndian.Uint32(suffix)
	}
	var head uint32
	for i, b := range suffix {
		head |= uint32(b) << (24 - 8*i)
	}
	return head
}

// pageTail is the head of what comes behind the head.
//
//go:noinline
func pageTail(suffix []byte) uint32 { return pageHead(suffix[min(len(suffix), 4):]) }

// maxLevel bounds the height of a tree, so that damaged bytes cannot make a
// search run for ever. Two entries a page would still hold 2³² of them.
const maxLevel = 32

// walk reports whether offsets and body agree.
func (p *page) walk() bool {
	rest := p.body
	for i := range p.len() {
		if len(p.body)-len(rest) != p.offset(i) {
			return false
		}
		var ok bool
		if _, rest, ok = readBin(rest); !ok {
			return false
		}
		if p.level == 0 {
			_, rest, ok = readEntry(rest)
		} else {
			var stored []byte
			if stored, rest, ok = readBin(rest); ok {
				_, ok = readChild(stored)
			}
		}
		if !ok {
			return false
		}
	}
	return len(rest) == 0
}

// len is the number of entries, at least one.
func (p *page) len() int { return len(p.offsets) / 2 }

// size is the number of bytes the page keeps in memory.
func (p *page) size() int {
	return len(p.prefix) + len(p.offsets) + len(p.body) + 4*len(p.heads) + 12*len(p.sums) + pageOverhead
}

// storedSize bounds the size of the plain page.
func (p *page) storedSize() int { return len(p.prefix) + len(p.offsets) + len(p.body) + pageOverhead }

func (p *page) offset(i int) int { return int(binary.LittleEndian.Uint16(p.offsets[2*i:])) }

func (p *page) setOffset(i, at int) { binary.LittleEndian.PutUint16(p.offsets[2*i:], uint16(at)) }

// suffix is the key of entry i without the page's prefix.
func (p *page) suffix(i int) []byte {
	b := p.body[p.offset(i):]
	if b[0] == shortBin { // nearly always, and the inner loop of every search
		end := 2 + int(b[1])
		return b[2:end:end]
	}
	key, _, _ := readBin(b)
	return key
}

// appendKey appends the whole key of entry i.
func (p *page) appendKey(dst []byte, i int) []byte {
	return append(append(dst, p.prefix...), p.suffix(i)...)
}

// entry is the value of leaf entry i.
func (p *page) entry(i int) entry {
	b := p.body[p.offset(i):]
	if b[0] == shortBin { // as in suffix; most values are short, too
		if b = b[2+int(b[1]):]; b[0] == shortBin {
			end := 2 + int(b[1])
			return entry{value: b[2:end:end]}
		}
		e, _, _ := readEntry(b)
		return e
	}
	_, rest, _ := readBin(b)
	e, _, _ := readEntry(rest)
	return e
}

// touch brings the entries from one up to another into the processor's cache, as a pass over
// them does not: reads that do not wait for one another are under way together. The sum is of
// no use.
func (p *page) touch(from, to int) (sum byte) {
	const line = 64 // bytes
	if from >= to {
		return 0
	}
	end := len(p.body)
	if to < p.len() {
		end = p.offset(to)
	}
	for at := p.offset(from); at < end; at += line {
		sum += p.body[at]
	}
	return sum
}

// child is the child of branch entry i.
func (p *page) child(i int) child {
	_, rest, _ := readBin(p.body[p.offset(i):])
	stored, _, _ := readBin(rest)
	c, _ := readChild(stored)
	return c
}

// ref is where the child of branch entry i is.
//
//go:noinline
func (p *page) ref(i int) Ref {
	_, rest, _ := readBin(p.body[p.offset(i):])
	stored, _, _ := readBin(rest)
	return readRef(stored)
}

// before is how many entries there are below the children that come before child i.
func (p *page) before(i int) int64 {
	if i == 0 {
		return 0
	}
	return p.sums[i-1]
}

// holding is the child below which the entry stands that n others of the branch precede,
// the last one where there are not so many.
func (p *page) holding(n int64) int {
	i, exact := slices.BinarySearch(p.sums[:len(p.sums)-1], n)
	if exact { // n are all up to here
		i++
	}
	return i
}

// search returns the first entry whose key is at or above key (len where there
// is none), and whether it is key itself.
func (p *page) search(key []byte) (i int, exact bool) {
	if len(key) < len(p.prefix) || !bytes.Equal(key[:len(p.prefix)], p.prefix) {
		if bytes.Compare(key, p.prefix) < 0 {
			return 0, false
		}
		return p.len(), false
	}
	key = key[len(p.prefix):]
	head := pageHead(key)
	low, high := 0, len(p.heads)
	for low < high {
		middle := int(uint(low+high) >> 1)
		switch h := p.heads[middle]; {
		case h < head:
			low = middle + 1
			continue
		case h > head:
			high = middle
			continue
		}
		c := 0
		if p.tails != nil {
			c = cmp.Compare(p.tails[middle], pageTail(key))
		}
		if c == 0 {
			c = bytes.Compare(p.suffix(middle), key)
		}
		switch {
		case c == 0:
			return middle, true
		case c < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return low, false
}

// end is how many entries stand below key; nil is beyond all.
func (p *page) end(key []byte) int {
	if key == nil {
		return p.len()
	}
	i, _ := p.search(key)
	return i
}

// descend returns the branch entry below which key would stand: the last one
// whose key is at or below it, else the first.
func (p *page) descend(key []byte) int {
	i, exact := p.search(key)
	if exact || i == 0 {
		return i
	}
	return i - 1
}
