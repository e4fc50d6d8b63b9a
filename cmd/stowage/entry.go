package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// place names a database or a table.
type place struct {
	Directory string `arg:"" help:"The environment's directory." type:"path"`
	Table     bool   `short:"t" help:"NAME is a table: keys are identities, a number or a text; values are documents, as JSON."`
	Hex       bool   `short:"x" help:"Keys and values are hexadecimal."`
	Name      string `arg:"" help:"The database (empty: the default one), or the table."`
}

// get prints a value as it is stored, so that it can be piped on.
type get struct {
	place
	Key string `arg:"" help:"The key, or the document's identity."`
}

func (c *get) Run(ctx context.Context, s *session) error {
	return s.within(ctx, c.Directory, false, func(env *store.Env) error {
		return env.View(ctx, func(tx *store.Tx) error {
			value, err := c.read(tx, c.Key)
			switch {
			case err != nil:
				return err
			case c.Table:
				if _, err = msgp.UnmarshalAsJSON(s.out, value); err == nil {
					_, err = fmt.Fprintln(s.out)
				}
			case c.Hex:
				_, err = fmt.Fprintln(s.out, hex.EncodeToString(value))
			default:
				_, err = s.out.Write(value)
			}
			return err
		})
	})
}

// read finds the value of a key, or the document of an identity.
func (p *place) read(tx *store.Tx, text string) (value []byte, err error) {
	key, err := p.key(text)
	if err != nil {
		return nil, err
	}
	var found bool
	if p.Table {
		var t *store.Table
		if t, err = tx.OpenTable(p.Name); err == nil {
			value, found, err = t.Get(tx, key)
		}
	} else {
		var db *store.DB
		if db, err = tx.OpenDB(p.Name); err == nil {
			value, found, err = db.Get(key)
		}
	}
	if err == nil && !found {
		err = p.missing()
	}
	return value, err
}

func (p *place) missing() error {
	return &store.Error{Code: store.NotFound, Op: "there is no such key", Name: p.Name}
}

// put stores a value, or documents.
type put struct {
	place
	Key    string  `arg:"" optional:"" help:"The key; none for documents, which have their identity in them."`
	Value  *string `arg:"" optional:"" help:"The value. Standard input if left out; so are documents, one JSON object after the other."`
	Create bool    `help:"Make the environment where there is none."`
}

func (c *put) Run(ctx context.Context, s *session) error {
	if c.Table == (c.Key != "") || c.Table && c.Value != nil {
		return errors.New("put: a database needs a key, a table none: its documents come from standard input")
	}
	return s.within(ctx, c.Directory, c.Create, func(env *store.Env) error {
		if c.Table {
			return c.documents(ctx, env, s.in)
		}
		return c.value(ctx, env, s.in)
	})
}

func (c *put) value(ctx context.Context, env *store.Env, in io.Reader) error {
	key, err := c.key(c.Key)
	if err != nil {
		return err
	}
	var value []byte
	if c.Value != nil {
		value = []byte(*c.Value)
	} else if value, err = io.ReadAll(in); err != nil {
		return err
	}
	if c.Hex {
		if value, err = hex.DecodeString(string(bytes.TrimSpace(value))); err != nil {
			return &store.Error{Code: store.InvalidArgument, Op: "put: value", Name: c.Name, Err: err}
		}
	}
	return env.Update(ctx, func(tx *store.Tx) error {
		db, err := tx.DB(c.Name)
		if err != nil {
			return err
		}
		return db.Put(key, value)
	})
}

// documents puts all that come, in one transaction, which is not run again: the
// input is read once.
func (c *put) documents(ctx context.Context, env *store.Env, in io.Reader) error {
	tx, err := env.BeginExclusive(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	t, err := tx.OpenTable(c.Name)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bufio.NewReader(in))
	d.UseNumber()
	for {
		document, err := readDocument(d)
		if errors.Is(err, io.EOF) {
			return tx.Commit(ctx)
		}
		if err != nil {
			return &store.Error{Code: store.InvalidDocument, Op: "put", Name: c.Name, Err: err}
		}
		if _, err := t.Put(tx, [][]byte{document}); err != nil {
			return err
		}
	}
}

// readDocument reads one object of JSON as MessagePack.
func readDocument(d *json.Decoder) ([]byte, error) {
	var document map[string]any
	if err := d.Decode(&document); err != nil {
		return nil, err
	}
	return msgp.AppendIntf(nil, numbers(document))
}

// numbers turns the numbers of JSON into integers where they are some.
func numbers(value any) any {
	switch value := value.(type) {
	case json.Number:
		return number(value)
	case map[string]any:
		for name, member := range value {
			value[name] = numbers(member)
		}
	case []any:
		for i, element := range value {
			value[i] = numbers(element)
		}
	}
	return value
}

func number(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, _ := n.Float64() // beyond its range it is infinite
	return f
}

// remove deletes keys or documents.
type remove struct {
	place
	Keys []string `arg:"" help:"The keys, or the documents' identities."`
}

// Run fails with NotFound, and deletes nothing, where one of the keys is not there.
func (c *remove) Run(ctx context.Context, s *session) error {
	return s.within(ctx, c.Directory, false, func(env *store.Env) error {
		return env.Update(ctx, func(tx *store.Tx) error {
			for _, text := range c.Keys {
				if _, err := c.read(tx, text); err != nil {
					return err
				}
				if err := c.delete(tx, text); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (c *remove) delete(tx *store.Tx, text string) error {
	key, err := c.key(text)
	if err != nil {
		return err
	}
	if c.Table {
		t, err := tx.OpenTable(c.Name)
		if err == nil {
			_, err = t.Delete(tx, key)
		}
		return err
	}
	db, err := tx.OpenDB(c.Name)
	if err == nil {
		_, err = db.Delete(key)
	}
	return err
}

// key is the key that a text stands for.
func (p *place) key(text string) ([]byte, error) {
	if p.Hex {
		key, err := hex.DecodeString(text)
		if err != nil {
			return nil, &store.Error{Code: store.InvalidArgument, Op: "key", Name: p.Name, Err: err}
		}
		return key, nil
	}
	if !p.Table {
		return []byte(text), nil
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return query.AppendKeyInt(nil, i), nil
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(f) {
		return query.AppendKeyFloat(nil, f), nil
	}
	return query.AppendKeyString(nil, text), nil
}

// shown is a key as it can be printed in a line, and, but for identities, typed
// again where it is plain text.
func (p *place) shown(key []byte) string {
	if p.Hex {
		return hex.EncodeToString(key)
	}
	if p.Table {
		var text bytes.Buffer
		values, n, err := query.DecodeKey(nil, key)
		if err != nil || n != 1 {
			return hex.EncodeToString(key)
		}
		if _, err := msgp.UnmarshalAsJSON(&text, values); err != nil {
			return hex.EncodeToString(key)
		}
		return text.String()
	}
	if printable(key) {
		return string(key)
	}
	return strconv.Quote(string(key))
}

func printable(text []byte) bool {
	return utf8.Valid(text) && bytes.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == '"' }) < 0
}
