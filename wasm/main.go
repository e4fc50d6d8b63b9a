//go:build js && wasm

// Command wasm is the engine as a module for JavaScript hosts. It has no
// imports of its own and never calls the host: the host calls the functions
// below over linear memory, and carries out what their answers ask for. See
// js/src/bridge/instance.ts for the other end.
package main

import "unsafe"

// engine is the environment of this instance: one instance serves one.
var engine = newBridge()

// inbox is where the host writes frames. It stays where it is until alloc.
var inbox []byte

// header is where the answer to a call is told. The host clears the status
// before each call; one that is still clear afterwards means that the call did
// not end: it panicked beyond recovery, or waited.
//
//	offset  0  status   uint32, see wire.Status; all little-endian
//	        4  task     uint32, the task that waits
//	        8  payload  uint32, address
//	       12  length   uint32, of the payload in bytes
//	       16  ready    uint32, address of the numbers of tasks to be stepped
//	       20  count    uint32, of these numbers
var header [6]uint32

func main() { select {} }

//go:wasmexport header
func headerAddress() unsafe.Pointer { return unsafe.Pointer(&header) }

// alloc makes the inbox hold at least n bytes and returns its address. What was
// in it is lost.
//
//go:wasmexport alloc
func alloc(n uint32) unsafe.Pointer {
	inbox = make([]byte, n)
	return unsafe.Pointer(unsafe.SliceData(inbox))
}

// begin starts the operation whose frame, of n bytes, is in the inbox.
//
//go:wasmexport begin
func begin(n uint32) { tell(engine.begin(inbox[:n])) }

// get reads the document whose encoded identity, of n bytes, is in the inbox.
//
//go:wasmexport get
func get(table, n uint32) { tell(engine.get(table, inbox[:n])) }

// step lets a task go on with the reply of n bytes in the inbox.
//
//go:wasmexport step
func step(task, n uint32) { tell(engine.step(task, inbox[:n])) }

// cancel ends the context of a task, which has to be stepped to its end still.
//
//go:wasmexport cancel
func cancel(task uint32) { tell(engine.cancel(task)) }

// drop ends a task that will not be stepped again.
//
//go:wasmexport drop
func drop(task uint32) { tell(engine.drop(task)) }

// tell writes an answer to the header. The answer's memory is the engine's,
// which keeps it until the next call.
func tell(a *answer) {
	header = [6]uint32{
		uint32(a.status),
		a.task,
		address(unsafe.SliceData(a.payload)), uint32(len(a.payload)),
		address(unsafe.SliceData(a.ready)), uint32(len(a.ready)),
	}
}

func address[T any](p *T) uint32 { return uint32(uintptr(unsafe.Pointer(p))) }
