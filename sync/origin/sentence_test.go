package origin

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// sentences makes statements that are SQL, so that most are let in and run: over what is
// served, now and then over what is not, and as dear as they come.
type sentences struct {
	*rand.Rand
	depth int
}

func (s *sentences) one(of ...string) string { return of[s.IntN(len(of))] }

// now reports whether to, in one of n cases, and never deep inside.
func (s *sentences) now(n int) bool { return s.depth < 5 && s.IntN(n) == 0 }

// as makes the condition of a shape, or a statement.
func (s *sentences) as(filter bool) string {
	if filter {
		return s.truth()
	}
	return s.query()
}

// query makes a SELECT.
func (s *sentences) query() string {
	s.depth++
	defer func() { s.depth-- }()
	var b strings.Builder
	b.WriteString("select " + s.one("", "", "distinct "))
	grouped := s.now(4)
	switch {
	case grouped:
		b.WriteString("country, " + s.one("count(*)", "sum(population)", "max(name)", "count(distinct country)", "avg(id)"))
	case s.now(2):
		b.WriteString("*")
	default:
		b.WriteString(s.text() + " as a, " + s.number() + " as b")
	}
	b.WriteString(" from " + s.tables())
	if s.IntN(3) > 0 {
		b.WriteString(" where " + s.truth())
	}
	if grouped {
		b.WriteString(" group by country")
		if s.now(2) {
			b.WriteString(" having count(*) > " + s.one("0", "1", "-1"))
		}
	}
	if s.depth == 1 && s.now(3) {
		b.WriteString(" limit " + s.one("0", "1", "7", "1000000", "-1"))
	}
	return b.String()
}

func (s *sentences) tables() string {
	switch {
	case s.now(30):
		return s.one("secrets", "main.secrets", "sqlite_schema", "pg_class", "pragma_database_list")
	case s.now(8):
		return "(" + s.query() + ") x"
	case s.now(8):
		return "cities " + s.one("left join", "join") + " cities d on " + s.truth()
	case s.now(20):
		return strings.Repeat("cities, ", s.IntN(4)) + "cities z"
	}
	return "cities"
}

func (s *sentences) text() string {
	s.depth++
	defer func() { s.depth-- }()
	switch {
	case s.now(40):
		return s.one("pin", "word", "sql", "rowid", "current_user", "sqlite_version()")
	case s.now(3):
		return s.one("lower", "upper", "trim") + "(" + s.text() + ")"
	case s.now(5):
		return "substr(" + s.text() + ", " + s.number() + ")"
	case s.now(5):
		return "(" + s.text() + " || " + s.text() + ")"
	case s.now(5):
		return "coalesce(" + s.text() + ", " + s.text() + ")"
	case s.now(6):
		return "case when " + s.truth() + " then " + s.text() + " else " + s.text() + " end"
	case s.now(8):
		return "cast(" + s.number() + " as text)"
	}
	return s.one("name", "country", "'x'", "''", "'%'", "'it''s'", "'ø'", "$1")
}

func (s *sentences) number() string {
	s.depth++
	defer func() { s.depth-- }()
	switch {
	case s.now(3):
		return "(" + s.number() + s.one(" + ", " - ", " * ", " / ", " % ") + s.number() + ")"
	case s.now(4):
		return s.one("abs", "round") + "(" + s.number() + ")"
	case s.now(4):
		return "length(" + s.text() + ")"
	case s.now(6):
		return "case when " + s.truth() + " then " + s.number() + " end"
	case s.now(12):
		return "cast(" + s.text() + " as " + s.one("integer", "float8", "numeric") + ")"
	}
	return s.one("id", "population", "0", "1", "-1", "1e300", "9223372036854775807", "0.5", strconv.Itoa(s.IntN(400)))
}

func (s *sentences) truth() string {
	s.depth++
	defer func() { s.depth-- }()
	switch {
	case s.now(3):
		return "(" + s.truth() + s.one(" and ", " or ") + s.truth() + ")"
	case s.now(6):
		return "not " + s.truth()
	case s.now(6):
		return s.number() + " between " + s.number() + " and " + s.number()
	case s.now(6):
		return s.text() + s.one(" like ", " ilike ", " not like ") + s.one("'%i%'", "'%%%%%%%%%%%%x'", "'_'", "name")
	case s.now(8):
		return s.text() + " in (" + s.text() + ", " + s.text() + ")"
	case s.now(20):
		return s.one("exists", "not exists") + " (" + s.query() + ")"
	case s.now(6):
		return s.text() + s.one(" is null", " is not null", " is distinct from 'x'")
	}
	if s.IntN(2) == 0 {
		return s.text() + s.one(" = ", " <> ", " < ") + s.text()
	}
	return s.number() + s.one(" = ", " <> ", " < ", " >= ") + s.number()
}
