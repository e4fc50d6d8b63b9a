package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newSite serves a folder of three files, with a secret beside it.
func newSite(t *testing.T) *site {
	t.Helper()
	outside := t.TempDir()
	dir := filepath.Join(outside, "dist")
	for name, text := range map[string]string{
		"index.html":       "<title>atlas</title>",
		"assets/a1b2.wasm": "\x00asm",
		"data/cities.json": "[]",
		"../secret.txt":    "secret",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := openSite(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSiteServes(t *testing.T) {
	s := newSite(t)
	for _, test := range []struct {
		method, path string
		status       int
		contentType  string
		cache        string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "no-cache"},
		{"HEAD", "/index.html", 200, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/assets/a1b2.wasm", 200, "application/wasm", "public, max-age=31536000, immutable"},
		{"GET", "/data/cities.json", 200, "application/json", "no-cache"},
		{"GET", "/data", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/nothing", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/../secret.txt", 404, "text/plain; charset=utf-8", ""},
		{"POST", "/", 405, "text/plain; charset=utf-8", ""},
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(test.method, "http://localhost"+test.path, nil))
		got := w.Result()
		if got.StatusCode != test.status ||
			got.Header.Get("Content-Type") != test.contentType ||
			got.Header.Get("Cache-Control") != test.cache {
			t.Errorf("%s %s = %d, %q, %q; want %d, %q, %q", test.method, test.path,
				got.StatusCode, got.Header.Get("Content-Type"), got.Header.Get("Cache-Control"),
				test.status, test.contentType, test.cache)
		}
		if !strings.Contains(got.Header.Get("Content-Security-Policy"), "'wasm-unsafe-eval'") {
			t.Errorf("%s %s has no policy that lets WebAssembly compile", test.method, test.path)
		}
	}
}

func TestSiteAnswersNotModified(t *testing.T) {
	s := newSite(t)
	first := httptest.NewRecorder()
	s.ServeHTTP(first, httptest.NewRequest("GET", "/data/cities.json", nil))

	again := httptest.NewRequest("GET", "/data/cities.json", nil)
	again.Header.Set("If-None-Match", first.Result().Header.Get("ETag"))
	second := httptest.NewRecorder()
	s.ServeHTTP(second, again)
	if second.Code != http.StatusNotModified {
		t.Fatalf("an unchanged file was answered with %d", second.Code)
	}
}
