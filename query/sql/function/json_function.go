package function

import (
	"math"
	"strings"

	"github.com/stowage-db/stowage/query/sql/value"
)

func jsonMinified(_ *Context, args []value.Value) (value.Value, error) {
	n, ok, err := nodeOf(args[0])
	if !ok {
		return value.Value{}, err
	}
	return n.asJSON(), nil
}

func jsonPretty(_ *Context, args []value.Value) (value.Value, error) {
	n, ok, err := nodeOf(args[0])
	if !ok {
		return value.Value{}, err
	}
	indent := "    "
	if len(args) == 2 && !args[1].IsNull() {
		indent = args[1].Text()
	}
	return value.FromText(string(n.appendPretty(nil, indent, 0))), nil
}

func jsonArray(_ *Context, args []value.Value) (value.Value, error) {
	list := node{kind: jsonList}
	for _, v := range args {
		n, err := nodeFrom(v)
		if err != nil {
			return value.Value{}, err
		}
		list.nodes = append(list.nodes, n)
	}
	return list.asJSON(), nil
}

func jsonObject(_ *Context, args []value.Value) (value.Value, error) {
	if len(args)%2 != 0 {
		return value.Value{}, Error("json_object() requires an even number of arguments")
	}
	object := node{kind: jsonMap}
	for i := 0; i < len(args); i += 2 {
		if k := args[i].Kind(); k != value.Text && k != value.Document {
			return value.Value{}, Error("json_object() labels must be TEXT")
		}
		n, err := nodeFrom(args[i+1])
		if err != nil {
			return value.Value{}, err
		}
		object.nodes = append(object.nodes, &node{kind: jsonText, form: unquoted, text: args[i].Text()}, n)
	}
	return object.asJSON(), nil
}

func jsonQuote(_ *Context, args []value.Value) (value.Value, error) {
	n, err := nodeFrom(args[0])
	if err != nil {
		return value.Value{}, err
	}
	if args[0].IsJSON() {
		return value.FromJSON(args[0].Text()), nil
	}
	return n.asJSON(), nil
}

// jsonExtract returns the SQL value at a path, or a list of what is at several.
func jsonExtract(_ *Context, args []value.Value) (value.Value, error) {
	if len(args) < 2 {
		return value.Value{}, nil
	}
	n, ok, err := nodeOf(args[0])
	if !ok {
		return value.Value{}, err
	}
	list := node{kind: jsonList}
	for _, path := range args[1:] {
		if path.IsNull() {
			return value.Value{}, nil
		}
		found, err := n.at(path.Text())
		switch {
		case err != nil:
			return value.Value{}, err
		case found == nil:
			found = &node{}
		}
		if len(args) == 2 {
			return found.value(), nil
		}
		list.nodes = append(list.nodes, found)
	}
	return list.asJSON(), nil
}

// jsonArrow returns what is at a path as JSON, NULL where nothing is.
func jsonArrow(_ *Context, args []value.Value) (value.Value, error) {
	found, err := arrow(args)
	if found == nil {
		return value.Value{}, err
	}
	return found.asJSON(), nil
}

// jsonArrowText returns what is at a path as an SQL value.
func jsonArrowText(_ *Context, args []value.Value) (value.Value, error) {
	found, err := arrow(args)
	if found == nil {
		return value.Value{}, err
	}
	return found.value().Plain(), nil
}

func arrow(args []value.Value) (*node, error) {
	n, ok, err := nodeOf(args[0])
	if !ok || args[1].IsNull() {
		return nil, err
	}
	found, err := n.at(short(args[1]))
	if err != nil {
		err = errBadPath(args[1].Text())
	}
	return found, err
}

func jsonType(_ *Context, args []value.Value) (value.Value, error) {
	n, err := target(args)
	if n == nil {
		return value.Value{}, err
	}
	return value.FromText(kindNames[n.kind]), nil
}

func jsonArrayLength(_ *Context, args []value.Value) (value.Value, error) {
	n, err := target(args)
	if n == nil {
		return value.Value{}, err
	}
	if n.kind != jsonList {
		return value.FromInt(0), nil
	}
	return value.FromInt(int64(len(n.nodes))), nil
}

// target is the first argument, or what is in it at the path that the second is.
func target(args []value.Value) (*node, error) {
	n, ok, err := nodeOf(args[0])
	if !ok {
		return nil, err
	}
	if len(args) == 1 {
		return n, nil
	}
	if args[1].IsNull() {
		return nil, nil
	}
	return n.at(args[1].Text())
}

// jsonValid answers for JSON proper with the flag 1, which is the default, and for
// JSON5 with 2. The flags 4 and 8 are of a binary form, which is not read.
func jsonValid(_ *Context, args []value.Value) (value.Value, error) {
	flags := int64(1)
	if len(args) == 2 {
		if args[1].IsNull() {
			return value.Value{}, nil
		}
		if flags = args[1].Int(); flags < 1 || flags > 15 {
			return value.Value{}, Error("FLAGS parameter to json_valid() must be between 1 and 15")
		}
	}
	if args[0].IsNull() {
		return args[0], nil
	}
	_, at, strict := parseJSON(args[0].Text())
	return value.FromBool(at < 0 && (flags&2 != 0 || flags&1 != 0 && strict)), nil
}

func jsonErrorPosition(_ *Context, args []value.Value) (value.Value, error) {
	if args[0].IsNull() {
		return args[0], nil
	}
	s := args[0].Text()
	_, at, _ := parseJSON(s)
	if at < 0 {
		return value.FromInt(0), nil
	}
	return value.FromInt(int64(characters(s[:min(at, len(s))])) + 1), nil
}

func jsonSet(_ *Context, args []value.Value) (value.Value, error) {
	return changed("set", set, args)
}

func jsonInsert(_ *Context, args []value.Value) (value.Value, error) {
	return changed("insert", insert, args)
}

func jsonReplace(_ *Context, args []value.Value) (value.Value, error) {
	return changed("replace", swap, args)
}

func jsonArrayInsert(_ *Context, args []value.Value) (value.Value, error) {
	return changed("array_insert", squeeze, args)
}

// changed puts values at paths, which are given in turn.
func changed(name string, do edit, args []value.Value) (value.Value, error) {
	if len(args) == 0 {
		return value.Value{}, nil
	}
	if len(args)%2 == 0 {
		return value.Value{}, Error("json_" + name + "() needs an odd number of arguments")
	}
	n, ok, err := nodeOf(args[0])
	if !ok {
		return value.Value{}, err
	}
	for i := 1; i < len(args); i += 2 {
		if args[i].IsNull() {
			continue
		}
		path := args[i].Text()
		if path == "" || path[0] != '$' {
			return value.Value{}, errBadPath(path)
		}
		with, err := nodeFrom(args[i+1])
		if err != nil {
			return value.Value{}, err
		}
		if with.kind == jsonReal && math.IsInf(args[i+1].Real(), 0) {
			with.text = strings.Replace(with.text, ".0e+", "e", 1) // as SQLite writes infinity here
		}
		w := walk{do: do, with: with}
		n = w.follow(n, path[1:])
		switch {
		case w.bad:
			return value.Value{}, errBadPath(path)
		case w.plain:
			return value.Value{}, Error("not an array element: '" + path + "'")
		}
	}
	return n.asJSON(), nil
}

func jsonRemove(_ *Context, args []value.Value) (value.Value, error) {
	if len(args) == 0 {
		return value.Value{}, nil
	}
	n, ok, err := nodeOf(args[0])
	if !ok {
		return value.Value{}, err
	}
	for _, v := range args[1:] {
		if v.IsNull() {
			return v, nil
		}
		path := v.Text()
		if path == "" || path[0] != '$' {
			return value.Value{}, errBadPath(path)
		}
		w := walk{do: remove}
		if n = w.follow(n, path[1:]); n == nil {
			return value.Value{}, nil
		}
		if w.bad {
			return value.Value{}, errBadPath(path)
		}
	}
	return n.asJSON(), nil
}

// jsonPatch changes the first argument as the second says: RFC 7396.
func jsonPatch(_ *Context, args []value.Value) (value.Value, error) {
	n, ok, err := nodeOf(args[0])
	if !ok {
		return value.Value{}, err
	}
	patch, ok, err := nodeOf(args[1])
	if !ok {
		return value.Value{}, err
	}
	return n.patched(patch).asJSON(), nil
}

func (n *node) patched(patch *node) *node {
	if patch.kind != jsonMap {
		return patch
	}
	if n.kind != jsonMap {
		n = &node{kind: jsonMap}
	}
	for i := 0; i < len(patch.nodes); i += 2 {
		name, with := patch.nodes[i], patch.nodes[i+1]
		at := n.find(name.string())
		switch {
		case at >= 0 && with.kind == jsonNull:
			n.nodes = append(n.nodes[:at], n.nodes[at+2:]...)
		case at >= 0:
			n.nodes[at+1] = n.nodes[at+1].patched(with)
		case with.kind != jsonNull:
			n.nodes = append(n.nodes, name, (&node{}).patched(with))
		}
	}
	return n
}

// find returns where in its nodes the name of a member is, −1 where it is not.
func (n *node) find(name string) int {
	for i := 0; i < len(n.nodes); i += 2 {
		if n.nodes[i].string() == name {
			return i
		}
	}
	return -1
}
