package value

import (
	"math"
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// AppendJSON appends one MessagePack value as JSON. Timestamps are their texts,
// binaries the texts of their hexadecimal digits, infinite numbers out of every
// range; what JSON has no form for is null, and members that are undefined are left
// out. Bytes that are no MessagePack are null.
func AppendJSON(dst, raw []byte) []byte {
	dst, _ = appendNested(dst, raw)
	return dst
}

// appendNested appends the value at the front of raw and returns what follows it,
// nothing where raw is damaged.
func appendNested(dst, raw []byte) (text, rest []byte) {
	switch msgp.NextType(raw) {
	case msgp.MapType:
		return appendObject(dst, raw)
	case msgp.ArrayType:
		return appendArray(dst, raw)
	}
	rest, err := msgp.Skip(raw)
	if err != nil {
		return append(dst, "null"...), nil
	}
	return appendScalar(dst, raw[:len(raw)-len(rest)]), rest
}

func appendObject(dst, raw []byte) (text, rest []byte) {
	count, raw, err := msgp.ReadMapHeaderBytes(raw)
	if err != nil {
		return append(dst, "null"...), nil
	}
	dst = append(dst, '{')
	first := true
	for ; count > 0 && len(raw) > 0; count-- {
		start := len(dst)
		if !first {
			dst = append(dst, ',')
		}
		if dst, raw = appendName(dst, raw); undefined(raw) {
			dst, raw = dst[:start], raw[3:]
			continue
		}
		dst, raw = appendNested(append(dst, ':'), raw)
		first = false
	}
	return append(dst, '}'), raw
}

// undefined reports whether raw begins with what JavaScript calls so.
func undefined(raw []byte) bool {
	return len(raw) > 2 && raw[0] == 0xd4 && raw[1] == extensionUndefined
}

// appendName appends a member's name, which is a text whatever it was: an empty one
// where it was nested, for text of text of text takes no end.
func appendName(dst, raw []byte) (text, rest []byte) {
	if t := msgp.NextType(raw); t == msgp.MapType || t == msgp.ArrayType {
		rest, err := msgp.Skip(raw)
		if err != nil {
			rest = nil
		}
		return append(dst, `""`...), rest
	}
	start := len(dst)
	if dst, rest = appendNested(dst, raw); dst[start] != '"' {
		name := string(dst[start:])
		dst = AppendQuoted(dst[:start], name)
	}
	return dst, rest
}

func appendArray(dst, raw []byte) (text, rest []byte) {
	count, raw, err := msgp.ReadArrayHeaderBytes(raw)
	if err != nil {
		return append(dst, "null"...), nil
	}
	dst = append(dst, '[')
	for i := uint32(0); i < count && len(raw) > 0; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst, raw = appendNested(dst, raw)
	}
	return append(dst, ']'), raw
}

func appendScalar(dst, raw []byte) []byte {
	if c := raw[0]; c == 0xc2 || c == 0xc3 {
		return strconv.AppendBool(dst, c == 0xc3)
	}
	switch v := FromMsgpack(raw); v.kind {
	case Integer:
		return v.AppendText(dst)
	case Real:
		return AppendJSONReal(dst, math.Float64frombits(v.bits))
	case Text:
		return AppendQuoted(dst, v.text)
	case Blob:
		return append(AppendHex(append(dst, '"'), v.text), '"')
	}
	return append(dst, "null"...)
}

// AppendJSONReal appends a real as JSON has it: infinity is 9.0e+999.
func AppendJSONReal(dst []byte, f float64) []byte {
	if math.IsInf(f, 0) {
		if f < 0 {
			dst = append(dst, '-')
		}
		return append(dst, "9.0e+999"...)
	}
	return AppendReal(dst, f)
}

const hexDigits = "0123456789abcdef"

// AppendHex appends two hexadecimal digits, in capitals, for each byte of s.
func AppendHex(dst []byte, s string) []byte {
	const capitals = "0123456789ABCDEF"
	for i := range len(s) {
		dst = append(dst, capitals[s[i]>>4], capitals[s[i]&15])
	}
	return dst
}

// AppendQuoted appends s as a string of JSON.
func AppendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	plain := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = appendEscaped(append(dst, s[plain:i]...), c)
		plain = i + 1
	}
	return append(append(dst, s[plain:]...), '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\t':
		return append(dst, '\\', 't')
	case '\n':
		return append(dst, '\\', 'n')
	case '\f':
		return append(dst, '\\', 'f')
	case '\r':
		return append(dst, '\\', 'r')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
