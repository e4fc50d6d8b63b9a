package query

import (
	"slices"
	"sort"
)

// list is the operand of in: values in the order of their keys, and apart from
// them those that have no order.
type list struct {
	sorted    []operand
	unordered []operand
}

// list reads an array of operands.
func (p *parser) list() (l list, err error) {
	count, ok := p.array()
	if !ok {
		return list{}, fail(codeInvalidQuery, "in takes an array")
	}
	for range count {
		o, err := p.operand()
		if err != nil {
			return list{}, err
		}
		_, keyable, err := AppendKeyRaw(nil, o.raw)
		switch {
		case err != nil:
			return list{}, err
		case keyable:
			l.sorted = append(l.sorted, o)
		default:
			l.unordered = append(l.unordered, o)
		}
	}
	slices.SortFunc(l.sorted, func(a, b operand) int { return compareKeyable(&a.value, &b.value) })
	return l, nil
}

// has reports whether v is one of the values.
func (l *list) has(v *value) bool {
	i := sort.Search(len(l.sorted), func(i int) bool { return compareKeyable(&l.sorted[i].value, v) >= 0 })
	if i < len(l.sorted) && equal(&l.sorted[i].value, v) {
		return true
	}
	for i := range l.unordered {
		if equal(&l.unordered[i].value, v) {
			return true
		}
	}
	return false
}
