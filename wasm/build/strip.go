//go:build !js

package main

import (
	"bytes"
	"fmt"
)

// strip clears, in a module's data, what nothing but a stack trace reads: by which
// file, line and inlined call an instruction comes. It is a seventh of the module as
// it is downloaded, for the numbers in these tables do not compress. What is cleared
// keeps its place, so nothing moves, and compresses to nothing. Traces still name
// functions.
//
// The layout is that of runtime/symtab.go and runtime/runtime2.go. Where it is not
// what is expected, strip fails: then it has to follow a new version of Go.
func strip(module []byte) error {
	m, err := newImage(module)
	if err != nil {
		return err
	}
	t, err := findTables(m)
	if err != nil {
		return err
	}
	kept := make([]bool, t.pctabBytes)
	for i := range t.functions {
		f := t.function(i)
		for _, table := range []int{f.field(pcsp), f.pcdata(stackMapIndex), f.pcdata(panicBounds)} {
			if table == 0 {
				continue
			}
			_, end := t.values(table)
			for at := table; at < end; at++ {
				kept[at] = true
			}
		}
		if calls := f.pcdata(inlTreeIndex); calls != 0 && f.funcdata(inlTree) != none {
			greatest, _ := t.values(calls)
			m.clear(t.gofunc+f.funcdata(inlTree), (greatest+1)*inlinedCallBytes)
		}
		// Offset 0 means that there is no table.
		for _, address := range []int{f.at + pcfile, f.at + pcln, f.pcdataAt(unsafePoint), f.pcdataAt(inlTreeIndex), f.pcdataAt(argLiveIndex)} {
			if address != 0 {
				m.clear(address, 4)
			}
		}
	}
	for at, keep := range kept {
		if !keep {
			m.clear(t.pctab+at, 1)
		}
	}
	m.save()
	return nil
}

// tables are the runtime's tables about the program's functions.
type tables struct {
	*image
	functions  int // how many there are
	pctab      int // address of the tables of values by instruction
	pctabBytes int
	pclntab    int // address of the index of functions, and of what is told of each
	gofunc     int // address that function data is told relative to
}

// magic begins the runtime's pcHeader: the version of the layout, two bytes of
// padding, the least size of an instruction, and the size of a pointer.
var magic = []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8}

// Places of what is read of the runtime's pcHeader and moduledata, in words of 8 bytes.
const (
	headerFunctions = 1
	headerNames     = 4
	headerPctab     = 7
	headerPclntab   = 8

	moduleNames  = 1
	modulePctab  = 10
	modulePclns  = 13
	moduleGofunc = 40
	moduleEnd    = 41
	moduleWords  = 42
)

// findTables finds the tables in memory.
func findTables(m *image) (*tables, error) {
	header := bytes.Index(m.memory, magic)
	if header < 0 {
		return nil, fmt.Errorf("strip: the tables of functions are of another version")
	}
	word := func(n int) int { return m.uint64(header + 8*n) }
	t := &tables{
		image:      m,
		functions:  word(headerFunctions),
		pctab:      header + word(headerPctab),
		pctabBytes: word(headerPclntab) - word(headerPctab),
		pclntab:    header + word(headerPclntab),
	}
	for at := 0; at+8*moduleWords <= len(m.memory); at += 8 {
		module := func(n int) int { return m.uint64(at + 8*n) }
		if module(0) == header && module(moduleNames) == header+word(headerNames) &&
			module(modulePctab) == t.pctab && module(modulePclns) == t.pclntab &&
			t.pclntab < module(moduleGofunc) && module(moduleGofunc) < module(moduleEnd) {
			t.gofunc = module(moduleGofunc)
			return t, nil
		}
	}
	return nil, fmt.Errorf("strip: the runtime's moduledata is not where it was")
}

// values reads a table of values by instruction: pairs of a difference of values, as
// a zigzag number, and a distance, ended by a zero. It returns the greatest value and
// where the table ends.
func (t *tables) values(table int) (greatest, end int) {
	at, value := t.pctab+table, -1
	greatest = -1
	for first := true; ; first = false {
		difference, n := unsigned(t.memory[at:])
		at += n
		if difference == 0 && !first {
			return greatest, at - t.pctab
		}
		value += difference>>1 ^ -(difference & 1)
		greatest = max(greatest, value)
		_, n = unsigned(t.memory[at:])
		at += n
	}
}

// unsigned reads an unsigned LEB128 number.
func unsigned(b []byte) (value, n int) {
	for shift := 0; ; n++ {
		value |= int(b[n]&0x7f) << shift
		shift += 7
		if b[n] < 0x80 {
			return value, n + 1
		}
	}
}

// function is what the runtime knows of a function: a _func at an address.
type function struct {
	*tables
	at int
}

// Places of the fields of a _func, and its size, in bytes.
const (
	pcsp      = 16
	pcfile    = 20
	pcln      = 24
	npcdata   = 28
	nfuncdata = 43
	funcBytes = 44
)

// Numbers of tables of values and of function data, as in internal/abi.
const (
	unsafePoint   = 0 // where a goroutine cannot be preempted by a signal: there are none
	stackMapIndex = 1
	inlTreeIndex  = 2
	argLiveIndex  = 3 // which arguments a trace can print
	panicBounds   = 4

	inlTree          = 3
	inlinedCallBytes = 16

	none = 1<<32 - 1
)

func (t *tables) function(i int) function {
	return function{t, t.pclntab + t.uint32(t.pclntab+8*i+4)}
}

func (f function) field(at int) int { return f.uint32(f.at + at) }

// pcdataAt is the address of where a table stands, 0 where the function has none of that number.
func (f function) pcdataAt(n int) int {
	if n >= f.field(npcdata) {
		return 0
	}
	return f.at + funcBytes + 4*n
}

func (f function) pcdata(n int) int {
	if at := f.pcdataAt(n); at != 0 {
		return f.uint32(at)
	}
	return 0
}

func (f function) funcdata(n int) int {
	if n >= int(f.memory[f.at+nfuncdata]) {
		return none
	}
	return f.uint32(f.at + funcBytes + 4*(f.field(npcdata)+n))
}
