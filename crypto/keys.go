package crypto

import (
	"crypto/hmac"
	"crypto/rand"
	"io"
	"slices"
)

// Keys is a ring that a secret has opened. Its methods that change it return other
// Keys, whose header has to be stored before they are used; those they were called on stay as they were. It may be used by
// several goroutines.
type Keys struct {
	env    ID
	ring   *Ring
	master *key
	kek    *KEK // the slot's that opened the ring
	data   map[uint32]*key
	random io.Reader
}

// NewKeys draws the keys of a new environment, with one slot.
func NewKeys(env ID, kek *KEK) *Keys { return newKeys(rand.Reader, env, kek) }

func newKeys(random io.Reader, env ID, kek *KEK) *Keys {
	k := &Keys{env: env, ring: &Ring{}, master: randomKey(random), kek: kek, data: map[uint32]*key{}, random: random}
	k.ring.Slots = []Slot{newSlot(random, env, 1, kek, k.master)}
	k.append()
	k.sign()
	return k
}

// Env returns the environment that the keys are for.
func (k *Keys) Env() ID { return k.env }

// Header returns the ring as it is to be stored.
func (k *Keys) Header() []byte { return k.ring.Header() }

// Slots returns the slots of the ring.
func (k *Keys) Slots() []Slot { return slices.Clone(k.ring.Slots) }

// Slot returns the id of the slot that opened the ring, or 0 where it was removed since.
func (k *Keys) Slot() uint32 {
	for i := range k.ring.Slots {
		if _, ok := k.ring.Slots[i].open(k.env, k.kek); ok {
			return k.ring.Slots[i].ID
		}
	}
	return 0
}

// Epoch returns the number of the newest epoch: the one that blobs are sealed in.
func (k *Keys) Epoch() uint32 { return k.ring.Epochs[len(k.ring.Epochs)-1].Number }

// Resume opens a ring that these keys' environment has stored since, without a
// secret: with the master key, which most changes leave, or else with the KEK. It is ErrKey where both were changed.
func (k *Keys) Resume(r *Ring) (*Keys, error) {
	if mac := r.sign(k.env, k.master); hmac.Equal(mac[:], r.mac[:]) {
		return r.open(k.env, k.master, k.kek)
	}
	for i := range r.Slots {
		if r.Slots[i].KDF != k.kek.kdf {
			continue
		}
		if master, ok := r.Slots[i].open(k.env, k.kek); ok {
			return r.open(k.env, master, k.kek)
		}
	}
	return nil, ErrKey
}

// AddSlot gives the ring another slot and returns its id. A full ring is ErrFull.
func (k *Keys) AddSlot(kek *KEK) (*Keys, uint32, error) {
	if len(k.ring.Slots) == maxSlots {
		return nil, 0, ErrFull
	}
	next := k.clone()
	id := next.ring.Slots[len(next.ring.Slots)-1].ID + 1
	next.ring.Slots = append(next.ring.Slots, newSlot(k.random, k.env, id, kek, k.master))
	next.sign()
	return next, id, nil
}

// RemoveSlot takes a slot out of the ring. The last one stays: that is ErrSlot, as
// is one that is not there. Who has kept a copy of the ring and what opened the slot knows the master key: Rotate.
func (k *Keys) RemoveSlot(id uint32) (*Keys, error) {
	i := k.find(id)
	if i < 0 || len(k.ring.Slots) == 1 {
		return nil, ErrSlot
	}
	next := k.clone()
	next.ring.Slots = slices.Delete(next.ring.Slots, i, i+1)
	next.sign()
	return next, nil
}

// ChangeSlot has a slot open with another secret. One that is not there is ErrSlot.
func (k *Keys) ChangeSlot(id uint32, kek *KEK) (*Keys, error) {
	i := k.find(id)
	if i < 0 {
		return nil, ErrSlot
	}
	next := k.clone()
	if k.Slot() == id {
		next.kek = kek
	}
	next.ring.Slots[i] = newSlot(k.random, k.env, id, kek, k.master)
	next.sign()
	return next, nil
}

// Rotate begins an epoch: what is sealed from then on is sealed under another data
// key. Where the only slot is the one that opened the ring, the master key is drawn anew as well, so that who has
// kept a copy of an older ring and its secret cannot open the new epoch; with several, their KEKs would be needed.
// A ring with as many epochs as it may have is ErrFull.
func (k *Keys) Rotate() (*Keys, error) {
	if len(k.ring.Epochs) == maxEpochs {
		return nil, ErrFull
	}
	next := k.clone()
	if only := k.ring.Slots[0]; len(k.ring.Slots) == 1 && k.Slot() == only.ID {
		next.master = randomKey(k.random)
		next.ring.Slots[0] = newSlot(k.random, k.env, only.ID, k.kek, next.master)
		for i, e := range next.ring.Epochs {
			next.ring.Epochs[i] = newEpoch(k.random, k.env, e.Number, next.master, k.data[e.Number])
		}
	}
	next.append()
	next.sign()
	return next, nil
}

// Retire drops every epoch before the one given, whose blobs must all be gone, but
// never the newest.
func (k *Keys) Retire(before uint32) *Keys {
	next := k.clone()
	for len(next.ring.Epochs) > 1 && next.ring.Epochs[0].Number < before {
		delete(next.data, next.ring.Epochs[0].Number)
		next.ring.Epochs = next.ring.Epochs[1:]
	}
	next.sign()
	return next
}

// Forget overwrites the keys. They, and what seals or opens with them, must not be used any more.
func (k *Keys) Forget() {
	clear(k.master[:])
	clear(k.kek.key[:])
	for _, data := range k.data {
		clear(data[:])
	}
}

// append draws the data key of another epoch.
func (k *Keys) append() {
	number := uint32(1)
	if n := len(k.ring.Epochs); n > 0 {
		number = k.ring.Epochs[n-1].Number + 1
	}
	data := randomKey(k.random)
	k.data[number] = data
	k.ring.Epochs = append(k.ring.Epochs, newEpoch(k.random, k.env, number, k.master, data))
}

func (k *Keys) sign() { k.ring.mac = k.ring.sign(k.env, k.master) }

func (k *Keys) find(id uint32) int {
	return slices.IndexFunc(k.ring.Slots, func(s Slot) bool { return s.ID == id })
}

// clone returns keys whose ring can be changed.
func (k *Keys) clone() *Keys {
	next := *k
	next.ring = &Ring{Slots: slices.Clone(k.ring.Slots), Epochs: slices.Clone(k.ring.Epochs)}
	next.data = make(map[uint32]*key, len(k.data))
	for number, data := range k.data {
		next.data[number] = data
	}
	return &next
}
