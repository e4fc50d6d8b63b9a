package store

import (
	"slices"

	"github.com/stowage-db/stowage/query"
)

// asking gathers documents that a filter cannot judge without its host, so that the
// host is asked for many at once: first a few, for the search may end with them, then
// more. The documents of a batch come in the order in which they were met.
type asking struct {
	batch []undecided // and behind it what earlier ones have allocated
	at    int         // of the batch: the document to come
	size  int         // that the batch may have
	asks  []*query.Ask
}

// undecided is a document on its way through a filter.
type undecided struct {
	identity []byte
	doc      []byte
	inquiry  query.Inquiry
	open     bool // it depends on what the host says
	matches  bool
}

// Limits of a batch: documents, and bytes of what is asked about.
const (
	firstAsked    = 16
	mostAsked     = 256
	mostAskedSize = 256 << 10
)

// next moves to the next document that matches.
func (a *asking) next(s *search) bool {
	for s.failed == nil {
		for a.at < len(a.batch) {
			u := &a.batch[a.at]
			a.at++
			if u.matches {
				s.identity, s.doc = u.identity, u.doc
				return true
			}
		}
		if !a.fill(s) {
			return false
		}
	}
	return false
}

// fill gathers the next batch and has it decided.
func (a *asking) fill(s *search) bool {
	a.batch, a.at = a.batch[:0], 0
	a.size = min(max(firstAsked, 2*a.size), mostAsked)
	for bytes := 0; len(a.batch) < a.size && bytes < mostAskedSize && s.advance(); {
		n := len(a.batch)
		a.batch = slices.Grow(a.batch, 1)[:n+1]
		u := &a.batch[n]
		if s.failed = u.judge(s); s.failed != nil {
			return false
		}
		if !u.open && !u.matches {
			a.batch = a.batch[:n]
			continue
		}
		u.inquiry.Open(func(ask *query.Ask) { bytes += len(ask.Value) })
	}
	if s.failed == nil {
		s.failed = a.decide(s)
	}
	return s.failed == nil && len(a.batch) > 0
}

// judge matches the document at hand as far as it can be without asking.
func (u *undecided) judge(s *search) (err error) {
	if err := s.fetch(); err != nil {
		return err
	}
	u.inquiry.Reset()
	if u.matches, u.open, err = s.plan.Residual.Try(s.doc, &u.inquiry); u.open || u.matches {
		u.identity, u.doc = append(u.identity[:0], s.identity...), s.doc
	}
	return err
}

// decide asks the host until no document of the batch is open. What one answer leads
// to may have to be asked about again.
func (a *asking) decide(s *search) error {
	for {
		a.asks = a.asks[:0]
		for i := range a.batch {
			if u := &a.batch[i]; u.open {
				u.inquiry.Open(func(ask *query.Ask) { a.asks = append(a.asks, ask) })
			}
		}
		if len(a.asks) == 0 {
			return nil
		}
		if err := s.query.Host(a.asks); err != nil {
			return err
		}
		for i := range a.batch {
			u := &a.batch[i]
			if !u.open {
				continue
			}
			var err error
			if u.matches, u.open, err = s.plan.Residual.Try(u.doc, &u.inquiry); err != nil {
				return err
			}
		}
	}
}
