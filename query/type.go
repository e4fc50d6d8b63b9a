package query

import "slices"

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
	tags := map[typeSet][2]kind{
		typeNull: {kindNull, kindNull}, typeBoolean: {kindFalse, kindTrue}, typeNumber: {kindNumber, kindNumber}, typeString: {kindString, kindString},
		typeDate: {kindDate, kindDate}, typeBytes: {kindBytes, kindBytes}, typeArray: {kindArray, kindArray}, typeObject: {kindOther, kindOther},
	}[n.types]
	s := []KeyRange{{[]byte{byte(tags[0])}, []byte{byte(tags[1]) + 1}}}
	if n.types&(typeNumber|typeArray|typeObject) == 0 {
		return unite(s), true
	}
	return unite(append(s, point(AppendKeyOther(nil)))), false
}
