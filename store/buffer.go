package store

// buffer hands out memory in pieces that stay where they are: a list of blocks,
// each twice as long as the one before, up to a bound. A piece that is longer has a block of its
// own, after which they grow as if it were not there: what follows one large document may be a few bytes.
type buffer struct {
	blocks [][]byte
	next   int // the length of the next block
}

// place locates a piece: the block, and the offset within it. Later pieces
// have greater places.
type place uint64

const (
	firstBlock = 512
	lastBlock  = 256 << 10
)

// grow returns a new piece of n bytes.
func (b *buffer) grow(n int) ([]byte, place) {
	last := len(b.blocks) - 1
	if last < 0 || cap(b.blocks[last])-len(b.blocks[last]) < n {
		size := max(b.next, firstBlock)
		b.next = min(2*size, lastBlock)
		b.blocks = append(b.blocks, make([]byte, 0, max(size, n)))
		last++
	}
	start := len(b.blocks[last])
	b.blocks[last] = b.blocks[last][:start+n]
	return b.blocks[last][start : start+n : start+n], place(last)<<32 | place(start)
}

// from returns what starts at a place.
func (b *buffer) from(at place) []byte { return b.blocks[at>>32][uint32(at):] }
