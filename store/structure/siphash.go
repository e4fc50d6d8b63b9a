package structure

import (
	"encoding/binary"
	"math/bits"
)

// sipHash is HalfSipHash-2-4 with a result of 32 bits, by a key of 8 bytes: a hash of
// which nobody knows anything who has not the key, at the cost of plain ones.
func sipHash(key [saltBytes]byte, data []byte) uint32 {
	k0, k1 := binary.LittleEndian.Uint32(key[:]), binary.LittleEndian.Uint32(key[4:])
	s := sipState{k0, k1, 0x6c796765 ^ k0, 0x74656462 ^ k1}
	last := uint32(len(data)) << 24
	for ; len(data) >= 4; data = data[4:] {
		s.take(binary.LittleEndian.Uint32(data))
	}
	for i, b := range data {
		last |= uint32(b) << (8 * i)
	}
	s.take(last)
	s[2] ^= 0xff
	s.round(4)
	return s[1] ^ s[3]
}

type sipState [4]uint32

func (s *sipState) take(word uint32) {
	s[3] ^= word
	s.round(2)
	s[0] ^= word
}

func (s *sipState) round(times int) {
	for range times {
		s.mix(0, 1, 5)
		s[0] = bits.RotateLeft32(s[0], 16)
		s.mix(2, 3, 8)
		s.mix(0, 3, 7)
		s.mix(2, 1, 13)
		s[2] = bits.RotateLeft32(s[2], 16)
	}
}

func (s *sipState) mix(to, with, by int) {
	s[to] += s[with]
	s[with] = bits.RotateLeft32(s[with], by) ^ s[to]
}
