package coder

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
)

// String is the coder of text as UTF-8. What is not UTF-8 is refused, both ways.
var String Coder[string] = utf8Text{}

type utf8Text struct{}

func (utf8Text) Append(dst []byte, v string) ([]byte, error) {
	if !utf8.ValidString(v) {
		return dst, refuse("string", nil)
	}
	return append(dst, v...), nil
}

func (utf8Text) Decode(b []byte) (string, error) {
	if !utf8.Valid(b) {
		return "", garbled("string", nil)
	}
	return string(b), nil
}

// Text is the coder of text in another encoding, such as charmap.ISO8859_1 or
// unicode.UTF16 of golang.org/x/text. Nothing is replaced: text that the encoding
// does not have is refused, as are bytes that it does not have. A byte order mark is
// neither written nor taken away where the encoding is told to ignore it.
func Text(e encoding.Encoding) Coder[string] { return encodedText{e} }

type encodedText struct{ encoding encoding.Encoding }

func (c encodedText) Append(dst []byte, v string) ([]byte, error) {
	if !utf8.ValidString(v) {
		return dst, refuse("string", nil)
	}
	b, err := c.encoding.NewEncoder().String(v)
	if err != nil {
		return dst, refuse("string", err)
	}
	return append(dst, b...), nil
}

func (c encodedText) Decode(b []byte) (string, error) {
	text, err := c.encoding.NewDecoder().Bytes(b)
	if err != nil {
		return "", garbled("string", err)
	}
	v := string(text)
	// Decoders put U+FFFD in the place of what they cannot read, and some encodings have it.
	if strings.ContainsRune(v, utf8.RuneError) && !same(c, v, b) {
		return "", garbled("string", nil)
	}
	return v, nil
}
