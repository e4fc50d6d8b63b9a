package query

// FieldAt tells where a field of a document stands, doc[Start:End]: its name is doc[Name:Value], empty
// where that is no text, and its value doc[Value:End].
type FieldAt struct{ Start, Name, Value, End int }

// AppendFields appends where the fields of a document stand, in their order. It fails with
// invalid_document.
func AppendFields(dst []FieldAt, doc []byte) ([]FieldAt, error) {
	if err := checkMap(doc); err != nil {
		return dst, err
	}
	count, at := mapHead(doc, 0)
	for ; count > 0; count-- {
		if at >= len(doc) {
			return dst, errDamaged
		}
		f := FieldAt{Start: at}
		if c := doc[at]; c&0xe0 == 0xa0 {
			f.Name = at + 1
			f.Value = f.Name + int(c&31)
		} else if key, ok := decode(doc, at); ok {
			f.Value = skip(doc, at)
			if f.Name = f.Value; key.kind == kindString {
				f.Name -= len(key.body)
			}
		}
		if f.Value <= at || f.Value >= len(doc) {
			return dst, errDamaged
		}
		if shape := int(shapes[doc[f.Value]]); 0 < shape && shape < 0x100 {
			f.End = f.Value + shape
		} else {
			f.End = skip(doc, f.Value)
		}
		if f.End < 0 || f.End > len(doc) {
			return dst, errDamaged
		}
		dst = append(dst, f)
		at = f.End
	}
	return dst, nil
}
