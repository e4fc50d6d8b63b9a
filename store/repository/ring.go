package repository

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"sync"

	"github.com/stowage-db/stowage/store"
)

// RingOptions say which tier of a ring a key is in.
type RingOptions struct {
	By By
	// Nodes is the number that ByModulo divides by; that of the tiers if zero. One that
	// is larger leaves room for tiers to come: keys go to the remainder modulo the tiers.
	Nodes int
}

// By is how keys are divided among tiers.
type By uint8

// The ways. Testdata has vectors of both, for other languages.
const (
	// ByCircle gives each tier 160 places on a circle, and a key to the tier whose place
	// follows its own: one tier more takes its share from all others, and nothing else moves.
	ByCircle By = iota
	// ByModulo takes the MD5 of a key modulo the number of tiers. With one tier more
	// nearly every key moves.
	ByModulo
)

// placesOfTier is how many places on the circle a tier has.
const placesOfTier = 160

// Ring is several tiers, of which each keeps its share of the keys. It is a tier itself,
// but a write to keys of several tiers is all or none in each of them only.
type Ring struct {
	tiers  []Tier
	circle []point // ascending; empty where it is by modulo
	nodes  uint64
}

// point is a tier's place on the circle.
type point struct {
	at   uint32
	tier int
}

// NewRing makes one tier of several, whose order counts. They are closed with it.
func NewRing(tiers []Tier, o RingOptions) (*Ring, error) {
	if len(tiers) == 0 || slices.Contains(tiers, nil) || o.By > ByModulo || o.Nodes != 0 && (o.By != ByModulo || o.Nodes < len(tiers)) {
		return nil, fail(store.InvalidOption, "ring", nil)
	}
	r := &Ring{tiers: tiers, nodes: uint64(max(o.Nodes, len(tiers)))}
	if o.By == ByModulo {
		return r, nil
	}
	for tier := range tiers {
		for n := range placesOfTier {
			sum := md5.Sum([]byte(strconv.Itoa(tier) + "-" + strconv.Itoa(n)))
			r.circle = append(r.circle, point{binary.BigEndian.Uint32(sum[:]), tier})
		}
	}
	slices.SortFunc(r.circle, func(a, b point) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.tier, b.tier)) })
	return r, nil
}

// Index is which of the tiers a key is in.
func (r *Ring) Index(key string) int {
	sum := md5.Sum([]byte(key))
	if r.circle == nil {
		rest := uint64(0)
		for _, b := range sum {
			rest = (rest<<8 | uint64(b)) % r.nodes
		}
		return int(rest % uint64(len(r.tiers)))
	}
	at, _ := slices.BinarySearchFunc(r.circle, binary.BigEndian.Uint32(sum[:]), func(p point, at uint32) int { return cmp.Compare(p.at, at) })
	return r.circle[at%len(r.circle)].tier
}

// Read implements Tier. Each tier is read once; there is one snapshot of each.
func (r *Ring) Read(ctx context.Context, reads ...Read) ([]Reply, error) {
	replies := make([]Reply, len(reads))
	err := r.each(len(reads), func(i int) string { return reads[i].Key }, func(t Tier, places []int) error {
		share := make([]Read, len(places))
		for n, i := range places {
			share[n] = reads[i]
		}
		found, err := readAll(ctx, t, share)
		if err != nil {
			return err
		}
		for n, i := range places {
			replies[i] = found[n]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return replies, nil
}

// Write implements Tier, but for writes to several tiers: where one of these fails the
// others may have made theirs.
func (r *Ring) Write(ctx context.Context, writes ...Write) error {
	return r.each(len(writes), func(i int) string { return writes[i].Key }, func(t Tier, places []int) error {
		share := make([]Write, len(places))
		for n, i := range places {
			share[n] = writes[i]
		}
		return t.Write(ctx, share...)
	})
}

// each has every tier do its share of n things at the same time, and returns what has
// failed.
func (r *Ring) each(n int, key func(i int) string, do func(t Tier, places []int) error) error {
	shares := make([][]int, len(r.tiers))
	for i := range n {
		at := r.Index(key(i))
		shares[at] = append(shares[at], i)
	}
	failures := make([]error, len(r.tiers))
	asked := 0
	var all sync.WaitGroup
	for at, places := range shares {
		if len(places) > 0 {
			asked++
			all.Go(func() { failures[at] = do(r.tiers[at], places) })
		}
	}
	all.Wait()
	err := errors.Join(failures...)
	if asked > 1 && err != nil {
		return &partial{err}
	}
	return err
}

// partial is what has failed in some of the tiers that were asked, the others of which
// may have done their share.
type partial struct{ error }

func (p *partial) Unwrap() error { return p.error }

// Close implements Tier.
func (r *Ring) Close() error {
	failures := make([]error, len(r.tiers))
	for i, t := range r.tiers {
		failures[i] = t.Close()
	}
	return errors.Join(failures...)
}
