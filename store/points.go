package store

import "encoding/binary"

// points are keys that were read one by one. A transaction that inserts has as many of them as rows, and where
// nobody else commits meanwhile they are never looked at: they stand one after the other in blocks without a
// pointer, each behind its length and before a zero, with which it is the next key that could be.
type points struct {
	buffer buffer
	count  int
}

// pointHeader is the length of a key, uint32: what is looked for may be longer than any key there is.
const pointHeader = 4

// add copies a whole key.
func (p *points) add(whole []byte) {
	b, _ := p.buffer.grow(pointHeader + len(whole) + 1)
	binary.LittleEndian.PutUint32(b, uint32(len(whole)))
	b[pointHeader+copy(b[pointHeader:], whole)] = 0
	p.count++
}

// take copies what another transaction has read.
func (p *points) take(from *points) {
	for _, block := range from.buffer.blocks {
		b, _ := p.buffer.grow(len(block))
		copy(b, block)
	}
	p.count += from.count
}

// each calls visit with the range of each key, which stays valid.
func (p *points) each(visit func(KeyRange)) {
	for _, block := range p.buffer.blocks {
		for len(block) > 0 {
			end := pointHeader + int(binary.LittleEndian.Uint32(block))
			visit(KeyRange{Low: block[pointHeader:end:end], High: block[pointHeader : end+1 : end+1]})
			block = block[end+1:]
		}
	}
}
