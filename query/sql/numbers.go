package sql

import "math/bits"

// numbers finds chains of rows by whole numbers. Where these lie close together, as identities do,
// their chains stand side by side; for others there is a table of hashes, which holds each
// number once, in the place where it is looked for.
type numbers struct {
	near    []chain // of the numbers from low on, empty for those that there are not
	low     int64
	met     int   // how many there are of these
	least   int64 // of all numbers
	most    int64
	entries []numbered // as many as a power of two, at most three quarters taken
	count   int
}

// numbered is a number's chain. Where there is none yet, the entry is free.
type numbered struct {
	number int64
	chain
}

const (
	leastNumbers = 16
	nearNumbers  = 4 // side by side there is room for so many times as many as there are
)

// at is the entry of a number, or the free one that it would get.
func (t *numbers) at(number int64) *numbered {
	mask := uint64(len(t.entries) - 1)
	at := uint64(number) * 0x9e3779b97f4a7c15 >> (64 - bits.Len64(mask))
	for {
		e := &t.entries[at&mask]
		if e.number == number || e.head == 0 {
			return e
		}
		at++
	}
}

// find is the head of a number's chain, 0 where it has none.
func (t *numbers) find(number int64) int32 {
	if at := uint64(number - t.low); at < uint64(len(t.near)) {
		return t.near[at].head
	}
	if len(t.entries) == 0 {
		return 0
	}
	return t.at(number).head
}

// add is a number's chain, which whoever asks has begin if it is none.
func (t *numbers) add(number int64) *chain {
	if t.met == 0 && t.count == 0 {
		t.low, t.least, t.most = number, number, number
	}
	t.least, t.most = min(t.least, number), max(t.most, number)
	at := uint64(number - t.low)
	if t.count == 0 && at >= uint64(len(t.near)) && at < uint64(nearNumbers*(t.met+leastNumbers)) {
		t.near = append(t.near, make([]chain, int(at)+1-len(t.near))...)
	}
	if at < uint64(len(t.near)) {
		if t.near[at].head == 0 {
			t.met++
		}
		return &t.near[at]
	}
	if 4*t.count >= 3*len(t.entries) {
		if t.grow(); len(t.entries) == 0 {
			return t.add(number)
		}
	}
	e := t.at(number)
	if e.head == 0 {
		e.number = number
		t.count++
	}
	return &e.chain
}

// grow makes room for more numbers that are not near, unless all are by now.
func (t *numbers) grow() {
	before := t.entries
	if span := uint64(t.most - t.least); span < uint64(nearNumbers*(t.met+t.count)) {
		near := make([]chain, span+1)
		copy(near[t.low-t.least:], t.near)
		for _, e := range before {
			if e.head != 0 {
				near[e.number-t.least] = e.chain
			}
		}
		*t = numbers{near: near, low: t.least, met: t.met + t.count, least: t.least, most: t.most}
		return
	}
	t.entries = make([]numbered, max(leastNumbers, 2*len(before)))
	for _, e := range before {
		if e.head != 0 {
			*t.at(e.number) = e
		}
	}
}

// size is how many bytes it takes up.
func (t *numbers) size() int { return 8*cap(t.near) + 16*len(t.entries) }

func (t *numbers) clear() { *t = numbers{} }
