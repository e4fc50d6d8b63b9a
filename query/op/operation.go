// Package op changes documents where they lie, as MessagePack: operations on what
// nested paths lead to. A list of them is applied in order, each to what those
// before it have left, and wholly or not at all.
//
//	set        the value takes the place of what is there, or is put there
//	delete     what is there is taken out
//	insert     puts a value into a list, in front of the element at a position
//	add        numbers are added, strings and lists joined
//	subtract   numbers
//	increment  adds 1
//	decrement  subtracts 1
//	push       puts values at the end of a list
//	pull       takes out of a list what equals one of the values
//	merge      sets fields of a map
//	rename     gives a field another name in the same map, in place of what has that name
//	min, max   sets the value where it is less, or greater, than what is there
//
// Where a path leads to nothing, set, insert, push, merge, min and max put it there, with the
// maps that are missing on the way; the others fail. A position in a list
// is one of an element, or, for those that put something there, the one behind the last.
package op

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
)

// Operation is one change, as the functions below make it. What is wrong with it
// is told where it is parsed.
type Operation struct {
	name     string
	kind     kind // once it is parsed
	path     query.Path
	operands [][]byte // raw MessagePack
}

func operation(name string, path query.Path, values ...any) Operation {
	o := Operation{name: name, path: path}
	for _, v := range values {
		o.operands = append(o.operands, query.AppendValue(nil, v))
	}
	return o
}

// Set puts value where path leads to.
func Set(path query.Path, value any) Operation { return operation("set", path, value) }

// Delete takes out what path leads to; elements behind it in a list move up.
func Delete(path query.Path) Operation { return operation("delete", path) }

// Insert puts value into a list, at the position that path ends with; elements from there
// on move down.
func Insert(path query.Path, value any) Operation { return operation("insert", path, value) }

// Add adds a number to a number, or puts a string or a list behind one.
func Add(path query.Path, value any) Operation { return operation("add", path, value) }

// Subtract takes a number from a number.
func Subtract(path query.Path, value any) Operation { return operation("subtract", path, value) }

// Increment adds 1.
func Increment(path query.Path) Operation { return operation("increment", path) }

// Decrement subtracts 1.
func Decrement(path query.Path) Operation { return operation("decrement", path) }

// Push puts values at the end of a list.
func Push(path query.Path, values ...any) Operation { return operation("push", path, values...) }

// Pull takes all elements that equal one of the values out of a list.
func Pull(path query.Path, values ...any) Operation { return operation("pull", path, values...) }

// Merge sets fields of the map that path leads to; a value of query.Nothing removes one.
func Merge(path query.Path, fields any) Operation { return operation("merge", path, fields) }

// Rename gives the field that path leads to another name.
func Rename(path query.Path, name string) Operation { return operation("rename", path, name) }

// Min sets value where it is less than what is there, or nothing is.
func Min(path query.Path, value any) Operation { return operation("min", path, value) }

// Max sets value where it is greater than what is there, or nothing is.
func Max(path query.Path, value any) Operation { return operation("max", path, value) }

// Append appends operations as they are sent: an array of [name, path, operand …].
func Append(dst []byte, operations ...Operation) []byte {
	dst = msgp.AppendArrayHeader(dst, uint32(len(operations)))
	for _, o := range operations {
		dst = msgp.AppendArrayHeader(dst, uint32(2+len(o.operands)))
		dst = msgp.AppendString(dst, o.name)
		dst = o.path.Append(dst)
		for _, operand := range o.operands {
			dst = append(dst, operand...)
		}
	}
	return dst
}

// fail is about an operation that makes no sense on any document.
func fail(detail string) error { return &query.Error{Code: "invalid_argument", Detail: detail} }

// unfit is about an operation that makes none on the document at hand.
func (o *Operation) unfit(detail string) error {
	return &query.Error{Code: "invalid_document", Detail: o.name + " " + o.path.String() + ": " + detail}
}
