package store

import "context"

// pager reads pages and large values: from the cache, else from the backend,
// opened and checked.
type pager struct {
	backend Backend
	sealer  *sealer
	cache   *cache
	transit transit

	neighbours neighbours
}

// page returns one page.
func (p *pager) page(ctx context.Context, ref Ref) (*page, error) {
	if held := p.cache.get(ref); held != nil {
		return held, nil
	}
	if err := p.load(ctx, []Ref{ref}); err != nil {
		return nil, err
	}
	held := p.cache.get(ref)
	if held == nil { // pushed out by pages loaded at the same time
		return p.page(ctx, ref)
	}
	return held, nil
}

// load brings pages into the cache with one read.
func (p *pager) load(ctx context.Context, refs []Ref) error {
	names := make([]string, len(refs))
	for i, ref := range refs {
		names[i] = ref.name()
	}
	plain, err := p.read(ctx, PageBlob, names)
	if err != nil {
		return err
	}
	for i, b := range plain {
		decoded, ok := decodePage(b)
		if !ok {
			return fail(Corrupt, "read page", names[i], nil)
		}
		p.cache.put(refs[i], decoded)
	}
	return nil
}

// value returns a large value, put together from its chunks.
func (p *pager) value(ctx context.Context, o Overflow) ([]byte, error) {
	var value []byte
	for at := 0; at < o.Chunks; at += readChunks {
		part := Overflow{First: o.First.plus(at), Chunks: min(readChunks, o.Chunks-at)}
		plain, err := p.read(ctx, ChunkBlob, part.names())
		if err != nil {
			return nil, err
		}
		for _, chunk := range plain {
			value = append(value, chunk...)
		}
	}
	if len(value) != o.Size {
		return nil, fail(Corrupt, "read value", o.First.name(), nil)
	}
	return value, nil
}

// readChunks is how many chunks of a large value are read at once, about 4 MiB.
const readChunks = 64

// read returns the plain bytes of blobs that must be there.
func (p *pager) read(ctx context.Context, kind BlobKind, names []string) ([][]byte, error) {
	stored, err := p.transit.read(ctx, p.backend, names)
	if err != nil {
		return nil, backendError("read", err)
	}
	blobs := make([]Blob, len(names))
	for i, name := range names {
		if stored[i] == nil {
			return nil, fail(Corrupt, "read", name, errMissing)
		}
		blobs[i] = Blob{name, stored[i]}
	}
	opened, err := p.sealer.open(ctx, kind, blobs)
	if err != nil {
		return nil, err
	}
	plain := make([][]byte, len(opened))
	for i, b := range opened {
		plain[i] = b.Bytes
	}
	return plain, nil
}

// backendError gives a backend's error a code, if it has none; nil stays nil.
func backendError(op string, err error) error {
	if err == nil {
		return nil
	}
	if contextEnded(err) {
		return fail(Aborted, op, "", err)
	}
	if code := CodeOf(err); code != Internal {
		return err
	}
	return fail(BackendFailed, op, "", err)
}
