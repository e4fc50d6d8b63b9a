package slt

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Record is a statement or a query of a file, and what is expected of it.
type Record struct {
	Line   int // where it begins, from 1 on
	SQL    string
	Fails  bool     // a statement that is an error
	Types  string   // of a query's columns: I, R or T each; "" for a statement
	Sort   SortMode // of a query
	Label  string   // queries of the same label have the same results
	Wanted []string // a query's values, or a line with their number and hash
	Skip   []string // engines that it is not for
	Only   []string // engines that it is for; none: all

	threshold int // more values are expected as a hash
}

// SortMode is how a query's values are sorted before they are compared.
type SortMode uint8

const (
	NoSort    SortMode = iota // as they come
	RowSort                   // by rows
	ValueSort                 // one by one
)

var sortModes = [...]string{"nosort", "rowsort", "valuesort"}

// For reports whether a record is for an engine.
func (r *Record) For(engine string) bool {
	return !slices.Contains(r.Skip, engine) && (len(r.Only) == 0 || slices.Contains(r.Only, engine))
}

// Parse reads a file, up to a halt that is for the engine.
func Parse(from io.Reader, engine string) ([]Record, error) {
	p := parser{lines: bufio.NewScanner(from), engine: engine}
	p.lines.Buffer(nil, 16<<20)
	for !p.halted && p.next() {
		if err := p.record(); err != nil {
			return nil, fmt.Errorf("line %d: %w", p.line, err)
		}
	}
	return p.records, p.lines.Err()
}

type parser struct {
	lines     *bufio.Scanner
	engine    string
	line      int
	text      string // of the line
	threshold int
	pending   Record // what skipif and onlyif said
	records   []Record
	halted    bool
}

// next goes to the next line; comments are none.
func (p *parser) next() bool {
	for p.lines.Scan() {
		p.line++
		if p.text = strings.TrimRight(p.lines.Text(), " \t\r"); !strings.HasPrefix(p.text, "#") {
			return true
		}
	}
	return false
}

// record reads what begins at the line.
func (p *parser) record() error {
	words := strings.Fields(p.text)
	if len(words) == 0 {
		return nil
	}
	r := p.pending
	r.Line, r.threshold = p.line, p.threshold
	p.pending = Record{}
	switch words[0] {
	case "skipif", "onlyif":
		if len(words) < 2 {
			return fmt.Errorf("%s without an engine", words[0])
		}
		if words[0] == "skipif" {
			r.Skip = append(r.Skip, words[1])
		} else {
			r.Only = append(r.Only, words[1])
		}
		p.pending = r
	case "hash-threshold":
		if len(words) < 2 {
			return fmt.Errorf("hash-threshold without a number")
		}
		n, err := strconv.Atoi(words[1])
		p.threshold = n
		return err
	case "halt":
		p.halted = r.For(p.engine)
	case "statement":
		if len(words) < 2 || words[1] != "ok" && words[1] != "error" {
			return fmt.Errorf("a statement is ok or an error")
		}
		r.Fails = words[1] == "error"
		r.SQL, _ = p.block("")
		p.records = append(p.records, r)
	case "query":
		return p.query(r, words[1:])
	default:
		return fmt.Errorf("%q is no kind of record", words[0])
	}
	return nil
}

func (p *parser) query(r Record, words []string) error {
	if len(words) == 0 {
		return fmt.Errorf("a query without types")
	}
	r.Types = words[0]
	if len(words) > 1 {
		i := slices.Index(sortModes[:], words[1])
		if i < 0 {
			return fmt.Errorf("%q is no way of sorting", words[1])
		}
		r.Sort = SortMode(i)
	}
	if len(words) > 2 {
		r.Label = words[2]
	}
	var results bool
	if r.SQL, results = p.block("----"); results {
		for p.lines.Scan() {
			p.line++
			text := strings.TrimSuffix(p.lines.Text(), "\r")
			if text == "" {
				break
			}
			r.Wanted = append(r.Wanted, text)
		}
	}
	p.records = append(p.records, r)
	return nil
}

// block reads lines up to an empty one, or one that ends it.
func (p *parser) block(end string) (text string, ended bool) {
	var lines []string
	for p.lines.Scan() {
		p.line++
		line := strings.TrimSuffix(p.lines.Text(), "\r")
		if line == "" || line == end {
			ended = line != ""
			break
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n"), ended
}
