package sql

import (
	"bytes"

	"github.com/stowage-db/stowage/query"
)

// asking is rows that are joined to documents by their identities, in the order of these.
type asking struct {
	*batch
	rows  packed
	order []int32 // of the rows
	keys  []query.KeyRange
	ends  []int // which rows have them: those up to here, behind those of the key before
	at    int   // of the key whose document was met last
	wait  []waitingRows
}

// waitingRows are those of one document, by their positions in the order.
type waitingRows struct {
	doc      int32
	from, to int
}

// single reports whether a number has one identity in documents: 0 and 1 are booleans, too, and
// what is no whole number is told by 0.
func single(key int64) bool { return key < 0 || key > 1 }

// ask joins rows, in the order of their keys, to the documents of these identities.
func (b *batch) ask(rows packed, keys []int64, order []int32) error {
	a := &asking{batch: b, rows: rows, order: order}
	room := make([]byte, 0, 24*len(order))
	for i, row := range order {
		if i > 0 && keys[row] == keys[order[i-1]] {
			a.ends[len(a.ends)-1]++
			continue
		}
		start := len(room)
		room = query.AppendKeyInt(room, keys[row])
		end := len(room)
		room = append(append(room, room[start:]...), tagEnd)
		a.keys = append(a.keys, query.KeyRange{Low: room[start:end:end], High: room[end:len(room):len(room)]})
		a.ends = append(a.ends, i+1)
	}
	access := Access{Index: -1, Ranges: a.keys, Documents: true, Keys: true, Many: a.meet}
	return b.r.source.Scan(b.asked.table, &access, func(rec *Record) error {
		return a.meet([][]byte{rec.Doc}, [][]byte{rec.Key})
	})
}

// meet joins documents to the rows that wait for them.
func (a *asking) meet(docs, identities [][]byte) error {
	s := a.asked
	offsets, err := s.paths.Find(docs)
	if err != nil {
		return err
	}
	s.sheet.room(len(docs))
	s.read = reading{docs: docs, keys: identities, offsets: offsets}
	a.wait = a.wait[:0]
	for i, identity := range identities {
		for bytes.Compare(a.keys[a.at].Low, identity) < 0 {
			a.at++
		}
		w := waitingRows{doc: int32(i), to: a.ends[a.at]}
		if a.at > 0 {
			w.from = a.ends[a.at-1]
		}
		a.wait = append(a.wait, w)
	}
	for round := 0; len(a.wait) > 0; round++ {
		work := a.loadNext(docs)
		if round == 0 { // the scan has counted the documents
			work = 0
		}
		if err := a.r.ticks(len(s.sheet.rows) + work); err != nil {
			return err
		}
		if err := s.pass(); err != nil {
			return err
		}
	}
	return nil
}

// stepBytes is how many bytes of a document are as much work as a row.
const stepBytes = 64

// loadNext makes a sheet of the next row of each document for which any wait, and returns how much
// work it is to read these documents, in rows.
func (a *asking) loadNext(docs [][]byte) (work int) {
	b := &a.asked.sheet
	b.rows = b.rows[:0]
	left := a.wait[:0]
	for _, w := range a.wait {
		row := a.rows.row(int(a.order[w.from]))
		for i := a.asked.own; i < len(b.columns); i++ {
			row = loadPacked(&b.columns[i][w.doc], row)
		}
		b.rows = append(b.rows, w.doc)
		work += len(docs[w.doc]) / stepBytes
		if w.from++; w.from < w.to {
			left = append(left, w)
		}
	}
	a.wait = left
	return work
}
