package crypto

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"

	"github.com/tinylib/msgp/msgp"
)

// Ring is what an environment stores of its keys: nobody can use it without a
// secret, and nobody can change it without the master key. As stored, the header:
//
//	ring
//	CRC-32C of it   u32
//
//	ring: array of 4
//	  version  uint   1
//	  slots    array  1 to 32, ascending: array of 4 (id uint, kind uint, parameters bin, wrapped bin(60))
//	  epochs   array  1 to 64, ascending: array of 2 (number uint, wrapped bin(60))
//	  mac      bin    HMAC-SHA-256 of all before it, under HKDF(master key, environment, "stowage/1 ring")
//
// Numbers take the fewest bytes; a ring written otherwise is damaged. So no two
// headers mean the same. Damage shows in the checksum before any secret is tried; what was forged with a right
// one shows in the mac.
type Ring struct {
	Slots  []Slot
	Epochs []Epoch

	mac [sha256.Size]byte
}

const (
	ringVersion = 1
	maxSlots    = 32
	maxEpochs   = 64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ReadRing reads a header. It fails with ErrHeader, or ErrNewer where a later version
// wrote it, before anything is hashed or allocated for what the header claims.
func ReadRing(header []byte) (*Ring, error) {
	end := len(header) - 4
	if end < 0 || crc32.Checksum(header[:end], castagnoli) != binary.BigEndian.Uint32(header[end:]) {
		return nil, ErrHeader
	}
	b := header[:end:end]
	fields, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return nil, ErrHeader
	}
	version, b, err := msgp.ReadUintBytes(b)
	if err != nil || version < ringVersion {
		return nil, ErrHeader
	}
	if version > ringVersion {
		return nil, ErrNewer
	}
	r := &Ring{}
	var ok bool
	if r.Slots, b, ok = readSlots(b); !ok || fields != 4 {
		return nil, ErrHeader
	}
	if r.Epochs, b, ok = readEpochs(b); !ok {
		return nil, ErrHeader
	}
	if b, ok = readExactly(b, r.mac[:]); !ok || len(b) != 0 || !bytes.Equal(r.Header(), header) {
		return nil, ErrHeader
	}
	return r, nil
}

func readSlots(b []byte) (slots []Slot, rest []byte, ok bool) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil || n < 1 || n > maxSlots {
		return nil, nil, false
	}
	for range n {
		var s Slot
		fields, more, err := msgp.ReadArrayHeaderBytes(b)
		if err != nil || fields != 4 {
			return nil, nil, false
		}
		if s.ID, more, err = msgp.ReadUint32Bytes(more); err != nil || len(slots) > 0 && s.ID <= slots[len(slots)-1].ID {
			return nil, nil, false
		}
		kind, more, err := msgp.ReadUint8Bytes(more)
		if err != nil {
			return nil, nil, false
		}
		parameters, more, err := msgp.ReadBytesZC(more)
		if err != nil {
			return nil, nil, false
		}
		if s.KDF, ok = readKDF(Kind(kind), parameters); !ok {
			return nil, nil, false
		}
		if b, ok = readExactly(more, s.wrapped[:]); !ok {
			return nil, nil, false
		}
		slots = append(slots, s)
	}
	return slots, b, slots[0].ID > 0
}

func readEpochs(b []byte) (epochs []Epoch, rest []byte, ok bool) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil || n < 1 || n > maxEpochs {
		return nil, nil, false
	}
	for range n {
		var e Epoch
		fields, more, err := msgp.ReadArrayHeaderBytes(b)
		if err != nil || fields != 2 {
			return nil, nil, false
		}
		if e.Number, more, err = msgp.ReadUint32Bytes(more); err != nil || len(epochs) > 0 && e.Number <= epochs[len(epochs)-1].Number {
			return nil, nil, false
		}
		if b, ok = readExactly(more, e.wrapped[:]); !ok {
			return nil, nil, false
		}
		epochs = append(epochs, e)
	}
	return epochs, b, epochs[0].Number > 0
}

// readExactly reads a bin that is as long as dst.
func readExactly(b, dst []byte) (rest []byte, ok bool) {
	stored, rest, err := msgp.ReadBytesZC(b)
	if err != nil || len(stored) != len(dst) {
		return nil, false
	}
	copy(dst, stored)
	return rest, true
}

// body is what the mac covers.
func (r *Ring) body() []byte {
	b := msgp.AppendArrayHeader(nil, 4)
	b = msgp.AppendUint(b, ringVersion)
	b = msgp.AppendArrayHeader(b, uint32(len(r.Slots)))
	for i := range r.Slots {
		s := &r.Slots[i]
		b = msgp.AppendArrayHeader(b, 4)
		b = msgp.AppendUint32(b, s.ID)
		b = msgp.AppendUint8(b, uint8(s.KDF.Kind))
		b = msgp.AppendBytes(b, s.KDF.parameters())
		b = msgp.AppendBytes(b, s.wrapped[:])
	}
	b = msgp.AppendArrayHeader(b, uint32(len(r.Epochs)))
	for i := range r.Epochs {
		b = msgp.AppendArrayHeader(b, 2)
		b = msgp.AppendUint32(b, r.Epochs[i].Number)
		b = msgp.AppendBytes(b, r.Epochs[i].wrapped[:])
	}
	return b
}

// Header returns the ring as it is stored.
func (r *Ring) Header() []byte {
	b := msgp.AppendBytes(r.body(), r.mac[:])
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// sign returns the mac that the ring has under a master key.
func (r *Ring) sign(env ID, master *key) (mac [sha256.Size]byte) {
	h := hmac.New(sha256.New, derive(master, env[:], "stowage/1 ring")[:])
	h.Write(r.body())
	h.Sum(mac[:0])
	return mac
}

// Unlock tries the secret on every slot of its kind. Where none opens it is ErrKey;
// where one does and the ring was changed since, ErrTampered. ctx is looked at between slots.
func (r *Ring) Unlock(ctx context.Context, env ID, secret *Secret) (*Keys, error) {
	for i := range r.Slots {
		s := &r.Slots[i]
		if !secret.opens(s.KDF.Kind) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		kek, err := s.KDF.KEK(secret)
		if err != nil {
			return nil, err
		}
		if master, ok := s.open(env, kek); ok {
			return r.open(env, master, kek)
		}
	}
	return nil, ErrKey
}

// open verifies the ring with the master key that a slot held and unwraps its data keys.
func (r *Ring) open(env ID, master *key, kek *KEK) (*Keys, error) {
	if mac := r.sign(env, master); !hmac.Equal(mac[:], r.mac[:]) {
		return nil, ErrTampered
	}
	k := &Keys{env: env, ring: r, master: master, kek: kek, data: map[uint32]*key{}, random: rand.Reader}
	for i := range r.Epochs {
		data, ok := r.Epochs[i].open(env, master)
		if !ok {
			return nil, ErrTampered
		}
		k.data[r.Epochs[i].Number] = data
	}
	return k, nil
}
