package origin

import "strings"

// expression is a node of parsed SQL: one of the types below.
type expression interface{}

// identifier is a name as it was written. One without quotes names what differs
// from it in case only.
type identifier struct {
	text   string
	quoted bool
}

func (id identifier) names(name string) bool {
	return id.text == name || !id.quoted && strings.EqualFold(id.text, name)
}

type (
	// reference is a column, of a table or alias where one is named.
	reference struct{ table, column identifier }

	// literal is a value. The kind unknown is that of a text or parameter that
	// takes the type of what it is compared with.
	literal struct {
		kind kind
		text string
	}

	// parameter is $n: bound literals take its place before anything is rendered.
	parameter struct{ n int }

	unary struct { // NOT x, -x
		op string
		x  expression
	}
	operation struct { // x op y, LIKE and ILIKE included
		op   string
		x, y expression
	}
	test struct { // x IS [NOT] NULL, TRUE, FALSE
		x   expression
		is  string
		not bool
	}
	distinct struct { // x IS [NOT] DISTINCT FROM y
		x, y expression
		not  bool
	}
	between struct {
		x, low, high expression
		not          bool
	}
	membership struct { // x [NOT] IN (list) or (query)
		x     expression
		list  []expression
		query *selection
		not   bool
	}
	call struct {
		name     string // in small letters, one of functions
		args     []expression
		distinct bool
		star     bool // count(*)
	}
	cast struct {
		x  expression
		to string // one of castTypes
	}
	choice struct { // CASE
		of    expression // nil, or what the conditions are compared with
		when  []expression
		then  []expression
		other expression // nil where there is no ELSE
	}
	subquery struct {
		query  *selection
		exists bool
	}
)

// selection is a SELECT, or several of them combined.
type selection struct {
	distinct bool
	items    []item
	from     []table // joined from left to right
	where    expression
	group    []expression
	having   expression
	combine  string // UNION, UNION ALL, INTERSECT or EXCEPT with next, or ""
	next     *selection
	order    []ordering
	limit    expression
	offset   expression
}

// item is what a SELECT returns: an expression, or all columns of a table.
type item struct {
	x     expression // nil for *
	of    identifier // in t.*; empty for all tables
	alias identifier
}

// table is what stands in a FROM: a named table, or a query.
type table struct {
	join  string // INNER JOIN, LEFT JOIN, CROSS JOIN; "" for the first
	name  string // with its schema where one is named
	query *selection
	alias identifier
	on    expression
}

type ordering struct {
	x          expression
	descending bool
	nulls      string // FIRST, LAST or ""
}

// kind is what is known of an expression's type.
type kind int

const (
	unknownKind kind = iota
	numberKind
	textKind
	boolKind
	bytesKind
	nullKind
	otherKind // known, and none of these: a date, JSON
)

// function is what may be called: the kind that it returns, unknownKind where
// that is its first argument's, and how many arguments it takes.
type function struct {
	returns     kind
	least, most int
	aggregate   bool // in statements only
}

// functions are all that may be called. None of them reads or writes anything,
// or makes a long value of short ones.
var functions = map[string]function{
	"lower":    {textKind, 1, 1, false},
	"upper":    {textKind, 1, 1, false},
	"trim":     {textKind, 1, 2, false},
	"ltrim":    {textKind, 1, 2, false},
	"rtrim":    {textKind, 1, 2, false},
	"substr":   {textKind, 2, 3, false},
	"length":   {numberKind, 1, 1, false},
	"abs":      {numberKind, 1, 1, false},
	"round":    {numberKind, 1, 1, false},
	"coalesce": {unknownKind, 2, 16, false},
	"nullif":   {unknownKind, 2, 2, false},
	"count":    {numberKind, 1, 1, true},
	"sum":      {numberKind, 1, 1, true},
	"avg":      {numberKind, 1, 1, true},
	"min":      {unknownKind, 1, 1, true},
	"max":      {unknownKind, 1, 1, true},
}

// castTypes are the types that may be cast to, and the kind they have.
var castTypes = map[string]kind{
	"text": textKind, "int4": numberKind, "int8": numberKind, "integer": numberKind, "bigint": numberKind,
	"float8": numberKind, "numeric": numberKind, "bool": boolKind, "boolean": boolKind,
}
