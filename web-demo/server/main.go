// Command server shows the atlas, Stowage's demo, on this machine.
//
// It serves one folder of static files, and below /v1 the origin that the page
// pulls the world from: a SQLite file, which is made of the files of data when
// it is not there. Once the page has pulled, it goes on without either. Below /edit
// the cities of that file are edited, so that there is something to follow: by this
// machine alone, and past the origin, which only reads.
//
//	go run ./web-demo/server [-addr 127.0.0.1:8080] [-dir web-demo/dist] [-data web-demo/data/world] [-db .build/atlas.sqlite]
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

	"github.com/stowage-db/stowage/sync/origin"
)

// settings is what the command line tells.
type settings struct {
	addr string // of this machine only: whoever reaches it may edit the world
	dir  string // of the page
	data string // of the files that the world is made of
	db   string // the world
}

func main() {
	var s settings
	flag.StringVar(&s.addr, "addr", defaultAddr(os.Getenv("PORT")), "loopback `address` to listen on")
	flag.StringVar(&s.dir, "dir", "web-demo/dist", "`folder` to serve")
	flag.StringVar(&s.data, "data", "web-demo/data/world", "`folder` of the cities and countries")
	flag.StringVar(&s.db, "db", ".build/atlas.sqlite", "SQLite `file` that the origin serves")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s); err != nil {
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

// run serves until ctx ends, then lets requests under way finish.
func run(ctx context.Context, s settings) error {
	site, err := openSite(s.dir)
	if err != nil {
		return fmt.Errorf("%w (has the demo been built? make demo does it)", err)
	}
	defer site.Close()

	listener, err := listen(s.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := prepareWorld(ctx, s.db, s.data); err != nil {
		return err
	}
	o, err := openOrigin(ctx, s.db)
	if err != nil {
		return err
	}
	edits, err := openEditor(s.db)
	if err != nil {
		return errors.Join(err, o.Close())
	}
	defer edits.Close()
	fmt.Printf("The atlas is at http://%s (Ctrl-C stops it)\n", listener.Addr())
	mux := http.NewServeMux()
	mux.Handle("/", site)
	mux.Handle("/v1/", o.Handler())
	mux.Handle("/edit/", edits)
	return errors.Join(serve(ctx, listener, mux, o), o.Close())
}

// listen takes an address of this machine.
func listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
		return nil, fmt.Errorf("%s is no loopback address", addr)
	}
	listener, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken by another program; choose a port: make demo PORT=8081", addr)
	}
	return listener, err
}

// openOrigin serves the world, over the protocol and by statements. It looks for
// changes twice a second, so that an edit is soon seen.
func openOrigin(ctx context.Context, file string) (*origin.Origin, error) {
	source, err := origin.OpenSQLite(file)
	if err != nil {
		return nil, err
	}
	return origin.Open(ctx, source, origin.Config{
		Sidecar:   file + ".sidecar",
		Tables:    []origin.Table{{Name: "cities"}, {Name: "countries"}, {Name: "borders"}, {Name: "large_cities", Key: []string{"id"}}},
		Statement: true,
		Poll:      500 * time.Millisecond,
	})
}

// serve answers requests until ctx ends. The origin looks for changes until then.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, o *origin.Origin) error {
	polling, stop := context.WithCancel(ctx)
	polled := make(chan struct{})
	go func() {
		defer close(polled)
		o.Run(polling)
	}()
	defer func() {
		stop()
		<-polled
	}()

	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	o.Drain() // requests that wait for changes are answered
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close()
}
