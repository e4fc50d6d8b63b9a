package store_test

import (
	"bytes"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/storetest"
)

// apart is a table of two documents, one too long to be copied where it is written,
// both folded into pages, which all readers share.
func apart(t *testing.T, room place) (*desk, [][]byte) {
	t.Helper()
	d := &desk{bed: bed{t: t, env: storetest.Open(t, room(t)(), storetest.Small())}}
	var err error
	if d.table, err = d.env.Table(ctx, "items", store.Schema{Key: query.Field("id")}, nil); err != nil {
		t.Fatal(err)
	}
	docs := [][]byte{raw(fields{"id": 1, "list": []any{1, 2, 3}}), raw(fields{"id": 2, "text": string(bytes.Repeat([]byte("x"), 2*store.MaxCopied))})}
	given := [][]byte{bytes.Clone(docs[0]), bytes.Clone(docs[1])}
	if err := d.update(func(tx *store.Tx) error {
		_, err := d.table.Insert(tx, given)
		scribble(given...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.env.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	return d, docs
}

// scribble writes over what a program believes to be its own.
func scribble(documents ...[]byte) {
	for _, doc := range documents {
		for i := range doc {
			doc[i] = 0xc1
		}
	}
}

// everyWay hands each document out in every way that there is.
func (d *desk) everyWay(tx *store.Tx, take func(doc []byte) error) error {
	for _, id := range []int{1, 2} {
		doc, _, err := d.table.Get(tx, key(id))
		if err == nil {
			err = take(doc)
		}
		if err != nil {
			return err
		}
	}
	if err := d.table.GetMany(tx, [][]byte{key(1), key(2)}, take); err != nil {
		return err
	}
	projected, err := where(d.t, nil), error(nil)
	if projected.Projection, err = query.Only(query.Field("id"), query.Field("list"), query.Field("text")); err != nil {
		return err
	}
	for _, q := range []*query.Query{where(d.t, nil), where(d.t, query.Eq(query.Field("id"), 1)), projected} {
		if err := d.table.Find(tx, q, take); err != nil {
			return err
		}
	}
	return nil
}

func TestDocumentsAreCopies(t *testing.T) {
	onPlaces(t, func(t *testing.T, room place) {
		d, docs := apart(t, room)
		kept := map[string][]byte{}
		err := d.update(func(tx *store.Tx) error {
			if err := d.everyWay(tx, func(doc []byte) error {
				kept[string(doc)] = bytes.Clone(doc)
				scribble(doc)
				return nil
			}); err != nil {
				return err
			}
			result := [2][]byte{}
			i := 0
			_, err := d.table.UpdateFunc(tx, where(t, nil), func(doc []byte) ([]byte, error) {
				result[i] = bytes.Clone(doc)
				scribble(doc)
				i++
				return result[i-1], nil
			})
			scribble(result[:]...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		d.view(func(tx *store.Tx) error {
			for i, want := range docs {
				if doc, _, err := d.table.Get(tx, key(i+1)); err != nil || !bytes.Equal(doc, want) || kept[string(want)] == nil {
					t.Errorf("document %d is another one by now: %v", i+1, err)
				}
			}
			return nil
		})
	})
}

func TestSharedDocumentsAreNotCopied(t *testing.T) {
	options := storetest.Small()
	options.Isolation = store.Shared
	d := &desk{bed: bed{t: t, env: storetest.Open(t, inMemory(t)(), options)}}
	var err error
	if d.table, err = d.env.Table(ctx, "items", store.Schema{Key: query.Field("id")}, nil); err != nil {
		t.Fatal(err)
	}
	d.mustInsert(fields{"id": 1})
	d.view(func(tx *store.Tx) error {
		first, _, err := d.table.Get(tx, key(1))
		if err != nil {
			return err
		}
		same := func(doc []byte) error {
			if &doc[0] != &first[0] {
				t.Error("the document was copied")
			}
			return nil
		}
		if err := d.table.GetMany(tx, [][]byte{key(1)}, same); err != nil {
			return err
		}
		return d.table.Find(tx, where(t, nil), same)
	})
}
