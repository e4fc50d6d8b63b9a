package query

import "errors"

// Test holds where f says so of the value at path, which it is given as ReadValue
// reads it, with args. An error of f ends the search and is what it fails with.
func Test(path Path, f func(v any, args ...any) (bool, error), args ...any) Expr {
	return &call{path: path, make: func() (function, error) {
		return func(raw []byte) ([]byte, error) {
			v, _ := ReadValue(raw)
			return answerOf(f(v, args...))
		}, nil
	}}
}

// Custom holds where f says so of the whole document. Where two calls of f always
// say the same of the same document, an identity tells it from other functions and
// makes results of the filter cacheable; else it is empty.
func Custom(f func(doc map[string]any) (bool, error), identity string) Expr {
	return &call{identity: identity, make: func() (function, error) {
		return func(raw []byte) ([]byte, error) {
			v, _ := ReadValue(raw)
			doc, _ := v.(map[string]any)
			return answerOf(f(doc))
		}, nil
	}}
}

// Map holds where filter does of what f makes of the value at path. Paths in it
// start from that, and Itself leads to it. Where f makes Nothing of the value, Map
// does not hold.
func Map(path Path, f func(v any) (any, error), filter Expr) Expr {
	return &call{path: path, filters: []Expr{filter}, make: func() (function, error) {
		return func(raw []byte) ([]byte, error) {
			v, _ := ReadValue(raw)
			mapped, err := f(v)
			if err != nil {
				return nil, err
			}
			answer := AppendValue(nil, mapped)
			if skip(answer, 0) < 0 {
				return nil, errUnanswerable
			}
			return answer, nil
		}, nil
	}}
}

var errUnanswerable = fail(codeInvalidQuery, "a function made something that is no value of a document")

// Pattern is a regular expression that is ready for use, as *regexp.Regexp is.
type Pattern interface{ Match(text []byte) bool }

// Matches holds where the value at path is a string that begins as the expression
// says. It is made ready by compile, which is regexp.Compile or the like of another
// package: this one does not depend on any. What LiteralPrefix says of the expression,
// if it has such a method, an index can tell.
func Matches[P Pattern](path Path, expression string, compile func(string) (P, error)) Expr {
	return anchored("matches", path, expression, "", compile)
}

// Search is Matches for an expression that may be met anywhere in the string.
func Search[P Pattern](path Path, expression string, compile func(string) (P, error)) Expr {
	return pattern("search", path, expression, compile)
}

// FullMatch is Matches for an expression that the whole string must meet.
func FullMatch[P Pattern](path Path, expression string, compile func(string) (P, error)) Expr {
	return anchored("fullMatch", path, expression, `\z`, compile)
}

// anchored is the expression from the start of the string, and what it begins with.
func anchored[P Pattern](name string, path Path, expression, end string, compile func(string) (P, error)) Expr {
	e := pattern(name, path, `\A(?:`+expression+`)`+end, compile)
	if p, err := compile(expression); err == nil {
		if told, ok := any(p).(interface{ LiteralPrefix() (string, bool) }); ok {
			if beginning, _ := told.LiteralPrefix(); beginning != "" {
				return And(StartsWith(path, beginning), e)
			}
		}
	}
	return e
}

func pattern[P Pattern](name string, path Path, expression string, compile func(string) (P, error)) Expr {
	return &call{path: path, identity: name + " " + expression, make: func() (function, error) {
		p, err := compile(expression)
		if err != nil {
			return nil, errors.New("the regular expression is wrong") // err would quote it
		}
		return func(raw []byte) ([]byte, error) {
			v, _ := decode(raw, 0)
			return answerOf(v.kind == kindString && p.Match(v.body), nil)
		}, nil
	}}
}

func answerOf(holds bool, err error) ([]byte, error) {
	if holds {
		return isTrue, err
	}
	return isFalse, err
}
