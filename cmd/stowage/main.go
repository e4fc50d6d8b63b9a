// Command stowage looks after environments in directories: those of Go programs
// that use store/file, and of the Node driver. It opens a directory as a program
// would, so it is locked while another process has it.
//
//	stowage list app               what databases and tables there are
//	stowage get app settings theme
//	stowage get app -t cities 42
//	stowage sql app 'SELECT name FROM cities WHERE country = ?' NO
//	stowage dump app app.stowage   everything, in one file
//	stowage restore other app.stowage
//	stowage salvage app left.stowage   what can still be read, where app is damaged
//	stowage --passphrase-file old key change app --new-passphrase-file new
//	stowage origin atlas.sqlite -t cities -t countries
//
// It ends with 0, or with what exitCode says, and one line on standard error.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/stowage-db/stowage/store"
)

// grammar is the command line: kong reads it from the tags.
type grammar struct {
	Raw bool `help:"Open without the compressing stage: for environments of Go programs that do."`
	unlocking

	List    list    `cmd:"" help:"List databases and tables, or the keys of one."`
	Get     get     `cmd:"" help:"Print a value, or a document as JSON."`
	Put     put     `cmd:"" help:"Store a value, or a document from JSON."`
	Delete  remove  `cmd:"" help:"Delete keys, or documents by identity."`
	SQL     sqlText `cmd:"" name:"sql" help:"Run SQL on the tables, and print rows."`
	Stat    stat    `cmd:"" help:"Tell how much is stored."`
	Check   check   `cmd:"" help:"Read everything stored and verify it."`
	Dump    dump    `cmd:"" help:"Write everything to one file, or to standard output."`
	Restore restore `cmd:"" help:"Read what dump wrote, all of it or nothing."`
	Salvage salvage `cmd:"" help:"Write what can still be read of a damaged environment to a file for restore, and tell what is lost."`
	Copy    copying `cmd:"" help:"Copy the environment to another directory."`
	Key     keys    `cmd:"" help:"Look after what opens an encrypted environment."`
	Origin  serving `cmd:"" help:"Serve tables of SQLite or Postgres, read-only, or export them."`
}

// The exit codes that scripts can tell apart.
const (
	exitFailed   = 1
	exitUsage    = 2
	exitNotFound = 3
	exitLocked   = 4
	exitDamaged  = 5
	exitNotEmpty = 6
	exitKey      = 7
)

func exitCode(err error) int {
	switch store.CodeOf(err) {
	case "":
		return 0
	case store.NotFound:
		return exitNotFound
	case store.Locked:
		return exitLocked
	case store.Corrupt, store.CorruptHeader, store.Tampered, store.NewerFormat, store.MissingModifier:
		return exitDamaged
	case store.KeyRequired, store.WrongKey, store.NotEncrypted:
		return exitKey
	case store.NotEmpty:
		return exitNotEmpty
	default:
		return exitFailed
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], terminal{os.Stdin, os.Stdout, os.Stderr}))
}

// terminal is where a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

func run(ctx context.Context, args []string, t terminal) int {
	var g grammar
	ended := -1
	parser, err := kong.New(&g,
		kong.Name("stowage"),
		kong.Description("Looks after Stowage environments in directories.\n\nExit codes: 1 failed, 2 usage, 3 not found, 4 locked, 5 damaged or of another version, 6 not empty, 7 no key or not the right one."),
		kong.Writers(t.out, t.err),
		kong.Exit(func(code int) { ended = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		panic(err) // the grammar is wrong, whatever the arguments
	}
	command, err := parser.Parse(args)
	if ended >= 0 { // help was asked for
		return ended
	}
	if err != nil {
		fmt.Fprintf(t.err, "stowage: %v\n", err)
		return exitUsage
	}
	session, err := newSession(t, &g)
	if err == nil {
		err = command.Run(session)
	}
	if err != nil {
		fmt.Fprintf(t.err, "stowage: %v\n", err)
		return exitCode(err)
	}
	return 0
}
