package origin

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stowage-db/stowage/store"
)

func (o *Origin) serveShape(w http.ResponseWriter, r *http.Request) error {
	d, err := parseDemand(r.URL.Query())
	if err != nil {
		return err
	}
	if !d.live {
		return o.limited(func(w http.ResponseWriter, r *http.Request) error { return o.serveChunk(w, r, d) })(w, r)
	}
	defer o.metrics.live.Add(-1)
	if o.metrics.live.Add(1) > int64(o.config.MaxLive) {
		return failure(store.Quota, "follow a shape", d.table)
	}
	if d.stream {
		return o.serveStream(w, r, d)
	}
	return o.serveLive(w, r, d)
}

// find returns the shape that a request means.
func (o *Origin) find(ctx context.Context, d *demanded) (*shape, error) {
	ctx, cancel := context.WithTimeout(ctx, o.config.Request)
	defer cancel()
	var filter expression
	var err error
	if d.where != "" {
		if filter, err = parseFilter(d.where); err != nil {
			return nil, err
		}
	}
	relation, err := o.relation(ctx, d.table)
	if err != nil {
		return nil, err
	}
	def, _, err := define(o.source.dialect(), relation, filter, d.params, d.columns)
	if err != nil {
		return nil, err
	}
	return o.demand(ctx, def)
}

// serveChunk answers a request that is not live.
func (o *Origin) serveChunk(w http.ResponseWriter, r *http.Request, d *demanded) error {
	s, err := o.find(r.Context(), d)
	if err != nil {
		return err
	}
	var c *chunk
	if d.now {
		c = o.end(s)
	} else if c, err = o.chunkAt(r.Context(), s, d.handle, d.from); errors.Is(err, errRefetch) {
		return o.refetch(w, s)
	} else if err != nil {
		return err
	}
	h := w.Header()
	o.describeChunk(h, c)
	h.Set("electric-schema", c.schema)
	tag := c.tag()
	h.Set("ETag", tag)
	switch {
	case c.full && d.from != beginning:
		h.Set("Cache-Control", o.visibility()+", max-age=31536000, immutable")
	default:
		// A 304 costs next to nothing. What may be stale leads clients to handles
		// that are gone, over and over.
		h.Set("Cache-Control", "no-cache")
		if o.config.Token != "" {
			h.Set("Cache-Control", "private, no-cache")
		}
		if matches(r.Header, tag) {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	o.send(w, r, c.body, tag, c.full)
	return nil
}

// matches reports whether a client has what has that tag: one of a list, or weak, as a
// proxy makes it that compresses.
func matches(h http.Header, tag string) bool {
	for _, list := range h.Values("If-None-Match") {
		for one := range strings.SplitSeq(list, ",") {
			if strings.TrimPrefix(strings.TrimSpace(one), "W/") == tag {
				return true
			}
		}
	}
	return false
}

// end returns an empty chunk at the end of a shape.
func (o *Origin) end(s *shape) *chunk {
	o.mu.RLock()
	defer o.mu.RUnlock()
	at := offset{o.position, 0}
	return &chunk{
		generation: s.generation, handle: s.handle, from: at, to: at, position: o.position,
		body: []byte("[" + upToDate(o.position) + "]"), upToDate: true,
	}
}

// visibility tells who may keep an answer: with tokens, only who asked.
func (o *Origin) visibility() string {
	if o.config.Token != "" {
		return "private"
	}
	return "public"
}

// tag is different for what came at another time, where the same question may
// have another answer.
func (c *chunk) tag() string {
	return `"` + c.handle + ":" + c.from.String() + ":" + c.to.String() + `"`
}

// describeChunk sets the headers that every answer has. The checksum is that of
// all rows once the chunk has been applied, so it stands where that is all.
func (o *Origin) describeChunk(h http.Header, c *chunk) {
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Add("Vary", "Accept-Encoding")
	if o.config.Token != "" {
		h.Add("Vary", "Authorization")
	}
	h.Set("electric-handle", c.handle)
	h.Set("electric-offset", c.to.String())
	h.Set("electric-has-data", strconv.FormatBool(c.changes))
	h.Set("x-shape-rows", strconv.FormatInt(c.rows, 10))
	if c.upToDate {
		h.Set("electric-up-to-date", "true")
		h.Set("x-shape-checksum", checksumText(c.checksum))
	}
}

func checksumText(sum uint64) string { return fmt.Sprintf("%016x", sum) }

// refetch tells a client to begin anew, under the handle that the shape has now.
func (o *Origin) refetch(w http.ResponseWriter, s *shape) error {
	o.metrics.refetch.Add(1)
	o.mu.RLock()
	handle := s.handle
	o.mu.RUnlock()
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("electric-handle", handle)
	// One that is kept somewhere sends clients round in circles.
	h.Set("Cache-Control", "no-store")
	h.Set("Surrogate-Control", "no-store")
	w.WriteHeader(http.StatusConflict)
	_, _ = w.Write([]byte(mustRefetch))
	return nil
}

// send writes a body, encoded as the client likes. What never changes is encoded
// once.
func (o *Origin) send(w http.ResponseWriter, r *http.Request, body []byte, tag string, keep bool) {
	encoding := encodingFor(r.Header, len(body))
	if encoding != "" {
		w.Header().Set("Content-Encoding", encoding)
		plain := body
		encode := func() []byte { return encoded(plain, encoding) }
		if keep {
			body = o.bodies.get(encoding+tag, encode)
		} else {
			body = encode()
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	o.paced(w)
	_, _ = w.Write(body) // a client that is gone is no failure
}

// serveLive waits for a change, for LongPoll at most.
func (o *Origin) serveLive(w http.ResponseWriter, r *http.Request, d *demanded) error {
	s, err := o.find(r.Context(), d)
	if err != nil {
		return err
	}
	deadline := time.NewTimer(o.config.LongPoll)
	defer deadline.Stop()
	c, err := o.next(r.Context(), s, d.handle, d.from, deadline.C)
	if errors.Is(err, errRefetch) {
		return o.refetch(w, s)
	}
	if err != nil {
		return err
	}
	h := w.Header()
	o.describeChunk(h, c)
	h.Set("electric-schema", c.schema)
	h.Set("electric-cursor", o.cursor(d.cursor))
	h.Set("Cache-Control", o.visibility()+", max-age=5, stale-while-revalidate=5")
	if o.draining.Err() != nil {
		h.Set("Cache-Control", "no-store")
	}
	// An empty answer must not be taken for the next one.
	h.Set("ETag", c.tag()[:len(c.tag())-1]+":"+strconv.FormatInt(time.Now().UnixNano(), 36)+`"`)
	o.send(w, r, c.body, "", false)
	return nil
}

// next returns what follows an offset as soon as there is anything, or the empty
// chunk that there is when timeout fires or the origin is drained.
func (o *Origin) next(ctx context.Context, s *shape, handle string, from offset, timeout <-chan time.Time) (*chunk, error) {
	for waiting := true; ; {
		o.mu.RLock()
		changed := s.changed
		o.mu.RUnlock()
		read, cancel := context.WithTimeout(ctx, o.config.Request)
		c, err := o.chunkAt(read, s, handle, from)
		cancel()
		if err != nil || c.changes || !waiting {
			return c, err
		}
		select {
		case <-changed:
			if !o.serves(s) {
				return nil, errRefetch
			}
		case <-timeout:
			waiting = false
		case <-o.draining.Done():
			waiting = false
		case <-ctx.Done():
			return nil, &store.Error{Code: store.Aborted, Op: "follow a shape", Err: ctx.Err()}
		}
	}
}

// serves reports whether a shape was not dropped.
func (o *Origin) serves(s *shape) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if o.shapes[s.name] != s {
		return false
	}
	s.used = time.Now()
	return true
}

// cursor returns what makes the URL of the next live request another one, and the
// same for all who wait at that time, so that a cache asks once for all of them.
func (o *Origin) cursor(last string) string {
	step := max(int64(o.config.LongPoll/time.Second), 1)
	now := (time.Now().Unix()/step + 1) * step
	if before, err := strconv.ParseInt(last, 10, 64); err == nil && before >= now && before < now+3600 {
		now = before + 1 + rand.Int64N(step)
	}
	return strconv.FormatInt(now, 10)
}

// relation describes an allowed table, as it was when something last changed.
func (o *Origin) relation(ctx context.Context, name string) (*Relation, error) {
	o.mu.RLock()
	relation := o.described[name]
	o.mu.RUnlock()
	if relation != nil {
		return relation, nil
	}
	err := o.source.Snapshot(ctx, func(r Reader) (err error) {
		relation, err = o.describe(ctx, r, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.described[name] = relation
	return relation, nil
}
