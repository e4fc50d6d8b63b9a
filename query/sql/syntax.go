package sql

import "github.com/stowage-db/stowage/query/sql/value"

// The tree that a text is parsed into. Nobody changes one: what is a view, or named
// by WITH, is resolved once for each place that names it.

// expr is an expression. Which fields count depends on its kind.
type expr struct {
	kind   exprKind
	not    bool // of IN, BETWEEN, LIKE, EXISTS, IS
	quoted bool // of a name: "in double quotes", which stands for a string where nothing has the name
	height uint16
	pos    int

	op     string // of unary, binary and match: the sign or the word, in small letters
	name   string // of a column, function, collation, type
	table  string
	value  value.Value
	kids   []*expr
	query  *selection
	invoke *invocation
}

type exprKind uint8

const (
	exprLiteral exprKind = iota
	exprColumn           // table.name
	exprParam            // value is its number from 1, name its name
	exprUnary            // op kids[0]
	exprBinary           // kids[0] op kids[1]; "is" too
	exprMatch            // kids[0] like|glob|regexp|match kids[1] [escape kids[2]]
	exprBetween          // kids[0] between kids[1] and kids[2]
	exprIn               // kids[0] in kids[1:], or in query
	exprExists           // query
	exprSelect           // query as a value, or a row of them
	exprRow              // kids
	exprCase             // invoke == nil; kids: operand or nil, then pairs, then else or nil
	exprCast             // kids[0] as name
	exprCollate          // kids[0] collate name
	exprCall             // name(kids…), invoke
)

// invocation is what a call of a function has beside its arguments.
type invocation struct {
	star     bool // f(*)
	distinct bool
	order    []ordering
	filter   *expr
	over     *window
}

// ordering is a term of ORDER BY.
type ordering struct {
	expr  *expr
	desc  bool
	nulls nulls
}

type nulls uint8

const (
	nullsNatural nulls = iota // first, as they are less than everything
	nullsFirst
	nullsLast
)

// window is what stands behind OVER, or has a name behind WINDOW.
type window struct {
	pos       int
	base      string // another window that this one goes on from
	only      bool   // OVER name: nothing but base
	partition []*expr
	order     []ordering
	frame     *frame
}

type frame struct {
	unit       frameUnit
	start, end bound
	exclude    exclusion
}

type frameUnit uint8

const (
	frameRange frameUnit = iota
	frameRows
	frameGroups
)

type exclusion uint8

const (
	excludeNothing exclusion = iota
	excludeCurrent
	excludeGroup
	excludeTies
)

// bound is an end of a frame.
type bound struct {
	kind   boundKind
	offset *expr
}

type boundKind uint8

const (
	unboundedPreceding boundKind = iota
	preceding
	currentRow
	following
	unboundedFollowing
)

// selection is a SELECT with all that may stand around it.
type selection struct {
	pos    int
	with   []*common
	cores  []*core
	joins  []compound // joins[i] stands between cores[i] and cores[i+1]
	order  []ordering
	limit  *expr
	offset *expr
}

type compound uint8

const (
	union compound = iota
	unionAll
	intersect
	except
)

// common is a table of WITH.
type common struct {
	pos     int
	name    string
	columns []string
	query   *selection
	inline  bool // NOT MATERIALIZED
	keep    bool // MATERIALIZED
}

// core is one SELECT of a compound, or VALUES.
type core struct {
	pos      int
	values   [][]*expr
	distinct bool
	columns  []resultColumn
	from     []*fromTerm
	where    *expr
	group    []*expr
	having   *expr
	windows  []namedWindow
}

type namedWindow struct {
	name   string
	window *window
}

// resultColumn is an expression, or a star where expr is nil.
type resultColumn struct {
	pos   int
	expr  *expr
	table string // of table.*
	name  string // behind AS
	text  string // as written
}

// fromTerm is a table, a subquery, a call, or joined terms in parentheses.
type fromTerm struct {
	pos   int
	name  string
	alias string
	query *selection
	args  []*expr
	call  bool
	group []*fromTerm

	// How it is joined to the terms before it.
	join    join
	natural bool
	on      *expr
	using   []string
}

type join uint8

const (
	joinInner join = iota
	joinCross      // the order of the terms stays
	joinLeft
	joinRight
	joinFull
)

// statement is one of a text.
type statement struct {
	explain    bool // EXPLAIN QUERY PLAN, or EXPLAIN
	query      *selection
	insert     *insertion
	update     *update
	delete     *deletion
	definition *definition
	control    *Control
}

// insertion is an INSERT.
type insertion struct {
	pos       int
	with      []*common
	table     string
	alias     string
	columns   []string
	positions []int
	query     *selection // nil: DEFAULT VALUES
	resolve   resolution
	upserts   []upsert
	returning []resultColumn
}

// resolution is what is to be done about a row that a constraint refuses.
type resolution uint8

const (
	resolveAbort resolution = iota
	resolveRollback
	resolveFail
	resolveIgnore
	resolveReplace
)

// upsert is an ON CONFLICT clause.
type upsert struct {
	pos     int
	target  []*expr
	where   *expr
	nothing bool
	set     []assignment
	filter  *expr
}

// assignment sets one column, or several to a row.
type assignment struct {
	pos     int
	columns []string
	expr    *expr
}

// update is an UPDATE.
type update struct {
	pos       int
	with      []*common
	table     string
	alias     string
	resolve   resolution
	set       []assignment
	from      []*fromTerm
	where     *expr
	returning []resultColumn
}

// deletion is a DELETE.
type deletion struct {
	pos       int
	with      []*common
	table     string
	alias     string
	where     *expr
	returning []resultColumn
}

// definition is a CREATE, DROP or ALTER, and the SELECT of CREATE TABLE … AS.
type definition struct {
	Definition
	pos   int
	keyed bool // a primary key was declared
	query *selection
}
