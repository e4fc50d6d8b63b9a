package slt

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/stowage-db/stowage/query/sql/value"
)

// Difference is a statement that two engines answer differently, and what was run
// before it.
type Difference struct {
	Seed      uint64
	Before    []string
	Statement string
	Answers   [2]string
}

func (d *Difference) Error() string {
	return fmt.Sprintf("seed %d:\n%s;\n-- then\n%s;\n-- is\n%s\n-- and\n%s", d.Seed, strings.Join(d.Before, ";\n"), d.Statement, d.Answers[0], d.Answers[1])
}

// Pair are two engines: the one that is right, and the one that is held to it.
// Open makes a new pair, with databases that are empty.
type Pair struct {
	Right, Held Engine
}

func (p Pair) Close() {
	p.Right.Close()
	p.Held.Close()
}

// Differ lets both engines of a pair run a schema and as many statements as wanted
// that a seed makes. It returns how many were compared, of how many the engine that is right made an
// error, and the first difference, reduced. Statements that listed says of an error of the held engine are not to be
// had are passed over.
func Differ(seed uint64, statements int, open func() Pair, listed func(err error) bool) (ran, errors int, d *Difference) {
	g := NewGenerator(seed)
	pair := open()
	defer func() { pair.Close() }()
	var before []Statement
	step := func(s Statement) bool {
		outcome := pair.compare(&s, listed)
		if outcome.passed {
			return true
		}
		ran++
		if outcome.failed {
			errors++
		}
		if outcome.differ {
			d = reduce(seed, before, s, open, listed)
			return false
		}
		if s.Changes != "" || len(before) < 64 {
			before = append(before, s)
		}
		return true
	}
	for _, s := range g.Schema() {
		s.Changes = g.tables[0].name
		if !step(s) {
			return ran, errors, d
		}
	}
	for range statements {
		s := g.Query()
		switch {
		case g.chance(15):
			s = g.Change()
		case g.chance(4):
			s = g.Mistake()
		}
		if !step(s) {
			break
		}
		if s.Changes != "" && !step(Statement{Tree: of(fixed, "select * from ", s.Changes)}) {
			break
		}
	}
	return ran, errors, d
}

// outcome is what comes of a statement that both engines ran.
type outcome struct {
	passed, failed, differ bool
	answers                [2]string
}

func (p Pair) compare(s *Statement, listed func(error) bool) (o outcome) {
	text := s.String()
	held, err := p.Held.Run(text)
	if err != nil && listed(err) {
		return outcome{passed: true}
	}
	right, wrong := p.Right.Run(text)
	o.failed = wrong != nil
	switch {
	case wrong != nil && err != nil:
	case wrong != nil:
		o.differ = !s.ofRow(p.Right, wrong)
	case err != nil:
		o.differ = !s.ofRow(p.Held, err)
	default:
		o.differ = !s.same(right, held)
	}
	if o.differ {
		o.answers = [2]string{answer(right, wrong), answer(held, err)}
	}
	return o
}

// ofRow reports whether an engine that failed with a query has failed with one of the rows: which ones are
// looked at, and in which order what is asked of them, is up to the plan. Only what a value in a row can be
// is excused so; a statement that makes a mistake by itself cannot be planned.
func (s *Statement) ofRow(e Engine, err error) bool {
	if s.Changes != "" || !slices.ContainsFunc(ofValues[:], func(part string) bool { return strings.Contains(err.Error(), part) }) {
		return false
	}
	_, err = e.Run("explain query plan " + s.String())
	return err == nil
}

// ofValues is what errors say that a value alone can cause, in either engine.
var ofValues = [...]string{"JSON", "integer overflow", "ESCAPE expression"}

func answer(rows [][]value.Value, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows", len(rows))
	for _, row := range rows[:min(len(rows), 30)] {
		b.WriteString("\n")
		for i, v := range row {
			if i > 0 {
				b.WriteString(" | ")
			}
			b.WriteString(show(v))
		}
	}
	return b.String()
}

// show writes a value so that its class is seen.
func show(v value.Value) string {
	switch v.Kind() {
	case value.Null:
		return "NULL"
	case value.Text, value.Document:
		return fmt.Sprintf("%q", v.Text())
	case value.Blob:
		return fmt.Sprintf("x'%x'", v.Raw())
	}
	return v.Text()
}

// same compares rows as the statement allows: as they come where they are ordered,
// and all of them whatever their order where none is left out.
func (s *Statement) same(a, b [][]value.Value) bool {
	if len(a) != len(b) {
		return false
	}
	return (!s.Ordered || alike(a, b, true)) && (s.Limited || alike(sorted(a, s.Loose), sorted(b, s.Loose), s.Loose))
}

func alike(a, b [][]value.Value, loose bool) bool {
	return slices.EqualFunc(a, b, func(x, y []value.Value) bool {
		return slices.EqualFunc(x, y, func(v, w value.Value) bool { return equal(v, w, loose) })
	})
}

// sorted are the rows in an order that does not depend on what may differ.
func sorted(rows [][]value.Value, loose bool) [][]value.Value {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b []value.Value) int {
		return slices.CompareFunc(a, b, func(x, y value.Value) int {
			if loose {
				return value.Compare(bare(x), bare(y), value.NoCase)
			}
			return cmp.Or(value.Compare(x, y, value.Binary), int(x.Kind())-int(y.Kind()))
		})
	})
	return rows
}

// bare is a text without spaces at its end, which a collation does not see.
func bare(v value.Value) value.Value {
	if v.Kind() == value.Text {
		return value.FromText(strings.TrimRight(v.Text(), " "))
	}
	return v
}

// equal compares values. Loosely, numbers may differ in class and in their last
// digits, and texts in what collations do not see.
func equal(a, b value.Value, loose bool) bool {
	if a.Kind() == b.Kind() && a.Text() == b.Text() {
		return true
	}
	switch {
	case a.IsNumber() && b.IsNumber():
		x, y := a.Real(), b.Real()
		if !loose {
			return a.Kind() == b.Kind() && x == y
		}
		return math.Abs(x-y) <= 1e-9*max(math.Abs(x), math.Abs(y), 1e-3)
	case loose && a.Kind() == value.Text && b.Kind() == value.Text:
		return value.Equal(bare(a), bare(b), value.NoCase)
	}
	return false
}

// reduce makes a difference small: the statement, and what comes before it.
func reduce(seed uint64, before []Statement, s Statement, open func() Pair, listed func(error) bool) *Difference {
	differs := func(before []Statement, text string) (o outcome) {
		pair := open()
		defer pair.Close()
		for _, b := range before {
			pair.compare(&b, listed)
		}
		return pair.compare(&Statement{Tree: of(fixed, text), Ordered: s.Ordered, Limited: s.Limited, Loose: s.Loose, Changes: s.Changes}, listed)
	}
	first := differs(before, s.String())
	stays := func(o outcome) bool { return o.differ && o.failed == first.failed }
	if first.differ {
		for size := len(before); size > 0; size /= 2 {
			for at := 0; at+size <= len(before); {
				if fewer := slices.Concat(before[:at], before[at+size:]); stays(differs(fewer, s.String())) {
					before = fewer
				} else {
					at += size
				}
			}
		}
		tries := 0
		s.Tree.Reduce(func(text string) bool {
			tries++
			return tries < 2000 && stays(differs(before, text))
		})
		for i := range before {
			b := before[i]
			b.Tree.Reduce(func(string) bool { tries++; return tries < 3000 && stays(differs(before, s.String())) })
		}
	}
	d := &Difference{Seed: seed, Statement: s.String(), Answers: differs(before, s.String()).answers}
	for _, b := range before {
		d.Before = append(d.Before, b.String())
	}
	return d
}
