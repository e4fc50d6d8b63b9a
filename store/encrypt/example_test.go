package encrypt_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/encrypt"
	"github.com/stowage-db/stowage/store/memory"
)

func ExampleAESGCM() {
	ctx := context.Background()
	blobs := memory.NewBlobs()
	open := func(passphrase string) (*store.Env, error) {
		return store.Open(ctx, memory.Open(blobs), store.Options{
			Modifiers: []store.Modifier{compress.S2{}, encrypt.AESGCM(encrypt.Passphrase(passphrase))},
		})
	}
	env, err := open("correct horse battery staple")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = env.Update(ctx, func(tx *store.Tx) error {
		db, err := tx.DB("")
		if err != nil {
			return err
		}
		return db.Put([]byte("secret"), []byte("the treasure is under the oak"))
	})
	fmt.Println(err, env.Close(ctx))

	_, err = open("incorrect horse")
	fmt.Println(errors.Is(err, store.WrongKey))
	// Output:
	// <nil> <nil>
	// true
}

func ExampleRing_ChangePassphrase() {
	ctx := context.Background()
	key := encrypt.AESGCM(encrypt.Passphrase("old"))
	env, err := store.Open(ctx, memory.New(), store.Options{Modifiers: []store.Modifier{key}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(key.ChangePassphrase(ctx, env, encrypt.Passphrase("old"), encrypt.Passphrase("new")))
	fmt.Println(env.Close(ctx))
	// Output:
	// <nil>
	// <nil>
}
