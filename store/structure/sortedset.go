package structure

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/stowage-db/stowage/store"
)

// Z is a member of a sorted set with its score. Members sort by score, and those of
// the same score by their bytes.
type Z struct {
	Member string
	Score  float64
}

// ZAddOptions say which members ZAddWith leaves as they are.
type ZAddOptions struct {
	NX bool // those that there are
	XX bool // those that there are not
	GT bool // those whose new score is not greater; new ones are added
	LT bool // those whose new score is not less; new ones are added
}

// Bounds are scores from Min to Max, which may be infinite, without Min itself where
// MinOpen, and without Max where MaxOpen.
type Bounds struct {
	Min, Max         float64
	MinOpen, MaxOpen bool
}

// AllScores bounds nothing.
var AllScores = Bounds{Min: math.Inf(-1), Max: math.Inf(1)}

// Page leaves Offset members out, and takes Count of those that follow, or all of them
// where it is 0.
type Page struct{ Offset, Count int64 }

// ZAdd sets the scores of members, and tells how many members are new.
func (t *Tx) ZAdd(key string, members ...Z) (added int64, err error) {
	added, _, err = t.ZAddWith(key, ZAddOptions{}, members...)
	return added, err
}

// ZAddWith sets the scores of some of the members, and tells how many are new and
// how many others have another score now. InvalidArgument for a score that is NaN, for
// no member, and for options that exclude each other.
func (t *Tx) ZAddWith(key string, o ZAddOptions, members ...Z) (added, changed int64, err error) {
	if len(members) == 0 || o.NX && (o.XX || o.GT || o.LT) || o.GT && o.LT {
		return 0, 0, fail(store.InvalidArgument, "zadd: nothing to add, or options that exclude each other", nil)
	}
	for _, z := range members {
		if err := fits("zadd", key, z.Member); err != nil {
			return 0, 0, err
		}
		if math.IsNaN(z.Score) {
			return 0, 0, fail(store.InvalidArgument, "zadd: a score that is no number", nil)
		}
	}
	h, err := t.change("zadd", key, SortedSet)
	if err != nil {
		return 0, 0, err
	}
	anew := h.many(len(members))
	if anew {
		if err := t.uncount(key, &h); err != nil {
			return 0, 0, err
		}
	}
	for _, z := range members {
		old, found, err := t.score("zadd", key, h, z.Member)
		switch {
		case err != nil:
			return 0, 0, t.whole(err)
		case found && (o.NX || z.Score == old || o.GT && z.Score < old || o.LT && z.Score > old), !found && o.XX:
			continue
		case found:
			changed++
			if err := t.unrate(key, &h, place(old, z.Member)); err != nil {
				return 0, 0, err
			}
		default:
			added++
		}
		if err := t.rate(key, &h, z); err != nil {
			return 0, 0, err
		}
	}
	if added+changed == 0 && !anew {
		return 0, 0, nil
	}
	return added, changed, t.save(key, h)
}

// rate writes a member with its score.
func (t *Tx) rate(key string, h *header, z Z) error {
	if z.Score == 0 {
		z.Score = 0 // not −0, which would sort below
	}
	if err := t.put(h.memberKey(key, z.Member), appendScore(nil, z.Score)); err != nil {
		return err
	}
	at := place(z.Score, z.Member)
	if err := t.put(append(h.of(tagScore, key), at...), nil); err != nil {
		return err
	}
	return t.tally(key, h, at, 1)
}

// unrate takes a member from its place.
func (t *Tx) unrate(key string, h *header, at []byte) error {
	if err := t.clear(append(h.of(tagScore, key), at...)); err != nil {
		return err
	}
	return t.tally(key, h, at, -1)
}

// score reads the score of a member.
func (t *Tx) score(op, key string, h header, member string) (score float64, found bool, err error) {
	b, found, err := t.get(h.memberKey(key, member))
	if err != nil || !found {
		return 0, false, err
	}
	score, ok := readScore(b)
	if !ok || len(b) != scoreBytes {
		return 0, false, corrupt(op)
	}
	return score, true, nil
}

// ZIncrBy adds to the score of a member, 0 where there is none, and returns the sum.
// InvalidArgument where that is NaN.
func (t *Tx) ZIncrBy(key string, by float64, member string) (float64, error) {
	old, _, err := t.ZScore(key, member)
	if err != nil {
		return 0, err
	}
	sum := old + by
	_, err = t.ZAdd(key, Z{member, sum})
	return sum, err
}

// ZRem removes members, and tells how many there were.
func (t *Tx) ZRem(key string, members ...string) (int64, error) {
	return t.deleteMembers("zrem", key, SortedSet, members)
}

// ZCard tells how many members there are.
func (t *Tx) ZCard(key string) (int64, error) {
	h, _, err := t.holding("zcard", key, SortedSet)
	return h.count, err
}

// ZScore returns the score of a member, and whether there is such a member.
func (t *Tx) ZScore(key, member string) (score float64, found bool, err error) {
	_, score, found, err = t.rated("zscore", key, member)
	return score, found, err
}

// rated reads the header of a set and the score of a member.
func (t *Tx) rated(op, key, member string) (h header, score float64, found bool, err error) {
	if err := fits(op, key, member); err != nil {
		return h, 0, false, err
	}
	h, found, err = t.holding(op, key, SortedSet)
	if err != nil || !found {
		return h, 0, false, err
	}
	score, found, err = t.score(op, key, h, member)
	return h, score, found, err
}

// ZRank tells how many members come before a member, and whether there is such a member.
func (t *Tx) ZRank(key, member string) (rank int64, found bool, err error) {
	return t.zrank("zrank", key, member, false)
}

// ZRevRank tells how many members come after a member.
func (t *Tx) ZRevRank(key, member string) (rank int64, found bool, err error) {
	return t.zrank("zrevrank", key, member, true)
}

func (t *Tx) zrank(op, key, member string, reverse bool) (rank int64, found bool, err error) {
	h, score, found, err := t.rated(op, key, member)
	if err != nil || !found {
		return 0, false, err
	}
	if rank, err = t.rank(key, h, place(score, member)); reverse {
		rank = h.count - 1 - rank
	}
	return rank, true, err
}

// ZRange returns the members from one rank to another, which is included. Ranks below
// 0 count from the end: −1 is the last member.
func (t *Tx) ZRange(key string, start, stop int64) ([]Z, error) {
	return t.zrange("zrange", key, start, stop, false)
}

// ZRevRange is ZRange in reverse: rank 0 is the member of the greatest score.
func (t *Tx) ZRevRange(key string, start, stop int64) ([]Z, error) {
	return t.zrange("zrevrange", key, start, stop, true)
}

func (t *Tx) zrange(op, key string, start, stop int64, reverse bool) ([]Z, error) {
	h, found, err := t.holding(op, key, SortedSet)
	if err != nil || !found {
		return nil, err
	}
	if start < 0 {
		start = max(start+h.count, 0)
	}
	if stop < 0 {
		stop += h.count
	}
	if stop = min(stop, h.count-1); start > stop {
		return nil, nil
	}
	from := start
	if reverse {
		from = h.count - 1 - start
	}
	return t.walk(op, key, h, span{}, from, stop-start+1, reverse)
}

// ZRangeByScore returns a page of the members within bounds, ascending.
func (t *Tx) ZRangeByScore(key string, b Bounds, p Page) ([]Z, error) {
	return t.zrangeByScore("zrangebyscore", key, b, p, false)
}

// ZRevRangeByScore returns a page of the members within bounds, descending.
func (t *Tx) ZRevRangeByScore(key string, b Bounds, p Page) ([]Z, error) {
	return t.zrangeByScore("zrevrangebyscore", key, b, p, true)
}

func (t *Tx) zrangeByScore(op, key string, b Bounds, p Page, reverse bool) ([]Z, error) {
	if p.Offset < 0 || p.Count < 0 {
		return nil, fail(store.InvalidArgument, op+": page", nil)
	}
	h, s, err := t.within(op, key, b)
	if err != nil || s.empty() {
		return nil, err
	}
	if p.Offset == 0 {
		return t.walk(op, key, h, s, -1, p.Count, reverse)
	}
	first, last, err := t.ranks(key, h, s)
	left := last - first - p.Offset
	if err != nil || left <= 0 {
		return nil, err
	}
	if p.Count > 0 {
		left = min(left, p.Count)
	}
	from := first + p.Offset
	if reverse {
		from = last - 1 - p.Offset
	}
	return t.walk(op, key, h, span{}, from, left, reverse)
}

// ZCount tells how many members there are within bounds.
func (t *Tx) ZCount(key string, b Bounds) (int64, error) {
	h, s, err := t.within("zcount", key, b)
	if err != nil || s.empty() {
		return 0, err
	}
	first, last, err := t.ranks(key, h, s)
	return last - first, err
}

// ZRemRangeByRank removes what ZRange returns, and tells how many that were.
func (t *Tx) ZRemRangeByRank(key string, start, stop int64) (int64, error) {
	found, err := t.zrange("zremrangebyrank", key, start, stop, false)
	return t.removeAll("zremrangebyrank", key, found, err)
}

// ZRemRangeByScore removes the members within bounds, and tells how many that were.
func (t *Tx) ZRemRangeByScore(key string, b Bounds) (int64, error) {
	found, err := t.zrangeByScore("zremrangebyscore", key, b, Page{}, false)
	return t.removeAll("zremrangebyscore", key, found, err)
}

func (t *Tx) removeAll(op, key string, found []Z, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	members := make([]string, len(found))
	for i, z := range found {
		members[len(found)-1-i] = z.Member // from the end: what is counted next lies below what was removed
	}
	return t.deleteMembers(op, key, SortedSet, members)
}

// span is places from one to another, which is not in it. nil is the beginning or the end.
type span struct{ low, high []byte }

func (s span) empty() bool { return s.high != nil && bytes.Compare(s.low, s.high) >= 0 }

// within are the places within bounds.
func (t *Tx) within(op, key string, b Bounds) (header, span, error) {
	nothing := span{high: []byte{}}
	if math.IsNaN(b.Min) || math.IsNaN(b.Max) {
		return header{}, nothing, fail(store.InvalidArgument, op+": a score that is no number", nil)
	}
	h, found, err := t.holding(op, key, SortedSet)
	if err != nil || !found {
		return h, nothing, err
	}
	edge := func(score float64, above bool) []byte {
		if score == 0 {
			score = 0 // not −0
		}
		at := ordered(score)
		if above {
			at++
		}
		return binary.BigEndian.AppendUint64(nil, at)
	}
	return h, span{edge(b.Min, b.MinOpen), edge(b.Max, !b.MaxOpen)}, nil
}

// ranks are those of the first member of a span, and of the first behind it.
func (t *Tx) ranks(key string, h header, s span) (first, last int64, err error) {
	if first, err = t.rank(key, h, s.low); err == nil {
		last, err = t.rank(key, h, s.high)
	}
	return first, last, err
}

// walk reads so many members of a span, or all of them where count is 0, from its edge or,
// of all members, from a rank on where that is not −1.
func (t *Tx) walk(op, key string, h header, s span, from, count int64, reverse bool) ([]Z, error) {
	c := t.db.Cursor(h.members(key, s.low, s.high))
	defer c.Close()
	begin, onward := c.First, c.Next
	if reverse {
		begin, onward = c.Last, c.Prev
	}
	if from >= 0 {
		if err := t.seek(c, op, key, h, from); err != nil {
			return nil, err
		}
		begin = func() bool { return true }
	}
	common := h.of(tagScore, key)
	var found []Z
	for ok := begin(); ok; ok = onward() {
		rest := c.Key()[len(common):]
		score, readable := readScore(rest)
		if !readable {
			return nil, corrupt(op)
		}
		found = append(found, Z{string(rest[scoreBytes:]), score})
		if int64(len(found)) == count {
			break
		}
		if err := t.tx.Work(len(rest)); err != nil {
			return nil, err
		}
	}
	return found, c.Err()
}
