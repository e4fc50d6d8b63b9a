package origin

import (
	"strings"
	"unicode/utf8"

	"github.com/stowage-db/stowage/store"
)

// tokenKind tells what a token is.
type tokenKind int

const (
	endToken tokenKind = iota
	wordToken
	quotedToken // an identifier in double quotes
	textToken   // a string in single quotes
	numberToken
	paramToken // $1
	markToken  // an operator or punctuation
)

// token is a word of SQL. Text is what it stands for: without quotes, words
// as they were written.
type token struct {
	kind tokenKind
	text string
}

// is reports whether a token is a keyword, given in capitals, or a mark.
func (t token) is(word string) bool {
	switch t.kind {
	case markToken:
		return t.text == word
	case wordToken:
		return len(t.text) == len(word) && strings.EqualFold(t.text, word)
	default:
		return false
	}
}

// marks are the operators and the punctuation, longest first. Comments are none
// of the language, nor are semicolons.
var marks = []string{"<=", ">=", "<>", "!=", "||", "::", "=", "<", ">", "+", "-", "*", "/", "%", "(", ")", ",", "."}

// lex cuts SQL of at most limit bytes into tokens.
func lex(sql string, limit int) ([]token, error) {
	if len(sql) > limit {
		return nil, failure(store.TooLarge, "read SQL", "")
	}
	if !utf8.ValidString(sql) || strings.ContainsRune(sql, 0) {
		return nil, failure(store.InvalidQuery, "SQL that is not text", "")
	}
	var tokens []token
	for {
		sql = strings.TrimLeft(sql, " \t\r\n")
		if sql == "" {
			return append(tokens, token{}), nil
		}
		t, size := next(sql)
		if size == 0 {
			return nil, failure(store.InvalidQuery, "SQL that cannot be read", start(sql))
		}
		tokens = append(tokens, t)
		sql = sql[size:]
	}
}

// next returns the first token and its size in bytes, 0 where there is none.
func next(sql string) (token, int) {
	switch c := sql[0]; {
	case c == '\'':
		return quoted(sql, '\'', textToken)
	case c == '"':
		return quoted(sql, '"', quotedToken)
	case c == '$':
		n := 1 + span(sql[1:], digit)
		if n == 1 || n > 4 {
			return token{}, 0
		}
		return token{paramToken, sql[1:n]}, n
	case digit(c), c == '.' && len(sql) > 1 && digit(sql[1]):
		return number(sql)
	case letter(c):
		n := span(sql, func(c byte) bool { return letter(c) || digit(c) || c == '$' })
		return token{wordToken, sql[:n]}, n
	case strings.HasPrefix(sql, "--"), strings.HasPrefix(sql, "/*"):
		return token{}, 0
	}
	for _, mark := range marks {
		if strings.HasPrefix(sql, mark) {
			return token{markToken, mark}, len(mark)
		}
	}
	return token{}, 0
}

// quoted reads what stands between two quotes, which a doubled one does not end.
func quoted(sql string, quote byte, kind tokenKind) (token, int) {
	var text strings.Builder
	for i := 1; i < len(sql); i++ {
		if sql[i] == quote {
			if i+1 == len(sql) || sql[i+1] != quote {
				if kind == quotedToken && text.Len() == 0 {
					return token{}, 0
				}
				return token{kind, text.String()}, i + 1
			}
			i++
		}
		text.WriteByte(sql[i])
	}
	return token{}, 0
}

func number(sql string) (token, int) {
	n := span(sql, digit)
	if n < len(sql) && sql[n] == '.' {
		n++
		n += span(sql[n:], digit)
	}
	if n < len(sql) && sql[n]|0x20 == 'e' {
		e := n + 1
		if e < len(sql) && (sql[e] == '+' || sql[e] == '-') {
			e++
		}
		digits := span(sql[e:], digit)
		if digits == 0 {
			return token{}, 0
		}
		n = e + digits
	}
	if n < len(sql) && letter(sql[n]) {
		return token{}, 0 // 1x is neither a number nor a name
	}
	return token{numberToken, sql[:n]}, n
}

// span returns how many of the first bytes a test accepts.
func span(s string, accepts func(byte) bool) int {
	n := 0
	for n < len(s) && accepts(s[n]) {
		n++
	}
	return n
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// letter accepts every byte beyond ASCII: identifiers may be in any script.
func letter(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c >= utf8.RuneSelf
}

// start returns the first few characters, for a message.
func start(sql string) string {
	for i := range sql {
		if i >= 16 {
			return sql[:i]
		}
	}
	return sql
}
