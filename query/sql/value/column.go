package value

import "math"

// LoadColumn makes values of a column what begins at docs[row][at[row]:], of some rows, NULL
// where at says that there is nothing. whole returns the bytes of a value at doc[at:] that has
// to be known to its end.
func LoadColumn(column []Value, rows []int32, docs [][]byte, at []int, whole func(doc []byte, at int) []byte) {
	for _, row := range rows {
		v, start := &column[row], at[row]
		if start < 0 {
			*v = Value{}
			continue
		}
		if doc := docs[row]; doc[start] < 0x80 {
			v.setInt(int64(doc[start]))
		} else if v.Load(doc, start) == 0 {
			*v = FromMsgpack(whole(doc, start))
		}
	}
}

// Narrow keeps those rows of whose values in a column a comparison with w holds, and returns
// them: holds has a bit for each outcome, less is the lowest. other tells of what are not two
// numbers that reals hold exactly.
func Narrow(rows []int32, column []Value, w *Value, holds uint, other func(v *Value) bool) []int32 {
	kept := 0
	limit, exact := exactReal(w)
	for _, row := range rows {
		rows[kept] = row
		v := &column[row]
		if f, ok := exactReal(v); ok && exact {
			order := 2
			if f == limit {
				order = 1
			}
			if f < limit {
				order = 0
			}
			kept += int(holds >> order & 1)
		} else if other(v) {
			kept++
		}
	}
	return rows[:kept]
}

// NarrowTexts keeps those rows whose texts in a column are, or are not, as a pattern says;
// other says it of what is no text, and of all where there is no pattern.
func NarrowTexts(rows []int32, column []Value, p *Pattern, holds bool, other func(v *Value) bool) []int32 {
	kept := 0
	for _, row := range rows {
		rows[kept] = row
		v := &column[row]
		if v.kind == Text && p != nil {
			if p.Match(v.text) == holds {
				kept++
			}
		} else if other(v) {
			kept++
		}
	}
	return rows[:kept]
}

// exactReal returns the number that v is where a real holds it exactly.
func exactReal(v *Value) (f float64, ok bool) {
	const exact = 1 << 52
	if v.kind == Real {
		return math.Float64frombits(v.bits), true
	}
	i := int64(v.bits)
	return float64(i), v.kind == Integer && -exact < i && i < exact
}

// Word returns what tells a short text or an integer apart from all others: a word, and what
// kind that is of, 0 for all else.
func (v *Value) Word() (word, kind uint64) {
	switch {
	case v.kind == Integer:
		return v.bits, 1
	case v.kind == Text && len(v.text) <= 8:
		for i := range len(v.text) {
			word = word<<8 | uint64(v.text[i])
		}
		return word, uint64(len(v.text)) + 2
	}
	return 0, 0
}
