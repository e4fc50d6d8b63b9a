package policies

import (
	"context"
	"slices"

	"github.com/stowage-db/stowage/store"
)

// StorageAction is called with a document or a blob as bytes, and the name of its
// table or its own. What it returns takes the place of what it was given; nil leaves that.
type StorageAction func(name string, b []byte) ([]byte, error)

// StorageHooks are hooks of an environment. Their events:
//
//	write.pre   before a document is stored: MessagePack
//	write.post  before a blob is handed to the backend, after the other modifiers
//	read.pre    when a blob was read, in reverse order
//	read.post   when a document was read, in reverse order
//	close       when Close has closed the environment
//
// Filters and indexes see documents as they are stored. Those of documents are called by
// tables that were made with these hooks; those of blobs where Modifier is among the
// options of the environment, and must be the same whenever it is opened.
type StorageHooks struct{ Hooks[StorageAction] }

// NewStorageHooks returns hooks without any action.
func NewStorageHooks() *StorageHooks {
	return &StorageHooks{Hooks[StorageAction]{events: []string{"write.pre", "write.post", "read.pre", "read.post", "close"}}}
}

// Modifier is the stage that the hooks of blobs are.
func (h *StorageHooks) Modifier() store.Modifier { return stage{h} }

// Close closes an environment, then calls the hooks of close.
func (h *StorageHooks) Close(ctx context.Context, env *store.Env) error {
	if err := env.Close(ctx); err != nil {
		return err
	}
	_, err := h.through("close", "", nil)
	return err
}

func (h *StorageHooks) through(event, name string, b []byte) ([]byte, error) {
	hooks := h.of(event)
	if event == "read.pre" || event == "read.post" {
		slices.Reverse(hooks)
	}
	for _, hook := range hooks {
		turned, err := hook.Action(name, b)
		if err != nil {
			return nil, err
		}
		if turned != nil {
			b = turned
		}
	}
	return b, nil
}

// stageHooks is the number of the stage among those of users.
const stageHooks = 'h'

type stage struct{ hooks *StorageHooks }

func (stage) Stage() store.Stage { return store.Stage{Kind: store.User, ID: stageHooks} }

func (s stage) Seal(_ context.Context, blobs []store.Sealing) error {
	return s.turn("write.post", blobs)
}

func (s stage) Open(_ context.Context, blobs []store.Sealing) error { return s.turn("read.pre", blobs) }

// turn hands each blob on as a copy: the bytes are not the hooks' own.
func (s stage) turn(event string, blobs []store.Sealing) error {
	for i := range blobs {
		turned, err := s.hooks.through(event, blobs[i].Name, slices.Clone(blobs[i].Bytes))
		if err != nil {
			return err
		}
		blobs[i].Bytes = turned
	}
	return nil
}
