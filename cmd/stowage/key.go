package main

import (
	"context"
	"fmt"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/encrypt"
)

// keys looks after what opens an encrypted environment.
type keys struct {
	List   listKeys  `cmd:"" help:"List the slots: what opens the environment."`
	Add    addKey    `cmd:"" help:"Have another key or passphrase open it, and print its slot."`
	Remove removeKey `cmd:"" help:"Have a slot open it no more."`
	Change changeKey `cmd:"" help:"Have another key or passphrase open it instead of the one given."`
	Rotate rotateKey `cmd:"" help:"Draw another data key and seal everything anew under it. One that was interrupted goes on."`
}

// withRing runs f on an environment that is there and encrypted.
func (s *session) withRing(ctx context.Context, dir string, f func(*store.Env, *encrypt.Ring) error) error {
	return s.within(ctx, dir, false, func(env *store.Env) error {
		if s.ring == nil {
			return &store.Error{Code: store.NotEncrypted, Op: "there are no keys", Name: dir}
		}
		return f(env, s.ring)
	})
}

type listKeys struct {
	Directory string `arg:"" help:"The environment's directory." type:"path"`
}

func (c *listKeys) Run(ctx context.Context, s *session) error {
	return s.withRing(ctx, c.Directory, func(_ *store.Env, ring *encrypt.Ring) error {
		for _, slot := range ring.Slots() {
			kind, current := "key", ""
			if slot.Passphrase {
				kind = "passphrase"
			}
			if slot.Current {
				current = "  opened this"
			}
			fmt.Fprintf(s.out, "%d  %s%s\n", slot.ID, kind, current)
		}
		return nil
	})
}

type addKey struct {
	newUnlocking
	Directory string `arg:"" help:"The environment's directory." type:"path"`
}

func (c *addKey) Run(ctx context.Context, s *session) error {
	unlocker, err := c.unlocker()
	if err != nil {
		return err
	}
	return s.withRing(ctx, c.Directory, func(env *store.Env, ring *encrypt.Ring) error {
		id, err := ring.AddSlot(ctx, env, unlocker)
		if err == nil {
			fmt.Fprintln(s.out, id)
		}
		return err
	})
}

type removeKey struct {
	Directory string `arg:"" help:"The environment's directory." type:"path"`
	Slot      uint32 `arg:"" help:"The slot, as list prints it. The last one stays."`
}

func (c *removeKey) Run(ctx context.Context, s *session) error {
	return s.withRing(ctx, c.Directory, func(env *store.Env, ring *encrypt.Ring) error {
		return ring.RemoveSlot(ctx, env, c.Slot)
	})
}

type changeKey struct {
	newUnlocking
	Directory string `arg:"" help:"The environment's directory." type:"path"`
}

func (c *changeKey) Run(ctx context.Context, s *session) error {
	unlocker, err := c.unlocker()
	if err != nil {
		return err
	}
	return s.withRing(ctx, c.Directory, func(env *store.Env, ring *encrypt.Ring) error {
		return ring.ChangePassphrase(ctx, env, s.unlocker, unlocker)
	})
}

type rotateKey struct {
	Directory string `arg:"" help:"The environment's directory." type:"path"`
}

func (c *rotateKey) Run(ctx context.Context, s *session) error {
	return s.withRing(ctx, c.Directory, func(env *store.Env, ring *encrypt.Ring) error {
		return ring.Rotate(ctx, env, s.tenths())
	})
}

// tenths tells on standard error how far a long command has come.
func (s *session) tenths() func(done, total int64) {
	told := int64(0)
	return func(done, total int64) {
		if tenth := 10 * done / max(total, 1); tenth > told {
			told = tenth
			fmt.Fprintf(s.err, "%d %%\n", 10*tenth)
		}
	}
}
