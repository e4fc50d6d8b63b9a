package sql

import "strconv"

// Error is what this package returns when a statement is at fault. Code is one of
// the stable codes that package store declares.
type Error struct {
	Code    string
	Message string
	// Position is where in the text, in bytes, that what is wrong begins; −1 where it
	// shows only while the statement runs.
	Position int
}

// The codes in use here. Their meaning is told in package store.
const (
	codeSyntax          = "syntax"
	codeUnknownTable    = "unknown_table"
	codeUnknownColumn   = "unknown_column"
	codeUnknownFunction = "unknown_function"
	codeAmbiguous       = "ambiguous"
	codeWrongArguments  = "wrong_arguments"
	codeInvalid         = "invalid_statement"
	codeUnsupported     = "unsupported"
	codeConstraint      = "constraint"
	codeDuplicate       = "duplicate_key"
	codeExists          = "exists"
	codeTooDeep         = "too_deep"
	codeTooLarge        = "too_large"
)

func (e *Error) Error() string {
	if e.Position < 0 {
		return e.Code + ": " + e.Message
	}
	return e.Code + ": " + e.Message + " (at " + strconv.Itoa(e.Position) + ")"
}

// ErrorCode returns the stable code.
func (e *Error) ErrorCode() string { return e.Code }

// Is reports whether target is this error's code, so that
// errors.Is(err, store.Syntax) holds without this package knowing store.
func (e *Error) Is(target error) bool { return target.Error() == e.Code }

// fail is not worth the room that inlining it wherever something may fail takes.
//
//go:noinline
func fail(code string, position int, message string) *Error {
	return &Error{Code: code, Message: message, Position: position}
}
