package store

import (
	"bytes"
	"slices"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
)

// Schema says what a table's documents are known by. It is kept with the table,
// as the meta of its database:
//
//	array of 4, of 5 in version 2, of 7 in version 3
//	  version    uint   1, or 2 while indexes are being built, or 3 where columns are declared
//	  key        array of segments: where a document has its identity
//	  increment  bool
//	  indexes    array of arrays of 4: name str, paths array, multi bool, unique bool
//	  unfinished uint   from version 2: how many of the indexes, the last ones, are being built
//	  columns    array of arrays of 6, in version 3: name, type, collation str, not null bool, default, generated str
//	  checks     array of str, in version 3
type Schema struct {
	// Key leads to a document's identity, which no other document of the table has.
	Key query.Path
	// Increment gives documents without an identity the next integer. Key must
	// then be a single name. Once a table increments, it always does.
	Increment bool
	// Identity makes identities for documents that come without, and tells of those that others
	// bring whether they are of its kind. It is for a table that does not increment; Key must
	// then be a single name. It is not kept with the table: every program that writes there
	// names it, and statements of SQL know nothing of it.
	Identity IdentityKind
	// Indexes are kept up to date with every write. One that is not named any more
	// stays, for other programs that know it, unless the schema is Exact.
	Indexes []IndexSpec
	// Uncompressed makes a new table, and its indexes, so that compressing stages keep away
	// from it; see the flag of that name. Of one that was made without, it is a
	// SchemaMismatch. It is kept with the table's databases.
	Uncompressed bool
	// Exact has Env.Table remove the indexes that are not named, and build anew those
	// that were made otherwise. It is not kept with the table.
	Exact bool
	// Unfinished tells of a table's schema how many of the indexes, the last ones, are
	// still being built: they are written, and not read yet. It is not asked for.
	Unfinished int
	// Columns are those that SQL declares, none where a table was made otherwise; Checks
	// are expressions that none of its statements may make false. Who asks for a table that
	// is there need not name them.
	Columns []Column
	Checks  []string
}

// IndexSpec is an index: the paths of its components, whether there is an entry
// for each element of the list at its only path (Multi), and whether no two
// documents may have the same values (Unique). Documents where a value is
// missing, null or without order are never in each other's way.
type IndexSpec = query.Index

const (
	schemaVersion     = 1
	unfinishedVersion = 2
	declaredVersion   = 3
)

// check fails with InvalidArgument or InvalidPath where a schema makes no sense.
func (s *Schema) check(table string) error {
	invalid := func(what string) error { return fail(InvalidArgument, "open table: "+what, table, nil) }
	if !isTableName(table) {
		return invalid("name")
	}
	if err := s.Key.Check(); err != nil {
		return fail(CodeOf(err), "open table: key", table, err)
	}
	if s.Increment && (len(s.Key) != 1 || s.Key[0].Name == "") {
		return invalid("an incrementing key is a field of the document itself")
	}
	if s.Identity != nil && (s.Increment || len(s.Key) != 1 || s.Key[0].Name == "") {
		return invalid("identities are made for a field of the document itself that is not counted")
	}
	for i, index := range s.Indexes {
		switch {
		case index.Name == "" || strings.IndexByte(index.Name, 0) >= 0:
			return invalid("an index's name")
		case s.find(index.Name) != i:
			return invalid("two indexes of one name")
		case len(index.Paths) == 0:
			return invalid("an index without a path")
		case index.Multi && len(index.Paths) != 1:
			return invalid("a multi-entry index has one path")
		}
		for _, path := range index.Paths {
			if err := path.Check(); err != nil {
				return fail(CodeOf(err), "open table: index", table+"."+index.Name, err)
			}
		}
	}
	return nil
}

// find returns the position of an index, −1 if there is none of that name.
func (s *Schema) find(index string) int {
	for i := range s.Indexes {
		if s.Indexes[i].Name == index {
			return i
		}
	}
	return -1
}

// finished are the indexes that have an entry for every document.
func (s *Schema) finished() []IndexSpec { return s.Indexes[:len(s.Indexes)-s.Unfinished] }

// unfinished are those of the indexes asked for that are still being built.
func (s *Schema) unfinished(asked *Schema) (indexes []IndexSpec) {
	for _, index := range s.Indexes[len(s.Indexes)-s.Unfinished:] {
		if asked.find(index.Name) >= 0 {
			indexes = append(indexes, index)
		}
	}
	return indexes
}

// without returns the schema without some of its unfinished indexes; with kept they
// are finished instead.
func (s *Schema) without(indexes []IndexSpec, kept bool) Schema {
	r := *s
	r.Indexes = slices.Clone(s.finished())
	if kept {
		r.Indexes = append(r.Indexes, indexes...)
	}
	r.Unfinished = 0
	for _, index := range s.Indexes[len(s.Indexes)-s.Unfinished:] {
		if !slices.ContainsFunc(indexes, func(x IndexSpec) bool { return x.Name == index.Name }) {
			r.Indexes = append(r.Indexes, index)
			r.Unfinished++
		}
	}
	return r
}

// reshaping is what becomes of a stored schema when another one is asked for.
type reshaping struct {
	schema         Schema
	added, removed []IndexSpec
}

// reshape returns what becomes of the stored schema s when asked is asked for. It
// fails with SchemaMismatch where the two contradict.
func (s *Schema) reshape(table string, asked *Schema) (r reshaping, err error) {
	if !s.Key.Equal(asked.Key) {
		return r, fail(SchemaMismatch, "open table: another key", table, nil)
	}
	r.schema = Schema{Key: s.Key, Increment: s.Increment || asked.Increment, Columns: s.Columns, Checks: s.Checks}
	finished := len(s.finished())
	for at, index := range s.Indexes {
		i := asked.find(index.Name)
		switch {
		case i < 0 && !asked.Exact, i >= 0 && bytes.Equal(appendIndex(nil, index), appendIndex(nil, asked.Indexes[i])):
			r.schema.Indexes = append(r.schema.Indexes, index)
			if at >= finished {
				r.schema.Unfinished++
			}
		case asked.Exact:
			r.removed = append(r.removed, index)
		default:
			return r, fail(SchemaMismatch, "open table: another index of this name", table+"."+index.Name, nil)
		}
	}
	for _, index := range asked.Indexes {
		if r.schema.find(index.Name) < 0 {
			r.schema.Indexes = append(r.schema.Indexes, index)
			r.added = append(r.added, index)
		}
	}
	return r, nil
}

// version is the first version that can say all of the schema.
func (s *Schema) version() uint {
	switch {
	case s.declared():
		return declaredVersion
	case s.Unfinished > 0:
		return unfinishedVersion
	default:
		return schemaVersion
	}
}

// schemaFields is how many values the stored form has, by version.
var schemaFields = [...]int{schemaVersion: 4, unfinishedVersion: 5, declaredVersion: 7}

// append appends the stored form.
func (s *Schema) append(dst []byte) []byte {
	version := s.version()
	dst = msgp.AppendArrayHeader(dst, uint32(schemaFields[version]))
	dst = msgp.AppendUint(dst, version)
	dst = s.Key.Append(dst)
	dst = msgp.AppendBool(dst, s.Increment)
	dst = msgp.AppendArrayHeader(dst, uint32(len(s.Indexes)))
	for _, index := range s.Indexes {
		dst = appendIndex(dst, index)
	}
	if version >= unfinishedVersion {
		dst = msgp.AppendUint(dst, uint(s.Unfinished))
	}
	if version < declaredVersion {
		return dst
	}
	dst = msgp.AppendArrayHeader(dst, uint32(len(s.Columns)))
	for i := range s.Columns {
		dst = s.Columns[i].append(dst)
	}
	dst = msgp.AppendArrayHeader(dst, uint32(len(s.Checks)))
	for _, check := range s.Checks {
		dst = msgp.AppendString(dst, check)
	}
	return dst
}

func appendIndex(dst []byte, index IndexSpec) []byte {
	dst = msgp.AppendArrayHeader(dst, 4)
	dst = msgp.AppendString(dst, index.Name)
	dst = msgp.AppendArrayHeader(dst, uint32(len(index.Paths)))
	for _, path := range index.Paths {
		dst = path.Append(dst)
	}
	dst = msgp.AppendBool(dst, index.Multi)
	return msgp.AppendBool(dst, index.Unique)
}

// readSchema reads the stored form. It fails with NewerFormat or Corrupt.
func readSchema(table string, stored []byte) (s Schema, err error) {
	r := schemaReader{b: stored}
	fields := r.array(-1)
	version := r.uint()
	if r.err == nil && (version < schemaVersion || version > declaredVersion) {
		return Schema{}, fail(NewerFormat, "read schema", table, nil)
	}
	s.Key = r.path()
	s.Increment = r.bool()
	for range r.array(-1) {
		r.array(4)
		index := IndexSpec{Name: r.string()}
		for range r.array(-1) {
			index.Paths = append(index.Paths, r.path())
		}
		index.Multi, index.Unique = r.bool(), r.bool()
		s.Indexes = append(s.Indexes, index)
	}
	if version >= unfinishedVersion {
		s.Unfinished = int(r.uint())
	}
	if version == declaredVersion {
		for range r.array(-1) {
			s.Columns = append(s.Columns, r.column())
		}
		for range r.array(-1) {
			s.Checks = append(s.Checks, r.string())
		}
	}
	if r.err == nil && len(r.b) == 0 {
		r.err = s.check(table)
	}
	if r.err != nil || len(r.b) > 0 || fields != schemaFields[version] || s.Unfinished < 0 || s.Unfinished > len(s.Indexes) {
		return Schema{}, fail(Corrupt, "read schema", table, r.err)
	}
	return s, nil
}

// schemaReader reads one value after the other and keeps the first error.
type schemaReader struct {
	b   []byte
	err error
}

// array reads the head of an array of n elements, of any number if n is −1.
func (r *schemaReader) array(n int) int {
	var size uint32
	if r.err == nil {
		size, r.b, r.err = msgp.ReadArrayHeaderBytes(r.b)
	}
	if r.err == nil && (n >= 0 && int(size) != n || int(size) > len(r.b)) {
		r.err = msgp.ErrShortBytes
	}
	if r.err != nil {
		return 0
	}
	return int(size)
}

func (r *schemaReader) uint() (u uint64) {
	if r.err == nil {
		u, r.b, r.err = msgp.ReadUint64Bytes(r.b)
	}
	return u
}

func (r *schemaReader) bool() (b bool) {
	if r.err == nil {
		b, r.b, r.err = msgp.ReadBoolBytes(r.b)
	}
	return b
}

func (r *schemaReader) string() (s string) {
	if r.err == nil {
		s, r.b, r.err = msgp.ReadStringBytes(r.b)
	}
	return s
}

func (r *schemaReader) path() query.Path {
	path := make(query.Path, r.array(-1))
	for i := range path {
		if msgp.NextType(r.b) == msgp.StrType {
			path[i].Name = r.string()
		} else {
			path[i].Index = int(r.uint())
		}
	}
	return path
}
