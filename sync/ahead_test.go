package sync

import (
	"context"
	"maps"
	"net/http"
	"strings"
	stdsync "sync"
	"testing"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
)

// slow stores nothing as long as it is held.
type slow struct {
	store.Backend
	held stdsync.Mutex
}

func (s *slow) Commit(ctx context.Context, batch *store.Batch) error {
	s.held.Lock()
	defer s.held.Unlock()
	return s.Backend.Commit(ctx, batch)
}

// The next chunk is asked for while one is stored, and no other.
func TestPullAsksAhead(t *testing.T) {
	w := newCities(t, 450)
	backend := &slow{Backend: memory.New()}
	env, err := store.Open(t.Context(), backend, store.Options{})
	must(t, err)
	t.Cleanup(func() { _ = env.Close(context.Background()) })
	arrived := make(chan struct{}, 100)
	w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
		arrived <- struct{}{}
		next.ServeHTTP(out, in)
	})
	backend.held.Lock()
	p := w.pull(env, nil)
	<-arrived
	<-arrived // the first is not stored
	if got := p.Progress()["cities"]; got.Rows != 0 || len(arrived) != 0 {
		t.Errorf("%+v, and %d more requests", got, len(arrived))
	}
	backend.held.Unlock()
	must(t, p.Complete(t.Context()))
	w.equals(env)
	asked := w.took()
	met := map[string]bool{}
	for _, one := range asked {
		met[one] = true
	}
	if len(met) != len(asked) || len(asked) < 5 {
		t.Errorf("%q", asked)
	}
}

// What was asked for ahead ends with the puller, and with what it would follow.
func TestWhatIsAheadEnds(t *testing.T) {
	w := newCities(t, 450)
	env := newEnv(t)
	var mu stdsync.Mutex
	count := 0
	reached, ended := make(chan struct{}), make(chan struct{})
	w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
		mu.Lock()
		count++
		third := count == 3
		mu.Unlock()
		if third {
			close(reached)
			<-in.Context().Done()
			close(ended)
			return
		}
		next.ServeHTTP(out, in)
	})
	p := w.pull(env, nil)
	<-reached
	p.Close()
	<-ended
	before := shown(t, env, "cities")

	refused := false
	w.passing(func(out http.ResponseWriter, in *http.Request, next http.Handler) {
		mu.Lock()
		defer mu.Unlock()
		if handle := in.URL.Query().Get("handle"); handle != "" && !refused && !strings.Contains(in.URL.RawQuery, "offset=-1") {
			refused = true
			w.exec("DELETE FROM cities WHERE id = 7")
			out.Header().Set("electric-handle", "another")
			out.WriteHeader(http.StatusConflict)
			return
		}
		next.ServeHTTP(out, in)
	})
	second := w.pull(env, nil)
	must(t, second.Complete(t.Context()))
	w.poll()
	must(t, second.Refresh(t.Context()))
	w.equals(env)
	if !refused || maps.Equal(before, shown(t, env, "cities")) {
		t.Error("nothing was refused")
	}
}
