package main

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// small are settings for an empty page and a world of two cities.
func small(t *testing.T) settings {
	t.Helper()
	return settings{addr: "127.0.0.1:0", dir: t.TempDir(), data: smallData(t), db: filepath.Join(t.TempDir(), "atlas.sqlite")}
}

func TestRunStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, done := small(t), make(chan error, 1)
	go func() { done <- run(ctx, s) }()
	cancel()
	select {
	case err := <-done:
		if err != nil && !strings.Contains(err.Error(), context.Canceled.Error()) {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the server goes on after it was told to stop")
	}
}

func TestRunExplains(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct {
		change func(*settings)
		told   string
	}{
		{func(s *settings) { s.dir = filepath.Join(s.dir, "missing") }, "make demo"},
		{func(s *settings) { s.data = filepath.Join(s.data, "missing") }, "countries.json"},
		{func(s *settings) { s.addr = taken.Addr().String() }, "make demo PORT=8081"},
		{func(s *settings) { s.addr = "0.0.0.0:0" }, "no loopback address"},
	} {
		s := small(t)
		test.change(&s)
		if err := run(t.Context(), s); err == nil || !strings.Contains(err.Error(), test.told) {
			t.Errorf("told %v, and not %q", err, test.told)
		}
	}
}
