package store

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/stowage-db/stowage/query"
)

// Table is a database of documents: MessagePack maps, each with an identity, under
// whose key (see query.AppendKeyRaw) the document is stored as it came. Beside
// it, a table named t has the databases
//
//	t 0x00 index        one for each index, see entries
//	t 0x00 index 0x00   how far an index has been built, see buildSlice
//	t 0x00              the greatest integer identity ever used, if the table increments
//
// They are written in the same transactions. A Table may be used by several
// goroutines; the transactions it is given may not.
type Table struct {
	name    string
	kind    IdentityKind           // nil where documents bring their own, or are counted
	layout  atomic.Pointer[layout] // nil where a statement is the first to open it
	answers answers
}

// layout is a schema made ready for use. It belongs to the meta it was made of:
// another program may add an index, and a snapshot may be from before that.
type layout struct {
	sessions sync.Pool // of *session, ended

	meta    []byte
	schema  Schema
	extract *query.Extractor
	names   []string // of the indexes' databases

	// Which of the extracted offsets are the identity's and each index's paths'.
	identity int
	slots    [][]int
}

func newLayout(table string, schema Schema) *layout {
	l := &layout{meta: schema.append(nil), schema: schema}
	paths := []query.Path{schema.Key}
	for _, index := range schema.Indexes {
		paths = append(paths, index.Paths...)
		l.names = append(l.names, table+"\x00"+index.Name)
	}
	l.extract = query.NewExtractor(paths)
	l.identity = l.extract.Slot(0)
	next := 1
	for _, index := range schema.Indexes {
		slots := make([]int, len(index.Paths))
		for i := range slots {
			slots[i] = l.extract.Slot(next)
			next++
		}
		l.slots = append(l.slots, slots)
	}
	return l
}

// Table opens a table, creates it where there is none, builds the indexes it lacks,
// and removes those it should not have any more. progress, which may be nil, is told
// how many of the documents have been indexed.
//
// The table is changed in one transaction. Only indexes for many documents are built
// in further ones, a slice of the documents in each, between which others write; queries do
// not use such an index until it is finished. Who gives up under way, or crashes, leaves
// what was done: the next Table that asks for the index goes on there, as does one of another
// program meanwhile. A unique index refuses what it knows to be taken from the beginning; when
// it meets two documents with the same values, all indexes that this call has asked for and
// that are not finished are removed.
//
// Errors: InvalidArgument and InvalidPath for a schema that makes no sense;
// SchemaMismatch where the table, or an index of the same name, was made
// otherwise, or where the table is open in this environment with an IdentityKind that is
// another one, or with none; DuplicateKey where a new unique index cannot be; Aborted; and what
// the engine reports.
func (e *Env) Table(ctx context.Context, name string, schema Schema, progress func(done, total int64)) (*Table, error) {
	if err := schema.check(name); err != nil {
		return nil, err
	}
	if err := e.mergeable(name, &schema); err != nil {
		return nil, err
	}
	if err := e.identify(name, schema.Identity, false); err != nil {
		return nil, err
	}
	t := newTable(name)
	t.kind = schema.Identity
	ready := false
	err := e.View(ctx, func(tx *Tx) (err error) {
		ready, err = t.ready(tx, &schema)
		return err
	})
	if err == nil && !ready {
		err = e.Update(ctx, func(tx *Tx) error { return t.build(tx, &schema, progress) })
		if err == nil {
			err = t.finish(ctx, e, &schema, progress)
		}
	}
	if err == nil {
		err = e.identify(name, schema.Identity, true)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

func newTable(name string) *Table {
	return &Table{name: name, answers: answers{size: defaultAnswers}}
}

// OpenTable opens a table with the schema it has. It fails with NotFound where
// there is none.
func (tx *Tx) OpenTable(name string) (*Table, error) {
	if !isTableName(name) {
		return nil, fail(NotFound, "open table", name, nil)
	}
	db, err := tx.database(name, false, 0)
	if err != nil {
		return nil, err
	}
	schema, err := readSchema(name, db.Meta())
	if err != nil {
		return nil, err
	}
	t := newTable(name)
	t.layout.Store(newLayout(name, schema))
	return t, nil
}

// Table opens a table in a transaction: with the schema it has, whatever the indexes
// asked for; made as asked where there is none. A migration finds its tables so: new
// ones are there, and old ones are not indexed before their documents are what they
// should be. It fails as Env.Table does.
func (tx *Tx) Table(name string, schema Schema) (*Table, error) {
	if err := schema.check(name); err != nil {
		return nil, err
	}
	if err := tx.env.mergeable(name, &schema); err != nil {
		return nil, err
	}
	t := newTable(name)
	t.kind = schema.Identity
	db, err := tx.tableDB(name, &schema)
	if err != nil {
		return nil, err
	}
	if db.Meta() == nil {
		return t, t.build(tx, &schema, nil)
	}
	stored, err := readSchema(name, db.Meta())
	if err == nil {
		_, err = stored.reshape(name, &Schema{Key: schema.Key})
	}
	if err != nil {
		return nil, err
	}
	t.layout.Store(newLayout(name, stored))
	return t, nil
}

// tableDB opens the database of a table's documents, and makes it as asked.
func (tx *Tx) tableDB(name string, asked *Schema) (*DB, error) {
	var flags Flags
	if asked.Uncompressed {
		flags = Uncompressed
	}
	if len(name) > MaxNameBytes {
		return nil, fail(InvalidArgument, "open table: name", "", nil)
	}
	db, err := tx.database(name, tx.writable, flags)
	if err == nil && db.flags&flags != flags {
		return nil, fail(SchemaMismatch, "open table: it was made to be compressed", name, nil)
	}
	return db, err
}

func isTableName(name string) bool {
	return name != "" && name != reservedTable && strings.IndexByte(name, 0) < 0
}

// DefaultTable is the name of the table that JavaScript's db.table() means: a program that has one
// table need not find a name for it.
const DefaultTable = "_default"

// reservedTable is a name that no table can have, for what is not of any.
const reservedTable = "\x01"

// Tables lists the names of all tables, ascending.
func (tx *Tx) Tables() ([]string, error) {
	all, err := tx.catalogued(KeyRange{Low: []byte{1}})
	return slices.DeleteFunc(all, func(name string) bool { return strings.IndexByte(name, 0) >= 0 }), err
}

// Name is the table's name.
func (t *Table) Name() string { return t.name }

// Schema is what the table was last seen to have.
func (t *Table) Schema() Schema { return t.layout.Load().schema }

// ready reports whether the table has all that is asked for.
func (t *Table) ready(tx *Tx, asked *Schema) (bool, error) {
	db, err := tx.tableDB(t.name, asked)
	if CodeOf(err) == NotFound {
		return false, nil
	}
	if err != nil || db.Meta() == nil {
		return false, err
	}
	stored, err := readSchema(t.name, db.Meta())
	if err != nil {
		return false, err
	}
	r, err := stored.reshape(t.name, asked)
	t.layout.Store(newLayout(t.name, stored))
	missing := len(r.added) + len(r.removed) + len(stored.unfinished(asked))
	return missing == 0 && r.schema.Increment == stored.Increment, err
}

// build brings the table to what is asked for, but for indexes of more documents than
// one slice has: those it leaves unfinished.
func (t *Table) build(tx *Tx, asked *Schema, progress func(done, total int64)) error {
	db, err := tx.tableDB(t.name, asked)
	if err != nil {
		return err
	}
	r := reshaping{schema: *asked, added: asked.Indexes}
	r.schema.Uncompressed, r.schema.Exact, r.schema.Unfinished, r.schema.Identity = false, false, 0, nil
	total, err := db.Count(KeyRange{})
	if err != nil {
		return err
	}
	if db.Meta() != nil {
		stored, err := readSchema(t.name, db.Meta())
		if err != nil {
			return err
		}
		if r, err = stored.reshape(t.name, asked); err != nil {
			return err
		}
	}
	if total > 0 {
		r.schema.Unfinished += len(r.added)
	}
	if err := t.dropIndexes(tx, r.removed); err != nil {
		return err
	}
	if err := t.reshape(tx, db, r.schema); err != nil {
		return err
	}
	// All there is of it is made now: whoever makes a database later conflicts with others who do.
	beside := t.layout.Load().names
	if r.schema.Increment {
		beside = append(beside[:len(beside):len(beside)], t.counterName())
	}
	for _, name := range beside {
		if _, err := tx.inner(name); err != nil {
			return err
		}
	}
	if total == 0 || total > sliceDocuments || len(r.added) == 0 {
		return nil
	}
	_, err = t.buildSlice(tx, r.added)
	if err == nil && progress != nil {
		progress(total, total)
	}
	return err
}

// reshape gives the table another schema.
func (t *Table) reshape(tx *Tx, docs *DB, schema Schema) error {
	l := newLayout(t.name, schema)
	t.layout.Store(l)
	return docs.SetMeta(l.meta)
}

// session is a table within one call of a transaction.
type session struct {
	*layout
	table   *Table
	tx      *Tx
	docs    *DB
	indexes []*DB
	claims  []claims // on the unique indexes
	counter counter

	document int        // which of the call's documents is at hand
	offsets  []int      // of its values
	before   []int      // of those in the one it takes the place of
	key      []byte     // of its identity
	entries  [2]entries // its entries in an index, and those of its predecessor
	room     []byte     // what documents that are put together anew are cut from
}

// open prepares a table for one call.
func (t *Table) open(tx *Tx) (*session, error) {
	docs, err := tx.database(t.name, false, 0)
	if err != nil {
		return nil, err
	}
	l := t.layout.Load()
	if meta := docs.Meta(); l == nil || !bytes.Equal(meta, l.meta) {
		if meta == nil {
			return nil, fail(NotFound, "open table", t.name, nil)
		}
		schema, err := readSchema(t.name, meta)
		if err != nil {
			return nil, err
		}
		l = newLayout(t.name, schema)
		t.layout.Store(l)
	}
	return newSession(t, tx, l, docs)
}

func newSession(t *Table, tx *Tx, l *layout, docs *DB) (*session, error) {
	s, ended := l.sessions.Get().(*session)
	if !ended {
		s = &session{layout: l, indexes: make([]*DB, len(l.names))}
	}
	s.table, s.tx, s.docs = t, tx, docs
	if !tx.Writable() {
		return s, nil // an index is opened when it is read
	}
	if s.offsets == nil {
		s.claims = make([]claims, len(l.names))
		s.offsets = l.extract.Offsets()
	}
	for i, name := range l.names {
		var err error
		if s.indexes[i], err = tx.inner(name); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// end lets the next call have what the session has allocated. Nothing of it may be
// used any more.
func (s *session) end() {
	clear(s.indexes)
	for i := range s.claims {
		s.claims[i] = claims{room: s.claims[i].room[:0], list: s.claims[i].list[:0]}
	}
	s.table, s.tx, s.docs = nil, nil, nil
	s.counter, s.document, s.room = counter{}, 0, nil
	s.sessions.Put(s)
}

// failed says of an error by which table's operation it was met. Errors of the
// engine, which say that themselves, pass as they are.
func (t *Table) failed(op string, err error) error {
	switch err.(type) {
	case *query.Error:
		return fail(CodeOf(err), op, t.name, err)
	default:
		return err
	}
}
