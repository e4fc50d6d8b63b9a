package store

import (
	"bytes"
	"context"
	"io"
	"math"
	"slices"

	"github.com/tinylib/msgp/msgp"
)

// ImportOptions say what Import may do. The zero value is usable.
type ImportOptions struct {
	// Replace lets Import drop what the environment holds, in the same transaction.
	Replace bool
	// Modifiers are the stages that the export needs, where they are not the
	// environment's own: another passphrase than its own, or the same one for the export of another environment.
	// One with keys must not be in use by an environment.
	Modifiers []Modifier
	// Progress is told how many entries were read, of about how many.
	Progress func(done, total int64)
}

// Import reads a stream that Export wrote, to its end, in one transaction, on
// any backend: readers see the environment as it was until all of it is there.
// It holds a few megabytes at a time, and the largest value.
//
// Afterwards the environment holds what the exported one did. A database that
// the stream does not have stays, empty. Tables that are open go on with the
// schema that was imported: open them again to have indexes built that it lacks.
//
// Errors: NotEmpty where something is held already, unless Replace is set;
// Corrupt for a stream that is cut, damaged or no export; NewerFormat;
// MissingModifier; KeyRequired, WrongKey, CorruptHeader, Tampered for one that is encrypted, NotEncrypted where
// ImportOptions have a key for one that is not; TooLarge for a value over Options.MaxValueBytes; Conflict where
// others wrote meanwhile; BackendFailed where in fails; Aborted, Quota, Closed.
// After any of them nothing has changed.
func (e *Env) Import(ctx context.Context, in io.Reader, options ImportOptions) error {
	tx, err := e.Begin(ctx, true)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	l, err := newLoader(tx, options.Replace)
	if err != nil {
		return err
	}
	r := &partReader{ctx: ctx, in: in, sealer: e.pages.sealer}
	if options.Modifiers != nil {
		if r.sealer, err = newSealer(options.Modifiers); err != nil {
			return err
		}
		r.foreign, r.sealer.loading.scheduler = true, e.scheduler
	}
	if err := l.load(r, options.Progress); err != nil {
		return err
	}
	if err := l.finish(); err != nil {
		return err
	}
	tx.SetDurability(Strict)
	return tx.Commit(ctx)
}

// loader is the sink that fills an environment. Every database gets an id that
// was never given out, so its entries ascend above all that is stored.
type loader struct {
	tx      *Tx
	replace bool
	last    space             // greatest id given out
	others  map[string][]byte // databases that are there and not loaded, by catalogue name
	names   []byte            // the name of the last database
	into    space             // its id
	key     []byte            // the last whole key

	databases int64
	entries   int64
}

var _ sink = (*loader)(nil)

// newLoader looks at what there is. Unless it is to be replaced, it must be
// nothing but databases without an entry.
func newLoader(tx *Tx, replace bool) (*loader, error) {
	l := &loader{tx: tx, replace: replace, others: make(map[string][]byte)}
	greatest, found, err := tx.names().get(nil)
	if err != nil {
		return nil, err
	}
	if found {
		id, _, err := msgp.ReadUint32Bytes(greatest)
		if err != nil {
			return nil, fail(Corrupt, "import: last id", "", nil)
		}
		l.last = space(id)
	}
	err = l.look(catalogue.bounds(KeyRange{Low: []byte{0}}), func(key, stored []byte) (bool, error) {
		if private(key) {
			return true, nil
		}
		db, ok := decodeDatabase(stored)
		if !ok {
			return false, fail(Corrupt, "import: catalogue", "", nil)
		}
		l.others[string(key)] = bytes.Clone(stored)
		if replace {
			return true, nil
		}
		return true, l.look(db.space.bounds(KeyRange{}), func([]byte, []byte) (bool, error) {
			return false, fail(NotEmpty, "import", "", nil)
		})
	})
	return l, err
}

// look visits entries of one database in order, as long as visit wants more.
func (l *loader) look(bounds KeyRange, visit func(key, value []byte) (bool, error)) error {
	l.tx.noteRead(bounds)
	m := newMerge(l.tx.sources(bounds), bounds)
	for m.seek(nil); m.valid(); m.next() {
		e, err := m.entry()
		if err != nil {
			return err
		}
		if e.kind == deleted {
			continue
		}
		value, err := l.tx.in.value(e)
		if err != nil {
			return err
		}
		if more, err := visit(m.key()[spaceBytes:], value); err != nil || !more {
			return err
		}
	}
	return m.err()
}

// load reads a whole export.
func (l *loader) load(r *partReader, progress func(done, total int64)) error {
	head, err := r.begin()
	if err != nil {
		return err
	}
	total := int64(min(head.numbers[1], math.MaxInt64))
	for {
		it, err := r.item()
		if err != nil {
			return err
		}
		switch it.kind {
		case databaseItem:
			err = l.database(it.name, it.bytes)
		case entryItem:
			err = l.entry(it.name, it.bytes)
		case largeItem:
			err = l.large(r, it)
		case endItem:
			if progress != nil {
				progress(l.entries, max(total, l.entries))
			}
			return r.finish(it, l.databases, l.entries)
		default:
			err = r.damaged("an item out of place")
		}
		if err != nil {
			return err
		}
		if progress != nil && l.entries%progressEntries == 0 && it.kind == entryItem {
			progress(l.entries, max(total, l.entries))
		}
	}
}

// large puts a value together from its pieces.
func (l *loader) large(r *partReader, it item) error {
	size := it.numbers[0]
	if size > uint64(l.tx.env.options.MaxValueBytes) {
		return fail(TooLarge, "import: value", "", nil)
	}
	var value []byte // what size claims is not believed before it has come
	for uint64(len(value)) < size {
		piece, err := r.item()
		if err != nil {
			return err
		}
		if piece.kind != pieceItem || len(piece.bytes) == 0 || uint64(len(value)+len(piece.bytes)) > size {
			return r.damaged("a large value")
		}
		value = append(value, piece.bytes...)
	}
	return l.entry(it.name, value)
}

// database implements sink.
func (l *loader) database(name, stored []byte) error {
	if len(name) == 0 || len(name) > MaxKeyBytes || bytes.Compare(name, l.names) <= 0 {
		return fail(Corrupt, "import: name of a database", "", nil)
	}
	l.names = bytes.Clone(name)
	delete(l.others, string(name))
	l.databases++
	l.key = nil
	return l.enter(name, stored)
}

// enter gives a database a new id in the catalogue.
func (l *loader) enter(name, stored []byte) error {
	db, ok := decodeDatabase(stored)
	if !ok {
		return fail(Corrupt, "import: catalogue entry", "", nil)
	}
	if l.last+1 >= uncompressed {
		return fail(TooLarge, "import: no id is left", "", nil)
	}
	l.last++
	l.into = db.flags.within(l.last)
	db.space = l.into
	if l.replace {
		l.tx.noteEmptied(string(name))
	}
	return l.set(catalogue.whole(name), db.encode())
}

// entry implements sink. The value becomes the loader's.
func (l *loader) entry(key, value []byte) error {
	whole := l.into.whole(key)
	switch {
	case l.databases == 0 || len(key) == 0 || len(key) > MaxKeyBytes || l.key != nil && bytes.Compare(whole, l.key) <= 0:
		return fail(Corrupt, "import: key", "", nil)
	case len(value) > l.tx.env.options.MaxValueBytes:
		return fail(TooLarge, "import: value", "", nil)
	}
	l.key = whole
	l.entries++
	return l.set(whole, value)
}

func (l *loader) set(whole, value []byte) error {
	var into *spaceWrites
	if err := l.tx.set(&into, whole, entry{value: value}); err != nil {
		return err
	}
	return l.tx.Work(len(whole) + len(value) + memoryEntryBytes)
}

// finish empties the databases that were not loaded, and notes the last id.
func (l *loader) finish() error {
	names := make([][]byte, 0, len(l.others))
	for name := range l.others {
		names = append(names, []byte(name))
	}
	slices.SortFunc(names, bytes.Compare)
	for _, name := range names {
		if err := l.enter(name, l.others[string(name)]); err != nil {
			return err
		}
	}
	if l.databases == 0 && len(l.others) == 0 {
		return nil
	}
	return l.set(catalogue.whole(nil), msgp.AppendUint32(nil, uint32(l.last)))
}
