package slt

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Generator makes statements of SQL that every engine answers alike: where rows may
// come in any order, or one of several equal values, it says so.
type Generator struct {
	random *rand.Rand
	tables []*table
	views  []view
	names  int // of tables, indexes and aliases so far
}

// NewGenerator returns one that makes the same statements for the same seed.
func NewGenerator(seed uint64) *Generator {
	return &Generator{random: rand.New(rand.NewPCG(seed, 0x5157))}
}

// Statement is one that was made.
type Statement struct {
	Tree    *Tree
	Ordered bool   // its rows have one order, but for those that compare as equal
	Limited bool   // and not all of them come
	Loose   bool   // of values that compare as equal it may return any: 1 and 1.0, a and A
	Changes string // a table whose rows are to be compared afterwards, "" for none
}

func (s *Statement) String() string { return s.Tree.String() }

// table is one that was made.
type table struct {
	name    string
	columns []column
	indexes []string
	next    int // the identity of the next row
}

// view is a query of a table, with a name.
type view struct {
	name    string
	columns []column
	rows    int
}

// column is one of a table, or of a subquery.
type column struct {
	name     string
	declared string
	kind     kind // number, text or anything
	words    []string
	required bool
}

// The texts of columns. Those of collated columns differ in more than their
// collation sees, so that a group of them has one representative.
var (
	plainWords  = []string{"", "a", "b", "ab", "abc", "B", "Abc", "x y", "10", "9", "-1", "1.5", "é", "%", "a_c", "zz", "1e2", "abc "}
	foldedWords = []string{"", "apple", "Banana", "CHERRY", "dAtE", "10", "é", "x_y"}
	paddedWords = []string{"", "apple", "banana  ", "cherry ", "date", " 10"}
)

func (g *Generator) n(below int) int { return g.random.IntN(below) }

// chance is true so many times out of a hundred.
func (g *Generator) chance(percent int) bool { return g.n(100) < percent }

func pick[T any](g *Generator, from []T) T { return from[g.n(len(from))] }

// name makes a new name.
func (g *Generator) name(prefix string) string {
	g.names++
	return fmt.Sprintf("%s%d", prefix, g.names)
}

// Schema makes tables with rows and indexes.
func (g *Generator) Schema() (statements []Statement) {
	for range 2 + g.n(2) {
		statements = append(statements, g.createTable())
	}
	for _, t := range g.tables {
		for range 1 + g.n(4) {
			statements = append(statements, Statement{Tree: g.insertRows(t, 1+g.n(9))})
		}
		for range g.n(3) {
			statements = append(statements, g.createIndex(t))
		}
		if g.chance(5) {
			statements = append(statements, Statement{Tree: g.insertMany(t)})
		}
	}
	if g.chance(50) {
		statements = append(statements, g.createView())
	}
	return statements
}

// kinds of columns: what is declared, and what is put in.
var kindsOfColumns = []column{
	{declared: " integer", kind: number},
	{declared: " int", kind: number},
	{declared: " real", kind: number},
	{declared: " numeric", kind: number},
	{declared: " text", kind: text, words: plainWords},
	{declared: " varchar(10)", kind: text, words: plainWords},
	{declared: " text collate nocase", kind: text, words: foldedWords},
	{declared: " text collate rtrim", kind: text, words: paddedWords},
	{declared: "", kind: anything, words: plainWords},
	{declared: " blob", kind: anything, words: plainWords},
}

func (g *Generator) createTable() Statement {
	t := &table{name: g.name("t"), next: 1}
	t.columns = []column{{name: "id", kind: number, declared: pick(g, []string{" integer primary key", " integer primary key", " integer", " int unique"})}}
	for i := range 2 + g.n(4) {
		c := pick(g, kindsOfColumns)
		c.name = string(rune('a' + i))
		if g.chance(10) {
			c.required = true
			c.declared += " not null"
		}
		t.columns = append(t.columns, c)
	}
	g.tables = append(g.tables, t)
	var parts []string
	for _, c := range t.columns {
		parts = append(parts, c.name+c.declared)
	}
	if g.chance(15) {
		constraints := []string{"check (id is not 7)", "check (a is null or id < 100000)", "unique (id, a)"}
		if strings.Contains(t.columns[1].declared, "collate") {
			constraints = constraints[:2] // such a unique column is listed as unsupported
		}
		parts = append(parts, pick(g, constraints))
	}
	return Statement{Tree: of(fixed, "create table ", t.name, "(", strings.Join(parts, ", "), ")")}
}

func (g *Generator) createView() Statement {
	v := view{name: g.name("v")}
	from := g.one()
	what, columns := g.subject(from)
	v.columns, v.rows = columns, from.rows
	g.views = append(g.views, v)
	return Statement{Tree: of(fixed, "create view ", v.name, " as select ", what, " from ", from.tree)}
}

func (g *Generator) createIndex(t *table) Statement {
	name := g.name("i")
	t.indexes = append(t.indexes, name)
	var columns []string
	for range 1 + g.n(2) {
		if c := pick(g, t.columns).name; !strings.Contains(strings.Join(columns, ","), c) {
			columns = append(columns, c)
		}
	}
	return Statement{Tree: of(fixed, "create index ", name, " on ", t.name, "(", strings.Join(columns, ", "), ")")}
}

// insertRows makes rows with identities of their own.
func (g *Generator) insertRows(t *table, rows int) *Tree {
	var tuples []*Tree
	for range rows {
		var values []string
		for _, c := range t.columns {
			if c.name == "id" {
				values = append(values, fmt.Sprint(t.next))
				t.next += 1 + g.n(2)
				continue
			}
			values = append(values, g.stored(c))
		}
		tuples = append(tuples, of(fixed, "("+strings.Join(values, ", ")+")"))
	}
	return of(fixed, "insert into ", t.name, " values ", list(", ", tuples))
}

// insertMany makes some hundred rows out of their numbers.
func (g *Generator) insertMany(t *table) *Tree {
	n := 100 + g.n(200)
	values := []string{fmt.Sprintf("n + %d", t.next)}
	t.next += n + 1
	for _, c := range t.columns[1:] {
		e := fmt.Sprintf("n * %d %% %d", 1+g.n(50), 2+g.n(40))
		if c.kind == text {
			e = fmt.Sprintf("case n %% 4 when 0 then %s when 1 then %s when 2 then %s else %s end", quoted(pick(g, c.words)), quoted(pick(g, c.words)), quoted(pick(g, c.words)), quoted(pick(g, c.words)))
		}
		values = append(values, e)
	}
	return of(fixed, fmt.Sprintf("with recursive r(n) as (select 1 union all select n + 1 from r where n < %d) insert into %s select %s from r", n, t.name, strings.Join(values, ", ")))
}

// stored is a literal for a column.
func (g *Generator) stored(c column) string {
	if !c.required && g.chance(15) {
		return "null"
	}
	switch {
	case c.kind == number, c.kind == anything && g.chance(40):
		return g.numeral()
	case c.kind == anything && g.chance(15):
		return pick(g, []string{"x''", "x'61'", "x'7f62'", "x'3130'"})
	}
	return quoted(pick(g, c.words))
}

// numeral is a number of few digits; its fractions add up without rounding.
func (g *Generator) numeral() string {
	if g.chance(25) {
		return fmt.Sprintf("%d.%s", g.n(20)-10, pick(g, []string{"25", "5", "75"}))
	}
	if g.chance(5) {
		return fmt.Sprint(g.n(100000) - 50000)
	}
	return fmt.Sprint(g.n(21) - 10)
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
