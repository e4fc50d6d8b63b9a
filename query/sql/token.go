package sql

import (
	"strings"

	"github.com/stowage-db/stowage/query/sql/value"
)

// token is a word, a literal or a sign of a statement's text.
type token struct {
	kind     tokenKind
	pos, end int    // text[pos:end]
	text     string // a word as written; a name or a string without its quotes; a sign
	folded   string // of a word: in small letters
}

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenName    // "quoted", [quoted] or `quoted`
	tokenString  // 'quoted'
	tokenBlob    // x'00ff', as bytes
	tokenInteger // 12, 0x1f
	tokenReal    // 1.5, 1e3
	tokenParam   // ?, ?1, :name, @name, $name
	tokenSign
)

// signs are what is neither word nor literal, longer ones first.
var signs = []string{"->>", "||", "->", "<<", ">>", "<=", ">=", "<>", "!=", "==",
	"(", ")", ",", ";", ".", "+", "-", "*", "/", "%", "=", "<", ">", "&", "|", "~"}

// scan cuts a text into tokens, of which the last one is the end.
func scan(text string) ([]token, error) {
	tokens := make([]token, 0, len(text)/4+2)
	for at := 0; ; {
		at = skipBlank(text, at)
		if at >= len(text) {
			return append(tokens, token{pos: len(text), end: len(text)}), nil
		}
		t, err := scanToken(text, at)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		at = t.end
	}
}

// skipBlank passes over space and comments.
func skipBlank(text string, at int) int {
	for at < len(text) {
		rest := text[at:]
		switch {
		case strings.IndexByte(" \t\n\r\f", text[at]) >= 0:
			at++
		case strings.HasPrefix(rest, "--"):
			if end := strings.IndexByte(rest, '\n'); end >= 0 {
				at += end + 1
			} else {
				return len(text)
			}
		case strings.HasPrefix(rest, "/*"):
			if end := strings.Index(rest[2:], "*/"); end >= 0 {
				at += end + 4
			} else {
				return len(text)
			}
		default:
			return at
		}
	}
	return at
}

func scanToken(text string, at int) (token, error) {
	c := text[at]
	switch {
	case c == '\'':
		return scanQuoted(text, at, '\'', tokenString)
	case c == '"' || c == '`':
		return scanQuoted(text, at, c, tokenName)
	case c == '[':
		if end := strings.IndexByte(text[at:], ']'); end > 0 {
			return token{kind: tokenName, pos: at, end: at + end + 1, text: text[at+1 : at+end]}, nil
		}
	case (c == 'x' || c == 'X') && at+1 < len(text) && text[at+1] == '\'':
		return scanBlob(text, at)
	case isDigit(c) || c == '.' && at+1 < len(text) && isDigit(text[at+1]):
		return scanNumber(text, at)
	case isLetter(c):
		end := at
		for end < len(text) && (isLetter(text[end]) || isDigit(text[end]) || text[end] == '$') {
			end++
		}
		return token{kind: tokenWord, pos: at, end: end, text: text[at:end], folded: value.Fold(text[at:end])}, nil
	case strings.IndexByte("?:@$#", c) >= 0 && c != '#':
		return scanParam(text, at)
	}
	for _, sign := range signs {
		if strings.HasPrefix(text[at:], sign) {
			return token{kind: tokenSign, pos: at, end: at + len(sign), text: sign}, nil
		}
	}
	return token{}, fail(codeSyntax, at, "unrecognized token")
}

//go:noinline
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

//go:noinline
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c >= 0x80 }

//go:noinline
func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// scanQuoted reads what stands between quotes, of which two stand for one.
func scanQuoted(text string, at int, quote byte, kind tokenKind) (token, error) {
	double := false
	for end := at + 1; end < len(text); end++ {
		if text[end] != quote {
			continue
		}
		if end+1 < len(text) && text[end+1] == quote {
			double = true
			end++
			continue
		}
		inside := text[at+1 : end]
		if double {
			q := string(quote)
			inside = strings.ReplaceAll(inside, q+q, q)
		}
		return token{kind: kind, pos: at, end: end + 1, text: inside}, nil
	}
	return token{}, fail(codeSyntax, at, "a quote is not closed")
}

func scanBlob(text string, at int) (token, error) {
	end := at + 2
	for end < len(text) && isHex(text[end]) {
		end++
	}
	digits := text[at+2 : end]
	if end >= len(text) || text[end] != '\'' || len(digits)%2 != 0 {
		return token{}, fail(codeSyntax, at, "a blob is not an even number of hexadecimal digits")
	}
	blob := make([]byte, len(digits)/2)
	for i := range blob {
		blob[i] = hexValue(digits[2*i])<<4 | hexValue(digits[2*i+1])
	}
	return token{kind: tokenBlob, pos: at, end: end + 1, text: string(blob)}, nil
}

func hexValue(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// scanNumber reads a number, of which _ may part the digits.
func scanNumber(text string, at int) (token, error) {
	end, kind := at, tokenInteger
	digits := func(is func(byte) bool) {
		for end < len(text) && (is(text[end]) || text[end] == '_' && end > at && is(text[end-1]) && end+1 < len(text) && is(text[end+1])) {
			end++
		}
	}
	if text[at] == '0' && at+2 < len(text) && text[at+1]|0x20 == 'x' && isHex(text[at+2]) {
		end += 2
		digits(isHex)
	} else {
		digits(isDigit)
		if end < len(text) && text[end] == '.' {
			kind = tokenReal
			end++
			digits(isDigit)
		}
		if mark := exponent(text, end); mark > end {
			kind = tokenReal
			end = mark
			digits(isDigit)
		}
	}
	if end < len(text) && (isLetter(text[end]) || isDigit(text[end])) {
		return token{}, fail(codeSyntax, at, "unrecognized token")
	}
	return token{kind: kind, pos: at, end: end, text: strings.ReplaceAll(text[at:end], "_", "")}, nil
}

// exponent returns where the digits of an exponent begin, at where there is none.
func exponent(text string, at int) int {
	end := at
	if end >= len(text) || text[end]|0x20 != 'e' {
		return at
	}
	end++
	if end < len(text) && (text[end] == '+' || text[end] == '-') {
		end++
	}
	if end >= len(text) || !isDigit(text[end]) {
		return at
	}
	return end
}

func scanParam(text string, at int) (token, error) {
	end := at + 1
	for end < len(text) && (isDigit(text[end]) || text[at] != '?' && isLetter(text[end])) {
		end++
	}
	if text[at] != '?' && end == at+1 {
		return token{}, fail(codeSyntax, at, "unrecognized token")
	}
	return token{kind: tokenParam, pos: at, end: end, text: text[at:end]}, nil
}
