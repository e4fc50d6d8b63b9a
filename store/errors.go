package store

import (
	"context"
	"errors"
)

// Code is the stable name of one kind of failure. It never changes once
// released: callers branch on it, in Go with errors.Is(err, store.NotFound) and
// in JavaScript with error.code === 'not_found'. The whole set stands in
// testdata/error-codes.txt, which the Go and the TypeScript tests both read.
type Code string

// Error makes a Code usable as the target of errors.Is.
func (c Code) Error() string { return string(c) }

// Failures of a call's arguments: nothing was read or written.
const (
	InvalidArgument Code = "invalid_argument" // a value of the wrong kind
	InvalidOption   Code = "invalid_option"   // an option that does not exist, or not with this value
	InvalidKey      Code = "invalid_key"      // NaN, an empty key, a type that has no order
	InvalidDocument Code = "invalid_document" // not a map, circular, or holding what cannot be stored
	InvalidQuery    Code = "invalid_query"    // a filter or an order that cannot be understood
	InvalidPath     Code = "invalid_path"     // an empty path or path segment
	UnknownOperator Code = "unknown_operator" // an operator the query language does not have
	TooDeep         Code = "too_deep"         // nested deeper than the bound
	TooLarge        Code = "too_large"        // a key, document or frame over its limit
	Unsupported     Code = "unsupported"      // meaningful, but not here
)

// Failures of the state a call found.
const (
	NotFound       Code = "not_found"       // a database, table or entity that does not exist
	DuplicateKey   Code = "duplicate_key"   // the identity or a unique index already has this key
	SchemaMismatch Code = "schema_mismatch" // the table exists with another identity or index of that name
	WrongType      Code = "wrong_type"      // the key holds another kind of structure
	NewerSchema    Code = "newer_schema"    // the data has a later version than this program was written for
	Conflict       Code = "conflict"        // another transaction changed what this one had read
	Closed         Code = "closed"          // the environment was closed
	TxEnded        Code = "tx_ended"        // the transaction was already committed or rolled back
	TxBusy         Code = "tx_busy"         // a child of the transaction is open
	ReadOnly       Code = "read_only"       // a write in a reading transaction, or to a copy that another environment publishes
	Locked         Code = "locked"          // another process or tab holds the environment
	NotEmpty       Code = "not_empty"       // what was to be filled holds something already
	Aborted        Code = "aborted"         // the caller's context or AbortSignal ended the call
)

// Failures of what lies below: storage, its bytes, the engine itself.
const (
	Corrupt         Code = "corrupt"          // stored bytes fail their checksum or contradict themselves
	NewerFormat     Code = "newer_format"     // written by a later version than this one reads
	MissingModifier Code = "missing_modifier" // stored with a stage this environment was opened without
	KeyRequired     Code = "key_required"     // what is stored is encrypted, and no key was given, or it is locked
	NotEncrypted    Code = "not_encrypted"    // a key was given for what is stored without encryption
	WrongKey        Code = "wrong_key"        // the key opens none of the slots
	CorruptHeader   Code = "corrupt_header"   // the keys' header is damaged: no key can tell whether it is the right one
	Tampered        Code = "tampered"         // bytes that the right key does not vouch for
	Undecodable     Code = "undecodable"      // stored bytes are not what this coder writes
	SnapshotExpired Code = "snapshot_expired" // the snapshot's pages were given back; start over
	Quota           Code = "quota"            // the platform refused more space
	Denied          Code = "denied"           // the platform does not let this program at the data
	BackendFailed   Code = "backend_failed"   // the backend or driver failed for a reason of its own
	Timeout         Code = "timeout"          // what lies below did not answer in its time
	ClockSkew       Code = "clock_skew"       // of this context's clock and another's one is wrong
	Unavailable     Code = "unavailable"      // what lies below fails, or has failed so often that it is not asked for a while
	EngineLost      Code = "engine_lost"      // the engine's instance died; reopen the environment
	Internal        Code = "internal"         // a defect of Stowage: please report it
)

// Failures of SQL statements.
const (
	Syntax           Code = "syntax"            // a text that is no statement
	UnknownTable     Code = "unknown_table"     // a table or view that does not exist
	UnknownColumn    Code = "unknown_column"    // a column that no table of the statement has
	UnknownFunction  Code = "unknown_function"  // a function that does not exist, or not with so many arguments
	Ambiguous        Code = "ambiguous"         // a name that several columns have
	WrongArguments   Code = "wrong_arguments"   // not as many values as the statement has parameters, or of no kind that it knows
	InvalidStatement Code = "invalid_statement" // a statement whose parts do not fit together
	Constraint       Code = "constraint"        // a row that NOT NULL, CHECK, UNIQUE or PRIMARY KEY refuses
	AlreadyExists    Code = "exists"            // a table, view, index or column of this name is there already
	WorkLimit        Code = "work_limit"        // a statement that takes more than it may
)

// Failures of what is pulled from an origin, and of a view of it.
const (
	Offline      Code = "offline"       // not here, and the origin may not be asked or does not answer
	NotLive      Code = "not_live"      // a view, or what it has handed out, before it is opened or after it was closed
	OriginFailed Code = "origin_failed" // the origin did not answer, or not as its protocol says
	Incomplete   Code = "incomplete"    // a shape of which only a part has arrived
)

// Error is the one type of error the engine returns. Op names what was asked,
// Name the database, table, path or blob concerned; neither ever holds a value
// out of a document, so that an error may be logged.
type Error struct {
	Code Code
	Op   string
	Name string
	Err  error // the cause, or nil
}

func (e *Error) Error() string {
	if cause, ok := e.Err.(*Error); ok && cause.Code == e.Code && e.Op != "" {
		return e.Op + ": " + cause.Error() // which has the code and a name
	}
	s := string(e.Code)
	if e.Op != "" {
		s = e.Op + ": " + s
	}
	if e.Name != "" {
		s += " (" + e.Name + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is this error's Code.
func (e *Error) Is(target error) bool { return target == e.Code }

// ErrorCode returns the stable code as text.
func (e *Error) ErrorCode() string { return string(e.Code) }

// CodeOf returns the code of the first error in err's chain that has one, and
// Internal where none has. It is empty for a nil error.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) {
		return Code(coded.ErrorCode())
	}
	var code Code
	if errors.As(err, &code) {
		return code
	}
	return Internal
}

// fail builds an Error; cause may be nil. It is not worth the room that inlining it
// wherever something may fail takes: that made the WASM module 8 kB larger.
//
//go:noinline
func fail(code Code, op, name string, cause error) *Error {
	return &Error{Code: code, Op: op, Name: name, Err: cause}
}

// contextEnded reports whether err says that the caller's context has ended.
func contextEnded(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
