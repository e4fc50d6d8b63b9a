package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
)

// spool is what a statement holds beyond its ceiling: a database of a transaction that is
// never committed. What outgrows memory it writes as pages that nothing refers to, as every
// large transaction does, and gives back when it ends; the log never hears of it. After a
// crash they are swept as those of any transaction that did not come to its end.
//
// An entry's key is the row's, which ends as it does with DupSort, and the row's number; its value
//
//	uint32  how much of the row's key follows: what did not go into the entry's
//	bytes   that
//	bytes   the row
type spool struct {
	tx   *Tx
	db   *DB
	rows uint64
	room []byte
}

const (
	// spoolName is a database that no table can be, see isTableName.
	spoolName = reservedTable + "\x00spool"
	// spoolKeyBytes is how much of a row's key goes into the entry's.
	spoolKeyBytes = 1024
)

// newSpool opens a spool. It must be closed.
func (e *Env) newSpool(ctx context.Context) (*spool, error) {
	tx, err := e.Begin(ctx, true)
	if err != nil {
		return nil, err
	}
	tx.understands, tx.exclusive = true, true // nobody will validate it
	db, err := tx.database(spoolName, true, 0)
	if err != nil {
		tx.Rollback()
		return nil, err
	}
	return &spool{tx: tx, db: db}, nil
}

// Add implements sql.Spool.
func (s *spool) Add(key, row []byte) error {
	within := key[:min(len(key), spoolKeyBytes)]
	s.rows++
	stored := binary.BigEndian.AppendUint64(DupSort.appendKey(nil, within), s.rows)
	beyond := key[len(within):]
	s.room = binary.BigEndian.AppendUint32(s.room[:0], uint32(len(beyond)))
	s.room = append(append(s.room, beyond...), row...)
	value := s.room
	if len(value) > maxInline {
		s.room = nil // it is kept, not copied
	}
	if err := s.db.set(stored, entry{value: value}); err != nil {
		return err
	}
	return s.tx.Work(len(key) + len(row))
}

// long is a row whose key did not go into that of its entry as a whole.
type long struct{ key, row []byte }

// Each implements sql.Spool. Rows whose keys differ only beyond what stands in those of the
// entries are put in order by the way.
func (s *spool) Each(within KeyRange, emit func(key, row []byte) error) error {
	c := s.db.Cursor(stored(within))
	defer c.Close()
	var alike []long
	var key []byte
	hand := emit
	if within.Low != nil || within.High != nil {
		hand = func(key, row []byte) error {
			if !within.Contains(key) {
				return nil
			}
			return emit(key, row)
		}
	}
	for ok := c.First(); ok; ok = c.Next() {
		stored := c.Key()
		head, _ := DupSort.headOf(stored)
		value, err := c.Value()
		if err == nil && (head == nil || len(value) < 4) {
			err = fail(Corrupt, "read spool", "", nil)
		}
		if err == nil {
			err = s.tx.Work(len(value))
		}
		if err != nil {
			return err
		}
		key = DupSort.appendPlain(key[:0], head)
		if len(alike) > 0 && !bytes.HasPrefix(alike[0].key, key) {
			if err := inOrder(alike, hand); err != nil {
				return err
			}
			alike = alike[:0]
		}
		end := 4 + binary.BigEndian.Uint32(value)
		if len(key) == spoolKeyBytes {
			alike = append(alike, long{append(bytes.Clone(key), value[4:end]...), bytes.Clone(value[end:])})
		} else if err := hand(key, value[end:]); err != nil {
			return err
		}
	}
	if err := c.Err(); err != nil {
		return err
	}
	return inOrder(alike, hand)
}

// stored is the range of entries that those of rows within a range of keys lie in.
func stored(within KeyRange) (r KeyRange) {
	if within.Low != nil {
		r.Low = DupSort.appendKey(nil, within.Low[:min(len(within.Low), spoolKeyBytes)])
	}
	if within.High != nil {
		r.High = DupSort.appendKey(nil, within.High[:min(len(within.High), spoolKeyBytes)])
		if len(within.High) > spoolKeyBytes {
			r.High = append(r.High, bytes.Repeat([]byte{0xff}, 9)...) // behind all that begin alike
		}
	}
	return r
}

// inOrder hands out rows by their keys.
func inOrder(rows []long, emit func(key, row []byte) error) error {
	slices.SortStableFunc(rows, func(a, b long) int { return bytes.Compare(a.key, b.key) })
	for _, r := range rows {
		if err := emit(r.key, r.row); err != nil {
			return err
		}
	}
	return nil
}

// Close implements sql.Spool: it gives back what the spool took.
func (s *spool) Close() error {
	s.tx.dropRun()
	spilled := len(s.tx.written) > 0
	s.tx.Rollback()
	if !spilled {
		return nil
	}
	return s.tx.env.collect(s.tx.in.ctx)
}
