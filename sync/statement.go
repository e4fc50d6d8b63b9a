package sync

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// words are what a statement consists of: texts, names in quotes, comments, parameters,
// names, blanks, and signs.
var words = regexp.MustCompile(`(?s)'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|[?$]\d*|[\p{L}_][\p{L}\p{N}_$]*|\s+|.`)

// blank is what only keeps others apart, or ends the statement.
var blank = regexp.MustCompile(`^(?:\s|;|--|/\*)`)

// named is a word that may be a name.
var named = regexp.MustCompile(`^["\p{L}_]`)

// behindTables are the words that may stand behind a table in FROM and are no name for it.
var behindTables = strings.Fields("ON USING WHERE GROUP HAVING ORDER LIMIT OFFSET UNION INTERSECT EXCEPT JOIN LEFT RIGHT FULL INNER CROSS NATURAL WINDOW INDEXED NOT")

// behindFrom are the words that end a list of tables, or begin what has none yet.
var behindFrom = strings.Fields("SELECT WHERE GROUP HAVING ORDER LIMIT WINDOW UNION INTERSECT EXCEPT")

// translation makes of a statement over a view what the origin is asked: `?` are `$1` …,
// and a model in FROM is the origin's table under its name, or what of it the model has.
// Pages have the same in js/src/sync/statement.ts.
type translation struct {
	view   *View
	params []any
	count  int               // of the parameters so far
	terms  map[*model]string // the values of which stand behind those of the statement
	open   []place           // outside, and in each parenthesis that is open
}

// place is where in a SELECT a translation is.
type place struct{ tables, table bool } // in the list of tables; where the next one stands

func (v *View) translated(text string, values []any) Statement {
	t := &translation{view: v, params: slices.Clone(values), terms: map[*model]string{}, open: make([]place, 1)}
	all := words.FindAllString(text, -1)
	before := ""
	var made strings.Builder
	for i, word := range all {
		if blank.MatchString(word) {
			made.WriteByte(' ')
			continue
		}
		next := ""
		if at := slices.IndexFunc(all[i+1:], func(word string) bool { return !blank.MatchString(word) }); at >= 0 {
			next = all[i+1+at]
		}
		made.WriteString(t.word(word, before, next))
		before = strings.ToUpper(word)
	}
	return Statement{SQL: strings.TrimSpace(made.String()), Params: t.params}
}

// word follows the statement by one word, and returns what is in its place.
func (t *translation) word(word, before, next string) string {
	upper, at := strings.ToUpper(word), &t.open[len(t.open)-1]
	switch {
	case word[0] == '?':
		return t.parameter(word[1:])
	case word == "(":
		t.open = append(t.open, *at)
		at.table = false
	case word == ")" && len(t.open) > 1:
		t.open = t.open[:len(t.open)-1]
	case word == ",":
		at.table = at.tables
	case upper == "FROM" && before != "DISTINCT":
		*at = place{true, true}
	case upper == "JOIN":
		at.table = true
	case slices.Contains(behindFrom, upper):
		*at = place{}
	case at.table:
		at.table = false
		if m := t.view.modelNamed(word); m != nil && next != "." && next != "(" {
			return t.table(m, next)
		}
	}
	return word
}

// parameter is the parameter with a number, or the next one.
func (t *translation) parameter(number string) string {
	n, err := strconv.Atoi(number)
	if err != nil {
		n = t.count + 1
	}
	t.count = max(t.count, n)
	return "$" + strconv.Itoa(n)
}

// table is a term of FROM for a model, under its name unless another one follows.
func (t *translation) table(m *model, next string) string {
	term, known := t.terms[m]
	if !known {
		term = t.term(m)
		t.terms[m] = term
	}
	if !named.MatchString(next) || slices.Contains(behindTables, strings.ToUpper(next)) {
		term += " as " + quoted(m.name)
	}
	return term
}

func (t *translation) term(m *model) string {
	if len(m.spec.Columns) == 0 && m.spec.Where == "" {
		return m.spec.Table
	}
	before := len(t.params)
	for _, text := range m.spec.Params {
		t.params = append(t.params, text)
	}
	where := words.ReplaceAllStringFunc(m.spec.Where, func(word string) string {
		if n, err := strconv.Atoi(strings.TrimPrefix(word, "$")); err == nil && word[0] == '$' {
			return "$" + strconv.Itoa(before+n)
		}
		return word
	})
	return "(" + m.statement(where, nil).SQL + ")"
}

// modelNamed is the model that a name in a statement stands for, nil where there is none.
func (v *View) modelNamed(word string) *model {
	name := word
	if word[0] == '"' {
		name = strings.ReplaceAll(word[1:len(word)-1], `""`, `"`)
	}
	if m := v.models[name]; m != nil {
		return m
	}
	for other, m := range v.models {
		if strings.EqualFold(other, name) {
			return m
		}
	}
	return nil
}
