package query

import (
	"bytes"
	"math"
	"math/bits"

	"github.com/tinylib/msgp/msgp"
)

// column functions, by their names. See Aggregate.
var columnFunctions = [...]columnFunction{
	{name: "count", bare: true, add: addCount, append: appendCount},
	{name: "sum", add: addNumber, append: appendSum},
	{name: "avg", add: addNumber, append: appendMean},
	{name: "min", add: addLeast, append: appendHeld},
	{name: "max", add: addMost, append: appendHeld},
	{name: "first", ranked: true, add: addFirst, append: appendHeld},
	{name: "last", ranked: true, add: addLast, append: appendHeld},
}

// columnFunction takes the values of a group's documents in and makes one of them.
type columnFunction struct {
	name   string
	bare   bool // does without a path
	ranked bool // depends on the order of the documents
	add    func(t *Tally, c *cell, p place, rank []byte)
	append func(dst []byte, c *cell) []byte
}

// cell is one column of one group. Which fields count depends on its function.
type cell struct {
	count int64  // of values taken in
	whole whole  // the sum of those that are integers
	float total  // the sum of the others
	rank  []byte // of the value that is held
	value []byte
}

func (c *cell) size() int { return cap(c.rank) + cap(c.value) }

func addCount(_ *Tally, c *cell, p place, _ []byte) {
	if p.at != missing {
		c.count++
	}
}

func appendCount(dst []byte, c *cell) []byte { return msgp.AppendInt64(dst, c.count) }

// hold takes a value in the place of the one that is held, if there is none or if
// its rank lies on the given side of that one's: −1 below, 1 above.
func (c *cell) hold(side int, rank []byte) bool {
	if c.count > 0 && bytes.Compare(rank, c.rank) != side {
		return false
	}
	c.count++
	c.rank = append(c.rank[:0], rank...)
	return true
}

func addFirst(_ *Tally, c *cell, p place, rank []byte) { c.holdRanked(-1, p, rank) }
func addLast(_ *Tally, c *cell, p place, rank []byte)  { c.holdRanked(1, p, rank) }

func (c *cell) holdRanked(side int, p place, rank []byte) {
	if !c.hold(side, rank) {
		return
	}
	if p.at == missing {
		c.value = append(c.value[:0], undefined...)
		return
	}
	c.value = append(c.value[:0], raw(p.doc, p.at)...)
}

func addLeast(t *Tally, c *cell, p place, _ []byte) { t.holdKey(-1, c, p) }
func addMost(t *Tally, c *cell, p place, _ []byte)  { t.holdKey(1, c, p) }

// holdKey ranks a value by its key.
func (t *Tally) holdKey(side int, c *cell, p place) {
	if p.at == missing {
		return
	}
	key, keyable, _ := appendKey(t.key[:0], p.doc, p.at)
	t.key = key
	if keyable && kind(key[0]) != kindNull && c.hold(side, key) {
		c.value = appendPlain(c.value[:0], p)
	}
}

func appendHeld(dst []byte, c *cell) []byte {
	if c.count == 0 {
		return append(dst, undefined...)
	}
	return append(dst, c.value...)
}

func addNumber(_ *Tally, c *cell, p place, _ []byte) {
	if p.at == missing {
		return
	}
	v, ok := decode(p.doc, p.at)
	if !ok || v.kind != kindNumber {
		return
	}
	c.count++
	if v.number.form == float {
		c.float.add(v.number.float())
	} else {
		c.whole.add(v.number)
	}
}

// total is what the numbers of a cell come to.
func (c *cell) total() number {
	all := c.float
	c.whole.addTo(&all)
	return fromFloat(all.value())
}

func appendSum(dst []byte, c *cell) []byte { return appendPlainNumber(dst, c.total()) }

func appendMean(dst []byte, c *cell) []byte {
	if c.count == 0 {
		return append(dst, undefined...)
	}
	return appendPlainNumber(dst, fromFloat(c.total().toFloat()/float64(c.count)))
}

// appendPlainNumber appends a number as a key gives it back.
func appendPlainNumber(dst []byte, n number) []byte {
	if i, ok := n.toInt(); ok {
		n = fromInt(i)
	}
	return appendMessagePack(dst, n)
}

// whole is an integer of 128 bits, two's complement: no number of documents makes
// it overflow.
type whole struct{ high, low uint64 }

// add adds an integer.
func (w *whole) add(n number) {
	var sign, carry uint64
	if n.form == signed {
		sign = uint64(int64(n.bits) >> 63)
	}
	w.low, carry = bits.Add64(w.low, n.bits, 0)
	w.high, _ = bits.Add64(w.high, sign, carry)
}

// addTo adds w to a sum of floats, in parts that floats hold exactly.
func (w whole) addTo(t *total) {
	sign := 1.0
	if int64(w.high) < 0 {
		sign = -1
		var borrow uint64
		w.low, borrow = bits.Sub64(0, w.low, 0)
		w.high, _ = bits.Sub64(0, w.high, borrow)
	}
	t.add(sign * math.Ldexp(float64(w.high), 64))
	t.add(sign * math.Ldexp(float64(w.low>>32), 32))
	t.add(sign * float64(uint32(w.low)))
}

// total is a sum of floats. What is infinite or no number is added up apart, and so
// is what is great, scaled down: finite numbers whose sum is finite never pass through
// infinity on their way.
type total struct {
	small, great compensated
	odd          float64
}

const (
	much  = 0x1p960
	scale = 128 // as a power of two
)

func (t *total) add(f float64) {
	switch {
	case math.IsInf(f, 0) || math.IsNaN(f):
		t.odd += f
	case math.Abs(f) > much:
		t.great.add(math.Ldexp(f, -scale))
	default:
		t.small.add(f)
	}
}

func (t *total) value() float64 {
	small, great := t.small.value(), t.great.value()
	switch {
	case t.odd != 0:
		return t.odd
	case great == 0:
		return small
	}
	return math.Ldexp(great+math.Ldexp(small, -scale), scale)
}

// compensated is a sum that carries along what rounding takes from it, so that it
// hardly depends on the order of what is added.
type compensated struct{ sum, lost float64 }

func (c *compensated) add(f float64) {
	sum := c.sum + f
	if math.Abs(c.sum) >= math.Abs(f) {
		c.lost += c.sum - sum + f
	} else {
		c.lost += f - sum + c.sum
	}
	c.sum = sum
}

func (c *compensated) value() float64 { return c.sum + c.lost }
