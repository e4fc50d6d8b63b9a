package sql

import (
	"slices"

	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/value"
)

// run is one execution of a statement.
type run struct {
	row     []value.Value // of all that is looked at
	args    []value.Value
	source  Source
	context function.Context
	err     error         // the first error of an expression, which has no other way out
	states  []any         // what steps keep
	stack   []value.Value // arguments of calls
	records []Record      // of those who write
	spools  []*spooled    // what steps have put outside of memory
	changes int64
	work    int  // since the source was told
	stable  bool // bytes of records stay as they are
	ceiling int  // bytes that a step may hold before it asks for a Spool
}

// eval computes an expression of a run's row. Its error goes to the run.
type eval func(r *run) value.Value

// test reports whether a condition holds.
type test func(r *run) bool

// fail keeps the first error.
//
//go:noinline
func (r *run) fail(err error) value.Value {
	if r.err == nil {
		r.err = err
	}
	return value.Value{}
}

// evaluator makes a function of a term. What always has the same value is computed here,
// unless that fails: then it may still never be asked for.
func evaluator(t *term) eval {
	e := unfolded(t)
	if t.kind == termLiteral || !t.constant() {
		return e
	}
	var r run
	v := e(&r)
	if r.err != nil {
		return e
	}
	return func(*run) value.Value { return v }
}

// constant reports whether a term is computed from literals alone.
func (t *term) constant() bool {
	switch t.kind {
	case termLiteral:
		return true
	case termUnary, termBinary, termCompare, termCast, termWrap:
	case termCall:
		if t.function.Stability != function.Constant {
			return false
		}
	default:
		return false
	}
	return !slices.ContainsFunc(t.kids, func(kid *term) bool { return !kid.constant() })
}

func unfolded(t *term) eval {
	switch t.kind {
	case termLiteral:
		v := t.value
		return func(*run) value.Value { return v }
	case termParam:
		n := int(t.value.Int()) - 1
		return func(r *run) value.Value { return r.args[n] }
	case termSlot:
		slot := t.slot
		return func(r *run) value.Value { return r.row[slot] }
	case termUnary:
		return unaryEvaluator(t)
	case termBinary:
		return binaryEvaluator(t)
	case termCompare:
		return compareEvaluator(t)
	case termAnd, termOr:
		return logicEvaluator(t)
	case termTruth:
		return truthEvaluator(t)
	case termMatch:
		return matchEvaluator(t)
	case termBetween:
		return betweenEvaluator(t)
	case termIn:
		return inEvaluator(t)
	case termInQuery:
		return inQueryEvaluator(t)
	case termExists:
		return existsEvaluator(t)
	case termScalar:
		return scalarEvaluator(t)
	case termCase:
		return caseEvaluator(t)
	case termCast:
		kid, affinity := evaluator(t.kids[0]), t.affinity
		return func(r *run) value.Value { return affinity.Cast(kid(r)) }
	case termWrap:
		return evaluator(t.kids[0])
	case termCoalesce:
		return coalesceEvaluator(t)
	case termNullIf:
		a, b := evaluator(t.kids[0]), evaluator(t.kids[1])
		collation := collationOf(t.kids...)
		return func(r *run) value.Value {
			v := a(r)
			if w := b(r); !v.IsNull() && !w.IsNull() && value.Equal(v, w, collation) {
				return value.Value{}
			}
			return v
		}
	case termExtreme:
		return extremeEvaluator(t)
	default:
		return callEvaluator(t)
	}
}

//go:noinline
func evaluators(terms []*term) []eval {
	list := make([]eval, len(terms))
	for i, t := range terms {
		if t != nil {
			list[i] = evaluator(t)
		}
	}
	return list
}

func unaryEvaluator(t *term) eval {
	kid := evaluator(t.kids[0])
	switch t.op {
	case "-":
		return func(r *run) value.Value { return value.Negate(kid(r)) }
	case "~":
		return func(r *run) value.Value { return value.BitNot(kid(r)) }
	default:
		return func(r *run) value.Value { return value.Not(kid(r)) }
	}
}

// operators are those of arithmetic.
var operators = map[string]func(a, b value.Value) value.Value{
	"+": value.Add, "-": value.Subtract, "*": value.Multiply, "/": value.Divide, "%": value.Remainder,
	"&": value.BitAnd, "|": value.BitOr, "<<": value.ShiftLeft, ">>": value.ShiftRight, "||": value.Concat,
}

func binaryEvaluator(t *term) eval {
	a, b, f := evaluator(t.kids[0]), evaluator(t.kids[1]), operators[t.op]
	return func(r *run) value.Value {
		v := a(r)
		return f(v, b(r))
	}
}

// ordered tells which outcomes of Compare an operator holds for.
func ordered(op string) (less, equal, greater bool) {
	switch op {
	case "=", "is":
		return false, true, false
	case "<>":
		return true, false, true
	case "<":
		return true, false, false
	case "<=":
		return true, true, false
	case ">":
		return false, false, true
	default:
		return false, true, true
	}
}

// comparer compares two terms that are not NULL.
func comparer(a, b *term) func(v, w value.Value) int {
	affinity, collation := comparison(a, b)
	if affinity == value.NoAffinity {
		return func(v, w value.Value) int { return value.Compare(v, w, collation) }
	}
	left, right := a.takes(affinity), b.takes(affinity)
	return func(v, w value.Value) int {
		return value.Compare(left.Apply(v), right.Apply(w), collation)
	}
}

func compareEvaluator(t *term) eval {
	if t.kids[0].width() > 1 {
		return rowCompareEvaluator(t)
	}
	a, b, compare := evaluator(t.kids[0]), evaluator(t.kids[1]), comparer(t.kids[0], t.kids[1])
	if t.op == "is" {
		not := t.not
		return func(r *run) value.Value {
			v := a(r)
			w := b(r)
			if v.IsNull() || w.IsNull() {
				return value.FromBool((v.IsNull() && w.IsNull()) != not)
			}
			return value.FromBool((compare(v, w) == 0) != not)
		}
	}
	less, equal, greater := ordered(t.op)
	return func(r *run) value.Value {
		v := a(r)
		w := b(r)
		if v.IsNull() || w.IsNull() {
			return value.Value{}
		}
		order := compare(v, w)
		return value.FromBool(order < 0 && less || order == 0 && equal || order > 0 && greater)
	}
}

// condition makes a test of a term. Comparisons are spared to make a value.
func condition(t *term) test {
	switch {
	case t.kind == termAnd:
		a, b := condition(t.kids[0]), condition(t.kids[1])
		return func(r *run) bool { return a(r) && b(r) }
	case t.kind == termOr:
		a, b := condition(t.kids[0]), condition(t.kids[1])
		return func(r *run) bool { return a(r) || b(r) }
	case t.kind == termCompare && t.op != "is" && t.kids[0].width() == 1:
		if c := comparingOf(t); c != nil {
			return c.test
		}
		a, b, compare := evaluator(t.kids[0]), evaluator(t.kids[1]), comparer(t.kids[0], t.kids[1])
		less, equal, greater := ordered(t.op)
		return func(r *run) bool {
			v := a(r)
			w := b(r)
			if v.IsNull() || w.IsNull() {
				return false
			}
			order := compare(v, w)
			return order < 0 && less || order == 0 && equal || order > 0 && greater
		}
	}
	e := evaluator(t)
	return func(r *run) bool {
		holds, known := e(r).Truth()
		return holds && known
	}
}

// conditions makes one test of many.
//
//go:noinline
func conditions(terms []*term) test {
	switch len(terms) {
	case 0:
		return nil
	case 1:
		return condition(terms[0])
	}
	first, rest := condition(terms[0]), conditions(terms[1:])
	return func(r *run) bool { return first(r) && rest(r) }
}

func logicEvaluator(t *term) eval {
	a, b := evaluator(t.kids[0]), evaluator(t.kids[1])
	if t.kind == termAnd {
		return func(r *run) value.Value {
			v := a(r)
			if holds, known := v.Truth(); known && !holds {
				return value.FromInt(0)
			}
			return value.And(v, b(r))
		}
	}
	return func(r *run) value.Value {
		v := a(r)
		if holds, _ := v.Truth(); holds {
			return value.FromInt(1)
		}
		return value.Or(v, b(r))
	}
}

func truthEvaluator(t *term) eval {
	kid, not, truth := evaluator(t.kids[0]), t.not, t.value.Int() != 0
	return func(r *run) value.Value {
		holds, known := kid(r).Truth()
		return value.FromBool((known && holds == truth) != not)
	}
}

func betweenEvaluator(t *term) eval {
	kids := evaluators(t.kids)
	low, high := comparer(t.kids[0], t.kids[1]), comparer(t.kids[0], t.kids[2])
	not := t.not
	return func(r *run) value.Value {
		v := kids[0](r)
		from := kids[1](r)
		to := kids[2](r)
		above, below := value.Value{}, value.Value{}
		if !v.IsNull() && !from.IsNull() {
			above = value.FromBool(low(v, from) >= 0)
		}
		if !v.IsNull() && !to.IsNull() {
			below = value.FromBool(high(v, to) <= 0)
		}
		within := value.And(above, below)
		if not {
			return value.Not(within)
		}
		return within
	}
}

func caseEvaluator(t *term) eval {
	kids := evaluators(t.kids)
	last := len(kids) - 1
	compares := make([]func(v, w value.Value) int, len(kids))
	tests := make([]test, len(kids))
	for i := 1; i < last; i += 2 {
		if t.kids[0] != nil {
			compares[i] = comparer(t.kids[0], t.kids[i])
		} else {
			tests[i] = condition(t.kids[i])
		}
	}
	return func(r *run) value.Value {
		var operand value.Value
		if kids[0] != nil {
			operand = kids[0](r)
		}
		for i := 1; i < last; i += 2 {
			var holds bool
			if kids[0] == nil {
				holds = tests[i](r)
			} else if w := kids[i](r); !operand.IsNull() && !w.IsNull() {
				holds = compares[i](operand, w) == 0
			}
			if holds {
				return kids[i+1](r)
			}
		}
		if kids[last] != nil {
			return kids[last](r)
		}
		return value.Value{}
	}
}

func coalesceEvaluator(t *term) eval {
	kids := evaluators(t.kids)
	return func(r *run) value.Value {
		for _, kid := range kids {
			if v := kid(r); !v.IsNull() {
				return v
			}
		}
		return value.Value{}
	}
}

// extremeEvaluator is min or max of several values, NULL where one of them is. Of
// equal ones min takes the last, max the first.
func extremeEvaluator(t *term) eval {
	kids, collation, least := evaluators(t.kids), collationOf(t.kids...), t.name == "min"
	return func(r *run) value.Value {
		best := kids[0](r)
		for _, kid := range kids[1:] {
			v := kid(r)
			if best.IsNull() || v.IsNull() {
				best = value.Value{}
			} else if order := value.Compare(v, best, collation); order <= 0 && least || order > 0 && !least {
				best = v
			}
		}
		return best
	}
}

func callEvaluator(t *term) eval {
	kids, f, collation := evaluators(t.kids), t.function, collationOf(t.kids...)
	return func(r *run) value.Value {
		base := len(r.stack)
		for _, kid := range kids {
			v := kid(r)
			r.stack = append(r.stack, v)
		}
		r.context.Collation = collation
		v, err := f.Call(&r.context, r.stack[base:])
		r.stack = r.stack[:base]
		if err != nil {
			return r.fail(fail(codeInvalid, -1, err.Error()))
		}
		return v
	}
}
