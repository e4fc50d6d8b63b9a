package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/compress"
	"github.com/stowage-db/stowage/store/encrypt"
	"github.com/stowage-db/stowage/store/file"
)

// session is what a command works with beside its arguments.
type session struct {
	terminal
	raw      bool
	unlocker encrypt.Unlocker
	ring     *encrypt.Ring // nil where nothing was given that opens one
}

// newSession makes the session of one command line.
func newSession(t terminal, g *grammar) (*session, error) {
	s := &session{terminal: t, raw: g.Raw}
	unlocker, given, err := g.unlocker()
	if given && err == nil {
		s.unlocker, s.ring = unlocker, encrypt.AESGCM(unlocker)
	}
	return s, err
}

// opened runs open with the options for each way in which environments compress, until
// it does not lack a stage. New ones have the first.
func (s *session) opened(open func(store.Options) error) (err error) {
	chains := [][]store.Modifier{{compress.S2{}}, {compress.Deflate{}}, {compress.S2{}, compress.Deflate{}}}
	if s.raw {
		chains = chains[:1]
		chains[0] = nil
	}
	for _, chain := range chains {
		if s.ring != nil {
			chain = append(chain, s.ring)
		}
		err = open(store.Options{Durability: store.Strict, Modifiers: chain})
		if store.CodeOf(err) != store.MissingModifier {
			break
		}
	}
	return err
}

// elsewhere is all that an export of another environment can have passed.
func (s *session) elsewhere() []store.Modifier {
	stages := []store.Modifier{compress.S2{}, compress.Deflate{}}
	if s.ring != nil {
		stages = append(stages, encrypt.AESGCM(s.unlocker))
	}
	return stages
}

// holds reports whether a directory has anything of an environment. One that has lost
// its root has.
func holds(dir string) bool {
	for _, name := range []string{store.RootName, "l", "p"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			return true
		}
	}
	return false
}

// within runs f on the environment in a directory. Unless it may be made, it
// must be there: a name that was mistyped is no empty environment.
func (s *session) within(ctx context.Context, dir string, make bool, f func(*store.Env) error) error {
	if !make {
		if !holds(dir) {
			return &store.Error{Code: store.NotFound, Op: "there is no environment", Name: dir}
		}
	}
	backend, err := file.Open(dir)
	if err != nil {
		return err
	}
	var env *store.Env
	err = s.opened(func(options store.Options) (err error) {
		env, err = store.Open(ctx, backend, options)
		return err
	})
	if err != nil {
		return errors.Join(err, backend.Close())
	}
	err = f(env)
	// Closing ends what has begun; a signal must not keep it from that.
	return errors.Join(err, env.Close(context.WithoutCancel(ctx)))
}
