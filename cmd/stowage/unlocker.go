package main

import (
	"os"
	"strings"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/encrypt"
)

// passphraseVariable is read where no option says what opens the environment.
const passphraseVariable = "STOWAGE_PASSPHRASE"

// unlocking is what opens an encrypted environment. No passphrase is taken from the
// command line, which other users of the machine can see.
type unlocking struct {
	KeyFile        string `help:"Open an encrypted environment with the 32 bytes in this file." type:"path" xor:"unlock"`
	PassphraseFile string `help:"Open an encrypted environment with the first line of this file; without either option STOWAGE_PASSPHRASE is used if it is set." type:"path" xor:"unlock"`
}

// unlocker returns what was asked for, or false where nothing was.
func (u unlocking) unlocker() (encrypt.Unlocker, bool, error) {
	if u.KeyFile == "" && u.PassphraseFile == "" {
		text, given := os.LookupEnv(passphraseVariable)
		return encrypt.Passphrase(text), given, nil
	}
	return fromFiles(u.KeyFile, u.PassphraseFile)
}

// fromFiles reads the one that is named of a key and a passphrase.
func fromFiles(key, passphrase string) (encrypt.Unlocker, bool, error) {
	switch {
	case key != "":
		raw, err := os.ReadFile(key)
		return encrypt.Key(raw), true, err
	case passphrase != "":
		text, err := os.ReadFile(passphrase)
		line, _, _ := strings.Cut(string(text), "\n")
		return encrypt.Passphrase(strings.TrimSuffix(line, "\r")), true, err
	}
	return encrypt.Unlocker{}, false, nil
}

// newUnlocking is what is to open an environment from now on.
type newUnlocking struct {
	NewKeyFile        string `help:"The 32 bytes in this file." type:"path" xor:"new" required:""`
	NewPassphraseFile string `help:"The first line of this file." type:"path" xor:"new" required:""`
}

func (u newUnlocking) unlocker() (encrypt.Unlocker, error) {
	unlocker, given, err := fromFiles(u.NewKeyFile, u.NewPassphraseFile)
	if err == nil && !given {
		err = &store.Error{Code: store.InvalidOption, Op: "a new key or passphrase is needed"}
	}
	return unlocker, err
}
