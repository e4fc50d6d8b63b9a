package sync

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	stdsync "sync"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// recorded is what an origin has answered, one after the other, and what comes of it here
// and in a page: js/test/answers.test.ts reads the same file.
type recorded struct {
	Name  string `json:"name"`
	Shape struct {
		Table   string   `json:"table"`
		Columns []string `json:"columns"`
		Where   string   `json:"where"`
		Params  []string `json:"params"`
	} `json:"shape"`
	Schema  json.RawMessage `json:"schema"`
	Answers []struct {
		Status  int               `json:"status"` // 200
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
	} `json:"answers"`
	Refreshes int            `json:"refreshes"` // after all was there
	Requests  []string       `json:"requests"`  // queries; a buster is any
	Rows      []any          `json:"rows"`      // by key; see written
	Position  map[string]any `json:"position"`  // members of it; nil where it does not matter
}

func TestRecordedAnswers(t *testing.T) {
	text, err := os.ReadFile("testdata/answers.json")
	must(t, err)
	var all []recorded
	must(t, json.Unmarshal(text, &all))
	for i := range all {
		t.Run(all[i].Name, all[i].play)
	}
}

var anyBuster = regexp.MustCompile(`cache-buster=\w+`)

func (r *recorded) play(t *testing.T) {
	var mu stdsync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, anyBuster.ReplaceAllString(in.URL.RawQuery, "cache-buster=*"))
		if len(asked) > len(r.Answers) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		answer := r.Answers[len(asked)-1]
		w.Header().Set("electric-schema", string(r.Schema))
		for name, value := range answer.Headers {
			w.Header().Set(name, value)
		}
		if answer.Status != 0 {
			w.WriteHeader(answer.Status)
		}
		_, _ = w.Write(answer.Body)
	}))
	defer server.Close()
	env := newEnv(t)
	spec := ShapeSpec(r.Shape)
	p, err := Pull(t.Context(), env, PullOptions{Origin: server.URL, Shapes: map[string]ShapeSpec{"rows": spec}, Retry: quick, Once: true})
	must(t, err)
	defer p.Close()
	must(t, p.Complete(t.Context()))
	for range r.Refreshes {
		must(t, p.Refresh(t.Context()))
	}
	p.Close()
	if !slices.Equal(asked, r.Requests) {
		t.Errorf("it asks %q, want %q", asked, r.Requests)
	}
	if got := contents(t, env, "rows"); !reflect.DeepEqual(got, r.Rows) {
		t.Errorf("rows\n%v, want\n%v", got, r.Rows)
	}
	position := contents(t, env, shapesTable)[0].(map[string]any)
	for member, want := range r.Position {
		if !reflect.DeepEqual(position[member], want) {
			t.Errorf("%s is %v, want %v", member, position[member], want)
		}
	}
}

// contents reads all of a table, as the file writes values.
func contents(t *testing.T, env *store.Env, name string) []any {
	t.Helper()
	list := []any{}
	must(t, env.View(t.Context(), func(tx *store.Tx) error {
		table, err := tx.OpenTable(name)
		if err != nil {
			return err
		}
		return table.Find(tx, all(), func(doc []byte) error {
			v, _ := query.ReadValue(doc)
			list = append(list, written(v))
			return nil
		})
	}))
	return list
}

// written is a value as JSON has it: an integer that a number would round is
// {"$bigint": digits}, bytes are {"$bytes": hexadecimal digits}.
func written(v any) any {
	const exact = 1 << 53
	switch v := v.(type) {
	case int64:
		if v > -exact && v < exact {
			return float64(v)
		}
		return map[string]any{"$bigint": strconv.FormatInt(v, 10)}
	case []byte:
		return map[string]any{"$bytes": hex.EncodeToString(v)}
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = written(v[i])
		}
		return list
	case map[string]any:
		members := make(map[string]any, len(v))
		for name := range v {
			members[name] = written(v[name])
		}
		return members
	}
	return v
}
