package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/file"
)

// salvage writes what can still be read of a damaged environment, which may be
// one that does not open.
type salvage struct {
	Directory string `arg:"" help:"The environment's directory. What it stores is not changed." type:"path"`
	File      string `arg:"" help:"The file to write, for restore to read."`
}

// Run prints what is lost, a line each. If there is any, it fails with Corrupt, and
// the file is there all the same.
func (c *salvage) Run(ctx context.Context, s *session) (err error) {
	if _, err := os.Stat(c.Directory); errors.Is(err, os.ErrNotExist) {
		return &store.Error{Code: store.NotFound, Op: "there is no environment", Name: c.Directory}
	}
	backend, err := file.Open(c.Directory)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, backend.Close()) }()
	var found *store.Salvaged
	err = s.opened(func(options store.Options) error {
		return whole(c.File, func(out io.Writer) (err error) {
			found, err = store.Salvage(ctx, backend, options, out)
			return err
		})
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "salvaged  %d entries of %d databases\n", found.Entries, found.Databases)
	s.losses(found)
	if !found.Whole() {
		return &store.Error{Code: store.Corrupt, Op: "not everything could be read", Name: c.Directory}
	}
	return nil
}

func (s *session) losses(found *store.Salvaged) {
	if found.RootLost {
		fmt.Fprintln(s.out, "lost      the root: anything may be older than it was")
	}
	if found.CatalogueLost {
		fmt.Fprintln(s.out, "lost      names of databases")
	}
	for _, p := range found.Commits {
		fmt.Fprintf(s.out, "lost      commits %d to %d\n", p.First, p.Last)
	}
	for _, l := range found.Losses {
		kind := "database"
		if l.Table {
			kind = "table"
		}
		entries := "entries"
		if l.Entries >= 0 {
			entries = fmt.Sprintf("up to %d entries", l.Entries)
		}
		fmt.Fprintf(s.out, "lost      %s of %s %q, keys %s\n", entries, kind, l.Database, bounds(l.Keys))
	}
}

// bounds shows a range of keys as bytes.
func bounds(r store.KeyRange) string {
	switch {
	case r.Low == nil && r.High == nil:
		return "all"
	case r.High == nil:
		return fmt.Sprintf("from %x", r.Low)
	case r.Low == nil:
		return fmt.Sprintf("below %x", r.High)
	default:
		return fmt.Sprintf("from %x to below %x", r.Low, r.High)
	}
}
