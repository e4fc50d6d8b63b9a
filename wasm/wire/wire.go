// Package wire is the codec of the frames that cross between the engine and its
// host. Every frame is one MessagePack value: a request [operation,
// transaction, table, …arguments], a result, a request for input or output that
// a task yields, and the reply to it. The first request is Open; it carries the
// version of this protocol, and so does its result: both sides refuse to talk
// to another version.
//
// The other end is js/src/bridge/wire.ts; both are held to the frames in
// testdata/frames.json.
package wire

import "errors"

// Version is the version of the frames. Any change to them raises it.
const Version = 24

// Op is what is asked of the engine. The numbers are part of the protocol.
type Op uint8

const (
	Open Op = iota + 1
	Close
	Table
	Get
	GetMany
	Insert
	Put
	Update
	Delete
	Find
	Count
	DeleteWhere
	UpdateWhere
	Explain
	Begin
	Commit
	Rollback
	Checkpoint
	Check
	Stat
)

// Operations on databases, and on cursors over them.
const (
	DBGet Op = iota + 40
	DBGetMulti
	DBWalk
	DBPut
	DBDelete
	DBPop
	DBReplace
	DBEmpty
	DBDrop
	DBStat
	DBCount
	DBs
	CursorOpen
	CursorMove
	CursorEdit
	CursorCount
	CursorWalk
	CursorClose

	// The backup of everything: see wasm/backup.go.
	Export Op = 30
	Import Op = 31
	Copy   Op = 32

	// Salvage puts out what can still be read of a damaged environment: see wasm/salvage.go.
	Salvage Op = 33

	// Truncate empties a table. DropTable removes one, Tables lists them.
	Truncate  Op = 23
	DropTable Op = 24
	Tables    Op = 25

	// Flush writes what buffered commits have left.
	Flush Op = 21

	// Identity tells which environment it is, and how far it has come.
	Identity Op = 22

	// Understand tells which version of the data the host knows; Raise raises that of
	// the data by one within a transaction: see wasm/migrate.go.
	Understand Op = 26
	Raise      Op = 27

	// Amend changes the keys: see wasm/sealing.go.
	Amend Op = 28
	// Rechain has blobs pass another chain, or the same one with newer keys.
	Rechain Op = 29
	// Rotate draws another key and seals everything anew by it.
	Rotate Op = 34

	// Sync has the engine catch up with other contexts; Heard, whose argument is a
	// store.Sign, tells it what it has heard of them.
	Sync  Op = 64
	Heard Op = 65

	// Live asks a query whose answer is kept up to date, Changed asks again once it has
	// to be, Unlive ends that: see wasm/live.go.
	Live    Op = 66
	Changed Op = 67
	Unlive  Op = 68

	// ClearCache forgets the answers to queries that a table keeps.
	ClearCache Op = 69

	// Compact, Token and SyncAfter are for environments that merge what contexts commit:
	// see wasm/replica.go.
	Compact   Op = 70
	Token     Op = 71
	SyncAfter Op = 72

	// SQL runs a statement: see wasm/sql.go.
	SQL Op = 73

	// Fault is only for tests: it makes the engine fail in a chosen way.
	Fault Op = 127
)

// Status is how a call of begin or step ended. Payloads and replies are told
// where they are written and read.
type Status uint32

const (
	// None: the header was not written, so the instance is dead.
	None Status = iota
	// Done: the operation is over, the payload is its result.
	Done
	// Failed: the operation is over, the payload is a Failure.
	Failed
	// Read: the task waits for the bytes of blobs. See AppendNames, ReadBlobs.
	Read
	// Write: the task waits for a batch to be written. See AppendBatch, ReadNothing.
	Write
	// List: the task waits for the names with a prefix. See AppendText, ReadNames.
	List
	// Info: the task waits for the backend's description: payload whether what is held is to be counted. See ReadInfo.
	Info
	// Shut: the task waits for the backend to be closed. See ReadNothing.
	Shut
	// Breathe: the task lets others run.
	Breathe
	// Wait: the task waits for another one, and is stepped when it is listed as ready.
	Wait
	// Rows: the payload is a part of the result.
	Rows
	// Progress: the payload tells how far the task is. See AppendProgress.
	Progress
	// Missed: what get was to read is not in memory; a Get has to be begun.
	Missed
	// Among: the task waits for something among contexts. See Verb.
	Among
	// Ask: the task waits for what functions of the host say. See AppendAsks, ReadAnswers.
	Ask
	// Seal: the task waits for what a stage of the host makes of blobs. See AppendSealing, ReadBlobs.
	Seal
	// Load: the task waits for a stage to get its keys ready. See AppendLoad, ReadPart.
	Load
	// AmendHeader: the task waits for what a change makes of the header. See AppendAmend, ReadPart.
	AmendHeader

	// Feed: the task waits for the next bytes of the stream it reads. See ReadPart.
	Feed Status = 30

	// Sleep: the task waits for so many milliseconds.
	Sleep Status = 40
)

// ErrMalformed is the error for a frame that does not hold what it should. Host
// and engine are built together, so it is a defect of one of them.
var ErrMalformed = errors.New("malformed frame")
