package query

// Error is what this package returns when its input is at fault. Code is one of
// the stable codes that package store declares; Detail says in English what is
// wrong and never holds a value, so that an error may be logged.
type Error struct {
	Code   string
	Detail string
}

// The codes in use here. Their meaning is told in package store.
const (
	codeInvalidQuery    = "invalid_query"
	codeInvalidPath     = "invalid_path"
	codeInvalidKey      = "invalid_key"
	codeInvalidDocument = "invalid_document"
	codeUnknownOperator = "unknown_operator"
	codeTooDeep         = "too_deep"
	codeTooLarge        = "too_large"
	codeUnsupported     = "unsupported"
)

func (e *Error) Error() string { return e.Code + ": " + e.Detail }

// ErrorCode returns the stable code.
func (e *Error) ErrorCode() string { return e.Code }

// Is reports whether target is this error's code, so that
// errors.Is(err, store.InvalidQuery) holds without this package knowing store.
func (e *Error) Is(target error) bool { return target.Error() == e.Code }

// fail is not worth the room that inlining it wherever something may fail takes.
//
//go:noinline
func fail(code, detail string) *Error { return &Error{Code: code, Detail: detail} }
