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
		laid, plain := layOut(p.level, p.prefix, p.len(), len(p.body))
		copy(laid.offsets, p.offsets)
		laid.body = append(laid.body, p.body...)
		if again, ok := decodePage(plain); !ok || !bytes.Equal(again.body, p.body) || !bytes.Equal(again.prefix, p.prefix) {
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

// FuzzHeader: whatever the bytes, what stands beside a root and in a blob of its own is
// read as it would be written, or not at all.
func FuzzHeader(f *testing.F) {
	h := &header{[16]byte{1}, []byte("keys of the stage")}
	f.Add(h.encode())
	f.Add(sealHeader(h, keyName(4)).Bytes)
	f.Add(appendEnvelope(nil, RootBlob, RootName, []byte{3, 1}, h.encode(), []byte("payload")))
	f.Fuzz(func(t *testing.T, stored []byte) {
		if h, ok := decodeHeader(stored); ok && !bytes.Equal(h.encode(), stored) {
			t.Error("a header is written otherwise than it was read")
		}
		if h, err := openHeader(Blob{keyName(4), stored}); err == nil {
			if again, err := openHeader(sealHeader(h, keyName(4))); err != nil || again.id != h.id || !bytes.Equal(again.keys, h.keys) {
				t.Errorf("a header does not survive being written again: %v", err)
			}
		}
		env, err := openEnvelope(RootBlob, Blob{RootName, stored})
		if err != nil || env.header == nil {
			return
		}
		again := appendEnvelope(nil, RootBlob, RootName, env.stages, env.header.encode(), env.payload)
		if _, err := openEnvelope(RootBlob, Blob{RootName, again}); err != nil {
			t.Errorf("a root with a header does not survive being written again: %v", err)
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

// FuzzStoredKeys: whatever a database's flags, its stored keys sort as its keys
// and values do, and the keys can be read back.
func FuzzStoredKeys(f *testing.F) {
	f.Add([]byte("a"), []byte("\x00"), []byte("a\x00"), []byte("\xff"))
	f.Add([]byte("\x00\x00"), []byte(""), []byte("\x00"), []byte("\x00"))
	f.Add([]byte("\x00\xff"), []byte("\xff"), []byte("\x00"), []byte("\xff\x00"))
	f.Fuzz(func(t *testing.T, key, value, otherKey, otherValue []byte) {
		if len(key) == 0 || len(otherKey) == 0 {
			return
		}
		for flags := range allFlags + 1 {
			stored, other := flags.appendKey(nil, key), flags.appendKey(nil, otherKey)
			plain := flags &^ DupSort
			order := bytes.Compare(plain.appendKey(nil, key), plain.appendKey(nil, otherKey))
			if flags&DupSort != 0 {
				if order == 0 {
					order = bytes.Compare(value, otherValue)
				}
				stored, other = append(stored, value...), append(other, otherValue...)
			}
			if bytes.Compare(stored, other) != order {
				t.Errorf("%s: %x and %x sort otherwise than %q %q and %q %q", flags, stored, other, key, value, otherKey, otherValue)
			}
			head, ok := flags.headOf(stored)
			if !ok || !bytes.Equal(flags.appendPlain(nil, head), key) || flags&DupSort != 0 && !bytes.Equal(stored[len(head):], value) {
				t.Errorf("%s: %x does not read as %q %q", flags, stored, key, value)
			}
			if head, ok := flags.headOf(value); ok && !bytes.Equal(flags.appendKey(nil, flags.appendPlain(nil, head)), head) {
				t.Errorf("%s: %x is read as a key that is stored otherwise", flags, value)
			}
			beyond := flags.appendBeyond(nil, key)
			if bytes.Compare(stored, beyond) >= 0 || !bytes.Equal(key, otherKey) && bytes.Compare(other, stored) > 0 && bytes.Compare(other, beyond) < 0 {
				t.Errorf("%s: %x does not stand between %q and what follows", flags, beyond, key)
			}
		}
	})
}
