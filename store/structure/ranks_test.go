package structure_test

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stowage-db/stowage/store/storetest"
	"github.com/stowage-db/stowage/store/structure"
)

// TestRanks takes a sorted set below its first level and grows it over the second one, and
// holds ranks against a sorted list.
func TestRanks(t *testing.T) {
	random := rand.New(rand.NewPCG(storetest.Seed(t), 0))
	o := open(t)
	defer storetest.Close(t, o.env)
	var want []structure.Z
	made := 0
	add := func(n int) {
		added := make([]structure.Z, n)
		for i := range added {
			added[i] = structure.Z{Member: "member " + strconv.Itoa(made+i), Score: float64(random.IntN(1000))}
		}
		made += n
		want = append(want, added...)
		slices.SortFunc(want, func(a, b structure.Z) int {
			return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(a.Member, b.Member))
		})
		o.in(func(tx *structure.Tx) error { _, err := tx.ZAdd("set", added...); return err })
	}
	check := func() {
		t.Helper()
		o.in(func(tx *structure.Tx) error {
			for range 100 {
				i := random.IntN(len(want))
				rank, found, err := tx.ZRank("set", want[i].Member)
				if err != nil || !found || rank != int64(i) {
					return fmt.Errorf("%v stands at %d, not %d: %w", want[i], i, rank, err)
				}
				some, err := tx.ZRange("set", int64(i), int64(i)+4)
				if err != nil || !slices.Equal(some, want[i:min(i+5, len(want))]) {
					return fmt.Errorf("from %d on: %v, %w", i, some, err)
				}
			}
			return nil
		})
	}
	remove := func(from, to int) {
		o.in(func(tx *structure.Tx) error {
			removed, err := tx.ZRemRangeByRank("set", int64(from), int64(to-1))
			if removed != int64(to-from) {
				t.Errorf("%d of %d were removed", removed, to-from)
			}
			return err
		})
		want = slices.Delete(want, from, to)
	}
	add(100)
	add(500)
	check()
	remove(10, 600)
	check()
	if n := entries(t, o.env, "structures"); n != 1+2*10 {
		t.Errorf("%d records for ten members", n)
	}
	for _, n := range []int{1000, 16000} {
		add(n)
		check()
	}
	for range 5 {
		from := random.IntN(len(want) - 200)
		remove(from, from+200)
	}
	check()
}

// chosen are so many members, by score in the order of their numbers.
func chosen(n int, fits func(member string) bool) (members []structure.Z) {
	for i := 0; len(members) < n; i++ {
		if member := "member " + strconv.Itoa(i); fits(member) {
			members = append(members, structure.Z{Member: member, Score: float64(i)})
		}
	}
	return members
}

// TestChosenMembers adds members that would have no nodes, were it not for the salt.
func TestChosenMembers(t *testing.T) {
	members := chosen(1000, func(member string) bool {
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(member))
		h := hash.Sum32()
		h = (h ^ h>>16) * 0x45d9f3b
		return (h^h>>16)%16 != 0
	})
	o := open(t)
	defer storetest.Close(t, o.env)
	o.in(func(tx *structure.Tx) error { _, err := tx.ZAdd("set", members...); return err })
	if nodes := entries(t, o.env, "structures") - 1 - 2*int64(len(members)); nodes < 20 || nodes > 200 {
		t.Errorf("%d nodes for %d members", nodes, len(members))
	}
}

// TestSipHash holds the hash against the first vectors of its authors.
func TestSipHash(t *testing.T) {
	for n, want := range []uint32{0x5b9f35a9, 0xb85a4727, 0x03a662fa, 0x04e7fe8a} {
		if got := structure.SipHash(structure.Salt, structure.Salt[:n]); got != want {
			t.Errorf("of %d bytes it is %08x, not %08x", n, got, want)
		}
	}
}

// TestManyNodes holds that a set all of whose members have nodes leaves none of them
// when it shrinks, and counts right while it does.
func TestManyNodes(t *testing.T) {
	structure.FixSalt(t)
	members := chosen(300, func(member string) bool { return structure.SipHash(structure.Salt, []byte(member))%16 == 0 })
	o := open(t)
	defer storetest.Close(t, o.env)
	o.in(func(tx *structure.Tx) error {
		for _, z := range members {
			if _, err := tx.ZAdd("set", z); err != nil {
				return err
			}
		}
		return nil
	})
	for left := len(members) - 1; left >= 10; left-- {
		o.in(func(tx *structure.Tx) error {
			if _, err := tx.ZRem("set", members[0].Member); err != nil {
				return err
			}
			members = members[1:]
			rank, found, err := tx.ZRank("set", members[left/2].Member)
			if rank != int64(left/2) || !found {
				t.Fatalf("of %d members the one at %d stands at %d", left, left/2, rank)
			}
			return err
		})
	}
	if n := entries(t, o.env, "structures"); n != 1+2*10 {
		t.Errorf("%d records for ten members", n)
	}
}

// TestAddedAnew holds that many members which join few are counted, also where none of them is
// taken.
func TestAddedAnew(t *testing.T) {
	structure.FixSalt(t)
	o := open(t)
	defer storetest.Close(t, o.env)
	members := make([]structure.Z, 2000)
	for i := range members {
		members[i] = structure.Z{Member: "member " + strconv.Itoa(i), Score: float64(i)}
	}
	add := func(some []structure.Z, how structure.ZAddOptions, added int64) {
		o.in(func(tx *structure.Tx) error {
			n, _, err := tx.ZAddWith("set", how, some...)
			if n != added {
				t.Errorf("%d members were added, not %d", n, added)
			}
			return err
		})
		o.in(func(tx *structure.Tx) error {
			count, err := tx.ZCard("set")
			if err != nil {
				return err
			}
			rank, _, err := tx.ZRank("set", members[count-1].Member)
			if rank != count-1 {
				t.Errorf("the last of %d stands at %d", count, rank)
			}
			return err
		})
	}
	add(members[:100], structure.ZAddOptions{}, 100)
	add(members, structure.ZAddOptions{XX: true}, 0)
	add(members, structure.ZAddOptions{}, 1900)
	var records []string
	for key, value := range dump(t, o.env) {
		records = append(records, key+value)
	}
	one := open(t)
	defer storetest.Close(t, one.env)
	one.in(func(tx *structure.Tx) error {
		for _, z := range members {
			if _, err := tx.ZAdd("set", z); err != nil {
				return err
			}
		}
		return nil
	})
	for key, value := range dump(t, one.env) {
		if !slices.Contains(records, key+value) {
			t.Fatalf("added one by one there is %x, %x", key, value)
		}
	}
}
