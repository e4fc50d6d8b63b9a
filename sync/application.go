package sync

import (
	"bytes"
	"maps"
	"strconv"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// application is a chunk on its way into the tables, within one transaction.
type application struct {
	tx     *store.Tx
	rows   *store.Table
	staged *store.Table // nil where the chunk goes into what is shown
	to     *Position
}

// laid is what becomes of a row; one of staged is stored as {key, row}, with null for a
// row that goes.
type laid struct {
	identity, key []byte // the same, as MessagePack and as the tables have it
	doc           []byte // nil where it goes
}

// batch is how many rows are moved at a time.
const batch = 2000

var (
	keyPath = query.Field("key")
	rowPath = query.Field("row")
	null    = query.AppendValue(nil, nil)
)

// identity is where rows have their key.
func (c Columns) identity() query.Path {
	if keys := c.key(); len(keys) == 1 {
		return query.Field(keys[0])
	}
	return query.Field(compositeKey)
}

// limited asks for n documents, whichever they are.
func limited(n int64) *query.Query {
	q := all()
	q.Limit = n
	return q
}

func all() *query.Query {
	q, err := query.Select(nil)
	if err != nil {
		panic(err) // no filter is always one
	}
	return q
}

// add brings the changes of a chunk to where they belong. A first pull does not mix its
// rows with others.
func (a *application) add(c *Chunk) error {
	fresh := !a.to.Complete && a.to.Rows == 0
	if fresh && a.staged == nil {
		n, err := a.rows.Count(a.tx, limited(1))
		if err != nil {
			return err
		}
		if n > 0 {
			return &store.Error{Code: store.NotEmpty, Op: "pull a shape", Name: a.rows.Name()}
		}
	}
	after, err := a.fold(c)
	if err != nil {
		return err
	}
	if a.staged != nil {
		return a.stage(after)
	}
	var put, gone [][]byte
	for _, row := range after {
		if row.doc != nil {
			put = append(put, row.doc)
		} else {
			gone = append(gone, row.key)
		}
	}
	return a.replace(put, gone)
}

// fold finds what becomes of each row in the end, and counts rows and hashes on the way.
func (a *application) fold(c *Chunk) ([]laid, error) {
	names := a.to.Schema.hashed()
	sum, err := strconv.ParseUint(a.to.Checksum, 16, 64)
	verified := err == nil && c.Rows >= 0
	// The rows of a first pull are new, as the checksum will show: they need not be looked up.
	look := a.to.Complete || a.staged != nil
	for i := range c.Changes {
		look = look || !c.Changes[i].added
	}
	places := make(map[string]int, len(c.Changes))
	after := make([]laid, 0, len(c.Changes))
	for i := range c.Changes {
		change := &c.Changes[i]
		row := laid{identity: query.AppendValue(nil, change.Key)}
		if row.key, err = store.AppendIdentity(nil, row.identity); err != nil {
			return nil, err
		}
		at, met := places[string(row.key)]
		var before []byte
		if met {
			before = after[at].doc
		} else if look {
			if before, err = a.before(row.key); err != nil {
				return nil, err
			}
		}
		if change.partial && before == nil {
			continue // of a row that has left the shape
		}
		a.to.Inexact = a.to.Inexact || !change.exact
		verified = verified && (before == nil || !a.to.Inexact)
		columns, hash := change.Row, change.hash
		if before != nil {
			a.to.Rows--
			if verified || change.partial {
				was, err := readDocument(before)
				if err != nil {
					return nil, err
				}
				if verified {
					sum -= a.to.Schema.hashRow(was, names)
				}
				if change.partial {
					maps.Copy(was, columns)
					columns, hash = was, a.to.Schema.hashRow(was, names)
				}
			}
		}
		if columns != nil {
			a.to.Rows++
			sum += hash
			row.doc = query.AppendValue(nil, columns)
		}
		if met {
			after[at] = row
			continue
		}
		places[string(row.key)] = len(after)
		after = append(after, row)
	}
	a.to.Checksum = ""
	if verified {
		a.to.Checksum = writeSum(sum)
	}
	return after, nil
}

func readDocument(doc []byte) (map[string]any, error) {
	v, _ := query.ReadValue(doc)
	columns, ok := v.(map[string]any)
	if !ok {
		return nil, &store.Error{Code: store.Corrupt, Op: "read a row"}
	}
	return columns, nil
}

// before returns a row as it is before the chunk, nil where there is none: as it was
// laid beside what is shown, or else as that is, unless another generation is coming.
func (a *application) before(key []byte) ([]byte, error) {
	if a.staged != nil {
		doc, found, err := a.staged.Get(a.tx, key)
		if err != nil {
			return nil, err
		}
		if found {
			_, row, err := readLaid(doc)
			return row, err
		}
		if a.to.Staging == stagedGeneration {
			return nil, nil
		}
	}
	doc, _, err := a.rows.Get(a.tx, key)
	return doc, err
}

// readLaid reads a document of staged: the identity, and the row or nil.
func readLaid(doc []byte) (identity, row []byte, err error) {
	identity, _, err = query.Lookup(doc, keyPath)
	if err != nil {
		return nil, nil, err
	}
	row, _, err = query.Lookup(doc, rowPath)
	if bytes.Equal(row, null) {
		row = nil
	}
	return identity, row, err
}

// stage lays rows beside what is shown.
func (a *application) stage(after []laid) error {
	docs := make([][]byte, len(after))
	for i, row := range after {
		var columns any
		if row.doc != nil {
			columns = query.Raw(row.doc)
		}
		docs[i] = query.AppendValue(nil, map[string]any{"key": query.Raw(row.identity), "row": columns})
	}
	_, err := a.staged.Put(a.tx, docs)
	return err
}

// show has what was laid beside take the place of what is shown, row by row where it
// differs.
func (a *application) show() error {
	whole := a.to.Staging == stagedGeneration
	kept := map[string]bool{}
	var put, gone [][]byte
	err := a.staged.Find(a.tx, all(), func(doc []byte) error {
		identity, row, err := readLaid(doc)
		if err != nil {
			return err
		}
		key, err := store.AppendIdentity(nil, identity)
		if err != nil {
			return err
		}
		shown, found, err := a.rows.Get(a.tx, key)
		switch {
		case err != nil:
			return err
		case row == nil && found:
			gone = append(gone, key)
		case row != nil && !bytes.Equal(row, shown):
			put = append(put, row)
		}
		if whole && row != nil {
			kept[string(key)] = true
		}
		return nil
	})
	if err == nil && whole {
		gone, err = a.swept(kept, gone)
	}
	if err == nil {
		err = a.replace(put, gone)
	}
	if err != nil {
		return err
	}
	return a.staged.Truncate(a.tx)
}

// swept adds the keys of all rows that are shown and not kept.
func (a *application) swept(kept map[string]bool, gone [][]byte) ([][]byte, error) {
	path := a.rows.Schema().Key
	err := a.rows.Find(a.tx, all(), func(doc []byte) error {
		identity, _, err := query.Lookup(doc, path)
		if err != nil {
			return err
		}
		key, err := store.AppendIdentity(nil, identity)
		if err == nil && !kept[string(key)] {
			gone = append(gone, key)
		}
		return err
	})
	return gone, err
}

// replace puts rows into what is shown and takes others out.
func (a *application) replace(put, gone [][]byte) error {
	for ; len(put) > 0; put = put[min(batch, len(put)):] {
		if _, err := a.rows.Put(a.tx, put[:min(batch, len(put))]); err != nil {
			return err
		}
	}
	for ; len(gone) > 0; gone = gone[min(batch, len(gone)):] {
		if _, err := a.rows.DeleteMany(a.tx, gone[:min(batch, len(gone))]); err != nil {
			return err
		}
	}
	return nil
}
