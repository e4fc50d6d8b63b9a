package query

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// Raw is a value that is MessagePack already.
type Raw []byte

// AppendValue appends a Go value in MessagePack: nil, booleans, integers, floats,
// strings, bytes, time.Time, []any, map[string]any (by name, so that equal maps
// are equal bytes) and Raw. Any other type makes bytes that no parser accepts, and so does what is
// nested too deeply for all of them, as lists and maps that hold themselves.
func AppendValue(dst []byte, v any) []byte {
	w := valueWriter{dst: dst}
	if !w.append(v, maxValueDepth) {
		return append(dst, neverUsed)
	}
	return w.dst
}

// maxValueDepth is how deeply values may be nested to be written: so deeply that those who read
// them say that it is too deep.
const maxValueDepth = MaxDepth + 2

// valueWriter appends values to dst, until one cannot be written.
type valueWriter struct{ dst []byte }

func (w *valueWriter) append(v any, depth int) bool {
	switch v := v.(type) {
	case []any:
		w.dst = msgp.AppendArrayHeader(w.dst, uint32(len(v)))
		for _, element := range v {
			if depth == 0 || !w.append(element, depth-1) {
				return false
			}
		}
	case map[string]any:
		w.dst = msgp.AppendMapHeader(w.dst, uint32(len(v)))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			w.dst = msgp.AppendString(w.dst, name)
			if depth == 0 || !w.append(v[name], depth-1) {
				return false
			}
		}
	default:
		w.dst = appendSimple(w.dst, v)
	}
	return true
}

func appendSimple(dst []byte, v any) []byte {
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
	default:
		return append(dst, neverUsed)
	}
}

// neverUsed is the byte that begins no MessagePack value.
const neverUsed = 0xc1

// appendTime appends a timestamp in its form of 12 bytes.
func appendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, 0xc7, 12, extensionTimestamp)
	dst = binary.BigEndian.AppendUint32(dst, uint32(t.Nanosecond()))
	return binary.BigEndian.AppendUint64(dst, uint64(t.Unix()))
}

// Nothing is the value that is not there, undefined.
var Nothing = Raw{0xd4, extensionUndefined, 0}

// ReadValue reads the MessagePack value at the front of raw as the Go value that
// AppendValue would write so: integers are int64, or uint64 where they are too great,
// times are UTC and of milliseconds, and what Go has no type for is Raw. It reports
// false where raw is no MessagePack, or is nested more than MaxDepth deep.
func ReadValue(raw []byte) (v any, ok bool) {
	end, containers := skipCounting(raw, 0)
	if end < 0 || checkWhole(raw[:end], end, containers, MaxDepth) != nil {
		return nil, false
	}
	return readValue(raw[:end]), true
}

// readValue reads whole MessagePack, of which the depth is known to be bounded.
func readValue(b []byte) any {
	v, _ := decode(b, 0)
	switch v.kind {
	case kindNull:
		return nil
	case kindFalse, kindTrue:
		return v.kind == kindTrue
	case kindNumber:
		return v.number.goValue()
	case kindDate:
		if v.number.form == signed {
			return time.UnixMilli(int64(v.number.bits)).UTC()
		}
		return time.UnixMicro(int64(v.number.float() * 1000)).UTC()
	case kindString:
		return string(v.body)
	case kindBytes:
		return slices.Clone(v.body)
	case kindArray:
		list := make([]any, 0, v.count)
		for rest := v.body; len(list) < v.count; rest = rest[skip(rest, 0):] {
			list = append(list, readValue(rest[:skip(rest, 0)]))
		}
		return list
	}
	if !v.isMap {
		return Raw(slices.Clone(b))
	}
	fields := make(map[string]any, v.count)
	rest := v.body
	for range v.count {
		name, _ := decode(rest, 0)
		rest = rest[skip(rest, 0):]
		if _, known := fields[string(name.body)]; !known {
			fields[string(name.body)] = readValue(rest[:skip(rest, 0)])
		}
		rest = rest[skip(rest, 0):]
	}
	return fields
}

func (n number) goValue() any {
	switch n.form {
	case signed:
		return int64(n.bits)
	case unsigned:
		return n.bits
	default:
		return n.float()
	}
}
