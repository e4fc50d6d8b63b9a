package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/stowage-db/stowage/store"
)

// stat prints how much is stored.
type stat struct {
	Directory string `arg:"" help:"The environment's directory." type:"path"`
	JSON      bool   `help:"Print JSON."`
}

func (c *stat) Run(ctx context.Context, s *session) error {
	return s.within(ctx, c.Directory, false, func(env *store.Env) error {
		st, err := env.Stat(ctx)
		if err != nil {
			return err
		}
		return s.report(c.JSON, []figure{
			{"entries", st.Entries}, {"trees", int64(st.Trees)}, {"treeBytes", st.TreeBytes}, {"overlayBytes", st.OverlayBytes},
			{"position", int64(st.Position)}, {"generation", int64(st.Generation)}, {"blobs", st.Blobs}, {"storedBytes", st.StoredBytes},
		})
	})
}

// check verifies everything stored.
type check struct {
	Directory string `arg:"" help:"The environment's directory." type:"path"`
	JSON      bool   `help:"Print JSON."`
}

// Run fails with Corrupt where anything is wrong.
func (c *check) Run(ctx context.Context, s *session) error {
	return s.within(ctx, c.Directory, false, func(env *store.Env) error {
		r, err := env.Check(ctx)
		if err != nil {
			return err
		}
		err = s.report(c.JSON, []figure{
			{"trees", int64(r.Trees)}, {"pages", r.Pages}, {"chunks", r.Chunks}, {"records", r.Records},
			{"entries", r.Entries}, {"orphans", r.Orphans}, {"problems", int64(len(r.Problems))},
		})
		if err == nil && !r.Clean() {
			err = &store.Error{Code: store.Corrupt, Op: "check: " + strings.Join(r.Problems, "; "), Name: c.Directory}
		}
		return err
	})
}

// figure is a number with a name.
type figure struct {
	name  string
	value int64
}

// report prints figures, a line each, or as one JSON object.
func (s *session) report(asJSON bool, figures []figure) error {
	if asJSON {
		object := make(map[string]int64)
		for _, f := range figures {
			object[f.name] = f.value
		}
		return json.NewEncoder(s.out).Encode(object)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, f := range figures {
		fmt.Fprintf(w, "%s\t%d\n", f.name, f.value)
	}
	return w.Flush()
}
