package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// step is one thing that a history does to an environment. Steps name keys, not
// each other, so that a history stays one when steps are taken out of it.
type step struct {
	kind       stepKind
	operations []operation
	strict     bool
	giveUp     bool // roll back in the end
}

type stepKind int

const (
	update     stepKind = iota // an exclusive transaction
	optimistic                 // one that is validated, and run again after a conflict
	view                       // reads, after comparing everything
	hold                       // begin a reading transaction and keep it open
	release                    // compare everything in the oldest one, and end it
	checkpoint
	rotate // where there are keys: another one, and everything sealed anew
	reopen
	check
)

// operation is one call in a transaction.
type operation struct {
	kind     operationKind
	db       string
	key, end string // end is that of a range
	size     int    // of the value
	fill     uint64 // what the value is made from
}

type operationKind int

const (
	put operationKind = iota
	get
	remove
	clearKey
	scan
	scanBack
	count
	skip
	drop
)

// shape says what the steps of a history are like.
type shape struct {
	keys       int  // different ones in a database
	operations int  // of a transaction, at most
	large      int  // of a thousand values, how many are large
	largest    int  // bytes of these, at most
	flow       bool // transactions, checkpoints and rotations only: for several writers at once
}

// compose draws n steps.
func compose(random *rand.Rand, n int, s shape) []step {
	steps := make([]step, n)
	for i := range steps {
		steps[i] = s.step(random)
	}
	return steps
}

func (s shape) step(random *rand.Rand) step {
	kind := update
	switch draw := random.IntN(100); {
	case draw < 25:
		kind = optimistic
	case draw < 35:
		kind = view
	case draw < 40:
		kind = checkpoint
	case draw < 43:
		kind = rotate
	case s.flow:
	case draw < 47:
		kind = hold
	case draw < 51:
		kind = release
	case draw < 53:
		kind = reopen
	case draw < 54:
		kind = check
	}
	st := step{kind: kind}
	if kind > view {
		return st
	}
	st.strict = random.IntN(3) == 0
	st.giveUp = random.IntN(12) == 0
	for range 1 + random.IntN(s.operations) {
		st.operations = append(st.operations, s.operation(random))
	}
	return st
}

func (s shape) operation(random *rand.Rand) operation {
	o := operation{db: string(rune('a' + random.IntN(3))), key: s.key(random), fill: random.Uint64()}
	switch draw := random.IntN(200); {
	case draw < 90:
		o.kind, o.size = put, s.size(random)
	case draw < 125:
		o.kind = get
	case draw < 150:
		o.kind = remove
	case draw < 160:
		o.kind = clearKey
	case draw < 170:
		o.kind = scan
	case draw < 180:
		o.kind = scanBack
	case draw < 190:
		o.kind = count
	case draw < 199:
		o.kind = skip
	default:
		o.kind = drop
	}
	if o.end = s.key(random); o.end < o.key {
		o.key, o.end = o.end, o.key
	}
	return o
}

// key draws a key; some are long, some begin with another one.
func (s shape) key(random *rand.Rand) string {
	n := random.IntN(s.keys)
	switch {
	case n%61 == 0:
		return strings.Repeat(string(rune('a'+n%3)), 1+n%300)
	case n%17 == 0:
		return fmt.Sprintf("key-%04d", n/10)
	}
	return fmt.Sprintf("key-%04d-%d", n/10, n%10)
}

func (s shape) size(random *rand.Rand) int {
	switch {
	case random.IntN(1000) < s.large:
		return random.IntN(s.largest)
	case random.IntN(40) == 0:
		return 0
	}
	return 4 + random.IntN(24)
}

// value makes the value of a put: half of them cannot be compressed.
func (o *operation) value() []byte {
	value := make([]byte, o.size)
	source := rand.NewPCG(o.fill, 3)
	word := o.fill
	for i := range value {
		if i%8 == 0 && (i == 0 || o.fill%2 == 0) {
			word = source.Uint64()
		}
		value[i] = byte(word >> (i % 8 * 8))
	}
	return value
}

func (k stepKind) String() string {
	return [...]string{"update", "optimistic", "view", "hold", "release", "checkpoint", "rotate", "reopen", "check"}[k]
}

func (k operationKind) String() string {
	return [...]string{"put", "get", "remove", "clear", "scan", "scan back", "count", "skip", "drop"}[k]
}

func (o operation) String() string {
	switch o.kind {
	case drop:
		return "drop " + o.db
	case scan, scanBack, count, skip:
		return fmt.Sprintf("%v %s [%q,%q)", o.kind, o.db, o.key, o.end)
	case put:
		return fmt.Sprintf("put %s %q size %d fill %#x", o.db, o.key, o.size, o.fill)
	}
	return fmt.Sprintf("%v %s %q", o.kind, o.db, o.key)
}

func (s step) String() string {
	var b strings.Builder
	b.WriteString(s.kind.String())
	if s.strict {
		b.WriteString(" strict")
	}
	if s.giveUp {
		b.WriteString(" rolled back")
	}
	for _, o := range s.operations {
		b.WriteString("\n\t" + o.String())
	}
	return b.String()
}
