package op

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
)

// List are operations ready to be applied, any number of times and by several
// goroutines.
type List []Operation

// kind is what an operation does.
type kind int

const (
	set kind = iota
	insert
	push
	merge
	least
	greatest // up to here, they put something where there is nothing
	remove
	add
	subtract
	increment
	decrement
	pull
	rename
)

func (k kind) creates() bool { return k <= greatest }

// names are those of the kinds.
var names = [...]string{"set", "insert", "push", "merge", "min", "max", "delete", "add", "subtract", "increment", "decrement", "pull", "rename"}

// Parse reads what Append wrote. It fails with invalid_argument, invalid_path, and for
// what merge sets as query.Validate does; it is safe on any bytes. The list refers to raw.
func Parse(raw []byte) (List, error) {
	outer, ok := readHead(raw, 0)
	if n, whole := query.Skip(raw); !ok || !whole || n < len(raw) || !outer.list {
		return nil, fail("operations: not a list")
	}
	if outer.count == 0 {
		return nil, fail("operations: none is given")
	}
	var list List
	for at := outer.body; at < len(raw); {
		past := skip(raw, at)
		o, err := parse(raw[at:past])
		if err != nil {
			return nil, err
		}
		list = append(list, o)
		at = past
	}
	return list, nil
}

// parse reads one operation, which is well-formed MessagePack.
func parse(raw []byte) (o Operation, err error) {
	malformed := fail("operations: one is not [name, path, operand …]")
	h, ok := readHead(raw, 0)
	if !ok || !h.list || h.count < 2 {
		return o, malformed
	}
	at := skip(raw, h.body)
	if o.kind = kindOf(raw[h.body:]); o.kind < 0 {
		return o, fail("operations: an unknown one")
	}
	o.name = names[o.kind]
	steps, ok := readHead(raw, at)
	if !ok || !steps.list || steps.count > query.MaxDepth {
		return o, malformed
	}
	past := skip(raw, at)
	for at = steps.body; at < past; at = skip(raw, at) {
		if name, _, err := msgp.ReadStringZC(raw[at:]); err == nil {
			if len(name) == 0 {
				return o, &query.Error{Code: "invalid_path", Detail: "an operation's path has an empty name in it"}
			}
			o.path = o.path.Field(string(name))
		} else if position, _, err := msgp.ReadUint32Bytes(raw[at:]); err == nil {
			o.path = o.path.At(int(position & (1<<31 - 1)))
		} else {
			return o, malformed
		}
	}
	for at = past; at < len(raw); at = past {
		past = skip(raw, at)
		o.operands = append(o.operands, raw[at:past:past])
	}
	if err := o.path.Check(); err != nil {
		return o, err
	}
	return o, o.check()
}

func kindOf(raw []byte) kind {
	for i, name := range names {
		if named(raw, name) {
			return kind(i)
		}
	}
	return -1
}

// check looks at what an operation was given.
func (o *Operation) check() error {
	wanted := 1
	switch o.kind {
	case remove, increment, decrement:
		wanted = 0
	case push, pull:
		wanted = len(o.operands)
	}
	fits := len(o.operands) == wanted
	for _, operand := range o.operands {
		fits = fits && !query.IsUndefined(operand)
	}
	if !fits {
		return fail(o.name + ": other operands than it takes")
	}
	switch o.kind {
	case add:
		h, container := readHead(o.operands[0], 0)
		fits = isNumber(o.operands[0]) || isText(o.operands[0]) || container && h.list
	case subtract:
		fits = isNumber(o.operands[0])
	case merge:
		return query.Validate(o.operands[0], query.MaxDepth)
	case insert:
		fits = o.path[len(o.path)-1].Name == ""
	case rename:
		fits = isText(o.operands[0]) && !named(o.operands[0], "") && o.path[len(o.path)-1].Name != ""
	}
	if !fits {
		return fail(o.name + ": an operand of another type, or a path that leads elsewhere")
	}
	return nil
}

func isText(raw []byte) bool { return msgp.NextType(raw) == msgp.StrType }

func isNumber(raw []byte) bool {
	_, ok := readNumber(raw)
	return ok
}
