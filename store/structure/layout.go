package structure

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/stowage-db/stowage/store"
)

// The keys of the database begin with what stands under them:
//
//	1 · key                          → the header of a structure
//	2 · name · version · member      → the value of a field, or the score of a member
//	3 · name · version · score · member   of a sorted set, without a value
//	4 · milliseconds · key                of what expires, without a value
//	5 · name · version                    of what was a structure and is to be removed
//	6 · name · version · level · score · member   → how many members follow: see ranks.go
//
// A name is a key with each 00 written as 00 FF, then 00 00. Versions are a uint32,
// milliseconds since 1970 a uint64; all numbers are big-endian.
const (
	tagHeader = iota + 1
	tagMember
	tagScore
	tagExpiry
	tagRemains
	tagCount
)

// Kind is what kind of structure a key holds.
type Kind uint8

// The kinds, by their numbers in headers. Booleans are strings, places sorted sets.
const (
	None Kind = iota // nothing
	String
	Hash
	SortedSet
)

// String is the kind as Redis names it.
func (k Kind) String() string {
	return [...]string{"none", "string", "hash", "zset"}[k]
}

// header is what stands under a key:
//
//	kind u8 · expires u64 · value                                 of a string
//	kind u8 · expires u64 · version u32 · count u64 · levels u8   of the others
//	… · salt 8 bytes                                              of a sorted set with levels
//
// Sets that older programs gave levels have none until those have gone.
type header struct {
	kind    Kind
	expires int64  // milliseconds since 1970, 0 for never
	value   []byte // of a string
	version uint32 // differs from that of what the key held before and is not removed yet
	count   int64  // of fields or members
	levels  uint8  // of a sorted set: see ranks.go
	salt    *[saltBytes]byte
}

// saltBytes is how long a salt is, what spreads members over levels.
const saltBytes = 8

func (h *header) expired(now int64) bool { return h.expires != 0 && h.expires <= now }

func (h *header) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, byte(h.kind)), uint64(h.expires))
	if h.kind == String {
		return append(dst, h.value...)
	}
	dst = append(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(dst, h.version), uint64(h.count)), h.levels)
	if h.salt != nil {
		dst = append(dst, h.salt[:]...)
	}
	return dst
}

func readHeader(b []byte) (h header, ok bool) {
	if len(b) < 9 || b[0] == byte(None) || b[0] > byte(SortedSet) {
		return h, false
	}
	h.kind, h.expires = Kind(b[0]), int64(binary.BigEndian.Uint64(b[1:]))
	if rest := b[9:]; h.kind == String {
		h.value = rest
	} else if len(rest) < 4+8+1 {
		return h, false
	} else {
		h.version, h.count = binary.BigEndian.Uint32(rest), int64(binary.BigEndian.Uint64(rest[4:]))
		h.levels = rest[12]
		if salt := rest[13:]; len(salt) == saltBytes && h.levels > 0 {
			h.salt = (*[saltBytes]byte)(salt)
		} else if len(salt) > 0 {
			return h, false
		}
	}
	return h, h.expires >= 0 && h.count >= 0 && h.levels <= mostLevels
}

func headerKey(key string) []byte { return append([]byte{tagHeader}, key...) }

func expiryKey(at int64, key string) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{tagExpiry}, uint64(at)), key...)
}

// named is a tag and a key's name.
func named(tag byte, key string) []byte {
	b := make([]byte, 0, len(key)+16)
	b = append(b, tag)
	for i := range len(key) {
		if b = append(b, key[i]); key[i] == 0 {
			b = append(b, 0xff)
		}
	}
	return append(b, 0, 0)
}

// of is a tag and what the records of a structure have in common behind it.
func (h *header) of(tag byte, key string) []byte {
	return binary.BigEndian.AppendUint32(named(tag, key), h.version)
}

func (h *header) memberKey(key, member string) []byte { return append(h.of(tagMember, key), member...) }

// place is what members of a sorted set sort by: score and member.
func place(score float64, member string) []byte { return append(appendScore(nil, score), member...) }

// scoreBytes is how long a score is.
const scoreBytes = 8

// ordered is a score as a number that sorts like it: the bits of a float64, with the
// sign turned, or of a negative one all of them.
func ordered(score float64) uint64 {
	bits := math.Float64bits(score)
	if bits>>63 != 0 {
		return ^bits
	}
	return bits | 1<<63
}

func appendScore(dst []byte, score float64) []byte {
	return binary.BigEndian.AppendUint64(dst, ordered(score))
}

// readScore reads a score from the beginning of b.
func readScore(b []byte) (score float64, ok bool) {
	if len(b) < scoreBytes {
		return 0, false
	}
	bits := binary.BigEndian.Uint64(b)
	if bits>>63 != 0 {
		bits &^= 1 << 63
	} else {
		bits = ^bits
	}
	score = math.Float64frombits(bits)
	return score, !math.IsNaN(score)
}

// fits fails where a key, or a field or member of it, is empty or too long. Those of a
// sorted set stand behind a score as well.
func fits(op, key string, members ...string) error {
	if key == "" {
		return fail(store.InvalidKey, op+": empty key", nil)
	}
	room := store.MaxKeyBytes - 2 - len(key) - bytes.Count([]byte(key), []byte{0}) - 2 - 4 - scoreBytes
	if room <= 0 {
		return fail(store.TooLarge, op+": key", nil)
	}
	for _, member := range members {
		if member == "" {
			return fail(store.InvalidArgument, op+": empty member", nil)
		}
		if len(member) > room {
			return fail(store.TooLarge, op+": member", nil)
		}
	}
	return nil
}

func corrupt(op string) error { return fail(store.Corrupt, op, nil) }
