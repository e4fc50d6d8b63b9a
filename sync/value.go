package sync

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Column is what electric-schema tells of a column.
type Column struct {
	Type string `json:"type"`
	Dims int    `json:"dims"`               // dimensions of an array; 0 for what is none
	Key  *int   `json:"pk_index,omitempty"` // its place in the primary key
}

// Columns are those of a shape by their names.
type Columns map[string]Column

// key returns the columns of the key, in their order.
func (c Columns) key() []string {
	var names []string
	for name, column := range c {
		if column.Key != nil {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return *c[a].Key - *c[b].Key })
	return names
}

// texts is a row as an origin sends it; nil is NULL.
type texts map[string]*string

// readRow makes the document of a row: int64, float64, bool, []byte, what JSON says,
// lists of these. Everything else stays a text, numeric too, for a float would round
// it. Columns that the schema does not have are texts.
func (c Columns) readRow(t texts) (map[string]any, error) {
	row := make(map[string]any, len(t)+1)
	for name, text := range t {
		if text == nil {
			row[name] = nil
			continue
		}
		v, err := c[name].read(*text)
		if err != nil {
			return nil, err
		}
		row[name] = v
	}
	return row, nil
}

func (c Column) read(text string) (any, error) {
	if c.Dims > 0 {
		r := arrayReader{text: text, of: Column{Type: c.Type}}
		return r.list()
	}
	var v any
	var err error
	switch c.Type {
	case "int2", "int4", "int8":
		v, err = strconv.ParseInt(text, 10, 64)
	case "float4", "float8":
		v, err = strconv.ParseFloat(text, 64)
	case "bool":
		return text == "true" || text == "t", nil
	case "json", "jsonb":
		v, err = readJSON(text)
	case "bytea":
		digits, found := strings.CutPrefix(text, `\x`)
		if !found {
			return nil, strange("bytes that are no hexadecimal digits", nil)
		}
		v, err = hex.DecodeString(digits)
	default:
		return text, nil
	}
	if err != nil {
		return nil, strange("a value that is not of its type", nil)
	}
	return v, nil
}

// readJSON keeps integers whole.
func readJSON(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return plain(v)
}

func plain(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i, nil
		}
		return v.Float64()
	case []any:
		for i := range v {
			if v[i], err = plain(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for name := range v {
			if v[name], err = plain(v[name]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// arrayReader reads '{1,{2,NULL},"a\"b"}'.
type arrayReader struct {
	text string
	at   int
	of   Column
}

func (r *arrayReader) list() ([]any, error) {
	items := []any{}
	if r.peek() != '{' {
		return nil, strange("a list that is none", nil)
	}
	r.at++
	for r.peek() != '}' {
		if r.peek() == ',' {
			r.at++
		}
		item, err := r.item()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	r.at++
	return items, nil
}

// peek returns the next byte, 0 at the end.
func (r *arrayReader) peek() byte {
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

func (r *arrayReader) item() (any, error) {
	switch r.peek() {
	case 0:
		return nil, strange("a list without an end", nil)
	case '{':
		return r.list()
	case '"':
		return r.quoted()
	}
	from := r.at
	for r.peek() != ',' && r.peek() != '}' && r.peek() != 0 {
		r.at++
	}
	if plain := r.text[from:r.at]; plain != "NULL" {
		return r.of.read(plain)
	}
	return nil, nil
}

func (r *arrayReader) quoted() (any, error) {
	var b strings.Builder
	for r.at++; r.peek() != '"'; r.at++ {
		if r.peek() == '\\' {
			r.at++
		}
		if r.at >= len(r.text) {
			return nil, strange("a list without an end", nil)
		}
		b.WriteByte(r.text[r.at])
	}
	r.at++
	return r.of.read(b.String())
}

// write returns the text that a value was read from, if an origin writes it so.
func (c Column) write(v any) *string {
	var text string
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		text = v
	case int64:
		text = strconv.FormatInt(v, 10)
	case bool:
		text = strconv.FormatBool(v)
	case []byte:
		text = `\x` + hex.EncodeToString(v)
	case float64:
		if c.Type == "float8" || c.Type == "float4" {
			text = writeFloat(v)
			break
		}
		text = strconv.FormatFloat(v, 'g', -1, 64)
	default:
		written, err := json.Marshal(v)
		if err != nil {
			return nil
		}
		text = string(written)
	}
	return &text
}

// writeFloat writes the fewest digits that read as the same number, with an exponent
// below 1e-4 and from 1e15.
func writeFloat(f float64) string {
	size := math.Abs(f)
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case size != 0 && (size < 1e-4 || size >= 1e15):
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}
