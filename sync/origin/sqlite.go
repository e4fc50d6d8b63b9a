package origin

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	stdsync "sync"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/stowage-db/stowage/store"
)

// SQLite reads a database file, which others may write at the same time.
type SQLite struct {
	file string

	mu     stdsync.RWMutex // held for writing while the file is opened anew
	db     *sql.DB
	watch  *sql.Conn   // data_version is comparable on one connection only
	opened os.FileInfo // the file that the connections are to
	life   int         // how often it was opened
}

// OpenSQLite opens a file that exists. It is opened read-only, and its
// connections refuse whatever is not reading (readingOnly).
func OpenSQLite(file string) (*SQLite, error) {
	s := &SQLite{file: file}
	if err := s.open(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *SQLite) open() error {
	opened, err := os.Stat(s.file)
	if errors.Is(err, os.ErrNotExist) {
		return &store.Error{Code: store.NotFound, Op: "open the source", Name: s.file}
	}
	if err != nil {
		return &store.Error{Code: store.Denied, Op: "open the source", Name: s.file, Err: err}
	}
	path, err := filepath.Abs(s.file)
	if err != nil {
		return err
	}
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: "mode=ro"}).String()
	db := sql.OpenDB(newSQLiteConnector(dsn, readingOnly))
	db.SetMaxOpenConns(8)
	watch, err := db.Conn(context.Background())
	if err != nil {
		return errors.Join(sqliteError("open the source", err), db.Close())
	}
	s.db, s.watch, s.opened = db, watch, opened
	s.life++
	return nil
}

// sqliteConnector opens connections with a driver of its own, so that what is
// done to them is done to no other user of SQLite in the process.
type sqliteConnector struct {
	driver *sqlite.Driver
	dsn    string
}

func newSQLiteConnector(dsn string, prepare func(sqlite.ExecQuerierContext) error) sqliteConnector {
	d := &sqlite.Driver{}
	d.RegisterConnectionHook(func(c sqlite.ExecQuerierContext, _ string) error { return prepare(c) })
	return sqliteConnector{d, dsn}
}

func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c sqliteConnector) Driver() driver.Driver                        { return c.driver }

// readingOnly makes a connection refuse everything but reading: statements that
// write (query_only), and with them whatever else SQL could reach, such as other
// files, by an authorizer that is asked when a statement is compiled.
func readingOnly(c sqlite.ExecQuerierContext) error {
	for _, pragma := range []string{
		"busy_timeout = 5000", "query_only = 1", "case_sensitive_like = 1", "temp_store = MEMORY", "trusted_schema = 0",
	} {
		if _, err := c.ExecContext(context.Background(), "PRAGMA "+pragma, nil); err != nil {
			return err
		}
	}
	guarded, ok := c.(sqlite.AuthorizerRegisterer)
	if !ok {
		return errors.New("the driver has no authorizer")
	}
	return guarded.RegisterAuthorizer(authorize)
}

// authorize allows what reading tables and views takes, and two pragmas.
func authorize(action sqlite.AuthorizerActionCode, name, detail, _, _ string) sqlite.AuthorizerReturnCode {
	switch action {
	case sqlite.AuthSelect, sqlite.AuthRead, sqlite.AuthTransaction, sqlite.AuthRecursive:
		return sqlite.AuthorizerOK
	case sqlite.AuthFunction:
		if !strings.EqualFold(detail, "load_extension") {
			return sqlite.AuthorizerOK
		}
	case sqlite.AuthPragma:
		if name == "data_version" || name == "table_xinfo" {
			return sqlite.AuthorizerOK
		}
	}
	return sqlite.AuthorizerDeny
}

func (s *SQLite) dialect() dialect { return sqliteDialect }

// Close ends all connections.
func (s *SQLite) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.watch.Close(), s.db.Close())
}

// Gate tells by SQLite's data_version, which moves when another connection has
// committed. A file that took the place of this one is opened.
func (s *SQLite) Gate(ctx context.Context) (string, error) {
	if err := s.follow(); err != nil {
		return "", err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var version int64
	if err := s.watch.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil {
		return "", sqliteError("look for changes", err)
	}
	return strconv.Itoa(s.life) + ":" + strconv.FormatInt(version, 10), nil
}

func (s *SQLite) follow() error {
	s.mu.RLock()
	now, err := os.Stat(s.file)
	same := err == nil && os.SameFile(now, s.opened)
	s.mu.RUnlock()
	if err != nil {
		return &store.Error{Code: store.BackendFailed, Op: "look for changes", Err: err}
	}
	if same {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	db, watch := s.db, s.watch
	if err := s.open(); err != nil {
		return err
	}
	return errors.Join(watch.Close(), db.Close())
}

// Snapshot reads within one transaction.
func (s *SQLite) Snapshot(ctx context.Context, f func(Reader) error) (err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return sqliteError("read the source", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return sqliteError("read the source", err)
	}
	defer func() {
		_, ended := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") // nothing was written
		if err == nil && ended != nil {
			err = sqliteError("read the source", ended)
		}
	}()
	stop, err := interruptOnDone(ctx, conn)
	if err != nil {
		return sqliteError("read the source", err)
	}
	defer stop()
	return f(sqliteReader{conn})
}

type sqliteReader struct{ conn *sql.Conn }

func (r sqliteReader) Describe(ctx context.Context, name string) (*Relation, error) {
	schema, table, ok := strings.Cut(name, ".")
	if !ok {
		schema, table = "main", name
	}
	found := &Relation{Schema: "main"}
	row := r.conn.QueryRowContext(ctx, `SELECT name FROM main.sqlite_schema
		WHERE type IN ('table', 'view') AND name = ? AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`, table)
	err := row.Scan(&found.Name)
	if errors.Is(err, sql.ErrNoRows) || schema != "main" {
		return nil, failure(store.NotFound, "there is no table", name)
	}
	if err != nil {
		return nil, sqliteError("describe a table", err)
	}
	rows, err := r.conn.QueryContext(ctx, "PRAGMA table_xinfo("+sqliteDialect.quote(found.Name)+")")
	if err != nil {
		return nil, sqliteError("describe a table", err)
	}
	defer rows.Close()
	for rows.Next() {
		var position, key, hidden int
		var notNull bool
		var column, declared string
		var preset any
		if err := rows.Scan(&position, &column, &declared, &notNull, &preset, &key, &hidden); err != nil {
			return nil, sqliteError("describe a table", err)
		}
		if hidden == 1 {
			continue // a parameter of a virtual table
		}
		c := sqliteType(declared)
		c.Name, c.Key, c.NotNull = column, key, notNull || key > 0
		found.Columns = append(found.Columns, c)
	}
	return found, sqliteError("describe a table", rows.Err())
}

func (r sqliteReader) Rows(ctx context.Context, s statement, columns []Column, each func([][]byte) error) error {
	rows, err := r.conn.QueryContext(ctx, s.sql, s.args...)
	if err != nil {
		return sqliteError("read rows", err)
	}
	defer rows.Close()
	scan := newSQLiteRow(len(columns))
	for rows.Next() {
		if err := scan.read(rows, func(i int) Column { return columns[i] }); err != nil {
			if errors.Is(err, errMisfit) {
				return &store.Error{Code: store.SchemaMismatch, Op: "read a column", Name: columns[scan.at].Name, Err: err}
			}
			return sqliteError("read rows", err)
		}
		if err := each(scan.texts); err != nil {
			return err
		}
	}
	return sqliteError("read rows", rows.Err())
}

func (r sqliteReader) Answer(ctx context.Context, s statement, each func([][]byte) error) ([]Column, error) {
	rows, err := r.conn.QueryContext(ctx, s.sql, s.args...)
	if err != nil {
		return nil, sqliteError("answer a statement", err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, sqliteError("answer a statement", err)
	}
	columns := make([]Column, len(names))
	for i, name := range names {
		columns[i].Name = name
	}
	scan := newSQLiteRow(len(names))
	for rows.Next() {
		if err := scan.read(rows, func(i int) Column { return Column{Type: typeOf(scan.values[i])} }); err != nil {
			return nil, sqliteError("answer a statement", err)
		}
		for i, v := range scan.values {
			columns[i].Type = joinTypes(columns[i].Type, v)
		}
		if err := each(scan.texts); err != nil {
			return nil, err
		}
	}
	for i := range columns {
		if columns[i].Type == "" {
			columns[i].Type = "text"
		}
	}
	return columns, sqliteError("answer a statement", rows.Err())
}

// joinTypes returns a type that holds the values so far and one more.
func joinTypes(typ string, value any) string {
	switch next := typeOf(value); {
	case value == nil || next == typ:
		return typ
	case typ == "":
		return next
	case typ != "text" && typ != "bytea" && next != "text" && next != "bytea":
		return "float8"
	}
	return "text"
}

// sqliteRow holds one row at a time, in room that is used again.
type sqliteRow struct {
	values []any
	into   []any // pointers to values
	texts  [][]byte
	room   [][]byte
	at     int // the column that could not be read
}

func newSQLiteRow(n int) *sqliteRow {
	r := &sqliteRow{make([]any, n), make([]any, n), make([][]byte, n), make([][]byte, n), 0}
	for i := range r.values {
		r.into[i] = &r.values[i]
	}
	return r
}

func (r *sqliteRow) read(rows *sql.Rows, column func(int) Column) error {
	if err := rows.Scan(r.into...); err != nil {
		return err
	}
	for i, v := range r.values {
		if v == nil {
			r.texts[i] = nil
			continue
		}
		text, err := appendSQLite(r.room[i][:0], column(i), v)
		if err != nil {
			r.at = i
			return err
		}
		if text == nil {
			text = []byte{} // which is not NULL
		}
		r.room[i], r.texts[i] = text, text
	}
	return nil
}

// sqliteError gives an error of the driver its code; nil stays nil.
func sqliteError(op string, err error) error {
	var e *sqlite.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &store.Error{Code: store.Aborted, Op: op, Err: err}
	case !errors.As(err, &e):
		return &store.Error{Code: store.BackendFailed, Op: op, Err: err}
	}
	code := store.BackendFailed
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE:
		code = store.InvalidQuery
	case sqlite3.SQLITE_INTERRUPT:
		code = store.Aborted
	case sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_NOMEM:
		code = store.TooLarge
	case sqlite3.SQLITE_AUTH, sqlite3.SQLITE_PERM:
		code = store.Denied
	case sqlite3.SQLITE_READONLY:
		code = store.ReadOnly
	}
	return &store.Error{Code: code, Op: op, Err: err}
}
