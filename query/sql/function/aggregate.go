package function

import (
	"slices"
	"strings"

	"github.com/stowage-db/stowage/query/sql/value"
)

// Aggregate is a function of many rows.
type Aggregate struct {
	Name        string
	least, most int8
	Invertible  bool // its states forget rows again: see [State.Undo]
	Gathers     bool // its states grow with each row
	New         func(c *Context) State
}

// State is what an aggregate knows of the rows of one group. Rows are told it one
// after the other; those with NULL count as the function of that name wants.
type State interface {
	// Step takes a row in. What it keeps of its arguments it copies.
	Step(args []value.Value) error
	// Undo takes back the row that was taken in first, of an invertible aggregate. As
	// SQLite rounds, a window forgets a row before it takes the next one in.
	Undo(args []value.Value) error
	// Result returns what the rows come to; more may follow.
	Result() (value.Value, error)
	// Size returns about how many bytes the state holds.
	Size() int
}

// Accepts reports whether the function can be called with so many arguments. A star
// is none.
func (f *Aggregate) Accepts(args int) bool { return accepts(f.least, f.most, args) }

// AggregateNamed returns the function of many rows of a name, in any case; nil where
// there is none.
func AggregateNamed(name string) *Aggregate {
	at, found := slices.BinarySearchFunc(aggregates[:], value.Fold(name), func(f Aggregate, name string) int {
		return strings.Compare(f.Name, name)
	})
	if !found {
		return nil
	}
	return &aggregates[at]
}

// aggregates are sorted by their names.
var aggregates = [...]Aggregate{
	{"avg", 1, 1, true, false, func(*Context) State { return &sum{as: mean} }},
	{"count", 0, 1, true, false, func(*Context) State { return &count{} }},
	{"group_concat", 1, 2, true, true, func(c *Context) State { return &chain{context: c} }},
	{"json_group_array", 1, 1, true, true, func(c *Context) State { return &group{context: c} }},
	{"json_group_object", 2, 2, true, true, func(c *Context) State { return &group{context: c, object: true} }},
	{"max", 1, 1, false, false, func(c *Context) State { return &Extreme{collation: c.Collation, side: 1} }},
	{"min", 1, 1, false, false, func(c *Context) State { return &Extreme{collation: c.Collation, side: -1} }},
	{"string_agg", 2, 2, true, true, func(c *Context) State { return &chain{context: c} }},
	{"sum", 1, 1, true, false, func(*Context) State { return &sum{as: exactSum} }},
	{"total", 1, 1, true, false, func(*Context) State { return &sum{as: totalSum} }},
}

// count counts rows, or those whose argument is not NULL.
type count struct{ n int64 }

func (s *count) Step(args []value.Value) error {
	if len(args) == 0 || !args[0].IsNull() {
		s.n++
	}
	return nil
}

func (s *count) Undo(args []value.Value) error {
	if len(args) == 0 || !args[0].IsNull() {
		s.n--
	}
	return nil
}

func (s *count) Result() (value.Value, error) { return value.FromInt(s.n), nil }
func (s *count) Size() int                    { return 8 }

// Extreme is the state of min and max: it holds the value furthest to a side. One row stands for
// it, from which columns beside it come.
type Extreme struct {
	collation value.Collation
	side      int
	best      value.Value
	took      bool
}

func (s *Extreme) Step(args []value.Value) error {
	v := &args[0]
	if order, ok := v.Against(&s.best); ok {
		if s.took = order*s.side > 0; s.took {
			s.best = *v
		}
		return nil
	}
	s.took = !v.IsNull() && (s.best.IsNull() || value.Compare(*v, s.best, s.collation)*s.side > 0)
	if s.took {
		s.best = v.Clone()
	}
	return nil
}

func (s *Extreme) Undo([]value.Value) error     { return Error("min and max do not forget rows") }
func (s *Extreme) Result() (value.Value, error) { return s.best, nil }
func (s *Extreme) Size() int                    { return s.best.Size() }

// Took reports whether the last Step was of a row that replaced the one before.
func (s *Extreme) Took() bool { return s.took }

// chain joins texts.
type chain struct {
	context *Context
	text    []byte
	links   []link
}

// link tells how long one text of a chain is, and the separator before it.
type link struct{ separator, text int }

func (s *chain) Step(args []value.Value) error {
	if args[0].IsNull() {
		return nil
	}
	separator := ","
	if len(args) == 2 {
		separator = args[1].Text()
	}
	before := len(s.text)
	if len(s.links) > 0 {
		s.text = append(s.text, separator...)
	} else {
		separator = ""
	}
	s.text = args[0].AppendText(s.text)
	s.links = append(s.links, link{len(separator), len(s.text) - before - len(separator)})
	return s.context.fits(len(s.text))
}

// Undo takes off the first text, and the separator after it.
func (s *chain) Undo(args []value.Value) error {
	if args[0].IsNull() || len(s.links) == 0 {
		return nil
	}
	gone := s.links[0].text
	if s.links = s.links[1:]; len(s.links) > 0 {
		gone += s.links[0].separator
	}
	s.text = s.text[gone:]
	return nil
}

func (s *chain) Result() (value.Value, error) {
	if len(s.links) == 0 {
		return value.Value{}, nil
	}
	return value.FromText(string(s.text)), nil
}

func (s *chain) Size() int { return cap(s.text) + 16*cap(s.links) }

// group gathers JSON into a list or an object.
type group struct {
	context *Context
	object  bool
	text    []byte
	ends    []int // lengths of the parts, without the comma before
}

func (s *group) Step(args []value.Value) error {
	before := len(s.text)
	if len(s.ends) > 0 {
		s.text = append(s.text, ',')
		before++
	}
	v := args[0]
	if s.object {
		if v.IsNull() {
			s.text = s.text[:max(before-1, 0)]
			return nil
		}
		s.text = append(value.AppendQuoted(s.text, v.Text()), ':')
		v = args[1]
	}
	n, err := nodeFrom(v)
	if err != nil {
		return err
	}
	s.text = n.append(s.text)
	s.ends = append(s.ends, len(s.text)-before)
	return s.context.fits(len(s.text))
}

func (s *group) Undo(args []value.Value) error {
	if len(s.ends) == 0 || s.object && args[0].IsNull() {
		return nil
	}
	gone := s.ends[0]
	if s.ends = s.ends[1:]; len(s.ends) > 0 {
		gone++ // the comma
	}
	s.text = s.text[gone:]
	return nil
}

func (s *group) Result() (value.Value, error) {
	if s.object {
		return value.FromJSON("{" + string(s.text) + "}"), nil
	}
	return value.FromJSON("[" + string(s.text) + "]"), nil
}

func (s *group) Size() int { return cap(s.text) + 8*cap(s.ends) }
