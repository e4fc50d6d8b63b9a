// Package function is what SQL can call: the functions of one row, those that
// gather many rows, and those that look through a window.
//
// They answer as SQLite's of the same names do, which the tests ask. What they
// cannot know by themselves, the time and a source of chance, a [Context] tells.
package function

import (
	"slices"
	"strings"

	"github.com/stowage-db/stowage/query/sql/value"
)

// Error is what a function fails with: what is wrong, in SQLite's words. It may hold
// what the function was given.
type Error string

func (e Error) Error() string { return string(e) }

// Errors that several functions have in common.
const (
	errTooBig  = Error("string or blob too big")
	errPattern = Error("LIKE or GLOB pattern too complex")
)

// Context is what a call depends on beside its arguments. One serves a whole
// statement, so that all of it happens at one time. It is not for concurrent use.
type Context struct {
	Now       int64               // milliseconds since 1970
	Random    func() uint64       // of 64 random bits
	Collation value.Collation     // of the call's first argument that has one: what min, max and nullif compare by
	Zone      func(now int64) int // minutes that local time is ahead at a time; nil is UTC
	Limit     int                 // bytes that a result may have; 0 stands for a billion

	expression *expression // of the last REGEXP
}

// fits returns an error where a result would have more bytes than it may.
func (c *Context) fits(bytes int) error {
	limit := c.Limit
	if limit == 0 {
		limit = 1_000_000_000
	}
	if bytes > limit || bytes < 0 {
		return errTooBig
	}
	return nil
}

// Stability is how long the answer to a call with the same arguments stays the same.
type Stability uint8

const (
	Constant Stability = iota // for ever
	Stable                    // during a statement
	Volatile                  // not even for the next row
)

// Function is a function of one row.
type Function struct {
	Name      string
	least     int8
	most      int8 // -1 where there is no bound
	Stability Stability
	Call      func(c *Context, args []value.Value) (value.Value, error)
}

// Accepts reports whether the function can be called with so many arguments.
func (f *Function) Accepts(args int) bool { return accepts(f.least, f.most, args) }

func accepts(least, most int8, args int) bool {
	return args >= int(least) && (most < 0 || args <= int(most))
}

// Scalar returns the function of one row of a name, in any case; nil where there is
// none. The same name may belong to an [Aggregate]: min and max are that with one
// argument.
func Scalar(name string) *Function {
	at, found := slices.BinarySearchFunc(scalars[:], value.Fold(name), func(f Function, name string) int {
		return strings.Compare(f.Name, name)
	})
	if !found {
		return nil
	}
	return &scalars[at]
}

// scalars are sorted by their names.
var scalars = [...]Function{
	{"->", 2, 2, Constant, jsonArrow},
	{"->>", 2, 2, Constant, jsonArrowText},
	{"abs", 1, 1, Constant, abs},
	{"acos", 1, 1, Constant, acos},
	{"acosh", 1, 1, Constant, acosh},
	{"asin", 1, 1, Constant, asin},
	{"asinh", 1, 1, Constant, asinh},
	{"atan", 1, 1, Constant, atan},
	{"atan2", 2, 2, Constant, atan2},
	{"atanh", 1, 1, Constant, atanh},
	{"ceil", 1, 1, Constant, ceiling},
	{"ceiling", 1, 1, Constant, ceiling},
	{"char", 0, -1, Constant, char},
	{"coalesce", 2, -1, Constant, coalesce},
	{"concat", 1, -1, Constant, concat},
	{"concat_ws", 2, -1, Constant, concatSeparated},
	{"cos", 1, 1, Constant, cos},
	{"cosh", 1, 1, Constant, cosh},
	{"current_date", 0, 0, Stable, currentDate},
	{"current_time", 0, 0, Stable, currentTime},
	{"current_timestamp", 0, 0, Stable, currentTimestamp},
	{"date", 0, -1, Stable, dateText},
	{"datetime", 0, -1, Stable, dateTimeText},
	{"degrees", 1, 1, Constant, degrees},
	{"exp", 1, 1, Constant, exponential},
	{"floor", 1, 1, Constant, floor},
	{"format", 0, -1, Constant, format},
	{"glob", 2, 2, Constant, glob},
	{"hex", 1, 1, Constant, hex},
	{"if", 2, -1, Constant, iif},
	{"ifnull", 2, 2, Constant, coalesce},
	{"iif", 2, -1, Constant, iif},
	{"instr", 2, 2, Constant, instr},
	{"json", 1, 1, Constant, jsonMinified},
	{"json_array", 0, -1, Constant, jsonArray},
	{"json_array_insert", 0, -1, Constant, jsonArrayInsert},
	{"json_array_length", 1, 2, Constant, jsonArrayLength},
	{"json_error_position", 1, 1, Constant, jsonErrorPosition},
	{"json_extract", 0, -1, Constant, jsonExtract},
	{"json_insert", 0, -1, Constant, jsonInsert},
	{"json_object", 0, -1, Constant, jsonObject},
	{"json_patch", 2, 2, Constant, jsonPatch},
	{"json_pretty", 1, 2, Constant, jsonPretty},
	{"json_quote", 1, 1, Constant, jsonQuote},
	{"json_remove", 0, -1, Constant, jsonRemove},
	{"json_replace", 0, -1, Constant, jsonReplace},
	{"json_set", 0, -1, Constant, jsonSet},
	{"json_type", 1, 2, Constant, jsonType},
	{"json_valid", 1, 2, Constant, jsonValid},
	{"julianday", 0, -1, Stable, julianDay},
	{"length", 1, 1, Constant, length},
	{"like", 2, 3, Constant, like},
	{"likelihood", 2, 2, Constant, first},
	{"likely", 1, 1, Constant, first},
	{"ln", 1, 1, Constant, naturalLogarithm},
	{"log", 1, 2, Constant, logarithm},
	{"log10", 1, 1, Constant, logarithm},
	{"log2", 1, 1, Constant, binaryLogarithm},
	{"lower", 1, 1, Constant, lower},
	{"ltrim", 1, 2, Constant, trimLeft},
	{"max", 2, -1, Constant, greatest},
	{"min", 2, -1, Constant, least},
	{"mod", 2, 2, Constant, mod},
	{"nullif", 2, 2, Constant, nullIf},
	{"octet_length", 1, 1, Constant, octetLength},
	{"pi", 0, 0, Constant, pi},
	{"pow", 2, 2, Constant, power},
	{"power", 2, 2, Constant, power},
	{"printf", 0, -1, Constant, format},
	{"quote", 1, 1, Constant, quote},
	{"radians", 1, 1, Constant, radians},
	{"random", 0, 0, Volatile, random},
	{"randomblob", 1, 1, Volatile, randomBlob},
	{"regexp", 2, 2, Constant, regularExpression},
	{"replace", 3, 3, Constant, replace},
	{"round", 1, 2, Constant, round},
	{"rtrim", 1, 2, Constant, trimRight},
	{"sign", 1, 1, Constant, sign},
	{"sin", 1, 1, Constant, sin},
	{"sinh", 1, 1, Constant, sinh},
	{"soundex", 1, 1, Constant, soundex},
	{"sqrt", 1, 1, Constant, squareRoot},
	{"strftime", 1, -1, Stable, timeFormat},
	{"substr", 2, 3, Constant, substring},
	{"substring", 2, 3, Constant, substring},
	{"tan", 1, 1, Constant, tan},
	{"tanh", 1, 1, Constant, tanh},
	{"time", 0, -1, Stable, timeText},
	{"timediff", 2, 2, Stable, timeDifference},
	{"trim", 1, 2, Constant, trimBoth},
	{"trunc", 1, 1, Constant, trunc},
	{"typeof", 1, 1, Constant, typeOf},
	{"unhex", 1, 2, Constant, unhex},
	{"unicode", 1, 1, Constant, unicode},
	{"unistr", 1, 1, Constant, unistr},
	{"unixepoch", 0, -1, Stable, unixEpoch},
	{"unlikely", 1, 1, Constant, first},
	{"upper", 1, 1, Constant, upper},
	{"zeroblob", 1, 1, Constant, zeroBlob},
}
