package sql

import (
	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/query/sql/value"
)

// packed is rows in the order in which they came, each value in a few bytes: as in a
// spool, but in memory. What has come from it stays valid when it is cleared.
type packed struct {
	chunks [][]byte
	starts []uint32 // of rows: the number of the chunk, and where in it
	bytes  int      // of all chunks
}

// Chunks are so large, the first ones smaller: most joins have few rows.
const (
	chunkBits  = 16
	leastChunk = 1 << 10
)

func (p *packed) count() int { return len(p.starts) }

// size is about how many bytes the rows take up.
func (p *packed) size() int { return p.bytes + 4*cap(p.starts) }

// add takes in what is in places of the run's row.
func (p *packed) add(r *run, slots []int) {
	last := len(p.chunks) - 1
	var chunk []byte
	if last >= 0 {
		chunk = p.chunks[last]
	}
	start := len(chunk)
	whole := chunk
	for _, slot := range slots {
		whole = appendPacked(whole, &r.row[slot])
	}
	if cap(whole) != cap(chunk) || len(whole) > 1<<chunkBits || last < 0 { // it did not fit
		row := whole[start:]
		fresh := make([]byte, 0, max(len(row), min(leastChunk<<min(len(p.chunks), chunkBits), 1<<chunkBits)))
		p.chunks = append(p.chunks, append(fresh, row...))
		p.bytes += cap(fresh)
		last, start = last+1, 0
	} else {
		p.chunks[last] = whole
	}
	p.starts = append(p.starts, uint32(last<<chunkBits|start))
}

// row is the bytes from where row i begins.
func (p *packed) row(i int) []byte {
	start := p.starts[i]
	return p.chunks[start>>chunkBits][start&(1<<chunkBits-1):]
}

// load puts row i in places.
func (p *packed) load(r *run, slots []int, i int) {
	row := p.row(i)
	for _, slot := range slots {
		row = loadPacked(&r.row[slot], row)
	}
}

func (p *packed) clear() { *p = packed{starts: p.starts[:0]} }

// jsonFollows stands before a text that functions take for JSON. No value begins so.
const jsonFollows = 0xc1

// appendPacked appends a value as rows outside of memory hold it.
func appendPacked(dst []byte, v *value.Value) []byte {
	if v.Kind() == value.Text && v.IsJSON() {
		dst = append(dst, jsonFollows)
	}
	return v.Pack(dst)
}

// loadPacked makes v the first value of a row that was packed, and returns the rest. v holds
// the row's bytes.
func loadPacked(v *value.Value, row []byte) (rest []byte) {
	json := row[0] == jsonFollows
	if json {
		row = row[1:]
	}
	n := v.Load(row, 0)
	if n <= 0 {
		whole, _ := query.Skip(row)
		if n == 0 {
			*v = value.FromMsgpack(row[:whole])
		}
		n = whole
	}
	if json {
		*v = value.FromJSON(v.Raw())
	}
	return row[n:]
}
