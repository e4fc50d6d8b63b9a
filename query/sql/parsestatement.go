package sql

// Control is a statement that begins or ends a transaction.
type Control struct {
	Kind ControlKind
	Name string // of a savepoint
}

// ControlKind tells what a Control does.
type ControlKind uint8

// The kinds of controls.
const (
	Begin ControlKind = iota
	BeginImmediate
	Commit
	Rollback
	Savepoint
	Release
	RollbackTo
)

// statement reads one statement.
func (p *parser) statement() *statement {
	s := &statement{}
	if p.word("explain") {
		s.explain = true
		p.word("query plan")
	}
	if s.control = p.control(); s.control != nil {
		return s
	}
	if s.define(p) {
		return s
	}
	pos, with := p.peek().pos, p.with()
	switch {
	case p.is("select"), p.is("values"):
		s.query = p.behindWith(pos, with)
	case p.is("insert"), p.is("replace"):
		s.insert = p.insertion(with)
	case p.is("update"):
		s.update = p.update(with)
	case p.is("delete"):
		s.delete = p.deletion(with)
	default:
		for _, word := range [...]string{"pragma", "vacuum", "attach", "detach"} {
			if p.is(word) {
				panic(fail(codeUnsupported, p.peek().pos, word+" is not supported"))
			}
		}
		p.unexpected()
	}
	return s
}

// control reads a statement about transactions, if one comes next.
func (p *parser) control() *Control {
	switch {
	case p.word("begin"):
		c := &Control{Kind: Begin}
		if p.word("immediate") || p.word("exclusive") {
			c.Kind = BeginImmediate
		} else {
			p.word("deferred")
		}
		p.word("transaction")
		return c
	case p.word("commit"), p.word("end"):
		p.word("transaction")
		return &Control{Kind: Commit}
	case p.word("rollback"):
		p.word("transaction")
		if p.word("to") {
			p.word("savepoint")
			return &Control{Kind: RollbackTo, Name: p.name()}
		}
		return &Control{Kind: Rollback}
	case p.word("savepoint"):
		return &Control{Kind: Savepoint, Name: p.name()}
	case p.word("release"):
		p.word("savepoint")
		return &Control{Kind: Release, Name: p.name()}
	}
	return nil
}

// orResolution reads OR with what is to be done about conflicts.
func (p *parser) orResolution() resolution {
	if !p.word("or") {
		return resolveAbort
	}
	for i, word := range [...]string{"abort", "rollback", "fail", "ignore", "replace"} {
		if p.word(word) {
			return resolution(i)
		}
	}
	p.unexpected()
	return 0
}

func (p *parser) insertion(with []*common) *insertion {
	s := &insertion{with: with}
	if p.word("replace") {
		s.resolve = resolveReplace
	} else {
		p.expect("insert")
		s.resolve = p.orResolution()
	}
	p.expect("into")
	s.pos = p.peek().pos
	s.table = p.qualified()
	if p.word("as") {
		s.alias = p.name()
	}
	if p.isSign("(") {
		first := p.at + 1
		s.columns = p.nameList()
		for i := range s.columns {
			s.positions = append(s.positions, p.tokens[first+2*i].pos)
		}
	}
	if !p.word("default values") {
		if !p.startsSelect() {
			p.unexpected()
		}
		s.query = p.selection()
	}
	for p.is("on") && p.ahead(1).folded == "conflict" {
		s.upserts = append(s.upserts, p.upsert())
	}
	s.returning = p.returning()
	return s
}

func (p *parser) upsert() upsert {
	u := upsert{pos: p.peek().pos}
	p.expect("on conflict")
	if p.sign("(") {
		for _, o := range p.orderings() {
			u.target = append(u.target, o.expr)
		}
		p.expectSign(")")
		if p.word("where") {
			u.where = p.expression()
		}
	}
	p.expect("do")
	if p.word("nothing") {
		u.nothing = true
		return u
	}
	p.expect("update set")
	u.set = p.assignments()
	if p.word("where") {
		u.filter = p.expression()
	}
	return u
}

// assignments reads what stands behind SET.
func (p *parser) assignments() []assignment {
	var list []assignment
	for {
		a := assignment{pos: p.peek().pos}
		if p.isSign("(") {
			a.columns = p.nameList()
		} else {
			a.columns = []string{p.name()}
		}
		p.expectSign("=")
		a.expr = p.expression()
		list = append(list, a)
		if !p.sign(",") {
			return list
		}
	}
}

func (p *parser) returning() []resultColumn {
	if !p.word("returning") {
		return nil
	}
	return p.resultColumns()
}

// target reads the table that UPDATE and DELETE are about.
func (p *parser) target() (table, alias string) {
	table = p.qualified()
	if p.word("as") || p.isAlias() && !p.is("indexed") {
		alias = p.name()
	}
	if p.word("indexed by") {
		p.name()
	} else {
		p.word("not indexed")
	}
	return table, alias
}

func (p *parser) update(with []*common) *update {
	p.expect("update")
	s := &update{with: with, resolve: p.orResolution(), pos: p.peek().pos}
	s.table, s.alias = p.target()
	p.expect("set")
	s.set = p.assignments()
	if p.word("from") {
		s.from = p.fromTerms()
	}
	if p.word("where") {
		s.where = p.expression()
	}
	s.returning = p.returning()
	return s
}

func (p *parser) deletion(with []*common) *deletion {
	p.expect("delete from")
	s := &deletion{with: with, pos: p.peek().pos}
	s.table, s.alias = p.target()
	if p.word("where") {
		s.where = p.expression()
	}
	s.returning = p.returning()
	return s
}
