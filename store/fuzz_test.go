package store

import (
	"bytes"
	"context"
	"testing"
)

// seeded adds the samples of stored structures to a fuzzer's corpus.
func seeded(f *testing.F) {
	for _, plain := range samples() {
		f.Add(plain)
	}
}

// FuzzPage: whatever the bytes, a page that decodes can be searched and read.
func FuzzPage(f *testing.F) {
	seeded(f)
	f.Fuzz(func(t *testing.T, plain []byte) {
		p, ok := decodePage(plain)
		if !ok {
			return
		}
		for i := range p.len() {
			key := p.appendKey(nil, i)
			if at, exact := p.search(key); exact && !bytes.Equal(p.appendKey(nil, at), key) {
				t.Errorf("search(%x) found entry %d, which is %x", key, at, p.appendKey(nil, at))
			}
			if p.level == 0 {
				p.entry(i)
			} else {
				p.child(p.descend(key))
			}
		}
		if again, ok := decodePage(p.encode()); !ok || !bytes.Equal(again.body, p.body) {
			t.Error("a page does not survive being encoded again")
		}
	})
}

func FuzzRecord(f *testing.F) {
	seeded(f)
	f.Fuzz(func(t *testing.T, plain []byte) {
		r, ok := decodeRecord(plain)
		if !ok || r.body.kind != inline {
			return
		}
		sections, ok := decodeSections(r.body.value)
		if !ok {
			return
		}
		again, ok := decodeSections(appendSections(nil, sections))
		if !ok || len(again) != len(sections) {
			t.Error("a record does not survive being encoded again")
		}
	})
}

func FuzzRoot(f *testing.F) {
	seeded(f)
	f.Fuzz(func(t *testing.T, plain []byte) {
		r, ok := decodeRoot(plain)
		if !ok {
			return
		}
		again, ok := decodeRoot(r.encode())
		if !ok || again.position != r.position || len(again.trees) != len(r.trees) {
			t.Error("a root does not survive being encoded again")
		}
	})
}

func FuzzEnvelope(f *testing.F) {
	s, err := newSealer(nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, plain := range samples() {
		sealed, err := s.seal(context.Background(), PageBlob, []Blob{{"p/0/1", plain}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(sealed[0].Bytes)
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		opened, err := s.open(context.Background(), PageBlob, []Blob{{"p/0/1", stored}})
		if err != nil {
			return
		}
		sealed, err := s.seal(context.Background(), PageBlob, opened)
		if err != nil || len(sealed) != 1 {
			t.Errorf("what was opened cannot be sealed: %v", err)
		}
	})
}

func FuzzCatalogue(f *testing.F) {
	seeded(f)
	f.Fuzz(func(t *testing.T, stored []byte) {
		db, ok := decodeDatabase(stored)
		if !ok {
			return
		}
		again, ok := decodeDatabase(db.encode())
		if !ok || again.space != db.space || again.flags != db.flags || !bytes.Equal(again.meta, db.meta) {
			t.Error("a catalogue entry does not survive being encoded again")
		}
	})
}
