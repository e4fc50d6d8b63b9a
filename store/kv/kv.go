//go:build js && wasm

// The backend of Workers KV, where contexts everywhere write to the same blobs and none sees at
// once what the others do. What the engine makes of that stands in store/replica.go; here is what
// KV's rules ask for: no key is read that may not exist yet, for a miss is remembered; a call
// that failed, or was refused for coming too soon, is made again with the same key and the
// same bytes; and what a commit writes is one key.
//
// A short record stands in its key's metadata, so that it comes with a list; a longer one is text, of
// which a hundred are read in one operation. Pages are bytes.

package kv

import (
	"context"
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/syumai/workers/cloudflare"

	"github.com/stowage-db/stowage/store"
)

// Backend keeps blobs in a KV namespace. Use Open.
type Backend struct {
	namespace namespace
	prefix    string
	founding  bool
	copying   bool
	expires   time.Time // zero for never

	mu           sync.Mutex        // guards what follows; never held across a wait
	inline       map[string]string // records that came with lists, as text
	inlineLength int               // of all of those
	closed       bool
}

var _ store.Backend = (*Backend)(nil)

// Options of Open.
type Options struct {
	// Found makes an encrypted environment where none is seen. One place may be told to,
	// once: two would not read one another.
	Found bool
	// Publish has what is kept here be a copy of another environment, which only those who are
	// told so write: to all others it is read_only once a snapshot says so. It may be made where none is seen.
	Publish bool
	// Expires is when all of it is gone: KV deletes its keys by itself then, every one at the same second. It is
	// part of the name: with another time, or none, Open opens another environment. The last minute
	// it is only read; after that calls are Closed. Zero is never.
	Expires time.Time
}

const (
	recordPrefix = "l/"
	// inlineBytes is the longest record that goes into metadata, which has 1,024 bytes as JSON.
	inlineBytes = 700
	// inlineKept is what is kept of lists until it is asked for.
	inlineKept = 4 << 20
	// maxBlob: KV has 25 MiB, and text is a third longer.
	maxBlob = 16 << 20
	// lastMinute: KV takes no key that would expire sooner.
	lastMinute = time.Minute
	// prefixBytes: KV has 512 bytes for a key, of which names of records have 42.
	prefixBytes = 470
	bulkKeys    = 100
	connections = 6
	// hintSeconds and blobSeconds are for how long a location remembers the hint, and anything
	// else; also that it was missing, which is why that is not a year.
	hintSeconds, blobSeconds = 30, 300
)

// Open returns a backend on the environment of a name, in the namespace that the worker's
// configuration binds to another: what cloudflare.GetBinding hands over. It fails with
// Unsupported where there is no such binding, and with InvalidArgument where the name is too long for keys, or it is to
// expire later than KV can count.
func Open(binding, name string, o Options) (*Backend, error) {
	bound := cloudflare.GetBinding(binding)
	if !bound.Truthy() {
		return nil, &store.Error{Code: store.Unsupported, Op: "kv: there is no such binding", Name: binding}
	}
	expires := wholeSecond(o.Expires)
	if expires.Unix() > math.MaxInt32 {
		return nil, &store.Error{Code: store.InvalidArgument, Op: "kv: it expires later than in 2038, where the seconds of KV end", Name: name}
	}
	prefix := prefixOf(name, expires)
	if len(prefix) > prefixBytes {
		return nil, &store.Error{Code: store.InvalidArgument, Op: "kv: the name of the environment is too long for the keys of KV", Name: name}
	}
	b := &Backend{namespace: namespace{binding: bound}, prefix: prefix, founding: o.Found || o.Publish, copying: o.Publish, expires: expires, inline: make(map[string]string)}
	if !expires.IsZero() {
		b.namespace.expiration = expires.Unix()
	}
	return b, nil
}

// wholeSecond rounds up, as KV counts.
func wholeSecond(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(time.Second - 1).Truncate(time.Second)
}

// prefixOf is what the keys of an environment begin with, and those of no other one. Of those that expire no key goes
// before or after the others.
func prefixOf(name string, expires time.Time) string {
	end := "/"
	if !expires.IsZero() {
		end = "%t" + strconv.FormatInt(expires.Unix(), 10) + "/"
	}
	return strings.NewReplacer("%", "%25", "/", "%2F").Replace(name) + end
}

// Usage is what was asked of KV since the backend was opened.
func (b *Backend) Usage() Usage { return b.namespace.used() }

// Read implements store.Backend.
func (b *Backend) Read(ctx context.Context, names []string) ([][]byte, error) {
	if err := b.usable(ctx); err != nil {
		return nil, err
	}
	found := make([][]byte, len(names))
	var long, others []int // places in names
	for i, name := range names {
		if !strings.HasPrefix(name, recordPrefix) {
			others = append(others, i)
		} else if text, ok := b.listed(name); !ok {
			long = append(long, i)
		} else if err := decode(name, text, &found[i]); err != nil {
			return nil, err
		}
	}
	for len(long) > 0 {
		n := min(len(long), bulkKeys)
		if err := b.readRecords(ctx, names, long[:n], found); err != nil {
			return nil, err
		}
		long = long[n:]
	}
	err := atMost(connections, others, func(i int) (err error) {
		seconds := blobSeconds
		if names[i] == store.RootName {
			seconds = hintSeconds
		}
		found[i], err = b.namespace.get(ctx, b.prefix+names[i], seconds)
		return err
	})
	for _, bytes := range found {
		b.namespace.read(len(bytes))
	}
	return found, err
}

// readRecords reads records that no list has brought. Those that are too much for one
// answer together are asked for by halves.
func (b *Backend) readRecords(ctx context.Context, names []string, places []int, found [][]byte) error {
	keys := make([]string, len(places))
	for i, place := range places {
		keys[i] = b.prefix + names[place]
	}
	texts, err := b.namespace.texts(ctx, keys)
	if half := len(places) / 2; half > 0 && isTooLarge(err) {
		if err := b.readRecords(ctx, names, places[:half], found); err != nil {
			return err
		}
		return b.readRecords(ctx, names, places[half:], found)
	}
	if err != nil {
		return err
	}
	for i, text := range texts {
		if text == nil {
			continue
		}
		if err := decode(keys[i], *text, &found[places[i]]); err != nil {
			return err
		}
	}
	return nil
}

// Commit implements store.Backend. Once it has begun it is not given up: what it says
// is what happened.
func (b *Backend) Commit(ctx context.Context, batch *store.Batch) error {
	if err := b.usableFor(ctx, lastMinute); err != nil {
		return err
	}
	if batch.Root != nil || batch.DeleteRange != nil {
		return &store.Error{Code: store.Internal, Op: "kv: it replaces nothing"}
	}
	ctx = context.WithoutCancel(ctx)
	write := func(blob store.Blob) error { return b.write(ctx, blob) }
	if err := atMost(connections, batch.Put, write); err != nil {
		return err
	}
	if err := atMost(1, batch.Add, write); err != nil {
		return err
	}
	return atMost(connections, batch.Delete, func(name string) error { return b.namespace.delete(ctx, b.prefix+name) })
}

func (b *Backend) write(ctx context.Context, blob store.Blob) error {
	key := b.prefix + blob.Name
	b.namespace.written(len(blob.Bytes))
	if !strings.HasPrefix(blob.Name, recordPrefix) {
		return b.namespace.put(ctx, key, blob.Bytes)
	}
	text := base64.StdEncoding.EncodeToString(blob.Bytes)
	if len(blob.Bytes) <= inlineBytes {
		return b.namespace.putMetadata(ctx, key, text)
	}
	return b.namespace.putText(ctx, key, text)
}

// List implements store.Backend.
func (b *Backend) List(ctx context.Context, prefix string) ([]string, error) {
	if err := b.usable(ctx); err != nil {
		return nil, err
	}
	var names []string
	for cursor, more := "", true; more; {
		page, err := b.namespace.list(ctx, b.prefix+prefix, cursor)
		if err != nil {
			return nil, err
		}
		for _, key := range page.keys {
			name := key.name[len(b.prefix):]
			names = append(names, name)
			if key.metadata != nil {
				b.keep(name, *key.metadata)
			}
		}
		cursor, more = page.cursor, page.more
	}
	return names, nil
}

// Info implements store.Backend.
func (b *Backend) Info(ctx context.Context, _ bool) (store.Info, error) {
	properties := store.Properties{PrefixDurable: true, MaxBlob: maxBlob, Merging: true, Founding: b.founding, Publishing: b.copying}
	return store.Info{Properties: properties, Blobs: -1, Bytes: -1}, b.usable(ctx)
}

// Close implements store.Backend.
func (b *Backend) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

func (b *Backend) usable(ctx context.Context) error { return b.usableFor(ctx, 0) }

// usableFor also fails where it expires so soon.
func (b *Backend) usableFor(ctx context.Context, d time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return &store.Error{Code: store.Closed, Op: "kv"}
	}
	if !b.expires.IsZero() && !time.Now().Add(d).Before(b.expires) {
		return &store.Error{Code: store.Closed, Op: "kv: the environment has expired, or does so within a minute"}
	}
	return ctx.Err()
}

// keep notes a record that came with a list.
func (b *Backend) keep(name, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.inlineLength > inlineKept {
		clear(b.inline)
		b.inlineLength = 0
	}
	if _, known := b.inline[name]; !known {
		b.inlineLength += len(text)
	}
	b.inline[name] = text
}

func (b *Backend) listed(name string) (text string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	text, ok = b.inline[name]
	return text, ok
}

func decode(name, text string, to *[]byte) (err error) {
	if *to, err = base64.StdEncoding.DecodeString(text); err != nil {
		return &store.Error{Code: store.Corrupt, Op: "kv read", Name: name, Err: err}
	}
	return nil
}

// atMost does work for each item, so many at once, and returns the first failure once
// all that was begun has ended.
func atMost[T any](n int, items []T, work func(T) error) error {
	var group sync.WaitGroup
	var mu sync.Mutex
	var next int
	var failed error
	for range min(n, len(items)) {
		group.Go(func() {
			for {
				mu.Lock()
				at := next
				next++
				stop := failed != nil || at >= len(items)
				mu.Unlock()
				if stop {
					return
				}
				if err := work(items[at]); err != nil {
					mu.Lock()
					if failed == nil {
						failed = err
					}
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	return failed
}
