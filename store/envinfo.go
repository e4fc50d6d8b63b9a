package store

import (
	"context"
	"encoding/binary"
)

// EnvInfo describes an open environment.
type EnvInfo struct {
	ID            string     // 32 hex digits drawn when it was created; empty before its first commit
	Generation    uint64     // of the root: counts the checkpoints that changed it
	LastID        uint64     // what Tx.ID gives a transaction that begins now
	Readers       int        // open transactions that read
	Writers       int        // open transactions that write, children apart
	MaxKeyBytes   int        // see MaxKeyBytes
	MaxValueBytes int        // see Options
	CacheBytes    int        // see Options
	OverlayBytes  int        // see Options
	Durability    Durability // of commits that ask for none
	Backend       Properties
}

// Info describes the environment. It reads nothing from the backend.
func (e *Env) Info(ctx context.Context) (EnvInfo, error) {
	if ctx.Err() != nil {
		return EnvInfo{}, fail(Aborted, "info", "", ctx.Err())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing {
		return EnvInfo{}, fail(Closed, "info", "", nil)
	}
	info := EnvInfo{
		LastID:        e.committed.position,
		MaxKeyBytes:   e.MaxKeySize(),
		MaxValueBytes: e.options.MaxValueBytes,
		CacheBytes:    e.options.CacheBytes,
		OverlayBytes:  e.options.OverlayBytes,
		Durability:    e.options.Durability,
		Backend:       e.info,
	}
	if e.rootBytes != nil {
		info.Generation = e.root.generation
		id := e.root.id[:]
		info.ID = string(appendHex(appendHex(nil, binary.BigEndian.Uint64(id)), binary.BigEndian.Uint64(id[8:])))
	}
	for tx := e.live; tx != nil; tx = tx.next {
		if tx.writable {
			info.Writers++
		} else {
			info.Readers++
		}
	}
	return info, nil
}

// MaxKeySize is the longest key that a database takes, MaxKeyBytes.
func (e *Env) MaxKeySize() int { return MaxKeyBytes }
