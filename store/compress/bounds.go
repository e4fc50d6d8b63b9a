package compress

// What a blob may claim to hold when it is opened: a thousand times its size, and never
// more than maxPlain. Less than smallPlain is always well, as no claim of that costs
// anything. What is sealed stays within, so that a blob beyond is none of ours.
const (
	// maxPlain is well above every page and chunk, and far below what would exhaust memory.
	maxPlain   = 32 << 20
	maxRatio   = 1000
	smallPlain = 64 << 10
)

// bound is how many bytes so many compressed ones may become.
func bound(packed int) int { return min(maxPlain, max(smallPlain, maxRatio*packed)) }

// sealable reports whether compressing a blob is worth its start, and allowed.
func sealable(plain []byte) bool { return len(plain) >= MinPlain && len(plain) <= maxPlain }

// worth reports whether a blob is stored compressed: where that saves an eighth, and
// it can be opened again.
func worth(packed, plain int) bool { return packed <= plain-plain/8 && plain <= bound(packed) }
