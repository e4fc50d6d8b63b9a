package store

// memory is a layer that is not in a tree yet, as one snapshot shows it: whole
// keys and their entries, ordered.
//
// One view of a list writes, the others are frozen. What is written shows in
// views that are frozen from then on, in those before it does not.
type memory struct {
	list    *skipList
	version uint64 // entries of later versions do not show
	size    int    // of the keys, at least; 0 where none shows
}

// newMemory returns an empty layer that can be written to.
func newMemory() *memory { return &memory{list: newSkipList()} }

// memoryEntryBytes is what an entry of a memory layer costs beside its bytes.
const memoryEntryBytes = 160

// freeze returns a view of the layer as it is now. m is the view that writes, and
// goes on being written to.
func (m *memory) freeze() *memory {
	frozen := *m
	m.list.latest++
	m.version = m.list.latest
	return &frozen
}

func (m *memory) empty() bool { return m.size == 0 }

// set sets a whole key, which is kept as the entry is, and returns the entry that
// it had.
func (m *memory) set(whole []byte, e entry) (old entry, replaced bool) {
	m.size++
	return m.list.set(whole, e, m.version)
}

func (m *memory) get(whole []byte) (entry, bool) {
	n := m.list.seek(whole, nil)
	if n == nil || n.compare(spaceOf(whole), head(whole), whole) != 0 {
		return entry{}, false
	}
	return n.at(m.version)
}

// over returns a frozen layer that holds what m has, and beneath it what another
// one has, and the large values that do not show any more.
func (m *memory) over(below *memory) (joined *memory, dead []Overflow) {
	joined = newMemory()
	for _, layer := range [...]*memory{below, m} {
		c := newMemoryCursor(layer)
		for c.seek(nil); c.valid(); c.next() {
			old, replaced := joined.set(c.node.key, c.now)
			if o, ok := readOverflow(old.value); replaced && ok && old.kind == overflow {
				dead = append(dead, o)
			}
		}
	}
	return joined.freeze(), dead
}

// bytes is what the layer takes of memory.
func (m *memory) bytes() int {
	n := 0
	c := newMemoryCursor(m)
	for c.seek(nil); c.valid(); c.next() {
		n += len(c.node.key) + len(c.now.value) + memoryEntryBytes
	}
	return n
}

// memoryCursor walks a memory layer.
type memoryCursor struct {
	memory *memory
	node   *skipNode
	now    entry
}

func newMemoryCursor(m *memory) *memoryCursor { return &memoryCursor{memory: m} }

func (c *memoryCursor) seek(key []byte) {
	c.node = c.memory.list.seek(key, nil)
	c.forward()
}

func (c *memoryCursor) seekBefore(key []byte) {
	if key == nil {
		c.node = c.memory.list.last.Load()
	} else {
		c.node = c.memory.list.before(key)
	}
	c.backward()
}

func (c *memoryCursor) next() {
	c.node = c.node.next.Load()
	c.forward()
}

func (c *memoryCursor) prev() {
	c.node = c.node.below.Load()
	c.backward()
}

// forward passes over keys that do not show.
func (c *memoryCursor) forward() {
	for ; c.node != nil; c.node = c.node.next.Load() {
		var shows bool
		if c.now, shows = c.node.at(c.memory.version); shows {
			return
		}
	}
}

func (c *memoryCursor) backward() {
	for ; c.node != nil; c.node = c.node.below.Load() {
		var shows bool
		if c.now, shows = c.node.at(c.memory.version); shows {
			return
		}
	}
}

func (c *memoryCursor) valid() bool           { return c.node != nil }
func (c *memoryCursor) key() []byte           { return c.node.key }
func (c *memoryCursor) entry() (entry, error) { return c.now, nil }
func (c *memoryCursor) err() error            { return nil }
