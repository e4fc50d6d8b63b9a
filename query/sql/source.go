package sql

import "github.com/stowage-db/stowage/query"

// Catalog tells what names mean while a statement is prepared.
type Catalog interface {
	// Table returns nil where there is none of that name.
	Table(name string) (*Table, error)
	// View returns the SELECT that a view stands for, and its columns' names where it
	// was given some.
	View(name string) (v *View, err error)
	// Version is another one where any definition may differ.
	Version() uint64
}

// View is a SELECT with a name.
type View struct {
	Name    string
	Columns []string
	Text    string
}

// Source reads and writes in one transaction.
type Source interface {
	// Scan hands to emit what an access meets, in its order. emit's error ends it and
	// is returned. r and what it holds are only for the call, unless the bytes are
	// never written again, which Stable tells.
	Scan(t *Table, a *Access, emit func(r *Record) error) error
	// About tells about how many entries of an index lie in ranges.
	About(t *Table, index int, ranges []query.KeyRange) (int64, error)
	// Stable reports whether the bytes of records stay as they are after the call.
	Stable() bool

	// Next tells the identity that Insert would give a document now, of a table of which
	// identities are integers.
	Next(t *Table) (int64, error)
	// Insert adds a document, with an identity if it lacks one, and returns it as it
	// was stored. Where its identity or what a unique index says of it is taken it
	// does nothing but tell by which record.
	Insert(t *Table, doc []byte) (stored []byte, taken *Conflict, err error)
	// Replace puts a document in the place of old, that of an identity, of which it may have
	// another one. old is nil where nobody knows whether it is still the one that was read.
	// members, unless it is nil, names those in which they may differ, none of which is a map
	// or a list in doc.
	Replace(t *Table, key, old, doc []byte, members []string) (stored []byte, taken *Conflict, err error)
	// Delete takes the document of an identity away.
	Delete(t *Table, key []byte) error
	// Define carries out a CREATE, DROP or ALTER.
	Define(d *Definition) error
	// Table is that of a Catalog after what was defined.
	Table(name string) (*Table, error)

	// Work is called after each n units of work, of which a row is one. Its error
	// ends the statement: cancellation, limits.
	Work(n int) error
	// Ceiling is how many bytes a statement may hold before it asks for a Spool.
	Ceiling() int
	// Spool returns an empty ordered run outside of memory.
	Spool() (Spool, error)
}

// Access says what to read of a table.
type Access struct {
	// Index is the position of an index of the table; −1 is the documents, whose keys
	// are identities. The ranges are ascending and disjoint; none: everything.
	Index  int
	Ranges []query.KeyRange
	// Reverse: from the last range's end to the first one's beginning.
	Reverse bool
	// Documents: the document is needed; otherwise the entry is enough.
	Documents bool
	// Keys: the identity is needed for longer than the call. That of an entry is there for the call anyway.
	Keys bool
	// Many, if not nil, is handed documents instead of emit, at least one at once, wherever that
	// is less work, and their identities where Keys. The lists are only for the call.
	Many func(docs, keys [][]byte) error
	// Page, if not nil, is offered pages before Many is handed their documents. It takes one or does
	// nothing.
	Page func(p Page) (taken bool, err error)
}

// Record is one row of a table as it is stored.
type Record struct {
	Key   []byte // the identity, one component of a key; maybe nil where the access does not need it
	Entry []byte // the index's entry, identity included, for the call only; nil without an index
	Doc   []byte // the document; nil where the access does not need it
}

// Conflict is what a document cannot be stored besides.
type Conflict struct {
	Index int    // the unique index that says so; −1: the identity
	Key   []byte // the identity of the record in the way
}

// Spool is a run of rows outside of memory, ordered by their keys; those with equal
// keys in the order in which they came.
type Spool interface {
	Add(key, row []byte) error
	// Each hands out the rows of a range of keys, whose bytes are only for the call. emit
	// may ask for others, and adds none.
	Each(within query.KeyRange, emit func(key, row []byte) error) error
	Close() error
}

// Definition is a CREATE, DROP or ALTER, as far as it is not said in Table.
type Definition struct {
	Kind  DefinitionKind
	Name  string // of the table, index or view
	Table string // the table of an index
	// Lenient: IF EXISTS or IF NOT EXISTS.
	Lenient bool

	Columns []Column // of a new table
	Types   []string // their declared types, as written
	// Key is the column that is the identity, −1 for one that the engine makes up.
	Key int
	// Integer: the identity is an INTEGER PRIMARY KEY.
	Integer bool
	Unique  [][]int  // further columns that are unique together
	Checks  []string // expressions
	View    *View    // of a new view

	Paths []string // names of the columns of a new index
	Once  bool     // it is unique
}

// DefinitionKind tells what a Definition does.
type DefinitionKind uint8

// The kinds of definitions.
const (
	CreateTable DefinitionKind = iota
	DropTable
	CreateIndex
	DropIndex
	CreateView
	DropView
	AddColumn    // Table and Columns[0]
	DropColumn   // Table and Name
	RenameTable  // Table; Name: the new one
	RenameColumn // Table and Name; Paths[0]: the new name
	Analyze      // Name: a table or index, "" for all
	Reindex
)
