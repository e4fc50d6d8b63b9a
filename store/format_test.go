package store

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// samples are one of each stored structure, with fixed contents.
func samples() map[string][]byte {
	leaf := newPending()
	for _, kv := range []struct {
		key string
		e   entry
	}{
		{"\x00\x00\x00\x01apple", entry{value: []byte("red")}},
		{"\x00\x00\x00\x01apricot", entry{kind: deleted}},
		{"\x00\x00\x00\x01avocado", entry{kind: overflow, value: Overflow{Ref{1, 2}, 3, 100000}.append(nil)}},
	} {
		leaf.add([]byte(kv.key), kv.e)
	}
	pairs := newPending()
	for _, pair := range []struct{ key, value string }{
		{"a", "first"}, {"a", "second"}, {"a\x00b", "\x00"},
	} {
		stored := DupSort.appendKey([]byte("\x00\x00\x00\x02"), []byte(pair.key))
		pairs.add(append(stored, pair.value...), entry{})
	}
	below := child{ref: Ref{7, 9}, entries: 3, tombstones: 1, overflows: 1, bytes: 90}
	branch := newPending()
	branch.add([]byte("\x00\x00\x00\x01apple"), entry{value: below.append(nil)})
	branch.add([]byte("\x00\x00\x00\x01melon"), entry{value: below.append(nil)})
	run := tree{root: below, level: 1}
	writes := &writeSet{}
	writes.space(1).put([]byte("\x00\x00\x00\x01key"), entry{value: []byte("value")})
	writes.space(1).put([]byte("\x00\x00\x00\x01gone"), entry{kind: deleted})
	body := appendSections(nil, []section{{writes: writes}, {trees: []tree{run}, writes: &writeSet{}}})
	r := &root{id: [16]byte{1, 2, 3}, stages: []byte{2, 1}, generation: 4, position: 5, trees: []tree{run, {root: below}}}
	walk := *r
	walk.resealing = &resealing{target: []byte{2, 1, 3, 1}, plain: true, next: []byte("\x00\x00\x00\x01melon")}
	rotation := *r
	rotation.resealing = &resealing{target: []byte{2, 1, 3, 1}, rotation: true}
	return map[string][]byte{
		"resealing": walk.encode(),
		"rotation":  rotation.encode(),
		"leaf":      plainPage(leaf, 0, 3),
		"branch":    plainPage(branch, 1, 2),
		"record":    record{position: 6, body: entry{value: body}}.append(nil),
		"root":      r.encode(),
		"catalog":   (&DB{space: 3, flags: DupSort, meta: []byte("meta")}).encode(),
		"pairs":     plainPage(pairs, 0, 3),
	}
}

func plainPage(p *pending, level, n int) []byte {
	_, plain := p.encode(level, n)
	return plain
}

// pinned compares what is stored with a golden file of this format version, and returns that.
func pinned(t *testing.T, name string, stored []byte) (golden []byte) {
	t.Helper()
	path := filepath.Join("testdata", "format-1", name)
	if *update {
		if err := os.WriteFile(path, stored, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stored, golden) {
		const most = 256
		t.Errorf("%s has %d bytes,\n%x\nand had %d,\n%x", name, len(stored), stored[:min(len(stored), most)], len(golden), golden[:min(len(golden), most)])
	}
	return golden
}

// TestFormatIsPinned compares every stored structure, plain and sealed, with the
// golden files of this format version. A difference means that stores already
// written can no longer be read: add a version instead.
func TestFormatIsPinned(t *testing.T) {
	s, err := newSealer(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, plain := range samples() {
		sealed, err := s.seal(context.Background(), PageBlob, []Blob{{"p/0/1", plain}})
		if err != nil {
			t.Fatal(err)
		}
		want := pinned(t, name+".sealed", sealed[0].Bytes)
		opened, err := s.open(context.Background(), PageBlob, []Blob{{"p/0/1", want}})
		if err != nil || !bytes.Equal(opened[0].Bytes, plain) {
			t.Errorf("%s does not open: %v", name, err)
		}
	}
}

// TestHeaderIsPinned compares a root with a header, and the blob that the header is kept in,
// with the golden files, and changes each of their bytes.
func TestHeaderIsPinned(t *testing.T) {
	s := plainSealer()
	r, ok := decodeRoot(samples()["root"])
	if !ok {
		t.Fatal("no root")
	}
	r.header = &header{r.id, []byte("keys of the stage")}
	root, err := s.sealRoot(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, stored := range []Blob{{RootName, root}, sealHeader(r.header, keyName(4))} {
		want := pinned(t, "header-"+stored.Name[:1]+".sealed", stored.Bytes)
		for i := range want {
			damaged := bytes.Clone(want)
			damaged[i] ^= 1 << (i % 8)
			if h, err := headerOf(Blob{stored.Name, damaged}); err == nil {
				t.Errorf("%s with byte %d changed has the header %v", stored.Name, i, h)
			}
			if h, err := headerOf(Blob{stored.Name, want[:i]}); err == nil {
				t.Errorf("%s cut to %d bytes has the header %v", stored.Name, i, h)
			}
		}
		if h, err := headerOf(Blob{stored.Name, want}); err != nil || h.id != r.id || !bytes.Equal(h.keys, r.header.keys) {
			t.Errorf("%s has the header %v, %v", stored.Name, h, err)
		}
	}
}

func headerOf(b Blob) (*header, error) {
	if b.Name != RootName {
		return openHeader(b)
	}
	env, err := openEnvelope(RootBlob, b)
	return env.header, err
}

// TestExportIsPinned compares an export of fixed contents with the golden one.
func TestExportIsPinned(t *testing.T) {
	var out bytes.Buffer
	w := &partWriter{ctx: context.Background(), out: &out, sealer: plainSealer()}
	stored := func(id space) []byte { return (&DB{space: id, meta: []byte("meta")}).encode() }
	for _, err := range []error{
		w.begin(item{kind: headItem, name: bytes.Repeat([]byte{1, 2}, 8), numbers: [3]uint64{7, 4}}),
		w.database([]byte(ownName+"colours"), stored(3)),
		w.entry([]byte("apple"), []byte("red")),
		w.entry([]byte("lime"), []byte("green")),
		w.entry([]byte("none"), nil),
		w.database([]byte(ownName+"large"), stored(2)),
		w.entry([]byte("key"), bytes.Repeat([]byte("0123456789abcdef"), 70<<10/16)),
		w.end(2, 4),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	pinned(t, "export.stowage", out.Bytes())
}

func TestEnvelopeRefusesEveryChange(t *testing.T) {
	s, err := newSealer(nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	sealed, err := s.seal(ctx, PageBlob, []Blob{{"p/0/1", []byte("forty-two bytes of some page, or thereabout")}})
	if err != nil {
		t.Fatal(err)
	}
	stored := sealed[0].Bytes
	open := func(kind BlobKind, name string, b []byte) Code {
		_, err := s.open(ctx, kind, []Blob{{name, b}})
		return CodeOf(err)
	}
	for i := range stored {
		for _, flip := range []byte{1, 0x80, 0xff} {
			damaged := bytes.Clone(stored)
			damaged[i] ^= flip
			if code := open(PageBlob, "p/0/1", damaged); code != Corrupt && code != NewerFormat && code != MissingModifier {
				t.Errorf("byte %d changed by %x: %q", i, flip, code)
			}
		}
		if code := open(PageBlob, "p/0/1", stored[:i]); code != Corrupt {
			t.Errorf("cut to %d bytes: %q", i, code)
		}
	}
	if code := open(RecordBlob, "p/0/1", stored); code != Corrupt {
		t.Errorf("as another kind: %q", code)
	}
	if code := open(PageBlob, "p/0/2", stored); code != Corrupt {
		t.Errorf("under another name: %q", code)
	}
	newer := bytes.Clone(stored)
	newer[1]++
	if code := open(PageBlob, "p/0/1", newer); code != NewerFormat {
		t.Errorf("of a later version: %q", code)
	}
}
