package coder

import (
	"slices"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// Tuple is the coder of lists of values, as keys of tables are made: lists sort
// by their first values, then by their second ones, and a list sorts before those
// that continue it. Values are nil, booleans, integers, floats, strings,
// []byte, time.Time (in whole milliseconds) and []any.
//
// Integers and floats are one line of numbers: what is whole and within ±2⁵³, or
// has more bits than a float64, comes back as int64 or, beyond that, as uint64;
// the rest as float64. Lists may be nested query.MaxDepth deep.
//
// What has no place in the order, such as NaN, fails with InvalidKey.
var Tuple Coder[[]any] = tuple{}

type tuple struct{}

func (tuple) Append(dst []byte, v []any) ([]byte, error) {
	start := len(dst)
	for _, value := range v {
		if !wholeMilliseconds(value) {
			return dst[:start], noKey
		}
		raw, err := appendPlain(nil, value, 0)
		if err != nil {
			return dst[:start], err
		}
		var keyable bool
		if dst, keyable, err = query.AppendKeyRaw(dst, raw); err != nil || !keyable {
			return dst[:start], noKey
		}
	}
	return dst, nil
}

var noKey = &store.Error{Code: store.InvalidKey, Op: "coder tuple: encode"}

func (tuple) Decode(b []byte) ([]any, error) {
	raw, n, err := query.DecodeKey(nil, b)
	if err != nil {
		return nil, garbled("tuple", nil)
	}
	values := make([]any, n)
	for i := range values {
		if values[i], raw, err = readPlain(raw, 0); err != nil {
			return nil, garbled("tuple", err)
		}
	}
	return values, nil
}

// wholeMilliseconds reports whether every time in a value has an exact key.
func wholeMilliseconds(v any) bool {
	switch v := v.(type) {
	case time.Time:
		return v.Nanosecond()%int(time.Millisecond) == 0
	case []any:
		return !slices.ContainsFunc(v, func(element any) bool { return !wholeMilliseconds(element) })
	default:
		return true
	}
}
