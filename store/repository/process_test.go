//go:build unix

package repository_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/file"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/repository"
	"github.com/stowage-db/stowage/store/storetest"
	"github.com/stowage-db/stowage/store/structure"
)

// childVariable names the directory that another process, which is this test's own
// binary, adds entities to until it is killed.
const childVariable = "STOWAGE_TEST_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(childVariable)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := addForever(dir); err != nil {
		fmt.Println(store.CodeOf(err), err)
		os.Exit(1)
	}
}

// shelf is what a process keeps in files: repositories with a fast tier in memory.
type shelf struct {
	env     *store.Env
	s       *structure.Structures
	people  *repository.Repository[person, string]
	ladders *repository.Repository[repository.SortedSet[string], string]
	shops   *repository.Repository[repository.Geo[string], string]
}

// openShelf opens the files of a directory.
func openShelf(ctx context.Context, dir string, o structure.Options) (s shelf, err error) {
	b, err := file.Open(dir)
	if err != nil {
		return s, err
	}
	if s.env, err = store.Open(ctx, b, storetest.Small()); err != nil {
		return s, err
	}
	fast, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		return s, err
	}
	s.s = structure.New(s.env, "fallback", o)
	c := repository.Config{FallbackTimeout: time.Minute, Fast: repository.Over(structure.New(fast, "fast", structure.Options{})), Fallback: repository.Over(s.s)}
	named := func(name string) repository.Config { c.Name = name; return c }
	var e1, e2, e3 error
	s.people, e1 = repository.NewHash[person, string](named("person"))
	s.ladders, e2 = repository.NewSortedSet[string](named("ladder"))
	s.shops, e3 = repository.NewGeo[string](named("shop"))
	return s, errors.Join(e1, e2, e3)
}

// couple are two who are always added together.
func couple(n int) []person { return []person{{ID: "ada", Integer: &n}, {ID: "bo", Integer: &n}} }

// addForever adds to every repository, has sets grow and go, and prints how often it has.
func addForever(dir string) error {
	ctx := context.Background()
	s, err := openShelf(ctx, dir, structure.Options{SweepEvery: 2 * time.Millisecond})
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		members := []structure.Z{{Member: strconv.Itoa(n), Score: float64(n % 7)}, {Member: strconv.Itoa(-n - 1), Score: 3}}
		err := errors.Join(
			s.people.Add(ctx, couple(n)...),
			s.ladders.Add(ctx, repository.SortedSet[string]{ID: "chess", Members: members}),
			s.shops.AddWith(ctx, repository.AddOptions{FallbackExpiry: time.Millisecond}, repository.Geo[string]{ID: "tea", Members: []repository.Place{{Member: strconv.Itoa(n)}}}),
			s.s.Update(ctx, func(t *structure.Tx) error { return churn(t, n) }),
		)
		if err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// churn fills a large set, or deletes it, so that sweeps have something to remove.
func churn(t *structure.Tx, n int) error {
	if n%4 == 3 {
		_, err := t.Del("large")
		return err
	}
	members := make([]structure.Z, 40)
	for i := range members {
		members[i] = structure.Z{Member: fmt.Sprint(n, " ", i), Score: float64(i)}
	}
	_, err := t.ZAdd("large", members...)
	return err
}

// TestKilled kills a process in the middle of what it adds, sweeps and deletes. What it
// said was added is there, what was added together is there together, and sets count
// what they hold. What the killed process had open the next one opens, and a third not.
func TestKilled(t *testing.T) {
	kills := []int{0, 3, 17}
	if testing.Short() {
		kills = kills[2:3]
	}
	dir := t.TempDir()
	for _, after := range kills {
		said := killed(t, dir, after)
		s, err := openShelf(t.Context(), dir, structure.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.Open(dir); store.CodeOf(err) != store.Locked {
			t.Errorf("a second open: %v", err)
		}
		holds(t, s, said)
		storetest.Close(t, s.env)
	}
}

// killed has a process add so often, kills it, and tells how often it said it had.
func killed(t *testing.T, dir string, after int) (said int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	output, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	lines := bufio.NewScanner(output)
	for said = -1; said < after; {
		if !lines.Scan() {
			t.Fatal("the process has ended")
		}
		if said, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(lines.Text())
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // what it had printed before it was killed counts as well
		if n, err := strconv.Atoi(lines.Text()); err == nil {
			said = n
		}
	}
	_, _ = io.Copy(io.Discard, output)
	return said
}

// holds holds a shelf against what a killed process said that it had added.
func holds(t *testing.T, s shelf, said int) {
	t.Helper()
	ctx := t.Context()
	ada, e1 := s.people.Query("ada").Entity(ctx)
	bo, e2 := s.people.Query("bo").Entity(ctx)
	if err := errors.Join(e1, e2); err != nil || *ada.Integer != *bo.Integer || *ada.Integer < said {
		t.Fatalf("%v and %v, %v, where %d had been added", ada, bo, err, said)
	}
	chess, err := s.ladders.Query("chess").Entity(ctx)
	if err != nil || int64(len(chess.Members)) != chess.Size || len(chess.Members)%2 != 0 || len(chess.Members) < 2*(said+1) {
		t.Errorf("%d members, counted %d, %v, where %d had been added", len(chess.Members), chess.Size, err, said)
	}
	if _, err := s.shops.Query("tea", repository.Near(0, 0, 1, structure.Kilometres)).Entity(ctx); store.CodeOf(err) != store.NotFound {
		time.Sleep(2 * time.Millisecond) // it may have been added just now
		if _, err := s.shops.Query("tea", repository.Near(0, 0, 1, structure.Kilometres), repository.NoMemory()).Entity(ctx); store.CodeOf(err) != store.NotFound {
			t.Errorf("what had expired: %v", err)
		}
	}
	err = s.s.View(ctx, func(tx *structure.Tx) error {
		for _, key := range []string{"ladder:chess", "large"} {
			all, err := tx.ZRange(key, 0, -1)
			if err != nil {
				return err
			}
			for i, z := range all {
				if rank, found, err := tx.ZRank(key, z.Member); err != nil || !found || rank != int64(i) {
					return fmt.Errorf("%s: %q has rank %d, not %d: %w", key, z.Member, rank, i, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := s.s.Sweep(ctx); err != nil {
		t.Error(err)
	}
}
