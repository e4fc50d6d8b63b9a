package sql

import (
	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// A multi-entry index has an entry for each element of a list. It serves conditions
// on what json_each makes of the list:
//
//	'x' IN (SELECT value FROM json_each(tags))
//	EXISTS (SELECT 1 FROM json_each(tags) WHERE value = 'x')
//	… FROM posts, json_each(tags) AS tag WHERE tag.value = 'x'
//
// where json_type(tags) = 'array' is asked for too.

// element is that a list has an element.
type element struct {
	list, value *term
}

// elementOf returns what a subquery says of json_each of a column: which column, and
// for EXISTS what an element is equal to.
func elementOf(q *selection, exists bool) (list, equal *expr) {
	if len(q.cores) > 1 || q.with != nil || q.limit != nil {
		return nil, nil
	}
	k := q.cores[0]
	if len(k.from) != 1 || k.having != nil || len(k.group) > 0 {
		return nil, nil
	}
	each := k.from[0]
	if !each.call || value.Fold(each.name) != "json_each" || len(each.args) != 1 || each.args[0].kind != exprColumn {
		return nil, nil
	}
	if !exists {
		if k.where != nil || len(k.columns) != 1 || !isElement(k.columns[0].expr, each) {
			return nil, nil
		}
		return each.args[0], nil
	}
	if e := k.where; e != nil && e.kind == exprBinary && e.op == "=" {
		for i, kid := range e.kids {
			if other := e.kids[1-i]; isElement(kid, each) && (other.kind == exprLiteral || other.kind == exprParam) {
				return each.args[0], other
			}
		}
	}
	return nil, nil
}

// isElement reports whether an expression is the column value of json_each.
func isElement(e *expr, each *fromTerm) bool {
	if e == nil || e.kind != exprColumn || value.Fold(e.name) != "value" {
		return false
	}
	table := value.Fold(e.table)
	return table == "" || table == value.Fold(each.alias) || each.alias == "" && table == "json_each"
}

// memberOf returns the value that one of the elements of a list at a path is equal to,
// nil where no condition of the pool says so.
func memberOf(o *operand, path query.Path, pool []*pooled, bound sources) *part {
	if !isList(o, path, pool) {
		return nil
	}
	for _, p := range pool {
		if p.volatile || p.not {
			continue
		}
		var other *term
		switch {
		case p.element != nil && columnAt(p.element.list, o, path):
			other = p.element.value
		case p.kind == termCompare && p.op == "=" && p.kids[0].width() == 1:
			for i, kid := range p.kids {
				if isElementOf(kid, o, path) {
					other = p.kids[1-i]
				}
			}
		}
		if other == nil || other.uses&^(bound|outside) != 0 || other.affinity.Numeric() || collationOf(other) != value.Binary {
			continue
		}
		return &part{values: []*term{other}, member: true}
	}
	return nil
}

// isElementOf reports whether a term is the value column of json_each of a list of an
// operand at a path.
func isElementOf(t *term, o *operand, path query.Path) bool {
	return t.kind == termSlot && t.origin != nil && t.origin.list != nil && columnAt(t.origin.list, o, path) &&
		t.origin.columns[t.column].folded == "value"
}

// isList reports whether a condition of the pool says that the value at a path is a list.
// Only then an index has an entry for whatever json_each finds: not for the members of an
// object, nor for what is no list at all.
func isList(o *operand, path query.Path, pool []*pooled) bool {
	for _, p := range pool {
		if p.kind != termCompare || p.op != "=" {
			continue
		}
		for i, kid := range p.kids {
			if other := p.kids[1-i]; kid.kind == termCall && kid.name == "json_type" && len(kid.kids) == 1 && columnAt(kid.kids[0], o, path) &&
				other.kind == termLiteral && other.value.Text() == "array" {
				return true
			}
		}
	}
	return false
}

// appendMember appends the ranges of what json_each may find a value in beside an
// element that is it: points in time, bytes, what is nested, and texts, which may be JSON.
func appendMember(dst []query.KeyRange, prefix []byte) []query.KeyRange {
	return append(dst, tagged(prefix, tagDate, tagText), tagged(prefix, tagText+1, tagEnd), query.PrefixRange(query.AppendKeyOther(prefix[:len(prefix):len(prefix)])))
}
