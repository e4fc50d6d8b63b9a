package store

import "context"

// tree is an immutable B+tree: its root page and height. The zero tree is
// empty. Keys are whole: the database's id, then the key within it (see space).
type tree struct {
	root  child
	level int
}

func (t tree) empty() bool { return t.root.ref.zero() }

// reader is what reads under one context: a transaction, a checkpoint, a check.
// The bridge sets ctx anew for every call of a long transaction.
type reader struct {
	ctx   context.Context
	pages *pager

	env        *Env   // nil where a missing blob can have but one reason
	generation uint64 // of the root that is read

	misses int // pages that were not in the cache

	// branches are the last ones read, by level: most reads of one transaction go
	// through the same, which need not be looked up in the cache each time.
	branches [2]struct {
		ref  Ref
		page *page
	}
}

// get finds one key in a tree.
func (r *reader) get(t tree, key []byte) (entry, bool, error) {
	if t.empty() {
		return entry{}, false, nil
	}
	ref := t.root.ref
	for level := t.level; ; level-- {
		p, err := r.node(ref, level)
		if err != nil {
			return entry{}, false, err
		}
		if level == 0 {
			i, exact := p.search(key)
			if !exact {
				return entry{}, false, nil
			}
			return p.entry(i), true, nil
		}
		ref = p.child(p.descend(key)).ref
	}
}

// rank counts the entries of a tree below key; a nil key counts all of them.
func (r *reader) rank(t tree, key []byte) (int64, error) {
	if key == nil {
		return t.root.entries, nil
	}
	below, _, err := r.place(t, key)
	return below, err
}

// place counts the entries of a tree below key, and tells whether it has the key.
func (r *reader) place(t tree, key []byte) (below int64, exact bool, err error) {
	if t.empty() {
		return 0, false, nil
	}
	ref := t.root.ref
	for level := t.level; ; level-- {
		p, err := r.node(ref, level)
		if err != nil {
			return 0, false, err
		}
		if level == 0 {
			i, exact := p.search(key)
			return below + int64(i), exact, nil
		}
		at := p.descend(key)
		for i := range at {
			below += p.child(i).entries
		}
		ref = p.child(at).ref
	}
}

// node reads the page of a tree that must stand at a level.
func (r *reader) node(ref Ref, level int) (*page, error) {
	if level > 0 {
		if last := &r.branches[level&1]; last.ref == ref && last.page.level == level {
			return last.page, nil
		}
	}
	p := r.pages.cache.get(ref)
	if p == nil {
		r.misses++
		var err error
		if p, err = r.pages.page(r.ctx, ref); err != nil {
			return nil, r.explain(err)
		}
	}
	if p.level != level {
		return nil, fail(Corrupt, "read page: level", ref.name(), nil)
	}
	if level > 0 {
		r.branches[level&1].ref, r.branches[level&1].page = ref, p
	}
	return p, nil
}
