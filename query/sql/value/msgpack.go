package value

import (
	"encoding/binary"
	"math"

	"github.com/tinylib/msgp/msgp"
)

// FromMsgpack returns the value that raw, one value of a document, is in SQL. What
// is missing (no bytes), nil or undefined is NULL, true and false are 1 and 0, an
// integer above 64 bits with sign is a real, binaries are blobs, a timestamp is its
// text of ISO 8601, and what is nested is a [Document]. It holds raw.
func FromMsgpack(raw []byte) Value {
	if len(raw) == 0 {
		return Value{}
	}
	var v Value
	if v.Load(raw, 0) == 0 {
		return fromWhole(raw)
	}
	return v
}

// Load makes v the value that begins at doc[at:], as FromMsgpack reads it, and tells how many
// bytes that has: −1 where it has not come across its end, and 0, when nothing has happened,
// of a value that has to be known to its end.
func (v *Value) Load(doc []byte, at int) (n int) {
	switch c := doc[at]; {
	case c < 0x80:
		v.setInt(int64(c))
		return 1
	case c >= 0xe0:
		v.setInt(int64(int8(c)))
		return 1
	case 0xa0 <= c && c < 0xc0:
		*v = sized(Text, doc, at+1, int(c&31))
		return 1 + int(c&31)
	case c == 0xcb && len(doc)-at > 8:
		v.setReal(math.Float64frombits(binary.BigEndian.Uint64(doc[at+1:])))
		return 9
	case c == 0xd1 && len(doc)-at > 2:
		v.setInt(int64(int16(binary.BigEndian.Uint16(doc[at+1:]))))
		return 3
	case c == 0xd2 && len(doc)-at > 4:
		v.setInt(int64(int32(binary.BigEndian.Uint32(doc[at+1:]))))
		return 5
	case c == 0xcd && len(doc)-at > 2:
		v.setInt(int64(binary.BigEndian.Uint16(doc[at+1:])))
		return 3
	case c == 0xce && len(doc)-at > 4:
		v.setInt(int64(binary.BigEndian.Uint32(doc[at+1:])))
		return 5
	case c < 0xa0, 0xc7 <= c && c <= 0xc9, 0xd4 <= c && c <= 0xd8, 0xdc <= c:
		return 0
	}
	*v = fromTagged(doc[at:])
	return -1
}

// Pack appends what Load makes v of, numbers in one of a few lengths: rows are packed by the
// hundred thousand, and MessagePack has eleven of them.
func (v *Value) Pack(dst []byte) []byte {
	switch v.kind {
	case Integer:
		if i := int64(v.bits); 0 <= i && i < 1<<7 {
			return append(dst, byte(i))
		} else if i == int64(int32(i)) {
			return binary.BigEndian.AppendUint32(append(dst, 0xd2), uint32(i))
		}
	case Real:
		return binary.BigEndian.AppendUint64(append(dst, 0xcb), v.bits)
	}
	return v.AppendMsgpack(dst)
}

// setInt is FromInt in place, which spares scans two copies.
func (v *Value) setInt(i int64) {
	v.kind, v.json, v.bits = Integer, false, uint64(i)
	if v.text != "" {
		v.text = ""
	}
}

// setReal is FromReal in place.
func (v *Value) setReal(f float64) {
	v.setInt(int64(math.Float64bits(f)))
	if v.kind = Real; f != f {
		*v = Value{}
	}
}

// fromWhole reads what begins and ends with raw.
func fromWhole(raw []byte) Value {
	if c := raw[0]; c < 0xa0 || c >= 0xdc {
		return FromDocument(raw)
	}
	return fromExtension(raw)
}

// fromTagged reads a scalar that begins with a byte that tells the type alone.
func fromTagged(raw []byte) Value {
	body := raw[1:]
	switch c := raw[0]; c {
	case 0xc2, 0xc3:
		return FromInt(int64(c & 1))
	case 0xc4, 0xd9:
		return sizedBy(c, raw, 1)
	case 0xc5, 0xda:
		return sizedBy(c, raw, 2)
	case 0xc6, 0xdb:
		return sizedBy(c, raw, 4)
	case 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3:
		return fromNumber(c, body)
	}
	return Value{}
}

// fromNumber reads a number after its first byte; what ends too early is NULL.
func fromNumber(c byte, body []byte) Value {
	switch {
	case c >= 0xcc && len(body) < 1<<(c&3), c == 0xca && len(body) < 4, c == 0xcb, c == 0xcd, c == 0xce, c == 0xd1, c == 0xd2:
		return Value{} // of the latter Load has read all that are whole
	}
	switch c {
	case 0xca:
		return FromReal(float64(math.Float32frombits(binary.BigEndian.Uint32(body))))
	case 0xcc:
		return FromInt(int64(body[0]))
	case 0xd0:
		return FromInt(int64(int8(body[0])))
	}
	u := binary.BigEndian.Uint64(body)
	if c == 0xcf && u > math.MaxInt64 {
		return FromReal(float64(u))
	}
	return FromInt(int64(u))
}

// sizedBy reads a text or a blob whose length has so many bytes.
func sizedBy(c byte, raw []byte, bytes int) Value {
	if len(raw) < 1+bytes {
		return Value{}
	}
	n := 0
	for _, b := range raw[1 : 1+bytes] {
		n = n<<8 | int(b)
	}
	if c >= 0xd9 {
		return sized(Text, raw, 1+bytes, n)
	}
	return sized(Blob, raw, 1+bytes, n)
}

func sized(kind Kind, raw []byte, at, n int) Value {
	if n > len(raw)-at {
		return Value{}
	}
	return Value{kind: kind, text: alias(raw[at : at+n])}
}

// The extensions of documents that mean something here.
const (
	extensionUndefined = 0x00
	extensionTimestamp = 0xff
)

// fromExtension reads an extension: those without a meaning are documents, which
// come out again as what they are.
func fromExtension(raw []byte) Value {
	kind, data, ok := extension(raw)
	switch {
	case !ok || kind == extensionUndefined && len(data) == 1:
		return Value{}
	case kind == extensionTimestamp:
		if text, ok := appendTimestamp(nil, data); ok {
			return FromText(alias(text))
		}
		return Value{}
	}
	return FromDocument(raw)
}

// extension splits an extension, which raw is as a whole.
func extension(raw []byte) (kind byte, data []byte, ok bool) {
	head := 2
	if c := raw[0]; c <= 0xc9 {
		head += 1 << (c - 0xc7)
	}
	if len(raw) < head {
		return 0, nil, false
	}
	return raw[head-1], raw[head:], true
}

// AppendMsgpack appends v as a value of a document.
func (v Value) AppendMsgpack(dst []byte) []byte {
	switch v.kind {
	case Integer:
		return msgp.AppendInt64(dst, int64(v.bits))
	case Real:
		return msgp.AppendFloat64(dst, math.Float64frombits(v.bits))
	case Text:
		return msgp.AppendString(dst, v.text)
	case Blob:
		return msgp.AppendBytes(dst, v.Bytes())
	case Document:
		return append(dst, v.text...)
	}
	return msgp.AppendNil(dst)
}
