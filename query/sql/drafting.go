package sql

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// drafting makes documents of an image, one after the other: new ones, and of those that are there
// others, in which only what has changed is written anew.
type drafting struct {
	*image
	told []bool // columns that are written where they are NULL too

	old    []byte // the document that was loaded
	fields []query.FieldAt
	means  []int  // which column each field is, −1 where it is none; as long as the longest document so far
	done   []bool // columns that were seen to
	room   []byte // of documents so far and to come
	body   []byte // of the one that is made: behind room for its head
	count  uint32 // of its fields
}

// mostRoom is how much is allocated at once, unless one document needs more: as much as one needs at
// first, for most statements write one.
const mostRoom = 16 << 10

const (
	headRoom  = 5 // what a document needs before its fields at most
	valueRoom = 9 // and a value, but for its bytes
)

// drafting is the run's of an image.
func (m *image) drafting(r *run) *drafting {
	d, known := r.states[m.state].(*drafting)
	if !known {
		d = m.newDrafting()
		r.states[m.state] = d
	}
	return d
}

func (m *image) newDrafting() *drafting {
	columns := make([]bool, 2*len(m.columns))
	return &drafting{image: m, told: columns[:len(m.columns)], done: columns[len(m.columns):]}
}

// load enters a document in the image's places: of the table's columns those that are asked for, the others
// are NULL.
func (d *drafting) load(r *run, doc []byte, asked []bool) (err error) {
	d.old = doc
	if d.fields, err = query.AppendFields(d.fields[:0], doc); err != nil {
		return err
	}
	for _, i := range d.origin.used {
		r.row[d.origin.columns[i].slot] = null
	}
	clear(d.done)
	for i := range d.fields {
		f := &d.fields[i]
		at := d.column(i, doc[f.Name:f.Value])
		if at >= 0 && !d.done[at] { // of equal names the first counts
			if d.done[at] = true; asked[at] {
				r.row[d.columns[at]] = d.read(at, doc[f.Value:f.End])
			}
		}
	}
	for _, i := range d.origin.used {
		if i < len(d.columns) {
			continue
		}
		col := &d.origin.columns[i] // that is no column of the table, but can be named
		raw, found, err := query.Lookup(doc, col.path)
		if err != nil {
			return err
		}
		if found {
			r.row[col.slot] = col.affinity.Read(value.FromMsgpack(raw))
		}
	}
	return nil
}

// read returns what a column has of a value in a document.
func (d *drafting) read(column int, raw []byte) value.Value {
	return d.origin.columns[column].affinity.Read(value.FromMsgpack(raw))
}

// column returns the column that the i-th field is, −1 where it is none: mostly the one that the i-th
// field of the document before was.
func (d *drafting) column(i int, name []byte) int {
	if i < len(d.means) {
		if at := d.means[i]; at >= 0 && d.table.Columns[at].Path[0].Name == string(name) {
			return at
		}
	} else {
		d.means = append(d.means, -1)
	}
	d.means[i] = -1
	for at := range d.table.Columns {
		if d.table.Columns[at].Path[0].Name == string(name) {
			d.means[i] = at
			break
		}
	}
	return d.means[i]
}

// draft makes a document of the image. What is NULL is left out, unless told.
func (d *drafting) draft(r *run) []byte {
	d.begin(r, 0)
	return d.finish(r)
}

// revise makes a document of the image and the one that was loaded, of which some columns were asked for and
// written: fields that these do not change stay as they are, those that are no columns too.
func (d *drafting) revise(r *run, written []bool) []byte {
	d.begin(r, len(d.old))
	from, to := 0, 0 // what is to be taken over as it stands
	for i := range d.fields {
		f, at := &d.fields[i], d.means[i]
		if at >= 0 && (d.done[at] || written[at] && d.read(at, d.old[f.Value:f.End]) != r.row[d.columns[at]]) {
			if !d.done[at] {
				d.body = append(d.body, d.old[from:to]...)
				from, to = f.End, f.End
				d.write(r, at)
			}
			continue
		}
		if f.Start != to {
			d.body = append(d.body, d.old[from:to]...)
			from = f.Start
		}
		to = f.End
		d.count++
		if at >= 0 {
			d.done[at] = true
		}
	}
	d.body = append(d.body, d.old[from:to]...)
	return d.finish(r)
}

// begin takes room for a document, of an old one so long.
func (d *drafting) begin(r *run, old int) {
	most := headRoom + old
	for i, slot := range d.columns {
		most += len(d.names[i]) + valueRoom + len(r.row[slot].Raw())
	}
	if cap(d.room)-len(d.room) < most {
		d.room = make([]byte, 0, max(most, min(4*cap(d.room), mostRoom)))
	}
	d.body, d.count = d.room[len(d.room):len(d.room)+headRoom:cap(d.room)], 0
	clear(d.done)
}

// finish adds the columns that are not seen to, and gives the document its room for good.
func (d *drafting) finish(r *run) []byte {
	for i := range d.columns {
		if !d.done[i] {
			d.write(r, i)
		}
	}
	head := msgp.AppendMapHeader(make([]byte, 0, headRoom), d.count)
	from := headRoom - len(head)
	copy(d.body[from:], head)
	d.room = d.room[:len(d.room)+len(d.body)]
	return d.body[from:len(d.body):len(d.body)]
}

// write appends a column's value.
func (d *drafting) write(r *run, i int) {
	d.done[i] = true
	v := r.row[d.columns[i]]
	if v.IsNull() && !d.told[i] {
		return
	}
	d.count++
	d.body = v.AppendMsgpack(append(d.body, d.names[i]...))
}
