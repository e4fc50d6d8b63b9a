package query

import (
	"math/bits"
	"slices"
)

// typeSet is a set of the types that documents tell apart.
type typeSet uint8

const (
	typeNull typeSet = 1 << iota
	typeBoolean
	typeNumber
	typeString
	typeDate
	typeBytes
	typeArray
	typeObject
)

// typeNames are in the order of their bits.
var typeNames = []string{"null", "boolean", "number", "string", "date", "bytes", "array", "object"}

func typeNamed(name string) (typeSet, error) {
	i := slices.Index(typeNames, name)
	if i < 0 {
		return 0, fail(codeInvalidQuery, "there is no such type")
	}
	return 1 << i, nil
}

// typeOf is the type of v, none for extensions without a meaning here.
func typeOf(v *value) typeSet {
	switch v.kind {
	case kindNull:
		return typeNull
	case kindFalse, kindTrue:
		return typeBoolean
	case kindNumber:
		return typeNumber
	case kindString:
		return typeString
	case kindDate:
		return typeDate
	case kindBytes:
		return typeBytes
	case kindArray:
		return typeArray
	default:
		if v.isMap {
			return typeObject
		}
		return 0
	}
}

func (t typeSet) has(v *value) bool { return t&typeOf(v) != 0 }

// spansType tells where the keys of a type stand. NaN, lists that hold what has no
// order, and maps stand together.
func spansType(n *node) (spans, bool) {
	kinds := [...]kind{kindNull, kindFalse, kindNumber, kindString, kindDate, kindBytes, kindArray, kindOther}
	low := byte(kinds[bits.TrailingZeros8(uint8(n.types))])
	s := []KeyRange{{[]byte{low}, []byte{low + 1}}}
	if n.types == typeBoolean {
		s[0].High[0]++ // false and true
	}
	if n.types&(typeNumber|typeArray|typeObject) == 0 {
		return unite(s), true
	}
	return unite(append(s, point(AppendKeyOther(nil)))), false
}
