package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/store"
)

// AppendNames appends the payload of Read: [name …].
func AppendNames(dst []byte, names []string) []byte {
	dst = msgp.AppendArrayHeader(dst, uint32(len(names)))
	for _, name := range names {
		dst = msgp.AppendString(dst, name)
	}
	return dst
}

// AppendText appends the payload of List: the prefix.
func AppendText(dst []byte, text string) []byte { return msgp.AppendString(dst, text) }

// AppendBatch appends the payload of Write:
//
//	[[[name, bytes] …] put, [[name, bytes] …] add, [old or nil, new] or nil root, [name …] delete, [from, to] or nil delete, strict]
func AppendBatch(dst []byte, b *store.Batch) []byte {
	dst = msgp.AppendArrayHeader(dst, 6)
	dst = appendBlobs(dst, b.Put)
	dst = appendBlobs(dst, b.Add)
	switch {
	case b.Root == nil:
		dst = msgp.AppendNil(dst)
	default:
		dst = msgp.AppendArrayHeader(dst, 2)
		if b.Root.Old == nil {
			dst = msgp.AppendNil(dst)
		} else {
			dst = msgp.AppendBytes(dst, b.Root.Old)
		}
		dst = msgp.AppendBytes(dst, b.Root.New)
	}
	dst = AppendNames(dst, b.Delete)
	if r := b.DeleteRange; r == nil {
		dst = msgp.AppendNil(dst)
	} else {
		dst = AppendNames(dst, []string{r.From, r.To})
	}
	return msgp.AppendBool(dst, b.Durability == store.Strict)
}

// BatchBytes is about what a batch takes as a payload.
func BatchBytes(b *store.Batch) int {
	n := 64 + 40*len(b.Delete)
	for _, blobs := range [][]store.Blob{b.Put, b.Add} {
		for _, blob := range blobs {
			n += len(blob.Name) + len(blob.Bytes) + 11
		}
	}
	if b.Root != nil {
		n += len(b.Root.Old) + len(b.Root.New)
	}
	return n
}

func appendBlobs(dst []byte, blobs []store.Blob) []byte {
	dst = msgp.AppendArrayHeader(dst, uint32(len(blobs)))
	for _, b := range blobs {
		dst = msgp.AppendArrayHeader(dst, 2)
		dst = msgp.AppendString(dst, b.Name)
		dst = msgp.AppendBytes(dst, b.Bytes)
	}
	return dst
}

// Failure is [code, message]: the payload of Failed, and a reply that tells of
// one. As an error it has the code.
type Failure struct{ Code, Message string }

func (f *Failure) Error() string { return f.Message }

// ErrorCode returns the stable code.
func (f *Failure) ErrorCode() string { return f.Code }

// Is reports whether target is the failure's code.
func (f *Failure) Is(target error) bool {
	code, ok := target.(store.Code)
	return ok && string(code) == f.Code
}

// AppendFailure appends an error as a Failure.
func AppendFailure(dst []byte, err error) []byte {
	dst = msgp.AppendArrayHeader(dst, 2)
	dst = msgp.AppendString(dst, string(store.CodeOf(err)))
	return msgp.AppendString(dst, err.Error())
}

// reply opens a reply frame, which is [nil, value] or a Failure.
func reply(frame []byte) (reader, error) {
	r := reader{b: frame}
	r.tuple(2)
	if r.nil() {
		return r, nil
	}
	f := &Failure{Code: r.text(), Message: r.text()}
	if err := r.end(); err != nil {
		return r, err
	}
	return r, f
}

// ReadNothing reads a reply whose value is nil.
func ReadNothing(frame []byte) error {
	r, err := reply(frame)
	if err != nil {
		return err
	}
	if !r.nil() {
		return ErrMalformed
	}
	return r.end()
}

// ReadBlobs reads the reply to Read: the bytes of count blobs in order, nil where there
// was none. Each is a copy, for they are kept apart and for long.
func ReadBlobs(frame []byte, count int) ([][]byte, error) {
	r, err := reply(frame)
	if err != nil {
		return nil, err
	}
	blobs := make([][]byte, r.array())
	for i := range blobs {
		if !r.nil() {
			blobs[i] = append([]byte{}, r.bin()...)
		}
	}
	if len(blobs) != count {
		return nil, ErrMalformed
	}
	return blobs, r.end()
}

// ReadNames reads the reply to List.
func ReadNames(frame []byte) ([]string, error) {
	r, err := reply(frame)
	if err != nil {
		return nil, err
	}
	names := make([]string, r.array())
	for i := range names {
		names[i] = r.text()
	}
	return names, r.end()
}

// ReadPart reads the reply to Feed: the next bytes of a stream, nil at its end.
// They are a copy.
func ReadPart(frame []byte) ([]byte, error) {
	r, err := reply(frame)
	if err != nil {
		return nil, err
	}
	if r.nil() {
		return nil, r.end()
	}
	return append([]byte{}, r.bin()...), r.end()
}

// ReadInfo reads the reply to Info: [atomic, prefix durable, max blob, blobs, bytes,
// sharing]: 0 with nobody, 1 among contexts, 2 merging, 3 merging and founding, 4 and publishing.
func ReadInfo(frame []byte) (info store.Info, shared bool, err error) {
	r, err := reply(frame)
	if err != nil {
		return store.Info{}, false, err
	}
	r.tuple(6)
	info = store.Info{Properties: store.Properties{Atomic: r.bool(), PrefixDurable: r.bool(), MaxBlob: r.size()}}
	info.Blobs, info.Bytes = r.int(), r.int()
	sharing := r.size()
	info.Merging, info.Founding, info.Publishing = sharing >= 2, sharing >= 3, sharing == 4
	return info, sharing == 1, r.end()
}

// AppendProgress appends the payload of Progress: [done, total].
func AppendProgress(dst []byte, done, total int64) []byte {
	dst = msgp.AppendArrayHeader(dst, 2)
	dst = msgp.AppendInt64(dst, done)
	return msgp.AppendInt64(dst, total)
}
