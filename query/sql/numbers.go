package sql

import "math/bits"

// numbers finds chains of rows by whole numbers: a table of hashes that holds each number
// once, in the place where it is looked for.
type numbers struct {
	entries []numbered // as many as a power of two, at most three quarters taken
	count   int
}

// numbered is a number's chain. Where there is none yet, the entry is free.
type numbered struct {
	number int64
	chain
}

const leastNumbers = 16

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
	if len(t.entries) == 0 {
		return 0
	}
	return t.at(number).head
}

// add is a number's chain, which whoever asks has begin if it is none.
func (t *numbers) add(number int64) *chain {
	if 4*t.count >= 3*len(t.entries) {
		t.grow()
	}
	e := t.at(number)
	if e.head == 0 {
		e.number = number
		t.count++
	}
	return &e.chain
}

func (t *numbers) grow() {
	before := t.entries
	t.entries = make([]numbered, max(leastNumbers, 2*len(before)))
	for _, e := range before {
		if e.head != 0 {
			*t.at(e.number) = e
		}
	}
}

// size is how many bytes the table takes up.
func (t *numbers) size() int { return 16 * len(t.entries) }

func (t *numbers) clear() { *t = numbers{} }
