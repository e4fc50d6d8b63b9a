package wire

import (
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// Request is one operation asked for, with its arguments still in the frame.
// The methods that read them fail with ErrMalformed.
type Request struct {
	Op          Op
	Transaction uint32 // 0: one of the operation's own
	Table       uint32
	arguments   []byte
	count       int // of the arguments
}

// ReadRequest reads the head of a request.
func ReadRequest(frame []byte) (Request, error) {
	r := reader{b: frame}
	n := r.array()
	q := Request{Op: Op(min(r.uint(), 255)), Transaction: r.uint32(), Table: r.uint32()}
	q.arguments, q.count = r.b, n-3
	if r.failed || n < 3 {
		return Request{}, ErrMalformed
	}
	return q, nil
}

// Own makes the request independent of the frame it was read from. The arguments move to room, or to
// new memory where that is too small.
func (q *Request) Own(room []byte) { q.arguments = append(room[:0], q.arguments...) }

// Room is what the arguments stand in, which Own may give another request once nothing refers
// to these any more.
func (q *Request) Room() []byte { return q.arguments }

func (q *Request) read(count int) reader {
	return reader{b: q.arguments, failed: q.count != count}
}

// Settings are the arguments of Open.
type Settings struct {
	Version       int
	CacheBytes    int
	MaxValueBytes int
	Durability    store.Durability
	BufferBytes   int
	BufferTime    time.Duration
	Seed          [32]byte      // of what must be unique
	Chain         []store.Stage // that blobs pass, those of the host too
}

// Settings reads [version, cache bytes, document bytes, durability, buffer bytes,
// buffer milliseconds, seed, [[stage's kind, id] …]]. Another version
// is told before the rest is looked at, which may be of another form then.
func (q *Request) Settings() (Settings, error) {
	r := reader{b: q.arguments}
	s := Settings{Version: r.size()}
	if s.Version != Version {
		if r.failed {
			return s, ErrMalformed
		}
		return s, &store.Error{Code: store.Unsupported, Op: "open: version of the frames"}
	}
	s.CacheBytes, s.MaxValueBytes = r.size(), r.size()
	s.Durability = r.durability()
	s.BufferBytes, s.BufferTime = r.size(), time.Duration(r.size())*time.Millisecond
	seed := r.bin()
	s.Chain = r.chain()
	if q.count != 8 || copy(s.Seed[:], seed) != len(s.Seed) {
		return s, ErrMalformed
	}
	return s, r.end()
}

// TableSchema reads [name, identity's path, increment, [[name, [path …], multi, unique] …], answers kept, whether
// other indexes go, whether it is uncompressed].
func (q *Request) TableSchema() (name string, s store.Schema, cache int, err error) {
	r := q.read(7)
	name = r.text()
	s.Key = r.path()
	s.Increment = r.bool()
	for range r.array() {
		r.tuple(4)
		index := store.IndexSpec{Name: r.text()}
		for range r.array() {
			index.Paths = append(index.Paths, r.path())
		}
		index.Multi, index.Unique = r.bool(), r.bool()
		if r.failed {
			break
		}
		s.Indexes = append(s.Indexes, index)
	}
	cache = int(r.int())
	s.Exact, s.Uncompressed = r.bool(), r.bool()
	return name, s, cache, r.end()
}

// path reads [segment …]: names and positions.
func (r *reader) path() query.Path {
	n := r.array()
	path := make(query.Path, 0, n)
	for range n {
		if msgp.NextType(r.b) == msgp.StrType {
			path = path.Field(r.text())
		} else {
			path = path.At(r.size())
		}
		if r.failed {
			return nil
		}
	}
	return path
}

// DataVersion reads the argument of Understand and Raise: a version of the data.
func (q *Request) DataVersion() (uint64, error) {
	r := q.read(1)
	return uint64(r.uint()), r.end()
}

// Tokens reads the argument of SyncAfter: what names commits to wait for, or nothing.
func (q *Request) Tokens() (string, error) {
	r := q.read(1)
	return r.text(), r.end()
}

// Budget reads the argument of Compact: how many blobs may be written.
func (q *Request) Budget() (int, error) {
	r := q.read(1)
	return r.size(), r.end()
}

// Key reads one encoded key.
func (q *Request) Key() ([]byte, error) {
	r := q.read(1)
	return r.bin(), r.end()
}

// Keys reads a list of encoded keys.
func (q *Request) Keys() ([][]byte, error) {
	r := q.read(1)
	keys := make([][]byte, r.array())
	for i := range keys {
		keys[i] = r.bin()
	}
	return keys, r.end()
}

// Documents reads [whether identities are wanted, [document …]]: the arguments
// of Insert and Put.
func (q *Request) Documents() (wanted bool, documents [][]byte, err error) {
	r := q.read(2)
	wanted = r.bool()
	documents = make([][]byte, r.array())
	for i := range documents {
		documents[i] = r.raw()
	}
	return wanted, documents, r.end()
}

// KeyChange reads the arguments of Update: an encoded key and a change, a document or
// operations.
func (q *Request) KeyChange() (key, change []byte, err error) {
	r := q.read(2)
	key, change = r.bin(), r.raw()
	return key, change, r.end()
}

// Query reads one query.
func (q *Request) Query() (*query.Query, error) {
	r := q.read(1)
	raw := r.raw()
	if err := r.end(); err != nil {
		return nil, err
	}
	return query.ParseQuery(raw)
}

// QueryChange reads [query, change, whether identities are wanted]: the arguments of
// UpdateWhere.
func (q *Request) QueryChange() (parsed *query.Query, change []byte, wanted bool, err error) {
	r := q.read(3)
	raw, change, wanted := r.raw(), r.raw(), r.bool()
	if err := r.end(); err != nil {
		return nil, nil, false, err
	}
	parsed, err = query.ParseQuery(raw)
	return parsed, change, wanted, err
}

// QueryDelete reads [query, whether identities are wanted]: the arguments of DeleteWhere.
func (q *Request) QueryDelete() (parsed *query.Query, wanted bool, err error) {
	r := q.read(2)
	raw, wanted := r.raw(), r.bool()
	if err := r.end(); err != nil {
		return nil, false, err
	}
	parsed, err = query.ParseQuery(raw)
	return parsed, wanted, err
}

// Access is what a transaction is for.
type Access uint8

const (
	Reading Access = iota
	Writing
	Exclusive // other writers wait until it ends
	Again     // writing, after a conflict
)

// Access reads the arguments of Begin: [access, durability or nil for the default].
func (q *Request) Access() (access Access, d *store.Durability, err error) {
	r := q.read(2)
	access = Access(min(r.uint(), 255))
	if !r.nil() {
		chosen := r.durability()
		d = &chosen
	}
	if access > Again {
		r.fail()
	}
	return access, d, r.end()
}

// Importing is how a stream is read.
type Importing struct {
	Replace bool // it may drop what there is
	Set     Set  // 0: the stream has passed the environment's own stages
	Chain   []store.Stage
}

// Import reads the arguments of Import: [whether it may drop what there is, set, [[kind, id] …]].
func (q *Request) Import() (i Importing, err error) {
	r := q.read(3)
	i = Importing{Replace: r.bool(), Set: Set(r.uint32()), Chain: r.chain()}
	return i, r.end()
}

// MaxBlob reads the argument of Copy: the largest blob that the target takes.
func (q *Request) MaxBlob() (int, error) {
	r := q.read(1)
	return r.size(), r.end()
}

// Text reads the argument of Fault and DropTable.
func (q *Request) Text() (string, error) {
	r := q.read(1)
	return r.text(), r.end()
}

// durability reads 0 for relaxed, 1 for strict, 2 for buffered.
func (r *reader) durability() store.Durability {
	switch r.uint() {
	case 0:
		return store.Relaxed
	case 1:
		return store.Strict
	case 2:
		return store.Buffered
	}
	r.fail()
	return store.Relaxed
}
