package store

import (
	"slices"
	"strings"
)

// Flags say how a database orders and repeats its keys. They are given when it
// is created and never change.
type Flags uint8

const (
	// DupSort lets a key have several values, which stand in order of their bytes.
	// A key and one of its values take no more than MaxKeyBytes together; two of
	// those bytes, and one for each zero byte in the key, go to telling them apart.
	DupSort Flags = 1 << iota
	// ReverseKey orders keys as if each were written backwards: by its last byte
	// first. Keys that end alike, as the names of hosts do, stand together.
	ReverseKey
	// Uncompressed keeps compressing stages away from every blob that holds a key or a
	// value of the database. How far something shrinks tells of what is in it, to
	// who can have a guess stored beside a secret and watch sizes.
	Uncompressed

	allFlags = DupSort | ReverseKey | Uncompressed
)

// uncompressed is the first of the spaces of databases that are Uncompressed: a key tells
// by itself.
const uncompressed space = 1 << 31

// within is the space of a database with these flags, of an id that was given out.
func (f Flags) within(id space) space {
	if f&Uncompressed != 0 {
		id |= uncompressed
	}
	return id
}

// flagsOf are the flags that a space tells of.
func flagsOf(id space) Flags {
	if id >= uncompressed {
		return Uncompressed
	}
	return 0
}

// String names the flags, as in "dup_sort|reverse_key"; it is empty for none.
func (f Flags) String() string {
	var names []string
	if f&DupSort != 0 {
		names = append(names, "dup_sort")
	}
	if f&ReverseKey != 0 {
		names = append(names, "reverse_key")
	}
	if f&Uncompressed != 0 {
		names = append(names, "uncompressed")
	}
	return strings.Join(names, "|")
}

// A database without flags stores its keys as they are. ReverseKey stores them
// backwards. DupSort stores every value of a key as an entry of its own that has
// no value, under a key made of both:
//
//	key    00 written as 00 FF
//	end    00 00
//	value  as it is
//
// Before the end, a 00 is always followed by FF. So entries sort by their keys,
// those of one key by their values, and all below the key's end with 01 in place
// of its last byte.

// pairEnd is what stands between a key and a value.
const pairEnd = "\x00\x00"

// appendKey appends the stored form of a key, which with DupSort is the beginning
// of the stored keys of all its values.
func (f Flags) appendKey(dst, key []byte) []byte {
	start := len(dst)
	if f&DupSort == 0 {
		dst = append(dst, key...)
		if f&ReverseKey != 0 {
			slices.Reverse(dst[start:])
		}
		return dst
	}
	for i := range key {
		b := key[i]
		if f&ReverseKey != 0 {
			b = key[len(key)-1-i]
		}
		dst = append(dst, b)
		if b == 0 {
			dst = append(dst, 0xff)
		}
	}
	return append(dst, pairEnd...)
}

// appendBeyond appends the least stored key above all entries of a key.
func (f Flags) appendBeyond(dst, key []byte) []byte {
	dst = f.appendKey(dst, key)
	if f&DupSort == 0 {
		return append(dst, 0)
	}
	dst[len(dst)-1]++
	return dst
}

// headOf is the part of a stored key that all entries of one key share. ok is
// false where none could be stored so.
func (f Flags) headOf(stored []byte) (head []byte, ok bool) {
	if f&DupSort == 0 {
		return stored, len(stored) > 0
	}
	for i := 0; i+1 < len(stored); i++ {
		if stored[i] != 0 {
			continue
		}
		i++
		switch stored[i] {
		case 0:
			return stored[:i+1], i > 1
		case 0xff:
		default:
			return nil, false
		}
	}
	return nil, false
}

// appendPlain appends the key that has a stored head, as headOf returns it.
func (f Flags) appendPlain(dst, head []byte) []byte {
	start := len(dst)
	if f&DupSort == 0 {
		dst = append(dst, head...)
	} else {
		head = head[:len(head)-len(pairEnd)]
		for i := 0; i < len(head); i++ {
			dst = append(dst, head[i])
			if head[i] == 0 {
				i++
			}
		}
	}
	if f&ReverseKey != 0 {
		slices.Reverse(dst[start:])
	}
	return dst
}
