package origin

import "github.com/stowage-db/stowage/store"

// The part of the parser that reads SELECT.

// selection reads a SELECT, those that are combined with it, and what orders and
// limits all of them.
func (p *parser) selection() *selection {
	defer p.nest()()
	s := p.core()
	last := s
	for {
		op := p.combination()
		if op == "" {
			break
		}
		p.operator()
		last.combine, last.next = op, p.core()
		last = last.next
	}
	if p.take("ORDER", "BY") {
		s.order = append(s.order, p.ordering())
		for p.take(",") {
			s.order = append(s.order, p.ordering())
		}
	}
	if p.take("LIMIT") {
		s.limit = p.bound()
	}
	if p.take("OFFSET") {
		s.offset = p.bound()
	}
	return s
}

func (p *parser) combination() string {
	switch {
	case p.take("UNION", "ALL"):
		return "UNION ALL"
	case p.take("UNION"):
		return "UNION"
	case p.take("INTERSECT"):
		return "INTERSECT"
	case p.take("EXCEPT"):
		return "EXCEPT"
	}
	return ""
}

// core reads a SELECT up to HAVING.
func (p *parser) core() *selection {
	p.need("SELECT")
	s := &selection{distinct: p.take("DISTINCT")}
	s.items = append(s.items, p.item())
	for p.take(",") {
		s.items = append(s.items, p.item())
	}
	if p.take("FROM") {
		s.from = p.sources()
	}
	if p.take("WHERE") {
		s.where = p.expression()
	}
	if p.take("GROUP", "BY") {
		s.group = p.list()
	}
	if p.take("HAVING") {
		s.having = p.expression()
	}
	return s
}

func (p *parser) item() item {
	if p.take("*") {
		return item{}
	}
	start := p.at
	if t := p.peek(); t.kind == quotedToken || t.kind == wordToken {
		p.at++
		if p.take(".", "*") {
			return item{of: identifier{t.text, t.kind == quotedToken}}
		}
		p.at = start
	}
	return item{x: p.expression(), alias: p.alias()}
}

// alias reads AS name, or a name that nothing announces.
func (p *parser) alias() identifier {
	t := p.peek()
	if p.take("AS") || t.kind == quotedToken || t.kind == wordToken && !p.keywordAhead() {
		return p.identifier()
	}
	return identifier{}
}

func (p *parser) keywordAhead() bool {
	for _, word := range keywords {
		if p.ahead(word) {
			return true
		}
	}
	return false
}

func (p *parser) sources() []table {
	tables := []table{p.table("")}
	for {
		switch {
		case p.take(","), p.take("CROSS", "JOIN"):
			tables = append(tables, p.table("CROSS JOIN"))
		case p.take("JOIN"), p.take("INNER", "JOIN"):
			tables = append(tables, p.joined("INNER JOIN"))
		case p.take("LEFT", "JOIN"), p.take("LEFT", "OUTER", "JOIN"):
			tables = append(tables, p.joined("LEFT JOIN"))
		default:
			return tables
		}
	}
}

func (p *parser) joined(join string) table {
	t := p.table(join)
	p.need("ON")
	t.on = p.expression()
	return t
}

func (p *parser) table(join string) table {
	if p.tables++; p.tables > p.bounds.tables {
		p.fail(store.TooLarge, "read SQL: too many tables", "")
	}
	t := table{join: join}
	if p.take("(") {
		t.query = p.selection()
		p.need(")")
	} else {
		name := p.identifier()
		t.name, t.alias = name.text, name
		if p.take(".") {
			t.alias = p.identifier()
			t.name += "." + t.alias.text
		}
	}
	if alias := p.alias(); alias.text != "" {
		t.alias = alias
	} else if t.query != nil {
		p.unexpected() // a query in FROM has a name
	}
	return t
}

func (p *parser) ordering() ordering {
	o := ordering{x: p.expression()}
	if !p.take("ASC") {
		o.descending = p.take("DESC")
	}
	if p.take("NULLS", "FIRST") {
		o.nulls = "FIRST"
	} else if p.take("NULLS", "LAST") {
		o.nulls = "LAST"
	}
	return o
}

// bound reads the number of LIMIT and OFFSET.
func (p *parser) bound() expression {
	if t := p.peek(); t.kind == numberToken || t.kind == paramToken {
		return p.primary()
	}
	p.unexpected()
	return nil
}
