// Command sorted makes what bench/sorted.mjs asks: files that environments are imported from.
//
//	sorted folder N…    writes folder/N.stowage, with a sorted set of N members, for each N
//
// The member i is "member ", then 2i in eight digits; its score is its rank, i times step modulo N.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/structure"
)

// step is a prime, so that no two members have a rank.
const step = 15_485_863

func main() {
	for _, size := range os.Args[2:] {
		if err := write(os.Args[1], size); err != nil {
			fmt.Fprintln(os.Stderr, "sorted:", err)
			os.Exit(1)
		}
	}
}

func write(folder, size string) error {
	n, err := strconv.Atoi(size)
	if err != nil {
		return err
	}
	ctx := context.Background()
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		return err
	}
	members := make([]structure.Z, n)
	for i := range members {
		members[i] = structure.Z{Member: fmt.Sprintf("member %08d", 2*i), Score: float64(i * step % n)}
	}
	err = structure.New(env, "structures", structure.Options{}).Update(ctx, func(t *structure.Tx) error {
		_, err := t.ZAdd("set", members...)
		return err
	})
	if err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(folder, size+".stowage"))
	if err != nil {
		return err
	}
	if err := env.Export(ctx, out, nil); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return env.Close(ctx)
}
