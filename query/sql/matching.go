package sql

import (
	"sync/atomic"

	"github.com/stowage-db/stowage/query/sql/value"
)

// matching is what LIKE and GLOB ask, or their opposites.
type matching struct {
	glob, not bool
	last      atomic.Pointer[value.Pattern] // mostly it is the same one for every row
}

//go:noinline
func matchingOf(t *term) *matching { return &matching{glob: t.op == "glob", not: t.not} }

func matchEvaluator(t *term) eval {
	kids, m := evaluators(t.kids), matchingOf(t)
	return func(r *run) value.Value {
		v := kids[0](r)
		pattern := kids[1](r)
		var sign rune
		if len(kids) > 2 && v.Kind() != value.Blob && pattern.Kind() != value.Blob {
			escape := kids[2](r)
			if escape.IsNull() {
				return escape
			}
			text := []rune(escape.Text())
			if len(text) != 1 {
				return r.fail(fail(codeInvalid, -1, "ESCAPE expression must be a single character"))
			}
			sign = text[0]
		}
		return m.match(&v, &pattern, sign)
	}
}

// match holds a value against a pattern, in which what comes after escape stands for itself.
func (m *matching) match(v, pattern *value.Value, escape rune) value.Value {
	switch {
	case v.Kind() == value.Blob || pattern.Kind() == value.Blob:
		return value.FromBool(m.not) // no text, whatever the other one is
	case v.IsNull() || pattern.IsNull():
		return value.Value{}
	case m.glob:
		return value.FromBool(value.Glob(pattern.Text(), v.Text()) != m.not)
	}
	return value.FromBool(m.like(pattern.Text(), escape).Match(v.Text()) != m.not)
}

// like makes a pattern of LIKE ready.
func (m *matching) like(pattern string, escape rune) *value.Pattern {
	like := m.last.Load()
	if like == nil || !like.Is(pattern, escape) {
		like = value.NewLike(pattern, escape)
		m.last.Store(like)
	}
	return like
}

// matches is a condition that holds a column against what is the same for all rows of a sheet.
type matches struct {
	*matching
	v, pattern place
}

// matchesOf returns the condition that a term is, nil where it is none.
func matchesOf(t *term, own func(slot int) bool) *matches {
	if t.kind != termMatch || len(t.kids) > 2 {
		return nil
	}
	v, is := placeOf(t.kids[0])
	pattern, too := placeOf(t.kids[1])
	if !is || !too || v.kind != termSlot || !own(v.number) || pattern.kind == termSlot {
		return nil
	}
	return &matches{matchingOf(t), v, pattern}
}

// narrow keeps those rows of a sheet for which it holds.
func (m *matches) narrow(r *run, b *sheet) {
	column, pattern := b.column(m.v.number), m.pattern.of(r)
	holds := func(v *value.Value) bool {
		is, known := m.match(v, pattern, 0).Truth()
		return is && known
	}
	var like *value.Pattern
	if !m.glob && pattern.Kind() == value.Text {
		like = m.like(pattern.Text(), 0)
	}
	b.rows = value.NarrowTexts(b.rows, column, like, !m.not, holds)
}
