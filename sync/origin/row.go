package origin

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/fnv"
	"slices"
	"strconv"
)

// row is one row of a shape while it is read; its slices are used again.
type row struct {
	identity []byte // the key's values as a JSON array: what the shadow knows it by
	value    []byte // all columns as a JSON object
	fingerprint
}

// fingerprint stands for the values of a row.
type fingerprint struct {
	hash [16]byte // the first half of a SHA-256: rows of one hash are taken for the same
	sum  uint64   // its part of the shape's checksum
}

// rowWriter turns the rows of a plan into JSON and fingerprints.
type rowWriter struct {
	plan   *plan
	names  [][]byte // "name": of each column
	sorted []int    // columns by name, the order of a fingerprint
	twins  map[[16]byte]int
	bytes  []byte
	row
}

func newRowWriter(p *plan) *rowWriter {
	w := &rowWriter{plan: p, twins: map[[16]byte]int{}}
	for i, c := range p.relation.Columns {
		w.names = append(w.names, append(appendJSON(nil, c.Name), ':'))
		w.sorted = append(w.sorted, i)
	}
	slices.SortFunc(w.sorted, func(a, b int) int {
		return bytes.Compare([]byte(p.relation.Columns[a].Name), []byte(p.relation.Columns[b].Name))
	})
	return w
}

// take reads the values of the next row.
func (w *rowWriter) take(values [][]byte) {
	w.value = append(w.value[:0], '{')
	for i, name := range w.names {
		if i > 0 {
			w.value = append(w.value, ',')
		}
		w.value = append(w.value, name...)
		w.value = appendText(w.value, values[i])
	}
	w.value = append(w.value, '}')
	w.fingerprint = w.print(values)
	w.identity = append(w.identity[:0], '[')
	for i, at := range w.plan.keys {
		if i > 0 {
			w.identity = append(w.identity, ',')
		}
		w.identity = appendText(w.identity, values[at])
	}
	if len(w.plan.keys) == 0 {
		w.identity = w.twin(w.identity)
	}
	w.identity = append(w.identity, ']')
}

func appendText(dst, text []byte) []byte {
	if text == nil {
		return append(dst, "null"...)
	}
	return appendJSON(dst, text)
}

// twin names a row of a table without a key by its values, and counts those that
// have the same.
func (w *rowWriter) twin(dst []byte) []byte {
	w.twins[w.hash]++
	dst = hex.AppendEncode(append(dst, '"'), w.hash[:])
	dst = strconv.AppendInt(append(dst, '-'), int64(w.twins[w.hash]), 10)
	return append(dst, '"')
}

// print hashes the values: for each column, by name, the length of its text in
// four bytes, big-endian, and the text; NULL is the length 0xffffffff. PROTOCOL.md
// has the same for clients that verify the checksum.
func (w *rowWriter) print(values [][]byte) fingerprint {
	b := w.bytes[:0]
	for _, at := range w.sorted {
		if values[at] == nil {
			b = append(b, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(values[at])))
		b = append(b, values[at]...)
	}
	w.bytes = b
	var f fingerprint
	hash := sha256.Sum256(b)
	copy(f.hash[:], hash[:])
	sum := fnv.New64a()
	sum.Write(b)
	f.sum = sum.Sum64()
	return f
}

// appendKey appends the key of a row as messages have it: "schema"."table"/"1".
func (p *plan) appendKey(dst, identity []byte) []byte {
	key := []byte(postgresDialect.qualified(p.relation))
	for _, value := range identityValues(identity) {
		key = append(key, '/', '"')
		key = append(key, bytes.ReplaceAll([]byte(value), []byte("/"), []byte("//"))...)
		key = append(key, '"')
	}
	return appendJSON(dst, key)
}

// appendKeyValue appends the object that a deletion has of a row: its key.
func (p *plan) appendKeyValue(dst, identity []byte) []byte {
	dst = append(dst, '{')
	values := identityValues(identity)
	for i, at := range p.keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendJSON(dst, p.relation.Columns[at].Name), ':')
		dst = appendJSON(dst, values[i])
	}
	return append(dst, '}')
}

func identityValues(identity []byte) []string {
	var values []string
	if err := json.Unmarshal(identity, &values); err != nil {
		panic(err) // take has written it
	}
	return values
}
