package query

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// Expr is a filter in MessagePack, as the functions below write it for Go
// programs. It is checked when it is parsed: by ParseFilter or Select.
type Expr []byte

// Select is the query for the documents that match filter, all of them if it
// is nil, in no particular order.
func Select(filter Expr) (*Query, error) {
	q := &Query{Limit: -1}
	if filter == nil {
		return q, nil
	}
	var err error
	q.Filter, err = ParseFilter(filter)
	return q, err
}

// OrderBy sorts by path, after the columns there are already.
func (q *Query) OrderBy(path Path, desc bool) *Query {
	q.Order = append(q.Order, Order{path, desc})
	return q
}

// Eq holds where the value at path equals v.
func Eq(path Path, v any) Expr { return test("eq", path, v) }

// Ne holds where there is a value at path that does not equal v.
func Ne(path Path, v any) Expr { return test("ne", path, v) }

// Lt holds where the value at path is below v.
func Lt(path Path, v any) Expr { return test("lt", path, v) }

// Lte holds where the value at path is v or below.
func Lte(path Path, v any) Expr { return test("lte", path, v) }

// Gt holds where the value at path is above v.
func Gt(path Path, v any) Expr { return test("gt", path, v) }

// Gte holds where the value at path is v or above.
func Gte(path Path, v any) Expr { return test("gte", path, v) }

// Between holds where the value at path is low, high or between them.
func Between(path Path, low, high any) Expr { return test("between", path, low, high) }

// In holds where the value at path equals one of vs.
func In(path Path, vs ...any) Expr { return test("in", path, vs) }

// StartsWith holds where the value at path is a string that begins with s.
func StartsWith(path Path, s string) Expr { return test("startsWith", path, s) }

// Contains holds where the value at path is a list with an element equal to v,
// or a string with the substring v.
func Contains(path Path, v any) Expr { return test("contains", path, v) }

// Exists holds where there is a value at path, null included.
func Exists(path Path) Expr { return test("exists", path) }

// And holds where all filters hold.
func And(filters ...Expr) Expr { return combine("and", filters) }

// Or holds where one of the filters holds.
func Or(filters ...Expr) Expr { return combine("or", filters) }

// Not holds where filter does not.
func Not(filter Expr) Expr { return combine("not", []Expr{filter}) }

// All always holds.
func All() Expr { return combine("all", nil) }

func combine(operator string, filters []Expr) Expr {
	e := msgp.AppendArrayHeader(nil, uint32(1+len(filters)))
	e = msgp.AppendString(e, operator)
	for _, filter := range filters {
		e = append(e, filter...)
	}
	return e
}

func test(operator string, path Path, operands ...any) Expr {
	e := msgp.AppendArrayHeader(nil, uint32(2+len(operands)))
	e = msgp.AppendString(e, operator)
	e = path.Append(e)
	for _, v := range operands {
		e = AppendValue(e, v)
	}
	return e
}

// Append appends the path in MessagePack.
func (p Path) Append(dst []byte) []byte {
	dst = msgp.AppendArrayHeader(dst, uint32(len(p)))
	for _, segment := range p {
		if segment.Name != "" {
			dst = msgp.AppendString(dst, segment.Name)
		} else {
			dst = msgp.AppendInt(dst, segment.Index)
		}
	}
	return dst
}

// Raw is a value that is MessagePack already.
type Raw []byte

// AppendValue appends a Go value in MessagePack: nil, booleans, integers, floats,
// strings, bytes, time.Time, []any, map[string]any (by name, so that equal maps
// are equal bytes) and Raw. Any other type makes bytes that no parser accepts.
func AppendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return msgp.AppendNil(dst)
	case bool:
		return msgp.AppendBool(dst, v)
	case int:
		return msgp.AppendInt(dst, v)
	case int32:
		return msgp.AppendInt32(dst, v)
	case int64:
		return msgp.AppendInt64(dst, v)
	case uint32:
		return msgp.AppendUint32(dst, v)
	case uint64:
		return msgp.AppendUint64(dst, v)
	case float32:
		return msgp.AppendFloat32(dst, v)
	case float64:
		return msgp.AppendFloat64(dst, v)
	case string:
		return msgp.AppendString(dst, v)
	case []byte:
		return msgp.AppendBytes(dst, v)
	case time.Time:
		return appendTime(dst, v)
	case Raw:
		return append(dst, v...)
	case []any:
		dst = msgp.AppendArrayHeader(dst, uint32(len(v)))
		for _, element := range v {
			dst = AppendValue(dst, element)
		}
		return dst
	case map[string]any:
		return appendFields(dst, v)
	default:
		return append(dst, neverUsed)
	}
}

// neverUsed is the byte that begins no MessagePack value.
const neverUsed = 0xc1

func appendFields(dst []byte, m map[string]any) []byte {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	dst = msgp.AppendMapHeader(dst, uint32(len(m)))
	for _, name := range names {
		dst = AppendValue(msgp.AppendString(dst, name), m[name])
	}
	return dst
}

// appendTime appends a timestamp in its form of 12 bytes.
func appendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, 0xc7, 12, extensionTimestamp)
	dst = binary.BigEndian.AppendUint32(dst, uint32(t.Nanosecond()))
	return binary.BigEndian.AppendUint64(dst, uint64(t.Unix()))
}
