package main

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Names as they are searched: without case and accents, so that "orebro" finds
// Örebro. Kept beside each name in the store, where an index can reach it.
//
// The page folds what is typed in the same way, in src/fold.ts.

// whole has letters that Unicode does not take apart into a base and an accent.
var whole = strings.NewReplacer(
	"ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ß", "ss", "æ", "ae", "œ", "oe", "ı", "i", "ħ", "h", "ŋ", "n", "ə", "e",
	"’", "'", "‘", "'", "ʻ", "'", "ʼ", "'", "`", "'",
)

// fold folds a name: "Łódź" → "lodz", "Straße" → "strasse".
func fold(name string) string {
	var plain strings.Builder
	for _, letter := range norm.NFD.String(strings.ToLower(name)) {
		if !unicode.IsMark(letter) {
			plain.WriteRune(letter)
		}
	}
	return whole.Replace(plain.String())
}
