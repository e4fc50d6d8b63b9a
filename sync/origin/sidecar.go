package origin

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"path/filepath"
	"time"

	"modernc.org/sqlite"

	"github.com/stowage-db/stowage/store"
)

// sidecar is the SQLite file of the origin's own. One writer, any number of
// readers; every refresh is one transaction in it.
type sidecar struct {
	db   *sql.DB
	lock io.Closer
}

// sidecarVersion is the version of sidecarSchema; another one is begun anew,
// which costs clients a refetch.
const sidecarVersion = 1

const sidecarSchema = `
CREATE TABLE commits (position INTEGER PRIMARY KEY);
CREATE TABLE shapes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, generation TEXT NOT NULL);
CREATE TABLE handles (handle TEXT PRIMARY KEY, shape INTEGER NOT NULL, start INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE chunks (handle TEXT NOT NULL, start INTEGER NOT NULL, next INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (handle, start)) WITHOUT ROWID;
CREATE TABLE shadow (shape INTEGER NOT NULL, identity BLOB NOT NULL, print BLOB NOT NULL, PRIMARY KEY (shape, identity)) WITHOUT ROWID;
CREATE TABLE log (shape INTEGER NOT NULL, tx INTEGER NOT NULL, op INTEGER NOT NULL, lsn INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (shape, tx, op)) WITHOUT ROWID;
`

// openSidecar opens a file or makes it. A process that has it keeps others out.
func openSidecar(ctx context.Context, file string) (*sidecar, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	lock, err := lockSidecar(ctx, path+".lock")
	if err != nil {
		return nil, err
	}
	// Full: what clients were told must not be forgotten. The timeout comes first, for the
	// mode is read from the file, which a connection that ends may hold just then.
	s := &sidecar{openOwn(path, "busy_timeout = 5000", "journal_mode = WAL", "synchronous = FULL", "cache_size = -16000"), lock}
	s.db.SetMaxOpenConns(8)
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// openOwn opens a file that is the origin's own, with pragmas for each connection.
func openOwn(path string, pragmas ...string) *sql.DB {
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: path}).String()
	return sql.OpenDB(newSQLiteConnector(dsn, func(c sqlite.ExecQuerierContext) error {
		for _, pragma := range pragmas {
			if _, err := c.ExecContext(context.Background(), "PRAGMA "+pragma, nil); err != nil {
				return err
			}
		}
		return nil
	}))
}

// lockSidecar keeps other processes out, until it is closed or this one ends, by
// a transaction that is never committed in a file that holds nothing else.
func lockSidecar(ctx context.Context, path string) (io.Closer, error) {
	db := openOwn(path)
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		return nil, errors.Join(&store.Error{Code: store.Locked, Op: "open the sidecar", Name: path, Err: err}, db.Close())
	}
	return db, nil
}

func (s *sidecar) prepare(ctx context.Context) error {
	var version int
	if err := s.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return sidecarError("open the sidecar", err)
	}
	if version == sidecarVersion {
		return nil
	}
	if version != 0 {
		return failure(store.NewerFormat, "open the sidecar: remove the file and clients will refetch", "")
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, sidecarSchema); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "PRAGMA user_version = 1")
		return err
	})
}

func (s *sidecar) close() error {
	return errors.Join(s.db.Close(), s.lock.Close())
}

// write runs f in a transaction that is committed if it returns nil.
func (s *sidecar) write(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return sidecarError("write the sidecar", err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // what f says is what counts
		return sidecarError("write the sidecar", err)
	}
	return sidecarError("write the sidecar", tx.Commit())
}

// sidecarError marks a failure of the sidecar; what has a code keeps it.
func sidecarError(op string, err error) error {
	var known *store.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &store.Error{Code: store.Aborted, Op: op, Err: err}
	}
	return &store.Error{Code: store.BackendFailed, Op: op, Err: err}
}

// load returns the shapes that were kept, and the last position.
func (s *sidecar) load(ctx context.Context) (map[string]*shape, int64, error) {
	var position sql.NullInt64
	if err := s.db.QueryRowContext(ctx, "SELECT max(position) FROM commits").Scan(&position); err != nil {
		return nil, 0, sidecarError("open the sidecar", err)
	}
	rows, err := s.db.QueryContext(ctx, "SELECT id, name, generation FROM shapes")
	if err != nil {
		return nil, 0, sidecarError("open the sidecar", err)
	}
	defer rows.Close()
	shapes := map[string]*shape{}
	for rows.Next() {
		sh := &shape{changed: make(chan struct{}), used: time.Now()}
		var id int64
		var generation []byte
		if err := rows.Scan(&id, &sh.name, &generation); err != nil {
			return nil, 0, sidecarError("open the sidecar", err)
		}
		var g stored
		if errors.Join(json.Unmarshal([]byte(sh.name), &sh.def), json.Unmarshal(generation, &g)) != nil {
			return nil, 0, failure(store.Corrupt, "open the sidecar: remove the file and clients will refetch", "")
		}
		sh.generation = g.generation(id)
		shapes[sh.name] = sh
	}
	return shapes, position.Int64, sidecarError("open the sidecar", rows.Err())
}

// stored is a generation as the sidecar has it.
type stored struct {
	Handle, Schema                   string
	Start, Floor, Rows, Size, Logged int64
	Checksum                         uint64 `json:",string"`
	Mark                             string `json:",omitempty"`
}

func (s stored) generation(id int64) generation {
	return generation{id, s.Handle, s.Schema, s.Start, s.Floor, s.Rows, s.Checksum, s.Size, s.Logged, s.Mark}
}

func (g generation) stored() []byte {
	b, err := json.Marshal(stored{g.handle, g.schema, g.start, g.floor, g.rows, g.size, g.logged, g.checksum, g.mark})
	if err != nil {
		panic(err) // numbers and strings always marshal
	}
	return b
}

// shadowOf returns the fingerprints of a shape's rows by identity.
func shadowOf(ctx context.Context, tx *sql.Tx, shape int64) (map[string]fingerprint, error) {
	rows, err := tx.QueryContext(ctx, "SELECT identity, print FROM shadow WHERE shape = ?", shape)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	shadow := map[string]fingerprint{}
	var identity, print sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&identity, &print); err != nil {
			return nil, err
		}
		if len(print) != 24 {
			return nil, failure(store.Corrupt, "read the shadow of a shape", "")
		}
		var f fingerprint
		copy(f.hash[:], print)
		f.sum = binary.BigEndian.Uint64(print[16:])
		shadow[string(identity)] = f
	}
	return shadow, rows.Err()
}

func (f fingerprint) bytes() []byte {
	return binary.BigEndian.AppendUint64(f.hash[:], f.sum)
}

// dropShape removes what is kept of a shape.
func dropShape(ctx context.Context, tx *sql.Tx, id int64) error {
	for _, sql := range []string{
		"DELETE FROM chunks WHERE handle IN (SELECT handle FROM handles WHERE shape = ?)",
		"DELETE FROM handles WHERE shape = ?", "DELETE FROM shadow WHERE shape = ?",
		"DELETE FROM log WHERE shape = ?", "DELETE FROM shapes WHERE id = ?",
	} {
		if _, err := tx.ExecContext(ctx, sql, id); err != nil {
			return err
		}
	}
	return nil
}
