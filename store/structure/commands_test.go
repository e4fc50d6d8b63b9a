package structure_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/structure"
)

// A command is one of Redis, as its words. The same words are given to Redis and to
// perform, and js/test/structures.test.ts has a perform of its own.
type command []string

// answer is what a command returns: nil, int64, string, score, a list of answers, or failed.
type answer any

// score is a number that JSON has no infinities for.
type score float64

// failed is the answer of a command that was refused: wrong_type, or else invalid.
type failed string

// commands draws commands over a few keys. Most keys mostly hold one kind of
// structure, and half the sets are large.
type commands struct{ *rand.Rand }

func (r commands) one(of ...string) string { return of[r.IntN(len(of))] }

// key is one that mostly holds a kind. Places and other sorted sets are apart: what
// scores that are no places stand for is nobody's business.
func (r commands) key(kind string) string {
	if r.IntN(25) == 0 {
		switch kind {
		case "z":
			kind = "s"
		case "g":
			kind = "h"
		default:
			kind = r.one("s", "h", "z", "g")
		}
	}
	return kind + strconv.Itoa(r.IntN(4))
}

func (r commands) member(key string) string {
	if key[1] < '2' {
		return "m\x00" + strconv.Itoa(r.IntN(8))
	}
	return "member " + strconv.Itoa(r.IntN(2000))
}

func (r commands) score() string {
	switch r.IntN(12) {
	case 0:
		return r.one("inf", "-inf")
	case 1, 2, 3:
		return strconv.FormatFloat(r.NormFloat64()*math.Pow(10, float64(r.IntN(12)-4)), 'g', -1, 64)
	default:
		return strconv.Itoa(r.IntN(40) - 20)
	}
}

func (r commands) bound() string {
	if r.IntN(3) == 0 {
		return "(" + r.score()
	}
	return r.score()
}

func (r commands) rank() string { return strconv.Itoa(r.IntN(60<<(r.IntN(2)*5)) - 30) }

func (r commands) value() string {
	return r.one("", "7", "-12", "word", "\u00ff\x00", "01", "9223372036854775800", strconv.Itoa(r.IntN(1000)))
}

// place is a longitude and a latitude, some of them close together.
func (r commands) place() []string {
	width, height := 360.0, 170.0
	if r.IntN(2) == 0 {
		width, height = 1, 1
	}
	return []string{strconv.FormatFloat((r.Float64()-0.5)*width, 'f', 6, 64), strconv.FormatFloat((r.Float64()-0.5)*height, 'f', 6, 64)}
}

// draw makes one command.
func (r commands) draw() command {
	n := r.IntN(100)
	switch {
	case n < 6:
		return r.anyKind(r.key(r.one("s", "h", "z", "g")))
	case n < 16:
		return r.plain(r.key("s"))
	case n < 34:
		return r.hash(r.key("h"))
	case n < 80:
		return r.sortedSet(r.key("z"))
	default:
		return r.geo(r.key("g"))
	}
}

func (r commands) anyKind(key string) command {
	switch r.IntN(12) {
	case 0:
		return command{"del", key, r.key("s")}
	case 1:
		return command{"exists", key, key}
	case 2, 3:
		return command{"type", key}
	case 4, 5, 6:
		return command{"pexpireat", key, strconv.FormatInt(4102444800000+r.Int64N(1e9), 10)}
	case 7:
		return command{"pexpireat", key, strconv.Itoa(r.IntN(1000))} // long ago
	case 8:
		return command{"persist", key}
	default:
		return command{"pexpiretime", key}
	}
}

func (r commands) plain(key string) command {
	switch r.IntN(8) {
	case 0, 1:
		return command{"set", key, r.value()}
	case 2:
		return command{"set", key, r.value(), "keepttl"}
	case 3:
		return command{"setnx", key, r.value()}
	case 4:
		return command{"getdel", key}
	case 5:
		return command{"incrby", key, strconv.Itoa(r.IntN(20) - 10)}
	default:
		return command{"get", key}
	}
}

func (r commands) hash(key string) command {
	field := func() string { return r.member(key) }
	switch r.IntN(9) {
	case 0, 1:
		return command{"hset", key, field(), r.value()}
	case 2:
		return command{"hset", key, field(), r.value(), field(), r.value(), field(), r.value()}
	case 3:
		return command{"hget", key, field()}
	case 4:
		return command{"hmget", key, field(), field(), field()}
	case 5:
		if r.IntN(10) > 0 {
			return command{"hexists", key, field()}
		}
		return command{"hgetall", key}
	case 6:
		return command{"hdel", key, field(), field()}
	case 7:
		return command{"hincrby", key, field(), strconv.Itoa(r.IntN(20) - 10)}
	default:
		return command{"hlen", key}
	}
}

func (r commands) sortedSet(key string) command {
	switch r.IntN(20) {
	case 0, 1, 2, 3, 4:
		c := command{"zadd", key}
		for range 1 + r.IntN(4) {
			c = append(c, r.score(), r.member(key))
		}
		return c
	case 5:
		c := append(command{"zadd", key}, r.one("nx", "xx", "gt", "lt", "xx gt", "nx gt"))
		if strings.Contains(c[2], " ") {
			c = append(c[:2], strings.Fields(c[2])...)
		}
		return append(c, "ch", r.score(), r.member(key), r.score(), r.member(key))
	case 6:
		return command{"zincrby", key, r.score(), r.member(key)}
	case 7:
		return command{"zrem", key, r.member(key), r.member(key)}
	case 8:
		return command{"zcard", key}
	case 9:
		return command{"zscore", key, r.member(key)}
	case 10, 11:
		return command{r.one("zrank", "zrevrank"), key, r.member(key)}
	case 12, 13:
		return command{r.one("zrange", "zrevrange"), key, r.rank(), r.rank(), "withscores"}
	case 14, 15, 16:
		c := command{r.one("zrangebyscore", "zrevrangebyscore"), key, r.bound(), r.bound(), "withscores"}
		if r.IntN(2) == 0 {
			c = append(c, "limit", strconv.Itoa(r.IntN(50)), strconv.Itoa(1+r.IntN(20)))
		}
		return c
	case 17, 18:
		return command{"zcount", key, r.bound(), r.bound()}
	default:
		if r.IntN(5) > 0 {
			return command{"zscore", key, r.member(key)}
		}
		if from := r.IntN(50); r.IntN(2) == 0 {
			return command{"zremrangebyrank", key, strconv.Itoa(from), strconv.Itoa(from + r.IntN(5))}
		}
		from := r.IntN(20)
		return command{"zremrangebyscore", key, strconv.Itoa(from), "(" + strconv.Itoa(from+1)}
	}
}

func (r commands) geo(key string) command {
	switch r.IntN(8) {
	case 0, 1, 2:
		return append(append(command{"geoadd", key}, r.place()...), r.member(key))
	case 3:
		return command{"geopos", key, r.member(key)}
	case 4:
		return command{"geodist", key, r.member(key), r.member(key), r.one("m", "km", "mi", "ft")}
	case 5:
		return command{"zscore", key, r.member(key)}
	default:
		c := command{"geosearch", key}
		if r.IntN(3) == 0 {
			c = append(c, "frommember", r.member(key))
		} else {
			c = append(append(c, "fromlonlat"), r.place()...)
		}
		size := func() string { return strconv.FormatFloat(math.Pow(10, 3.7*r.Float64()), 'f', 3, 64) }
		if r.IntN(2) == 0 {
			c = append(c, "byradius", size(), r.one("km", "mi"))
		} else {
			c = append(c, "bybox", size(), size(), r.one("km", "mi"))
		}
		if c = append(c, r.one("asc", "desc")); r.IntN(2) == 0 {
			c = append(c, "count", strconv.Itoa(1+r.IntN(10)))
		}
		return append(c, "withcoord", "withdist")
	}
}

// perform runs a command in a transaction.
func perform(t *structure.Tx, now time.Time, c command) answer {
	a, err := run(t, now, c)
	switch {
	case errors.Is(err, store.WrongType):
		return failed("wrong_type")
	case errors.Is(err, store.InvalidArgument) || errors.Is(err, store.NotFound):
		return failed("invalid")
	case err != nil:
		return failed(err.Error())
	default:
		return a
	}
}

func run(t *structure.Tx, now time.Time, c command) (answer, error) {
	key := c[1]
	switch c[0] {
	case "del":
		return counted(t.Del(c[1:]...))
	case "exists":
		return counted(t.Exists(c[1:]...))
	case "type":
		kind, err := t.Type(key)
		return kind.String(), err
	case "pexpireat":
		return one(t.ExpireAt(key, time.UnixMilli(int64(whole(c[2])))))
	case "persist":
		return one(t.Persist(key))
	case "pexpiretime":
		ttl, err := t.TTL(key)
		if ttl < 0 {
			return int64(ttl), err
		}
		return now.Add(ttl).UnixMilli(), err
	case "set":
		ttl := time.Duration(0)
		if len(c) > 3 {
			ttl = structure.KeepTTL
		}
		return "OK", t.Set(key, c[2], ttl)
	case "setnx":
		return one(t.SetNX(key, c[2], 0))
	case "get":
		return given(t.Get(key))
	case "getdel":
		return given(t.GetDel(key))
	case "incrby":
		return counted(t.IncrBy(key, int64(whole(c[2]))))
	}
	if c[0][0] == 'h' {
		return runHash(t, c)
	}
	if c[0][0] == 'z' {
		return runSortedSet(t, c)
	}
	return runGeo(t, c)
}

func runHash(t *structure.Tx, c command) (answer, error) {
	key := c[1]
	switch c[0] {
	case "hset":
		return counted(t.HSet(key, c[2:]...))
	case "hget":
		return given(t.HGet(key, c[2]))
	case "hmget":
		values, err := t.HMGet(key, c[2:]...)
		list := []answer{}
		for _, field := range c[2:] {
			value, found := values[field]
			a, _ := given(value, found, nil)
			list = append(list, a)
		}
		return list, err
	case "hgetall":
		values, err := t.HGetAll(key)
		return sortedFields(values), err
	case "hexists":
		return one(t.HExists(key, c[2]))
	case "hdel":
		return counted(t.HDel(key, c[2:]...))
	case "hincrby":
		return counted(t.HIncrBy(key, c[2], int64(whole(c[3]))))
	default:
		return counted(t.HLen(key))
	}
}

func runSortedSet(t *structure.Tx, c command) (answer, error) {
	key := c[1]
	switch c[0] {
	case "zadd":
		return zadd(t, c)
	case "zincrby":
		sum, err := t.ZIncrBy(key, number(c[2]), c[3])
		return score(sum), err
	case "zrem":
		return counted(t.ZRem(key, c[2:]...))
	case "zcard":
		return counted(t.ZCard(key))
	case "zscore":
		if s, found, err := t.ZScore(key, c[2]); found || err != nil {
			return score(s), err
		}
		return nil, nil
	case "zrank":
		return ranked(t.ZRank(key, c[2]))
	case "zrevrank":
		return ranked(t.ZRevRank(key, c[2]))
	case "zrange":
		return scored(t.ZRange(key, int64(whole(c[2])), int64(whole(c[3]))))
	case "zrevrange":
		return scored(t.ZRevRange(key, int64(whole(c[2])), int64(whole(c[3]))))
	case "zrangebyscore":
		return scored(t.ZRangeByScore(key, bounds(c[2], c[3]), page(c[5:])))
	case "zrevrangebyscore":
		return scored(t.ZRevRangeByScore(key, bounds(c[3], c[2]), page(c[5:])))
	case "zcount":
		return counted(t.ZCount(key, bounds(c[2], c[3])))
	case "zremrangebyrank":
		return counted(t.ZRemRangeByRank(key, int64(whole(c[2])), int64(whole(c[3]))))
	default:
		return counted(t.ZRemRangeByScore(key, bounds(c[2], c[3])))
	}
}

func zadd(t *structure.Tx, c command) (answer, error) {
	var o structure.ZAddOptions
	changes, words := false, c[2:]
	for ; ; words = words[1:] {
		switch words[0] {
		case "nx":
			o.NX = true
		case "xx":
			o.XX = true
		case "gt":
			o.GT = true
		case "lt":
			o.LT = true
		case "ch":
			changes = true
		default:
			var members []structure.Z
			for i := 0; i < len(words); i += 2 {
				members = append(members, structure.Z{Member: words[i+1], Score: number(words[i])})
			}
			added, changed, err := t.ZAddWith(c[1], o, members...)
			if changes {
				added += changed
			}
			return added, err
		}
	}
}

func runGeo(t *structure.Tx, c command) (answer, error) {
	key := c[1]
	switch c[0] {
	case "geoadd":
		return counted(t.GeoAdd(key, structure.Place{Longitude: number(c[2]), Latitude: number(c[3]), Member: c[4]}))
	case "geopos":
		p, found, err := t.GeoPos(key, c[2])
		if !found || err != nil {
			return []answer{nil}, err
		}
		return []answer{[]answer{score(p.Longitude), score(p.Latitude)}}, nil
	case "geodist":
		distance, found, err := t.GeoDist(key, c[2], c[3], units[c[4]])
		if !found || err != nil {
			return nil, err
		}
		return score(distance), nil
	}
	found, err := t.GeoSearch(key, geoQuery(c[2:]))
	list := []answer{}
	for _, f := range found {
		list = append(list, []answer{f.Member, score(f.Distance), []answer{score(f.Longitude), score(f.Latitude)}})
	}
	return list, err
}

var units = map[string]structure.Unit{"m": structure.Metres, "km": structure.Kilometres, "mi": structure.Miles, "ft": structure.Feet}

func geoQuery(words []string) (q structure.GeoQuery) {
	take := func() (word string) {
		word, words = words[0], words[1:]
		return word
	}
	for len(words) > 0 {
		switch take() {
		case "frommember":
			q.Member = take()
		case "fromlonlat":
			q.Longitude, q.Latitude = number(take()), number(take())
		case "byradius":
			q.Radius, q.Unit = number(take()), units[take()]
		case "bybox":
			q.Width, q.Height, q.Unit = number(take()), number(take()), units[take()]
		case "desc":
			q.Desc = true
		case "count":
			q.Count = int(whole(take()))
		}
	}
	return q
}

func number(word string) float64 {
	n, err := strconv.ParseFloat(word, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func whole(word string) float64 { return number(word) }

func bounds(low, high string) (b structure.Bounds) {
	low, b.MinOpen = strings.CutPrefix(low, "(")
	high, b.MaxOpen = strings.CutPrefix(high, "(")
	b.Min, b.Max = number(low), number(high)
	return b
}

func page(words []string) (p structure.Page) {
	if len(words) > 0 {
		p = structure.Page{Offset: int64(whole(words[1])), Count: int64(whole(words[2]))}
	}
	return p
}

func one(yes bool, err error) (answer, error) {
	if yes {
		return int64(1), err
	}
	return int64(0), err
}

func counted(n int64, err error) (answer, error) { return n, err }

func ranked(n int64, found bool, err error) (answer, error) {
	if !found {
		return nil, err
	}
	return n, err
}

func given(value string, found bool, err error) (answer, error) {
	if !found {
		return nil, err
	}
	return value, err
}

func scored(members []structure.Z, err error) (answer, error) {
	list := []answer{}
	for _, z := range members {
		list = append(list, z.Member, score(z.Score))
	}
	return list, err
}

func sortedFields(values map[string]string) answer {
	fields := make([]string, 0, len(values))
	for field := range values {
		fields = append(fields, field)
	}
	slices.Sort(fields)
	list := []answer{}
	for _, field := range fields {
		list = append(list, field, values[field])
	}
	return list
}

// same compares answers. Numbers of places on the earth are what Redis prints of them:
// distances to four places, and coordinates with their last bits rounded.
func same(c command, a, b answer) bool {
	switch a := a.(type) {
	case []answer:
		list, ok := b.([]answer)
		return ok && slices.EqualFunc(a, list, func(a, b answer) bool { return same(c, a, b) })
	case score:
		n, ok := b.(score)
		if ok && strings.HasPrefix(c[0], "geo") {
			return math.Abs(float64(a-n)) < 1e-4
		}
		return ok && a == n
	default:
		return a == b
	}
}

func (c command) String() string { return fmt.Sprintf("%q", []string(c)) }
