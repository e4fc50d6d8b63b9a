package crypto

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"io"
)

const (
	nonceBytes   = 12
	tagBytes     = 16
	wrappedBytes = nonceBytes + keyBytes + tagBytes
)

// wrapped is a key sealed under another: nonce 12 · ciphertext 32 · tag 16.
type wrapped [wrappedBytes]byte

// wrap seals a key under another, for one use that label tells.
func wrap(random io.Reader, under, k *key, label []byte) (w wrapped) {
	draw(random, w[:nonceBytes])
	gcm(under).Seal(w[:nonceBytes], w[:nonceBytes], k[:], label)
	return w
}

// unwrap undoes wrap, or reports that the key is another or something was changed.
func (w *wrapped) unwrap(under *key, label []byte) (*key, bool) {
	k := new(key)
	_, err := gcm(under).Open(k[:0], w[:nonceBytes], w[nonceBytes:], label)
	return k, err == nil
}

// gcm returns AES-256-GCM under a key.
func gcm(k *key) cipher.AEAD {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		panic(err) // keys have 32 bytes
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has blocks of 16 bytes
	}
	return aead
}

// derive makes a key of another by HKDF-SHA-256, one a salt and use.
func derive(from *key, salt []byte, use string) *key {
	b, err := hkdf.Key(sha256.New, from[:], salt, use, keyBytes)
	if err != nil {
		panic(err) // asked for more than 255 hashes, or with too short a key in FIPS mode
	}
	return (*key)(b)
}
