package sync

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	stdsync "sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
	"github.com/stowage-db/stowage/sync/origin"
)

// faultSchedules are run, each of its own seed.
const faultSchedules = 100

// network is one between a puller and its origin that fails by a seed.
type network struct {
	mu     stdsync.Mutex
	random *rand.Rand
	calm   bool
	past   map[string][]*http.Response // answers that a cache may still have, by URL; their bodies are those of pages
	pages  map[*http.Response][]byte
	faults map[string]int // how often each came
	sent   atomic.Int64
}

func newNetwork(random *rand.Rand) *network {
	return &network{random: random, past: map[string][]*http.Response{}, pages: map[*http.Response][]byte{}, faults: map[string]int{}}
}

func (n *network) draw() (what string, at int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	faults := []string{"refused", "lost", "cut", "twice", "late", "stale", "409", "409 of another", "429", "500", "502", "503", "spoiled"}
	what = "none"
	if i := n.random.IntN(3 * len(faults)); !n.calm && i < len(faults) {
		what = faults[i]
	}
	n.faults[what]++
	return what, n.random.Int()
}

// RoundTrip sends a request, or does otherwise.
func (n *network) RoundTrip(request *http.Request) (*http.Response, error) {
	n.sent.Add(1)
	what, at := n.draw()
	switch what {
	case "refused":
		return nil, errors.New("connection refused")
	case "429", "500", "502", "503":
		status := int(what[0]-'0')*100 + int(what[1]-'0')*10 + int(what[2]-'0')
		return answer(request, status, http.Header{"Retry-After": {"0.0005"}}, nil), nil
	case "409", "409 of another":
		header := http.Header{}
		if what == "409" {
			header.Set("electric-handle", request.URL.Query().Get("handle"))
		}
		return answer(request, http.StatusConflict, header, []byte(`[{"headers":{"control":"must-refetch"}}]`)), nil
	case "stale":
		if old := n.cached(request, at); old != nil {
			return old, nil
		}
	case "late":
		time.Sleep(time.Duration(at%3) * time.Millisecond)
	case "twice":
		if _, _, err := n.pass(request); err != nil {
			return nil, err
		}
	}
	response, body, err := n.pass(request)
	if err != nil {
		return nil, err
	}
	switch what {
	case "lost":
		return nil, io.ErrUnexpectedEOF
	case "cut":
		whole := len(body)
		response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:at%(whole+1)]), broken{}))
	case "spoiled":
		response.Body = io.NopCloser(bytes.NewReader(bytes.Replace(body, []byte("City"), []byte("Pity"), 1+at%3)))
	}
	return response, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func answer(request *http.Request, status int, header http.Header, body []byte) *http.Response {
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Request: request, ProtoMajor: 1, ProtoMinor: 1}
}

// pass sends a request and reads the answer, which a cache keeps.
func (n *network) pass(request *http.Request) (*http.Response, []byte, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	url := request.URL.String()
	n.past[url] = append(n.past[url], response)
	n.pages[response] = body
	return answer(request, response.StatusCode, response.Header.Clone(), body), body, nil
}

// cached returns an old answer, nil where a cache has none.
func (n *network) cached(request *http.Request, at int) *http.Response {
	n.mu.Lock()
	defer n.mu.Unlock()
	past := n.past[request.URL.String()]
	if len(past) == 0 {
		return nil
	}
	old := past[at%len(past)]
	return answer(request, old.StatusCode, old.Header.Clone(), n.pages[old])
}

func (n *network) calmDown() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calm = true
}

// schedule is one run: an origin whose rows change, a puller that follows, and what
// becomes of both.
type schedule struct {
	*world
	random   *rand.Rand
	network  *network
	blobs    *memory.Blobs
	env      *store.Env
	puller   *Puller
	live     bool
	versions []map[int64]string // that the rows of the origin have had, oldest first
	reached  int                // the version that is shown
	next     int                // the next identity
}

func (s *schedule) start() {
	s.Helper()
	env, err := store.Open(s.Context(), memory.Open(s.blobs), store.Options{})
	must(s, err)
	s.env = env
	s.puller, err = Pull(s.Context(), env, PullOptions{
		Origin: s.shapes(), Shapes: map[string]ShapeSpec{"cities": {Table: "cities"}}, Once: !s.live,
		Retry:  Retry{Base: 100 * time.Microsecond, Most: time.Millisecond, Rest: time.Millisecond},
		Client: &http.Client{Transport: s.network},
	})
	must(s, err)
}

// change changes some rows of the origin in one transaction.
func (s *schedule) change() {
	s.Helper()
	statement := "BEGIN"
	for range 1 + s.random.IntN(20) {
		switch id := 1 + s.random.IntN(s.next); s.random.IntN(3) {
		case 0:
			s.next++
			statement += fmt.Sprintf("; INSERT INTO cities VALUES (%d, 'Town %d', NULL, %d)", s.next, s.random.IntN(1000), s.random.IntN(1000))
		case 1:
			statement += fmt.Sprintf("; UPDATE cities SET name = 'Renamed %d' WHERE id = %d", s.random.IntN(1000), id)
		case 2:
			statement += fmt.Sprintf("; DELETE FROM cities WHERE id = %d", id)
		}
	}
	s.exec(statement + "; COMMIT")
	s.versions = append(s.versions, s.cities())
}

// check fails where something else is shown than one version of the origin's rows, or an
// older one than before: a row that was deleted would be back.
func (s *schedule) check() {
	s.Helper()
	position, err := s.puller.pulls["cities"].shape.position(s.Context())
	must(s, err)
	if !position.Complete {
		return
	}
	got := shown(s, s.env, "cities")
	for i := s.reached; i < len(s.versions); i++ {
		if maps.Equal(got, s.versions[i]) {
			s.reached = i
			return
		}
	}
	s.Fatalf("%d rows that the origin has not had since version %d of %d", len(got), s.reached, len(s.versions))
}

// step does one thing to one of the sides.
func (s *schedule) step() {
	s.Helper()
	switch s.random.IntN(12) {
	case 0: // the puller's program is killed
		s.puller.Close()
		s.start()
	case 1, 2: // the origin's is
		s.restart(s.random.IntN(3) == 0)
	case 3:
		_ = s.puller.Refetch(s.Context())
	case 4, 5, 6, 7:
		_ = s.puller.Refresh(s.Context())
	default:
		s.change()
		if s.random.IntN(3) > 0 {
			s.poll()
		}
	}
}

// restart ends the origin and starts it again; what its sidecar held may be lost.
func (w *world) restart(lost bool) {
	w.Helper()
	w.origin.Drain()
	w.busy.Lock()
	defer w.busy.Unlock()
	w.shut()
	if lost {
		for _, end := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(w.sidecar + end)
		}
	}
	w.open()
}

func runSchedule(t *testing.T, seed uint64) map[string]int {
	random := rand.New(rand.NewPCG(seed, 1))
	w := newCitiesWith(t, 100, func(c *origin.Config) {
		c.ChunkBytes = 1024
		c.LongPoll = 20 * time.Millisecond
	})
	s := &schedule{
		world: w, random: random, network: newNetwork(rand.New(rand.NewPCG(seed, 2))), blobs: memory.NewBlobs(),
		live: random.IntN(2) == 0, next: 100, versions: []map[int64]string{w.cities()},
	}
	s.start()
	defer func() { s.puller.Close() }()
	for range 12 {
		s.step()
		s.check()
	}
	s.network.calmDown()
	s.poll()
	for s.puller.Refresh(t.Context()) != nil && t.Context().Err() == nil {
	}
	s.equals(s.env)
	position, err := s.puller.pulls["cities"].shape.position(t.Context())
	must(t, err)
	if position.Staging != "" || position.Error != "" || position.Rows != int64(len(s.cities())) || position.Checksum == "" {
		t.Errorf("%+v", position)
	}
	if sent := s.network.sent.Load(); sent > 1500 {
		t.Errorf("%d requests", sent)
	}
	return s.network.faults
}

// Whatever the network does, and whoever is killed, what is shown is what the origin had,
// and in the end what it has.
func TestPullThroughFaults(t *testing.T) {
	seed := storetest.Seed(t)
	total := map[string]int{}
	for i := uint64(0); i < faultSchedules; i += uint64(storetest.Stride()) {
		if !t.Run(fmt.Sprint(i), func(t *testing.T) {
			for what, n := range runSchedule(t, seed+i) {
				total[what] += n
			}
		}) {
			t.Fatalf("schedule %d of seed %d", i, seed)
		}
	}
	t.Logf("what happened to requests: %v", total)
}
