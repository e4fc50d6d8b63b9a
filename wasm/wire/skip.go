package wire

import "encoding/binary"

// skip returns how many bytes the MessagePack value at the front of b takes, or
// false where b ends before it. It counts instead of recursing as msgp.Skip
// does: depth is the sender's choice, and the stack of a WASM instance is small.
//
// It runs over every byte that is written in bulk, much of it before the host
// has optimised the module, so it is one loop without calls.
func skip(b []byte) (n int, ok bool) {
	for pending := 1; pending > 0; pending-- {
		if n >= len(b) {
			return 0, false
		}
		c := b[n]
		s := shapes[c]
		n += int(s.bytes)
		if s.lengthBytes == 0 {
			pending += int(s.parts)
			continue
		}
		if n > len(b) {
			return 0, false
		}
		length := 0
		switch s.lengthBytes {
		case 1:
			length = int(b[n-1])
		case 2:
			length = int(binary.BigEndian.Uint16(b[n-2:]))
		default:
			length = int(binary.BigEndian.Uint32(b[n-4:]))
		}
		if length > len(b) {
			return 0, false
		}
		if s.parts == 0 {
			n += length + int(s.more)
		} else {
			pending += length * int(s.parts)
		}
	}
	return n, n <= len(b)
}

// shape is what the first byte of a value tells of its size.
type shape struct {
	bytes       uint8 // of the value, as far as they are known
	lengthBytes uint8 // of these, the last ones hold a length; 0 if none
	more        uint8 // bytes beside those that the length tells
	parts       uint8 // values inside, or inside for each of the length
}

// shapes has the shape of every first byte. 0xc1, which MessagePack never uses,
// has that of a length that is always too large.
var shapes = makeShapes()

func makeShapes() (all [256]shape) {
	for c := range all {
		switch {
		case c < 0x80, c >= 0xe0:
			all[c] = shape{bytes: 1}
		case c < 0x90:
			all[c] = shape{bytes: 1, parts: 2 * uint8(c&15)}
		case c < 0xa0:
			all[c] = shape{bytes: 1, parts: uint8(c & 15)}
		case c < 0xc0:
			all[c] = shape{bytes: 1 + uint8(c&31)}
		}
	}
	for c, s := range map[byte]shape{
		0xc0: {bytes: 1}, 0xc1: {bytes: 255, lengthBytes: 4, parts: 255}, 0xc2: {bytes: 1}, 0xc3: {bytes: 1},
		0xc4: {bytes: 2, lengthBytes: 1}, 0xc5: {bytes: 3, lengthBytes: 2}, 0xc6: {bytes: 5, lengthBytes: 4},
		0xc7: {bytes: 2, lengthBytes: 1, more: 1}, 0xc8: {bytes: 3, lengthBytes: 2, more: 1}, 0xc9: {bytes: 5, lengthBytes: 4, more: 1},
		0xca: {bytes: 5}, 0xcb: {bytes: 9},
		0xcc: {bytes: 2}, 0xcd: {bytes: 3}, 0xce: {bytes: 5}, 0xcf: {bytes: 9},
		0xd0: {bytes: 2}, 0xd1: {bytes: 3}, 0xd2: {bytes: 5}, 0xd3: {bytes: 9},
		0xd4: {bytes: 3}, 0xd5: {bytes: 4}, 0xd6: {bytes: 6}, 0xd7: {bytes: 10}, 0xd8: {bytes: 18},
		0xd9: {bytes: 2, lengthBytes: 1}, 0xda: {bytes: 3, lengthBytes: 2}, 0xdb: {bytes: 5, lengthBytes: 4},
		0xdc: {bytes: 3, lengthBytes: 2, parts: 1}, 0xdd: {bytes: 5, lengthBytes: 4, parts: 1},
		0xde: {bytes: 3, lengthBytes: 2, parts: 2}, 0xdf: {bytes: 5, lengthBytes: 4, parts: 2},
	} {
		all[c] = s
	}
	return all
}
