package function

import (
	"strings"

	"github.com/stowage-db/stowage/query/sql/value"
)

// edit is what is done at the end of a path.
type edit uint8

const (
	look    edit = iota
	remove       // take it out
	swap         // put a value in the place of what is there
	insert       // put a value where nothing is
	set          // either
	squeeze      // put a value before an element of a list
)

// errBadPath is that of a path which is none.
//
//go:noinline
func errBadPath(path string) error {
	return Error("bad JSON path: '" + strings.ReplaceAll(path, "'", "''") + "'")
}

// walk is one way along a path.
type walk struct {
	do    edit
	with  *node // what is put in
	found *node // what was looked for
	bad   bool  // the path is none, as far as it was gone
	plain bool  // the path does not end in a list, where squeeze needs one
}

// follow goes from a node along path, and returns what is in the node's place then,
// nil for nothing.
func (w *walk) follow(n *node, path string) *node {
	if path == "" {
		w.found = n
		switch w.do {
		case remove:
			return nil
		case swap, set:
			return w.with
		}
		return n
	}
	switch path[0] {
	case '.':
		return w.member(n, path)
	case '[':
		return w.element(n, path)
	}
	w.bad = true
	return n
}

// label splits the name of a member off a path.
func label(path string) (name *node, rest string, ok bool) {
	path = path[1:]
	if !strings.HasPrefix(path, `"`) {
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		return &node{kind: jsonText, form: unquoted, text: path[:end]}, path[end:], end > 0
	}
	end := 1
	for end < len(path) && path[end] != '"' {
		if path[end] == '\\' && end+1 < len(path) {
			end++
		}
		end++
	}
	if end >= len(path) {
		return nil, "", false
	}
	name = &node{kind: jsonText, form: unquoted, text: path[1:end]}
	if strings.Contains(name.text, `\`) {
		name.form = lenient
	}
	return name, path[end+1:], true
}

func (w *walk) member(n *node, path string) *node {
	name, rest, ok := label(path)
	if !ok {
		w.bad = true
		return n
	}
	if n.kind != jsonMap {
		return n
	}
	wanted := name.string()
	for i := 0; i < len(n.nodes); i += 2 {
		if n.nodes[i].string() != wanted {
			continue
		}
		if w.do == squeeze && rest == "" {
			w.plain = true
			return n
		}
		if to := w.follow(n.nodes[i+1], rest); to == nil {
			n.nodes = append(n.nodes[:i], n.nodes[i+2:]...)
		} else {
			n.nodes[i+1] = to
		}
		return n
	}
	if w.do < insert {
		return n
	}
	if w.do == squeeze && !strings.HasSuffix(rest, "]") {
		w.plain = true
		return n
	}
	if added := w.make(rest); added != nil {
		n.nodes = append(n.nodes, name, added)
	}
	return n
}

// make returns what stands where there was nothing and the path goes on, nil where
// it leads nowhere.
func (w *walk) make(path string) *node {
	n := &node{kind: jsonMap}
	switch {
	case path == "":
		w.found = w.with
		return w.with
	case path[0] == '.':
	case strings.HasPrefix(path, "[0]") || strings.HasPrefix(path, "[#]"):
		n.kind = jsonList
	default:
		if path[0] != '[' {
			w.bad = true
		}
		return nil
	}
	if n = w.follow(n, path); w.bad || len(n.nodes) == 0 {
		return nil
	}
	return n
}

// index splits the position of an element off a path; from the end of a list of so
// many elements where it says so.
func index(path string, count int) (i int, rest string, ok bool) {
	digits := func(at int) (n, end int) {
		for end = at; end < len(path) && isDigit(path[end]); end++ {
			n = min(n*10+int(path[end]-'0'), 1<<32)
		}
		return n, end
	}
	i, end := digits(1)
	if end == 1 {
		if !strings.HasPrefix(path, "[#") {
			return 0, "", false
		}
		i, end = count, 2
		if strings.HasPrefix(path, "[#-") {
			back, after := digits(3)
			if after > 3 {
				i, end = count-back, after
			}
		}
	}
	if i < 0 {
		return i, "", true // whatever follows
	}
	if end >= len(path) || path[end] != ']' {
		return 0, "", false
	}
	return i, path[end+1:], true
}

func (w *walk) element(n *node, path string) *node {
	if n.kind != jsonList {
		return n
	}
	i, rest, ok := index(path, len(n.nodes))
	switch {
	case !ok:
		w.bad = true
	case i < 0 || i > len(n.nodes):
	case i == len(n.nodes):
		if w.do >= insert {
			if added := w.make(rest); added != nil {
				n.nodes = append(n.nodes, added)
			}
		}
	case w.do == squeeze && rest == "":
		n.nodes = append(n.nodes, nil)
		copy(n.nodes[i+1:], n.nodes[i:])
		n.nodes[i] = w.with
	default:
		if to := w.follow(n.nodes[i], rest); to == nil {
			n.nodes = append(n.nodes[:i], n.nodes[i+1:]...)
		} else {
			n.nodes[i] = to
		}
	}
	return n
}

// at looks a path up, nil where nothing is there.
func (n *node) at(path string) (*node, error) {
	if !strings.HasPrefix(path, "$") {
		return nil, errBadPath(path)
	}
	w := walk{}
	w.follow(n, path[1:])
	if w.bad {
		return nil, errBadPath(path)
	}
	return w.found, nil
}

// short is the path that the right side of an arrow stands for: a position, a name,
// or a path proper.
func short(v value.Value) string {
	path := v.Text()
	switch {
	case strings.HasPrefix(path, "$"):
		return path
	case v.Kind() == value.Integer:
		if path[0] == '-' {
			path = "#" + path
		}
		return "$[" + path + "]"
	case simple(path):
		return "$." + path
	case len(path) >= 3 && path[0] == '[' && path[len(path)-1] == ']':
		return "$" + path
	}
	return `$."` + path + `"`
}

// simple reports whether s is made of letters and digits.
func simple(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) && !isDigit(s[i]) {
			return false
		}
	}
	return true
}
