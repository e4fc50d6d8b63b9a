package slt

import "strings"

// Tree is a statement, or a part of it, that can be made smaller without being none:
// a leaf has text, others have parts.
type Tree struct {
	kind kind
	text string
	kids []*Tree
}

// kind tells what may stand in a part's place.
type kind uint8

const (
	fixed    kind = iota // nothing else
	optional             // nothing at all
	number               // another expression of a number, of its parts or a literal
	text                 // of a text
	truth                // of a condition
	anything             // of any value
)

// smallest stand in the place of expressions at last.
var smallest = [...]string{number: "1", text: "'a'", truth: "1", anything: "null"}

// of makes a part out of strings and parts.
func of(k kind, parts ...any) *Tree {
	t := &Tree{kind: k}
	for _, part := range parts {
		switch part := part.(type) {
		case string:
			t.kids = append(t.kids, &Tree{text: part})
		case *Tree:
			if part != nil {
				t.kids = append(t.kids, part)
			}
		}
	}
	return t
}

// list joins parts, of which those after the first can be left out.
func list(separator string, parts []*Tree) *Tree {
	t := &Tree{}
	for i, part := range parts {
		if i > 0 {
			part = of(optional, separator, part)
		}
		t.kids = append(t.kids, part)
	}
	return t
}

// String returns the text of the statement.
func (t *Tree) String() string {
	var b strings.Builder
	t.write(&b)
	return b.String()
}

func (t *Tree) write(b *strings.Builder) {
	b.WriteString(t.text)
	for _, kid := range t.kids {
		kid.write(b)
	}
}

// Reduce makes the tree smaller, as long as holds says of its text that it still has
// what it is reduced for.
func (t *Tree) Reduce(holds func(statement string) bool) {
	for smaller := true; smaller; {
		smaller = t.shrink(t, holds)
	}
}

// shrink tries all that can be done to a part, and reports whether something was.
func (t *Tree) shrink(part *Tree, holds func(string) bool) (smaller bool) {
	if part.kind != fixed {
		for _, instead := range part.instead() {
			before := *part
			*part = *instead
			if len(part.String()) < len(before.String()) && holds(t.String()) {
				return true
			}
			*part = before
		}
	}
	for _, kid := range part.kids {
		if t.shrink(kid, holds) {
			smaller = true
		}
	}
	return smaller
}

// instead are parts that can stand in the place of one.
func (t *Tree) instead() (candidates []*Tree) {
	if t.kind == optional {
		return []*Tree{{}}
	}
	candidates = append(candidates, &Tree{kind: t.kind, text: smallest[t.kind]})
	var collect func(part *Tree)
	collect = func(part *Tree) {
		for _, kid := range part.kids {
			if kid.kind == t.kind || t.kind == anything && kid.kind > anything {
				candidates = append(candidates, kid)
			}
			collect(kid)
		}
	}
	collect(t)
	return candidates
}
