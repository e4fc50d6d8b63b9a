package structure_test

import (
	"context"
	"errors"
	"maps"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
	"github.com/stowage-db/stowage/store/structure"
)

// opened are structures by a clock that stands still until the test moves it.
type opened struct {
	*structure.Structures
	t   *testing.T
	env *store.Env
	now time.Time
}

func open(t *testing.T) *opened {
	t.Helper()
	o := &opened{t: t, env: storetest.Open(t, memory.New(), store.Options{}), now: time.UnixMilli(1_800_000_000_000)}
	o.Structures = structure.New(o.env, "structures", structure.Options{Clock: func() time.Time { return o.now }})
	return o
}

// in runs f in a transaction that must succeed.
func (o *opened) in(f func(tx *structure.Tx) error) {
	o.t.Helper()
	if err := o.Update(context.Background(), f); err != nil {
		o.t.Fatal(err)
	}
}

// fill makes a plain key, a hash and a sorted set of n members.
func fill(tx *structure.Tx, n int) error {
	if err := tx.Set("plain", "text", 0); err != nil {
		return err
	}
	for i := range n {
		if _, err := tx.HSet("hash", "field "+strconv.Itoa(i), "value"); err != nil {
			return err
		}
		if _, err := tx.ZAdd("set", structure.Z{Member: "member " + strconv.Itoa(i), Score: float64(i)}); err != nil {
			return err
		}
	}
	return nil
}

// TestExpired holds that what has expired is hidden at once and comes to nothing, and
// that its key can be used again before anything of it is removed, and after.
func TestExpired(t *testing.T) {
	const large = 3000
	for _, swept := range []bool{false, true} {
		o := open(t)
		keys := []string{"plain", "hash", "set"}
		o.in(func(tx *structure.Tx) error {
			if err := fill(tx, large); err != nil {
				return err
			}
			for _, key := range keys {
				if set, err := tx.Expire(key, time.Second); err != nil || !set {
					t.Errorf("expire %s: %v, %v", key, set, err)
				}
			}
			return tx.Set("stays", "1", 0)
		})
		o.now = o.now.Add(999 * time.Millisecond)
		o.in(func(tx *structure.Tx) error {
			n, err := tx.Exists(keys...)
			ttl, _ := tx.TTL("set")
			if n != 3 || ttl != time.Millisecond {
				t.Errorf("%d keys exist, for %v", n, ttl)
			}
			return err
		})
		o.now = o.now.Add(time.Millisecond)
		if swept {
			if _, err := o.Sweep(context.Background()); err != nil {
				t.Fatal(err)
			}
			if n := entries(t, o.env, "structures"); n != 1 {
				t.Errorf("a sweep leaves %d records", n)
			}
		}
		o.in(func(tx *structure.Tx) error {
			n, err := tx.Exists(keys...)
			ttl, _ := tx.TTL("set")
			if n != 0 || ttl != structure.Absent {
				t.Errorf("%d expired keys exist, for %v", n, ttl)
			}
			if all, _ := tx.HGetAll("hash"); len(all) > 0 {
				t.Errorf("an expired hash has %d fields", len(all))
			}
			if set, _ := tx.Persist("hash"); set {
				t.Error("an expired hash was saved")
			}
			return err
		})
		o.in(func(tx *structure.Tx) error { return fill(tx, 2) })
		o.in(func(tx *structure.Tx) error {
			n, err := tx.ZCard("set")
			all, _ := tx.ZRange("set", 0, -1)
			fields, _ := tx.HGetAll("hash")
			if n != 2 || len(all) != 2 || len(fields) != 2 {
				t.Errorf("what is new has %d and %d members and %d fields", n, len(all), len(fields))
			}
			return err
		})
		if _, err := o.Sweep(context.Background()); err != nil {
			t.Fatal(err)
		}
		if n := entries(t, o.env, "structures"); n != 2+1+2+1+4 {
			t.Errorf("%d records for what there is", n)
		}
		storetest.Close(t, o.env)
	}
}

// TestOverwritten holds that a key whose large structure is deleted, time and again,
// never shows what it held before.
func TestOverwritten(t *testing.T) {
	o := open(t)
	defer storetest.Close(t, o.env)
	for range 4 {
		o.in(func(tx *structure.Tx) error {
			if err := fill(tx, 100); err != nil {
				return err
			}
			if _, err := tx.Del("hash", "set"); err != nil {
				return err
			}
			_, err := tx.ZAdd("set", structure.Z{Member: "only", Score: 1})
			return errors.Join(err, tx.Set("hash", "not any more", time.Hour))
		})
		o.in(func(tx *structure.Tx) error {
			all, err := tx.ZRange("set", 0, -1)
			if kind, _ := tx.Type("hash"); kind != structure.String || len(all) != 1 {
				t.Errorf("a %s and %d members", kind, len(all))
			}
			_, e := tx.Del("hash", "set")
			return errors.Join(err, e)
		})
	}
	if _, err := o.Sweep(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := entries(t, o.env, "structures"); n != 1 {
		t.Errorf("%d records for a plain key", n)
	}
}

// TestSweptInTheBackground waits until nothing is left of what has expired.
func TestSweptInTheBackground(t *testing.T) {
	env := storetest.Open(t, memory.New(), store.Options{})
	defer storetest.Close(t, env)
	s := structure.New(env, "structures", structure.Options{SweepEvery: time.Millisecond})
	defer s.Close()
	err := s.Update(context.Background(), func(tx *structure.Tx) error {
		if err := fill(tx, 1000); err != nil {
			return err
		}
		for _, key := range []string{"plain", "hash", "set"} {
			if _, err := tx.Expire(key, time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for entries(t, env, "structures") > 0 {
		time.Sleep(time.Millisecond)
	}
}

// TestRefusals holds that what is refused has its code, and has changed nothing.
func TestRefusals(t *testing.T) {
	o := open(t)
	defer storetest.Close(t, o.env)
	nan, long := math.NaN(), strings.Repeat("m", store.MaxKeyBytes)
	o.in(func(tx *structure.Tx) error { return fill(tx, 3) })
	before := dump(t, o.env)
	for name, test := range map[string]struct {
		code store.Code
		call func(tx *structure.Tx) error
	}{
		"a score that is NaN": {store.InvalidArgument, func(tx *structure.Tx) error {
			_, err := tx.ZAdd("set", structure.Z{Member: "a"}, structure.Z{Member: "b", Score: nan})
			return err
		}},
		"a sum that is NaN":       {store.InvalidArgument, func(tx *structure.Tx) error { _, err := tx.ZIncrBy("set", nan, "member 1"); return err }},
		"a bound that is NaN":     {store.InvalidArgument, func(tx *structure.Tx) error { _, err := tx.ZCount("set", structure.Bounds{Min: nan}); return err }},
		"no member":               {store.InvalidArgument, func(tx *structure.Tx) error { _, err := tx.ZAdd("set"); return err }},
		"an empty member":         {store.InvalidArgument, func(tx *structure.Tx) error { _, err := tx.ZAdd("set", structure.Z{}); return err }},
		"a field without a value": {store.InvalidArgument, func(tx *structure.Tx) error { _, err := tx.HSet("hash", "field"); return err }},
		"an empty field":          {store.InvalidArgument, func(tx *structure.Tx) error { _, err := tx.HSet("hash", "a", "1", "", "2"); return err }},
		"options that exclude": {store.InvalidArgument, func(tx *structure.Tx) error {
			_, _, err := tx.ZAddWith("set", structure.ZAddOptions{NX: true, XX: true}, structure.Z{Member: "a"})
			return err
		}},
		"an empty key":           {store.InvalidKey, func(tx *structure.Tx) error { return tx.Set("", "1", 0) }},
		"a key that is too long": {store.TooLarge, func(tx *structure.Tx) error { return tx.Set(long, "1", 0) }},
		"a member that is too long": {store.TooLarge, func(tx *structure.Tx) error {
			_, err := tx.ZAdd("set", structure.Z{Member: "a"}, structure.Z{Member: long})
			return err
		}},
		"a value that is too large": {store.TooLarge, func(tx *structure.Tx) error {
			_, err := tx.HSet("hash", "a", "1", "b", strings.Repeat("v", 16<<20))
			return err
		}},
		"members of a hash":     {store.WrongType, func(tx *structure.Tx) error { _, err := tx.ZAdd("hash", structure.Z{Member: "a"}); return err }},
		"fields of a plain key": {store.WrongType, func(tx *structure.Tx) error { _, _, err := tx.HGet("plain", "a"); return err }},
		"the value of a set":    {store.WrongType, func(tx *structure.Tx) error { _, _, err := tx.Get("set"); return err }},
		"whether a text is so":  {store.WrongType, func(tx *structure.Tx) error { _, _, err := tx.GetBool("plain"); return err }},
		"a text and one":        {store.InvalidArgument, func(tx *structure.Tx) error { _, err := tx.IncrBy("plain", 1); return err }},
		"a place beyond the map": {store.InvalidArgument, func(tx *structure.Tx) error {
			_, err := tx.GeoAdd("geo", structure.Place{Member: "pole", Latitude: 90})
			return err
		}},
		"neither radius nor box": {store.InvalidArgument, func(tx *structure.Tx) error { _, err := tx.GeoSearch("geo", structure.GeoQuery{}); return err }},
		"a box and less than no radius": {store.InvalidArgument, func(tx *structure.Tx) error {
			_, err := tx.GeoSearch("geo", structure.GeoQuery{Radius: -1, Width: 1, Height: 1})
			return err
		}},
		"a box and a radius that is NaN": {store.InvalidArgument, func(tx *structure.Tx) error {
			_, err := tx.GeoSearch("geo", structure.GeoQuery{Radius: nan, Width: 1, Height: 1})
			return err
		}},
		"a unit without end": {store.InvalidArgument, func(tx *structure.Tx) error {
			_, err := tx.GeoSearch("geo", structure.GeoQuery{Radius: 1, Unit: structure.Unit(math.Inf(1))})
			return err
		}},
		"a distance in less than nothing": {store.InvalidArgument, func(tx *structure.Tx) error {
			_, _, err := tx.GeoDist("geo", "a", "b", -structure.Metres)
			return err
		}},
		"around what is not there": {store.NotFound, func(tx *structure.Tx) error {
			_, err := tx.GeoSearch("set", structure.GeoQuery{Member: "x", Radius: 1})
			return err
		}},
		"a page before the first": {store.InvalidArgument, func(tx *structure.Tx) error {
			_, err := tx.ZRangeByScore("set", structure.AllScores, structure.Page{Offset: -1})
			return err
		}},
		"a fraction of a millisecond": {store.InvalidArgument, func(tx *structure.Tx) error { return tx.Set("plain", "1", time.Microsecond) }},
	} {
		o.in(func(tx *structure.Tx) error {
			if err := test.call(tx); !errors.Is(err, test.code) {
				t.Errorf("%s: %v", name, err)
			}
			return nil
		})
	}
	if after := dump(t, o.env); !maps.Equal(before, after) {
		t.Errorf("%d records became %d", len(before), len(after))
	}
	err := o.View(context.Background(), func(tx *structure.Tx) error { return tx.Set("plain", "1", 0) })
	if !errors.Is(err, store.ReadOnly) {
		t.Errorf("a write in a reading transaction: %v", err)
	}
}

// dump is all that a database holds.
func dump(t *testing.T, env *store.Env) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := env.View(context.Background(), func(tx *store.Tx) error {
		db, err := tx.DB("structures")
		if err != nil {
			return err
		}
		c := db.Cursor(store.KeyRange{})
		for key, value := range c.Forward() {
			all[string(key)] = string(value)
		}
		return c.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestWritesRefused gives a reading transaction what writes, with no database yet and with one.
func TestWritesRefused(t *testing.T) {
	o := open(t)
	defer storetest.Close(t, o.env)
	check := func() {
		t.Helper()
		err := o.View(context.Background(), func(tx *structure.Tx) error {
			for name, write := range map[string]func() error{
				"set":     func() error { return tx.Set("plain", "other", 0) },
				"setbool": func() error { return tx.SetBool("plain", true, 0) },
				"incrby":  func() error { _, err := tx.IncrBy("number", 1); return err },
				"getdel":  func() error { _, _, err := tx.GetDel("plain"); return err },
				"hset":    func() error { _, err := tx.HSet("hash", "field", "other"); return err },
				"hincrby": func() error { _, err := tx.HIncrBy("hash", "number", 1); return err },
				"hdel":    func() error { _, err := tx.HDel("hash", "field 0"); return err },
				"zadd":    func() error { _, err := tx.ZAdd("set", structure.Z{Member: "a"}); return err },
				"zincrby": func() error { _, err := tx.ZIncrBy("set", 1, "a"); return err },
				"zrem":    func() error { _, err := tx.ZRem("set", "member 0"); return err },
				"geoadd":  func() error { _, err := tx.GeoAdd("geo", structure.Place{Member: "a"}); return err },
				"expire":  func() error { _, err := tx.Expire("set", time.Hour); return err },
				"persist": func() error { _, err := tx.Persist("set"); return err },
				"del":     func() error { _, err := tx.Del("set"); return err },
			} {
				if err := write(); store.CodeOf(err) != store.ReadOnly {
					t.Errorf("%s: %v", name, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	check()
	o.in(func(tx *structure.Tx) error { return fill(tx, 100) })
	before := dump(t, o.env)
	check()
	if !maps.Equal(dump(t, o.env), before) {
		t.Error("something was written")
	}
}

// TestNothingYet reads structures of a database that does not exist.
func TestNothingYet(t *testing.T) {
	o := open(t)
	defer storetest.Close(t, o.env)
	err := o.View(context.Background(), func(tx *structure.Tx) error {
		_, known, err := tx.GetBool("flag")
		all, e := tx.ZRange("set", 0, -1)
		n, e2 := tx.ZCount("set", structure.AllScores)
		if known || len(all) > 0 || n > 0 {
			t.Error("there is something")
		}
		return errors.Join(err, e, e2)
	})
	if err != nil {
		t.Error(err)
	}
}

// TestTogether writes several structures, or another database as well, in one
// transaction, and crashes the platform at every change: all of it is there or nothing.
func TestTogether(t *testing.T) {
	ctx := context.Background()
	platform := storetest.NewPlatform(storetest.Browser(), nil)
	env := storetest.Open(t, platform.Connect(), storetest.Small())
	s := structure.New(env, "structures", structure.Options{})
	const rounds = 20
	for round := range rounds {
		err := env.Update(ctx, func(tx *store.Tx) error {
			st, err := s.In(tx)
			if err != nil {
				return err
			}
			other, err := tx.DB("other")
			if err != nil {
				return err
			}
			_, e1 := st.HSet("hash", strconv.Itoa(round), "1")
			_, e2 := st.ZAdd("set", structure.Z{Member: strconv.Itoa(round), Score: -float64(round)})
			_, e3 := st.GeoAdd("geo", structure.Place{Member: strconv.Itoa(round), Longitude: float64(round)})
			_, e4 := st.IncrBy("plain", 1)
			_, e5 := st.Expire("hash", time.Hour)
			return errors.Join(e1, e2, e3, e4, e5, other.Put([]byte{byte(round)}, nil))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	storetest.Close(t, env)
	seen := map[int64]bool{}
	for at := range platform.Changes() + 1 {
		env := storetest.Open(t, platform.Image(at, nil).Connect(), storetest.Small())
		s := structure.New(env, "structures", structure.Options{})
		err := env.View(ctx, func(tx *store.Tx) error {
			st, err := s.In(tx)
			if err != nil {
				return err
			}
			fields, e1 := st.HLen("hash")
			set, e2 := st.ZRange("set", 0, -1)
			geo, e3 := st.ZCard("geo")
			plain, _, e4 := st.Get("plain")
			if fields != int64(len(set)) || fields != geo || fields > 0 && plain != strconv.FormatInt(fields, 10) {
				t.Errorf("after change %d: %d fields, %d members, %d places, %q", at, fields, len(set), geo, plain)
			}
			if other, err := tx.OpenDB("other"); err == nil {
				if n, _ := other.Count(store.KeyRange{}); n != fields {
					t.Errorf("after change %d: %d fields, %d in another database", at, fields, n)
				}
			}
			seen[fields] = true
			return errors.Join(e1, e2, e3, e4)
		})
		if err != nil {
			t.Fatal(err)
		}
		storetest.Close(t, env)
	}
	if len(seen) != rounds+1 {
		t.Errorf("%d states of %d were seen", len(seen), rounds+1)
	}
}

// entries counts what stands in a database.
func entries(t *testing.T, env *store.Env, name string) (n int64) {
	t.Helper()
	err := env.View(context.Background(), func(tx *store.Tx) error {
		db, err := tx.DB(name)
		if err == nil {
			n, err = db.Count(store.KeyRange{})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestLongLives holds that a key which is to stay for longer than a Duration can tell
// is told to stay for as long as one can.
func TestLongLives(t *testing.T) {
	o := open(t)
	until := func(at time.Time) (ttl time.Duration) {
		o.in(func(tx *structure.Tx) (err error) {
			if err := tx.Set("plain", "text", 0); err != nil {
				return err
			}
			if _, err := tx.ExpireAt("plain", at); err != nil {
				return err
			}
			ttl, err = tx.TTL("plain")
			return err
		})
		return ttl
	}
	for _, year := range []int{2300, 2500, 3000, 9999} {
		if ttl := until(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)); ttl < 270*365*24*time.Hour {
			t.Errorf("until %d that is %v", year, ttl)
		}
	}
	if ttl := until(time.Unix(1<<62, 0)); ttl < 270*365*24*time.Hour { // in milliseconds that is 0, modulo 2^64
		t.Errorf("until the end of time that is %v", ttl)
	}
	for _, past := range []time.Time{{}, time.Unix(-1<<62, 0), time.Unix(0, 0)} {
		if ttl := until(past); ttl != structure.Absent {
			t.Errorf("until %v that is %v", past, ttl)
		}
	}
}

// TestNoPlaces holds that scores which no place has stand for one on the map all the same.
func TestNoPlaces(t *testing.T) {
	o := open(t)
	for member, score := range map[string]float64{"south-west": math.Inf(-1), "west": -5, "north-east": math.Inf(1), "east": 1e18} {
		o.in(func(tx *structure.Tx) error {
			if _, err := tx.ZAdd("set", structure.Z{Member: member, Score: score}); err != nil {
				return err
			}
			p, _, err := tx.GeoPos("set", member)
			if sign := math.Copysign(1, score); p.Longitude*sign < 179.99999 || p.Longitude*sign > 180 || p.Latitude*sign < 85.05112 || p.Latitude*sign > 85.05113 {
				t.Errorf("%g is %v", score, p)
			}
			return err
		})
	}
}
