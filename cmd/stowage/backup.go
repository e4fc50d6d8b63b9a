package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/file"
)

// dump writes an export.
type dump struct {
	Directory string `arg:"" help:"The environment's directory." type:"path"`
	File      string `arg:"" optional:"" default:"-" help:"The file to write; '-' is standard output."`
}

func (c *dump) Run(ctx context.Context, s *session) error {
	return s.within(ctx, c.Directory, false, func(env *store.Env) error {
		if c.File == "-" {
			return env.Export(ctx, s.out, nil)
		}
		return whole(c.File, func(out io.Writer) error { return env.Export(ctx, out, nil) })
	})
}

// whole makes a file that is there with all that write writes, and durable, or
// is as it was.
func whole(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(f, 1<<20)
	err = write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is the one to report
	}
	return err
}

// restore reads an export.
type restore struct {
	Directory string `arg:"" help:"The environment's directory, which is made where there is none." type:"path"`
	File      string `arg:"" optional:"" default:"-" help:"The file to read; '-' is standard input."`
	Replace   bool   `help:"Drop what the environment holds."`
}

// Run takes the export for one of this environment first, and for one that was compressed
// in any way, or encrypted under the same secret elsewhere, when that shows. From standard
// input it can be read only once.
func (c *restore) Run(ctx context.Context, s *session) error {
	in := s.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	return s.within(ctx, c.Directory, true, func(env *store.Env) error {
		read := func(stages []store.Modifier) error {
			return env.Import(ctx, bufio.NewReaderSize(in, 1<<20), store.ImportOptions{Replace: c.Replace, Modifiers: stages})
		}
		err := read(nil)
		f, again := in.(io.Seeker)
		if code := store.CodeOf(err); c.File == "-" || !again || code != store.KeyRequired && code != store.MissingModifier {
			return err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		return read(s.elsewhere())
	})
}

// copying copies an environment.
type copying struct {
	Directory string `arg:"" help:"The environment's directory." type:"path"`
	Target    string `arg:"" help:"The directory to copy to: empty, or made." type:"path"`
	Compact   bool   `help:"Build new trees, without a trace of what was deleted."`
}

func (c *copying) Run(ctx context.Context, s *session) error {
	return s.within(ctx, c.Directory, false, func(env *store.Env) error {
		to, err := file.Open(c.Target)
		if err != nil {
			return err
		}
		err = env.Copy(ctx, to, store.CopyOptions{Compact: c.Compact})
		return errors.Join(err, to.Close())
	})
}
