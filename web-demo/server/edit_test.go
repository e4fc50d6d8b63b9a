package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// smallEditor edits the world of two cities.
func smallEditor(t *testing.T) *editor {
	t.Helper()
	file := filepath.Join(t.TempDir(), "atlas.sqlite")
	if err := prepareWorld(t.Context(), file, smallData(t)); err != nil {
		t.Fatal(err)
	}
	e, err := openEditor(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// says sends a request of this machine, changed by change.
func (e *editor) says(method, path, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8080"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:50000"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

// cities lists what there is.
func (e *editor) cities(t *testing.T) string {
	t.Helper()
	var list string
	err := e.db.QueryRow("SELECT group_concat(id || ' ' || name || ' ' || fold || ' ' || country || ' ' || population, ', ') FROM (SELECT * FROM cities ORDER BY id)").Scan(&list)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestEdit(t *testing.T) {
	e := smallEditor(t)
	for _, test := range []struct {
		method, path, body string
		status             int
		cities             string // afterwards; as before where it is empty
	}{
		{"PATCH", "/edit/cities/2", `{"population": 1}`, 204, "1 Warsaw warsaw PL 1702139, 2 Łódź lodz PL 1"},
		{"PATCH", "/edit/cities/2", `{"name": "Ødź"}`, 204, "1 Warsaw warsaw PL 1702139, 2 Ødź odz PL 1"},
		{"POST", "/edit/cities", `{"country": "LT", "name": "Nida", "population": 2400}`, 201, "1 Warsaw warsaw PL 1702139, 2 Ødź odz PL 1, 3 Nida nida LT 2400"},
		{"DELETE", "/edit/cities/1", "", 204, "2 Ødź odz PL 1, 3 Nida nida LT 2400"},
		{"DELETE", "/edit/cities/1", "", 404, ""},
		{"PATCH", "/edit/cities/1", `{"population": 1}`, 404, ""},
		{"PATCH", "/edit/cities/x", `{"population": 1}`, 400, ""},
		{"PATCH", "/edit/cities/2", `{"population": -1}`, 400, ""},
		{"PATCH", "/edit/cities/2", `{"population": "many"}`, 400, ""},
		{"PATCH", "/edit/cities/2", `{"name": " "}`, 400, ""},
		{"PATCH", "/edit/cities/2", `{"id": 7}`, 400, ""},
		{"PATCH", "/edit/cities/2", `{"name": "` + strings.Repeat("x", 9000) + `"}`, 400, ""},
		{"POST", "/edit/cities", `{"country": "XX", "name": "Nowhere"}`, 404, ""},
		{"POST", "/edit/cities", `{"country": "PL"}`, 400, ""},
		{"GET", "/edit/cities", "", 405, ""},
		{"POST", "/edit/countries", `{"name": "Nowhere"}`, 404, ""},
	} {
		want := test.cities
		if want == "" {
			want = e.cities(t)
		}
		w := e.says(test.method, test.path, test.body, nil)
		if got := e.cities(t); w.Code != test.status || got != want {
			t.Errorf("%s %s %.40s: %d %s and %s; not %d and %s", test.method, test.path, test.body, w.Code, strings.TrimSpace(w.Body.String()), got, test.status, want)
		}
	}
}

// TestEditRefuses lets nobody edit but pages of this very server on this machine.
func TestEditRefuses(t *testing.T) {
	e := smallEditor(t)
	before := e.cities(t)
	for name, change := range map[string]func(*http.Request){
		"another machine":              func(r *http.Request) { r.RemoteAddr = "192.0.2.7:50000" },
		"a name that leads here":       func(r *http.Request) { r.Host = "rebound.example:8080" },
		"a page of another site":       func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"a page of another local port": func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:9999") },
	} {
		for _, method := range []string{"POST", "PATCH", "DELETE"} {
			path := map[bool]string{true: "/edit/cities", false: "/edit/cities/1"}[method == "POST"]
			if w := e.says(method, path, `{"country": "PL", "name": "Mine"}`, change); w.Code != http.StatusForbidden {
				t.Errorf("%s of %s: %d", method, name, w.Code)
			}
		}
	}
	if got := e.cities(t); got != before {
		t.Errorf("%s, and %s before", got, before)
	}
	own := e.says("DELETE", "/edit/cities/1", "", func(r *http.Request) {
		r.Host, r.RemoteAddr = "[::1]:8080", "[::1]:50000"
		r.Header.Set("Origin", "http://[::1]:8080")
	})
	if own.Code != http.StatusNoContent {
		t.Errorf("its own page: %d", own.Code)
	}
}
