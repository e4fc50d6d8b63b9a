package repository

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/stowage-db/stowage/store"
)

// Lookup finds a row by the parts of an entity's key: its columns by their names, nil
// where there is no such row. It returns soon after its context has ended.
type Lookup func(ctx context.Context, key []string) (map[string]any, error)

// NewRows returns a tier of rows that somebody else keeps, as the view of an origin: by
// the name of a repository, what looks them up as they are asked for. A column stands in
// the tier as an attribute of a hash would. It is a fallback, and cannot be written to.
//
//	origin := repository.NewRows(map[string]repository.Lookup{
//		"person": func(ctx context.Context, key []string) (map[string]any, error) {
//			item, err := people.Get(ctx, key[0]) // a sync.Model[map[string]any]
//			if item == nil {
//				return nil, err
//			}
//			return item.Row()
//		},
//	})
//
// Hashes are read there, and booleans, of which each is so whose row there is.
func NewRows(lookups map[string]Lookup) Tier { return &rows{lookups: lookups} }

type rows struct {
	lookups map[string]Lookup
	closed  atomic.Bool
}

// Read implements Tier. Rows are looked up at the same time.
func (r *rows) Read(ctx context.Context, reads ...Read) ([]Reply, error) {
	if r.closed.Load() {
		return nil, fail(store.Closed, "tier", nil)
	}
	if err := ctx.Err(); err != nil {
		return nil, fail(store.Aborted, "tier", err)
	}
	replies, failures := make([]Reply, len(reads)), make([]error, len(reads))
	var all sync.WaitGroup
	for i, read := range reads {
		all.Go(func() { replies[i], failures[i] = r.answer(ctx, read) })
	}
	all.Wait()
	if i := slices.IndexFunc(failures, func(err error) bool { return err != nil }); i >= 0 {
		return nil, failures[i]
	}
	return replies, nil
}

func (r *rows) answer(ctx context.Context, read Read) (reply Reply, err error) {
	switch read.Kind {
	case KindExists, KindHash, KindBoolean:
	case KindSortedSet, KindGeo:
		return reply, fail(store.Unsupported, "read: a row is a hash", nil)
	default:
		return reply, fail(store.InvalidArgument, "read: kind", nil)
	}
	key := parted(read.Key)
	lookup := r.lookups[key[0]]
	if lookup == nil {
		return reply, fail(store.InvalidKey, "read: no rows of "+key[0], nil)
	}
	row, err := lookup(ctx, key[1:])
	if err != nil || row == nil {
		return reply, err
	}
	reply.Found = true
	switch read.Kind {
	case KindBoolean:
		reply.Value.Is = true
	case KindHash:
		reply.Value.Fields, err = columns(row, read.Fields)
	}
	return reply, err
}

// columns are those of a row that are asked for, as text.
func columns(row map[string]any, asked []string) (map[string]string, error) {
	fields := make(map[string]string, len(row))
	for name, value := range row {
		if value == nil || asked != nil && !slices.Contains(asked, name) {
			continue
		}
		text, present, err := written(reflect.ValueOf(value))
		if err != nil {
			return nil, fail(store.Undecodable, "read: "+name, err)
		}
		if present {
			fields[name] = text
		}
	}
	return fields, nil
}

var unescapes = strings.NewReplacer("%25", "%", "%3A", ":")

// parted returns the name of a repository and the parts of which the key of a tier is made.
func parted(text string) []string {
	parts := strings.Split(text, ":")
	for i, part := range parts {
		parts[i] = unescapes.Replace(part)
	}
	return parts
}

// Write implements Tier: it cannot be written to.
func (r *rows) Write(context.Context, ...Write) error {
	if r.closed.Load() {
		return fail(store.Closed, "tier", nil)
	}
	return fail(store.ReadOnly, "write: rows", nil)
}

// Close implements Tier.
func (r *rows) Close() error {
	r.closed.Store(true)
	return nil
}
