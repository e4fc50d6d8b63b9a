package origin

import "strings"

// The part of the renderer that writes SELECT.

func (w *renderer) selection(s *selection) {
	for part := s; part != nil; part = part.next {
		w.core(part)
		if part.combine != "" {
			w.add(" ", part.combine, " ")
		}
	}
	for i, o := range s.order {
		w.add([]string{" ORDER BY ", ", "}[min(i, 1)])
		w.ordering(o)
	}
	if s.limit != nil || s.offset != nil {
		w.limits(s)
	}
}

func (w *renderer) core(s *selection) {
	w.add("SELECT ")
	if s.distinct {
		w.add("DISTINCT ")
	}
	for i, it := range s.items {
		if i > 0 {
			w.add(", ")
		}
		w.item(it)
	}
	for i, t := range s.from {
		if i == 0 {
			w.add(" FROM ")
		}
		w.table(t)
	}
	w.clause(" WHERE ", s.where)
	if len(s.group) > 0 {
		w.add(" GROUP BY ")
		w.list(s.group, unknownKind)
	}
	w.clause(" HAVING ", s.having)
}

func (w *renderer) clause(word string, x expression) {
	if x != nil {
		w.add(word)
		w.write(x, boolKind)
	}
}

func (w *renderer) item(it item) {
	switch {
	case it.x != nil:
		w.write(it.x, unknownKind)
		if it.alias.text != "" {
			w.add(" AS ", w.name(it.alias))
		}
	case it.of.text != "":
		w.add(w.name(it.of), ".*")
	default:
		w.add("*")
	}
}

// table renders a table as a query of its allowed columns: what is not in there
// cannot be named, whatever the statement says.
func (w *renderer) table(t table) {
	if t.join != "" {
		w.add(" ", t.join, " ")
	}
	w.add("(")
	if t.query != nil {
		w.selection(t.query)
	} else if r, err := w.tables(t.name); err != nil {
		if w.err == nil {
			w.err = err
		}
	} else {
		w.add("SELECT ", strings.Join(quoteAll(w.dialect, r.Columns), ", "), " FROM ", w.dialect.qualified(r))
	}
	w.add(") AS ", w.name(t.alias))
	if t.on != nil {
		w.clause(" ON ", t.on)
	}
}

func quoteAll(d dialect, columns []Column) []string {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = d.quote(c.Name)
	}
	return quoted
}

// ordering renders one key of ORDER BY. NULL sorts last, as in Postgres, unless
// the statement says otherwise; a number is a column's position, so it stays one.
func (w *renderer) ordering(o ordering) {
	if l, ok := o.x.(literal); ok && l.kind == numberKind && strings.Trim(l.text, "0123456789") == "" {
		w.add(l.text)
	} else {
		w.write(o.x, unknownKind)
	}
	nulls := o.nulls
	if nulls == "" {
		nulls = map[bool]string{true: "FIRST", false: "LAST"}[o.descending]
	}
	w.add(map[bool]string{true: " DESC", false: " ASC"}[o.descending], " NULLS ", nulls)
}

func (w *renderer) limits(s *selection) {
	switch {
	case s.limit != nil:
		w.add(" LIMIT ")
		w.write(s.limit, numberKind)
	case w.dialect == sqliteDialect:
		w.add(" LIMIT -1") // without which it has no OFFSET
	}
	if s.offset != nil {
		w.add(" OFFSET ")
		w.write(s.offset, numberKind)
	}
}
