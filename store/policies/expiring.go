package policies

import (
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// Expiring is for documents that expire. Those that have are not found any more, and are
// deleted with the next write.
type Expiring struct {
	// Field holds the time from which a document is no more: "expires" where it is
	// empty. An index on it makes this cheap.
	Field string
	// TTL is how long documents stay that have no such field when they are written;
	// 0 is for ever.
	TTL time.Duration
	// TTU is the same for each document by itself: it tells when it expires, and
	// false for never.
	TTU func(doc Document, now time.Time) (time.Time, bool)
	// Clock tells the time; nil is time.Now.
	Clock func() time.Time
}

func (p Expiring) field() string {
	if p.Field == "" {
		return "expires"
	}
	return p.Field
}

func (p Expiring) stale() query.Expr {
	return query.Lte(query.Field(p.field()), clock(p.Clock)())
}

// limit gives a document that has none a time to expire.
func (p Expiring) limit(doc Document) {
	if _, given := doc[p.field()].(time.Time); given {
		return
	}
	now := clock(p.Clock)()
	if p.TTU != nil {
		if until, ends := p.TTU(doc, now); ends {
			doc[p.field()] = until
			return
		}
	}
	if p.TTL > 0 {
		doc[p.field()] = now.Add(p.TTL)
	}
}

func (p Expiring) steps() Steps {
	return Steps{
		Stale:   p.stale,
		Created: func(_ *store.Tx, doc Document) error { p.limit(doc); return nil },
		Updated: func(_ *store.Tx, doc, _ Document) error { p.limit(doc); return nil },
		Read: func(_ *store.Tx, doc Document) (hidden bool, err error) {
			until, limited := doc[p.field()].(time.Time)
			return limited && !until.After(clock(p.Clock)()), nil
		},
		Narrow: func(filter query.Expr) query.Expr {
			if filter == nil {
				return query.Not(p.stale())
			}
			return query.And(filter, query.Not(p.stale()))
		},
	}
}
