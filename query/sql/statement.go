package sql

import (
	"github.com/stowage-db/stowage/query/sql/function"
	"github.com/stowage-db/stowage/query/sql/value"
)

// Statement is a statement that is ready to run, any number of times and at the same
// time.
type Statement struct {
	// Columns are the names of the result's columns; nil for what has no result.
	Columns []string
	// Writes: it changes rows or definitions.
	Writes bool
	// Control is set for a statement about transactions, which is not run here.
	Control *Control
	// Names are the values' names with their first sign, by number; "" for those
	// without.
	Names []string
	// Version is that of the catalogue it was prepared for.
	Version uint64

	slots, states, records int
	start                  func(r *run, emit func(row []value.Value) error) error
}

// Result is what running a statement comes to beside its rows.
type Result struct {
	Changes int64 // rows inserted, updated and deleted
}

// Prepare makes a plan of a text's first statement and returns where what follows it
// begins. It returns nil where there is none.
func Prepare(catalog Catalog, text string) (s *Statement, tail int, err error) {
	parsed, p, tail, err := parse(text)
	if err != nil || parsed == nil {
		return nil, tail, err
	}
	s = &Statement{Names: p.names, Version: catalog.Version(), Control: parsed.control}
	if parsed.control != nil {
		return s, tail, nil
	}
	err = catch(func() { s.compile(&compiler{catalog: catalog}, parsed) })
	if err != nil {
		return nil, tail, err
	}
	return s, tail, nil
}

func (s *Statement) compile(c *compiler, parsed *statement) {
	switch {
	case parsed.query != nil:
		s.compileQuery(c, parsed.query)
	case parsed.insert != nil:
		s.compileInsert(c, parsed.insert)
	case parsed.update != nil:
		s.compileUpdate(c, parsed.update)
	case parsed.delete != nil:
		s.compileDelete(c, parsed.delete)
	default:
		s.compileDefine(c, parsed.definition)
	}
	for i := 0; i < len(c.finish); i++ {
		c.finish[i]()
	}
	s.slots, s.states = c.slots, c.states
	if parsed.explain {
		s.explain(c)
	}
}

func (s *Statement) compileQuery(c *compiler, q *selection) {
	chosen := c.selection(q, &scope{}, nil)
	s.produce(chosen.columns, chosen.feed)
}

// produce makes the rows of a feed the statement's result.
func (s *Statement) produce(columns []outColumn, from feed) {
	s.Columns = make([]string, len(columns))
	for i := range columns {
		s.Columns[i] = columns[i].name
	}
	slots := slotsOf(columns)
	s.start = func(r *run, emit func(row []value.Value) error) error {
		row := make([]value.Value, len(slots))
		return from(r, func() error {
			for i, slot := range slots {
				row[i] = r.row[slot]
			}
			return emit(row)
		})()
	}
}

// Run carries the statement out. emit gets each row of the result, which is only for
// the call; its error ends the statement and is returned. args are the values by their
// numbers.
func (s *Statement) Run(source Source, context function.Context, args []value.Value, emit func(row []value.Value) error) (Result, error) {
	if len(args) != len(s.Names) {
		return Result{}, fail(codeWrongArguments, -1, "the statement takes "+itoa(len(s.Names))+" values, not "+itoa(len(args)))
	}
	r := &run{row: make([]value.Value, s.slots), args: args, source: source, states: make([]any, s.states),
		stable: source.Stable(), ceiling: source.Ceiling(), records: make([]Record, s.records), context: context}
	err := s.start(r, emit)
	if err == nil {
		err = r.err
	}
	return Result{Changes: r.changes}, r.closeSpools(err)
}

// explain makes of a statement one that tells how it would be carried out.
func (s *Statement) explain(c *compiler) {
	s.Columns = []string{"id", "parent", "notused", "detail"}
	s.Writes = false
	notes := c.notes
	s.start = func(_ *run, emit func(row []value.Value) error) error {
		parents := []int{0}
		for i, n := range notes {
			for len(parents) <= n.level+1 {
				parents = append(parents, i)
			}
			parents[n.level+1] = i + 1
			row := []value.Value{value.FromInt(int64(i + 1)), value.FromInt(int64(parents[n.level])), value.FromInt(0), value.FromText(n.text)}
			if err := emit(row); err != nil {
				return err
			}
		}
		return nil
	}
}
