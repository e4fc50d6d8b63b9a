package op

import (
	"bytes"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
)

// Apply returns doc, a valid MessagePack map, as the operations leave it. doc
// itself stays as it is. It fails with invalid_document where one of them does not
// fit; how deep the result is nested, and how large it is, the caller has to judge.
func (l List) Apply(doc []byte) ([]byte, error) {
	for i := range l {
		var err error
		if doc, err = l[i].apply(doc); err != nil {
			return nil, err
		}
	}
	return doc, nil
}

func (o *Operation) apply(doc []byte) ([]byte, error) {
	p, err := o.find(doc)
	if err != nil {
		return nil, err
	}
	if p.lacking > 0 && !o.kind.creates() {
		return nil, o.unfit("there is nothing")
	}
	switch o.kind {
	case remove:
		return join(doc[:p.container], p.bytes(-1), doc[p.body:p.start], doc[p.past:]), nil
	case rename:
		return p.rename(doc, o.operands[0]), nil
	case insert:
		if p.found && p.lacking <= 1 {
			return join(doc[:p.container], p.bytes(+1), doc[p.body:p.start], o.operands[0], doc[p.start:]), nil
		}
	}
	var old []byte
	if p.lacking == 0 {
		old = doc[p.value:p.past]
	}
	fresh, err := o.compute(old)
	if err == nil && p.lacking > 1 {
		fresh, err = o.wrap(fresh, p.lacking-1)
	}
	if err != nil {
		return nil, err
	}
	if p.found {
		return join(doc[:p.value], fresh, doc[p.past:]), nil
	}
	var name []byte
	if segment := o.path[len(o.path)-p.lacking]; !p.list {
		name = msgp.AppendString(nil, segment.Name)
	} else if segment.Index > int(p.count) {
		return nil, o.unfit(behind)
	}
	return join(doc[:p.container], p.bytes(+1), doc[p.body:p.end], name, fresh, doc[p.end:]), nil
}

const behind = "the position is behind the end of the list"

// wrap puts a value into the maps and lists that the last segments of the path name.
func (o *Operation) wrap(value []byte, segments int) ([]byte, error) {
	for i := range segments {
		segment := o.path[len(o.path)-1-i]
		if segment.Index > 0 {
			return nil, o.unfit(behind)
		}
		around := head{list: segment.Name == ""}.bytes(1)
		if segment.Name != "" {
			around = msgp.AppendString(around, segment.Name)
		}
		value = join(around, value)
	}
	return value, nil
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// rename writes the field anew, and leaves out another one that has its new name.
func (p *place) rename(doc, name []byte) []byte {
	parts := [][]byte{doc[:p.container], nil}
	for at := p.body; at < p.end; {
		value := skip(doc, at)
		past := skip(doc, value)
		switch {
		case at == p.start:
			parts = append(parts, name, doc[value:past])
		case query.Equal(doc[at:value], name):
			p.count--
		default:
			parts = append(parts, doc[at:past])
		}
		at = past
	}
	parts[1] = p.bytes(0)
	return join(append(parts, doc[p.end:])...)
}

// compute makes of a value what takes its place. old is nil where there is none.
func (o *Operation) compute(old []byte) ([]byte, error) {
	operand := one
	if len(o.operands) > 0 {
		operand = o.operands[0]
	}
	switch o.kind {
	case least:
		return o.choose(old, operand, -1)
	case greatest:
		return o.choose(old, operand, +1)
	case add, increment:
		return o.add(old, operand)
	case subtract, decrement:
		return o.sum(old, operand, true)
	case push:
		if old == nil {
			return join(head{list: true}.bytes(len(o.operands)), join(o.operands...)), nil
		}
		return o.extend(old, join(o.operands...), len(o.operands))
	case pull:
		return o.pull(old)
	case merge:
		if old == nil {
			old = head{}.bytes(0)
		}
		if h, ok := readHead(old, 0); !ok || h.list {
			return nil, o.unfit(anotherType)
		}
		out, start, err := AppendMerged(nil, old, operand)
		if err != nil {
			return nil, err
		}
		return out[start:], nil
	default:
		return operand, nil
	}
}

const anotherType = "what is there is of another type"

var one = []byte{1}

// extend puts so many elements behind those of a list.
func (o *Operation) extend(old, elements []byte, more int) ([]byte, error) {
	h, ok := readHead(old, 0)
	if !ok || !h.list {
		return nil, o.unfit(anotherType)
	}
	return join(h.bytes(more), old[h.body:], elements), nil
}

func (o *Operation) add(old, operand []byte) ([]byte, error) {
	if h, ok := readHead(operand, 0); ok {
		return o.extend(old, operand[h.body:], int(h.count))
	}
	if text, _, err := msgp.ReadStringZC(operand); err == nil {
		first, _, err := msgp.ReadStringZC(old)
		if err != nil {
			return nil, o.unfit(anotherType)
		}
		return msgp.AppendStringFromBytes(nil, join(first, text)), nil
	}
	return o.sum(old, operand, false)
}

func (o *Operation) pull(old []byte) ([]byte, error) {
	h, ok := readHead(old, 0)
	if !ok || !h.list {
		return nil, o.unfit(anotherType)
	}
	parts := make([][]byte, 1, 1+h.count)
	for at := h.body; at < len(old); {
		past := skip(old, at)
		if o.names(old[at:past]) {
			h.count--
		} else {
			parts = append(parts, old[at:past])
		}
		at = past
	}
	parts[0] = h.bytes(0)
	return join(parts...), nil
}

// names reports whether a value is one of the operands.
func (o *Operation) names(value []byte) bool {
	for _, operand := range o.operands {
		if query.Equal(operand, value) {
			return true
		}
	}
	return false
}
