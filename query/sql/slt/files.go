package slt

import (
	"fmt"
	"io"
	"strings"

	"github.com/stowage-db/stowage/query/sql/value"
)

// Topic is what a file is about: the statements that a generator makes for it.
type Topic struct {
	Name string
	make func(g *Generator) Statement
}

// Topics are those of the files in testdata.
var Topics = []Topic{
	{"select", (*Generator).plain},
	{"joins", (*Generator).joined},
	{"subqueries", (*Generator).nested},
	{"nulls", (*Generator).unknown},
	{"collations", (*Generator).collated},
	{"aggregates", (*Generator).grouped},
	{"windows", (*Generator).windowed},
	{"compounds", (*Generator).compound},
	{"with", func(g *Generator) Statement {
		if g.chance(50) {
			return g.recursive()
		}
		return g.named()
	}},
	{"values", (*Generator).values},
	{"functions", (*Generator).functions},
	{"changes", (*Generator).Change},
	{"mistakes", (*Generator).Mistake},
}

// joined selects from several tables.
func (g *Generator) joined() (s Statement) {
	from := g.one()
	for range 1 + g.n(2) {
		from.join(g, g.one())
	}
	in := &scope{columns: from.columns}
	var what []*Tree
	for range 1 + g.n(3) {
		what = append(what, of(fixed, pick(g, from.columns).name))
	}
	s.Tree = of(fixed, "select ", join(", ", what), " from ", from.tree, g.where(in, 60), g.order(len(what), &s))
	return s
}

// nested selects from one table what queries of others say.
func (g *Generator) nested() (s Statement) {
	from := g.one()
	in := &scope{columns: from.columns}
	what := []*Tree{of(fixed, from.ids[0]), g.scalarQuery(in, pick(g, []kind{number, text}))}
	k := pick(g, []kind{number, text})
	condition := of(truth, g.leaf(in, k), pick(g, []string{" in ", " not in "}), g.columnQuery(in, k))
	switch g.n(3) {
	case 0:
		condition = of(truth, pick(g, []string{"exists ", "not exists "}), g.columnQuery(in, k))
	case 1:
		condition = of(truth, g.leaf(in, k), pick(g, comparisons), g.scalarQuery(in, k))
	}
	s.Tree = of(fixed, "select ", join(", ", what), " from ", from.tree, " where ", condition, g.order(2, &s))
	return s
}

// unknown looks at what NULL makes of conditions.
func (g *Generator) unknown() (s Statement) {
	from := g.one()
	in := &scope{columns: from.columns}
	operand := func() *Tree {
		if g.chance(40) {
			return of(truth, "null")
		}
		return g.truth(in, 1)
	}
	what := []*Tree{
		of(truth, "(", operand(), pick(g, []string{" and ", " or ", " is ", " is not ", " = "}), operand(), ")"),
		of(fixed, pick(g, []string{"coalesce", "nullif", "ifnull", "max", "min"}), "(", g.leaf(in, anything), ", ", pick(g, []string{"null", "1", "'a'"}), ")"),
		of(fixed, "count(*)"),
	}
	if g.chance(50) {
		what = what[:2]
		s.Tree = of(fixed, "select ", join(", ", what), " from ", from.tree, " where ", operand(), " is ", pick(g, []string{"null", "not null", "true", "false", "not true"}), g.order(2, &s))
		return s
	}
	s.Loose = true
	s.Tree = of(fixed, "select ", join(", ", what), " from ", from.tree, " group by 1, 2", g.order(3, &s))
	return s
}

// collated compares and sorts texts.
func (g *Generator) collated() (s Statement) {
	from := g.one()
	in := &scope{columns: from.columns}
	collation := func() string { return pick(g, []string{"nocase", "rtrim", "binary"}) }
	what := []*Tree{of(fixed, from.ids[0]), g.leaf(in, text)}
	compare := of(truth, g.leaf(in, text), pick(g, comparisons), pick(g, []string{"'APPLE'", "'banana'", "'cherry  '", "'ABC'", "'date '", "' 10'"}), of(optional, " collate ", collation()))
	s.Ordered = true
	s.Tree = of(fixed, "select ", join(", ", what), " from ", from.tree, " where ", compare, " order by ", what[1].String(), " collate ", collation(), ", ", from.ids[0])
	return s
}

// functions calls functions with columns.
func (g *Generator) functions() (s Statement) {
	from := g.one()
	in := &scope{columns: from.columns}
	n := func() *Tree { return g.leaf(in, number) }
	t := func() *Tree { return g.leaf(in, text) }
	a := func() *Tree { return g.leaf(in, anything) }
	day := func() string {
		return quoted(fmt.Sprintf("20%02d-%02d-%02d %02d:%02d:%02d", g.n(40), 1+g.n(12), 1+g.n(28), g.n(24), g.n(60), g.n(60)))
	}
	calls := []func() *Tree{
		func() *Tree { return of(fixed, "substr(", t(), ", ", n(), ", ", n(), ")") },
		func() *Tree { return of(fixed, "printf('%s|%5d|%.2f', ", a(), ", ", n(), ", ", n(), ")") },
		func() *Tree {
			return of(fixed, pick(g, []string{"upper", "lower", "length", "hex", "quote", "typeof", "unicode", "trim"}), "(", a(), ")")
		},
		func() *Tree {
			return of(fixed, pick(g, []string{"abs", "round", "sign", "ceil", "floor", "trunc"}), "(", n(), ")")
		},
		func() *Tree {
			return of(fixed, pick(g, []string{"instr", "ltrim", "rtrim", "concat"}), "(", t(), ", ", t(), ")")
		},
		func() *Tree { return of(fixed, "replace(", t(), ", ", t(), ", ", t(), ")") },
		func() *Tree {
			return of(fixed, pick(g, []string{"date", "time", "datetime", "julianday", "unixepoch"}), "(", day(), ", ", n(), " || ' ", pick(g, []string{"days", "months", "hours", "years"}), "')")
		},
		func() *Tree {
			return of(fixed, "strftime('%Y %j %W %H:%M:%f', ", day(), pick(g, []string{"", ", 'start of month'", ", 'weekday 1'", ", '-1 month'"}), ")")
		},
		func() *Tree { return of(fixed, "json_array(", t(), ", ", n(), ", json_object('k', ", t(), "))") },
		func() *Tree {
			return of(fixed, "json_object('a', ", n(), ", 'b', json_array(", t(), ")) ", pick(g, []string{"->", "->>"}), pick(g, []string{" '$.a'", " 'b'", " '$.b[0]'", " 'c'"}))
		},
		func() *Tree {
			return of(fixed, pick(g, []string{"json_set", "json_insert", "json_replace"}), "('{\"a\":1,\"b\":[1,2]}', ", pick(g, []string{"'$.a'", "'$.c'", "'$.b[1]'", "'$.b[#]'"}), ", ", t(), ")")
		},
		func() *Tree {
			return of(fixed, "json_remove('{\"a\":1,\"b\":[1,2]}', ", pick(g, []string{"'$.a'", "'$.b[0]'", "'$.z'"}), ") || json_type('[1,\"x\",null]', ", pick(g, []string{"'$'", "'$[0]'", "'$[1]'", "'$[2]'"}), ")")
		},
		func() *Tree { return of(fixed, "iif(", n(), " > 0, ", t(), ", ", n(), ")") },
		func() *Tree {
			return of(fixed, "cast(", a(), " as ", pick(g, []string{"integer", "text", "real", "numeric", "blob"}), ")")
		},
		func() *Tree { return of(fixed, "unhex(hex(", t(), "))") },
		func() *Tree {
			return of(fixed, "char(", fmt.Sprint(60+g.n(60)), ", ", fmt.Sprint(200+g.n(900)), ") || nullif(", t(), ", 'a')")
		},
	}
	what := []*Tree{of(fixed, from.ids[0])}
	for range 2 + g.n(2) {
		what = append(what, pick(g, calls)())
	}
	s.Tree = of(fixed, "select ", join(", ", what), " from ", from.tree, g.where(in, 30), g.order(len(what), &s))
	return s
}

// hashFrom is from how many values on a file has their hash only.
const hashFrom = 4

// Write writes a file about a topic: statements that a seed makes, and what an
// engine that is right answers.
func (t *Topic) Write(to io.Writer, seed uint64, statements int, right Engine) error {
	g := NewGenerator(seed)
	w := fileWriter{to: to, right: right}
	w.line("# %s: made from seed %d, with the results of %s\n\nhash-threshold %d\n\n", t.Name, seed, right.Name(), hashFrom)
	for _, s := range g.Schema() {
		w.statement(s)
	}
	for range statements {
		s := t.make(g)
		if s.Changes == "" {
			w.query(s)
			continue
		}
		if strings.Contains(s.String(), "returning") {
			w.query(s)
		} else {
			w.statement(s)
		}
		w.query(Statement{Tree: of(fixed, "select * from ", s.Changes)})
	}
	return w.err
}

type fileWriter struct {
	to    io.Writer
	right Engine
	err   error
}

func (w *fileWriter) line(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.to, format, args...)
	}
}

func (w *fileWriter) statement(s Statement) {
	outcome := "ok"
	if _, err := w.right.Run(s.String()); err != nil {
		outcome = "error"
	}
	w.line("statement %s\n%s\n\n", outcome, s.String())
}

func (w *fileWriter) query(s Statement) {
	rows, err := w.right.Run(s.String())
	if err != nil {
		w.line("statement error\n%s\n\n", s.String())
		return
	}
	r := Record{Types: types(rows), threshold: hashFrom}
	mode := ""
	if !s.Ordered {
		r.Sort, mode = RowSort, " rowsort"
	}
	w.line("query %s%s\n%s\n----\n", r.Types, mode, s.String())
	for _, v := range r.Expect(rows) {
		w.line("%s\n", v)
	}
	w.line("\n")
}

// types are I for columns of integers, R for those of numbers, and T for others.
func types(rows [][]value.Value) string {
	if len(rows) == 0 {
		return "T"
	}
	letters := make([]byte, len(rows[0]))
	for i := range letters {
		letters[i] = 'I'
		for _, row := range rows {
			switch k := row[i].Kind(); {
			case k == value.Real && letters[i] != 'T':
				letters[i] = 'R'
			case k > value.Real:
				letters[i] = 'T'
			}
		}
	}
	return string(letters)
}
