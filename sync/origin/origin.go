package origin

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	stdsync "sync"
	"time"

	"github.com/stowage-db/stowage/store"
)

// Table is one that may be pulled, by its name in the source, with a schema or
// without, and what may not be seen of it.
type Table struct {
	Name string
	Deny []string // columns that no shape, filter or statement can name
	Key  []string // columns that identify a row, for views and tables without a primary key

	// Watermark is a column that grows whenever a row is written, so that a look for changes
	// need not read all of them. See Config.Full.
	Watermark string
}

// Config tells what an origin serves and what one request may take. Tables and
// Sidecar must be given; what else is zero takes the value that stands with it.
type Config struct {
	Sidecar string // the file for shadows, snapshots and logs
	Tables  []Table

	Token     string   // what requests must bear; "" lets everybody in
	Origins   []string // web origins that may read, or "*"; none for the same origin only
	Statement bool     // POST /v1/query answers statements

	Poll       time.Duration // between two looks at the gate; 1 s
	LongPoll   time.Duration // that a live request waits for a change; 20 s
	Stream     time.Duration // that a live stream of events lasts; 60 s
	KeepAlive  time.Duration // between two comments in a stream; 21 s
	Request    time.Duration // that any other request may take; 30 s
	QueryTime  time.Duration // that a statement may run; 5 s
	ScanTime   time.Duration // that reading all shapes may take; 5 min
	Full       time.Duration // within which a table with a watermark is read whole after its newest rows were; 1 min
	Idle       time.Duration // after which a shape nobody asks for is dropped; 24 h
	ChunkBytes int           // of a chunk's JSON; 1 MiB
	MaxShapes  int           // 256
	MaxRows    int64         // of a shape; 5,000,000
	MaxLive    int           // live requests at a time; 10,000
	MaxBusy    int           // other requests at a time; 64
	QueryRows  int           // of an answer; 10,000
	QueryBytes int           // of an answer; 8 MiB

	Log *slog.Logger // nil logs nothing
}

func (c *Config) fill() {
	for _, d := range []struct {
		field    *time.Duration
		standard time.Duration
	}{
		{&c.Poll, time.Second}, {&c.LongPoll, 20 * time.Second}, {&c.Stream, time.Minute}, {&c.KeepAlive, 21 * time.Second},
		{&c.Request, 30 * time.Second}, {&c.QueryTime, 5 * time.Second}, {&c.ScanTime, 5 * time.Minute}, {&c.Full, time.Minute}, {&c.Idle, 24 * time.Hour},
	} {
		if *d.field <= 0 {
			*d.field = d.standard
		}
	}
	for _, n := range []struct {
		field    *int
		standard int
	}{
		{&c.ChunkBytes, 1 << 20}, {&c.MaxShapes, 256}, {&c.MaxLive, 10_000}, {&c.MaxBusy, 64},
		{&c.QueryRows, 10_000}, {&c.QueryBytes, 8 << 20},
	} {
		if *n.field <= 0 {
			*n.field = n.standard
		}
	}
	if c.MaxRows <= 0 {
		c.MaxRows = 5_000_000
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// Origin serves the tables of a source. All its methods may be called at the
// same time.
type Origin struct {
	config  Config
	source  Source
	sidecar *sidecar
	metrics metrics
	bodies  *bodyCache

	life string // drawn when it was opened

	turn chan struct{} // held by who refreshes; guards gate
	gate string        // what the gate told before the last refresh

	mu        stdsync.RWMutex
	shapes    map[string]*shape
	creating  map[string]*creation
	position  int64
	failed    error                // of the last poll
	described map[string]*Relation // tables described since the gate last moved

	draining context.Context // ends when no more is to be waited for
	drain    context.CancelFunc
	work     stdsync.WaitGroup // shapes being read
}

// creation is a shape that is being read for the first time.
type creation struct {
	done chan struct{}
	err  error
}

// Open opens the sidecar, or makes it, and checks that every table is there. The
// origin has the source from then on and closes it.
func Open(ctx context.Context, source Source, config Config) (*Origin, error) {
	config.fill()
	o := &Origin{
		config: config, source: source, turn: make(chan struct{}, 1), creating: map[string]*creation{},
		described: map[string]*Relation{}, life: strconv.FormatUint(rand.Uint64(), 36),
		bodies: newBodyCache(64 << 20),
	}
	o.draining, o.drain = context.WithCancel(context.Background())
	if err := o.check(ctx); err != nil {
		return nil, errors.Join(err, source.Close())
	}
	var err error
	if o.sidecar, err = openSidecar(ctx, config.Sidecar); err != nil {
		return nil, errors.Join(err, source.Close())
	}
	if o.shapes, o.position, err = o.sidecar.load(ctx); err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

// check fails where a table or a column of the configuration does not exist: a
// column that is denied under a wrong name would be served.
func (o *Origin) check(ctx context.Context) error {
	return o.source.Snapshot(ctx, func(r Reader) error {
		for _, t := range o.config.Tables {
			relation, err := r.Describe(ctx, t.Name)
			if err != nil {
				return err
			}
			named := slices.Concat(t.Deny, t.Key)
			if t.Watermark != "" {
				named = append(named, t.Watermark)
			}
			for _, column := range named {
				if !slices.ContainsFunc(relation.Columns, func(c Column) bool { return c.Name == column }) {
					return failure(store.InvalidOption, "there is no column", t.Name+"."+column)
				}
			}
			if slices.Contains(t.Deny, t.Watermark) {
				return failure(store.InvalidOption, "a watermark cannot be denied", t.Name+"."+t.Watermark)
			}
			for _, at := range relation.keys() {
				if key := relation.Columns[at].Name; slices.Contains(t.Deny, key) {
					return failure(store.InvalidOption, "a column of the key cannot be denied", t.Name+"."+key)
				}
			}
		}
		return nil
	})
}

// describe returns an allowed table without its denied columns, and with the key
// that the configuration gives it.
func (o *Origin) describe(ctx context.Context, r Reader, name string) (*Relation, error) {
	for _, t := range o.config.Tables {
		if !sameTable(t.Name, name) {
			continue
		}
		relation, err := r.Describe(ctx, t.Name)
		if err != nil {
			return nil, err
		}
		allowed := relation.narrowed(func(c Column) bool { return !slices.Contains(t.Deny, c.Name) })
		if len(t.Key) > 0 {
			for i := range allowed.Columns {
				c := &allowed.Columns[i]
				c.Key = slices.Index(t.Key, c.Name) + 1
				c.NotNull = c.NotNull || c.Key > 0
			}
		}
		return allowed, nil
	}
	return nil, failure(store.NotFound, "there is no table", name)
}

// sameTable compares names of which either may leave its schema out.
func sameTable(a, b string) bool {
	standard := func(name string) string {
		for _, schema := range []string{"main.", "public."} {
			if len(name) > len(schema) && name[:len(schema)] == schema {
				return name[len(schema):]
			}
		}
		return name
	}
	return standard(a) == standard(b)
}

// Run polls until ctx ends, and returns when no poll is under way. After a
// failure it waits up to 30 times as long.
func (o *Origin) Run(ctx context.Context) {
	pause := o.config.Poll
	for {
		// A tenth of jitter keeps several origins from asking in step.
		select {
		case <-time.After(pause + rand.N(pause/10+1)):
		case <-ctx.Done():
			return
		}
		err := o.Poll(ctx)
		switch {
		case err == nil:
			pause = o.config.Poll
		case ctx.Err() != nil:
			return
		default:
			pause = min(2*pause, 30*o.config.Poll)
			o.config.Log.Error("poll failed", "error", err, "retry", pause)
		}
	}
}

// publish makes what a refresh has committed what requests see.
func (o *Origin) publish(r *refresh) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.written {
		o.position = r.position
	}
	for s, reason := range r.dropped {
		delete(o.shapes, s.name)
		close(s.changed)
		if reason != nil {
			o.config.Log.Warn("shape dropped", "table", s.def.Table, "handle", s.handle, "error", reason)
		}
	}
	for s, next := range r.renewed {
		if next.handle != s.handle {
			o.config.Log.Info("snapshot", "table", s.def.Table, "handle", next.handle, "rows", next.rows, "bytes", next.size)
		}
		s.generation = next
		o.shapes[s.name] = s
		close(s.changed)
		s.changed = make(chan struct{})
	}
	o.metrics.changes.Add(int64(r.changes))
	if r.changes > 0 {
		o.config.Log.Info("changes", "operations", r.changes, "position", r.position)
	}
}

// crowded reports whether a shape's log has grown beyond two snapshots.
func (o *Origin) crowded(s *shape) bool {
	return s.logged > max(2*s.size, int64(o.config.ChunkBytes))
}

func (o *Origin) idle(s *shape) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return time.Since(s.used) > o.config.Idle
}

// demand returns a shape that requests ask for, and reads it if it is new. Many
// that ask at once wait for one reading, which goes on if they give up.
func (o *Origin) demand(ctx context.Context, def definition) (*shape, error) {
	name := def.name()
	o.mu.Lock()
	if s := o.shapes[name]; s != nil {
		s.used = time.Now()
		o.mu.Unlock()
		return s, nil
	}
	c := o.creating[name]
	if c == nil {
		if len(o.shapes)+len(o.creating) >= o.config.MaxShapes {
			o.mu.Unlock()
			return nil, failure(store.Quota, "serve another shape", def.Table)
		}
		c = o.create(def, name)
	}
	o.mu.Unlock()
	select {
	case <-c.done:
	case <-ctx.Done():
		return nil, &store.Error{Code: store.Aborted, Op: "read a new shape", Name: def.Table, Err: ctx.Err()}
	}
	if c.err != nil {
		return nil, c.err
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	if s := o.shapes[name]; s != nil {
		return s, nil
	}
	return nil, failure(store.Conflict, "a shape that was dropped at once", def.Table)
}

// create starts to read a shape; the caller holds mu.
func (o *Origin) create(def definition, name string) *creation {
	c := &creation{done: make(chan struct{})}
	o.creating[name] = c
	o.work.Go(func() {
		s := &shape{def: def, name: name, used: time.Now(), changed: make(chan struct{})}
		c.err = o.refresh(o.draining, s)
		o.mu.Lock()
		delete(o.creating, name)
		o.mu.Unlock()
		close(c.done)
	})
	return c
}

// Drain answers all live requests at once, and new ones without waiting, so that
// a server can be shut down.
func (o *Origin) Drain() { o.drain() }

// Close ends what is under way and closes the sidecar and the source. Run must
// have returned, and the server have been shut down.
func (o *Origin) Close() error {
	o.drain()
	o.work.Wait()
	return errors.Join(o.sidecar.close(), o.source.Close())
}
