package origin

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stowage-db/stowage/store"
)

// Postgres reads a database of a server, version 13 or later; a replica will do.
type Postgres struct{ pool *pgxpool.Pool }

// OpenPostgres connects to a server by a URL or a line of keywords and values.
// Every transaction is READ ONLY and REPEATABLE READ. A role that may read
// nothing but what is served is a second wall, and a good one.
func OpenPostgres(ctx context.Context, address string) (*Postgres, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		// What is wrong with it is told without the address, which holds a password.
		return nil, failure(store.InvalidOption, "read the address of the source", "")
	}
	config.MaxConns = 8
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	for name, value := range map[string]string{
		"default_transaction_read_only": "on",
		// Texts are the same wherever the server stands.
		"timezone": "UTC", "datestyle": "ISO, MDY", "intervalstyle": "iso_8601", "extra_float_digits": "1",
		"bytea_output": "hex", "standard_conforming_strings": "on", "client_encoding": "UTF8",
		"application_name": "stowage origin",
	} {
		config.ConnConfig.RuntimeParams[name] = value
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, postgresError("connect to the source", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, postgresError("connect to the source", err)
	}
	return &Postgres{pool}, nil
}

func (p *Postgres) dialect() dialect { return postgresDialect }

// Close ends all connections.
func (p *Postgres) Close() error {
	p.pool.Close()
	return nil
}

// Gate tells by the snapshot that a transaction would have: it names the
// transactions that it sees, so it moves with every one that has written.
func (p *Postgres) Gate(ctx context.Context) (string, error) {
	var token string
	err := p.pool.QueryRow(ctx, "SELECT pg_current_snapshot()::text").Scan(&token)
	return token, postgresError("look for changes", err)
}

// Snapshot reads within one transaction. What a statement may take is bounded by
// the deadline of ctx, at the server too.
func (p *Postgres) Snapshot(ctx context.Context, f func(Reader) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	tx, err := p.pool.BeginTx(ctx, options)
	if err != nil {
		return postgresError("read the source", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // nothing was written
	if deadline, ok := ctx.Deadline(); ok {
		limit := max(time.Until(deadline).Milliseconds(), 1)
		if _, err := tx.Exec(ctx, "SET LOCAL statement_timeout = "+strconv.FormatInt(limit, 10)); err != nil {
			return postgresError("read the source", err)
		}
	}
	return f(postgresReader{tx})
}

type postgresReader struct{ tx pgx.Tx }

const describePostgres = `
SELECT a.attname, coalesce(e.typname, t.typname), CASE WHEN e.oid IS NULL THEN 0 ELSE greatest(a.attndims, 1) END,
	a.attnotnull, coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0), a.atttypmod
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'v', 'm', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum`

func (r postgresReader) Describe(ctx context.Context, name string) (*Relation, error) {
	schema, table, ok := strings.Cut(name, ".")
	if !ok {
		schema, table = "public", name
	}
	rows, err := r.tx.Query(ctx, describePostgres, schema, table)
	if err != nil {
		return nil, postgresError("describe a table", err)
	}
	found := &Relation{Schema: schema, Name: table}
	var c Column
	var modifier int
	_, err = pgx.ForEachRow(rows, []any{&c.Name, &c.Type, &c.Dims, &c.NotNull, &c.Key, &modifier}, func() error {
		found.Columns = append(found.Columns, c.bounded(modifier))
		return nil
	})
	if err == nil && len(found.Columns) == 0 {
		return nil, failure(store.NotFound, "there is no table", name)
	}
	return found, postgresError("describe a table", err)
}

// bounded returns the column with what its type's modifier tells. It counts four
// bytes of a header, and is -1 where there is none.
func (c Column) bounded(modifier int) Column {
	if modifier < 4 {
		return c
	}
	switch c.Type {
	case "numeric":
		c.Precision, c.Scale = (modifier-4)>>16&0xffff, (modifier-4)&0x7ff
	case "varchar", "bpchar":
		c.Length = modifier - 4
	}
	return c
}

func (r postgresReader) Rows(ctx context.Context, s statement, _ []Column, each func([][]byte) error) error {
	rows, err := r.tx.Query(ctx, s.sql, append([]any{pgx.QueryResultFormats{pgx.TextFormatCode}}, s.args...)...)
	if err != nil {
		return postgresError("read rows", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.RawValues()); err != nil {
			return err
		}
	}
	return postgresError("read rows", rows.Err())
}

func (r postgresReader) Answer(ctx context.Context, s statement, each func([][]byte) error) ([]Column, error) {
	rows, err := r.tx.Query(ctx, s.sql, append([]any{pgx.QueryResultFormats{pgx.TextFormatCode}}, s.args...)...)
	if err != nil {
		return nil, postgresError("answer a statement", err)
	}
	defer rows.Close()
	var columns []Column
	for rows.Next() {
		if columns == nil {
			columns = r.described(rows)
		}
		values := rows.RawValues()
		for i, v := range values {
			if columns[i].Type == "bool" && v != nil {
				values[i] = map[byte][]byte{'t': []byte("true"), 'f': []byte("false")}[v[0]]
			}
		}
		if err := each(values); err != nil {
			return nil, err
		}
	}
	if columns == nil {
		columns = r.described(rows)
	}
	return columns, postgresError("answer a statement", rows.Err())
}

func (r postgresReader) described(rows pgx.Rows) []Column {
	columns := []Column{}
	for _, f := range rows.FieldDescriptions() {
		c := Column{Name: f.Name, Type: "text"}
		if t, ok := r.tx.Conn().TypeMap().TypeForOID(f.DataTypeOID); ok {
			c.Type = t.Name
		}
		if of, array := strings.CutPrefix(c.Type, "_"); array {
			c.Type, c.Dims = of, 1
		}
		columns = append(columns, c)
	}
	return columns
}

// postgresError gives an error of the driver its code; nil stays nil.
func postgresError(op string, err error) error {
	var known *store.Error
	var e *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &store.Error{Code: store.Aborted, Op: op, Err: err}
	case !errors.As(err, &e):
		return &store.Error{Code: store.BackendFailed, Op: op, Err: err}
	}
	code := store.BackendFailed
	switch {
	case e.Code == "57014": // statement_timeout
		code = store.Aborted
	case e.Code == "42501":
		code = store.Denied
	case e.Code == "25006":
		code = store.ReadOnly
	case strings.HasPrefix(e.Code, "54"): // a limit of the server
		code = store.TooLarge
	case strings.HasPrefix(e.Code, "22"):
		// What it says quotes values, of rows too, and logs are no place for them.
		code, err = store.InvalidQuery, &pgconn.PgError{Severity: e.Severity, Code: e.Code, Message: "a value that cannot be computed with"}
	case strings.HasPrefix(e.Code, "42"):
		code = store.InvalidQuery
	}
	return &store.Error{Code: code, Op: op, Err: err}
}
