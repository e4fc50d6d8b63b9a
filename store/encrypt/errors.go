package encrypt

import (
	"errors"

	"github.com/stowage-db/stowage/crypto"
	"github.com/stowage-db/stowage/store"
)

// codes are what errors of crypto are to callers.
var codes = []struct {
	err  error
	code store.Code
}{
	{crypto.ErrHeader, store.CorruptHeader},
	{crypto.ErrNewer, store.NewerFormat},
	{crypto.ErrKey, store.WrongKey},
	{crypto.ErrTampered, store.Tampered},
	{crypto.ErrKDF, store.InvalidOption},
	{crypto.ErrSecret, store.InvalidOption},
	{crypto.ErrFull, store.TooLarge},
	{crypto.ErrSlot, store.NotFound},
}

// coded gives an error of crypto its code. Others stay as they are.
func coded(op string, err error) error {
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return &store.Error{Code: c.code, Op: op, Err: err}
		}
	}
	return err
}

func keyRequired(op string) error { return &store.Error{Code: store.KeyRequired, Op: op} }
