package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/stowage-db/stowage/store"
)

// sqlText runs SQL: what is given, or what is read.
type sqlText struct {
	Directory string   `arg:"" help:"The environment's directory." type:"path"`
	Text      string   `arg:"" optional:"" help:"Statements, with a ; between them. Without, they are read from standard input, each to the end of a line that ends with a ;."`
	Values    []string `arg:"" optional:"" help:"Values for the parameters of the last statement, as JSON; what is none is text."`
	JSON      bool     `short:"j" help:"Print each row as a JSON object; otherwise values with tabs between them."`
	Make      bool     `help:"Make the environment where there is none."`
}

func (c *sqlText) Run(ctx context.Context, s *session) error {
	return s.within(ctx, c.Directory, c.Make, func(env *store.Env) error {
		connection := env.Connect()
		defer connection.Close()
		if c.Text == "" {
			return c.read(ctx, s, connection)
		}
		return c.script(ctx, s, connection, c.Text)
	})
}

// read runs statements as they come.
func (c *sqlText) read(ctx context.Context, s *session, connection *store.Connection) error {
	lines := bufio.NewReader(s.in)
	text := ""
	for {
		line, err := lines.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		text += line
		if err != nil || strings.HasSuffix(strings.TrimSpace(line), ";") {
			if err := c.script(ctx, s, connection, text); err != nil {
				return err
			}
			text = ""
		}
		if err != nil {
			return nil
		}
	}
}

// script runs statements one after the other and prints the rows of each.
func (c *sqlText) script(ctx context.Context, s *session, connection *store.Connection, text string) error {
	values := make([]any, len(c.Values))
	for i, given := range c.Values {
		values[i] = parameter(given)
	}
	return connection.Script(ctx, text, func(row store.Row) error {
		if c.JSON {
			return printJSON(s.out, row)
		}
		cells := make([]string, len(row.Columns()))
		for i, v := range row.Values() {
			cells[i] = v.Text()
		}
		_, err := fmt.Fprintln(s.out, strings.Join(cells, "\t"))
		return err
	}, values...)
}

// parameter is a value that was given as JSON, or else as text.
func parameter(given string) any {
	if i, err := strconv.ParseInt(given, 10, 64); err == nil {
		return i
	}
	var v any
	if json.Unmarshal([]byte(given), &v) != nil {
		return given
	}
	return v
}

func printJSON(out io.Writer, row store.Row) error {
	object := make(map[string]any, len(row.Columns()))
	for i, name := range row.Columns() {
		object[name] = row.At(i)
	}
	line, err := json.Marshal(object)
	if err == nil {
		_, err = fmt.Fprintln(out, string(line))
	}
	return err
}
