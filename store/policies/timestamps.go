package policies

import (
	"time"

	"github.com/stowage-db/stowage/store"
)

// Timestamps writes times into documents. A document that is replaced keeps the time
// when it was created.
type Timestamps struct {
	// Created, Modified and Accessed are the fields of the times when a document was
	// first stored, last changed and read; an empty one is not written. What is
	// read has the last in what is handed out, not in what is stored.
	Created, Modified, Accessed string
	// Format makes of a time what is written; nil writes the time.
	Format func(time.Time) any
	// Clock tells the time; nil is time.Now.
	Clock func() time.Time
}

// NewTimestamps writes the times when documents were created and modified, in fields of
// these names.
func NewTimestamps() Timestamps { return Timestamps{Created: "created", Modified: "modified"} }

func (p Timestamps) stamp(doc Document, field string) {
	if field == "" {
		return
	}
	now := clock(p.Clock)()
	if p.Format != nil {
		doc[field] = p.Format(now)
		return
	}
	doc[field] = now
}

func (p Timestamps) steps() Steps {
	s := Steps{
		Created: func(_ *store.Tx, doc Document) error {
			p.stamp(doc, p.Created)
			p.stamp(doc, p.Modified)
			return nil
		},
		Updated: func(_ *store.Tx, doc, before Document) error {
			if created, known := before[p.Created]; known {
				doc[p.Created] = created
			}
			p.stamp(doc, p.Modified)
			return nil
		},
	}
	if p.Accessed != "" {
		s.Read = func(_ *store.Tx, doc Document) (hidden bool, err error) {
			p.stamp(doc, p.Accessed)
			return false, nil
		}
	}
	return s
}

func clock(given func() time.Time) func() time.Time {
	if given == nil {
		return time.Now
	}
	return given
}
