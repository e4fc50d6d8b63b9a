package encrypt

import (
	"errors"

	"github.com/stowage-db/stowage/crypto"
	"github.com/stowage-db/stowage/store"
)

// Unlocker is what opens an environment: a passphrase or a key.
type Unlocker struct {
	secret *crypto.Secret // nil in the zero value, which opens nothing
	kdf    crypto.KDF     // what a new slot hashes with
	err    error          // of what it was made of; told when it is used
}

// Key returns an unlocker of 32 random bytes, which are copied. Another number of
// them is an InvalidOption when it is used. Text is never a key: see Passphrase.
func Key(raw []byte) Unlocker {
	secret, err := crypto.Key(raw)
	return Unlocker{secret, crypto.KDF{Kind: crypto.RawKey}, err}
}

// Passphrase returns an unlocker of text that somebody remembers. Empty text, and what
// is no UTF-8, is an InvalidOption when it is used. Cost is what a new slot hashes it with, Argon2id over 64 MiB in
// three passes if there is none; a slot that exists says so itself. In a worker at the edge it is Unsupported when
// it is used: hashing takes more memory and time than there is.
func Passphrase(text string, cost ...Cost) Unlocker {
	secret, err := crypto.Passphrase(text)
	u := Unlocker{secret, crypto.Default(), err}
	for _, c := range cost {
		u.kdf = crypto.KDF(c)
	}
	return u
}

// Cost is how hard a passphrase is to guess for who has the stored bytes.
type Cost crypto.KDF

// Argon2id is the usual cost: memory in KiB, from 19 MiB to 1 GiB, and passes over it,
// 2 to 16. What is out of bounds is an InvalidOption when the unlocker is used.
func Argon2id(memory, passes uint32) Cost {
	return Cost{Kind: crypto.Argon2id, Memory: memory, Time: passes, Parallel: 1}
}

// PBKDF2 is for where there is no memory to spend: 600,000 to 10,000,000 rounds of
// HMAC-SHA-256. Guessing is much cheaper for who has the hardware for it.
func PBKDF2(rounds uint32) Cost { return Cost{Kind: crypto.PBKDF2, Iterations: rounds} }

// kek hashes the secret for a new slot.
func (u Unlocker) kek() (*crypto.KEK, error) {
	if err := u.check(); err != nil {
		return nil, err
	}
	kek, err := u.kdf.Salted().KEK(u.secret)
	return kek, coded("unlock", err)
}

// clone returns an unlocker whose secret may be overwritten.
func (u Unlocker) clone() Unlocker {
	if u.secret != nil {
		u.secret = u.secret.Clone()
	}
	return u
}

// check fails where the unlocker cannot open anything.
func (u Unlocker) check() error {
	if u.err == nil && u.secret == nil {
		return keyRequired("unlock")
	}
	if u.err == nil && u.kdf.Kind != crypto.RawKey && !hashes() {
		return &store.Error{Code: store.Unsupported, Op: "unlock", Err: errors.New("a passphrase is not hashed at the edge")}
	}
	return coded("unlock", u.err)
}
