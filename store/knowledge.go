//go:build !page

package store

import (
	"cmp"
	"maps"
	"slices"
)

// knowledge is which journal records a state contains: all from before horizon, of
// each writer those up to one, and the recent ones that are listed.
type knowledge struct {
	horizon hybrid
	upTo    map[uint64]mark
	recent  map[mark]hybrid // and when the one before it by the same writer was made
}

func newKnowledge(horizon hybrid) knowledge {
	return knowledge{horizon, make(map[uint64]mark), make(map[mark]hybrid)}
}

func (k *knowledge) clone() knowledge {
	return knowledge{k.horizon, maps.Clone(k.upTo), maps.Clone(k.recent)}
}

func (k *knowledge) contains(m mark) bool {
	_, recent := k.recent[m]
	return recent || m.time < k.horizon || m.seq <= k.upTo[m.writer].seq
}

// add notes one record. It need not follow those that are known of its writer.
func (k *knowledge) add(m mark, before hybrid) {
	if !k.contains(m) {
		k.recent[m] = before
	}
}

// advance moves the horizon, and forgets what that makes needless.
func (k *knowledge) advance(to hybrid) {
	k.horizon = max(k.horizon, to)
	maps.DeleteFunc(k.upTo, func(_ uint64, m mark) bool { return m.time < k.horizon })
	maps.DeleteFunc(k.recent, func(m mark, _ hybrid) bool { return m.time < k.horizon })
}

// marks are, of each writer, the last record up to which none is missing.
func (k *knowledge) marks() []mark {
	recent := slices.SortedFunc(maps.Keys(k.recent), func(a, b mark) int {
		return cmp.Or(cmp.Compare(a.writer, b.writer), cmp.Compare(a.seq, b.seq))
	})
	upTo := maps.Clone(k.upTo)
	for _, m := range recent {
		if m.seq == upTo[m.writer].seq+1 || k.recent[m] < k.horizon {
			upTo[m.writer] = m
		}
	}
	return slices.Collect(maps.Values(upTo))
}
