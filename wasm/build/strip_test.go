//go:build !js

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program does what the stripped tables have a part in: it panics, inlined and not,
// recovers in deferred functions of every kind, grows and scans stacks, and fails at last.
const program = `package main

import (
	"errors"
	"runtime"
	"strings"
)

type node struct {
	left, right *node
	text        string
}

func grow(depth int) *node {
	if depth == 0 {
		return nil
	}
	n := &node{text: strings.Repeat("x", depth)}
	n.left, n.right = grow(depth-1), grow(depth-1)
	return n
}

func (n *node) bytes() int {
	if n == nil {
		return 0
	}
	return len(n.text) + n.left.bytes() + n.right.bytes()
}

type catcher struct{ caught []string }

func (c *catcher) catch() {
	switch cause := recover().(type) {
	case error:
		c.caught = append(c.caught, cause.Error())
	case string:
		c.caught = append(c.caught, cause)
	}
}

type catches interface{ catch() }

func at(list []int, i int) int { return list[i] }

func try(c catches, f func()) {
	defer c.catch()
	f()
}

func deep(n int, f func()) {
	if n == 0 {
		f()
		return
	}
	var room [64]int
	deep(n-1, f)
	runtime.KeepAlive(room)
}

func main() {
	c := &catcher{}
	var missing *node
	for range 3 {
		try(c, func() { panic("one") })
		try(c, func() { panic(errors.New("two")) })
		try(c, func() { at(nil, 5) })
		try(c, func() { println(missing.text) })
		try(c, func() { deep(500, func() { runtime.GC(); panic("deep") }) })
		tree := grow(12)
		runtime.GC()
		done := make(chan int)
		go func() { deep(300, runtime.GC); done <- tree.bytes() }()
		if n := <-done; n != 8178 {
			panic("the tree has lost leaves")
		}
	}
	println(strings.Join(c.caught[:5], ", "), len(c.caught))
	fail()
}

//go:noinline
func fail() { panic("at last") }
`

func TestStrippedProgram(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("main.go", program)
	write("go.mod", "module program\n\ngo 1.26\n")
	module := filepath.Join(dir, "program.wasm")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", module)
	build.Dir, build.Env = dir, append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	content, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	if err := strip(content); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(module, content, 0o600); err != nil {
		t.Fatal(err)
	}
	goroot, err := output("go", "env", "GOROOT")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(goroot, "lib/wasm/go_js_wasm_exec"), module).CombinedOutput()
	if err == nil {
		t.Error("a program that panics has ended well")
	}
	for _, want := range []string{
		"one, two, runtime error: index out of range [5] with length 0, runtime error: invalid memory address or nil pointer dereference, deep 15\n",
		"panic: at last",
		"main.fail(",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	for _, gone := range []string{"main.go:"} {
		if strings.Contains(string(out), gone) {
			t.Errorf("%q is still in\n%s", gone, out)
		}
	}
}

func TestStripRefusesWhatItDoesNotKnow(t *testing.T) {
	if err := strip([]byte("\x00asm\x01\x00\x00\x00")); err == nil {
		t.Error("a module without data was stripped")
	}
	data := []byte("\x00asm\x01\x00\x00\x00\x0b\x0b\x01\x00\x41\x10\x0b\x04abcd")
	data[9] = byte(len(data) - 10)
	if err := strip(data); err == nil {
		t.Error("a module of another kind was stripped")
	}
}
