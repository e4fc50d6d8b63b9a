package store

import "github.com/tinylib/msgp/msgp"

// item is one step of an export. An export is a head, then each database with
// its entries behind it, then an end; a value too long for one item follows its
// key in pieces. Each is an array of 3:
//
//	kind  uint  see itemKind
//	name  bin
//	body  bin, uint or array
//
//	kind           name                  body
//	0 head         the environment's id  array of 2: log position uint, about how many entries follow uint
//	1 database     its catalogue name    bin: its catalogue entry, whose id has no meaning here
//	2 entry        key                   bin: the value
//	3 large value  key                   uint: the size of the value, in bytes
//	4 piece        empty                 bin: the next bytes of the value
//	5 end          empty                 array of 3: databases uint, entries uint, CRC-32C of every byte before the last part uint
//
// Databases ascend by name, entries by key.
type item struct {
	kind    itemKind
	name    []byte
	bytes   []byte    // the body of a database, an entry, a piece
	numbers [3]uint64 // the body of a head, a large value, an end
}

type itemKind uint8

const (
	headItem itemKind = iota
	databaseItem
	entryItem
	largeItem
	pieceItem
	endItem
)

// itemNumbers is how many numbers the body of a kind has, 0 where it is bytes.
var itemNumbers = [endItem + 1]int{headItem: 2, largeItem: 1, endItem: 3}

func (it *item) append(dst []byte) []byte {
	dst = msgp.AppendArrayHeader(dst, 3)
	dst = msgp.AppendUint8(dst, uint8(it.kind))
	dst = appendBin(dst, it.name)
	n := itemNumbers[it.kind]
	switch {
	case n == 0:
		return appendBin(dst, it.bytes)
	case n > 1:
		dst = msgp.AppendArrayHeader(dst, uint32(n))
	}
	for _, number := range it.numbers[:n] {
		dst = msgp.AppendUint64(dst, number)
	}
	return dst
}

// readItem reads one item from the front of b, without copying, and returns
// what follows it.
func readItem(b []byte) (it item, rest []byte, ok bool) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil || n != 3 {
		return it, nil, false
	}
	kind, b, err := msgp.ReadUint8Bytes(b)
	if err != nil || kind > uint8(endItem) {
		return it, nil, false
	}
	it.kind = itemKind(kind)
	if it.name, b, ok = readBin(b); !ok {
		return it, nil, false
	}
	count := itemNumbers[it.kind]
	if count == 0 {
		it.bytes, b, ok = readBin(b)
		return it, b, ok
	}
	if count > 1 {
		if n, b, err = msgp.ReadArrayHeaderBytes(b); err != nil || int(n) != count {
			return it, nil, false
		}
	}
	for i := range count {
		if it.numbers[i], b, err = msgp.ReadUint64Bytes(b); err != nil {
			return it, nil, false
		}
	}
	return it, b, true
}
