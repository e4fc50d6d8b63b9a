package op_test

import (
	"cmp"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/op"
)

// model applies operations to Go values, as simply as it can be told, on copies.
type model struct{ r *rand.Rand }

// unfit is what the model panics with where an operation does not fit.
type unfit struct{}

func must(fits bool) {
	if !fits {
		panic(unfit{})
	}
}

// change returns v with what f makes of the value at p. there tells f whether there is one,
// and its result whether one stays.
func change(v any, there bool, p query.Path, f func(old any, there bool) (any, bool), creates bool) (any, bool) {
	if len(p) == 0 {
		must(there || creates)
		return f(v, there)
	}
	must(there || creates)
	if p[0].Name != "" {
		if !there {
			v = fields{}
		}
		old, isMap := v.(fields)
		must(isMap)
		was, has := old[p[0].Name]
		fresh, stays := change(was, has, p[1:], f, creates)
		out := fields{}
		for name, v := range old {
			out[name] = v
		}
		if out[p[0].Name] = fresh; !stays {
			delete(out, p[0].Name)
		}
		return out, true
	}
	if !there {
		v = list{}
	}
	old, isList := v.(list)
	must(isList && p[0].Index <= len(old))
	var was any
	has := p[0].Index < len(old)
	if has {
		was = old[p[0].Index]
	}
	fresh, stays := change(was, has, p[1:], f, creates)
	out := append(list{}, old[:p[0].Index]...)
	if stays {
		out = append(out, fresh)
	}
	if has {
		out = append(out, old[p[0].Index+1:]...)
	}
	return out, true
}

// draw makes a random operation and what it does to Go values.
func (m *model) draw() (o op.Operation, f func(doc any) any) {
	p := m.path()
	at := func(creates bool, f func(old any, there bool) (any, bool)) func(any) any {
		return func(doc any) any {
			out, _ := change(doc, true, p, f, creates)
			return out
		}
	}
	value := func(f func(old any) any) func(any) any {
		return at(false, func(old any, _ bool) (any, bool) { return f(old), true })
	}
	sum := func(by int64) func(any) any {
		return value(func(old any) any {
			n, number := old.(int64)
			must(number)
			return n + by
		})
	}
	v := m.value(2)
	switch m.r.IntN(13) {
	case 0:
		return op.Set(p, v), at(true, func(any, bool) (any, bool) { return v, true })
	case 1:
		return op.Delete(p), at(false, func(any, bool) (any, bool) { return nil, false })
	case 2:
		return op.Increment(p), sum(1)
	case 3:
		return op.Decrement(p), sum(-1)
	case 4:
		n := int64(m.r.IntN(9))
		return op.Subtract(p, n), sum(-n)
	case 5:
		n := int64(m.r.IntN(9))
		return op.Add(p, n), sum(n)
	case 6:
		return op.Add(p, "x"), value(func(old any) any {
			s, text := old.(string)
			must(text)
			return s + "x"
		})
	case 7:
		return op.Push(p, v, 1), at(true, func(old any, there bool) (any, bool) {
			l, isList := old.(list)
			must(!there || isList)
			return append(append(list{}, l...), v, int64(1)), true
		})
	case 8:
		return op.Pull(p, v), value(func(old any) any {
			l, isList := old.(list)
			must(isList)
			kept := list{}
			for _, element := range l {
				if canonical(element) != canonical(v) {
					kept = append(kept, element)
				}
			}
			return kept
		})
	case 9:
		patch := fields{m.name(): v, m.name(): int64(1)}
		return op.Merge(p, patch), at(true, func(old any, there bool) (any, bool) {
			was, isMap := old.(fields)
			must(!there || isMap)
			out := fields{}
			for name, v := range was {
				out[name] = v
			}
			for name, v := range patch {
				out[name] = v
			}
			return out, true
		})
	case 11:
		i := m.r.IntN(3)
		inside := p
		p = p.At(i)
		return op.Insert(p, v), func(doc any) any {
			out, _ := change(doc, true, inside, func(old any, there bool) (any, bool) {
				was, isList := old.(list)
				must((!there || isList) && i <= len(was))
				return append(append(append(list{}, was[:i]...), v), was[i:]...), true
			}, true)
			return out
		}
	case 10:
		name := m.name()
		p = m.path().Field(m.name())
		return op.Rename(p, name), func(doc any) any {
			out, _ := change(doc, true, p[:len(p)-1], func(old any, _ bool) (any, bool) {
				was, isMap := old.(fields)
				must(isMap)
				moved, has := was[p[len(p)-1].Name]
				must(has)
				out := fields{}
				for name, v := range was {
					out[name] = v
				}
				delete(out, p[len(p)-1].Name)
				out[name] = moved
				return out, true
			}, false)
			return out
		}
	default:
		n := int64(m.r.IntN(9))
		least := m.r.IntN(2) == 0
		f = at(true, func(old any, there bool) (any, bool) {
			was, number := old.(int64)
			must(!there || number)
			if there && (cmp.Less(was, n) == least || was == n) {
				return was, true
			}
			return n, true
		})
		if least {
			return op.Min(p, n), f
		}
		return op.Max(p, n), f
	}
}

func (m *model) name() string { return []string{"a", "b", "c"}[m.r.IntN(3)] }

func (m *model) path() query.Path {
	p := query.Field(m.name())
	for m.r.IntN(2) == 0 {
		if m.r.IntN(3) == 0 {
			p = p.At(m.r.IntN(3))
		} else {
			p = p.Field(m.name())
		}
	}
	return p
}

func (m *model) value(depth int) any {
	switch kind := m.r.IntN(7); {
	case kind < 3 || depth == 0:
		return int64(m.r.IntN(5))
	case kind == 3:
		return "s"
	case kind == 4:
		l := list{}
		for range m.r.IntN(20) / 4 * m.r.IntN(5) { // now and then more than a short head counts
			l = append(l, m.value(depth-1))
		}
		return l
	default:
		f := fields{}
		for range m.r.IntN(4) {
			f[m.name()] = m.value(depth - 1)
		}
		return f
	}
}

// expected is what the model makes of a document; false where an operation does not fit.
func expected(doc any, changes []func(any) any) (out any, fits bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, is := r.(unfit); !is {
				panic(r)
			}
		}
	}()
	for _, f := range changes {
		doc = f(doc)
	}
	return doc, true
}

func TestOperationsAgreeWithAModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	m := &model{rand.New(rand.NewPCG(seed, 0))}
	fitted := 0
	for range 40_000 {
		doc := fields{}
		for range m.r.IntN(4) {
			doc[m.name()] = m.value(3)
		}
		var operations []op.Operation
		var changes []func(any) any
		for range 1 + m.r.IntN(3) {
			o, f := m.draw()
			operations, changes = append(operations, o), append(changes, f)
		}
		got, err := apply(doc, operations...)
		want, fits := expected(any(doc), changes)
		if fits {
			fitted++
		}
		if fits != (err == nil) || fits && canonical(got) != canonical(want) {
			t.Fatalf("seed %d: %v: %v: %v, %v; want %v, fits: %v", seed, doc, operations, got, err, want, fits)
		}
	}
	if fitted < 3000 {
		t.Errorf("seed %d: only %d lists of operations fitted", seed, fitted)
	}
}

// FuzzParse: whatever the bytes, they are refused, or are operations that leave a document
// or fail.
func FuzzParse(f *testing.F) {
	m := &model{rand.New(rand.NewPCG(1, 2))}
	for range 40 {
		o, _ := m.draw()
		f.Add(op.Append(nil, o), query.AppendValue(nil, fields{"a": m.value(3), "b": m.value(3)}))
	}
	f.Fuzz(func(t *testing.T, raw, doc []byte) {
		operations, err := op.Parse(raw)
		if err != nil || query.Validate(doc, query.MaxDepth) != nil {
			return
		}
		out, err := operations.Apply(doc)
		if err != nil {
			return
		}
		if err := query.Validate(out, 1<<30); err != nil {
			t.Errorf("%x on %x makes %x: %v", raw, doc, out, err)
		}
	})
}
