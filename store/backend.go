package store

import "context"

// Backend persists immutable blobs by name, and one mutable blob, the root. It
// knows nothing of what they hold: bytes arrive sealed and leave sealed.
//
// Names are short ASCII strings ("r", "l/…", "p/…"). Except for the root no
// name is ever used twice with other bytes, so a backend may cache what it read
// for as long as it likes.
//
// All methods may be called concurrently. A method that fails leaves no blob
// half written under its name. Errors carry a Code where one fits (Quota,
// Conflict, Closed, Corrupt); any other error is reported as BackendFailed.
type Backend interface {
	// Read returns the bytes of each name, in order, nil where there is none.
	// The caller may keep the slices and must not modify them.
	Read(ctx context.Context, names []string) ([][]byte, error)

	// Commit applies one batch. Where Properties.Atomic is set it happens as a
	// whole or not at all; otherwise in the order Put, Add, Root, Delete, and what
	// was written before a failure may stay, unreferenced. Commit is not
	// retried by the engine: a backend that retries must know it to be safe.
	Commit(ctx context.Context, batch *Batch) error

	// List returns every name that starts with prefix, ascending by bytes.
	List(ctx context.Context, prefix string) ([]string, error)

	// Info describes the backend and, where held is asked for, how much it holds now: to
	// count that may take as long as to read all of it, which an opening must not wait for.
	Info(ctx context.Context, held bool) (Info, error)

	// Close gives back what the backend holds. Further calls fail with Closed.
	Close() error
}

// Blob is a name and its sealed bytes.
type Blob struct {
	Name  string
	Bytes []byte
}

// Batch is one unit of writing.
type Batch struct {
	// Put holds new blobs that nothing refers to before this batch is done.
	Put []Blob
	// Add holds blobs whose names must be free, else the batch fails with Conflict.
	Add []Blob
	// Root replaces the root when not nil.
	Root *RootSwap
	// Delete names blobs that nothing refers to any more; absent ones are no error.
	Delete []string
	// DeleteRange deletes all names between two, both included, when not nil: the
	// log that a checkpoint covers, which may be a thousand records.
	DeleteRange *NameRange
	// Durability is what the caller was promised.
	Durability Durability
}

// RootSwap replaces the root if it still holds the bytes Old (nil: none
// stored), else the batch fails with Conflict. It is the fence between
// checkpointing contexts: who was overtaken cannot publish.
type RootSwap struct{ Old, New []byte }

// NameRange is a range of names in order of their bytes, both ends included.
type NameRange struct{ From, To string }

// Contains reports whether a name is in the range.
func (r *NameRange) Contains(name string) bool { return r.From <= name && name <= r.To }

// RootName is the name under which Batch.Root is read back.
const RootName = "r"

// Durability says when a commit counts as done.
type Durability int8

const (
	// Buffered: the commit is in memory, where those who read after it see it, and
	// will be written soon; see Options.BufferTime and Env.Flush. A crash loses it. Until it is
	// written, readers see with it what other commits have staged and not
	// written either; should writing fail, a reading transaction that shows it loses
	// it under way. Backends are never given it.
	Buffered Durability = iota - 1
	// Relaxed: the platform has accepted the bytes; a crash of the process or tab
	// keeps them, a power cut may lose the most recent ones.
	Relaxed Durability = iota
	// Strict: the platform says the bytes are on the medium.
	Strict
)

// Info is a backend's description of itself.
type Info struct {
	Properties
	Blobs int64 // number of blobs, −1 where counting would be expensive or was not asked for
	Bytes int64 // bytes they use, −1 where unknown or not asked for
}

// Properties tell the engine what it may rely on. They are data rather than
// types to switch on, and do not change while a backend is open.
type Properties struct {
	// Atomic: a batch happens as a whole or not at all.
	Atomic bool
	// PrefixDurable: a power cut loses the most recent commits, never one from
	// the middle; then a checkpoint need not be strict.
	PrefixDurable bool
	// MaxBlob is the size in bytes a sealed blob must not exceed.
	MaxBlob int
	// Contexts lets several engines commit to the same blobs at once, each over a
	// backend of its own; nil where only one has them open. It needs Atomic.
	Contexts Contexts
	// Merging: contexts write to the same blobs that do not see at once what the others
	// do. A name that is there may be missing from a list for a minute, as may one be that
	// was asked for before it was there; a batch has no conflicts, and its parts come about in
	// order. Then nothing is locked, and no transaction can be undone for another's sake: of
	// two writes to one key, or one document, the later stays. See replica.
	Merging bool
	// Founding: where nothing is found, a new environment with keys of its own may be
	// made, on a Merging backend, where that may also be because nothing is seen yet.
	Founding bool
	// Publishing: on a Merging backend, what is stored is a copy of another environment, which
	// this context makes anew now and then; it may be Founding too. Contexts that are not, can only read it.
	Publishing bool
}
