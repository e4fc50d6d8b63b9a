package origin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stowage-db/stowage/store"
)

// Handler serves
//
//	GET  /v1/shape    a chunk of a shape, or what comes next
//	POST /v1/query    the answer to a statement, where the configuration has it
//	GET  /health      200, or 503 where the source cannot be read
//	GET  /metrics     counters, as text
//
// Requests must bear the token, but for /health.
func (o *Origin) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /v1/shape", o.guarded(o.serveShape))
	if o.config.Statement {
		mux.Handle("POST /v1/query", o.guarded(o.limited(o.serveQuery)))
	}
	mux.Handle("GET /metrics", o.guarded(o.limited(func(w http.ResponseWriter, r *http.Request) error {
		o.serveMetrics(w, r)
		return nil
	})))
	mux.HandleFunc("GET /health", o.serveHealth)
	return o.observed(o.crossOrigin(mux))
}

// serve answers a request, or says why not before anything was written.
type serve func(http.ResponseWriter, *http.Request) error

// guarded lets requests pass that bear the token, and answers failures.
func (o *Origin) guarded(f serve) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := failure(store.Denied, "read the origin: no valid token", "")
		if o.admits(r) {
			err = f(w, r)
		}
		if err != nil {
			o.refuse(w, r, err)
		}
	})
}

func (o *Origin) admits(r *http.Request) bool {
	if o.config.Token == "" {
		return true
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(o.config.Token))
	return ok && subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

// limited lets a number of requests at a time pass, each for a bounded time.
func (o *Origin) limited(f serve) serve {
	return func(w http.ResponseWriter, r *http.Request) error {
		defer o.metrics.busy.Add(-1)
		if o.metrics.busy.Add(1) > int64(o.config.MaxBusy) {
			return failure(store.Quota, "answer so many requests at a time", "")
		}
		ctx, cancel := context.WithTimeout(r.Context(), o.config.Request)
		defer cancel()
		return f(w, r.WithContext(ctx))
	}
}

// paced has a client read what is written from now on within Request, so that one that
// does not read holds nothing for longer.
func (o *Origin) paced(w http.ResponseWriter) {
	// What has no deadlines, such as a recorder, has no client that could be slow.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(o.config.Request))
}

// statusOf returns the status that an error is answered with.
func statusOf(err error) int {
	switch store.CodeOf(err) {
	case store.InvalidArgument, store.InvalidOption, store.InvalidQuery, store.Unsupported, store.TooDeep:
		return http.StatusBadRequest
	case store.TooLarge:
		return http.StatusRequestEntityTooLarge
	case store.NotFound:
		return http.StatusNotFound
	case store.Denied:
		return http.StatusUnauthorized
	case store.Quota:
		return http.StatusTooManyRequests
	case store.Aborted, store.Conflict, store.BackendFailed, store.Closed:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// refuse answers a failure as {"code", "message"}. What the database said goes to
// the log only.
func (o *Origin) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(r.Context().Err(), context.Canceled) {
		return // nobody listens
	}
	status := statusOf(err)
	message := &store.Error{Code: store.CodeOf(err)}
	var e *store.Error
	if errors.As(err, &e) {
		message = &store.Error{Code: e.Code, Op: e.Op, Name: e.Name}
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Surrogate-Control", "no-store")
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", "2")
	}
	o.paced(w)
	w.WriteHeader(status)
	body := append(appendJSON([]byte(`{"code":`), string(message.Code)), `,"message":`...)
	_, _ = w.Write(append(appendJSON(body, message.Error()), '}', '\n'))
	o.config.Log.Log(r.Context(), levelOf(status), "request refused", "path", r.URL.Path, "status", status, "error", err)
}

func levelOf(status int) slog.Level {
	if status >= http.StatusInternalServerError {
		return slog.LevelError
	}
	return slog.LevelDebug
}

// exposed are the headers that scripts of other origins may read; clients fail
// without them.
const exposed = "electric-handle, electric-offset, electric-schema, electric-cursor, electric-up-to-date, electric-has-data, " +
	"x-shape-rows, x-shape-checksum, etag, retry-after"

// crossOrigin answers preflights and allows the configured web origins to read.
// No cookies are ever looked at, so none are allowed.
func (o *Origin) crossOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		any := slices.Contains(o.config.Origins, "*")
		from := r.Header.Get("Origin")
		if len(o.config.Origins) > 0 && !any {
			h.Add("Vary", "Origin")
		}
		if allowed := any || from != "" && slices.Contains(o.config.Origins, from); allowed {
			if any {
				from = "*"
			}
			h.Set("Access-Control-Allow-Origin", from)
			h.Set("Access-Control-Expose-Headers", exposed)
			if r.Method == http.MethodOptions {
				h.Set("Access-Control-Allow-Methods", "GET, POST")
				h.Set("Access-Control-Allow-Headers", "authorization, content-type, if-none-match, cache-control")
				h.Set("Access-Control-Max-Age", "86400")
			}
		}
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// observed counts and logs requests, and keeps the panic of one from the others.
func (o *Origin) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		c := &counting{ResponseWriter: w, status: http.StatusOK}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		defer func() {
			if p := recover(); p != nil {
				o.config.Log.Error("panic", "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				c.status = http.StatusInternalServerError
				if c.sent == 0 {
					o.refuse(c, r, failure(store.Internal, "answer a request", ""))
				}
			}
			o.metrics.requests[min(c.status/100, 5)].Add(1)
			o.metrics.bytes.Add(c.sent)
			o.config.Log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", c.status, "bytes", c.sent, "took", time.Since(began))
		}()
		next.ServeHTTP(c, r)
	})
}

type counting struct {
	http.ResponseWriter
	status int
	sent   int64
}

func (c *counting) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.sent += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find what streams of events need.
func (c *counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// demanded is a request for a shape.
type demanded struct {
	table, where string
	params       []literal // of no known kind
	columns      []string
	handle       string
	from         offset
	now          bool // from the end, whatever came before
	live, stream bool
	cursor       string
}

// parseDemand reads the parameters of GET /v1/shape. What would change the answer
// and is not supported is refused; others, such as cache busters, are let be.
func parseDemand(q url.Values) (*demanded, error) {
	for name := range q {
		if strings.HasPrefix(name, "subset__") {
			return nil, failure(store.Unsupported, "read a subset", name)
		}
	}
	if replica := q.Get("replica"); replica != "" && replica != "default" {
		return nil, failure(store.Unsupported, "serve old values", "replica="+start(replica))
	}
	if log := q.Get("log"); log != "" && log != "full" {
		return nil, failure(store.Unsupported, "leave the snapshot out", "log="+start(log))
	}
	d := &demanded{
		table: q.Get("table"), where: q.Get("where"), handle: q.Get("handle"), cursor: q.Get("cursor"),
		live:   q.Get("live") == "true",
		stream: q.Get("live_sse") == "true" || q.Get("experimental_live_sse") == "true",
	}
	if d.table == "" || len(d.table) > 200 {
		return nil, failure(store.InvalidArgument, "read the name of a table", "")
	}
	if columns := q.Get("columns"); columns != "" {
		d.columns = columnList(columns)
	}
	for {
		name := "params[" + strconv.Itoa(len(d.params)+1) + "]"
		if !q.Has(name) {
			break
		}
		d.params = append(d.params, literal{unknownKind, q.Get(name)})
	}
	var err error
	if d.now = q.Get("offset") == "now"; !d.now {
		if d.from, err = parseOffset(q.Get("offset")); err != nil {
			return nil, err
		}
	}
	if d.live && (d.now || d.from == beginning) || !d.live && d.stream {
		return nil, failure(store.InvalidArgument, "follow what was not read first", "")
	}
	if !d.now && d.from != beginning && d.handle == "" {
		return nil, failure(store.InvalidArgument, "go on from an offset without a handle", "")
	}
	return d, nil
}

// columnList splits names at commas, outside of double quotes.
func columnList(list string) []string {
	var names []string
	var name strings.Builder
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '"' && quoted && i+1 < len(list) && list[i+1] == '"':
			name.WriteByte(c)
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			names = append(names, name.String())
			name.Reset()
		default:
			name.WriteByte(c)
		}
	}
	return append(names, name.String())
}
