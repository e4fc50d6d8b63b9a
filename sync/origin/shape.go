package origin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stowage-db/stowage/store"
)

// definition is what tells shapes apart: a table, a filter in its canonical form
// and columns in the table's order. Its JSON is the shape's name in the sidecar.
type definition struct {
	Table   string   `json:"table"`
	Where   string   `json:"where,omitempty"`
	Columns []string `json:"columns,omitempty"` // empty for all that are allowed
}

func (d definition) name() string {
	name, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(name)
}

// plan is how a shape is read, of the table as it is now.
type plan struct {
	relation *Relation // with the shape's columns only
	keys     []int     // of the key's columns; none for a table without a key
	read     statement
	schema   string // the electric-schema header
}

// define finds out what a request means: the definition of its shape, and how
// that is read. A filter of nil is none.
func define(d dialect, r *Relation, filter expression, params []literal, columns []string) (definition, *plan, error) {
	def := definition{Table: r.Schema + "." + r.Name}
	p := &plan{relation: r}
	if len(columns) > 0 {
		narrowed, err := choose(r, columns)
		if err != nil {
			return def, nil, err
		}
		p.relation = narrowed
		for _, c := range narrowed.Columns {
			def.Columns = append(def.Columns, c.Name)
		}
	}
	condition := statement{}
	if filter != nil {
		canonical, err := renderFilter(canonicalDialect, r, filter, params)
		if err != nil {
			return def, nil, err
		}
		if condition, err = renderFilter(d, r, filter, params); err != nil {
			return def, nil, err
		}
		def.Where = canonical.sql
	}
	p.keys = p.relation.keys()
	p.schema = schemaOf(p.relation)
	p.read = statement{"SELECT " + d.texts(p.relation.Columns) + " FROM " + d.qualified(r), condition.args}
	if condition.sql != "" {
		p.read.sql += " WHERE " + condition.sql
	}
	return def, p, nil
}

// choose narrows a relation to columns by name, its key among them.
func choose(r *Relation, columns []string) (*Relation, error) {
	for _, name := range columns {
		if !slices.ContainsFunc(r.Columns, func(c Column) bool { return c.Name == name }) {
			return nil, failure(store.InvalidQuery, "select a column", name)
		}
	}
	for _, at := range r.keys() {
		if key := r.Columns[at].Name; !slices.Contains(columns, key) {
			return nil, failure(store.InvalidQuery, "select columns without the key's", key)
		}
	}
	return r.narrowed(func(c Column) bool { return slices.Contains(columns, c.Name) }), nil
}

// texts lists columns so that Postgres returns their texts. SQLite returns values
// as they are stored; the sign keeps the driver from making dates of them.
func (d dialect) texts(columns []Column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		if d == postgresDialect {
			list[i] = d.quote(c.Name) + "::text"
		} else {
			list[i] = "+" + d.quote(c.Name)
		}
	}
	return strings.Join(list, ", ")
}

// schemaOf returns the electric-schema header of a relation.
func schemaOf(r *Relation) string {
	b := []byte{'{'}
	for i, c := range r.Columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, c.Name)
		b = append(append(b, `:{"type":`...), asciiJSON(c.Type)...)
		b = appendMember(b, "dims", c.Dims, true)
		b = appendMember(b, "pk_index", c.Key-1, c.Key > 0)
		b = appendMember(b, "precision", c.Precision, c.Precision > 0)
		b = appendMember(b, "scale", c.Scale, c.Precision > 0)
		b = appendMember(b, "max_length", c.Length, c.Length > 0)
		if c.NotNull {
			b = append(b, `,"not_null":true`...)
		}
		b = append(b, '}')
	}
	return escapeHeader(append(b, '}'))
}

func appendMember(b []byte, name string, n int, present bool) []byte {
	if !present {
		return b
	}
	return strconv.AppendInt(append(append(append(b, ',', '"'), name...), '"', ':'), int64(n), 10)
}

func asciiJSON(s string) []byte { return appendJSON(nil, s) }

// escapeHeader writes JSON in ASCII, as headers are read as Latin-1.
func escapeHeader(j []byte) string {
	var b strings.Builder
	for _, r := range string(j) {
		if r < 0x7f {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16Of(r) {
			b.WriteString(`\u`)
			b.WriteString(hex.EncodeToString([]byte{byte(unit >> 8), byte(unit)}))
		}
	}
	return b.String()
}

// newHandle returns a name that no shape had before: what the shape is and when
// this generation of it began, in microseconds.
func newHandle(name, schema string, at int64) string {
	sum := sha256.Sum256([]byte(name + "\x00" + schema))
	return hex.EncodeToString(sum[:8]) + "-" + strconv.FormatInt(at, 10)
}

// shape is one that is kept up to date. All but what never changes is guarded by
// Origin.mu, and replaced as a whole when a refresh has been committed.
type shape struct {
	def  definition
	name string
	generation
	used    time.Time
	skimmed time.Time     // of the first look since the last full one that read the newest rows only; guarded by Origin.turn
	changed chan struct{} // closed when generation is replaced, or the shape dropped
}

// generation is the state of a shape since it had its handle.
type generation struct {
	id       int64 // in the sidecar
	handle   string
	schema   string
	start    int64 // the position of the snapshot
	floor    int64 // the log is kept from here
	rows     int64
	checksum uint64
	size     int64  // bytes of the snapshot
	logged   int64  // bytes of the log
	mark     string // the greatest watermark that was seen; "" for none
}
