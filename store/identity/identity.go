// Package identity makes identities for documents that come without one, for store.Schema:
// random ones, and such that sort by the time they were made. JavaScript has the same, by
// the same names, as the option ids of a table.
//
// Nothing that is made here has to be counted, so that contexts which do not know of each
// other, as those over Workers KV, never make the same identity.
package identity

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"sync"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
)

// UUID makes random identities as of RFC 9562, version 4, in small letters, and accepts any
// UUID that is written so.
func UUID() store.IdentityKind { return uuids }

// ULID makes identities of 26 digits and letters that sort by the time they were made, to
// the millisecond: each is greater than all that this program has made, whatever its clock does.
// It accepts those that others have made.
func ULID() store.IdentityKind { return ulids }

// String makes identities of 32 random hexadecimal digits, and accepts any text.
func String() store.IdentityKind { return texts }

// The kinds, by which a table's are known to be the same.
var (
	uuids = &text{nextUUID, isUUID}
	ulids = &text{lastULID.next, isULID}
	texts = &text{
		next:    func() string { return hex.EncodeToString(random(16)) },
		accepts: func(string) bool { return true },
	}
)

// text is a kind of identities that are text.
type text struct {
	next    func() string
	accepts func(id string) bool
}

func (k *text) Next(*store.Tx) ([]byte, error) { return msgp.AppendString(nil, k.next()), nil }

func (k *text) Accepts(id []byte) bool {
	s, rest, err := msgp.ReadStringZC(id)
	return err == nil && len(rest) == 0 && k.accepts(string(s))
}

func random(length int) []byte {
	b := make([]byte, length)
	_, _ = rand.Read(b) // it never fails
	return b
}

func nextUUID() string {
	b := random(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	s := hex.EncodeToString(b)
	return strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-")
}

func isUUID(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i := range len(id) {
		switch hyphen := i == 8 || i == 13 || i == 18 || i == 23; {
		case hyphen && id[i] != '-', !hyphen && strings.IndexByte("0123456789abcdef", id[i]) < 0:
			return false
		}
	}
	return true
}

// digits are those of a ULID: five bits each, in the order of their characters.
const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const timeDigits, tailDigits = 10, 16

func isULID(id string) bool {
	if len(id) != timeDigits+tailDigits || id[0] > '7' {
		return false
	}
	for i := range len(id) {
		if strings.IndexByte(digits, id[i]) < 0 {
			return false
		}
	}
	return true
}

// ulid is what a ULID is made of.
type ulid struct {
	mu   sync.Mutex
	time int64 // milliseconds
	tail [tailDigits]byte
}

// lastULID is the last one that this program has made.
var lastULID ulid

func (u *ulid) next() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now := time.Now().UnixMilli(); now > u.time {
		u.time = now
		for i, b := range random(tailDigits) {
			u.tail[i] = b & 31
		}
		u.tail[0] &= 15 // so that there is always a greater one
	} else {
		u.increment()
	}
	var id [timeDigits + tailDigits]byte
	for i, rest := timeDigits-1, u.time; i >= 0; i, rest = i-1, rest>>5 {
		id[i] = digits[rest&31]
	}
	for i, digit := range u.tail {
		id[timeDigits+i] = digits[digit]
	}
	return string(id[:])
}

func (u *ulid) increment() {
	for i := tailDigits - 1; ; i-- {
		u.tail[i] = (u.tail[i] + 1) & 31
		if u.tail[i] != 0 {
			return
		}
	}
}
