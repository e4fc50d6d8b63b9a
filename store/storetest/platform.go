package storetest

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/stowage-db/stowage/store"
)

// Platform is a simulated place for blobs, with any number of connections to it:
// what IndexedDB is to a browser's pages, or a directory to a process. It notes
// every change, so that a test can look at what each crash would have left:
//
//   - A process that dies leaves all changes up to a moment.
//   - A power cut leaves fewer, but never less than Durable says.
//   - Where batches are not atomic each blob is a change of its own, so that the
//     moments between them are torn batches.
//
// With a Schedule, calls take effect and return at moments that its seed decides.
type Platform struct {
	properties store.Properties
	schedule   *Schedule

	mu      sync.Mutex
	origin  map[string][]byte // before the first change
	blobs   map[string][]byte
	changes []change
	durable int

	// Of shared platforms, which are used under their schedule alone.
	contexts    []*Context
	locks       map[string]*mutex
	calls       int
	deadly      int // the call that kills its context, counted from 1; 0 for none
	deadlyAfter bool
}

// change is what happens at once: blobs that are set, names that are removed.
type change struct {
	set    []store.Blob
	remove []string
}

// Browser are the properties of IndexedDB.
func Browser() store.Properties {
	return store.Properties{Atomic: true, PrefixDurable: true, MaxBlob: 64<<10 - 1}
}

// Directory are the properties of files: batches may be torn, each is durable.
func Directory() store.Properties { return store.Properties{MaxBlob: 64<<10 - 1} }

// NewPlatform returns an empty platform. Where no schedule is given, calls happen
// at once; connections may then be used by several goroutines.
func NewPlatform(properties store.Properties, schedule *Schedule) *Platform {
	return &Platform{properties: properties, schedule: schedule, blobs: make(map[string][]byte)}
}

// Connect opens a connection.
func (p *Platform) Connect() *Connection { return &Connection{platform: p} }

// Changes is how many changes there were.
func (p *Platform) Changes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.changes)
}

// Durable is how many of the changes a power cut would leave now.
func (p *Platform) Durable() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.durable
}

// Images calls visit with every state the blobs went through, from before the
// first change to after the last, until it returns false. The map is visit's only
// for the call.
func (p *Platform) Images(visit func(n int, blobs map[string][]byte) bool) {
	blobs := maps.Clone(p.origin)
	if blobs == nil {
		blobs = make(map[string][]byte)
	}
	for n := 0; visit(n, blobs) && n < len(p.changes); n++ {
		p.changes[n].apply(blobs)
	}
}

// Image returns a platform of its own, holding what the first n changes made.
func (p *Platform) Image(n int, schedule *Schedule) *Platform {
	var image *Platform
	p.Images(func(at int, blobs map[string][]byte) bool {
		if at == n {
			image = Restore(p.properties, schedule, blobs)
		}
		return at < n
	})
	return image
}

// Restore returns a platform that holds copies of blobs, durably.
func Restore(properties store.Properties, schedule *Schedule, blobs map[string][]byte) *Platform {
	p := NewPlatform(properties, schedule)
	p.origin = maps.Clone(blobs)
	p.blobs = maps.Clone(blobs)
	return p
}

// Blobs returns what is held now. The bytes must not be modified.
func (p *Platform) Blobs() map[string][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.blobs)
}

func (c *change) apply(blobs map[string][]byte) {
	for _, blob := range c.set {
		blobs[blob.Name] = blob.Bytes
	}
	for _, name := range c.remove {
		delete(blobs, name)
	}
}

// commit makes a batch's changes and returns how many there are then.
func (p *Platform) commit(batch *store.Batch) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	whole, err := p.resolve(batch)
	if err != nil {
		return 0, err
	}
	parts := []change{whole}
	if !p.properties.Atomic {
		parts = whole.tear()
	}
	for _, part := range parts {
		part.apply(p.blobs)
	}
	p.changes = append(p.changes, parts...)
	return len(p.changes), nil
}

// resolve turns a batch into the change it makes, or says why it cannot be.
func (p *Platform) resolve(batch *store.Batch) (change, error) {
	conflict := func(name string) error { return &store.Error{Code: store.Conflict, Op: "commit", Name: name} }
	var c change
	for _, blob := range slices.Concat(batch.Put, batch.Add) {
		if len(blob.Bytes) > p.properties.MaxBlob {
			return change{}, &store.Error{Code: store.TooLarge, Op: "commit", Name: blob.Name}
		}
		c.set = append(c.set, store.Blob{Name: blob.Name, Bytes: bytes.Clone(blob.Bytes)})
	}
	for _, blob := range batch.Add {
		if _, taken := p.blobs[blob.Name]; taken {
			return change{}, conflict(blob.Name)
		}
	}
	if swap := batch.Root; swap != nil {
		stored, found := p.blobs[store.RootName]
		if found != (swap.Old != nil) || !bytes.Equal(stored, swap.Old) {
			return change{}, conflict(store.RootName)
		}
		c.set = append(c.set, store.Blob{Name: store.RootName, Bytes: bytes.Clone(swap.New)})
	}
	c.remove = slices.Clone(batch.Delete)
	if batch.DeleteRange != nil {
		for _, name := range slices.Sorted(maps.Keys(p.blobs)) {
			if batch.DeleteRange.Contains(name) {
				c.remove = append(c.remove, name)
			}
		}
	}
	return c, nil
}

// tear cuts a change into its parts, in their order.
func (c *change) tear() []change {
	var parts []change
	for _, blob := range c.set {
		parts = append(parts, change{set: []store.Blob{blob}})
	}
	for _, name := range c.remove {
		parts = append(parts, change{remove: []string{name}})
	}
	return parts
}

// sync makes the first n changes durable.
func (p *Platform) sync(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.durable = max(p.durable, n)
}

// pause is a moment in which other operations may go first.
func (p *Platform) pause() {
	if p.schedule != nil {
		p.schedule.Pause()
	}
}

// Connection is a store.Backend on a Platform.
type Connection struct {
	platform *Platform
	mu       sync.Mutex
	closed   bool
}

var _ store.Backend = (*Connection)(nil)

// Read implements store.Backend. All names are read at one moment.
func (c *Connection) Read(ctx context.Context, names []string) ([][]byte, error) {
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	defer c.platform.pause()
	c.platform.mu.Lock()
	defer c.platform.mu.Unlock()
	found := make([][]byte, len(names))
	for i, name := range names {
		found[i] = c.platform.blobs[name]
	}
	return found, nil
}

// Commit implements store.Backend.
func (c *Connection) Commit(ctx context.Context, batch *store.Batch) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	defer c.platform.pause()
	n, err := c.platform.commit(batch)
	if err != nil {
		return err
	}
	if batch.Durability == store.Strict || !c.platform.properties.PrefixDurable {
		c.platform.pause()
		c.platform.sync(n)
	}
	return nil
}

// List implements store.Backend.
func (c *Connection) List(ctx context.Context, prefix string) ([]string, error) {
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	defer c.platform.pause()
	c.platform.mu.Lock()
	defer c.platform.mu.Unlock()
	var names []string
	for name := range c.platform.blobs {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Info implements store.Backend.
func (c *Connection) Info(ctx context.Context, _ bool) (store.Info, error) {
	if err := c.begin(ctx); err != nil {
		return store.Info{}, err
	}
	c.platform.mu.Lock()
	defer c.platform.mu.Unlock()
	info := store.Info{Properties: c.platform.properties, Blobs: int64(len(c.platform.blobs))}
	for name, stored := range c.platform.blobs {
		info.Bytes += int64(len(name) + len(stored))
	}
	return info, nil
}

// Close implements store.Backend.
func (c *Connection) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

// begin is the time from the call to its effect.
func (c *Connection) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.platform.pause()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return &store.Error{Code: store.Closed, Op: "connection"}
	}
	return nil
}
