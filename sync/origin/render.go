package origin

import (
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/stowage-db/stowage/store"
)

// canonicalDialect is the language itself, with values in place: what it renders
// reads as the same expression again, and tells shapes apart.
const canonicalDialect dialect = -1

// quote makes an identifier of a name. In SQLite it takes grave accents, since a
// name in double quotes that no column has would be a text there.
func (d dialect) quote(name string) string {
	if d == sqliteDialect {
		return "`" + strings.ReplaceAll(name, "`", "``") + "`"
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// qualified names a table with its schema.
func (d dialect) qualified(r *Relation) string { return d.quote(r.Schema) + "." + d.quote(r.Name) }

// renderer composes SQL of parsed expressions.
type renderer struct {
	dialect  dialect
	params   []literal                       // what $1 … stand for
	relation *Relation                       // what the columns of a filter are of; nil in a statement
	tables   func(string) (*Relation, error) // what the tables of a statement are

	sql  strings.Builder
	args []any
	err  error
}

// renderFilter composes the condition of a shape over a relation, which holds
// the columns only that may be looked at.
func renderFilter(d dialect, r *Relation, filter expression, params []literal) (statement, error) {
	w := &renderer{dialect: d, relation: r, params: params}
	if k := w.kindOf(filter); k != boolKind && k != unknownKind {
		w.fail(store.InvalidQuery, "a filter that is not a condition", "")
	}
	w.write(filter, boolKind)
	return statement{w.sql.String(), w.args}, w.err
}

// renderStatement composes a SELECT of at most rows rows.
func renderStatement(d dialect, s *selection, params []literal, rows int, tables func(string) (*Relation, error)) (statement, error) {
	w := &renderer{dialect: d, params: params, tables: tables}
	w.add("SELECT * FROM (")
	w.selection(s)
	w.add(") AS ", d.quote("answer"), " LIMIT ", strconv.Itoa(rows))
	return statement{w.sql.String(), w.args}, w.err
}

func (w *renderer) add(parts ...string) {
	for _, part := range parts {
		w.sql.WriteString(part)
	}
}

func (w *renderer) fail(code store.Code, op, name string) {
	if w.err == nil {
		w.err = failure(code, op, name)
	}
}

// write renders an expression. A value of unknown kind takes that of hint.
func (w *renderer) write(e expression, hint kind) {
	switch x := e.(type) {
	case reference:
		w.reference(x)
	case literal:
		w.literal(x, hint)
	case parameter:
		w.literal(w.bound(x), hint)
	case unary:
		w.add("(", x.op, " ")
		w.write(x.x, map[string]kind{"NOT": boolKind, "-": numberKind}[x.op])
		w.add(")")
	case operation:
		w.operation(x)
	case test:
		w.add("(")
		w.write(x.x, map[bool]kind{true: unknownKind, false: boolKind}[x.is == "NULL"])
		w.add(" IS ", negation(x.not), x.is, ")")
	case distinct:
		w.distinct(x)
	case between:
		w.between(x)
	case membership:
		w.membership(x)
	case call:
		w.call(x, hint)
	case cast:
		w.cast(x)
	case choice:
		w.choice(x, hint)
	case subquery:
		if x.exists {
			w.add("EXISTS ")
		}
		w.add("(")
		w.selection(x.query)
		w.add(")")
	}
}

func negation(not bool) string {
	if not {
		return "NOT "
	}
	return ""
}

func (w *renderer) reference(x reference) {
	if w.relation == nil {
		if x.table.text != "" {
			w.add(w.name(x.table), ".")
		}
		w.add(w.name(x.column))
		return
	}
	c, ok := w.relation.column(x.column)
	if !ok || x.table.text != "" && !x.table.names(w.relation.Name) {
		w.fail(store.InvalidQuery, "filter by a column", x.column.text)
	}
	w.add(w.dialect.quote(c.Name))
}

// name renders an identifier of a statement, whose columns the database knows.
func (w *renderer) name(id identifier) string {
	if !id.quoted && w.dialect == postgresDialect {
		return w.dialect.quote(strings.ToLower(id.text))
	}
	return w.dialect.quote(id.text)
}

// bound returns what a parameter stands for.
func (w *renderer) bound(x parameter) literal {
	if x.n < 1 || x.n > len(w.params) {
		w.fail(store.InvalidQuery, "SQL with a parameter that is not given", "$"+strconv.Itoa(x.n))
		return literal{}
	}
	return w.params[x.n-1]
}

func (w *renderer) literal(x literal, hint kind) {
	switch {
	case x.kind == nullKind:
		w.add("NULL")
	case x.kind == boolKind:
		w.add(strings.ToUpper(x.text))
	case w.dialect == canonicalDialect && x.kind == numberKind:
		w.add(x.text)
	case w.dialect == canonicalDialect:
		w.add("'", strings.ReplaceAll(x.text, "'", "''"), "'")
	case w.dialect == postgresDialect:
		w.args = append(w.args, x.text)
		w.add("$", strconv.Itoa(len(w.args)), postgresCast(x, hint))
	default:
		value, err := sqliteValue(x, hint)
		if err != nil {
			w.fail(store.InvalidQuery, "SQL with a value of another type than what it is compared with", "")
		}
		w.args = append(w.args, value)
		w.add("?")
	}
}

// postgresCast returns the cast that gives a parameter the type which the literal
// would have. One of unknown type takes it from where it stands, as a quoted
// literal does.
func postgresCast(x literal, hint kind) string {
	if x.kind != numberKind {
		if hint == textKind {
			return "::text"
		}
		return ""
	}
	if _, err := strconv.ParseInt(x.text, 10, 64); err == nil {
		return "::int8"
	}
	return "::numeric"
}

// sqliteValue returns what a literal is bound as. SQLite would compare a text
// with a number, and find the text larger.
func sqliteValue(x literal, hint kind) (any, error) {
	switch {
	case x.kind == numberKind || hint == numberKind:
		if n, err := strconv.ParseInt(x.text, 10, 64); err == nil {
			return n, nil
		}
		return strconv.ParseFloat(x.text, 64)
	case hint == boolKind:
		return strconv.ParseBool(x.text)
	case hint == bytesKind:
		digits, ok := strings.CutPrefix(x.text, `\x`)
		if !ok {
			return nil, errors.New("bytes that are not hexadecimal")
		}
		return hex.DecodeString(digits)
	}
	return x.text, nil
}

// pair writes two operands, of which either may tell the kind of the other.
func (w *renderer) pair(x expression, between string, y expression, fallback kind) {
	kx, ky := w.kindOf(x), w.kindOf(y)
	w.comparable(kx, ky)
	w.write(x, first(ky, fallback))
	w.add(between)
	w.write(y, first(kx, fallback))
}

// comparable fails where two kinds are known and differ: Postgres would refuse
// it, SQLite answer something.
func (w *renderer) comparable(x, y kind) {
	if x != y && x != unknownKind && y != unknownKind && x != nullKind && y != nullKind {
		w.fail(store.InvalidQuery, "SQL that compares values of different types", "")
	}
}

func first(k, otherwise kind) kind {
	if k == unknownKind || k == nullKind {
		return otherwise
	}
	return k
}

func (w *renderer) operation(x operation) {
	w.add("(")
	defer w.add(")")
	switch x.op {
	case "AND", "OR":
		w.write(x.x, boolKind)
		w.add(" ", x.op, " ")
		w.write(x.y, boolKind)
	case "LIKE", "ILIKE":
		w.like(x)
	case "||":
		w.write(x.x, textKind)
		w.add(" || ")
		w.write(x.y, textKind)
	case "+", "-", "*", "/", "%":
		w.pair(x.x, " "+x.op+" ", x.y, numberKind)
	default:
		w.pair(x.x, " "+x.op+" ", x.y, unknownKind)
	}
}

// like renders Postgres' LIKE: it tells case apart, which a connection to SQLite
// is told to do too (sqlite.go), and its escape is the backslash.
func (w *renderer) like(x operation) {
	op, open, end := " "+x.op+" ", "", ""
	if w.dialect == sqliteDialect && x.op == "ILIKE" {
		op, open, end = " LIKE ", "lower(", ")"
	}
	w.add(open)
	w.write(x.x, textKind)
	w.add(end, op, open)
	w.write(x.y, textKind)
	w.add(end)
	if w.dialect != canonicalDialect {
		w.add(` ESCAPE '\'`)
	}
}

func (w *renderer) distinct(x distinct) {
	op := " IS " + negation(x.not) + "DISTINCT FROM "
	if w.dialect == sqliteDialect {
		op = " IS " + negation(!x.not)
	}
	w.add("(")
	w.pair(x.x, op, x.y, unknownKind)
	w.add(")")
}

func (w *renderer) between(x between) {
	k := first(w.kindOf(x.x), first(w.kindOf(x.low), w.kindOf(x.high)))
	for _, e := range []expression{x.x, x.low, x.high} {
		w.comparable(k, w.kindOf(e))
	}
	w.add("(")
	w.write(x.x, k)
	w.add(" ", negation(x.not), "BETWEEN ")
	w.write(x.low, k)
	w.add(" AND ")
	w.write(x.high, k)
	w.add(")")
}

func (w *renderer) membership(x membership) {
	k := w.kindOf(x.x)
	for _, e := range x.list {
		w.comparable(k, w.kindOf(e))
		k = first(k, w.kindOf(e))
	}
	w.add("(")
	w.write(x.x, k)
	w.add(" ", negation(x.not), "IN (")
	if x.query != nil {
		w.selection(x.query)
	}
	w.list(x.list, k)
	w.add("))")
}

func (w *renderer) list(list []expression, hint kind) {
	for i, e := range list {
		if i > 0 {
			w.add(", ")
		}
		w.write(e, hint)
	}
}

func (w *renderer) call(x call, hint kind) {
	w.add(x.name, "(")
	switch {
	case x.star:
		w.add("*")
	case x.distinct:
		w.add("DISTINCT ")
	}
	switch x.name {
	case "lower", "upper", "trim", "ltrim", "rtrim", "length":
		hint = textKind
	case "abs", "round", "sum", "avg":
		hint = numberKind
	case "substr":
		hint = textKind
	default:
		hint = first(w.kindOf(x), hint)
	}
	for i, e := range x.args {
		if i > 0 {
			w.add(", ")
		}
		if x.name == "substr" && i > 0 {
			w.position(e)
			continue
		}
		w.write(e, hint)
	}
	w.add(")")
}

// position writes a number of substr, which Postgres has for int4 only.
func (w *renderer) position(e expression) {
	if w.dialect != postgresDialect {
		w.write(e, numberKind)
		return
	}
	w.add("CAST(")
	w.write(e, numberKind)
	w.add(" AS int4)")
}

// sqliteTypes are what the types that may be cast to are called there.
var sqliteTypes = map[string]string{
	"text": "TEXT", "int4": "INTEGER", "int8": "INTEGER", "integer": "INTEGER", "bigint": "INTEGER",
	"float8": "REAL", "numeric": "NUMERIC", "bool": "INTEGER", "boolean": "INTEGER",
}

func (w *renderer) cast(x cast) {
	to := x.to
	if w.dialect == sqliteDialect {
		to = sqliteTypes[to]
	}
	hint := castTypes[x.to]
	if _, ok := x.x.(literal); !ok {
		hint = unknownKind
	}
	w.add("CAST(")
	w.write(x.x, hint)
	w.add(" AS ", to, ")")
}

func (w *renderer) choice(x choice, hint kind) {
	of := boolKind
	w.add("CASE ")
	if x.of != nil {
		of = w.kindOf(x.of)
		w.write(x.of, of)
	}
	hint = first(w.kindOf(x), hint)
	for i := range x.when {
		w.add(" WHEN ")
		w.write(x.when[i], of)
		w.add(" THEN ")
		w.write(x.then[i], hint)
	}
	if x.other != nil {
		w.add(" ELSE ")
		w.write(x.other, hint)
	}
	w.add(" END")
}

// kindOf tells what is known of an expression's type.
func (w *renderer) kindOf(e expression) kind {
	switch x := e.(type) {
	case reference:
		if w.relation != nil {
			if c, ok := w.relation.column(x.column); ok {
				return c.kind()
			}
		}
	case literal:
		return x.kind
	case unary:
		if x.op == "NOT" {
			return boolKind
		}
		return numberKind
	case operation:
		switch x.op {
		case "+", "-", "*", "/", "%":
			return numberKind
		case "||":
			return textKind
		}
		return boolKind
	case test, distinct, between, membership:
		return boolKind
	case call:
		if k := functions[x.name].returns; k != unknownKind || len(x.args) == 0 {
			return k
		}
		return w.kindOfAny(x.args)
	case cast:
		return castTypes[x.to]
	case choice:
		return first(w.kindOfAny(x.then), w.kindOf(x.other))
	case subquery:
		if x.exists {
			return boolKind
		}
	}
	return unknownKind
}

func (w *renderer) kindOfAny(list []expression) kind {
	for _, e := range list {
		if k := w.kindOf(e); k != unknownKind && k != nullKind {
			return k
		}
	}
	return unknownKind
}

// kind returns the kind of a column. What is compared with a date, JSON or an
// array is left to the database to read as one.
func (c Column) kind() kind {
	if c.Dims > 0 {
		return otherKind
	}
	switch c.Type {
	case "int2", "int4", "int8", "float4", "float8", "numeric":
		return numberKind
	case "text", "varchar", "bpchar":
		return textKind
	case "bool":
		return boolKind
	case "bytea":
		return bytesKind
	}
	return otherKind
}
