package store

import (
	"encoding/binary"
	"slices"
)

// slot locates something that has a key. The first bytes of the key stand in it, for most
// comparisons need no more.
type slot struct {
	head uint64
	at   place
}

// slotBytes is what a write costs beside its key and value.
const slotBytes = 16 + 8

// head is the beginning of a key within its database, as a number that compares
// like it.
func head(whole []byte) uint64 { return headOf(whole[spaceBytes:]) }

// headOf is that of a stored key.
func headOf(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var padded [8]byte
	copy(padded[:], key)
	return binary.BigEndian.Uint64(padded[:])
}

// leastCounted is how many slots are worth counting: fewer are sorted sooner by comparisons.
const leastCounted = 64

// sortSlots sorts by heads, and as compare says, which compares these first, where heads are equal. A thousand keys
// of a transaction differ in few bytes of their heads: for each such byte, from the last to the first, all are dealt
// out by it in the order that they have by then.
func sortSlots(slots []slot, compare func(a, b slot) int) {
	if len(slots) < leastCounted {
		slices.SortFunc(slots, compare)
		return
	}
	var differ uint64
	for _, s := range slots {
		differ |= s.head ^ slots[0].head
	}
	from, to := slots, make([]slot, len(slots))
	for shift := 0; shift < 64; shift += 8 {
		if differ>>shift&0xff != 0 {
			deal(from, to, shift)
			from, to = to, from
		}
	}
	copy(slots, from)
	for len(slots) > 0 {
		n := 1
		for n < len(slots) && slots[n].head == slots[0].head {
			n++
		}
		if n > 1 {
			slices.SortFunc(slots[:n], compare)
		}
		slots = slots[n:]
	}
}

// deal puts slots in the order of one byte of their heads; those that have it in common keep theirs.
func deal(from, to []slot, shift int) {
	var ends [256]int32
	for _, s := range from {
		ends[uint8(s.head>>shift)]++
	}
	sum := int32(0)
	for i, n := range ends {
		ends[i] = sum
		sum += n
	}
	for _, s := range from {
		place := &ends[uint8(s.head>>shift)]
		to[*place] = s
		*place++
	}
}
