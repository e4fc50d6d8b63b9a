package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// An export is a stream of
//
//	signature  8 bytes: "STOWAGE" and the version of the format, 1
//	parts      each: length uint32 big-endian · so many bytes, a sealed blob
//
// A part is sealed as blobs of the environment are: with its modifiers, in an
// envelope, under the name "e/<number>" (16 hex digits, from 1 without a gap),
// so that a part that is changed, missing or out of place does not open. Plain,
// it is items one after the other; an item is never cut. The end is alone in
// the last part, behind which nothing may follow.
const exportVersion = 1

const signature = "STOWAGE"

const (
	// partBytes is the plain size at which a part is full.
	partBytes = 128 << 10
	// pieceBytes is the longest value in an item; longer ones come in pieces.
	pieceBytes = 64 << 10
	// maxPartBytes is what a part may claim to be, sealed, before room is made for it.
	maxPartBytes = 1 << 20
)

func partName(number uint64) string {
	return string(appendHex([]byte("e/"), number))
}

// partWriter gathers items into parts and writes them.
type partWriter struct {
	ctx    context.Context
	out    io.Writer
	sealer *sealer
	plain  []byte // of the part being filled
	number uint64 // of parts written
	sum    uint32 // CRC-32C of all that was written

	secret  bool  // what comes must not be compressed
	raw     bool  // nor must what was gathered
	keys    bool  // a header came first
	version int64 // of the sealer then
}

// begin writes the signature, the header where parts are sealed by keys, and gathers the head.
func (w *partWriter) begin(head item) error {
	if err := w.write(append([]byte(signature), exportVersion)); err != nil {
		return err
	}
	w.version = w.sealer.version.Load()
	h, err := w.sealer.inUse(w.ctx)
	if err != nil {
		return err
	}
	if h != nil {
		w.keys = true
		if err := w.frame(sealHeader(h, partName(0)).Bytes); err != nil {
			return err
		}
	}
	return w.add(head)
}

func (w *partWriter) add(it item) error {
	w.plain = it.append(w.plain)
	w.raw = w.raw || w.secret
	if len(w.plain) < partBytes {
		return nil
	}
	return w.flush()
}

// database implements sink.
func (w *partWriter) database(name, stored []byte) error {
	db, _ := decodeDatabase(stored)
	w.secret = db.flags&Uncompressed != 0
	return w.add(item{kind: databaseItem, name: name, bytes: stored})
}

// entry implements sink.
func (w *partWriter) entry(key, value []byte) error {
	if len(value) <= pieceBytes {
		return w.add(item{kind: entryItem, name: key, bytes: value})
	}
	if err := w.add(item{kind: largeItem, name: key, numbers: [3]uint64{uint64(len(value))}}); err != nil {
		return err
	}
	for len(value) > 0 {
		n := min(len(value), pieceBytes)
		if err := w.add(item{kind: pieceItem, bytes: value[:n]}); err != nil {
			return err
		}
		value = value[n:]
	}
	return nil
}

// end writes what was gathered, and the end.
func (w *partWriter) end(databases, entries int64) error {
	if err := w.flush(); err != nil {
		return err
	}
	last := item{kind: endItem, numbers: [3]uint64{uint64(databases), uint64(entries), uint64(w.sum)}}
	if err := w.add(last); err != nil {
		return err
	}
	return w.flush()
}

func (w *partWriter) flush() error {
	if len(w.plain) == 0 {
		return nil
	}
	w.number++
	sealed, err := w.sealer.sealAs(w.ctx, PartBlob, w.raw, []Blob{{partName(w.number), w.plain}})
	if err != nil {
		return err
	}
	if w.keys && w.version != w.sealer.version.Load() {
		return fail(Conflict, "export: the keys have changed", "", nil)
	}
	w.plain, w.raw = w.plain[:0], false
	return w.frame(sealed[0].Bytes)
}

// frame writes a sealed part behind its length.
func (w *partWriter) frame(part []byte) error {
	framed := make([]byte, 0, 4+len(part))
	framed = binary.BigEndian.AppendUint32(framed, uint32(len(part)))
	return w.write(append(framed, part...))
}

func (w *partWriter) write(b []byte) error {
	if err := w.ctx.Err(); err != nil {
		return fail(Aborted, "export", "", err)
	}
	w.sum = crc32.Update(w.sum, castagnoli, b)
	n, err := w.out.Write(b)
	if err == nil && n != len(b) {
		err = io.ErrShortWrite
	}
	return backendError("export", err)
}

// partReader reads the items of an export back.
type partReader struct {
	ctx    context.Context
	in     io.Reader
	sealer *sealer
	rest   []byte // of the part at hand, plain
	number uint64 // of parts read
	sum    uint32 // CRC-32C of all that was read before the part at hand
	next   uint32 // and with it

	foreign bool // the sealer is not an environment's but made for the export
	keys    bool // a header came first
}

// begin reads the signature and the head.
func (r *partReader) begin() (head item, err error) {
	var start [len(signature) + 1]byte
	if err := r.read(start[:]); err != nil {
		return item{}, err
	}
	switch {
	case !bytes.HasPrefix(start[:], []byte(signature)) || start[len(signature)] == 0:
		return item{}, fail(Corrupt, "import: this is no export", "", nil)
	case start[len(signature)] > exportVersion:
		return item{}, fail(NewerFormat, "import", "", nil)
	}
	first, err := r.frame()
	if err != nil {
		return item{}, err
	}
	if r.keys = isHeader(first); r.keys {
		h, err := openHeader(Blob{partName(0), first})
		if err != nil {
			return item{}, err
		}
		if err := r.unlock(h); err != nil {
			return item{}, err
		}
		if first, err = r.frame(); err != nil {
			return item{}, err
		}
	}
	if r.foreign && !r.keys && r.sealer.chain.Load().strict {
		return item{}, fail(NotEncrypted, "import", "", nil)
	}
	if err := r.part(first); err != nil {
		return item{}, err
	}
	head, err = r.item()
	if err == nil && head.kind != headItem {
		err = r.damaged("no head")
	}
	return head, err
}

// item reads the next item. What it holds stays valid.
func (r *partReader) item() (item, error) {
	if len(r.rest) == 0 {
		sealed, err := r.frame()
		if err == nil {
			err = r.part(sealed)
		}
		if err != nil {
			return item{}, err
		}
	}
	it, rest, ok := readItem(r.rest)
	if !ok {
		return item{}, r.damaged("no item")
	}
	r.rest = rest
	return it, nil
}

// unlock gets the keys of an export ready. The environment's own stage can only be
// used for what was exported from it.
func (r *partReader) unlock(h *header) error {
	if r.sealer.chain.Load().keyed == nil {
		return fail(KeyRequired, "import", "", nil)
	}
	if r.foreign {
		_, err := r.sealer.load(r.ctx, h.id, h)
		return err
	}
	own, err := r.sealer.inUse(r.ctx)
	if err == nil && (own == nil || own.id != h.id) {
		err = fail(KeyRequired, "import: the export has keys of its own", "", nil)
	}
	return err
}

// frame reads what stands behind the next length.
func (r *partReader) frame() ([]byte, error) {
	r.sum = r.next
	var length [4]byte
	if err := r.read(length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n == 0 || n > maxPartBytes {
		return nil, r.damaged("length")
	}
	sealed := make([]byte, n)
	return sealed, r.read(sealed)
}

// part opens the next part.
func (r *partReader) part(sealed []byte) error {
	r.number++
	b := Blob{partName(r.number), sealed}
	if env, err := openEnvelope(PartBlob, b); err == nil && r.keys && !encrypted(env.stages) {
		return fail(Tampered, "import", b.Name, nil)
	}
	plain, err := r.sealer.open(r.ctx, PartBlob, []Blob{b})
	if err != nil {
		return err
	}
	r.rest = plain[0].Bytes
	return nil
}

// finish checks the end: that it came last, and counts what came before it.
func (r *partReader) finish(end item, databases, entries int64) error {
	if len(r.rest) > 0 || end.numbers != [3]uint64{uint64(databases), uint64(entries), uint64(r.sum)} {
		return r.damaged("it is not the end of what came before")
	}
	switch n, err := io.ReadFull(r.in, make([]byte, 1)); {
	case n > 0:
		return r.damaged("something follows the end")
	case !errors.Is(err, io.EOF):
		return backendError("import", err)
	}
	return nil
}

// read fills b. A stream that ends there was cut.
func (r *partReader) read(b []byte) error {
	if err := r.ctx.Err(); err != nil {
		return fail(Aborted, "import", "", err)
	}
	_, err := io.ReadFull(r.in, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fail(Corrupt, "import: the export is cut off", partName(r.number), nil)
	}
	r.next = crc32.Update(r.next, castagnoli, b)
	return backendError("import", err)
}

func (r *partReader) damaged(what string) error {
	return fail(Corrupt, "import: "+what, partName(r.number), nil)
}
