package origin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// serveStream sends changes as events, one message each, until Stream is over;
// clients then ask again from the last position they were told.
func (o *Origin) serveStream(w http.ResponseWriter, r *http.Request, d *demanded) error {
	s, err := o.find(r.Context(), d)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), o.config.Stream)
	defer cancel()
	// What is there already tells whether the offset is any; and has the headers.
	c, err := o.chunkAt(ctx, s, d.handle, d.from)
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
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	out := &events{o, w, http.NewResponseController(w)}
	for {
		if err := out.send(c); err != nil {
			return nil // the client is gone
		}
		if c, err = o.follow(ctx, s, out, c); err != nil || c == nil {
			return nil // the stream is begun: it ends, and the client asks again
		}
	}
}

// follow waits for what comes after a chunk, and keeps the connection alive. It
// returns nil where the stream is to end.
func (o *Origin) follow(ctx context.Context, s *shape, out *events, c *chunk) (*chunk, error) {
	for {
		alive := time.NewTimer(o.config.KeepAlive)
		next, err := o.next(ctx, s, c.handle, c.to, alive.C)
		alive.Stop()
		if err != nil || next.changes {
			return next, err
		}
		if o.draining.Err() != nil {
			return nil, nil
		}
		if err := out.comment("keep-alive"); err != nil {
			return nil, err
		}
	}
}

// events writes a stream of events.
type events struct {
	o     *Origin
	w     http.ResponseWriter
	flush *http.ResponseController
}

// send writes each message of a chunk as an event.
func (e *events) send(c *chunk) error {
	var messages []json.RawMessage
	if err := json.Unmarshal(c.body, &messages); err != nil {
		return err
	}
	var b bytes.Buffer
	for _, m := range messages {
		b.WriteString("data: ")
		b.Write(m)
		b.WriteString("\n\n")
	}
	return e.write(b.Bytes())
}

func (e *events) comment(text string) error { return e.write([]byte(": " + text + "\n\n")) }

func (e *events) write(b []byte) error {
	e.o.paced(e.w)
	if _, err := e.w.Write(b); err != nil {
		return err
	}
	return e.flush.Flush()
}
