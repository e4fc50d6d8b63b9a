package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// linear lets clients of one or several contexts write and read a few registers,
// and has porcupine look for an order of all transactions that explains what
// each of them saw, in which no transaction comes before one that had ended
// before it began. It counts transactions.
func linear(seed uint64) (int64, error) {
	random := rand.New(rand.NewPCG(seed, 13))
	t := drawTerrain(random)
	r := &race{random: random, schedule: storetest.NewSchedule(seed), seen: make([]registers, 1)}
	r.platform = storetest.NewPlatform(t.properties, r.schedule)
	t.options.Scheduler = r.schedule
	t.options.Random = random.Uint64
	if err := r.schedule.Run(func() { r.failure = r.open(t.options) }); err != nil {
		return 0, err
	}
	for client := range 3 + random.IntN(4) {
		r.schedule.Go(func(ctx context.Context) { r.client(ctx, client) })
	}
	if err := errors.Join(r.schedule.Drain(), r.failure); err != nil {
		return 0, err
	}
	return int64(len(r.events)), r.judge()
}

// registers are the values that transactions race for. A value counts the writes
// to its register in the upper half and is unique in the lower, so that any two
// states of one store are comparable.
type registers [5]uint64

// access is what a transaction did: the registers it touched, the values it found
// there and those it left. A reader leaves what it finds.
type access struct {
	touched [len(registers{})]bool
	found   registers
	left    registers
}

// race is a run of clients.
type race struct {
	random   *rand.Rand
	schedule *storetest.Schedule
	platform *storetest.Platform
	contexts []*store.Env
	seen     []registers // by context, the latest values that one of its transactions saw
	unique   uint64
	clock    int64
	events   []porcupine.Operation
	failure  error
}

func (r *race) open(options store.Options) error {
	for range r.seen {
		env, err := store.Open(context.Background(), r.platform.Connect(), options)
		if err != nil {
			return err
		}
		r.contexts = append(r.contexts, env)
	}
	return r.contexts[0].Update(context.Background(), func(tx *store.Tx) error {
		_, err := tx.DB("registers")
		return err
	})
}

// client runs transactions of one client, one after the other.
func (r *race) client(ctx context.Context, client int) {
	at := client % len(r.contexts)
	for range 12 {
		if r.failure != nil {
			return
		}
		if err := r.transaction(ctx, client, at); err != nil {
			r.failure = fmt.Errorf("client %d: %w", client, err)
		}
	}
}

func (r *race) transaction(ctx context.Context, client, at int) error {
	env := r.contexts[at]
	before := r.seen[at]
	begun := r.tick()
	var a access
	var err error
	write := true
	switch draw := r.random.IntN(10); {
	case draw < 3:
		err = env.Update(ctx, func(tx *store.Tx) (err error) {
			a, err = r.change(tx)
			return err
		})
	case draw < 6:
		a, err = r.attempt(ctx, env)
	case draw < 7:
		return env.Checkpoint(ctx)
	default:
		write = false
		err = env.View(ctx, func(tx *store.Tx) (err error) {
			a, err = r.read(tx)
			return err
		})
	}
	if write && store.CodeOf(err) == store.Conflict {
		return nil // it never happened
	}
	if err != nil {
		return err
	}
	r.events = append(r.events, porcupine.Operation{ClientId: client, Input: a, Call: begun, Output: a, Return: r.tick()})
	return r.remember(at, before, a)
}

func (r *race) tick() int64 {
	r.clock++
	return r.clock
}

// remember fails when a transaction saw less than its context had seen or written
// before the transaction began.
func (r *race) remember(at int, before registers, a access) error {
	for i := range a.found {
		if !a.touched[i] {
			continue
		}
		if a.found[i]>>32 < before[i]>>32 {
			return wrong("register %d went back from write %d to %d", i, before[i]>>32, a.found[i]>>32)
		}
		if a.left[i]>>32 > r.seen[at][i]>>32 {
			r.seen[at][i] = a.left[i]
		}
	}
	return nil
}

// attempt is one optimistic transaction; between its calls others go on.
func (r *race) attempt(ctx context.Context, env *store.Env) (access, error) {
	tx, err := env.Begin(ctx, true)
	if err != nil {
		return access{}, err
	}
	defer tx.Rollback()
	a, err := r.change(tx)
	if err != nil {
		return a, err
	}
	r.schedule.Pause()
	return a, tx.Commit(ctx)
}

// change reads one to three registers and writes some of them.
func (r *race) change(tx *store.Tx) (access, error) {
	var a access
	db, err := tx.DB("registers")
	if err != nil {
		return a, err
	}
	for range 1 + r.random.IntN(3) {
		i := r.random.IntN(len(a.found))
		if a.touched[i] {
			continue
		}
		if a.found[i], err = register(db, i); err != nil {
			return a, err
		}
		r.schedule.Pause()
		a.touched[i], a.left[i] = true, a.found[i]
		if r.random.IntN(3) > 0 {
			r.unique++
			a.left[i] = (a.found[i]>>32+1)<<32 | r.unique
			if err := db.Put([]byte{byte('0' + i)}, binary.BigEndian.AppendUint64(nil, a.left[i])); err != nil {
				return a, err
			}
		}
	}
	return a, nil
}

// read reads every register.
func (r *race) read(tx *store.Tx) (access, error) {
	var a access
	db, err := tx.DB("registers")
	for i := range a.found {
		if err != nil {
			break
		}
		a.touched[i] = true
		a.found[i], err = register(db, i)
		r.schedule.Pause()
	}
	a.left = a.found
	return a, err
}

func register(db *store.DB, i int) (uint64, error) {
	stored, found, err := db.Get([]byte{byte('0' + i)})
	if err != nil || !found {
		return 0, err
	}
	return binary.BigEndian.Uint64(stored), nil
}

// judge asks porcupine.
func (r *race) judge() error {
	model := porcupine.Model{
		Init: func() any { return registers{} },
		Step: func(state, input, _ any) (bool, any) {
			now, a := state.(registers), input.(access)
			for i := range now {
				if a.touched[i] && now[i] != a.found[i] {
					return false, state
				}
				if a.touched[i] {
					now[i] = a.left[i]
				}
			}
			return true, now
		},
	}
	switch porcupine.CheckOperationsTimeout(model, r.events, time.Minute) {
	case porcupine.Ok:
		return nil
	case porcupine.Illegal:
		return wrong("no order of its %d transactions explains what they saw:\n%s", len(r.events), r.describe())
	default:
		return fmt.Errorf("porcupine found no answer within a minute")
	}
}

func (r *race) describe() string {
	text := ""
	for _, e := range r.events {
		a := e.Input.(access)
		text += fmt.Sprintf("%d–%d client %d:", e.Call, e.Return, e.ClientId)
		for i := range a.found {
			if a.touched[i] {
				text += fmt.Sprintf(" %d: %d.%d → %d.%d", i, a.found[i]>>32, uint32(a.found[i]), a.left[i]>>32, uint32(a.left[i]))
			}
		}
		text += "\n"
	}
	return text
}
