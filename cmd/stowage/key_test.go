package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/encrypt"
)

func (s *shell) write(name, text string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

func TestKeys(t *testing.T) {
	s := newShell(t)
	s.write("key", strings.Repeat("k", 32))
	s.write("short", "k")
	s.write("old", "correct horse\n")
	s.write("new", "battery staple\r\nwhatever follows")
	s.run("", "--key-file key put --create app colours apple red")
	s.fails(exitKey, "key_required", "get app colours apple")
	s.fails(exitKey, "wrong_key", "--passphrase-file old get app colours apple")
	s.fails(exitFailed, "invalid_option", "--key-file short get app colours apple")
	s.run("red", "--key-file key get app colours apple")

	s.run("2\n", "--key-file key key add app --new-passphrase-file old")
	s.run("1  key\n2  passphrase  opened this\n", "--passphrase-file old key list app")
	s.run("", "--passphrase-file old key change app --new-passphrase-file new")
	s.fails(exitKey, "wrong_key", "--passphrase-file old get app colours apple")
	s.run("", "--passphrase-file new key remove app 1")
	s.fails(exitNotFound, "not_found", "--passphrase-file new key remove app 2")
	s.fails(exitKey, "wrong_key", "--key-file key get app colours apple")
	s.fails(exitUsage, "new-key-file", "--passphrase-file new key add app")

	t.Setenv(passphraseVariable, "battery staple")
	s.run("red", "get app colours apple")
	s.run("", "copy app second")
	s.run("red", "get second colours apple")
	t.Setenv(passphraseVariable, "")
	s.fails(exitFailed, "invalid_option", "get app colours apple")
}

// TestKeysOfPrograms opens what a program has encrypted, and tells what is not.
func TestKeysOfPrograms(t *testing.T) {
	s := newShell(t)
	s.write("key", strings.Repeat("k", 32))
	s.close(s.open("plain", compress.S2{}))
	s.run("", "put --create plain colours apple red")
	s.fails(exitKey, "not_encrypted", "--key-file key get plain colours apple")
	s.fails(exitKey, "not_encrypted", "key list plain")
	s.fails(exitKey, "not_encrypted", "key rotate plain")
	env := s.open("app", compress.S2{}, encrypt.AESGCM(encrypt.Key([]byte(strings.Repeat("k", 32)))))
	err := env.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.DB("colours")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.close(env)
	s.run("", "--key-file key put app colours apple red")
	s.run("red", "--key-file key get app colours apple")
}

// TestKeyRotate goes on with the rotation of a program that was ended in the middle.
func TestKeyRotate(t *testing.T) {
	s := newShell(t)
	s.write("key", strings.Repeat("k", 32))
	ring := encrypt.AESGCM(encrypt.Key([]byte(strings.Repeat("k", 32))))
	env := s.open("app", compress.S2{}, ring)
	err := env.Update(t.Context(), func(tx *store.Tx) error {
		db, err := tx.DB("stones")
		for n := 0; n < 20_000 && err == nil; n++ {
			err = db.Put(fmt.Appendf(nil, "%05d", n), []byte(strings.Repeat("stone ", 100)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	if err := ring.Rotate(ctx, env, func(int64, int64) { end() }); store.CodeOf(err) != store.Aborted {
		t.Fatal(err)
	}
	s.close(env)
	s.fails(exitKey, "key_required", "key rotate app")
	out, told, code := s.try("", "--key-file", "key", "key", "rotate", "app")
	if code != 0 || out != "" || strings.Count(told, "\n") < 2 || !strings.HasSuffix(told, "100 %\n") {
		t.Errorf("exit %d, %s, told %q", code, out, told)
	}
	s.run("1  key  opened this\n", "--key-file key key list app")
	if out, problem, code := s.try("", "--key-file", "key", "check", "app"); code != 0 || !strings.Contains(out, "problems  0") {
		t.Errorf("check: exit %d\n%s%s", code, out, problem)
	}
}
