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

	// rising, if not nil, is where keys were last looked for that come in order: the next one of a tree
	// is often on the same leaf.
	rising *rising
}

// rising is the leaves of some trees.
type rising struct {
	leaves [4]struct {
		root Ref
		leaf *page
	}
	turn int // whose place another tree gets
}

// get finds one key in a tree.
func (r *reader) get(t tree, key []byte) (entry, bool, error) {
	if t.empty() {
		return entry{}, false, nil
	}
	if r.rising != nil {
		return r.getRising(t, key)
	}
	p, err := r.leaf(t, key)
	if err != nil {
		return entry{}, false, err
	}
	i, exact := p.search(key)
	if !exact {
		return entry{}, false, nil
	}
	return p.entry(i), true, nil
}

// leaf reads the one that a key belongs to.
func (r *reader) leaf(t tree, key []byte) (*page, error) {
	p, err := r.node(t.root.ref, t.level)
	for ; err == nil && p.level > 0; p, err = r.below(t, p, p.descend(key)) {
	}
	return p, err
}

// getRising is get of a key that is likely to be close behind the one before.
func (r *reader) getRising(t tree, key []byte) (entry, bool, error) {
	known := r.rising.of(t)
	p := *known
	i, exact := 0, false
	if p != nil {
		i, exact = p.search(key)
	}
	if p == nil || !exact && (i == 0 || i == p.len()) { // it may be on another one
		var err error
		if p, err = r.leaf(t, key); err != nil {
			return entry{}, false, err
		}
		*known = p
		i, exact = p.search(key)
	}
	if !exact {
		return entry{}, false, nil
	}
	return p.entry(i), true, nil
}

// get is Get of a database.
func (r *rising) get(db *DB, key []byte) (value []byte, found bool, err error) {
	in := db.tx.in
	in.rising = r
	value, found, err = db.Get(key)
	in.rising = nil
	return value, found, err
}

// of is where the leaf of a tree is kept.
func (r *rising) of(t tree) **page {
	for i := range r.leaves {
		if known := &r.leaves[i]; known.root == t.root.ref {
			return &known.leaf
		}
	}
	other := &r.leaves[r.turn]
	r.turn = (r.turn + 1) % len(r.leaves)
	other.root, other.leaf = t.root.ref, nil
	return &other.leaf
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
	p, err := r.node(t.root.ref, t.level)
	for err == nil && p.level > 0 {
		at := p.descend(key)
		below += p.before(at)
		p, err = r.below(t, p, at)
	}
	if err != nil {
		return 0, false, err
	}
	i, exact := p.search(key)
	return below + int64(i), exact, nil
}

// node reads the page of a tree that must stand at a level.
func (r *reader) node(ref Ref, level int) (*page, error) {
	if p := r.held(ref, level); p != nil {
		return r.at(p, ref, level)
	}
	p, err := r.pages.page(r.ctx, ref)
	if err != nil {
		return nil, r.explain(err)
	}
	return r.at(p, ref, level)
}

// below reads a child of a branch of t, with those next to it where they are worth it.
func (r *reader) below(t tree, branch *page, i int) (*page, error) {
	ref, level := branch.ref(i), branch.level-1
	p := r.held(ref, level)
	if p == nil {
		r.pages.loadAround(r.ctx, t, step{branch, i})
		return r.node(ref, level)
	}
	return r.at(p, ref, level)
}

// held returns a page that need not be read, nil where it must be.
func (r *reader) held(ref Ref, level int) *page {
	if level > 0 && r.branches[level&1].ref == ref {
		return r.branches[level&1].page
	}
	p := r.pages.cache.get(ref)
	if p == nil {
		r.misses++
	}
	return p
}

// at makes sure of the level of a page that was read.
func (r *reader) at(p *page, ref Ref, level int) (*page, error) {
	if p.level != level {
		return nil, fail(Corrupt, "read page: level", ref.name(), nil)
	}
	if level > 0 {
		r.branches[level&1].ref, r.branches[level&1].page = ref, p
	}
	return p, nil
}
