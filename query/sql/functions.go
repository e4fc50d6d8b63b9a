package sql

import (
	"github.com/stowage-db/stowage/query/sql/function"
)

// function finds a function of one row.
func (c *compiler) function(pos int, name string, args int) *function.Function {
	f := function.Scalar(name)
	if f == nil {
		panic(fail(codeUnknownFunction, pos, "no such function: "+name))
	}
	if !f.Accepts(args) {
		panic(fail(codeWrongArguments, pos, "wrong number of arguments to function "+name+"()"))
	}
	return f
}
