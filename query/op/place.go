package op

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
)

// place is where in a document a path leads to. Offsets are those in the document.
type place struct {
	head // of the map or list that the value is, or would be, in
	// Where that begins and where it ends.
	container, end int

	found       bool
	start       int // of the field, name included, or of the element
	value, past int // of the value itself
	lacking     int // how many segments at the end of the path lead to nothing
}

// head is that of a map or list: how many fields or elements it has, and where in the
// document the first of them begins.
type head struct {
	list  bool
	count uint32
	body  int
}

// readHead reads the head of the map or list at doc[at:], false where there is neither.
func readHead(doc []byte, at int) (h head, ok bool) {
	kind := msgp.NextType(doc[at:])
	h.list = kind == msgp.ArrayType
	if !h.list && kind != msgp.MapType {
		return h, false
	}
	rest, err := doc[at:], error(nil)
	if h.list {
		h.count, rest, err = msgp.ReadArrayHeaderBytes(rest)
	} else {
		h.count, rest, err = msgp.ReadMapHeaderBytes(rest)
	}
	h.body = len(doc) - len(rest)
	return h, err == nil
}

// bytes are the head of as many fields or elements, and more.
func (h head) bytes(more int) []byte {
	count := h.count + uint32(more)
	if h.list {
		return msgp.AppendArrayHeader(nil, count)
	}
	return msgp.AppendMapHeader(nil, count)
}

// find follows a path as far as there is something. It fails where a name is looked
// for in what is no map, or a position in what is no list.
func (o *Operation) find(doc []byte) (p place, err error) {
	at := 0
	for i, segment := range o.path {
		p = place{container: at, end: skip(doc, at), lacking: len(o.path) - i}
		var ok bool
		if p.head, ok = readHead(doc, at); !ok || p.list != (segment.Name == "") {
			return p, o.unfit("the path leads into what is of another type")
		}
		p.seek(doc, segment)
		if !p.found || query.IsUndefined(doc[p.value:]) {
			return p, nil
		}
		at = p.value
	}
	p.lacking = 0
	return p, nil
}

// seek looks for a field or an element.
func (p *place) seek(doc []byte, segment query.Segment) {
	at := p.body
	for i := range int(p.count) {
		p.start, p.value = at, at
		if !p.list {
			p.value = skip(doc, at)
		}
		p.past = skip(doc, p.value)
		at = p.past
		if p.list && i == segment.Index || !p.list && named(doc[p.start:], segment.Name) {
			p.found = true
			return
		}
	}
}

// named reports whether a name is the one at the front of raw, however that was written.
func named(raw []byte, name string) bool {
	written, _, err := msgp.ReadStringZC(raw)
	return err == nil && string(written) == name
}

// skip returns where the value at doc[at:] ends. The documents that operations are applied
// to are valid MessagePack.
func skip(doc []byte, at int) int {
	n, _ := query.Skip(doc[at:])
	return at + n
}
