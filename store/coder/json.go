package coder

import (
	"bytes"
	"encoding/json"
)

// JSON is the coder of any type as package json has it, in UTF-8 with a space
// behind every comma and colon: {"key": "value"}. No character is escaped that
// JSON allows as it is.
func JSON[T any]() Coder[T] { return jsonCoder[T]{} }

type jsonCoder[T any] struct{}

func (jsonCoder[T]) Append(dst []byte, v T) ([]byte, error) {
	var dense bytes.Buffer
	encoder := json.NewEncoder(&dense)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return dst, refuse("json", err)
	}
	return appendSpaced(dst, bytes.TrimSuffix(dense.Bytes(), []byte("\n"))), nil
}

func (jsonCoder[T]) Decode(b []byte) (T, error) {
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		var none T
		return none, garbled("json", err)
	}
	return v, nil
}

// appendSpaced copies dense JSON, puts the spaces in, and takes back the escapes
// of U+2028 and U+2029, which package json makes for the sake of old scripts.
func appendSpaced(dst, dense []byte) []byte {
	quoted := false
	for i := 0; i < len(dense); i++ {
		c := dense[i]
		switch {
		case quoted && c == '\\':
			if rest := dense[i:]; bytes.HasPrefix(rest, []byte(`\u2028`)) || bytes.HasPrefix(rest, []byte(`\u2029`)) {
				dst = append(dst, 0xe2, 0x80, 0xa8|rest[5]&1)
				i += 5
				continue
			}
			i++ // what is escaped ends no string
			dst = append(dst, c, dense[i])
		case c == '"':
			quoted = !quoted
			dst = append(dst, c)
		case !quoted && (c == ',' || c == ':'):
			dst = append(dst, c, ' ')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
