package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/encrypt"
	"github.com/stowage-db/stowage/store/file"
)

// binary is the command, built as its users build it.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "stowage-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "stowage.exe")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// shell runs the command in a directory of its own.
type shell struct {
	*testing.T
	dir string
}

func newShell(t *testing.T) *shell { return &shell{t, t.TempDir()} }

// try runs one command line and returns what it printed and how it ended.
func (s *shell) try(input string, args ...string) (out, problem string, code int) {
	s.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = s.dir, strings.NewReader(input), &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		s.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// run expects a command line, its words separated by blanks, to succeed with an
// output.
func (s *shell) run(want, line string) {
	s.Helper()
	s.feed(want, "", line)
}

func (s *shell) feed(want, input, line string) {
	s.Helper()
	out, problem, code := s.try(input, strings.Fields(line)...)
	if code != 0 || problem != "" || out != want {
		s.Errorf("stowage %s: exit %d\n%s%s\nwant\n%s", line, code, out, problem, want)
	}
}

// fails expects an exit code, and words in the line that explains it.
func (s *shell) fails(code int, words, line string) {
	s.Helper()
	_, problem, got := s.try("", strings.Fields(line)...)
	if got != code || !strings.Contains(problem, words) || strings.Count(problem, "\n") != 1 {
		s.Errorf("stowage %s: exit %d, want %d, saying %q: %s", line, got, code, words, problem)
	}
}

// open opens an environment of the shell's as a program would.
func (s *shell) open(name string, modifiers ...store.Modifier) *store.Env {
	s.Helper()
	backend, err := file.Open(filepath.Join(s.dir, name))
	if err != nil {
		s.Fatal(err)
	}
	env, err := store.Open(s.Context(), backend, store.Options{Modifiers: modifiers})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = env.Close(context.Background()) })
	return env
}

func (s *shell) close(env *store.Env) {
	s.Helper()
	if err := env.Close(s.Context()); err != nil {
		s.Fatal(err)
	}
}

func TestValues(t *testing.T) {
	s := newShell(t)
	s.fails(exitNotFound, "there is no environment", "get app colours apple")
	s.fails(exitNotFound, "there is no environment", "put app colours apple red")
	s.run("", "put --create app colours apple red")
	s.feed("", "green\n", "put app colours lime")
	s.run("", "put -x app colours 00ff c0ffee")
	s.run("red", "get app colours apple")
	s.run("green\n", "get app colours lime")
	s.run("c0ffee\n", "get -x app colours 00ff")
	s.fails(exitNotFound, "no such key", "get app colours plum")
	s.fails(exitNotFound, "not_found (colors)", "get app colors apple")
	s.fails(exitFailed, "invalid_argument", "get -x app colours zz")
	s.run("\"\\x00\\xff\"\napple\nlime\n", "list app colours")
	s.run("lime\n", "list app colours --prefix li")
	s.run("database  3  colours\n", "list app")
	s.fails(exitNotFound, "no such key", "delete app colours apple plum")
	s.run("red", "get app colours apple")
	s.run("", "delete app colours apple lime")
	s.run("00ff\n", "list -x app colours")
}

func TestDocuments(t *testing.T) {
	s := newShell(t)
	env := s.open("app", compress.S2{})
	schema := store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{
		{Name: "&name", Paths: []query.Path{query.Field("name")}, Unique: true}}}
	if _, err := env.Table(t.Context(), "cities", schema, nil); err != nil {
		t.Fatal(err)
	}
	s.fails(exitLocked, "locked", "list app")
	s.close(env)
	s.feed("", `{"id": 1, "name": "Oslo", "at": [59.9, 10.7]} {"id": "two", "name": null}`, "put app -t cities")
	s.run("table  2  cities\n", "list app")
	s.run("1\n\"two\"\n", "list -t app cities")
	out, _, _ := s.try("", "get", "-t", "app", "cities", "1")
	for _, member := range []string{`"id":1`, `"name":"Oslo"`, `"at":[59.9,10.7]`} {
		if !strings.Contains(out, member) {
			t.Errorf("get printed %s without %s", out, member)
		}
	}
	if _, problem, code := s.try(`{"id": 3, "name": "Rome"} {"id": 4, "name": "Oslo"}`, "put", "-t", "app", "cities"); code != exitFailed || !strings.Contains(problem, "duplicate_key") {
		t.Errorf("a name twice: exit %d, %s", code, problem)
	}
	if _, problem, code := s.try(`{"id": 3`, "put", "-t", "app", "cities"); code != exitFailed || !strings.Contains(problem, "invalid_document") {
		t.Errorf("half a document: exit %d, %s", code, problem)
	}
	s.run("table  2  cities\n", "list app")
	s.run("", "delete -t app cities two")
	s.fails(exitNotFound, "no such key", "get -t app cities two")
	s.fails(exitNotFound, "not_found (towns)", "get -t app towns 1")
	s.fails(exitNotFound, "not_found", "get app cities 1")
}

func TestBackup(t *testing.T) {
	s := newShell(t)
	env := s.open("app", compress.S2{})
	for round := range 3 {
		err := env.Update(t.Context(), func(tx *store.Tx) error {
			db, err := tx.DB("numbers")
			for i := range 3000 {
				if err == nil {
					err = db.Put(fmt.Appendf(nil, "%04d", i), fmt.Appendf(nil, "%d in round %d", i, round))
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.close(env)

	s.run("", "dump app app.stowage")
	stream, _, code := s.try("", "dump", "app")
	saved, err := os.ReadFile(filepath.Join(s.dir, "app.stowage"))
	if err != nil || code != 0 || stream != string(saved) {
		t.Errorf("a dump to standard output of %d bytes, to a file %d, %v", len(stream), len(saved), err)
	}
	s.run("", "restore other app.stowage")
	s.run("1234 in round 2", "get other numbers 1234")
	s.fails(exitNotEmpty, "not_empty", "restore other app.stowage")
	s.run("", "put other numbers more more")
	s.feed("", stream, "restore other --replace")
	s.run("database  3000  numbers\n", "list other")
	if _, problem, code := s.try(stream[:len(stream)-1], "restore", "third"); code != exitDamaged || !strings.Contains(problem, "cut off") {
		t.Errorf("restoring half a dump: exit %d, %s", code, problem)
	}
	s.fails(exitNotFound, "no environment", "list third")
	s.fails(exitFailed, "no such file", "restore third nowhere.stowage")
	s.fails(exitFailed, "no such file", "dump app nowhere/app.stowage")

	s.run("", "copy app copy")
	s.run("", "copy --compact app small")
	for _, dir := range []string{"copy", "small"} {
		s.run("database  3000  numbers\n", "list "+dir)
		s.fails(exitNotEmpty, "not_empty", "copy app "+dir)
		if out, problem, code := s.try("", "check", dir); code != 0 || !strings.Contains(out, "problems  0") {
			t.Errorf("check %s: exit %d\n%s%s", dir, code, out, problem)
		}
	}
}

// TestSalvage takes pages and the root away, one after the other.
func TestSalvage(t *testing.T) {
	s := newShell(t)
	env := s.open("app", compress.S2{})
	err := env.Update(t.Context(), func(tx *store.Tx) error {
		db, err := tx.DB("numbers")
		for i := range 6000 {
			if err == nil {
				err = db.Put(fmt.Appendf(nil, "%04d", i), fmt.Appendf(nil, "%d", i))
			}
		}
		return err
	})
	if err == nil {
		err = env.Checkpoint(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	s.close(env)
	s.run("salvaged  6000 entries of 1 databases\n", "salvage app whole.stowage")
	if err := os.Remove(filepath.Join(s.dir, "app", store.RootName)); err != nil {
		t.Fatal(err)
	}
	s.fails(exitDamaged, "root is missing", "list app")
	out, problem, code := s.try("", "salvage", "app", "left.stowage")
	if code != exitDamaged || !strings.Contains(problem, "not everything") || !strings.Contains(out, "lost      the root") {
		t.Errorf("salvage without a root: exit %d\n%s%s", code, out, problem)
	}
	s.run("", "restore other left.stowage")
	s.run("database  6000  numbers\n", "list other")
	s.fails(exitNotFound, "no environment", "salvage nowhere left.stowage")
	if err := os.Mkdir(filepath.Join(s.dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.fails(exitNotFound, "nothing is stored", "salvage empty left.stowage")
}

func TestCondition(t *testing.T) {
	s := newShell(t)
	s.run("", "put --create app colours apple red")
	if out, _, code := s.try("", "stat", "app"); code != 0 || !strings.Contains(out, "position") {
		t.Errorf("stat: exit %d, %s", code, out)
	}
	if out, _, code := s.try("", "stat", "--json", "app"); code != 0 || !strings.Contains(out, `"position":1`) {
		t.Errorf("stat --json: exit %d, %s", code, out)
	}
	env := s.open("app", compress.S2{})
	if err := env.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.close(env)
	s.run("trees     1\npages     1\nchunks    0\nrecords   0\nentries   3\norphans   0\nproblems  0\n", "check app")
	pages, err := filepath.Glob(filepath.Join(s.dir, "app", "p", "*", "*"))
	if err != nil || len(pages) != 1 {
		t.Fatalf("pages %q, %v", pages, err)
	}
	if err := os.WriteFile(pages[0], []byte("not a page"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, problem, code := s.try("", "check", "app"); code != exitDamaged || !strings.Contains(out, "problems") || !strings.Contains(problem, "corrupt") {
		t.Errorf("check of a damaged page: exit %d\n%s%s", code, out, problem)
	}
	s.fails(exitDamaged, "corrupt", "get app colours apple")
	s.fails(exitDamaged, "corrupt", "dump app app.stowage")
	if _, err := os.Stat(filepath.Join(s.dir, "app.stowage")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a dump that failed leaves its file: %v", err)
	}
	s.fails(exitDamaged, "corrupt", "copy app copy")
}

func TestUsage(t *testing.T) {
	s := newShell(t)
	for _, line := range []string{"", "melt app", "get app", "list app --deep", "stat"} {
		if _, problem, code := s.try("", strings.Fields(line)...); code != exitUsage || problem == "" {
			t.Errorf("stowage %s: exit %d, %s", line, code, problem)
		}
	}
	s.fails(exitFailed, "a database needs a key", "put app colours")
	s.fails(exitFailed, "a table none", "put -t app cities key")
	for _, line := range []string{"--help", "dump --help"} {
		if out, _, code := s.try("", strings.Fields(line)...); code != 0 || !strings.Contains(out, "Usage: stowage") {
			t.Errorf("stowage %s: exit %d, %s", line, code, out)
		}
	}
}

// TestRawEnvironment: an environment without a stage is left without one.
func TestRawEnvironment(t *testing.T) {
	s := newShell(t)
	s.close(s.open("app"))
	s.run("", "--raw put --create app colours apple red")
	env := s.open("app")
	if err := env.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.close(env)
	s.run("red", "--raw get app colours apple")
	s.run("", "--raw dump app raw.stowage")
	s.run("", "restore packed raw.stowage")
	s.run("", "dump packed packed.stowage")
	s.fails(exitDamaged, "missing_modifier", "--raw list packed")
}

// TestDeflate: an environment is found by what it is compressed with, and keeps that.
func TestDeflate(t *testing.T) {
	s := newShell(t)
	long := strings.Repeat("red", 1000) // so that it is compressed
	s.write("key", strings.Repeat("k", 32))
	for i, flag := range []string{"", "--key-file key "} {
		chain := func() []store.Modifier {
			return []store.Modifier{compress.Deflate{}, encrypt.AESGCM(encrypt.Key([]byte(strings.Repeat("k", 32))))}[:1+i]
		}
		app := fmt.Sprint("app", i)
		env := s.open(app, chain()...)
		err := env.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.DB("colours")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		s.close(env)
		s.run("", flag+"put "+app+" colours apple "+long)
		s.run(long, flag+"get "+app+" colours apple")
		s.close(s.open(app, chain()...)) // with nothing else
		s.run("", flag+"dump "+app+" left.stowage")
		s.run("", flag+"restore "+app+"-again left.stowage")
		s.run(long, flag+"get "+app+"-again colours apple")
		s.run("salvaged  1 entries of 1 databases\n", flag+"salvage "+app+" left.stowage")
	}
}

func TestSQL(t *testing.T) {
	s := newShell(t)
	create := "CREATE TABLE cities (name TEXT NOT NULL, country TEXT, population INT);\n"
	insert := "INSERT INTO cities VALUES ('Oslo', 'NO', 700000), ('Lund', 'SE', 90000);\nSELECT count(*) FROM cities;\n"
	s.feed("2\n", create+insert, "sql app --make")
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"sql", "app", "SELECT name, population FROM cities WHERE country = ?", "NO"}, "Oslo\t700000\n"},
		{[]string{"sql", "app", "-j", "SELECT name, population / 2 AS half FROM cities WHERE population < ?", "1e5"}, `{"half":45000,"name":"Lund"}` + "\n"},
		{[]string{"sql", "app", "BEGIN; DELETE FROM cities; ROLLBACK; SELECT count(*) FROM cities"}, "2\n"},
	} {
		if out, problem, code := s.try("", test.args...); out != test.want || problem != "" || code != 0 {
			t.Errorf("%q: %q, %q, %d; want %q", test.args, out, problem, code, test.want)
		}
	}
	if _, problem, code := s.try("", "sql", "app", "SELECT nme FROM cities"); code != exitFailed || !strings.Contains(problem, "unknown_column") {
		t.Errorf("a column that does not exist: %d, %q", code, problem)
	}
}
