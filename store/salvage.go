package store

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Salvaged is what Salvage found, and what it did not.
type Salvaged struct {
	Databases int64 // in the stream
	Entries   int64
	// RootLost: which pages were the current ones is not known. All that is there
	// was put out, and any of it may be older than it was, or have been deleted.
	RootLost bool
	// CatalogueLost: names of databases may be missing. Entries whose database has
	// lost its name are in databases called "salvaged <number>".
	CatalogueLost bool
	// Commits are groups of commits that are lost, by their positions in the log.
	// What was committed later is there; any entry may be as it was before them.
	Commits []Positions
	// Losses are what else was lost.
	Losses []Loss
}

// Positions are places in the log, from First to Last.
type Positions struct{ First, Last uint64 }

// Loss is a range of keys of one database that cannot be vouched for. An entry of
// it may be missing, be as it was before, or have been deleted.
type Loss struct {
	Database string   // or table
	Table    bool     // Database names a table; the keys are of its documents
	Keys     KeyRange // as they are stored: see FORMAT.md
	Blob     string   // that cannot be read
	Entries  int64    // at most so many, with those of other databases in the blob; −1 where unknown
}

// Whole reports whether nothing was lost.
func (s *Salvaged) Whole() bool {
	return !s.RootLost && !s.CatalogueLost && len(s.Commits) == 0 && len(s.Losses) == 0
}

// Salvage writes everything that can still be read of a damaged environment to
// out: an export, which Import reads. It writes nothing to the backend, which stays
// the caller's, and which nobody may write to meanwhile. Options are those that the
// environment is opened with.
//
// Every entry outside of what the report says comes out as it was. Within that, what
// comes out was stored once. Only that the last records of the log are gone, without a
// trace, nobody can tell by what is stored. The stream has no indexes: tables are known in it by
// their key alone, and build the indexes that they are opened with.
//
// Errors: NotFound where nothing is stored; MissingModifier or NewerFormat where
// nothing can be read and that is why; those of the keys that Open has, CorruptHeader where
// both places that had them are lost; InvalidOption, Aborted, and what the backend or out fails with.
// The stream is of no use then.
func Salvage(ctx context.Context, backend Backend, options Options, out io.Writer) (*Salvaged, error) {
	names, err := backend.List(ctx, "")
	if err != nil {
		return nil, backendError("salvage", err)
	}
	if len(names) == 0 {
		return nil, fail(NotFound, "salvage: nothing is stored", "", nil)
	}
	if options.like, err = survivingKeys(ctx, backend, options.Modifiers, names); err != nil {
		return nil, err
	}
	scratch, err := Open(ctx, &beside{backend, make(map[string][]byte)}, options)
	if err != nil {
		return nil, err
	}
	defer scratch.Close(context.WithoutCancel(ctx))
	tx, err := scratch.Begin(ctx, false)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	in := &reader{ctx: ctx, pages: scratch.pages}
	s := &salvager{
		report: &Salvaged{},
		tx:     tx,
		mender: &mender{ctx: ctx, in: in, stored: backend, scratch: scratch, seen: make(map[Ref]struct{})},
	}
	if err := s.gather(); err != nil {
		return nil, err
	}
	return s.report, s.write(out)
}

// survivingKeys finds the header of the keys: in the root, or where it is kept beside
// that. It is nil where nothing is encrypted.
func survivingKeys(ctx context.Context, backend Backend, modifiers []Modifier, names []string) (*root, error) {
	c, err := newChain(modifiers)
	if err != nil {
		return nil, err
	}
	stored, err := backend.Read(ctx, []string{RootName})
	if err != nil {
		return nil, backendError("salvage", err)
	}
	env, rootErr := openEnvelope(RootBlob, Blob{RootName, stored[0]})
	h := env.header
	for i := len(names) - 1; i >= 0 && (rootErr != nil || h == nil); i-- { // the newest is the last
		if !strings.HasPrefix(names[i], keyPrefix) {
			continue
		}
		if stored, err = backend.Read(ctx, names[i:i+1]); err != nil {
			return nil, backendError("salvage", err)
		}
		if h, err = openHeader(Blob{names[i], stored[0]}); err == nil {
			break
		}
	}
	switch {
	case c.keyed == nil && h != nil:
		return nil, fail(KeyRequired, "salvage", "", nil)
	case c.keyed == nil:
		return nil, nil
	case h != nil:
		return &root{id: h.id, header: h}, nil
	case rootErr == nil:
		return nil, fail(NotEncrypted, "salvage", "", nil)
	default:
		return nil, fail(CorruptHeader, "salvage", "", rootErr)
	}
}

// salvager puts out what is left of one environment.
type salvager struct {
	*mender
	report *Salvaged
	tx     *Tx // of the mender's environment; its layers become what was salvaged
	root   *root
	x      *exporter

	records int // of the log that were read
	found   []salvageable
}

// salvageable is a database to be put out.
type salvageable struct {
	name string // in the catalogue
	db   DB
}

// gather reads the root, the trees and the log.
func (s *salvager) gather() error {
	if err := s.readRoot(); err != nil {
		return err
	}
	var lower []*mending
	for _, t := range s.root.trees {
		found, err := s.read(t)
		if err != nil {
			return err
		}
		lower = append(lower, found)
	}
	if s.report.RootLost {
		lower = append(lower, &mending{broken: true, holes: []KeyRange{{}}})
	}
	steps, err := s.readLog()
	if err != nil {
		return err
	}
	state := &state{top: newMemory()}
	for _, found := range lower {
		trees, err := s.layers(found)
		if err != nil {
			return err
		}
		state.lower = append(state.lower, layersOf(trees)...)
	}
	for _, step := range steps {
		var trees []tree
		for _, found := range step.trees {
			mended, err := s.layers(found)
			if err != nil {
				return err
			}
			trees = append(trees, mended...)
		}
		state.apply(step.writes, trees)
	}
	s.tx.layers = state.freeze().layers
	if len(s.tx.layers) == 0 && s.records == 0 && s.refused != nil {
		return s.refused
	}
	return nil
}

// readRoot reads the root, or makes one that knows of nothing.
func (s *salvager) readRoot() error {
	plain, err := s.rootOf()
	if err == nil {
		s.root = plain
		return s.scratch.pages.sealer.adopt(plain)
	}
	if !s.damaged(err) {
		return err
	}
	s.report.RootLost = true
	s.scratch.mu.Lock()
	s.root = &root{id: s.scratch.root.id}
	s.scratch.mu.Unlock()
	return nil
}

func (s *salvager) rootOf() (*root, error) {
	stored, err := s.stored.Read(s.ctx, []string{RootName})
	if err != nil {
		return nil, backendError("salvage", err)
	}
	if stored[0] == nil {
		return nil, fail(Corrupt, "salvage", RootName, errMissing)
	}
	plain, err := s.scratch.pages.sealer.open(s.ctx, RootBlob, []Blob{{RootName, stored[0]}})
	if err != nil {
		return nil, err
	}
	r, ok := decodeRoot(plain[0].Bytes)
	if !ok {
		return nil, fail(Corrupt, "salvage", RootName, nil)
	}
	return r, nil
}

// salvagedSection is a section of the log whose trees have been read.
type salvagedSection struct {
	trees  []*mending
	writes *writeSet
}

// readLog reads what records there are, and notes where one is missing. Those
// before the first cannot be missed where the root is lost.
func (s *salvager) readLog() (steps []salvagedSection, err error) {
	names, err := s.stored.List(s.ctx, logPrefix)
	if err != nil {
		return nil, backendError("salvage", err)
	}
	next := s.root.position + 1
	if len(names) > 0 && s.report.RootLost {
		next, _ = logPosition(names[0])
	}
	for _, name := range names {
		position, ok := logPosition(name)
		if !ok || position < next {
			continue
		}
		sections, err := s.record(name, position)
		if err != nil && !s.damaged(err) {
			return nil, err
		}
		if err != nil {
			continue // the next one, or the end, notes it
		}
		s.lost(next, position)
		next = position + 1
		s.records++
		for _, sec := range sections {
			st := salvagedSection{writes: sec.writes}
			for _, t := range sec.trees {
				found, err := s.read(t)
				if err != nil {
					return nil, err
				}
				st.trees = append(st.trees, found)
			}
			steps = append(steps, st)
		}
	}
	if len(names) > 0 {
		if last, ok := logPosition(names[len(names)-1]); ok {
			s.lost(next, last+1)
		}
	}
	return steps, nil
}

// lost notes that the records from next up to, not with, position are lost.
func (s *salvager) lost(next, position uint64) {
	if next < position {
		s.report.Commits = append(s.report.Commits, Positions{next, position - 1})
	}
}

func (s *salvager) record(name string, position uint64) ([]section, error) {
	plain, err := s.in.pages.read(s.ctx, RecordBlob, []string{name})
	if err != nil {
		return nil, err
	}
	corrupt := fail(Corrupt, "salvage", name, nil)
	r, ok := decodeRecord(plain[0])
	if !ok || r.position != position {
		return nil, corrupt
	}
	body, err := s.in.value(r.body)
	if err != nil {
		return nil, err
	}
	sections, ok := decodeSections(body)
	if !ok {
		return nil, corrupt
	}
	return sections, nil
}

// write puts everything out.
func (s *salvager) write(out io.Writer) error {
	s.x = newExporter(s.tx, nil)
	s.x.unreadable = s.valueLost
	w := &partWriter{ctx: s.ctx, out: out, sealer: s.scratch.pages.sealer}
	head := item{kind: headItem, name: s.root.id[:], numbers: [3]uint64{s.root.position, uint64(s.x.total)}}
	if err := w.begin(head); err != nil {
		return err
	}
	if err := s.databases(); err != nil {
		return err
	}
	for _, f := range s.found {
		s.x.databases++
		if err := w.database([]byte(f.name), f.db.encode()); err != nil {
			return err
		}
		err := s.x.each(f.db.space.bounds(KeyRange{}), func(key, value []byte) error {
			s.x.entries++
			return w.entry(key, value)
		})
		if err != nil {
			return err
		}
	}
	s.tell()
	s.report.Databases, s.report.Entries = s.x.databases, s.x.entries
	return w.end(s.x.databases, s.x.entries)
}

// valueLost notes that a large value cannot be read.
func (s *salvager) valueLost(whole []byte, err error) error {
	if !s.damaged(err) {
		return err
	}
	blob := ""
	if e, ok := err.(*Error); ok {
		blob = e.Name
	}
	s.gaps = append(s.gaps, gap{KeyRange{Low: bytes.Clone(whole), High: append(bytes.Clone(whole), 0)}, blob, 1})
	return nil
}

// databases finds what to put out, in order of names.
func (s *salvager) databases() error {
	s.report.CatalogueLost = s.uncertain(catalogue)
	named := make(map[space]bool)
	taken := make(map[string]bool)
	err := s.x.each(catalogue.bounds(KeyRange{Low: []byte{0}}), func(key, stored []byte) error {
		f := salvageable{name: string(key)}
		var ok bool
		if f.db, ok = decodeDatabase(stored); !ok {
			return fail(Corrupt, "salvage: catalogue", "", nil)
		}
		named[f.db.space], taken[f.name] = true, true
		wanted, err := s.wanted(&f)
		if wanted {
			s.find(f)
		}
		return err
	})
	if err == nil && s.report.CatalogueLost {
		err = s.nameless(named, taken)
	}
	return err
}

// find takes a database in, in the order of their names, in which they mostly come.
func (s *salvager) find(f salvageable) {
	s.found = append(s.found, f)
	for i := len(s.found) - 1; i > 0 && s.found[i-1].name > f.name; i-- {
		s.found[i-1], s.found[i] = f, s.found[i-1]
	}
}

// wanted reports whether a database is put out, and takes the indexes out of a
// table's schema: its documents may not be those that were indexed. A counter that
// may be an older one is worth less than none.
func (s *salvager) wanted(f *salvageable) (bool, error) {
	switch i := strings.IndexByte(f.name, 0); {
	case i == 0 || len(f.db.meta) == 0:
		return i <= 0 || i == len(f.name)-1 && !s.uncertain(f.db.space), nil
	case i > 0:
		return false, nil
	}
	schema, err := readSchema(f.name, f.db.meta)
	schema.Indexes, schema.Unfinished = nil, 0
	f.db.meta = schema.append(nil)
	return err == nil, err
}

// uncertain reports whether anything of a database is.
func (s *salvager) uncertain(id space) bool {
	all := id.bounds(KeyRange{})
	return s.report.RootLost || len(s.report.Commits) > 0 || slices.ContainsFunc(s.gaps, func(g gap) bool {
		return !intersection(g.keys, all).Empty()
	})
}

func intersection(a, b KeyRange) KeyRange {
	if bytes.Compare(a.Low, b.Low) < 0 {
		a.Low = b.Low
	}
	if a.High == nil || b.High != nil && bytes.Compare(b.High, a.High) < 0 {
		a.High = b.High
	}
	return a
}

// nameless finds the entries of databases that are not in the catalogue.
func (s *salvager) nameless(named map[space]bool, taken map[string]bool) error {
	m := newMerge(layerSources(nil, s.tx.layers, s.x.in, KeyRange{}), KeyRange{})
	for m.seek((catalogue + 1).whole(nil)); m.valid(); {
		e, err := m.entry()
		if err != nil {
			return err
		}
		id := spaceOf(m.key())
		if e.kind == deleted && !named[id] {
			m.next()
			continue
		}
		if !named[id] {
			name := ownName + "salvaged " + strconv.FormatUint(uint64(id), 10)
			for taken[name] {
				name += "'"
			}
			named[id], taken[name] = true, true
			s.find(salvageable{name, DB{space: id, flags: flagsOf(id)}})
		}
		if id >= absent {
			break
		}
		m.seek((id + 1).whole(nil))
	}
	return m.err()
}

// tell puts into the report what the gaps mean for the databases put out.
func (s *salvager) tell() {
	for _, g := range s.gaps {
		for _, f := range s.found {
			keys := intersection(g.keys, f.db.space.bounds(KeyRange{}))
			name, own := strings.CutPrefix(f.name, ownName)
			if keys.Empty() || !own && strings.IndexByte(name, 0) > 0 { // what a table counts with is left out
				continue
			}
			loss := Loss{Database: name, Table: !own, Blob: g.blob, Entries: g.entries}
			if loss.Keys.Low = keys.Low[spaceBytes:]; len(loss.Keys.Low) == 0 {
				loss.Keys.Low = nil
			}
			if len(keys.High) > spaceBytes {
				loss.Keys.High = keys.High[spaceBytes:]
			}
			s.report.Losses = append(s.report.Losses, loss)
		}
	}
}
