package query

// Order is one column that documents are sorted by.
type Order struct {
	Path Path
	Desc bool
}

// SortKey appends a key of a document such that sorting by it, byte by byte, is
// sorting by order: the components of the columns' values, each with all its bits
// inverted where the column is descending. To be compared, a key must go on with a
// component, ascending or descending: that of the identity. SortKey fails with
// invalid_document where it comes upon bytes that are not MessagePack.
func SortKey(dst, doc []byte, order []Order) ([]byte, error) {
	for i := range order {
		start := len(dst)
		at := order[i].Path.find(doc, 0)
		if at == missing {
			dst = AppendKeyMissing(dst)
		} else {
			var err error
			if dst, _, err = appendKey(dst, doc, at); err != nil {
				return nil, errDamaged
			}
		}
		if order[i].Desc {
			invert(dst[start:])
		}
	}
	return dst, nil
}

// AppendDescending appends a whole component in descending order.
func AppendDescending(dst, component []byte) []byte {
	start := len(dst)
	dst = append(dst, component...)
	invert(dst[start:])
	return dst
}

// invert turns the order of whole components round. Two components differ before
// either ends, or where one ends and the other goes on with 0xFF, which inverted
// is below all tags, inverted or not.
func invert(key []byte) {
	for i := range key {
		key[i] ^= 0xff
	}
}
