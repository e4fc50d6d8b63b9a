package structure

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/stowage-db/stowage/store"
)

// A sorted set counts its members in levels, so that ranks cost the logarithm of its
// size whatever else is written to the environment. On each level stand nodes: one in
// sixteen of the members that have a node on the level below, chosen by a hash with the
// set's own salt, so that it is the same in every program and nobody can choose members
// that stand badly. The value of a node is how many members there are
// from its own to that of the next node of its level. What stands before the first is
// counted by the level's head, a node without a member.
//
// Sets of few members have no levels.
const (
	levelBits  = 4  // of a hash, for each level
	raiseAt    = 64 // members, for the first level; 2^levelBits times as many for each further one
	mostLevels = 7
)

// node is one that a descent has come to.
type node struct {
	place  []byte // score and member; empty for a head
	before int64  // members before its own
	count  int64
}

// newSalt is where the salt of a set comes from, which tests know.
var newSalt = func() (salt [saltBytes]byte) {
	_, _ = rand.Read(salt[:]) // never fails
	return salt
}

// levelOf is on how many levels a member has nodes, in a set that has as many: one for
// every four zero bits at the end of its hash.
func (h *header) levelOf(place []byte) int {
	hash := fnvHash
	if h.salt != nil {
		hash = func(member []byte) uint32 { return sipHash(*h.salt, member) }
	}
	return bits.TrailingZeros32(hash(place[scoreBytes:])|1<<(levelBits*mostLevels)) / levelBits
}

// fnvHash is FNV-1a of 32 bits mixed once more: what spreads the members of a set
// whose levels have no salt.
func fnvHash(member []byte) uint32 {
	h := uint32(2166136261)
	for _, b := range member {
		h = (h ^ uint32(b)) * 16777619
	}
	h = (h ^ h>>16) * 0x45d9f3b
	return h ^ h>>16
}

// node is where a level's node of a member stands; the head's without one.
func (h *header) node(key string, level int, place []byte) []byte {
	return append(append(h.of(tagCount, key), byte(level)), place...)
}

// nodes is the range of all nodes of a level.
func (h *header) nodes(key string, level int) store.KeyRange {
	return store.KeyRange{Low: h.node(key, level, nil), High: h.node(key, level+1, nil)}
}

// members is the range of the members from one place to another in the same way.
func (h *header) members(key string, from, to []byte) store.KeyRange {
	common := h.of(tagScore, key)
	low := append(common[:len(common):len(common)], from...)
	if to == nil {
		return store.KeyRange{Low: low, High: binary.BigEndian.AppendUint32(named(tagScore, key), h.version+1)}
	}
	return store.KeyRange{Low: low, High: append(common[:len(common):len(common)], to...)}
}

// descend goes down the levels. On each it walks from the node it has come to as long
// as the next one stands below a place, where one is given, and is wanted, and tells
// stop which it was. It returns the last one.
func (t *Tx) descend(key string, h header, to []byte, wanted func(next node) bool, stop func(level int, at node)) (at node, err error) {
	if h.levels == 0 {
		return at, nil
	}
	all := h.nodes(key, 1)
	all.High = h.nodes(key, int(h.levels)).High
	c := t.db.Cursor(all) // one for all levels: the upper ones stand close together
	defer c.Close()
	for level := int(h.levels); level > 0; level-- {
		from := h.node(key, level, at.place)
		if at, err = along(c, from, len(from)-len(at.place), at.before, to, wanted); err != nil {
			return at, err
		}
		stop(level, at)
	}
	return at, nil
}

// along walks the nodes of a level, whose keys have so many bytes in common, from one
// on that there has to be, and before which so many members stand.
func along(c *store.Cursor, from []byte, common int, before int64, to []byte, wanted func(next node) bool) (at node, err error) {
	if !c.Seek(from) || !bytes.Equal(c.Key(), from) {
		if err = c.Err(); err == nil {
			err = corrupt("rank")
		}
		return at, err
	}
	at.before = before
	if at.count, err = nodeCount(c.Value()); err != nil {
		return at, err
	}
	place := append(make([]byte, 0, len(from)), from[common:]...)
	for c.Next() {
		stored := c.Key()
		if !bytes.HasPrefix(stored, from[:common]) || to != nil && bytes.Compare(stored[common:], to) >= 0 {
			break
		}
		next := node{before: at.before + at.count}
		if next.count, err = nodeCount(c.Value()); err != nil {
			return at, err
		}
		if !wanted(next) {
			break
		}
		at, place = next, append(place[:0], stored[common:]...)
	}
	at.place = place
	return at, c.Err()
}

// nodeCount reads the value of a node.
func nodeCount(value []byte, err error) (int64, error) {
	if err == nil && len(value) != 8 {
		err = corrupt("rank")
	}
	if err != nil {
		return 0, err
	}
	return int64(binary.BigEndian.Uint64(value)), nil
}

// rank counts the members below a place.
func (t *Tx) rank(key string, h header, place []byte) (int64, error) {
	at, err := t.trace(key, h, place, func(int, node) {})
	if err != nil {
		return 0, err
	}
	return t.rankFrom(key, h, at, place)
}

// trace finds the last node below a place on the lowest level, and tells stop that of every level.
func (t *Tx) trace(key string, h header, place []byte, stop func(int, node)) (node, error) {
	return t.descend(key, h, place, func(node) bool { return true }, stop)
}

// rankFrom counts the members below a place, the last node below which is known.
func (t *Tx) rankFrom(key string, h header, at node, place []byte) (int64, error) {
	n, err := t.db.Count(h.members(key, at.place, place))
	return at.before + n, err
}

// seek moves a cursor over all members to the one that n others precede.
func (t *Tx) seek(c *store.Cursor, op, key string, h header, n int64) error {
	at, err := t.descend(key, h, nil, func(next node) bool { return next.before <= n }, func(int, node) {})
	if err != nil {
		return err
	}
	if c.Seek(h.members(key, at.place, nil).Low) && c.Skip(n-at.before) {
		return nil
	}
	if c.Err() != nil {
		return c.Err()
	}
	return corrupt(op)
}

// tally counts a member in, or out where by is −1. What is written for that are a node
// on each level, and one more on those that the member has nodes on. How many levels
// there are is settled when the header is saved.
func (t *Tx) tally(key string, h *header, place []byte, by int64) error {
	h.count += by
	if h.levels > 0 {
		stops := make([]node, h.levels)
		at, err := t.trace(key, *h, place, func(level int, at node) { stops[level-1] = at })
		own, rank := h.levelOf(place), int64(0)
		if err == nil && own > 0 && by > 0 { // a node of its own begins there
			rank, err = t.rankFrom(key, *h, at, place)
		}
		if err != nil {
			return t.whole(err)
		}
		for i, at := range stops {
			at.count += by
			if i < own {
				if at, err = t.split(key, h, i+1, at, place, rank, by); err != nil {
					return err
				}
			}
			if err := t.putNode(key, h, i+1, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// level adds the levels that a set has grown to, and takes away those it has shrunk below.
func (t *Tx) level(key string, h *header) error {
	for h.levels < mostLevels && h.count >= raiseAt<<(levelBits*h.levels) {
		if err := t.raise(key, h); err != nil {
			return err
		}
	}
	for h.levels > 0 && h.count < raiseAt/4<<(levelBits*(h.levels-1)) {
		if err := t.lower(key, h); err != nil {
			return err
		}
	}
	return nil
}

// many tells whether a set has levels, and so many members change that it costs less to
// count them all once.
func (h *header) many(members int) bool { return h.levels > 0 && int64(members) > h.count/8 }

// uncount takes all levels away, until the header is saved.
func (t *Tx) uncount(key string, h *header) error {
	for h.levels > 0 {
		if err := t.lower(key, h); err != nil {
			return err
		}
	}
	return nil
}

// split gives a member that is counted in a node of its own, behind another one, and
// takes it from one that is counted out. It returns the other one.
func (t *Tx) split(key string, h *header, level int, at node, place []byte, rank, by int64) (node, error) {
	if by > 0 {
		own := node{place: place, count: at.before + at.count - rank}
		at.count = rank - at.before
		return at, t.putNode(key, h, level, own)
	}
	stored := h.node(key, level, place)
	value, _, err := t.get(stored)
	count, err := nodeCount(value, err)
	if err != nil {
		return at, t.whole(err)
	}
	at.count += count
	return at, t.clear(stored)
}

func (t *Tx) putNode(key string, h *header, level int, n node) error {
	return t.put(h.node(key, level, n.place), binary.BigEndian.AppendUint64(nil, uint64(n.count)))
}

// raise adds a level.
func (t *Tx) raise(key string, h *header) error {
	r := h.members(key, nil, nil)
	if h.levels == 0 {
		salt := newSalt()
		h.salt = &salt
	} else {
		r = h.nodes(key, int(h.levels))
	}
	common := len(r.Low)
	var made []node
	at := node{}
	c := t.db.Cursor(r)
	defer c.Close()
	for ok := c.First(); ok; ok = c.Next() {
		place, count := c.Key()[common:], int64(1)
		if h.levels > 0 {
			var err error
			if count, err = nodeCount(c.Value()); err != nil {
				return t.whole(err)
			}
		}
		if len(place) > 0 && h.levelOf(place) > int(h.levels) {
			made = append(made, at)
			at = node{place: bytes.Clone(place)}
		}
		at.count += count
	}
	if c.Err() != nil {
		return t.whole(c.Err())
	}
	h.levels++
	for _, n := range append(made, at) {
		if err := t.putNode(key, h, int(h.levels), n); err != nil {
			return err
		}
	}
	return nil
}

// lower takes the highest level away.
func (t *Tx) lower(key string, h *header) error {
	found, err := t.keys(h.nodes(key, int(h.levels)), math.MaxInt)
	if err != nil {
		return t.whole(err)
	}
	for _, stored := range found {
		if err := t.clear(stored); err != nil {
			return err
		}
	}
	if h.levels--; h.levels == 0 {
		h.salt = nil
	}
	return nil
}
