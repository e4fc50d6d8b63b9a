package policies

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// BoundKind tells which documents go first.
type BoundKind string

// The kinds of bounds. TTL and TLRU are LRU, beside documents that expire: see
// BoundedOptions.Expiring.
const (
	LRU  BoundKind = "lru"  // those not used for longest
	MRU  BoundKind = "mru"  // the one used last
	LFU  BoundKind = "lfu"  // those used least
	FIFO BoundKind = "fifo" // those that were first
	RR   BoundKind = "rr"   // any
	TTL  BoundKind = "ttl"
	TLRU BoundKind = "tlru"
)

// BoundedOptions are how a table is bounded.
type BoundedOptions struct {
	Kind BoundKind
	// Max is how much the table holds: documents, or what Size adds up to.
	Max int64
	// Size is that of a document, 1 if it is nil. One larger than Max is TooLarge.
	Size func(doc Document) int64
	// Random returns numbers from 0 up to 1, for RR; nil is rand.Float64.
	Random func() float64
	// Expiring is when documents expire, for TTL and TLRU.
	Expiring Expiring
}

// Bounded keeps a table from growing: what is too much is deleted in the transaction
// that stores more. What was used when is remembered, not stored: documents that it has
// not met count as unused, in the order of their identities.
type Bounded struct {
	options BoundedOptions

	mu   sync.Mutex
	uses map[string]*use // by key
	time int64           // counted in uses
}

type use struct {
	key                 string
	size                int64
	stored, last, count int64
}

// NewBounded fails with InvalidOption for options that make no sense.
func NewBounded(options BoundedOptions) (*Bounded, error) {
	known := []BoundKind{LRU, MRU, LFU, FIFO, RR, TTL, TLRU}
	e := options.Expiring
	switch {
	case !slices.Contains(known, options.Kind), options.Max < 0,
		options.Kind == TTL && e.TTL <= 0, options.Kind == TLRU && e.TTU == nil:
		return nil, &store.Error{Code: store.InvalidOption, Op: "bounded", Name: string(options.Kind)}
	}
	if options.Random == nil {
		options.Random = rand.Float64
	}
	return &Bounded{options: options, uses: map[string]*use{}}, nil
}

func (b *Bounded) size(doc Document) int64 {
	if b.options.Size == nil {
		return 1
	}
	return b.options.Size(doc)
}

func (b *Bounded) fits(doc Document) error {
	if b.size(doc) > b.options.Max {
		return &store.Error{Code: store.TooLarge, Op: "bounded: a document is larger than all there may be"}
	}
	return nil
}

func (b *Bounded) steps() Steps {
	limits := Steps{}
	if b.options.Kind == TTL || b.options.Kind == TLRU {
		limits = b.options.Expiring.steps()
	}
	return Steps{
		Stale:  limits.Stale,
		Narrow: limits.Narrow,
		Created: func(tx *store.Tx, doc Document) error {
			if limits.Created != nil {
				b.options.Expiring.limit(doc)
			}
			return b.fits(doc)
		},
		Updated: func(tx *store.Tx, doc, _ Document) error {
			if limits.Updated != nil {
				b.options.Expiring.limit(doc)
			}
			return b.fits(doc)
		},
		Settled: b.settle,
		Read:    limits.Read,
		Used:    b.used,
	}
}

// used notes that a document was handed out.
func (b *Bounded) used(key []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if u := b.uses[string(key)]; u != nil {
		b.time++
		u.last, u.count = b.time, u.count+1
	}
}

// settle makes room for the documents under keys. Those go last.
func (b *Bounded) settle(tx *store.Tx, t *Table, keys [][]byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	known, err := b.meet(tx, t)
	if err != nil {
		return err
	}
	fresh := map[string]bool{}
	var last []*use
	for _, key := range keys {
		u := b.uses[string(key)]
		if u == nil || fresh[u.key] {
			continue
		}
		fresh[u.key] = true
		b.time++
		u.last, u.count = b.time, u.count+1
		if !known[u.key] {
			u.stored = b.time
		}
		last = append(last, u)
	}
	victims := slices.DeleteFunc(b.order(), func(u *use) bool { return fresh[u.key] })
	return b.evict(tx, t, append(victims, last...))
}

func (b *Bounded) evict(tx *store.Tx, t *Table, victims []*use) error {
	var total int64
	for _, u := range victims {
		total += u.size
	}
	var evicted [][]byte
	for _, u := range victims {
		if total <= b.options.Max {
			break
		}
		total -= u.size
		evicted = append(evicted, []byte(u.key))
		delete(b.uses, u.key)
	}
	_, err := t.remove(tx, evicted)
	return err
}

// meet looks at every document: other programs may have stored some, or a
// transaction that did may have come to nothing. It returns the keys that were known.
func (b *Bounded) meet(tx *store.Tx, t *Table) (known map[string]bool, err error) {
	met := map[string]*use{}
	known = map[string]bool{}
	q, err := query.Select(nil)
	if err != nil {
		return nil, err
	}
	err = t.table.Find(tx, q, func(stored []byte) error {
		key, err := t.key(stored)
		if err != nil {
			return err
		}
		u := b.uses[string(key)]
		if u == nil {
			u = &use{key: string(key), size: 1}
		} else {
			known[u.key] = true
		}
		met[u.key] = u
		if b.options.Size == nil {
			return nil
		}
		doc, err := t.load(stored)
		if err == nil {
			u.size = b.size(doc)
		}
		return err
	})
	b.uses = met
	return known, err
}

// order returns all uses, those that go first first.
func (b *Bounded) order() []*use {
	all := make([]*use, 0, len(b.uses))
	drawn := map[*use]float64{}
	for _, key := range slices.Sorted(maps.Keys(b.uses)) {
		u := b.uses[key]
		all = append(all, u)
		drawn[u] = b.options.Random()
	}
	slices.SortStableFunc(all, func(x, y *use) int {
		var first int
		switch b.options.Kind {
		case FIFO:
			first = cmp.Compare(x.stored, y.stored)
		case LFU:
			first = cmp.Compare(x.count, y.count)
		case MRU:
			first = cmp.Compare(y.last, x.last)
		case RR:
			first = cmp.Compare(drawn[x], drawn[y])
		}
		return cmp.Or(first, cmp.Compare(x.last, y.last))
	})
	return all
}
