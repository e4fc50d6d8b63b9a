package sql

import (
	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// inserting is an INSERT that is ready to run.
type inserting struct {
	*image
	into    []int // which column each value of a row is for
	given   []bool
	rows    *selected // nil: one row of defaults
	whole   bool      // all rows are read before the first is written
	resolve resolution
	upserts []*upserting
	out     *returning
}

// upserting is an ON CONFLICT clause.
type upserting struct {
	any     bool // of whatever conflict
	index   int  // −1: the identity
	nothing bool
	filter  test
	set     *setting
	old     *image // the row in the way
}

// writable finds the table that a statement writes.
func (c *compiler) writable(name string, pos int) *Table {
	t, err := c.catalog.Table(name)
	if err != nil {
		panic(wrap(err, pos))
	}
	if t != nil {
		return t
	}
	if v, _ := c.catalog.View(name); v != nil {
		panic(fail(codeInvalid, pos, "cannot modify "+name+" because it is a view"))
	}
	panic(fail(codeUnknownTable, pos, "no such table: "+name))
}

func (s *Statement) compileInsert(c *compiler, q *insertion) {
	if q.resolve == resolveRollback || q.resolve == resolveFail {
		panic(fail(codeUnsupported, q.pos, "OR ROLLBACK and OR FAIL are not supported: a statement is carried out as a whole or not at all"))
	}
	t := c.openColumns(c.writable(q.table, q.pos), q.columns)
	name := q.alias
	if name == "" {
		name = q.table
	}
	in := &inserting{image: c.image(t, q.pos), resolve: q.resolve, given: make([]bool, len(t.Columns))}
	around := &scope{}
	around.commons = c.with(q.with, around, nowhere)
	if q.query != nil {
		in.rows = c.selection(q.query, &scope{commons: around.commons}, nil)
		in.whole = len(q.query.cores[0].values) == 0 || len(q.query.cores) > 1
	}
	in.columnsOf(q)
	for _, u := range q.upserts {
		in.upserts = append(in.upserts, c.upsert(u, in, name, around.commons))
	}
	in.out = c.returning(q.returning, in.scope, around.commons)
	s.Writes = true
	s.finishWrite(in.out, in.start)
}

// openColumns are a table's columns with those that a statement names besides, of a
// table of documents, and with the identity.
func (c *compiler) openColumns(t *Table, names []string) *Table {
	t = t.identified()
	if !t.Open {
		return t
	}
	for _, name := range names {
		if t.position(name) < 0 && !(t.Integer && isRowidName(value.Fold(name))) {
			t = t.with(&Column{Name: name, Path: query.Field(name), Affinity: value.BlobAffinity})
		}
	}
	return t
}

// columnsOf finds out which column each value is for.
func (in *inserting) columnsOf(q *insertion) {
	if q.columns != nil {
		for i, name := range q.columns {
			in.into = append(in.into, in.writable(name, q.positions[i]))
		}
	} else {
		for i, col := range in.table.Columns {
			if !col.Hidden && col.Generated == "" {
				in.into = append(in.into, i)
			}
		}
	}
	if in.rows != nil && len(in.rows.columns) != len(in.into) {
		if q.columns != nil {
			panic(fail(codeWrongArguments, q.pos, itoa(len(in.rows.columns))+" values for "+itoa(len(in.into))+" columns"))
		}
		panic(fail(codeWrongArguments, q.pos, "table "+q.table+" has "+itoa(len(in.into))+" columns but "+itoa(len(in.rows.columns))+" values were supplied"))
	}
	if in.rows != nil {
		for _, i := range in.into {
			in.given[i] = true
		}
	}
}

// start carries the INSERT out.
func (in *inserting) start(r *run, emit func() error) error {
	told := in.drafting(r).told
	for i := range told {
		told[i] = in.given[i] && i != in.key
	}
	if in.rows == nil {
		return in.write(r, nil, emit)
	}
	slots := slotsOf(in.rows.columns)
	row := make([]value.Value, len(slots))
	if !in.whole {
		return in.rows.feed(r, func() error {
			for i, slot := range slots {
				row[i] = r.row[slot]
			}
			return in.write(r, row, emit)
		})()
	}
	rows := newRoll(len(slots))
	err := in.rows.feed(r, func() error {
		if err := rows.add(r, slots); err != nil {
			return err
		}
		return r.tick()
	})()
	for i := 0; i < rows.count && err == nil; i++ {
		if err = in.write(r, rows.row(r, i), emit); err == nil {
			err = r.err
		}
	}
	return err
}

// write adds one row.
func (in *inserting) write(r *run, row []value.Value, emit func() error) error {
	if err := r.tick(); err != nil {
		return err
	}
	for i, slot := range in.columns {
		r.row[slot] = null
		if e := in.defaults[i]; e != nil && !in.given[i] {
			r.row[slot] = e(r)
		}
	}
	for i := len(row) - 1; i >= 0; i-- { // of a column named twice the first counts
		r.row[in.columns[in.into[i]]] = row[i]
	}
	if r.err != nil {
		return r.err
	}
	if err := in.number(r); err != nil {
		return err
	}
	if err := in.settle(r, in.all, in.resolve == resolveReplace); err != nil {
		if e, is := err.(*Error); is && e.Code == codeConstraint && in.resolve == resolveIgnore {
			return nil
		}
		return err
	}
	doc := in.drafting(r).draft(r)
	for {
		stored, taken, err := r.source.Insert(in.table, doc)
		if err != nil {
			return err
		}
		if taken == nil {
			r.changes++
			return in.out.row(r, in.image, stored, emit)
		}
		again, err := in.conflict(r, taken, emit)
		if err != nil || !again {
			return err
		}
	}
}

// number gives a row the identity that it is going to get, where its definition asks for it.
func (in *inserting) number(r *run) error {
	if !in.table.Integer || in.key < 0 || !in.read[in.key] || !r.row[in.columns[in.key]].IsNull() {
		return nil
	}
	n, err := r.source.Next(in.table)
	r.row[in.columns[in.key]] = value.FromInt(n)
	return err
}

// conflict sees to a row that is in the way, and reports whether to try again.
func (in *inserting) conflict(r *run, taken *Conflict, emit func() error) (again bool, err error) {
	for _, u := range in.upserts {
		if u.any || u.index == taken.Index {
			return false, u.apply(r, in, taken, emit)
		}
	}
	switch in.resolve {
	case resolveIgnore:
		return false, nil
	case resolveReplace:
		return true, r.source.Delete(in.table, taken.Key)
	}
	return false, in.table.violation(taken)
}

// violation is the error of a conflict that nothing is said about.
func (t *Table) violation(taken *Conflict) error {
	text := ""
	paths := []query.Path{t.Key}
	if taken.Index >= 0 {
		paths = t.Indexes[taken.Index].Paths
	}
	for i, path := range paths {
		if i > 0 {
			text += ", "
		}
		text += t.Name + "." + path.String()
	}
	return fail(codeDuplicate, -1, "UNIQUE constraint failed: "+text)
}

// upsert resolves an ON CONFLICT clause.
func (c *compiler) upsert(u upsert, in *inserting, name string, with *commons) *upserting {
	up := &upserting{nothing: u.nothing, any: u.target == nil}
	if u.target != nil {
		up.index = in.table.uniqueOf(u.target, in.image, u.pos)
	}
	if u.where != nil {
		panic(fail(codeUnsupported, u.pos, "an index is of all rows"))
	}
	if u.nothing {
		return up
	}
	up.old = c.image(in.table, u.pos)
	old, excluded := *up.old.origin, *in.origin
	old.name = value.Fold(name)
	excluded.name, excluded.shy = "excluded", true
	both := &scope{origins: []*origin{&old, &excluded}, commons: with}
	up.set = c.setting(u.set, up.old, both, resolveAbort)
	if u.filter != nil {
		up.filter = condition(c.resolve(u.filter, both))
	}
	return up
}

// uniqueOf returns the unique index of some columns, −1 for the identity.
func (t *Table) uniqueOf(target []*expr, m *image, pos int) int {
	var paths []query.Path
	for _, e := range target {
		for e.kind == exprCollate {
			e = e.kids[0]
		}
		if e.kind != exprColumn {
			panic(fail(codeUnsupported, e.pos, "an index is of columns"))
		}
		paths = append(paths, t.Columns[m.find(e.name, e.pos)].Path)
	}
	if len(paths) == 1 && paths[0].Equal(t.Key) {
		return -1
	}
	for i, index := range t.Indexes {
		if !index.Unique || len(index.Paths) != len(paths) {
			continue
		}
		all := true
		for _, path := range paths {
			met := false
			for _, own := range index.Paths {
				met = met || own.Equal(path)
			}
			all = all && met
		}
		if all {
			return i
		}
	}
	panic(fail(codeInvalid, pos, "ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint"))
}

// apply updates the row in the way.
func (u *upserting) apply(r *run, in *inserting, taken *Conflict, emit func() error) error {
	if u.nothing {
		return nil
	}
	doc, err := documentOf(r, in.table, taken.Key)
	if err != nil {
		return err
	}
	if err := u.old.drafting(r).load(r, doc, u.old.whole); err != nil {
		return err
	}
	if u.filter != nil && !u.filter(r) {
		return r.err
	}
	return u.set.write(r, taken.Key, doc, u.set.compute(r, nil), in.out, in.image, emit)
}

// documentOf reads the document of an identity.
func documentOf(r *run, t *Table, key []byte) (doc []byte, err error) {
	access := &Access{Index: -1, Ranges: []query.KeyRange{query.PrefixRange(key)}, Documents: true}
	err = r.source.Scan(t, access, func(rec *Record) error {
		doc = append([]byte(nil), rec.Doc...)
		return nil
	})
	return doc, err
}
