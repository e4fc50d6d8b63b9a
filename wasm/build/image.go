//go:build !js

package main

import (
	"encoding/binary"
	"errors"
)

var errModule = errors.New("not a WebAssembly module as Go's linker writes it")

// image is a module's linear memory as it begins: what its data segments put there.
type image struct {
	module   []byte
	segments []segment
	memory   []byte
}

// segment is a part of the module that becomes a part of memory. The linker leaves
// long runs of zeros out.
type segment struct{ address, offset, length int }

// dataSection is the id of the section that holds the data segments.
const dataSection = 11

// newImage reads a module's data segments.
func newImage(module []byte) (*image, error) {
	m := &image{module: module}
	at := 8
	for at < len(module) {
		id := module[at]
		length, n := binary.Uvarint(module[at+1:])
		if n <= 0 {
			return nil, errModule
		}
		at += 1 + n
		if id == dataSection {
			return m, m.read(at)
		}
		at += int(length)
	}
	return nil, errModule
}

// read reads the data section: a count, and segments of the form
// 0x00, i32.const address, end, length, bytes.
func (m *image) read(at int) error {
	count, n := binary.Uvarint(m.module[at:])
	at += max(n, 0)
	for range count {
		if m.module[at] != 0 || m.module[at+1] != 0x41 {
			return errModule
		}
		address, n := signed(m.module[at+2:])
		at += 2 + n
		if m.module[at] != 0x0b {
			return errModule
		}
		length, n := binary.Uvarint(m.module[at+1:])
		at += 1 + n
		s := segment{address, at, int(length)}
		m.segments = append(m.segments, s)
		if end := s.address + s.length; end > len(m.memory) {
			m.memory = append(m.memory, make([]byte, end-len(m.memory))...)
		}
		copy(m.memory[s.address:], m.module[at:at+s.length])
		at += s.length
	}
	return nil
}

// signed reads a signed LEB128 number.
func signed(b []byte) (value, n int) {
	for shift := 0; ; n++ {
		value |= int(b[n]&0x7f) << shift
		shift += 7
		if b[n] < 0x80 {
			if b[n]&0x40 != 0 {
				value -= 1 << shift
			}
			return value, n + 1
		}
	}
}

// clear makes a part of memory zero.
func (m *image) clear(address, length int) { clear(m.memory[address : address+length]) }

// save writes memory back into the module. What the linker left out must be zero still.
func (m *image) save() {
	for _, s := range m.segments {
		copy(m.module[s.offset:s.offset+s.length], m.memory[s.address:])
	}
}

func (m *image) uint32(address int) int {
	return int(binary.LittleEndian.Uint32(m.memory[address:]))
}

func (m *image) uint64(address int) int {
	return int(binary.LittleEndian.Uint64(m.memory[address:]))
}
