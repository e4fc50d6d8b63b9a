package sync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/stowage-db/stowage/store"
)

// Requests sends requests to an origin: with its token, each within its time, and none
// for a while where it fails again and again.
type Requests struct {
	client  *http.Client
	token   token
	breaker *gobreaker.CircuitBreaker[*Answer]
	count   atomic.Int64
}

// Request is one, by POST where it has a body.
type Request struct {
	URL     string
	Body    []byte        // JSON
	ETag    string        // of an answer that is here: 304 where it still is the answer
	Timeout time.Duration // until it begins to be answered; 30 s
}

// Answer is one that has arrived whole.
type Answer struct {
	Status int // 200, 204, 304 or 409
	Header http.Header
	Body   []byte
}

// Unanswered is the error of a request without an answer. Its code is origin_failed, or
// denied where the origin did not accept the token.
type Unanswered struct {
	Status int           // 0 where nothing came
	Again  bool          // it may be answered later
	Floor  time.Duration // not before so long
	what   string
	err    error
}

func (u *Unanswered) Error() string {
	if u.err != nil {
		return string(u.code()) + ": " + u.what + ": " + u.err.Error()
	}
	return string(u.code()) + ": " + u.what
}

// Unwrap returns the cause.
func (u *Unanswered) Unwrap() error { return u.err }

// Is reports whether target is this error's code.
func (u *Unanswered) Is(target error) bool { return target == u.code() }

// ErrorCode returns the stable code as text.
func (u *Unanswered) ErrorCode() string { return string(u.code()) }

func (u *Unanswered) code() store.Code {
	if u.Status == http.StatusUnauthorized || u.Status == http.StatusForbidden {
		return store.Denied
	}
	return store.OriginFailed
}

const (
	answerTimeout = 30 * time.Second // until an answer begins
	idleTimeout   = 30 * time.Second // between two parts of it
	liveTimeout   = 45 * time.Second // live answers end by themselves before
	maxAnswer     = 1 << 30          // bytes
)

// newRequests leaves an origin alone for rest after five failures in a row, or when
// half of twenty and more within a minute have failed. Then one may try.
func newRequests(client *http.Client, source TokenSource, rest time.Duration) *Requests {
	if client == nil {
		client = &http.Client{}
	}
	r := &Requests{client: client, token: token{source: source}}
	r.breaker = gobreaker.NewCircuitBreaker[*Answer](gobreaker.Settings{
		Interval: time.Minute,
		Timeout:  rest,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.ConsecutiveFailures >= 5 || c.Requests >= 20 && c.TotalFailures*2 >= c.Requests
		},
		IsSuccessful: func(err error) bool {
			var u *Unanswered
			return err == nil || errors.As(err, &u) && !u.Again // an answer, if only a refusal
		},
		IsExcluded: func(err error) bool { return errors.Is(err, store.Aborted) },
	})
	return r
}

// Count is how many requests were sent.
func (r *Requests) Count() int64 { return r.count.Load() }

// Send sends a request, once more with another token where the one it bore was refused.
// It fails with an Unanswered, or with Aborted where the context ended.
func (r *Requests) Send(ctx context.Context, request Request) (*Answer, error) {
	bearer, err := r.token.get(ctx)
	if err != nil {
		return nil, &Unanswered{Again: true, what: "there is no token for the origin", err: err}
	}
	answer, err := r.once(ctx, request, bearer)
	if !errors.Is(err, store.Denied) || !r.token.renewed(ctx, bearer) {
		return answer, err
	}
	if bearer, err = r.token.get(ctx); err != nil {
		return nil, &Unanswered{Again: true, what: "there is no token for the origin", err: err}
	}
	return r.once(ctx, request, bearer)
}

func (r *Requests) once(ctx context.Context, request Request, bearer string) (*Answer, error) {
	answer, err := r.breaker.Execute(func() (*Answer, error) {
		r.count.Add(1)
		answer, err := r.exchange(ctx, request, bearer)
		if ctx.Err() != nil {
			return nil, &store.Error{Code: store.Aborted, Op: "ask the origin", Err: ctx.Err()}
		}
		return answer, err
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return nil, &Unanswered{Again: true, what: "the origin is left alone for a while", err: err}
	}
	return answer, err
}

func (r *Requests) exchange(ctx context.Context, request Request, bearer string) (*Answer, error) {
	ctx, watch := newWatch(ctx, max(request.Timeout, answerTimeout))
	defer watch.end()
	q, err := request.made(ctx, bearer)
	if err != nil {
		return nil, err
	}
	response, err := r.client.Do(q)
	var told *url.Error
	if errors.As(err, &told) {
		err = told.Err // without the URL, which holds what was asked
	}
	if err != nil {
		return nil, &Unanswered{Again: true, what: "the origin cannot be reached", err: err}
	}
	defer response.Body.Close()
	body, err := watch.read(response.Body)
	if err != nil {
		return nil, &Unanswered{Again: true, what: "the answer was cut short", err: err}
	}
	switch response.StatusCode {
	case http.StatusOK, http.StatusNoContent, http.StatusNotModified, http.StatusConflict:
		return &Answer{response.StatusCode, response.Header, body}, nil
	}
	return nil, refused(response)
}

func (q *Request) made(ctx context.Context, bearer string) (*http.Request, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if q.Body != nil {
		method, body = http.MethodPost, bytes.NewReader(q.Body)
	}
	request, err := http.NewRequestWithContext(ctx, method, q.URL, body)
	if err != nil {
		return nil, &store.Error{Code: store.InvalidArgument, Op: "ask the origin", Err: err}
	}
	if q.Body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if q.ETag != "" {
		request.Header.Set("If-None-Match", q.ETag)
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	return request, nil
}

func refused(r *http.Response) *Unanswered {
	passing := r.StatusCode >= 500
	switch r.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		passing = true
	}
	return &Unanswered{
		Status: r.StatusCode, Again: passing, Floor: retryAfter(r.Header.Get("Retry-After")),
		what: fmt.Sprintf("the origin refused with %d", r.StatusCode),
	}
}

// retryAfter reads seconds or a date.
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, longestFloor.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// watch ends a request that stands still.
type watch struct {
	timer  *time.Timer
	cancel context.CancelFunc
}

func newWatch(ctx context.Context, first time.Duration) (context.Context, *watch) {
	ctx, cancel := context.WithCancel(ctx)
	return ctx, &watch{time.AfterFunc(first, cancel), cancel}
}

// end gives back what the watch holds.
func (w *watch) end() {
	w.timer.Stop()
	w.cancel()
}

// read reads all, as long as there is something to read from time to time.
func (w *watch) read(body io.Reader) ([]byte, error) {
	var b bytes.Buffer
	for b.Len() < maxAnswer {
		w.timer.Reset(idleTimeout)
		_, err := io.CopyN(&b, body, 64<<10)
		if errors.Is(err, io.EOF) {
			return b.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, &store.Error{Code: store.TooLarge, Op: "read an answer of the origin"}
}
