package store

import "context"

// pageWriter names, seals and writes pages and chunks that nothing refers to
// yet. What is in blobs has not been written: it belongs into the batch that
// publishes it, so that a small commit stays a single write.
type pageWriter struct {
	env   *Env
	ctx   context.Context
	work  func(bytes int) error       // lets others run
	ahead func(context.Context) error // comes before what is written ahead of what publishes it; may be nil
	whole bool                        // nothing is

	plain      []Blob // waiting to be sealed
	plainKind  BlobKind
	plainRaw   bool // not to be compressed
	plainBytes int
	blobs      []Blob // sealed, waiting to be written
	blobBytes  int
	refs       []Ref // all names given out
}

const (
	// sealBytes is how much is sealed at once: enough for a stage to work in
	// bulk, little enough that it takes a few milliseconds.
	sealBytes = 512 << 10
	// writeBytes is how much is handed to the backend at once.
	writeBytes = 4 << 20
)

func (e *Env) newPageWriter(ctx context.Context, work func(int) error) *pageWriter {
	return &pageWriter{env: e, ctx: ctx, work: work}
}

// write takes one page with its plain form and returns its name. The page goes into the cache, for
// what was just written is what is read next.
func (w *pageWriter) write(p *page, plain []byte) (Ref, error) {
	ref := w.env.newRefs(1)
	w.refs = append(w.refs, ref)
	w.env.pages.cache.put(ref, p)
	last := spaceOf(p.appendKey(nil, p.len()-1)) // the greatest
	return ref, w.add(PageBlob, last >= uncompressed, Blob{ref.name(), plain})
}

// value takes a large value in chunks, those of a raw one without compressing them.
func (w *pageWriter) value(value []byte, raw bool) (Overflow, error) {
	size := w.env.chunkBytes()
	o := Overflow{Chunks: (len(value) + size - 1) / size, Size: len(value)}
	o.First = w.env.newRefs(o.Chunks)
	for i := range o.Chunks {
		ref := o.First.plus(i)
		w.refs = append(w.refs, ref)
		chunk := value[i*size : min((i+1)*size, len(value))]
		if err := w.add(ChunkBlob, raw, Blob{ref.name(), chunk}); err != nil {
			return Overflow{}, err
		}
	}
	return o, nil
}

func (w *pageWriter) add(kind BlobKind, raw bool, b Blob) error {
	if kind != w.plainKind || raw != w.plainRaw {
		if err := w.seal(); err != nil {
			return err
		}
		w.plainKind, w.plainRaw = kind, raw
	}
	w.plain = append(w.plain, b)
	w.plainBytes += len(b.Bytes)
	if w.plainBytes >= sealBytes {
		if err := w.seal(); err != nil {
			return err
		}
	}
	if w.blobBytes >= writeBytes && !w.whole {
		return w.flush()
	}
	return nil
}

// seal turns what is waiting into blobs.
func (w *pageWriter) seal() error {
	if len(w.plain) == 0 {
		return nil
	}
	sealed, err := w.env.pages.sealer.sealAs(w.ctx, w.plainKind, w.plainRaw, w.plain)
	if err != nil {
		return err
	}
	for _, b := range sealed {
		w.blobBytes += len(b.Bytes)
	}
	w.blobs = append(w.blobs, sealed...)
	work := w.plainBytes
	w.plain, w.plainBytes = nil, 0
	return w.work(work)
}

// flush writes the sealed blobs, unpublished.
func (w *pageWriter) flush() error {
	blobs := w.blobs
	w.blobs, w.blobBytes = nil, 0
	if len(blobs) == 0 {
		return nil
	}
	if w.ahead != nil {
		if err := w.ahead(w.ctx); err != nil {
			return err
		}
	}
	return backendError("write pages", w.env.backend.Commit(w.ctx, &Batch{Put: blobs}))
}

// take seals the rest and returns the blobs that are still to be written.
func (w *pageWriter) take() ([]Blob, error) {
	if err := w.seal(); err != nil {
		return nil, err
	}
	blobs := w.blobs
	w.blobs, w.blobBytes = nil, 0
	return blobs, nil
}
