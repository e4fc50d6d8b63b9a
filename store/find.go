package store

import (
	"bytes"

	"github.com/stowage-db/stowage/query"
)

// Find calls emit for every document that q asks for, in its order, without
// holding more of them than must be sorted; or for every row of its aggregate,
// without holding more than these. Whether emit may keep and change what it is given,
// Options.Isolation says. An error of emit ends the search and is returned.
//
// Errors: InvalidQuery, InvalidPath and InvalidKey for a q that does not fit
// together, NotFound where the transaction's snapshot has no such table, TooLarge
// where an aggregate has more groups than can be held, Unsupported for a filter that
// needs a host where q has none; and what functions in the filter fail with.
func (t *Table) Find(tx *Tx, q *query.Query, emit func(doc []byte) error) error {
	return t.find(tx, q, tx.env.handingOut(emit))
}

// find is Find of the engine's own bytes.
func (t *Table) find(tx *Tx, q *query.Query, emit func(doc []byte) error) error {
	s, err := t.begin(tx, q, false)
	if err != nil {
		return err
	}
	defer s.close()
	return s.run(emit)
}

// run calls emit for every result.
func (s *search) run(emit func(result []byte) error) error {
	switch {
	case s.query.Aggregate != nil:
		return s.aggregate(emit)
	case s.query.Projection != nil:
		return s.project(emit)
	default:
		return s.remembered(func(_, doc []byte) error { return emit(doc) })
	}
}

// Count counts the documents that Find would deliver. Where an index answers the
// filter no document is looked at.
func (t *Table) Count(tx *Tx, q *query.Query) (int64, error) {
	counting := q.After == nil
	s, err := t.begin(tx, q, counting)
	if err != nil {
		return 0, err
	}
	defer s.close()
	n := int64(0)
	switch {
	case !counting:
		err = s.each(func(_, _ []byte) error { n++; return nil })
		return n, err
	default:
		n, err = s.countAll()
	}
	n = max(0, n-q.Skip)
	if q.Limit >= 0 {
		n = min(n, q.Limit)
	}
	return n, err
}

// search is a query under way.
type search struct {
	*session
	query    *query.Query
	counting bool
	plan     *query.Plan
	part     *query.Plan   // what is being read: the plan, or one of its union
	rest     []*query.Plan // of the union: what is to be read behind it
	source   *DB           // what the part reads: the documents or an index
	walk     walk
	window   *window // the walk, where documents are read ahead
	sift     *sift   // in the walk, where it is not read ahead of
	leap     leap
	asking   *asking             // where the filter's host has a say
	seen     map[string]struct{} // identities that came already, where they may recur

	entry    []byte // the index entry at hand
	identity []byte // the key of the document at hand
	doc      []byte // the document at hand, nil if it was not fetched
	sortKey  []byte
	failed   error
	cached   bool // the answer was kept from before

	keys, documents, results int64 // looked at, fetched, delivered
}

// entryWork is the work of an index entry, as Tx.Work counts it.
const entryWork = 256

// begin plans a query and opens what it reads.
func (t *Table) begin(tx *Tx, q *query.Query, counting bool) (*search, error) {
	if err := q.Check(); err != nil {
		return nil, t.failed("find", err)
	}
	s, err := t.open(tx)
	if err != nil {
		return nil, err
	}
	r := &search{session: s, query: q, counting: counting}
	if counting {
		r.plan = q.PlanCount(s.schema.Key, s.schema.finished())
	} else {
		r.plan = q.Plan(s.schema.Key, s.schema.finished())
	}
	if r.plan.Residual.NeedsHost() {
		if q.Host == nil {
			return nil, fail(Unsupported, "find: the filter asks functions of a host", t.name, nil)
		}
		r.asking = &asking{}
	}
	if r.plan.Union == nil {
		return r, r.enter(r.plan)
	}
	r.rest = r.plan.Union[1:]
	return r, r.enter(r.plan.Union[0])
}

// enter begins to read a part.
func (s *search) enter(part *query.Plan) (err error) {
	s.close()
	s.part, s.source, s.seen, s.sift = part, s.docs, nil, nil
	s.window = nil
	if part.Index >= 0 {
		if s.source, err = s.tx.inner(s.names[part.Index]); err != nil {
			return err
		}
	}
	if part.Dedupe {
		s.seen = make(map[string]struct{})
	}
	s.walk = newWalk(s.source, part)
	s.leap = leap{}
	if part.Index < 0 {
		return nil
	}
	if swept, ok := s.walk.(*sweep); ok {
		s.leap = leap{sweep: swept, alike: part.Alike}
	}
	paths := len(s.schema.Indexes[part.Index].Paths)
	if part.Early != nil {
		s.sift = &sift{walk: s.walk, early: part.Early, paths: paths, tx: s.tx, keys: &s.keys}
		s.walk = s.sift
	}
	if !s.covered() {
		s.sift = nil // it runs ahead of the document at hand
		s.window = newWindow(s.walk, s.docs, paths)
		if limit := s.query.Limit; s.direct() && s.plan.Ordered && limit > 0 {
			s.window.want(limit)
		}
		s.walk = s.window
	}
	return nil
}

// covered reports whether most documents of the part need not be fetched.
func (s *search) covered() bool {
	settled := s.part.Residual == nil || s.part.Settled
	return settled && (s.counting || s.part.Rows != nil)
}

func (s *search) close() {
	if s.walk != nil {
		s.walk.close()
	}
}

// each calls visit for every document to be delivered.
func (s *search) each(visit func(key, doc []byte) error) error {
	if s.query.Limit == 0 {
		return nil
	}
	if !s.plan.Ordered {
		return s.eachSorted(visit)
	}
	skip := s.query.Skip
	if skip > 0 && s.direct() {
		s.walk.skip(skip)
		skip = 0
	}
	for s.next() {
		if skip > 0 {
			skip--
			continue
		}
		if err := s.deliver(visit); err != nil {
			return err
		}
		if s.results == s.query.Limit {
			return nil
		}
	}
	return s.failed
}

// direct reports whether every entry is one document to be delivered.
func (s *search) direct() bool {
	return s.plan.Union == nil && s.plan.Residual == nil && s.plan.After == nil && !s.plan.Dedupe
}

func (s *search) deliver(visit func(key, doc []byte) error) error {
	if err := s.fetch(); err != nil {
		return err
	}
	s.results++
	return visit(s.identity, s.doc)
}

// next moves to the next document that matches. It fetches it only if it must
// to tell.
func (s *search) next() bool {
	for s.failed == nil && s.nextMatching() {
		var ok bool
		if ok, s.failed = s.follows(); ok && s.failed == nil {
			return true
		}
	}
	return false
}

// nextMatching moves to the next document that passes what is left of the filter.
func (s *search) nextMatching() bool {
	if s.asking != nil {
		return s.asking.next(s)
	}
	for s.advance() {
		var ok bool
		if ok, s.failed = s.matches(); ok || s.failed != nil {
			return ok
		}
	}
	return false
}

// advance moves to the next entry of a document that did not come before.
func (s *search) advance() bool {
	for {
		key, ok := s.walk.next()
		if !ok {
			if s.failed = s.walk.err(); s.failed != nil || len(s.rest) == 0 {
				return false
			}
			if s.failed = s.enter(s.rest[0]); s.failed != nil {
				return false
			}
			s.rest = s.rest[1:]
			continue
		}
		s.keys++
		s.entry, s.doc = key, nil
		if s.part.Index >= 0 {
			if key, s.failed = s.identityOf(key); s.failed != nil {
				return false
			}
		}
		s.identity = key
		if s.seen == nil {
			return true
		}
		if _, known := s.seen[string(key)]; !known {
			s.seen[string(key)] = struct{}{}
			return true
		}
	}
}

// identityOf is what stands behind the values in an index entry.
func (s *search) identityOf(key []byte) ([]byte, error) {
	if err := s.tx.Work(entryWork); err != nil {
		return nil, err
	}
	for range s.schema.Indexes[s.part.Index].Paths {
		n, ok := query.SkipComponent(key)
		if !ok {
			return nil, fail(Corrupt, "read index", s.table.name+"."+s.schema.Indexes[s.part.Index].Name, nil)
		}
		key = key[n:]
	}
	return key, nil
}

// matches reports whether the document at hand passes what is left of the filter.
func (s *search) matches() (bool, error) {
	if s.part.Residual == nil || s.part.Settled && s.sift != nil && s.sift.certain {
		return true, nil
	}
	if err := s.fetch(); err != nil {
		return false, err
	}
	return s.part.Residual.Match(s.doc)
}

// follows reports whether the document at hand lies behind the one to begin behind.
func (s *search) follows() (bool, error) {
	if s.plan.After == nil {
		return true, nil
	}
	if err := s.makeSortKey(); err != nil {
		return false, err
	}
	return bytes.Compare(s.sortKey, s.plan.After) > 0, nil
}

// fetch gets the document at hand.
func (s *search) fetch() (err error) {
	if s.doc != nil {
		return nil
	}
	if s.part.Index < 0 {
		s.doc, err = s.walk.value()
	} else if s.window != nil {
		s.doc = s.window.document()
	}
	if s.doc == nil && err == nil {
		s.doc, err = s.document(s.identity)
	}
	if err != nil {
		return err
	}
	s.documents++
	return s.tx.Work(len(s.doc))
}

// document gets the document that an index entry belongs to.
func (s *search) document(key []byte) ([]byte, error) {
	doc, found, err := s.docs.Get(key)
	if err == nil && !found {
		err = fail(Corrupt, "read index: an entry without a document", s.table.name, nil)
	}
	return doc, err
}

// makeSortKey makes the sort key of the document at hand, identity included.
func (s *search) makeSortKey() (err error) {
	s.sortKey = s.sortKey[:0]
	if len(s.plan.Order) > 0 {
		if err := s.fetch(); err != nil {
			return err
		}
		if s.sortKey, err = query.SortKey(s.sortKey, s.doc, s.plan.Order); err != nil {
			return err
		}
	}
	if s.plan.TieDesc {
		s.sortKey = query.AppendDescending(s.sortKey, s.identity)
	} else {
		s.sortKey = append(s.sortKey, s.identity...)
	}
	return nil
}

// eachSorted is each where the entries come in another order than asked for.
func (s *search) eachSorted(visit func(key, doc []byte) error) error {
	sorter := sorter{bound: -1}
	if limit := s.query.Limit; limit >= 0 && s.query.Skip < 1<<40 && limit < 1<<40 {
		sorter.bound = int(limit + s.query.Skip)
	}
	for s.next() {
		if err := s.makeSortKey(); err != nil {
			return err
		}
		sorter.add(s.sortKey, len(s.identity), s.doc)
	}
	if s.failed != nil {
		return s.failed
	}
	sorted, err := sorter.sort(s.tx.Work)
	if err != nil {
		return err
	}
	for _, next := range sorted[min(s.query.Skip, int64(len(sorted))):] {
		if err := s.deliverSorted(&next, visit); err != nil {
			return err
		}
	}
	return nil
}

func (s *search) deliverSorted(next *sortable, visit func(key, doc []byte) error) (err error) {
	s.identity = next.sortKey()[next.key-next.identity:]
	if s.plan.TieDesc {
		s.identity = query.AppendDescending(nil, s.identity) // inverted twice
	}
	if doc := next.bytes[next.key:]; len(doc) > 0 {
		s.results++
		return visit(s.identity, doc)
	}
	if s.doc, err = s.document(s.identity); err != nil {
		return err
	}
	s.documents++
	s.results++
	if err := s.tx.Work(len(s.doc)); err != nil {
		return err
	}
	return visit(s.identity, s.doc)
}

// countAll counts the documents that match.
func (s *search) countAll() (n int64, err error) {
	rest := s.rest
	for s.rest = nil; ; rest = rest[1:] {
		if s.part.Residual == nil && !s.part.Dedupe && s.part.Merge == nil {
			for _, r := range s.part.Ranges {
				within, err := s.source.Count(r)
				if err != nil {
					return 0, err
				}
				n += within
			}
		} else {
			for s.next() {
				n++
			}
		}
		if s.failed != nil || len(rest) == 0 {
			return n, s.failed
		}
		if err := s.enter(rest[0]); err != nil {
			return 0, err
		}
	}
}
