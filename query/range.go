package query

import "bytes"

// KeyRange is a half-open range of encoded keys: Low ≤ key < High. A nil bound
// is open.
type KeyRange struct{ Low, High []byte }

// SortRanges puts ranges in the order of their lower bounds. It is Shell's: mostly they are
// few, or in order already, and slices.SortFunc would be 2 kB more to download.
func SortRanges(ranges []KeyRange) {
	for gap := len(ranges); gap > 1; {
		gap = max(1, gap*5/11)
		for i := gap; i < len(ranges); i++ {
			next, at := ranges[i], i
			for ; at >= gap && bytes.Compare(ranges[at-gap].Low, next.Low) > 0; at -= gap {
				ranges[at] = ranges[at-gap]
			}
			ranges[at] = next
		}
	}
}

// Contains reports whether key lies in the range.
func (r KeyRange) Contains(key []byte) bool {
	return bytes.Compare(key, r.Low) >= 0 && (r.High == nil || bytes.Compare(key, r.High) < 0)
}

// Empty reports whether no key can lie in the range.
func (r KeyRange) Empty() bool { return r.High != nil && bytes.Compare(r.Low, r.High) >= 0 }

// PrefixRange is the range of all keys that start with the given components.
// No tag is 0xFF, so prefix+0xFF is above every one of them.
//
//go:noinline
func PrefixRange(prefix []byte) KeyRange { return KeyRange{Low: prefix, High: upperBound(prefix)} }

// upperBound is the smallest bound over all keys that start with the components prefix.
func upperBound(prefix []byte) []byte {
	high := make([]byte, len(prefix)+1)
	copy(high, prefix)
	high[len(prefix)] = 0xff
	return high
}

// BeginsWith reports whether the first components of key are those of prefix.
func BeginsWith(key, prefix []byte) bool {
	return bytes.HasPrefix(key, prefix) && (len(key) == len(prefix) || key[len(prefix)] != 0xff)
}

// Point returns the only key that the range can hold in a map whose keys are
// single components, if there is one.
func (r KeyRange) Point() (key []byte, ok bool) { return r.Low, isPoint(r) }

// Numbers is the range of all keys that begin with a number.
func Numbers() KeyRange {
	return KeyRange{Low: []byte{byte(kindNumber)}, High: []byte{byte(kindNumber) + 1}}
}
