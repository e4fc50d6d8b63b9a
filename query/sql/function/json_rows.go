package function

import (
	"strconv"
	"strings"

	"github.com/stowage-db/stowage/query/sql/value"
)

// Row is what json_each and json_tree tell of one value inside of another.
type Row struct {
	Key     value.Value // name of a member, position of an element
	Value   value.Value
	Type    value.Value
	Atom    value.Value // the value where it is neither list nor map
	ID      value.Value // a number that no other row has
	Parent  value.Value // the ID of what it is in, of json_tree
	FullKey value.Value // the path that leads to it
	Path    value.Value // the path of what it is in
}

// RowColumns are the names of what a row tells, in the order of its fields.
var RowColumns = [...]string{"key", "value", "type", "atom", "id", "parent", "fullkey", "path"}

// Rows is json_each, and json_tree with deep set. It calls emit for the elements of
// the list, or the members of the map, that a path leads to in a text of JSON, once
// for what is neither; with deep set for that itself and all that is inside. A root
// that is absent is "$". The row is emit's until it returns; an error of emit ends
// all and is returned.
func Rows(text, root value.Value, deep bool, emit func(*Row) error) error {
	n, ok, err := nodeOf(text)
	if !ok {
		return err
	}
	path := "$"
	if !root.IsNull() {
		path = root.Text()
	}
	at, err := n.at(path)
	if at == nil {
		return err
	}
	w := rows{deep: deep, emit: emit}
	where, name, _ := n.offset(at)
	switch {
	case deep:
		before := n.parentPath(path, where)
		return w.one(at, place{id: where, header: name, key: rootKey(path[len(before):]), path: before, full: path})
	case at.kind < jsonList:
		return w.one(at, place{id: where, path: path, full: path})
	}
	return w.inside(at, where, where+name, path)
}

// rows goes through JSON.
type rows struct {
	deep bool
	emit func(*Row) error
	row  Row
}

// place is where a value was met.
type place struct {
	id          int // where it, or its name, begins in the binary form of SQLite, which tells the rows apart there too
	header      int // how far after that the value begins: its name's size
	key, parent value.Value
	path, full  string
}

// one tells of a value, and with deep of all that is in it.
func (w *rows) one(n *node, p place) error {
	w.row = Row{
		Key: p.key, Value: n.value(), Type: value.FromText(kindNames[n.kind]),
		ID: value.FromInt(int64(p.id)), Parent: p.parent,
		FullKey: value.FromText(p.full), Path: value.FromText(p.path),
	}
	if n.kind < jsonList {
		w.row.Atom = w.row.Value
	}
	if err := w.emit(&w.row); err != nil || !w.deep {
		return err
	}
	return w.inside(n, p.id, p.id+p.header, p.full)
}

// inside goes through the elements or members of n, whose id is given, and where it
// begins.
func (w *rows) inside(n *node, id, at int, path string) error {
	var parent value.Value
	if w.deep {
		parent = value.FromInt(int64(id))
	}
	head, _ := n.size()
	at += head
	if n.kind == jsonList {
		for i, element := range n.nodes {
			key := strconv.Itoa(i)
			p := place{id: at, key: value.FromInt(int64(i)), parent: parent, path: path, full: path + "[" + key + "]"}
			if err := w.one(element, p); err != nil {
				return err
			}
			at += element.whole()
		}
		return nil
	}
	for i := 0; i < len(n.nodes); i += 2 {
		name, member := n.nodes[i], n.nodes[i+1]
		p := place{id: at, header: name.whole(), key: value.FromText(name.string()), parent: parent, path: path, full: path + memberPath(name.text)}
		if err := w.one(member, p); err != nil {
			return err
		}
		at += name.whole() + member.whole()
	}
	return nil
}

// memberPath is how a path goes on to the member of a name, as it was written.
func memberPath(name string) string {
	if name != "" && isLetter(name[0]) && simple(name) {
		return "." + name
	}
	return `."` + name + `"`
}

// parentPath is a path without its last step, as SQLite finds it: what begins where the path
// leads to is the first in its parent. So for any but the first it is the root's.
func (n *node) parentPath(path string, where int) string {
	for end := len(path) - 1; end > 1; end-- {
		if path[end] != '[' && path[end] != '.' {
			continue
		}
		parent, err := n.at(path[:end])
		if err != nil || parent == nil {
			continue
		}
		at, name, _ := n.offset(parent)
		if head, _ := parent.size(); at+name+head == where {
			return path[:end]
		}
	}
	return path[:1]
}

// rootKey is the key that the last step of a path stands for.
func rootKey(step string) value.Value {
	switch {
	case step == "":
		return value.Value{}
	case step[0] == '[':
		digits, _, _ := strings.Cut(step[1:], "]")
		i, _ := strconv.ParseInt(digits, 10, 64)
		return value.FromInt(i)
	case strings.HasPrefix(step, `."`):
		return value.FromText(step[2 : len(step)-1])
	}
	return value.FromText(step[1:])
}

// size returns how many bytes head and contents of a node have in SQLite's binary
// form.
func (n *node) size() (head, contents int) {
	contents = len(n.text)
	for _, inner := range n.nodes {
		contents += inner.whole()
	}
	switch {
	case n.kind == jsonNull || n.kind == jsonTrue || n.kind == jsonFalse:
		return 1, 0
	case contents <= 11:
		return 1, contents
	case contents <= 0xff:
		return 2, contents
	case contents <= 0xffff:
		return 3, contents
	}
	return 5, contents
}

func (n *node) whole() int {
	head, contents := n.size()
	return head + contents
}

// offset returns where in that form a node, or its name, begins which is somewhere
// in n, and how long the name is.
func (n *node) offset(wanted *node) (at, name int, found bool) {
	if n == wanted {
		return 0, 0, true
	}
	at, _ = n.size()
	for i, inner := range n.nodes {
		if n.kind == jsonMap && i%2 == 1 && inner == wanted {
			name = n.nodes[i-1].whole()
			return at - name, name, true
		}
		if within, name, found := inner.offset(wanted); found {
			return at + within, name, true
		}
		at += inner.whole()
	}
	return 0, 0, false
}
