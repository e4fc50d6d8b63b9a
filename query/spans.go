package query

import (
	"bytes"
	"slices"
)

// spans is a set of encoded components: ranges, ascending and disjoint, both
// bounds of each given. Sets of the same component can be united, intersected
// and complemented, so whatever a filter says of one path becomes one set.
type spans []KeyRange

// everything holds all components: the empty key is below and 0xFF is above
// every tag.
func everything() spans { return spans{{Low: []byte{}, High: []byte{0xff}}} }

// isEverything reports whether s leaves no component out.
func (s spans) isEverything() bool {
	return len(s) == 1 && len(s[0].Low) == 0 && bytes.Equal(s[0].High, []byte{0xff})
}

// point is the span of one component.
func point(component []byte) KeyRange { return PrefixRange(component) }

// isPoint reports whether every key in r starts with the same whole component.
func isPoint(r KeyRange) bool {
	n := len(r.Low)
	if n == 0 || len(r.High) != n+1 || r.High[n] != 0xff || !bytes.Equal(r.High[:n], r.Low) {
		return false
	}
	size, ok := SkipComponent(r.Low)
	return ok && size == n
}

// arePoints reports whether s is a set of single components.
func (s spans) arePoints() bool {
	for _, r := range s {
		if !isPoint(r) {
			return false
		}
	}
	return len(s) > 0
}

// unite brings ranges in any order into a set. Empty ones fall away, ranges that
// overlap or touch become one.
func unite(ranges []KeyRange) spans {
	ranges = slices.DeleteFunc(ranges, KeyRange.Empty)
	SortRanges(ranges)
	var s spans
	for _, r := range ranges {
		if last := len(s) - 1; last >= 0 && bytes.Compare(r.Low, s[last].High) <= 0 {
			if bytes.Compare(r.High, s[last].High) > 0 {
				s[last].High = r.High
			}
			continue
		}
		s = append(s, r)
	}
	return s
}

// intersect returns what is in both sets.
func intersect(a, b spans) spans {
	var s spans
	for len(a) > 0 && len(b) > 0 {
		r := a[0]
		if bytes.Compare(b[0].Low, r.Low) > 0 {
			r.Low = b[0].Low
		}
		if bytes.Compare(b[0].High, r.High) < 0 {
			r.High = b[0].High
			b = b[1:]
		} else {
			a = a[1:]
		}
		if !r.Empty() {
			s = append(s, r)
		}
	}
	return s
}

// meeting is the intersection of sets as they come, as far as it is not too much work. Each set
// may grow what there is by as many spans as it has, so with thousands of them, as a long
// list of ne makes, all of it would take the square of their number.
type meeting struct {
	spans
	work, most int
}

// freeWork is how many spans a meeting looks at beside some for each that comes.
const freeWork = 1 << 16

//go:noinline
func newMeeting() meeting { return meeting{spans: everything(), most: freeWork} }

// with intersects with one more set, or reports false: then what there is holds more.
//
//go:noinline
func (m *meeting) with(s spans) bool {
	m.most += 4 * len(s)
	if s.isEverything() {
		return true
	}
	if m.work += len(m.spans) + len(s); m.work > m.most {
		return false
	}
	m.spans = intersect(m.spans, s)
	return true
}

// complement returns everything that is not in s.
func (s spans) complement() spans {
	all := everything()[0]
	var rest spans
	low := all.Low
	for _, r := range s {
		if gap := (KeyRange{low, r.Low}); !gap.Empty() {
			rest = append(rest, gap)
		}
		low = r.High
	}
	if gap := (KeyRange{low, all.High}); !gap.Empty() {
		rest = append(rest, gap)
	}
	return rest
}
