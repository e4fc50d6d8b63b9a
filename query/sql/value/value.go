// Package value is what SQL computes with: one value of one of SQLite's storage
// classes, and what its operators, affinities, casts and collations make of it.
//
// Everything here is as SQLite has it, to the last digit: the tests ask both.
// There is one class more, [Document]: a nested map or list of a stored document,
// which every expression takes for its JSON text, and which a result hands back as
// the structure that it is.
package value

import (
	"math"
	"strconv"
	"unsafe"
)

// Kind is the storage class of a value.
type Kind uint8

const (
	Null     Kind = iota
	Integer       // 64 bits, signed
	Real          // a float64, never NaN
	Text          // UTF-8, unchecked
	Blob          // bytes
	Document      // MessagePack of a map or a list: the text of its JSON
)

// Value is one value. The zero Value is NULL. What was made of bytes holds them
// without a copy, and is worth as much as they are: see [Value.Clone].
type Value struct {
	kind Kind
	json bool   // text that a JSON function made: others take it as JSON, not as a string
	bits uint64 // of an int64 or a float64
	text string // of Text; the bytes of a Blob or a Document
}

// FromInt returns an integer.
func FromInt(i int64) Value { return Value{kind: Integer, bits: uint64(i)} }

// FromReal returns a real, NULL for what is no number.
func FromReal(f float64) Value {
	if math.IsNaN(f) {
		return Value{}
	}
	return Value{kind: Real, bits: math.Float64bits(f)}
}

// FromText returns a text.
func FromText(s string) Value { return Value{kind: Text, text: s} }

// FromJSON returns a text that is JSON, for the JSON functions that it is given to.
func FromJSON(s string) Value { return Value{kind: Text, json: true, text: s} }

// FromBlob returns a blob, which holds b.
func FromBlob(b []byte) Value { return Value{kind: Blob, text: alias(b)} }

// FromDocument returns a nested map or list, which holds its MessagePack.
func FromDocument(raw []byte) Value { return Value{kind: Document, text: alias(raw)} }

// FromBool returns 1 or 0.
func FromBool(b bool) Value {
	if b {
		return FromInt(1)
	}
	return FromInt(0)
}

// alias is b as a string: whoever made b a value leaves it as it is from then on.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Kind returns the storage class of v.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether v is NULL.
func (v Value) IsNull() bool { return v.kind == Null }

// IsNumber reports whether v is an integer or a real.
func (v Value) IsNumber() bool { return v.kind == Integer || v.kind == Real }

// IsJSON reports whether JSON functions take v as JSON: what one of them made, and
// documents.
func (v Value) IsJSON() bool { return v.json || v.kind == Document }

// Plain returns v without its being JSON, as it comes out of a table.
func (v Value) Plain() Value {
	v.json = false
	return v
}

// Raw returns the bytes of a text, a blob, or a document's MessagePack, and "" for
// other values.
func (v Value) Raw() string { return v.text }

// Int returns v as CAST(v AS INTEGER) would: 0 for NULL and for text that does not
// begin with a number.
func (v Value) Int() int64 {
	switch v.kind {
	case Integer:
		return int64(v.bits)
	case Real:
		return truncate(math.Float64frombits(v.bits))
	case Null:
		return 0
	}
	i, _ := integerPrefix(v.Text())
	return i
}

// Real returns v as CAST(v AS REAL) would: 0 for NULL and for text that does not
// begin with a number.
func (v Value) Real() float64 {
	switch v.kind {
	case Integer:
		return float64(int64(v.bits))
	case Real:
		return math.Float64frombits(v.bits)
	case Null:
		return 0
	}
	f, _ := realPrefix(v.Text())
	return f
}

// Text returns v as CAST(v AS TEXT) would, and "" for NULL. For blobs those are its
// bytes, for documents their JSON.
func (v Value) Text() string {
	switch v.kind {
	case Text, Blob:
		return v.text
	case Null:
		return ""
	case Integer:
		return strconv.FormatInt(int64(v.bits), 10)
	}
	return string(v.AppendText(nil))
}

// AppendText appends what Text returns.
func (v Value) AppendText(dst []byte) []byte {
	switch v.kind {
	case Text, Blob:
		return append(dst, v.text...)
	case Integer:
		return strconv.AppendInt(dst, int64(v.bits), 10)
	case Real:
		return AppendReal(dst, math.Float64frombits(v.bits))
	case Document:
		return AppendJSON(dst, v.Bytes())
	}
	return dst
}

// Bytes returns what Raw does, which nobody may change.
func (v Value) Bytes() []byte { return unsafe.Slice(unsafe.StringData(v.text), len(v.text)) }

// Whole returns the integer that v is equal to, where it is a number that is one.
func (v *Value) Whole() (i int64, ok bool) {
	switch v.kind {
	case Integer:
		return int64(v.bits), true
	case Real:
		f := math.Float64frombits(v.bits)
		if f >= -1<<63 && f < 1<<63 && f == math.Trunc(f) {
			return int64(f), true
		}
	}
	return 0, false
}

// Truth reports whether v holds where a condition is asked for; known is false for NULL.
func (v Value) Truth() (holds, known bool) {
	switch v.kind {
	case Null:
		return false, false
	case Integer:
		return v.bits != 0, true
	}
	return v.Real() != 0, true
}

// Clone returns v with bytes of its own, for keeping it longer than what it was made of.
//
//go:noinline
func (v Value) Clone() Value {
	if v.text != "" {
		v.text = string(append([]byte(nil), v.text...))
	}
	return v
}

// Size returns about how many bytes v takes up in memory.
func (v Value) Size() int { return int(unsafe.Sizeof(v)) + len(v.text) }
