package store

import (
	"context"
	"sync"
)

// transit holds the sealed blobs of commits that are staged or being written. The
// backend does not have them yet, but whoever begins on top of those commits may
// read them. They stay after a commit has failed, until the reload that follows:
// the transaction that began on it is to end with a conflict, not with a missing blob.
type transit struct {
	mu     sync.Mutex
	byName map[string][]byte
}

func (t *transit) add(blobs []Blob) {
	if len(blobs) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byName == nil {
		t.byName = make(map[string][]byte)
	}
	for _, b := range blobs {
		t.byName[b.Name] = b.Bytes
	}
}

// remove forgets blobs that the backend has now.
func (t *transit) remove(blobs []Blob) {
	if len(blobs) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range blobs {
		delete(t.byName, b.Name)
	}
}

func (t *transit) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byName = nil
}

// find returns what it has of names, in order, and the names of the others.
func (t *transit) find(names []string) (found [][]byte, others []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.byName) == 0 {
		return nil, names
	}
	found = make([][]byte, len(names))
	for i, name := range names {
		if found[i] = t.byName[name]; found[i] == nil {
			others = append(others, name)
		}
	}
	return found, others
}

// read returns the bytes of each name, nil where there is none. What is not
// here any more when it is looked for is stored already.
func (t *transit) read(ctx context.Context, backend Backend, names []string) ([][]byte, error) {
	found, others := t.find(names)
	if len(others) == 0 {
		return found, nil
	}
	stored, err := backend.Read(ctx, others)
	if found == nil || err != nil {
		return stored, err
	}
	for i := range found {
		if found[i] == nil {
			found[i], stored = stored[0], stored[1:]
		}
	}
	return found, nil
}
