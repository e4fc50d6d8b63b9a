package sql

import (
	"strings"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// beginning is what a LIKE or GLOB says of the component behind a probe's parts: what its
// text begins with.
type beginning struct {
	*term
	pattern eval
}

// wildcards end what is known of a text's beginning, as NUL does: for SQLite it ends the
// pattern, and the text.
var wildcards = map[string]string{"like": "%_\x00", "glob": "*?[\x00"}

// beginningOf returns the beginning that a condition of the pool tells of a component,
// nil where none does. A pattern that is known to begin with a wildcard tells nothing.
func beginningOf(o *operand, path query.Path, pool []*pooled, bound sources) *beginning {
	for _, p := range pool {
		if p.kind != termMatch || p.not || p.volatile || len(p.kids) > 2 || wildcards[p.op] == "" || !columnAt(p.kids[0], o, path) {
			continue
		}
		pattern := p.kids[1]
		if pattern.uses&^(bound|outside) != 0 {
			continue
		}
		b := &beginning{term: p.term}
		if pattern.kind == termLiteral && b.of(pattern.value) == "" {
			continue
		}
		return b
	}
	return nil
}

// of returns what comes before a pattern's first wildcard.
func (b *beginning) of(pattern value.Value) string {
	text := pattern.Text()
	if end := strings.IndexAny(text, wildcards[b.op]); end >= 0 {
		return text[:end]
	}
	return text
}

// ranges are those of what may have a text that begins so. What is no text in a document
// has one too: numbers, booleans and points in time begin with few characters, bytes and
// what is nested with any.
func (b *beginning) ranges(prefix []byte, begin string) []query.KeyRange {
	if begin == "" {
		return []query.KeyRange{tagged(prefix, tagFalse, tagEnd)}
	}
	var ranges []query.KeyRange
	if c := begin[0]; isDigit(c) || strings.IndexByte("+-.INin", c) >= 0 {
		ranges = append(ranges, tagged(prefix, tagFalse, tagText))
	}
	variants := []string{begin}
	if b.op == "like" {
		variants = cased(begin)
	}
	for _, text := range variants {
		key := query.AppendKeyString(prefix[:len(prefix):len(prefix)], text)
		ranges = append(ranges, query.PrefixRange(key[:len(key)-1])) // without the text's end
	}
	return append(ranges, tagged(prefix, tagText+1, tagEnd))
}

// maxVariants is how many ways of writing the first letters are looked for.
const maxVariants = 16

// cased are the ways to write a text's first ASCII letters, as many as there is room for.
func cased(text string) []string {
	variants := []string{""}
	for i := range len(text) {
		lower, upper := text[i:i+1], text[i:i+1]
		if c := text[i] | 0x20; 'a' <= c && c <= 'z' {
			lower, upper = string(rune(c)), string(rune(c&^0x20))
		}
		if lower != upper && 2*len(variants) > maxVariants {
			break
		}
		for n, begin := range variants {
			variants[n] = begin + lower
			if lower != upper {
				variants = append(variants, begin+upper)
			}
		}
	}
	return variants
}
