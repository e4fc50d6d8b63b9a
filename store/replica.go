//go:build !page

package store

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// replica is the backend of an environment over blobs that other contexts write to
// without either seeing at once what the other does: Properties.Merging. It keeps in memory what is this
// context's alone, its log, its root and the pages it has not published, and reads
// what was published from the blobs all share. There stand
//
//	l/<mark>     journal records, each under a name of its own: what is committed
//	p/…, k/…     pages and headers of published snapshots
//	c/<stamp>    published snapshots
//	r            the last of them that somebody has published: a hint
//
// None of them but the hint is ever replaced, and the hint says nothing but where to
// begin: a reader does after it what the records tell which it does not cover. So
// nobody has to be the only one to do anything.
type replica struct {
	env        *Env
	shared     Backend
	largest    int  // bytes a commit may have
	founding   bool // it may make an environment with keys of its own
	publishing bool // what it publishes nobody else may write to
	turn       turn // of who gathers or compacts; held across waits
	random     func() uint64

	mu      sync.Mutex // guards what follows; never held across a wait
	clock   clock
	id      uint64              // of this context as a writer of records
	pages   uint64              // and of pages
	last    mark                // its last record
	own     []mark              // the last records that this context has written, one for each id it has had lately
	held    map[string][]byte   // blobs that are this context's alone
	logged  map[string]logged   // records of the log, which is its alone too
	out     map[string]struct{} // of its blobs, those that it has published
	before  map[string][]byte   // those of the snapshot it was on before: who has begun there may still read them
	base    *published          // the snapshot it is on, nil where there is none
	since   int                 // how often the environment had been read when it came to be
	retired []string            // pages of base that it does not need any more
	known   knowledge
	done    int        // records that it has done
	folded  int        // how many of them base contains
	hinted  stamp      // of the snapshot that the hint told of last
	portion *published // the last that this context has published of what it knows, nil if it was all
}

// clock gives out times that grow.
type clock struct {
	now  func() time.Time
	last hybrid
}

func (c *clock) next() hybrid {
	c.last = max(c.last+1, hybridOf(c.now()))
	return c.last
}

// ahead reports whether a time is later than it can be, unless the clock which told it is wrong, or this one.
func (c *clock) ahead(t hybrid) bool { return hybridOf(c.now()).until(t) > skew }

// heard has what follows be later than what another context did, which may be a little ahead.
func (c *clock) heard(t hybrid) {
	if !c.ahead(t) {
		c.last = max(c.last, t)
	}
}

const (
	// grace is how long what was superseded stays: readers may have begun with it.
	grace = 24 * time.Hour
	// settling is how long it takes until whatever was acknowledged is listed everywhere,
	// with room for clocks that differ. What is older is known or was never done.
	settling = 10 * time.Minute
	// skew is how far ahead another context's clock may be. What was written by one that is further
	// ahead counts as written when it said: until then nobody else reads it, or sets a clock by it.
	skew = 5 * time.Minute
	// acknowledged is how long writing a record may take: later it might be listed too late.
	acknowledged = 2 * time.Minute
)

func newReplica(shared Backend, info Info, o *Options) *replica {
	r := &replica{
		shared: shared, largest: info.MaxBlob - sealSlack, founding: info.Founding, publishing: info.Publishing, random: o.Random,
		held: make(map[string][]byte), logged: make(map[string]logged), out: make(map[string]struct{}), known: newKnowledge(0),
	}
	r.turn.scheduler = o.Scheduler
	r.clock.now = clockOf(o.Scheduler)
	r.id = r.random()
	return r
}

// replicaProperties are what an environment finds: what is its own nobody disputes.
var replicaProperties = Properties{Atomic: true, PrefixDurable: true, MaxBlob: 64<<10 - 1}

// writer is the id under which this context writes records.
func (r *replica) writer() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.id
}

// Read implements Backend.
func (r *replica) Read(ctx context.Context, names []string) ([][]byte, error) {
	found := make([][]byte, len(names))
	var missing []string
	r.mu.Lock()
	for i, name := range names {
		if found[i] = r.held[name]; found[i] == nil {
			found[i] = r.before[name]
		}
		if found[i] == nil && isShared(name) {
			missing = append(missing, name)
		}
	}
	r.mu.Unlock()
	if err := r.readLog(ctx, names, found); err != nil || len(missing) == 0 {
		return found, err
	}
	stored, err := r.shared.Read(ctx, missing)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		if found[i] == nil && isShared(name) {
			found[i], stored = stored[0], stored[1:]
		}
	}
	return found, nil
}

// isShared reports whether a blob is shared once it is published.
func isShared(name string) bool {
	return strings.HasPrefix(name, pagePrefix) || strings.HasPrefix(name, keyPrefix)
}

// Commit implements Backend. What is shared stays as it is.
func (r *replica) Commit(_ context.Context, batch *Batch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if swap := batch.Root; swap != nil && !bytes.Equal(r.held[RootName], swap.Old) {
		return fail(Conflict, "commit", RootName, nil)
	}
	for _, blob := range batch.Add {
		if r.held[blob.Name] != nil {
			return fail(Conflict, "commit", blob.Name, nil)
		}
	}
	for _, blob := range slices.Concat(batch.Put, batch.Add) {
		r.held[blob.Name] = blob.Bytes
	}
	if batch.Root != nil {
		r.held[RootName] = batch.Root.New
	}
	for _, name := range batch.Delete {
		r.drop(name)
	}
	if gone := batch.DeleteRange; gone != nil {
		maps.DeleteFunc(r.held, func(name string, _ []byte) bool { return gone.Contains(name) })
		maps.DeleteFunc(r.logged, func(name string, _ logged) bool { return gone.Contains(name) })
	}
	return nil
}

// logged is a record of the log as it was committed.
type logged struct {
	position uint64
	sections []section
}

// log has a group in the log.
func (r *replica) log(g *group) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := g.after.position
	r.logged[logName(at)] = logged{at, g.sections()}
}

// readLog reads those of the names that are records of the log, as whoever reads a log expects them.
func (r *replica) readLog(ctx context.Context, names []string, found [][]byte) error {
	for i, name := range names {
		r.mu.Lock()
		l, ok := r.logged[name]
		r.mu.Unlock()
		if !ok {
			continue
		}
		plain := record{position: l.position, body: entry{value: appendSections(nil, l.sections)}}.append(nil)
		sealed, err := r.env.pages.sealer.sealAs(ctx, RecordBlob, true, []Blob{{name, plain}})
		if err != nil {
			return err
		}
		found[i] = sealed[0].Bytes
	}
	return nil
}

// leave drops blobs that an environment, which was read so many times, does not need any
// more. When it is on another snapshot since, that may well need them.
func (r *replica) leave(refs []Ref, reloads int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if reloads < r.since {
		return
	}
	for _, ref := range refs {
		r.drop(ref.name())
	}
}

// drop forgets a blob that is held, and notes one that was published. r.mu is held.
func (r *replica) drop(name string) {
	delete(r.logged, name)
	if _, held := r.held[name]; held {
		delete(r.held, name)
		return
	}
	ref, ok := pageRef(name)
	if _, out := r.out[name]; out || ok && ref.Writer != r.pages {
		r.retired = append(r.retired, name)
	}
}

// List implements Backend. What is shared belongs to others as well, and is not listed.
func (r *replica) List(_ context.Context, prefix string) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for name := range r.held {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	for name := range r.logged {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Info implements Backend.
func (r *replica) Info(ctx context.Context, held bool) (Info, error) {
	info, err := r.shared.Info(ctx, held)
	info.Properties = replicaProperties
	return info, err
}

// Close implements Backend.
func (r *replica) Close() error { return r.shared.Close() }

// record writes what a group of commits has done for others to do it too. When that
// fails it may have been done all the same: then this context hears of it as of
// another's, and writes under another name from then on.
func (r *replica) record(ctx context.Context, g *group) error {
	e := r.env
	var commits []journalCommit
	for _, m := range g.members {
		if j := m.tx.journal; j != nil {
			commits = append(commits, j.commit)
		}
	}
	if len(commits) == 0 {
		return nil
	}
	m, before := r.next(commits[len(commits)-1].time)
	record := journalRecord{mark: m, before: before, commits: commits}
	e.desk.plain = record.append(e.desk.plain[:0])
	sealed, err := e.pages.sealer.sealAs(ctx, RecordBlob, g.raw(), []Blob{{m.name(), e.desk.plain}})
	e.desk.clear()
	if err == nil {
		err = backendError("commit", r.shared.Commit(ctx, &Batch{Add: sealed, Durability: g.durability()}))
	}
	if err == nil && commits[0].time.until(hybridOf(e.now())) > acknowledged {
		err = fail(BackendFailed, "commit: it took too long", "", nil)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.id, r.last = r.random(), mark{}
		return err
	}
	r.last, g.mark, g.before = m, m, before
	return nil
}

// next names the next record, and tells the time of the one before it.
func (r *replica) next(at hybrid) (m mark, before hybrid) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return mark{stamp{at, r.id}, r.last.seq + 1}, r.last.time
}

// committed notes that a group which has a record is part of what is committed here.
func (r *replica) committed(g *group) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := g.mark
	r.known.add(m, g.before)
	r.done++
	r.own = slices.DeleteFunc(r.own, func(other mark) bool {
		return other.writer == m.writer || other.time < r.known.horizon
	})
	r.own = append(r.own, m)
}
