package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// damage changes stored blobs behind the engine's back: single bits, lengths, one
// blob's bytes under another's name, blobs that are gone. Whatever it is, no read
// may give anything but what was stored or an error with a code for it, and
// opening or Check must name it. It counts the damages.
func damage(seed uint64) (damages int64, err error) {
	random := rand.New(rand.NewPCG(seed, 12))
	t := drawTerrain(random)
	f := t.flow(seed, newLineage())
	if err := f.start(compose(random, 40, crashShape), 2); err != nil {
		return 0, err
	}
	intact := f.platform.Blobs()
	want, noticed, err := t.inspect(intact)
	if err != nil || noticed {
		return 0, fmt.Errorf("before any damage: %v, %w", noticed, err)
	}
	// The last record alone may be gone unnoticed: so it looks before it is written.
	names := slices.Sorted(maps.Keys(intact))
	last := ""
	for _, name := range names {
		if strings.HasPrefix(name, "l/") {
			last = name
		}
	}
	var used []string
	for _, name := range names {
		without := maps.Clone(intact)
		delete(without, name)
		got, noticed, err := t.inspect(without)
		if err != nil {
			return damages, fmt.Errorf("without %s: %w", name, err)
		}
		missed := difference(got, want) != ""
		if missed && !noticed && name != last {
			return damages, fmt.Errorf("without %s: %w", name, wrong("not noticed"))
		}
		if missed || noticed {
			used = append(used, name) // else nothing refers to it any more
		}
	}
	for _, name := range used {
		for _, change := range changes(random, intact, used, name) {
			damages++
			damaged := maps.Clone(intact)
			damaged[name] = change.bytes
			got, noticed, err := t.inspect(damaged)
			if err == nil && !noticed {
				err = wrong("not noticed")
			}
			if err == nil && got != nil && difference(got, want) != "" {
				err = wrong("it reads otherwise: %s", difference(got, want))
			}
			if err != nil {
				return damages, fmt.Errorf("%s, %s: %w", name, change.what, err)
			}
		}
	}
	return damages, nil
}

// inspect opens blobs and reads everything: what there is, nil where an error
// said that it cannot be told, and whether anything was noticed.
func (t terrain) inspect(blobs map[string][]byte) (held contents, noticed bool, err error) {
	ctx := context.Background()
	schedule := storetest.NewSchedule(1)
	options := t.options
	options.Scheduler = schedule
	stuck := schedule.Run(func() {
		var env *store.Env
		env, err = openEnv(ctx, storetest.Restore(t.properties, schedule, blobs).Connect(), options)
		if err != nil {
			return
		}
		var report *store.Report
		if report, err = env.Check(ctx); err != nil {
			return
		}
		noticed = !report.Clean()
		err = env.View(ctx, func(tx *store.Tx) error {
			held, err = everything(tx, true)
			return err
		})
	})
	switch code := store.CodeOf(err); code {
	case store.Corrupt, store.CorruptHeader, store.NewerFormat, store.MissingModifier:
		held, noticed, err = nil, true, nil
	}
	return held, noticed, errors.Join(stuck, err)
}

// damaged is one way in which a blob is not what was stored.
type damaged struct {
	what  string
	bytes []byte
}

// bitsOfBlob is how many bits of a blob are flipped, one after the other: all, of
// a small one. Tests of this program make do with fewer.
var bitsOfBlob = 250

// changes draws damages of one blob.
func changes(random *rand.Rand, blobs map[string][]byte, names []string, name string) []damaged {
	stored := blobs[name]
	var all []damaged
	add := func(what string, bytes []byte) {
		if bytes != nil && !slices.Equal(bytes, stored) {
			all = append(all, damaged{what, bytes})
		}
	}
	for _, bit := range sample(random, len(stored)*8, bitsOfBlob) {
		flipped := bytes.Clone(stored)
		flipped[bit/8] ^= 1 << (bit % 8)
		add(fmt.Sprintf("bit %d flipped", bit), flipped)
	}
	for _, n := range sample(random, len(stored), 20) {
		add(fmt.Sprintf("cut to %d bytes", n), stored[:n:n])
		zeroed := bytes.Clone(stored)
		clear(zeroed[n:])
		add(fmt.Sprintf("zero from byte %d on", n), zeroed)
	}
	add("a byte longer", append(bytes.Clone(stored), byte(random.Uint32())))
	for _, i := range sample(random, len(names), 10) {
		add("with the bytes of "+names[i], blobs[names[i]])
	}
	return all
}

// sample draws up to n different numbers below limit, ascending.
func sample(random *rand.Rand, limit, n int) []int {
	drawn := random.Perm(limit)
	drawn = drawn[:min(n, limit)]
	slices.Sort(drawn)
	return drawn
}
