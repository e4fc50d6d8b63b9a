package origin

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// metrics counts what the origin has done since it was opened.
type metrics struct {
	requests [6]atomic.Int64 // by the first digit of their status
	refetch  atomic.Int64    // 409
	bytes    atomic.Int64    // of bodies, as sent
	busy     atomic.Int64    // requests under way that are not live
	live     atomic.Int64    // live requests that wait
	polls    atomic.Int64
	failures atomic.Int64 // of polls
	scanning atomic.Int64 // nanoseconds spent in polls
	changes  atomic.Int64 // operations logged
}

func (m *metrics) polled(took time.Duration, err error) {
	m.polls.Add(1)
	m.scanning.Add(int64(took))
	if err != nil {
		m.failures.Add(1)
	}
}

// write writes them in the text format of Prometheus.
func (m *metrics) write(w io.Writer, shapes int) {
	for class := 2; class < len(m.requests); class++ {
		fmt.Fprintf(w, "stowage_origin_requests_total{status=\"%dxx\"} %d\n", class, m.requests[class].Load())
	}
	for _, v := range []struct {
		name  string
		value any
	}{
		{"refetches_total", m.refetch.Load()},
		{"sent_bytes_total", m.bytes.Load()},
		{"busy_requests", m.busy.Load()},
		{"live_requests", m.live.Load()},
		{"polls_total", m.polls.Load()},
		{"poll_failures_total", m.failures.Load()},
		{"poll_seconds_total", time.Duration(m.scanning.Load()).Seconds()},
		{"changes_total", m.changes.Load()},
		{"shapes", shapes},
	} {
		fmt.Fprintf(w, "stowage_origin_%s %v\n", v.name, v.value)
	}
}

func (o *Origin) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	o.mu.RLock()
	shapes := len(o.shapes)
	o.mu.RUnlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	o.metrics.write(w, shapes)
}

// serveHealth tells whether the source could be read when it last was: 200 or
// 503. It says nothing that needs a token.
func (o *Origin) serveHealth(w http.ResponseWriter, _ *http.Request) {
	o.mu.RLock()
	failed := o.failed
	o.mu.RUnlock()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case o.draining.Err() != nil:
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, `{"status":"stopping"}`)
	case failed != nil:
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, `{"status":"failing"}`)
	default:
		fmt.Fprintln(w, `{"status":"active"}`)
	}
}
