package sql

import "github.com/stowage-db/stowage/query/sql/value"

// setting is what SET says.
type setting struct {
	*image
	resolve resolution
	into    []int // the columns that are set
	evals   []func(r *run, dst []value.Value) []value.Value

	written []bool   // columns that may come to be others: those, and what follows from them
	asked   []bool   // columns of which it matters what they were
	members []string // of a document, as which the written ones are stored
}

// setting resolves SET of a row's image, whose expressions read what s has.
func (c *compiler) setting(list []assignment, m *image, s *scope, resolve resolution) *setting {
	set := &setting{image: m, resolve: resolve}
	for _, a := range list {
		for _, name := range a.columns {
			set.into = append(set.into, m.writable(name, a.pos))
		}
		t := c.resolveAny(a.expr, s)
		if t.width() != len(a.columns) {
			panic(fail(codeInvalid, a.pos, itoa(len(a.columns))+" columns assigned "+itoa(t.width())+" values"))
		}
		set.evals = append(set.evals, rowEvaluator(t))
	}
	set.follow()
	return set
}

// follow finds out what follows from the columns that are set.
func (set *setting) follow() {
	set.written, set.asked = make([]bool, len(set.columns)), make([]bool, len(set.columns))
	for _, at := range set.into {
		set.written[at] = true
	}
	for i := range set.table.Columns {
		col := &set.table.Columns[i]
		replaced := set.resolve == resolveReplace && col.NotNull && set.defaults[i] != nil
		set.written[i] = set.written[i] || set.generated[i] != nil || replaced
		set.asked[i] = set.written[i] || col.NotNull || set.read[i]
		if set.written[i] {
			set.members = append(set.members, col.Path[0].Name)
		}
	}
}

// names are the columns that assignments name.
func names(list []assignment) []string {
	var all []string
	for _, a := range list {
		all = append(all, a.columns...)
	}
	return all
}

// compute appends the new values for the run's row.
func (set *setting) compute(r *run, values []value.Value) []value.Value {
	for _, e := range set.evals {
		values = e(r, values)
	}
	return values
}

// plain reports whether the written columns have come to be nothing nested, of which nobody
// has seen how deep it is.
func (set *setting) plain(r *run) bool {
	for i, written := range set.written {
		if written && r.row[set.columns[i]].Kind() == value.Document {
			return false
		}
	}
	return true
}

// write changes the document of an identity.
func (set *setting) write(r *run, key, doc []byte, values []value.Value, out *returning, shown *image, emit func() error) error {
	if r.err != nil {
		return r.err
	}
	d := set.drafting(r)
	if err := d.load(r, doc, set.asked); err != nil {
		return err
	}
	for i, slot := range set.columns {
		d.told[i] = !r.row[slot].IsNull()
	}
	for i, at := range set.into {
		r.row[set.columns[at]] = values[i]
		d.told[at] = true
	}
	if err := set.settle(r, set.into, set.resolve == resolveReplace); err != nil {
		if e, is := err.(*Error); is && e.Code == codeConstraint && set.resolve == resolveIgnore {
			return nil
		}
		return err
	}
	fresh, members := d.revise(r, set.written), set.members
	if !set.plain(r) {
		members = nil
	}
	if set.resolve == resolveReplace { // a row before this one may have taken its place
		doc = nil
	}
	for {
		stored, taken, err := r.source.Replace(set.table, key, doc, fresh, members)
		if err != nil {
			return err
		}
		if taken == nil {
			r.changes++
			return out.row(r, shown, stored, emit)
		}
		switch set.resolve {
		case resolveIgnore:
			return nil
		case resolveReplace:
			if err := r.source.Delete(set.table, taken.Key); err != nil {
				return err
			}
		default:
			return set.table.violation(taken)
		}
	}
}

func (s *Statement) compileUpdate(c *compiler, q *update) {
	if q.resolve == resolveRollback || q.resolve == resolveFail {
		panic(fail(codeUnsupported, q.pos, "OR ROLLBACK and OR FAIL are not supported: a statement is carried out as a whole or not at all"))
	}
	out, change := s.updating(c, c.openColumns(c.writable(q.table, q.pos), names(q.set)), q)
	s.finishWrite(out, change)
}

// updating makes an UPDATE of a table: what it returns, and what carries it out.
func (s *Statement) updating(c *compiler, t *Table, q *update) (out *returning, change func(r *run, emit func() error) error) {
	name := q.alias
	if name == "" {
		name = q.table
	}
	around := &scope{}
	in := &scope{commons: c.with(q.with, around, nowhere)}
	all := c.target(t, name, q.pos, q.from, in)
	where := conjuncts(nil, c.optional(q.where, in))
	shown := c.image(t, q.pos)
	assigned := c.setting(q.set, shown, in, q.resolve)
	out = c.returning(q.returning, shown.scope, in.commons)
	rows, _, _ := c.joinFeed(all, where, nil, in)
	s.Writes, s.records = true, 1
	return out, func(r *run, emit func() error) error {
		met := newRoll(2 + len(assigned.into))
		var row []value.Value
		var seen *set
		if len(all.list) > 1 { // of the rows that one is joined to the first counts
			seen = newSet([]value.Collation{value.Binary})
		}
		err := rows(r, func() error {
			rec := &r.records[0]
			row = append(row[:0], value.FromBlob(rec.Key), value.FromBlob(rec.Doc))
			if seen != nil {
				if added, err := seen.add(r, row[:1]); !added || err != nil {
					return err
				}
			}
			row = assigned.compute(r, row)
			if err := met.push(r, row); err != nil {
				return err
			}
			return r.err
		})()
		for i := 0; i < met.count && err == nil; i++ {
			if err = r.tick(); err == nil {
				row := met.row(r, i)
				err = assigned.write(r, row[0].Bytes(), row[1].Bytes(), row[2:], out, shown, emit)
			}
		}
		return err
	}
}

// nowhere counts no names.
func nowhere(func(t *fromTerm) bool) int { return 0 }

// target is the table that is written, and what is joined to it. The run keeps its
// records.
func (c *compiler) target(t *Table, name string, pos int, from []*fromTerm, s *scope) *operands {
	own := c.tableOperand(t, name, pos, s)
	own.table.record = 0
	all := &operands{list: []*operand{own}}
	if from != nil {
		others := c.from(from, s)
		all.list = append(all.list, others.list...)
		all.pool = others.pool
	}
	return all
}

func (s *Statement) compileDelete(c *compiler, q *deletion) {
	t := c.writable(q.table, q.pos)
	name := q.alias
	if name == "" {
		name = q.table
	}
	around := &scope{}
	in := &scope{commons: c.with(q.with, around, nowhere)}
	all := c.target(t, name, q.pos, nil, in)
	where := conjuncts(nil, c.optional(q.where, in))
	shown := c.image(t, q.pos)
	out := c.returning(q.returning, shown.scope, in.commons)
	rows, _, _ := c.joinFeed(all, where, nil, in)
	s.Writes, s.records = true, 1
	s.finishWrite(out, func(r *run, emit func() error) error {
		met := newRoll(2)
		err := rows(r, func() error {
			row := [2]value.Value{value.FromBlob(r.records[0].Key)}
			if out != nil {
				row[1] = value.FromBlob(r.records[0].Doc)
			}
			return met.push(r, row[:])
		})()
		for i := 0; i < met.count && err == nil; i++ {
			if err = r.tick(); err != nil {
				break
			}
			row := met.row(r, i)
			if r.err != nil {
				return r.err
			}
			if err = r.source.Delete(t, []byte(row[0].Raw())); err != nil {
				break
			}
			r.changes++
			if out != nil {
				err = out.row(r, shown, []byte(row[1].Raw()), emit)
			}
		}
		return err
	})
}

// returning is what RETURNING shows of each row that was written; it knows the table by its own name alone.
type returning struct {
	columns []outColumn
	evals   []eval
}

func (c *compiler) returning(list []resultColumn, s *scope, with *commons) *returning {
	if list == nil {
		return nil
	}
	s.commons = with
	for _, r := range list {
		if r.expr == nil && r.table != "" {
			panic(fail(codeInvalid, r.pos, "RETURNING may not use \"TABLE.*\" wildcards"))
		}
	}
	results := c.stars(list, s)
	terms := c.resultTerms(results, s)
	targets := make([]int, len(terms))
	for i := range targets {
		targets[i] = c.slot()
	}
	out := &returning{columns: c.outColumns(results, terms, targets), evals: evaluators(terms)}
	return out
}

// row shows a row as it was stored.
func (out *returning) row(r *run, m *image, stored []byte, emit func() error) error {
	if out == nil {
		return nil
	}
	if err := m.drafting(r).load(r, stored, m.whole); err != nil {
		return err
	}
	for i, e := range out.evals {
		r.row[out.columns[i].slot] = e(r)
	}
	if r.err != nil {
		return r.err
	}
	return emit()
}

// finishWrite makes a statement of what writes. What it returns is shown only when all
// is written.
func (s *Statement) finishWrite(out *returning, start func(r *run, emit func() error) error) {
	if out == nil {
		s.start = func(r *run, _ func(row []value.Value) error) error { return start(r, nil) }
		return
	}
	for _, column := range out.columns {
		s.Columns = append(s.Columns, column.name)
	}
	slots := slotsOf(out.columns)
	s.start = func(r *run, emit func(row []value.Value) error) error {
		rows := newRoll(len(slots))
		err := start(r, func() error { return rows.add(r, slots) })
		for i := 0; i < rows.count && err == nil; i++ {
			if err = emit(rows.row(r, i)); err == nil {
				err = r.err
			}
		}
		return err
	}
}
