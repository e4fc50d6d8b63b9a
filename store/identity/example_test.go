package identity_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/identity"
	"github.com/stowage-db/stowage/store/memory"
)

// plates are a program's own kind of identities: made of what a random one begins with.
type plates struct{ random store.IdentityKind }

func (p plates) Next(tx *store.Tx) ([]byte, error) {
	id, err := p.random.Next(tx)
	if err != nil {
		return nil, err
	}
	text, _, err := msgp.ReadStringBytes(id)
	return msgp.AppendString(nil, "NO-"+text[:7]), err
}

func (p plates) Accepts(id []byte) bool {
	text, _, err := msgp.ReadStringZC(id)
	return err == nil && strings.HasPrefix(string(text), "NO-")
}

// Documents that come without an identity get one; what others bring must be of its kind.
func Example() {
	ctx := context.Background()
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		panic(err)
	}
	defer env.Close(ctx)
	for name, kind := range map[string]store.IdentityKind{
		"uuid": identity.UUID(), "ulid": identity.ULID(), "string": identity.String(), "plate": plates{identity.String()},
	} {
		cars, err := env.Table(ctx, "by "+name, store.Schema{Key: query.Field("id"), Identity: kind}, nil)
		if err != nil {
			panic(err)
		}
		err = env.Update(ctx, func(tx *store.Tx) error {
			ids, err := cars.Insert(tx, [][]byte{query.AppendValue(nil, map[string]any{"color": "red"})})
			if err != nil {
				return err
			}
			text, _, err := msgp.ReadStringBytes(ids[0])
			fmt.Println(name, "of", len(text), "characters")
			return err
		})
		if err != nil {
			panic(err)
		}
	}
	// Unordered output:
	// uuid of 36 characters
	// ulid of 26 characters
	// string of 32 characters
	// plate of 10 characters
}
