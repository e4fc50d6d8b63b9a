// Command server shows the atlas, Stowage's demo, on this machine.
//
// It serves one folder of static files and nothing else: once the page has
// filled its own store it asks the server for nothing more.
//
//	go run ./web-demo/server [-addr 127.0.0.1:8080] [-dir web-demo/dist]
//
// PORT=9000 in the environment changes the port alone; port 0 takes a free one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	addr := flag.String("addr", defaultAddr(os.Getenv("PORT")), "`address` to listen on")
	dir := flag.String("dir", "web-demo/dist", "`folder` to serve")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "atlas:", err)
		os.Exit(1)
	}
}

// defaultAddr is the loopback address with port, or 8080 where port is empty.
func defaultAddr(port string) string {
	if port == "" {
		port = "8080"
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// run serves dir on addr until ctx ends, then lets requests under way finish.
func run(ctx context.Context, addr, dir string) error {
	site, err := openSite(dir)
	if err != nil {
		return fmt.Errorf("%w (has the demo been built? make demo does it)", err)
	}
	defer site.Close()

	listener, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is taken by another program; choose a port: make demo PORT=8081", addr)
	}
	if err != nil {
		return err
	}
	fmt.Printf("The atlas is at http://%s (Ctrl-C stops it)\n", listener.Addr())

	server := &http.Server{Handler: site, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close()
}
