package storetest

import (
	"net"
	"os/exec"
	"testing"
	"time"
)

// Redis starts a Redis server of the test's own, which ends with it, and returns its
// address. `make setup` installs one where there is none.
func Redis(t testing.TB) (address string) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = free.Addr().String()
	_ = free.Close()
	RedisAt(t, address)
	return address
}

// RedisAt starts one at an address, as where another has ended.
func RedisAt(t testing.TB, address string) {
	t.Helper()
	_, port, _ := net.SplitHostPort(address)
	process := exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := process.Start(); err != nil {
		t.Fatalf("%v: run make setup", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	t.Cleanup(func() {
		_ = process.Process.Kill()
		<-ended
	})
	for {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the Redis server ended: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
