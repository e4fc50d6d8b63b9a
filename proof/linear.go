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

// linear lets clients of one environment write and read a few registers, and has
// porcupine look for an order of all transactions that explains what each of them
// saw, in which no transaction comes before one that had ended before it began. It
// counts transactions.
func linear(seed uint64) (int64, error) {
	return newRace(seed).run(1)
}

// tabs is linear for two to five contexts on one store, of which some are frozen
// for a while or killed in the middle of something. Only writers and those who ask
// for the latest state have to fit in one order; a context's other reads may be
// late, but never go back, nor behind what it has written or seen itself.
func tabs(seed uint64) (int64, error) {
	r := newRace(seed)
	return r.run(2 + r.random.IntN(4))
}

func newRace(seed uint64) *race {
	r := &race{random: rand.New(rand.NewPCG(seed, 13)), schedule: storetest.NewSchedule(seed)}
	t := drawTerrain(r.random)
	t.properties.Atomic, t.properties.PrefixDurable = true, true // as where there are contexts
	r.options = t.options
	r.options.Scheduler = r.schedule
	r.options.Random = r.random.Uint64
	r.platform = storetest.NewPlatform(t.properties, r.schedule)
	return r
}

func (r *race) run(contexts int) (int64, error) {
	if err := r.schedule.Run(func() { r.failure = r.open(contexts) }); err != nil {
		return 0, err
	}
	for client := range contexts + 2 + r.random.IntN(3) {
		r.schedule.Go(func(ctx context.Context) { r.client(ctx, client) })
	}
	if contexts > 1 {
		r.schedule.Go(r.disturb)
	}
	if err := errors.Join(r.schedule.Drain(), r.failure); err != nil {
		return 0, err
	}
	if err := r.schedule.Run(func() { r.failure = r.conclude() }); err != nil || r.failure != nil {
		return 0, errors.Join(err, r.failure)
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
	unknown bool // whether it was committed
}

// race is a run of clients.
type race struct {
	random   *rand.Rand
	schedule *storetest.Schedule
	platform *storetest.Platform
	options  store.Options
	contexts []*tab
	unique   uint64
	clock    int64
	events   []porcupine.Operation
	failure  error
}

// tab is one context.
type tab struct {
	env   *store.Env
	place *storetest.Context // nil where there is only one
	seen  registers          // the latest values that one of its transactions saw or left
	dead  bool
}

func (r *race) open(contexts int) error {
	ctx := context.Background()
	for range contexts {
		t := &tab{}
		var backend store.Backend = r.platform.Connect()
		if contexts > 1 {
			t.place = r.platform.Share()
			backend = t.place
		}
		var err error
		if t.env, err = openEnv(ctx, backend, r.options); err != nil {
			return err
		}
		r.contexts = append(r.contexts, t)
		err = r.contexts[0].env.Update(ctx, func(tx *store.Tx) error { // so that all know it from the start
			_, err := tx.DB("registers")
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// client runs transactions of one client, one after the other.
func (r *race) client(ctx context.Context, client int) {
	t := r.contexts[client%len(r.contexts)]
	for range 10 {
		if r.failure != nil || t.dead {
			return
		}
		if err := r.transaction(ctx, client, t); err != nil {
			r.failure = fmt.Errorf("client %d: %w", client, err)
		}
	}
}

// disturb freezes contexts, and may kill one that is not the last.
func (r *race) disturb(context.Context) {
	for range r.random.IntN(4) {
		r.rest(r.random.IntN(200))
		t := r.contexts[r.random.IntN(len(r.contexts))]
		if t.dead {
			continue
		}
		t.place.Freeze()
		r.rest(r.random.IntN(400))
		if r.random.IntN(3) == 0 {
			gate := r.schedule.NewGate() // for longer than anybody's patience
			r.schedule.OpenAt(r.schedule.Now().Add(8*time.Second), gate)
			_ = gate.Wait(context.Background())
		}
		if t != r.contexts[0] && r.random.IntN(3) == 0 {
			t.dead = true
			t.place.Kill()
		}
		t.place.Thaw()
	}
}

func (r *race) rest(steps int) {
	for range steps {
		r.schedule.Pause()
	}
}

// conclude reads the last state in a context of its own and checks the store.
func (r *race) conclude() error {
	ctx := context.Background()
	env, err := openEnv(ctx, r.platform.Connect(), r.options)
	if err != nil {
		return err
	}
	last := &tab{env: env}
	if err := r.look(ctx, -1, last, true); err != nil {
		return err
	}
	for _, t := range append(r.contexts, last) {
		if t.dead {
			continue
		}
		if err := clean(t.env, -1); err != nil {
			return err
		}
		if err := t.env.Close(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *race) transaction(ctx context.Context, client int, t *tab) error {
	switch draw := r.random.IntN(10); {
	case draw < 6:
		return r.write(ctx, client, t, draw < 3)
	case draw < 7:
		err := t.env.Checkpoint(ctx)
		if t.dead || store.CodeOf(err) == store.Conflict {
			return nil
		}
		return err
	default:
		return r.look(ctx, client, t, len(r.contexts) == 1 || draw < 9)
	}
}

func (r *race) tick() int64 {
	r.clock++
	return r.clock
}

func (r *race) write(ctx context.Context, client int, t *tab, exclusive bool) error {
	before, begun := t.seen, r.tick()
	var a access
	var err error
	if exclusive {
		err = t.env.Update(ctx, func(tx *store.Tx) (err error) {
			a, err = r.change(tx)
			return err
		})
	} else {
		a, err = r.attempt(ctx, t.env)
	}
	switch {
	case t.dead && err != nil:
		a.unknown = true
	case store.CodeOf(err) == store.Conflict && !exclusive:
		return nil // it never happened
	case err != nil:
		return err
	}
	// One that wrote nothing is a reader like others.
	if a.left != a.found || len(r.contexts) == 1 {
		r.note(client, begun, a)
	}
	return t.remember(before, a)
}

// look reads every register: as they are now, or where that is not asked for as the
// context knows them.
func (r *race) look(ctx context.Context, client int, t *tab, latest bool) error {
	before, begun := t.seen, r.tick()
	var a access
	var err error
	if latest {
		err = t.env.Sync(ctx)
	}
	if err == nil {
		err = t.env.View(ctx, func(tx *store.Tx) (err error) {
			a, err = r.read(tx)
			return err
		})
	}
	if err != nil {
		if t.dead {
			return nil
		}
		return err
	}
	if latest {
		r.note(client, begun, a)
	}
	return t.remember(before, a)
}

// note enters a transaction in the history. What is not known to have been
// committed has not ended either.
func (r *race) note(client int, begun int64, a access) {
	ended := r.tick()
	if a.unknown {
		ended = 1 << 40
	}
	r.events = append(r.events, porcupine.Operation{ClientId: client, Input: a, Call: begun, Output: a, Return: ended})
}

// remember fails when a transaction saw less than its context had seen or written
// before the transaction began.
func (t *tab) remember(before registers, a access) error {
	if a.unknown {
		return nil
	}
	for i := range a.found {
		if !a.touched[i] {
			continue
		}
		if a.found[i]>>32 < before[i]>>32 {
			return wrong("register %d went back from write %d to %d", i, before[i]>>32, a.found[i]>>32)
		}
		if a.left[i]>>32 > t.seen[i]>>32 {
			t.seen[i] = a.left[i]
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

// follows tells whether a transaction fits into a state, and what it leaves.
func (a *access) follows(now registers) (next registers, fits bool) {
	for i := range now {
		if a.touched[i] && now[i] != a.found[i] {
			return now, false
		}
		if a.touched[i] {
			now[i] = a.left[i]
		}
	}
	return now, true
}

// patience is how long porcupine may look for an order. Where there is one it takes
// milliseconds.
const patience = 20 * time.Second

// judge asks porcupine.
func (r *race) judge() error {
	choices := porcupine.NondeterministicModel{
		Init: func() []any { return []any{registers{}} },
		Step: func(state, input, _ any) []any {
			a := input.(access)
			if next, fits := a.follows(state.(registers)); fits && a.unknown {
				return []any{state, next}
			} else if fits {
				return []any{next}
			} else if a.unknown {
				return []any{state}
			}
			return nil
		},
	}
	switch porcupine.CheckOperationsTimeout(choices.ToModel(), r.events, patience) {
	case porcupine.Ok:
		return nil
	case porcupine.Illegal:
		return wrong("no order of its %d transactions explains what they saw:\n%s", len(r.events), r.describe())
	default:
		return fmt.Errorf("porcupine found no answer within %v", patience)
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
