package origin

import (
	"context"
	"path/filepath"
	"testing"
	"time"
)

// TestSidecarAwaitsItsFile opens a sidecar while a connection that is about to end holds
// its file.
func TestSidecarAwaitsItsFile(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "sidecar")
	ending, err := openOwn(path).Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ending.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	opened := make(chan error)
	go func() {
		s, err := openSidecar(ctx, path)
		if err == nil {
			err = s.close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	if _, err := ending.ExecContext(ctx, "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Error(err)
	}
	if err := ending.Close(); err != nil {
		t.Error(err)
	}
}
