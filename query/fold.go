package query

import (
	"unicode"
	"unicode/utf8"
)

// fold returns a text's characters such that those that differ only in case are the
// same, as far as one character becomes one: ß is not ss.
func fold(text []byte) []rune {
	folded := make([]rune, 0, len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		folded = append(folded, foldRune(r))
		text = text[size:]
	}
	return folded
}

// foldRune returns the least of the characters that differ from r only in case.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return least
}

// containsFolded reports whether folded is a part of text, in any case.
func containsFolded(text []byte, folded []rune) bool {
	if len(folded) == 0 {
		return true
	}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		if foldRune(r) == folded[0] && beginsFolded(text, folded[1:]) {
			return true
		}
	}
	return false
}

func beginsFolded(text []byte, folded []rune) bool {
	for _, want := range folded {
		r, size := utf8.DecodeRune(text)
		if size == 0 || foldRune(r) != want {
			return false
		}
		text = text[size:]
	}
	return true
}
