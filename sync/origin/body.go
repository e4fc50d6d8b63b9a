package origin

import (
	"bytes"
	"container/list"
	"io"
	"net/http"
	"strings"
	stdsync "sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
)

// minEncoded is the size below which a body is sent as it is.
const minEncoded = 512

// encodingFor returns the content encoding to use: br before gzip, "" where the
// client takes neither. A weight of zero is a refusal; others are not told apart.
func encodingFor(h http.Header, size int) string {
	if size < minEncoded {
		return ""
	}
	accepted := map[string]bool{}
	for part := range strings.SplitSeq(h.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		weight = strings.TrimPrefix(strings.TrimSpace(weight), "q=")
		accepted[strings.ToLower(strings.TrimSpace(name))] = weight == "" || strings.Trim(weight, "0.") != ""
	}
	for _, name := range []string{"br", "gzip"} {
		if accepted[name] {
			return name
		}
	}
	return ""
}

// encoded returns a body in an encoding.
func encoded(body []byte, encoding string) []byte {
	var b bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "br":
		w = brotli.NewWriterLevel(&b, 4)
	case "gzip":
		w, _ = gzip.NewWriterLevel(&b, 5) // the level is one it has
	default:
		return body
	}
	// A buffer takes all that is written.
	_, _ = w.Write(body)
	_ = w.Close()
	return b.Bytes()
}

// bodyCache keeps encoded chunks, so that one which many fetch is compressed
// once. The least recently used go beyond a number of bytes.
type bodyCache struct {
	mu      stdsync.Mutex
	limit   int
	size    int
	entries map[string]*list.Element
	recent  *list.List // of *cachedBody, the last used first
}

type cachedBody struct {
	name string
	body []byte
}

func newBodyCache(limit int) *bodyCache {
	return &bodyCache{limit: limit, entries: map[string]*list.Element{}, recent: list.New()}
}

// get returns the body of a name, which make makes where it is not kept. Two that
// ask at once may both make it.
func (c *bodyCache) get(name string, make func() []byte) []byte {
	c.mu.Lock()
	if e := c.entries[name]; e != nil {
		c.recent.MoveToFront(e)
		c.mu.Unlock()
		return e.Value.(*cachedBody).body
	}
	c.mu.Unlock()
	body := make()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[name] == nil {
		c.entries[name] = c.recent.PushFront(&cachedBody{name, body})
		c.size += len(body)
	}
	for c.size > c.limit && c.recent.Len() > 1 {
		last := c.recent.Remove(c.recent.Back()).(*cachedBody)
		delete(c.entries, last.name)
		c.size -= len(last.body)
	}
	return body
}
