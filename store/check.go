package store

import (
	"bytes"
	"context"
)

// Report is what Check found.
type Report struct {
	Trees    int
	Pages    int64
	Chunks   int64 // of large values
	Records  int64 // of the log
	Entries  int64 // live keys, over all databases
	Orphans  int64 // blobs nothing refers to; the next checkpoint removes them
	Problems []string
}

// Clean reports whether no problem was found. Orphans are none.
func (r *Report) Clean() bool { return len(r.Problems) == 0 }

// Check reads everything the environment holds from the backend, past the cache:
// every page and chunk is opened and its checksum verified, every tree's order,
// heights and counts, every log record and the catalogue. What it finds wrong is
// in the report; an error means that it could not be completed.
func (e *Env) Check(ctx context.Context) (*Report, error) {
	tx, err := e.Begin(ctx, false)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	tx.understands = true // what it checks has no meaning to it
	c := &checker{
		tx:     tx,
		in:     &reader{ctx: ctx, pages: &pager{backend: e.backend, sealer: e.pages.sealer, cache: newCache(0)}},
		report: &Report{},
		flags:  make(map[space]Flags),
	}
	for _, step := range []func() error{c.trees, c.log, c.catalogue, c.entries, c.orphans} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return c.report, nil
}

type checker struct {
	tx     *Tx
	in     *reader
	report *Report
	flags  map[space]Flags // of databases that have any
}

// problem notes what is wrong with a blob, a database or a tree. It returns err
// itself where that is not about stored bytes.
func (c *checker) problem(what, name string, err error) error {
	if err != nil {
		switch CodeOf(err) {
		case Corrupt, NewerFormat, MissingModifier:
			what = err.Error()
		default:
			return err
		}
	}
	if name != "" {
		what += ": " + name
	}
	c.report.Problems = append(c.report.Problems, what)
	return nil
}

// trees checks every tree for itself.
func (c *checker) trees() error {
	for _, l := range c.tx.layers {
		if l.memory != nil || l.tree.empty() {
			continue
		}
		c.report.Trees++
		var last []byte
		if _, err := c.page(l.tree.root, l.tree.level, nil, &last); err != nil {
			return err
		}
	}
	return nil
}

// page checks one page and what is below it: that it starts with first, that its
// keys follow last, and that its counts are what the branch above says.
func (c *checker) page(at child, level int, first []byte, last *[]byte) (sum child, err error) {
	name := at.ref.name()
	p, err := c.in.node(at.ref, level)
	if err != nil {
		return at, c.problem("page", name, err)
	}
	c.report.Pages++
	sum = child{bytes: int64(p.storedSize())}
	for i := range p.len() {
		key := p.appendKey(nil, i)
		if i == 0 && first != nil && !bytes.Equal(key, first) {
			err = c.problem("page: first key differs from its branch", name, nil)
		}
		if level == 0 {
			if *last != nil && bytes.Compare(*last, key) >= 0 {
				err = c.problem("page: keys out of order", name, nil)
			}
			*last = key
			sum = sum.plus(c.leafEntry(p.entry(i)))
		} else {
			var below child
			if below, err = c.page(p.child(i), level-1, key, last); err != nil {
				return at, err
			}
			sum = sum.plus(below)
		}
	}
	sum.ref = at.ref
	if sum != at {
		err = c.problem("page: counts differ from its branch", name, nil)
	}
	if err == nil {
		err = c.tx.Work(p.size())
	}
	return sum, err
}

func (c *checker) leafEntry(e entry) child {
	sum := child{entries: 1}
	switch e.kind {
	case deleted:
		sum.tombstones = 1
	case overflow:
		sum.overflows = 1
		o, ok := readOverflow(e.value)
		if !ok {
			_ = c.problem("large value: damaged pointer", "", nil)
			break
		}
		c.report.Chunks += int64(o.Chunks)
	}
	return sum
}

// log reads the records that the current root does not cover.
func (c *checker) log() error {
	names, err := c.tx.env.backend.List(c.in.ctx, logPrefix)
	if err != nil {
		return backendError("check", err)
	}
	for _, name := range names {
		plain, err := c.in.pages.read(c.in.ctx, RecordBlob, []string{name})
		if err == nil {
			r, ok := decodeRecord(plain[0])
			if !ok || logName(r.position) != name {
				err = fail(Corrupt, "check: log record", name, nil)
			} else if _, err = c.in.value(r.body); err == nil {
				c.report.Records++
			}
		}
		if err != nil && !c.gone(name) {
			if err := c.problem("log record", name, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// gone reports whether a log record was covered by a checkpoint meanwhile. It asks
// the stored root: the environment's own is only replaced once the backend has
// answered, and the record may be gone before that.
func (c *checker) gone(name string) bool {
	position, _ := logPosition(name)
	root, _, err := c.tx.env.readRoot(c.in.ctx, nil)
	return err == nil && position <= root.position
}

// catalogue checks that names and ids are one to one, and that no id is in use that
// would be given out again.
func (c *checker) catalogue() error {
	names, err := c.tx.catalogued(KeyRange{})
	if err != nil {
		return c.problem("catalogue", "", err)
	}
	last, err := c.tx.names().lastID()
	if err != nil {
		return c.problem("catalogue", "", err)
	}
	seen := make(map[space]string)
	for _, name := range names {
		db, err := c.tx.database(name, false, 0)
		if err != nil {
			if err := c.problem("database", name, err); err != nil {
				return err
			}
			continue
		}
		if other, twice := seen[db.space]; twice {
			_ = c.problem("database shares its id with "+other, name, nil)
		}
		if db.space&^uncompressed > last {
			_ = c.problem("database has an id that was not given out", name, nil)
		}
		seen[db.space] = name
		if db.flags != 0 {
			c.flags[db.space] = db.flags
		}
	}
	return nil
}

// entries walks everything as a reader sees it, large values included.
func (c *checker) entries() error {
	bounds := KeyRange{}
	m := newMerge(layerSources(nil, c.tx.layers, c.in, bounds), bounds)
	for m.seek(nil); m.valid(); m.next() {
		e, err := m.entry()
		if err != nil {
			return c.problem("entries", "", err)
		}
		if e.kind == deleted {
			continue
		}
		c.report.Entries++
		if flags, has := c.flags[spaceOf(m.key())]; has {
			if _, ok := flags.headOf(m.key()[spaceBytes:]); !ok {
				_ = c.problem("key that its database cannot have", "", nil)
			}
		}
		if e.kind == overflow {
			if _, err := c.in.value(e); err != nil {
				if err := c.problem("large value", "", err); err != nil {
					return err
				}
			}
		}
		if err := c.tx.Work(len(e.value) + memoryEntryBytes); err != nil {
			return err
		}
	}
	return c.problemIf(m.err())
}

func (c *checker) problemIf(err error) error {
	if err == nil {
		return nil
	}
	return c.problem("entries", "", err)
}

// orphans counts the pages and chunks that nothing refers to.
func (c *checker) orphans() error {
	if !c.report.Clean() {
		return nil // what is reachable cannot be told through damaged branches
	}
	names, err := c.tx.env.backend.List(c.in.ctx, pagePrefix)
	if err != nil {
		return backendError("check", err)
	}
	live, err := c.tx.env.reachable(c.in.ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !live[name] {
			c.report.Orphans++
		}
	}
	return nil
}
