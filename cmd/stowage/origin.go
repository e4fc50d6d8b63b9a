package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/sync/origin"
)

// serving is the command origin: it serves a database, or exports it, or asks whether it is served.
type serving struct {
	Serve  serveOrigin  `cmd:"" default:"withargs" help:"Serve tables of a SQLite file or a Postgres database, read-only, over the Shapes protocol."`
	Export exportOrigin `cmd:"" help:"Write what serve would send as static files."`
	Health healthOrigin `cmd:"" help:"Fail unless an origin answers and reads its source: for the health check of a container."`
}

// served is what both need to be told.
type served struct {
	Source  string   `arg:"" help:"A SQLite file, or a Postgres URL (or $STOWAGE_SOURCE as -)."`
	Table   []string `short:"t" required:"" placeholder:"NAME" help:"A table or view that may be pulled: NAME, or NAME(key, …) where it has no primary key."`
	Deny    []string `placeholder:"TABLE.COLUMN" help:"A column that nobody may see."`
	Mark    []string `name:"watermark" placeholder:"TABLE.COLUMN" help:"A column that grows whenever a row is written, so that only the newest rows need be read."`
	Chunk   int      `default:"1048576" help:"Bytes of JSON in a chunk."`
	MaxRows int64    `default:"5000000" help:"Rows of a shape."`
}

// serveOrigin serves until it is interrupted.
type serveOrigin struct {
	served
	Address   string        `default:"127.0.0.1:3000" help:"Where to listen."`
	Sidecar   string        `default:"stowage-origin.sidecar" type:"path" help:"The file for hashes, snapshots and logs: the origin's own."`
	Poll      time.Duration `default:"1s" help:"Between two looks for changes."`
	CORS      []string      `name:"cors" placeholder:"ORIGIN" help:"A web origin that may read, or *."`
	Query     bool          `help:"Answer SELECT statements at /v1/query."`
	TokenFile string        `type:"existingfile" help:"A file with the token that requests must bear."`
	Verbose   bool          `short:"v" help:"Log every request."`
}

// open opens the source and what is served of it.
func (c *served) open(ctx context.Context) (origin.Source, []origin.Table, error) {
	tables, err := c.tables()
	if err != nil {
		return nil, nil, err
	}
	address := c.Source
	if address == "-" {
		address = os.Getenv("STOWAGE_SOURCE") // so that a password is in no list of processes
	}
	if strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		source, err := origin.OpenPostgres(ctx, address)
		return source, tables, err
	}
	source, err := origin.OpenSQLite(address)
	return source, tables, err
}

func (c *served) tables() ([]origin.Table, error) {
	var tables []origin.Table
	at := map[string]int{}
	for _, text := range c.Table {
		name, key, keyed := strings.Cut(strings.TrimSuffix(text, ")"), "(")
		t := origin.Table{Name: strings.TrimSpace(name)}
		if keyed {
			for column := range strings.SplitSeq(key, ",") {
				t.Key = append(t.Key, strings.TrimSpace(column))
			}
		}
		at[t.Name] = len(tables)
		tables = append(tables, t)
	}
	for _, text := range c.Deny {
		i, column, err := columnOf(at, text)
		if err != nil {
			return nil, err
		}
		tables[i].Deny = append(tables[i].Deny, column)
	}
	for _, text := range c.Mark {
		i, column, err := columnOf(at, text)
		if err != nil {
			return nil, err
		}
		tables[i].Watermark = column
	}
	return tables, nil
}

// columnOf reads TABLE.COLUMN, of a table that is served.
func columnOf(tables map[string]int, text string) (table int, column string, err error) {
	dot := strings.LastIndexByte(text, '.')
	table, ok := tables[text[:max(dot, 0)]]
	if !ok {
		return 0, "", &store.Error{Code: store.InvalidOption, Op: "name a column of a table that is not served", Name: text}
	}
	return table, text[dot+1:], nil
}

func (c *serveOrigin) Run(ctx context.Context, s *session) error {
	source, tables, err := c.open(ctx)
	if err != nil {
		return err
	}
	config := origin.Config{
		Sidecar: c.Sidecar, Tables: tables, Origins: c.CORS, Statement: c.Query, Poll: c.Poll,
		ChunkBytes: c.Chunk, MaxRows: c.MaxRows, Log: c.log(s),
	}
	if config.Token, err = c.token(); err != nil {
		return errors.Join(err, source.Close())
	}
	o, err := origin.Open(ctx, source, config)
	if err != nil {
		return err
	}
	return errors.Join(c.listen(ctx, s, o), o.Close())
}

func (c *serveOrigin) log(s *session) *slog.Logger {
	level := slog.LevelInfo
	if c.Verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewJSONHandler(s.err, &slog.HandlerOptions{Level: level}))
}

// token reads the token from its file; one that is empty would let everybody in.
func (c *serveOrigin) token() (string, error) {
	if c.TokenFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(c.TokenFile)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", &store.Error{Code: store.InvalidOption, Op: "read the token: there is none", Name: c.TokenFile}
	}
	return token, nil
}

// listen serves until ctx ends, and then lets what is under way end.
func (c *serveOrigin) listen(ctx context.Context, s *session, o *origin.Origin) error {
	listener, err := net.Listen("tcp", c.Address)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: o.Handler(), MaxHeaderBytes: 64 << 10,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	fmt.Fprintf(s.out, "serving http://%s/v1/shape\n", listener.Addr())
	polling, stop := context.WithCancel(ctx)
	polled := make(chan struct{})
	go func() {
		o.Run(polling)
		close(polled)
	}()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err = <-served: // it cannot listen any more
	case <-ctx.Done():
		o.Drain()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		err = server.Shutdown(last)
		cancel()
	}
	stop()
	<-polled
	return err
}

// exportOrigin writes static files, and adds to them what has changed since.
type exportOrigin struct {
	served
	Directory string `arg:"" type:"path" help:"Where to write; the sidecar is beside it, as DIRECTORY.sidecar."`
}

func (c *exportOrigin) Run(ctx context.Context, s *session) error {
	source, tables, err := c.open(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Directory, 0o755); err != nil {
		return errors.Join(err, source.Close())
	}
	o, err := origin.Open(ctx, source, origin.Config{
		Sidecar: c.Directory + ".sidecar", Tables: tables, ChunkBytes: c.Chunk, MaxRows: c.MaxRows,
	})
	if err != nil {
		return err
	}
	m, err := o.Export(ctx, c.Directory)
	if err := errors.Join(err, o.Close()); err != nil {
		return err
	}
	for _, shape := range m.Shapes {
		fmt.Fprintf(s.out, "%s: %d rows in %d files\n", shape.Table, shape.Rows, len(shape.Chunks))
	}
	return nil
}

// healthOrigin asks an origin how it is.
type healthOrigin struct {
	Address string        `default:"127.0.0.1:3000" help:"Where it listens."`
	Within  time.Duration `default:"2s" help:"How long an answer is waited for."`
}

func (c *healthOrigin) Run(ctx context.Context, _ *session) error {
	ctx, cancel := context.WithTimeout(ctx, c.Within)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Address+"/health", nil)
	if err != nil {
		return &store.Error{Code: store.InvalidOption, Op: "ask an origin", Name: c.Address, Err: err}
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return &store.Error{Code: store.OriginFailed, Op: "ask an origin how it is", Name: c.Address, Err: err}
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return &store.Error{Code: store.OriginFailed, Op: "read its source: the origin answers " + answer.Status, Name: c.Address}
	}
	return nil
}
