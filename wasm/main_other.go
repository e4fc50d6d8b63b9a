//go:build !(js && wasm)

// Command wasm is the engine as a module for JavaScript hosts. On other
// platforms only its tests are of use.
package main

import "os"

func main() {
	_, _ = os.Stderr.WriteString("build this with GOOS=js GOARCH=wasm\n")
	os.Exit(2)
}
