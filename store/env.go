package store

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Options say how an environment is opened. The zero value is usable.
type Options struct {
	// Modifiers is the chain that pages and records pass on their way to the
	// backend, in any order: it is ordered by kind.
	Modifiers []Modifier
	// CacheBytes is the ceiling of decoded pages kept in memory, 40 MiB if zero.
	CacheBytes int
	// OverlayBytes is the ceiling of committed changes kept in memory until a
	// checkpoint folds them; writers wait there. 8 MiB if zero.
	OverlayBytes int
	// MaxValueBytes is the largest value or document, 16 MiB if zero.
	MaxValueBytes int
	// PageBytes is the plain size of a page, 48 KiB if zero. Tests make it small
	// to have deep trees of few entries.
	PageBytes int
	// Isolation says whether documents are copied on their way in and out, as they are unless asked otherwise.
	Isolation Isolation
	// Durability is what a commit promises unless its transaction asks for more.
	Durability Durability
	// BufferBytes and BufferTime bound how much, and how long, buffered commits stay
	// unwritten: 1 MiB and a tenth of a second if zero.
	BufferBytes int
	BufferTime  time.Duration
	// OnLost, if not nil, is told why a buffered commit came to nothing: storage
	// failed, or another context changed what a transaction had read. Env.Flush and
	// Env.Close report it too.
	OnLost func(error)
	// LockAfter, if not zero, is the time without any transaction after which the
	// environment locks itself: see Env.Lock. It may take a quarter longer.
	LockAfter time.Duration
	// StatementBytes is how much an SQL statement holds in memory before it writes what it
	// sorts, groups or joins to pages that nobody else sees: 16 MiB if zero.
	StatementBytes int
	// StatementWork is how many steps, of about a row each, a statement may take: WorkLimit
	// beyond that. Unlimited if zero.
	StatementWork int64
	// Scheduler runs and suspends operations; goroutines if nil.
	Scheduler Scheduler
	// Random draws the ids that make blob names unique; math/rand/v2 if nil. Two
	// openings of one environment must never draw the same.
	Random func() uint64

	// like, where not nil, is the root whose id and keys a new environment takes over.
	like *root
}

// Env is one opened store. All its methods may be called concurrently.
type Env struct {
	backend    Backend
	merger     merger // nil unless the backend is Merging
	options    Options
	info       Properties
	pages      *pager
	scheduler  Scheduler
	turn       turn
	knows      known
	vocabulary vocabulary
	entered    entered
	plans      plans
	now        func() time.Time

	mu         sync.Mutex // guards what follows; never held across a wait
	root       root
	rootBytes  []byte           // the root as stored, nil while the backend has none
	committed  *state           // what readers see; never modified
	tip        *state           // committed and all that is staged on top of it
	staged     *group           // waits for the flush under way to end, nil if there is none
	flushing   *group           // being written, or reading the log; nil if the log is free
	suspect    bool             // a write failed without saying whether it happened
	reloads    int              // counts reload, so that a checkpoint notices
	watches    []*Watch         // those that wait for changes
	deaf       error            // why what others commit cannot be read from here, nil while it can
	changed    map[space]uint64 // by database the last staged transaction that wrote to it; nil until somebody asks
	allChanged uint64           // no database has changed earlier than this one, as far as is known
	live       *Tx              // the transactions that are open, a list
	recent     []footprint      // staged since the oldest live writing transaction began
	pinned     Pin              // what others believe this context to need
	pinning    bool             // they are being told of another one
	behind     behind
	garbage    []garbage
	covered    []covered // records that wait until nobody asks for their places
	bodies     []body    // chunks of log records too long for one blob
	fallen     []Blob    // of transactions that were staged and lost: who began on top of them may still read these
	floor      floor
	hinted     bool             // it was heard that others have committed, and not looked yet
	listened   time.Time        // when it was last looked
	unwritten  map[Ref]struct{} // names given to transactions and folds under way
	doubtful   []Ref            // of them, those of commits that failed and may have happened
	swept      bool             // what earlier openings left behind was looked for
	foldAt     int              // bytes of overlay that call for the next checkpoint
	foldAfter  time.Time        // before it no checkpoint is begun: another context had the lock
	shown      time.Time        // when others were last told that this context is folding
	checkpoint *checkpointing
	desk       desk                    // of the commit that is being written
	identities map[string]IdentityKind // of the tables that were opened, nil for those without
	writer     uint64
	nextSeq    uint64
	closing    bool
	closed     bool
	locked     bool // what was opened is forgotten: see Lock
	unlocking  bool // it is being read again
	used       bool // since the idle lock last looked
}

const (
	defaultCacheBytes    = 40 << 20
	defaultOverlayBytes  = 8 << 20
	defaultMaxValueBytes = 16 << 20
	defaultBufferBytes   = 1 << 20
	defaultBufferTime    = 100 * time.Millisecond
	// defaultStatementBytes leaves a page's engine room for its caches, and is what a join of a
	// hundred thousand rows of two columns holds.
	defaultStatementBytes = 16 << 20
)

// Open opens the environment that a backend holds, or a new one on an empty
// backend. Nothing is written until the first commit. The backend belongs to
// the environment from then on and is closed with it; when Open fails, it stays
// the caller's.
//
// Errors: InvalidOption, Unsupported for a Merging backend, Corrupt, NewerFormat, MissingModifier; KeyRequired where the
// environment is encrypted and Options have no such stage, NotEncrypted where it is
// the other way round; WrongKey, CorruptHeader and Tampered, of what a key finds; and
// what the backend reports.
func Open(ctx context.Context, backend Backend, options Options) (*Env, error) {
	setDefaults(&options)
	sealer, err := newSealer(options.Modifiers)
	if err != nil {
		return nil, err
	}
	info, err := backend.Info(ctx, false)
	if err != nil {
		return nil, backendError("open", err)
	}
	if info.Merging {
		return nil, fail(Unsupported, "open: the backend is merging, see OpenMerging", "", nil)
	}
	return open(ctx, backend, info, options, sealer)
}

// open opens an environment on what a backend holds.
func open(ctx context.Context, backend Backend, info Info, options Options, sealer *sealer) (*Env, error) {
	if info.MaxBlob > 0 {
		options.PageBytes = min(options.PageBytes, info.MaxBlob*3/4)
	}
	e := &Env{
		backend:    backend,
		options:    options,
		info:       info.Properties,
		identities: make(map[string]IdentityKind),
		pages:      &pager{backend: backend, sealer: sealer, cache: newCache(options.CacheBytes)},
		scheduler:  options.Scheduler,
		unwritten:  make(map[Ref]struct{}),
		writer:     options.Random(),
		foldAt:     min(foldBytes, options.OverlayBytes/2),
		now:        clockOf(options.Scheduler),
	}
	e.turn.scheduler, sealer.loading.scheduler = e.scheduler, e.scheduler
	sealer.stored = e.storedHeader
	if options.LockAfter > 0 && e.locker() == nil {
		return nil, fail(InvalidOption, "open", "LockAfter", nil)
	}
	if err := e.start(ctx); err != nil {
		return nil, err
	}
	e.lockWhenIdle()
	return e, nil
}

// clockOf is the clock that a scheduler goes by.
func clockOf(scheduler Scheduler) func() time.Time {
	if clock, ok := scheduler.(interface{ Now() time.Time }); ok {
		return clock.Now
	}
	return time.Now
}

// start reads what is stored. The log is its own meanwhile: others may be heard
// as soon as they know of this context.
func (e *Env) start(ctx context.Context) error {
	opening, _, err := e.takeLog()
	if err == nil && e.shared() {
		err = backendError("open", e.info.Contexts.Join(ctx, e.writer, e.heard))
	}
	if err == nil {
		err = e.reload(ctx)
	}
	if err == nil {
		err = e.repin(ctx)
	}
	e.mu.Lock()
	e.closing = err != nil
	e.pass(opening, err)
	return err
}

func setDefaults(o *Options) {
	defaults := func(value *int, otherwise int) {
		if *value <= 0 {
			*value = otherwise
		}
	}
	defaults(&o.CacheBytes, defaultCacheBytes)
	defaults(&o.OverlayBytes, defaultOverlayBytes)
	defaults(&o.MaxValueBytes, defaultMaxValueBytes)
	defaults(&o.PageBytes, defaultPageBytes)
	defaults(&o.BufferBytes, defaultBufferBytes)
	defaults(&o.StatementBytes, defaultStatementBytes)
	if o.BufferTime <= 0 {
		o.BufferTime = defaultBufferTime
	}
	if o.Scheduler == nil {
		o.Scheduler = goroutines{}
	}
	if o.Random == nil {
		o.Random = rand.Uint64
	}
}

// Close writes what buffered commits have left, waits for the commits under way,
// then gives back the backend. It is idempotent; every other call afterwards fails
// with Closed. Transactions that are still open are ended. It closes in any case;
// an error may be that of a buffered commit that was lost.
func (e *Env) Close(ctx context.Context) error {
	e.mu.Lock()
	if e.closing {
		e.mu.Unlock()
		return nil
	}
	e.mu.Unlock()
	lost := e.Flush(ctx)
	e.mu.Lock()
	if e.closing {
		e.mu.Unlock()
		return nil
	}
	e.closing = true
	e.mu.Unlock()
	e.awaitIdle(ctx)
	e.mu.Lock()
	e.closed = true
	e.endAll()
	e.tellAll()
	e.mu.Unlock()
	if err := e.backend.Close(); err != nil {
		return backendError("close", err)
	}
	return lost
}

// endAll ends the transactions that are open. e.mu is held.
func (e *Env) endAll() {
	for root := e.live; root != nil; root = root.next {
		for tx := root; tx != nil; tx = tx.child {
			tx.ended = true
		}
	}
	e.live = nil
}

// refuse is why nothing can be begun, nil if it can. e.mu is held.
func (e *Env) refuse(op string) error {
	switch {
	case e.closing:
		return fail(Closed, op, "", nil)
	case e.locked:
		return fail(KeyRequired, op+": locked", "", nil)
	}
	return nil
}

// awaitIdle waits until no commit and no checkpoint is under way.
func (e *Env) awaitIdle(ctx context.Context) {
	for {
		_ = e.writeStaged(ctx)
		e.mu.Lock()
		under := e.checkpoint
		flushing := e.flushing != nil || e.staged != nil
		e.mu.Unlock()
		if !flushing && (under == nil || under.done.Wait(ctx) != nil) || ctx.Err() != nil {
			return
		}
	}
}

// newRefs gives out n names in sequence and returns the first.
func (e *Env) newRefs(n int) Ref {
	e.mu.Lock()
	defer e.mu.Unlock()
	first := Ref{e.writer, e.nextSeq + 1}
	e.nextSeq += uint64(n)
	for i := range n {
		e.unwritten[first.plus(i)] = struct{}{}
	}
	return first
}

// chunkBytes is the plain size of a chunk of a large value: what a sealed blob
// may hold, less the envelope and what stages may add.
func (e *Env) chunkBytes() int {
	if e.info.MaxBlob <= 0 {
		return 1 << 20
	}
	return max(e.info.MaxBlob-sealSlack, e.info.MaxBlob/2)
}

// sealSlack is room for the envelope and for stages that lengthen their input.
const sealSlack = 1024

// Stat tells how large an environment is.
type Stat struct {
	Entries      int64 // of the trees; deleted and overwritten ones count until a merge
	TreeBytes    int64 // plain size of all pages
	Trees        int   // the base and the runs above it
	OverlayBytes int64 // committed changes in memory
	CacheBytes   int64 // decoded pages in memory
	Position     uint64
	Generation   uint64
	WrittenBytes int64 // of all blobs made since the environment was opened, plain
	SealedBytes  int64 // the same as they were handed to the backend
	Blobs        int64 // as the backend tells, −1 where unknown
	StoredBytes  int64 // as the backend tells, −1 where unknown
}

// Stat reports sizes.
func (e *Env) Stat(ctx context.Context) (Stat, error) {
	e.mu.Lock()
	if e.closing {
		e.mu.Unlock()
		return Stat{}, fail(Closed, "stat", "", nil)
	}
	s := e.committed
	stat := Stat{OverlayBytes: int64(s.bytes()), Position: s.position, Generation: e.root.generation}
	e.mu.Unlock()
	for _, l := range s.layers {
		if l.memory == nil {
			stat.Trees++
			stat.Entries += l.tree.root.entries
			stat.TreeBytes += l.tree.root.bytes
		}
	}
	stat.CacheBytes = int64(e.pages.cache.size())
	stat.WrittenBytes, stat.SealedBytes = e.pages.sealer.plain.Load(), e.pages.sealer.sealed.Load()
	info, err := e.backend.Info(ctx, true)
	if err != nil {
		return Stat{}, backendError("stat", err)
	}
	stat.Blobs, stat.StoredBytes = info.Blobs, info.Bytes
	return stat, nil
}
