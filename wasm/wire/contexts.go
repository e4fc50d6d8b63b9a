package wire

import (
	"math"
	"strconv"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
)

// Verb says what is wanted among contexts. The payload of Among is [verb,
// …arguments]; ids of contexts are hexadecimal, for they use all 64 bits.
type Verb uint8

const (
	Join    Verb = iota + 1 // [id]
	Lock                    // [name, patience in milliseconds, whether to wait]; the reply is a number, 0 where another context has it
	Unlock                  // [that number]
	Alive                   // [name of a lock]
	Contest                 // []
	Pin                     // [read, known]
	Linger                  // []
	Others                  // []; the reply is [read, known, [id …]], with nil for the numbers where there is nobody
)

func appendVerb(verb Verb, arguments uint32) []byte {
	b := msgp.AppendArrayHeader(nil, 1+arguments)
	return msgp.AppendUint8(b, uint8(verb))
}

// JoinFrame is the payload that asks for Join.
func JoinFrame(writer uint64) []byte {
	return msgp.AppendString(appendVerb(Join, 1), strconv.FormatUint(writer, 16))
}

// LockFrame is the payload that asks for Lock.
func LockFrame(name string, patience time.Duration, wait bool) []byte {
	b := msgp.AppendString(appendVerb(Lock, 3), name)
	b = msgp.AppendInt64(b, patience.Milliseconds())
	return msgp.AppendBool(b, wait)
}

// UnlockFrame is the payload that asks for Unlock.
func UnlockFrame(number uint32) []byte { return msgp.AppendUint32(appendVerb(Unlock, 1), number) }

// AliveFrame is the payload that asks for Alive.
func AliveFrame(name string) []byte { return msgp.AppendString(appendVerb(Alive, 1), name) }

// ContestFrame is the payload that asks for Contest.
func ContestFrame() []byte { return appendVerb(Contest, 0) }

// PinFrame is the payload that asks for Pin.
func PinFrame(pin store.Pin) []byte {
	b := msgp.AppendUint64(appendVerb(Pin, 2), pin.Read)
	return msgp.AppendUint64(b, pin.Known)
}

// LingerFrame is the payload that asks for Linger.
func LingerFrame() []byte { return appendVerb(Linger, 0) }

// OthersFrame is the payload that asks for Others.
func OthersFrame() []byte { return appendVerb(Others, 0) }

// ReadLock reads the reply to Lock.
func ReadLock(frame []byte) (number uint32, err error) {
	r, err := reply(frame)
	if err != nil {
		return 0, err
	}
	number = r.uint32()
	return number, r.end()
}

// ReadOthers reads the reply to Others.
func ReadOthers(frame []byte) (store.Others, error) {
	r, err := reply(frame)
	if err != nil {
		return store.Others{}, err
	}
	generation := func() uint64 {
		if r.nil() {
			return math.MaxUint64
		}
		return r.uint()
	}
	r.tuple(3)
	others := store.Others{Pin: store.Pin{Read: generation(), Known: generation()}}
	for range r.array() {
		writer, err := strconv.ParseUint(r.text(), 16, 64)
		if err != nil {
			r.fail()
			break
		}
		others.Writers = append(others.Writers, writer)
	}
	return others, r.end()
}

// Sign reads the argument of Heard.
func (q *Request) Sign() (store.Sign, error) {
	r := q.read(1)
	sign := store.Sign(min(r.uint(), 255))
	return sign, r.end()
}
