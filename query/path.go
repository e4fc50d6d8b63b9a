package query

import (
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// Path leads from a document to a value inside it: names lead into maps,
// positions into lists. In MessagePack it is an array of strings and
// non-negative integers: ["loc", "coordinates", 0].
type Path []Segment

// Segment is one step of a path: the name of a field, or, where Name is empty,
// a position in a list, counted from 0.
type Segment struct {
	Name  string
	Index int
}

// Field is the path that follows names.
func Field(names ...string) Path {
	p := make(Path, len(names))
	for i, name := range names {
		p[i].Name = name
	}
	return p
}

// At is p continued into a list.
func (p Path) At(index int) Path {
	return append(p[:len(p):len(p)], Segment{Index: index})
}

// Field is p continued into a map.
func (p Path) Field(name string) Path {
	return append(p[:len(p):len(p)], Segment{Name: name})
}

// Equal reports whether p and q are the same path.
//
//go:noinline
func (p Path) Equal(q Path) bool {
	if len(p) != len(q) {
		return false
	}
	for i := range p {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}

// String joins the segments by dots, to be read by people.
func (p Path) String() string {
	s := ""
	for i, segment := range p {
		if i > 0 {
			s += "."
		}
		if segment.Name != "" {
			s += segment.Name
		} else {
			s += strconv.Itoa(segment.Index)
		}
	}
	return s
}

// Check fails with invalid_path where p is empty or has a negative position.
func (p Path) Check() error {
	if len(p) == 0 {
		return fail(codeInvalidPath, "a path needs at least one segment")
	}
	if len(p) > MaxDepth {
		return fail(codeTooDeep, "a path has too many segments")
	}
	for _, segment := range p {
		if segment.Index < 0 {
			return fail(codeInvalidPath, "a list position is negative")
		}
	}
	return nil
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

// missing is the offset of a value that is not there.
const missing = -1

// find returns the offset in doc of the value that p leads to from the value at
// doc[at:], or missing, or damaged. A value of undefined is missing. Of equal
// names in one map the first counts.
func (p Path) find(doc []byte, at int) int {
	for i := range p {
		if p[i].Name != "" {
			at = findField(doc, at, p[i].Name)
		} else {
			at = findElement(doc, at, p[i].Index)
		}
		if at < 0 {
			return at
		}
	}
	if at+2 < len(doc) && doc[at] == 0xd4 && doc[at+1] == extensionUndefined {
		return missing
	}
	return at
}

// findField returns the offset of a field's value in the map at doc[at:].
func findField(doc []byte, at int, name string) int {
	count, at := mapHead(doc, at)
	if at < 0 {
		return at
	}
	for ; count > 0; count-- {
		if uint(at) >= uint(len(doc)) {
			return damaged
		}
		// Nearly all names are short strings, whose length is in the first byte.
		if c := doc[at]; c&0xe0 == 0xa0 {
			start := at + 1
			at = start + int(c&31)
			if at >= len(doc) {
				return damaged
			}
			if string(doc[start:at]) == name {
				return at
			}
		} else {
			key, ok := decode(doc, at)
			if at = skip(doc, at); !ok || at < 0 || at >= len(doc) {
				return damaged
			}
			if key.kind == kindString && string(key.body) == name {
				return at
			}
		}
		if shape := shapes[doc[at]]; 0 < shape && shape < 0x100 {
			at += int(shape) // a value that tells its size and holds no others
		} else if at = skip(doc, at); at < 0 {
			return damaged
		}
	}
	return missing
}

// mapHead returns how many fields the map at doc[at:] has and where the first
// begins: missing where there is no map.
func mapHead(doc []byte, at int) (count, start int) {
	if at < len(doc) && doc[at]&0xf0 == 0x80 {
		return int(doc[at] & 15), at + 1
	}
	v, ok := decode(doc, at)
	switch {
	case !ok:
		return 0, damaged
	case !v.isMap:
		return 0, missing
	default:
		return v.count, len(doc) - len(v.body)
	}
}

// findElement returns the offset of an element of the list at doc[at:].
func findElement(doc []byte, at, index int) int {
	v, ok := decode(doc, at)
	if !ok {
		return damaged
	}
	if v.kind != kindArray || index >= v.count {
		return missing
	}
	at = len(doc) - len(v.body)
	for ; index > 0; index-- {
		if at = skip(doc, at); at < 0 {
			return damaged
		}
	}
	return at
}

// Lookup returns the MessagePack value that path leads to in a document, as a
// part of doc. A value of undefined is not found. It fails with
// invalid_document where the bytes on the way are not MessagePack.
func Lookup(doc []byte, path Path) (v []byte, found bool, err error) {
	at := path.find(doc, 0)
	if at == missing {
		return nil, false, nil
	}
	if at >= 0 {
		v = raw(doc, at)
	}
	if v == nil {
		return nil, false, errDamaged
	}
	return v, true, nil
}

// errDamaged is made once, for it may be met on a hot path.
var errDamaged = fail(codeInvalidDocument, "the bytes are not MessagePack")
