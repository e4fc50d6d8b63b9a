package value

import "unsafe"

// Strip is a column of NULLs, numbers and short texts, to be kept beside the documents it was read
// from: nine bytes a value, and those of texts. It does not change.
type Strip struct {
	kinds []Kind
	words []uint64 // of an int64 or a float64, or where a text begins, and its length
	texts string   // behind one another
}

const stripTextBytes = 16

// MaxStripBytes is how much a value takes in a strip at most, beside what all of it takes.
const MaxStripBytes = 1 + 8 + stripTextBytes

// NewStrip packs a column, nil where not all of it can be.
func NewStrip(column []Value) *Strip {
	s := &Strip{kinds: make([]Kind, len(column)), words: make([]uint64, len(column))}
	var texts []byte
	for i := range column {
		v := &column[i]
		switch s.kinds[i] = v.kind; {
		case v.kind == Null:
		case v.IsNumber():
			s.words[i] = v.bits
		case v.kind == Text && !v.json && len(v.text) <= stripTextBytes:
			s.words[i] = uint64(len(texts))<<32 | uint64(len(v.text))
			texts = append(texts, v.text...)
		default:
			return nil
		}
	}
	s.texts = string(texts)
	return s
}

// Load makes values of a column those of the strip from one on, of some rows.
func (s *Strip) Load(column []Value, rows []int32, from int) {
	kinds, words := s.kinds[from:], s.words[from:]
	for _, row := range rows {
		v, word := &column[row], words[row]
		switch kind := kinds[row]; kind {
		case Null:
			*v = Value{}
		case Text:
			v.kind, v.json, v.text = Text, false, s.texts[word>>32:][:uint32(word)]
		default:
			v.setInt(int64(word))
			v.kind = kind
		}
	}
}

// Size is how many bytes a strip takes, 0 for nil.
func (s *Strip) Size() int {
	if s == nil {
		return 0
	}
	return int(unsafe.Sizeof(*s)) + 9*len(s.kinds) + len(s.texts)
}
