// Command codecs measures what compresses pages: how far, and how fast. It stores documents as
// the engine does, and has the plain pages of that pass each codec.
//
//	codecs folder    reads folder/*.json, lists of documents, of which "bytes" is base64; prints a line of JSON for each codec
//	                 and list, and leaves the pages of each list in folder/*.pages, each after its
//	                 length, for codecs of other languages
//
// bench/compression.mjs runs it in Node, compiled to WASM as the engine is, and makes a table.
package main

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
)

// codec is one way to compress a page.
type codec struct {
	name string
	pack func(plain []byte) ([]byte, error)
	open func(packed []byte) ([]byte, error)
}

// result is a line of output. Speeds are in bytes of plain pages a second; what does not
// save an eighth counts as it is, as a stage would leave it.
type result struct {
	Documents string  `json:"documents"`
	Codec     string  `json:"codec"`
	Pages     int     `json:"pages"`
	Plain     int     `json:"plain"`
	Packed    int     `json:"packed"`
	Pack      float64 `json:"pack"`
	Open      float64 `json:"open"`
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for _, file := range files {
		pages, err := pagesOf(file)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(file, ".json")
		if err := os.WriteFile(name+".pages", listed(pages), 0o600); err != nil {
			return err
		}
		for _, c := range codecs() {
			r, err := c.measure(pages)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if r.Documents = filepath.Base(name); out.Encode(r) != nil {
				return io.ErrShortWrite
			}
		}
	}
	return nil
}

// taking is a stage that keeps the pages that pass it.
type taking struct{ pages [][]byte }

func (t *taking) Stage() store.Stage { return store.Stage{Kind: store.User, ID: 1} }

func (t *taking) Seal(_ context.Context, blobs []store.Sealing) error {
	for i := range blobs {
		if blobs[i].Kind == store.PageBlob {
			t.pages = append(t.pages, bytes.Clone(blobs[i].Bytes))
		}
		blobs[i].Skipped = true
	}
	return nil
}

func (t *taking) Open(context.Context, []store.Sealing) error { return nil }

// pagesOf stores a list of documents with one index, and returns the pages of that.
func pagesOf(file string) ([][]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var list []map[string]any
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	documents := make([][]byte, len(list))
	for i, fields := range list {
		for name, value := range fields {
			switch value := value.(type) {
			case float64:
				if value == float64(int64(value)) {
					fields[name] = int64(value)
				}
			case string:
				if name == "bytes" {
					if fields[name], err = base64.StdEncoding.DecodeString(value); err != nil {
						return nil, err
					}
				}
			}
		}
		if documents[i], err = msgp.AppendIntf(nil, fields); err != nil {
			return nil, err
		}
	}
	ctx, taken := context.Background(), &taking{}
	env, err := store.Open(ctx, memory.New(), store.Options{Modifiers: []store.Modifier{taken}})
	if err != nil {
		return nil, err
	}
	schema := store.Schema{Key: query.Field("id"), Indexes: []store.IndexSpec{{Name: "name", Paths: []query.Path{query.Field("name")}}}}
	table, err := env.Table(ctx, "documents", schema, nil)
	if err == nil {
		err = env.Update(ctx, func(tx *store.Tx) error {
			_, err := table.Insert(tx, documents)
			return err
		})
	}
	if err == nil {
		err = env.Close(ctx)
	}
	return taken.pages, err
}

// listed are pages one after the other, each after its length.
func listed(pages [][]byte) (b []byte) {
	for _, page := range pages {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(page))), page...)
	}
	return b
}

// codecs are those that are compared, with what a stage would keep from page to page kept.
func codecs() []codec {
	return []codec{
		{"s2", func(b []byte) ([]byte, error) { return s2.Encode(nil, b), nil }, func(b []byte) ([]byte, error) { return s2.Decode(nil, b) }},
		{"s2 better", func(b []byte) ([]byte, error) { return s2.EncodeBetter(nil, b), nil }, func(b []byte) ([]byte, error) { return s2.Decode(nil, b) }},
		zstandard("zstd 1", zstd.SpeedFastest),
		zstandard("zstd 3", zstd.SpeedDefault),
		deflate("deflate 1", 1),
		deflate("deflate 6", 6),
		brotlian("brotli 1", 1),
		brotlian("brotli 5", 5),
	}
}

func zstandard(name string, level zstd.EncoderLevel) codec {
	w, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1)) // these options are well
	r, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	return codec{name, func(b []byte) ([]byte, error) { return w.EncodeAll(b, nil), nil }, func(b []byte) ([]byte, error) { return r.DecodeAll(b, nil) }}
}

func deflate(name string, level int) codec {
	w, _ := flate.NewWriter(nil, level) // which is one
	return codec{name, func(b []byte) ([]byte, error) {
		var out bytes.Buffer
		w.Reset(&out)
		return written(w, &out, b)
	}, func(b []byte) ([]byte, error) { return io.ReadAll(flate.NewReader(bytes.NewReader(b))) }}
}

func brotlian(name string, level int) codec {
	w := brotli.NewWriterLevel(nil, level)
	return codec{name, func(b []byte) ([]byte, error) {
		var out bytes.Buffer
		w.Reset(&out)
		return written(w, &out, b)
	}, func(b []byte) ([]byte, error) { return io.ReadAll(brotli.NewReader(bytes.NewReader(b))) }}
}

func written(w io.WriteCloser, out *bytes.Buffer, b []byte) ([]byte, error) {
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

// least is for how long something is done to be measured, after as long to warm up: V8 compiles
// a function of a module anew once it has run for a while.
const least = 500 * time.Millisecond

// measure packs and opens all pages, again and again.
func (c *codec) measure(pages [][]byte) (r result, err error) {
	r = result{Codec: c.name, Pages: len(pages)}
	packed := make([][]byte, len(pages))
	pack := func() error {
		for i, page := range pages {
			if packed[i], err = c.pack(page); err != nil {
				return err
			}
		}
		return nil
	}
	open := func() error {
		for i, b := range packed {
			if plain, err := c.open(b); err != nil || len(plain) != len(pages[i]) {
				return fmt.Errorf("page %d has %d bytes: %w", i, len(plain), err)
			}
		}
		return nil
	}
	packing, err := seconds(pack)
	if err != nil {
		return r, err
	}
	opening, err := seconds(open)
	for i, page := range pages {
		r.Plain += len(page)
		if len(packed[i]) <= len(page)-len(page)/8 {
			r.Packed += len(packed[i])
		} else {
			r.Packed += len(page)
		}
	}
	r.Pack, r.Open = float64(r.Plain)/packing, float64(r.Plain)/opening
	return r, err
}

// seconds is how long f takes.
func seconds(f func() error) (float64, error) {
	if _, err := repeated(f); err != nil {
		return 0, err
	}
	return repeated(f)
}

func repeated(f func() error) (float64, error) {
	begun := time.Now()
	for n := 1; ; n++ {
		if err := f(); err != nil {
			return 0, err
		}
		if passed := time.Since(begun); passed > least {
			return passed.Seconds() / float64(n), nil
		}
	}
}
