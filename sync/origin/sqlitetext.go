package origin

import (
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What SQLite holds, in the types and the texts of Postgres.

// sqliteType returns the type that a column's declaration stands for. SQLite
// holds dates as whatever the application writes, so they are text.
func sqliteType(declared string) Column {
	name, bounds, _ := strings.Cut(strings.ToUpper(declared), "(")
	name = strings.TrimSpace(name)
	c := Column{Type: "text"}
	switch {
	case name == "BOOLEAN" || name == "BOOL":
		c.Type = "bool"
	case name == "JSON" || name == "JSONB":
		c.Type = "jsonb"
	case name == "NUMERIC" || name == "DECIMAL":
		c.Type = "numeric"
		precision, scale, _ := strings.Cut(strings.TrimSuffix(bounds, ")"), ",")
		c.Precision, _ = strconv.Atoi(strings.TrimSpace(precision)) // none is 0
		c.Scale, _ = strconv.Atoi(strings.TrimSpace(scale))
	case strings.Contains(name, "INT"):
		c.Type = "int8"
	case strings.Contains(name, "REAL"), strings.Contains(name, "FLOA"), strings.Contains(name, "DOUB"):
		c.Type = "float8"
	case strings.Contains(name, "BLOB"):
		c.Type = "bytea"
	}
	return c
}

// errMisfit is a value that is not of its column's type: SQLite lets a column
// that says INTEGER hold a text, and a client could not read it as a number.
var errMisfit = errors.New("the column holds a value that is not of its declared type")

// appendSQLite appends the text of a value, as the driver returns it, of a type.
func appendSQLite(dst []byte, c Column, value any) ([]byte, error) {
	typ := c.Type
	switch v := value.(type) {
	case int64:
		switch typ {
		case "bool":
			return appendBool(dst, v)
		case "bytea":
			return nil, errMisfit
		}
		return append(strconv.AppendInt(dst, v, 10), c.zeros()...), nil
	case float64:
		switch typ {
		case "int8", "bool", "bytea":
			return nil, errMisfit
		case "numeric":
			return c.appendNumeric(dst, v), nil
		}
		return appendFloat(dst, v), nil
	case string:
		if typ != "text" && typ != "jsonb" || !utf8.ValidString(v) || strings.IndexByte(v, 0) >= 0 {
			return nil, errMisfit
		}
		return append(dst, v...), nil
	case []byte:
		if typ != "bytea" {
			return nil, errMisfit
		}
		return hex.AppendEncode(append(dst, `\x`...), v), nil
	}
	return nil, errMisfit
}

// zeros returns the decimals that Postgres writes of a whole number.
func (c Column) zeros() string {
	if c.Type != "numeric" || c.Precision == 0 || c.Scale <= 0 {
		return ""
	}
	return "." + strings.Repeat("0", min(c.Scale, 1000))
}

// appendNumeric writes a number with the decimals that its column declares, as
// Postgres does. SQLite lets a column hold more: then it has those.
func (c Column) appendNumeric(dst []byte, v float64) []byte {
	if c.Precision > 0 {
		text := strconv.FormatFloat(v, 'f', min(max(c.Scale, 0), 1000), 64)
		if same, err := strconv.ParseFloat(text, 64); err == nil && same == v {
			return append(dst, text...)
		}
	}
	return appendFloat(dst, v)
}

func appendBool(dst []byte, v int64) ([]byte, error) {
	switch v {
	case 0:
		return append(dst, "false"...), nil
	case 1:
		return append(dst, "true"...), nil
	}
	return nil, errMisfit
}

// appendFloat writes a number as Postgres does: the fewest digits that read as
// the same number, with an exponent below 1e-4 and from 1e15.
func appendFloat(dst []byte, v float64) []byte {
	switch {
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	case math.IsNaN(v):
		return append(dst, "NaN"...)
	}
	if a := math.Abs(v); a == 0 || a >= 1e-4 && a < 1e15 {
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	}
	return strconv.AppendFloat(dst, v, 'e', -1, 64)
}

// typeOf returns the type of a value that an expression has yielded.
func typeOf(value any) string {
	switch value.(type) {
	case int64:
		return "int8"
	case float64:
		return "float8"
	case []byte:
		return "bytea"
	}
	return "text"
}
