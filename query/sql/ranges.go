package sql

import (
	"bytes"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// The tags of a key's components, as query tells them, that are looked for beside
// those of a value's own kind: a boolean is 1 or 0 in SQL, a point in time is its
// text, and what is nested is its JSON.
const (
	tagMissing = 0x01
	tagNull    = 0x05
	tagFalse   = 0x10
	tagNumber  = 0x20
	tagDate    = 0x30
	tagText    = 0x40
	tagArray   = 0x60
	tagEnd     = 0xff
)

// ranger makes a probe's ranges for the run's row.
type ranger struct {
	parts     []rangerPart
	low, high []rangerLimit
	begin     *beginning
}

type rangerPart struct {
	values   []eval
	in       *inQuery
	member   bool
	affinity value.Affinity
}

type rangerLimit struct {
	eval
	limit
}

func (p *probe) ranger() *ranger {
	g := &ranger{}
	for _, at := range p.parts {
		rp := rangerPart{values: evaluators(at.values), affinity: at.affinity, member: at.member}
		if at.in != nil {
			rp.in = newInQuery(at.in)
		}
		g.parts = append(g.parts, rp)
	}
	for _, l := range p.low {
		g.low = append(g.low, rangerLimit{evaluator(l.term), l})
	}
	for _, l := range p.high {
		g.high = append(g.high, rangerLimit{evaluator(l.term), l})
	}
	if p.begin != nil {
		g.begin = &beginning{term: p.begin.term, pattern: evaluator(p.begin.kids[1])}
	}
	return g
}

// ranges are what may hold what is looked for; none: nothing does. all: there is
// nothing to look for.
func (g *ranger) ranges(r *run, dst []query.KeyRange) (ranges []query.KeyRange, all bool) {
	bounded := g.low != nil || g.high != nil || g.begin != nil
	if len(g.parts) == 0 && !bounded || g.tooMany(r) {
		return nil, true
	}
	prefixes, dst := g.prefixes(r, dst)
	for _, prefix := range prefixes {
		if !bounded {
			dst = append(dst, query.PrefixRange(prefix))
		} else {
			dst = g.bounded(r, dst, prefix)
		}
	}
	return merge(dst), false
}

// tooMany reports whether a part is equal to so many values that ranges of them would
// not go into memory.
func (g *ranger) tooMany(r *run) bool {
	for i := range g.parts {
		if in := g.parts[i].in; in != nil && in.set(r).set.out != nil {
			return true
		}
	}
	return false
}

// prefixes are the first components of all keys that may stand for the parts' values;
// ranges that are not told by components are appended to dst.
func (g *ranger) prefixes(r *run, dst []query.KeyRange) ([][]byte, []query.KeyRange) {
	prefixes := [][]byte{nil}
	for i := range g.parts {
		var longer [][]byte
		for _, v := range g.parts[i].all(r) {
			for _, prefix := range prefixes {
				longer = appendEqual(longer, prefix, v)
				if g.parts[i].member {
					dst = appendMember(dst, prefix)
				} else {
					dst = appendNested(dst, prefix, v)
				}
			}
		}
		prefixes = longer
	}
	return prefixes, dst
}

// all are the values that a part is equal to.
func (p *rangerPart) all(r *run) []value.Value {
	var values []value.Value
	if p.in != nil {
		known := p.in.set(r).set.known
		for i := range known.len() {
			values = append(values, known.row(i)...)
		}
		return values
	}
	for _, e := range p.values {
		if v := p.affinity.Apply(e(r)); !v.IsNull() {
			values = append(values, v)
		}
	}
	return values
}

// appendEqual appends the prefixes of keys that may stand for a value.
func appendEqual(dst [][]byte, prefix []byte, v value.Value) [][]byte {
	base := prefix[:len(prefix):len(prefix)]
	dst = append(dst, appendValue(base, v))
	if v.IsNumber() {
		if f := v.Real(); f == 0 || f == 1 {
			dst = append(dst, append(base, tagFalse+byte(f)))
		}
	}
	return dst
}

// appendNested appends the ranges of what may be a text in SQL although it is none in
// a document.
func appendNested(dst []query.KeyRange, prefix []byte, v value.Value) []query.KeyRange {
	text := v.Raw()
	if v.Kind() == value.Document {
		text = v.Text()
	}
	if text == "" || v.Kind() == value.Blob {
		return dst
	}
	switch c := text[0]; {
	case c == '[', c == '{', c == '"':
		return append(dst, tagged(prefix, tagArray, tagEnd))
	case isDigit(c) || c == '-' || c == '+':
		return append(dst, tagged(prefix, tagDate, tagText))
	}
	return dst
}

// tagged is the range of keys that go on behind prefix with a tag from low up to high.
//
//go:noinline
func tagged(prefix []byte, low, high byte) query.KeyRange {
	base := prefix[:len(prefix):len(prefix)]
	return query.KeyRange{Low: append(base, low), High: append(base, high)}
}

// appendValue appends the component of a value.
func appendValue(dst []byte, v value.Value) []byte {
	switch v.Kind() {
	case value.Null:
		return query.AppendKeyNull(dst)
	case value.Integer:
		return query.AppendKeyInt(dst, v.Int())
	case value.Real:
		return query.AppendKeyFloat(dst, v.Real())
	case value.Blob:
		return query.AppendKeyBytes(dst, []byte(v.Raw()))
	}
	return query.AppendKeyString(dst, v.Text())
}

// bounded appends the ranges behind prefix between the limits.
func (g *ranger) bounded(r *run, dst []query.KeyRange, prefix []byte) []query.KeyRange {
	ranges := []query.KeyRange{tagged(prefix, tagFalse, tagEnd)}
	for i := range g.low {
		l := &g.low[i]
		v := l.affinity.Apply(l.eval(r))
		if v.IsNull() {
			return dst
		}
		ranges = overlap(ranges, above(prefix, v, l.open))
	}
	for i := range g.high {
		l := &g.high[i]
		v := l.affinity.Apply(l.eval(r))
		if v.IsNull() {
			return dst
		}
		ranges = overlap(ranges, below(prefix, v, &l.limit))
	}
	if g.begin != nil {
		v := g.begin.pattern(r)
		if v.IsNull() {
			return dst
		}
		ranges = overlap(ranges, g.begin.ranges(prefix, g.begin.of(v)))
	}
	return append(dst, ranges...)
}

// overlap returns what two lists of ascending ranges have in common.
func overlap(a, b []query.KeyRange) []query.KeyRange {
	var both []query.KeyRange
	for _, x := range a {
		for _, y := range b {
			one := x
			if bytes.Compare(y.Low, one.Low) > 0 {
				one.Low = y.Low
			}
			if bytes.Compare(y.High, one.High) < 0 {
				one.High = y.High
			}
			if !one.Empty() {
				both = append(both, one)
			}
		}
	}
	return both
}

// above are the ranges of what may be greater than a value.
func above(prefix []byte, v value.Value, open bool) []query.KeyRange {
	base := prefix[:len(prefix):len(prefix)]
	from := query.KeyRange{Low: appendValue(base, v), High: append(base, tagEnd)}
	if open {
		from.Low = append(from.Low, tagEnd)
	}
	switch v.Kind() {
	case value.Integer, value.Real:
		if v.Real() <= 1 {
			return []query.KeyRange{tagged(prefix, tagFalse, tagNumber), from}
		}
	case value.Text, value.Document:
		return []query.KeyRange{tagged(prefix, tagDate, tagText), from}
	}
	return []query.KeyRange{from}
}

// below are the ranges of what may be less than a value.
func below(prefix []byte, v value.Value, l *limit) []query.KeyRange {
	base := prefix[:len(prefix):len(prefix)]
	to := query.KeyRange{Low: append(base, tagFalse), High: appendValue(base, v)}
	if !l.open {
		to.High = append(to.High, tagEnd)
	}
	switch v.Kind() {
	case value.Text, value.Document, value.Blob:
		return []query.KeyRange{to, tagged(prefix, tagArray, tagEnd)}
	}
	return []query.KeyRange{to}
}

// merge orders ranges and joins those that overlap.
func merge(ranges []query.KeyRange) []query.KeyRange {
	if len(ranges) < 2 {
		return ranges
	}
	query.SortRanges(ranges)
	kept := ranges[:1]
	for _, next := range ranges[1:] {
		last := &kept[len(kept)-1]
		if bytes.Compare(next.Low, last.High) < 0 {
			if bytes.Compare(next.High, last.High) > 0 {
				last.High = next.High
			}
			continue
		}
		kept = append(kept, next)
	}
	return kept
}
