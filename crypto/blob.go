package crypto

import (
	"crypto/cipher"
	"encoding/binary"
	"io"
	"maps"
	"sync"
)

// A blob is sealed bytes:
//
//	epoch       u32  of the data key
//	session     16   random, one a writer and epoch
//	nonce       12   random
//	ciphertext
//	tag         16
//
// The key is HKDF-SHA-256(data key, session, "stowage/1 blob"). What it must not be
// taken for is told by the additional data:
//
//	"stowage/1 blob" · environment 16 · kind u8 · length of before u8 · before · epoch u32 · session 16 · name
//
// Sessions let many writers draw random nonces under one data key: after 2³¹ blobs,
// where two nonces of 96 bits are equal with a chance of 2⁻³⁵, a writer begins another session.

// BlobBytes is how much longer a blob is than what was sealed.
const BlobBytes = headBytes + tagBytes

const (
	sessionBytes = 16
	headBytes    = 4 + sessionBytes + nonceBytes
	maxBlobs     = 1 << 31 // a session
)

// Label tells blobs apart that are sealed under the same keys. A blob opens only
// under the label it was sealed with.
type Label struct {
	Kind   byte
	Name   string
	Before []byte // the stages that bytes have passed before they came here; 255 at most
}

// append appends the additional data of a blob that begins with head.
func (l Label) append(b []byte, env ID, head []byte) []byte {
	b = append(b, "stowage/1 blob"...)
	b = append(b, env[:]...)
	b = append(b, l.Kind, byte(len(l.Before)))
	b = append(b, l.Before...)
	b = append(b, head[:4+sessionBytes]...)
	return append(b, l.Name...)
}

// labelRoom is enough for the additional data of usual names.
const labelRoom = 128

// Sealer seals blobs in the newest epoch of keys. It may be used by several goroutines.
type Sealer struct {
	env    ID
	epoch  uint32
	data   *key
	random io.Reader

	mu      sync.Mutex // guards what follows
	session [sessionBytes]byte
	sealed  int // blobs of this session
	aead    cipher.AEAD
}

// Sealer returns a writer of blobs, with a session of its own.
func (k *Keys) Sealer() *Sealer {
	epoch := k.Epoch()
	return &Sealer{env: k.env, epoch: epoch, data: k.data[epoch], random: k.random, sealed: maxBlobs}
}

// Seal appends plain, sealed, to dst, which it must not overlap.
func (s *Sealer) Seal(dst []byte, label Label, plain []byte) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, s.epoch)
	dst, aead := s.begin(dst)
	head := dst[start:]
	var room [labelRoom]byte
	return aead.Seal(dst, head[headBytes-nonceBytes:], plain, label.append(room[:0], s.env, head))
}

// begin appends the session and a nonce for one blob, and returns the session's cipher.
func (s *Sealer) begin(dst []byte) ([]byte, cipher.AEAD) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sealed == maxBlobs {
		draw(s.random, s.session[:])
		s.aead, s.sealed = sessionCipher(s.data, s.session[:]), 0
	}
	s.sealed++
	var nonce [nonceBytes]byte
	draw(s.random, nonce[:])
	return append(append(dst, s.session[:]...), nonce[:]...), s.aead
}

func sessionCipher(data *key, session []byte) cipher.AEAD {
	return gcm(derive(data, session, "stowage/1 blob"))
}

// Opener opens blobs of any epoch that keys have. It may be used by several goroutines.
type Opener struct {
	env ID

	mu      sync.Mutex // guards what follows
	data    map[uint32]*key
	ciphers map[head]cipher.AEAD // of sessions that blobs were opened of
}

// head is what a blob's key depends on: epoch and session.
type head [4 + sessionBytes]byte

// maxCiphers bounds how many sessions an opener keeps ready. Each opening of an
// environment is one that has left blobs.
const maxCiphers = 256

// Opener returns a reader of blobs.
func (k *Keys) Opener() *Opener {
	o := &Opener{env: k.env, data: map[uint32]*key{}, ciphers: map[head]cipher.AEAD{}}
	o.Learn(k)
	return o
}

// Learn has the opener open blobs of the epochs of newer keys as well. It goes on
// opening those of epochs that were retired: whoever reads an old state needs them.
func (o *Opener) Learn(k *Keys) {
	o.mu.Lock()
	defer o.mu.Unlock()
	maps.Copy(o.data, k.data)
}

// Forget overwrites the keys that the opener has learnt. It must not be used any more.
func (o *Opener) Forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, data := range o.data {
		clear(data[:])
	}
	clear(o.ciphers)
}

// Open appends what was sealed to dst, which it must not overlap. Anything but a whole
// blob under its own label is ErrTampered, an epoch that the keys do not have ErrEpoch; nothing is appended then.
func (o *Opener) Open(dst []byte, label Label, blob []byte) ([]byte, error) {
	if len(blob) < BlobBytes {
		return dst, ErrTampered
	}
	of := head(blob[:len(head{})])
	aead, kept := o.cipher(of)
	if aead == nil {
		return dst, ErrEpoch
	}
	var room [labelRoom]byte
	plain, err := aead.Open(dst, blob[headBytes-nonceBytes:headBytes], blob[headBytes:], label.append(room[:0], o.env, blob))
	if err != nil {
		return dst, ErrTampered
	}
	if !kept {
		o.keep(of, aead)
	}
	return plain, nil
}

// cipher returns the cipher of a session and whether it was at hand, or nil where the epoch is unknown.
func (o *Opener) cipher(of head) (aead cipher.AEAD, kept bool) {
	o.mu.Lock()
	aead, kept = o.ciphers[of]
	data := o.data[binary.BigEndian.Uint32(of[:])]
	o.mu.Unlock()
	if !kept && data != nil {
		aead = sessionCipher(data, of[4:])
	}
	return aead, kept
}

// keep has a cipher at hand next time. Only those that have opened something are kept, so
// that forged blobs do not push others out.
func (o *Opener) keep(of head, aead cipher.AEAD) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.ciphers) == maxCiphers {
		clear(o.ciphers)
	}
	o.ciphers[of] = aead
}
