//go:build !js

// Command build compiles the engine to WebAssembly.
//
//	go run ./wasm/build -tags=page -o js/dist/stowage.wasm
//	go run ./wasm/build -tags=page,sql -o js/dist/stowage-sql.wasm
//	go run ./wasm/build -o js/dist/edge.wasm
//
// It leaves out files of two dependencies that the engine never calls but that
// their package initialisation, or a mere import, would link in all the same:
// msgp's JSON printer, with encoding/json and fmt behind it, and the streaming
// writer of s2, with crypto/rand, math/big and the FIPS module. Together they
// are a fifth of the module as it is downloaded. The compiler is given copies of
// the two modules without those files, through a go.mod of its own; everything
// else, tests included, builds against the modules as published. When a new
// version of a dependency moves what is left out, this build fails.
//
// Then it strips the module, see strip; -symbols leaves all as it is.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// trimmed is a module of which some files are left out.
type trimmed struct {
	module  string
	without []string          // files, relative to the module
	instead map[string]string // files added: declarations that the rest refers to
}

var trims = []trimmed{{
	module:  "github.com/tinylib/msgp",
	without: []string{"msgp/json.go", "msgp/json_bytes.go"},
	instead: map[string]string{"msgp/nojson.go": noJSON},
}, {
	module:  "github.com/klauspost/compress",
	without: []string{"s2/writer.go"},
}}

// noJSON stands in for the one function of the JSON printer that another file
// of msgp calls.
const noJSON = `package msgp

import (
	"errors"
	"io"
)

func UnmarshalAsJSON(io.Writer, []byte) ([]byte, error) {
	return nil, errors.New("msgp: built without JSON")
}
`

func main() {
	output := flag.String("o", "stowage.wasm", "the file to write")
	tags := flag.String("tags", "", "build tags: page for an engine without what pages never need, see wasm/replica_page.go; sql for one with SQL all the same")
	symbols := flag.Bool("symbols", false, "keep names and debug information, for profiles")
	flag.Parse()
	if err := run(*output, *tags, *symbols); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(output, tags string, symbols bool) error {
	work := placeOf(tags, symbols)
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	modfile, err := writeModfile(work)
	if err != nil {
		return err
	}
	args := []string{"build", "-modfile=" + modfile, "-trimpath", "-buildvcs=false", "-tags=" + tags, "-o", output}
	if !symbols {
		args = append(args, "-ldflags=-s -w -buildid=")
	}
	build := exec.Command("go", append(args, "./wasm")...)
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -mod=mod"))
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil || symbols {
		return err
	}
	module, err := os.ReadFile(output)
	if err != nil {
		return err
	}
	if err := strip(module); err != nil {
		return err
	}
	return os.WriteFile(output, module, 0o644)
}

// placeOf returns where the trimmed modules stand. The linker writes that down: a place that is the same in every
// clone makes the same bytes of the same sources, and one a variant lets variants be built side by side.
func placeOf(tags string, symbols bool) string {
	place := "./.build/modules"
	if tags != "" {
		place += "-" + strings.ReplaceAll(tags, ",", "-")
	}
	if symbols {
		place += "-symbols"
	}
	return place
}

// writeModfile copies go.mod into work, with the trimmed modules replaced by
// copies that stand there too.
func writeModfile(work string) (string, error) {
	modfile := filepath.Join(work, "go.mod")
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(work, name), content, 0o600); err != nil {
			return "", err
		}
	}
	for i, t := range trims {
		dir := work + "/" + fmt.Sprint(i) // begins with a point, which tells it from a module's path
		if err := t.copyTo(dir); err != nil {
			return "", fmt.Errorf("%s: %w", t.module, err)
		}
		if _, err := output("go", "mod", "edit", "-replace="+t.module+"="+dir, modfile); err != nil {
			return "", err
		}
	}
	return modfile, nil
}

// copyTo copies those packages of the module that the engine imports.
func (t trimmed) copyTo(dir string) error {
	// The first build on a machine finds no module in the cache.
	if _, err := output("go", "mod", "download", t.module); err != nil {
		return err
	}
	root, err := output("go", "list", "-m", "-f", "{{.Dir}}", t.module)
	if err != nil {
		return err
	}
	packages, err := output("go", "list", "-deps", "-f",
		`{{with .Module}}{{if eq .Path "`+t.module+`"}}{{$.Dir}}{{end}}{{end}}`, "./wasm")
	if err != nil {
		return err
	}
	if err := copyFile(filepath.Join(root, "go.mod"), filepath.Join(dir, "go.mod")); err != nil {
		return err
	}
	for _, source := range strings.Fields(packages) {
		target := filepath.Join(dir, strings.TrimPrefix(source, root))
		if err := copyPackage(source, target); err != nil {
			return err
		}
	}
	for _, name := range t.without {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	for name, content := range t.instead {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func copyPackage(source, target string) error {
	files, err := filepath.Glob(filepath.Join(source, "*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		if info.IsDir() || strings.HasSuffix(file, "_test.go") {
			continue
		}
		if err := copyFile(file, filepath.Join(target, filepath.Base(file))); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(source, target string) error {
	content, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return err
	}
	return os.WriteFile(target, content, 0o600)
}

// output runs a command in the current directory and returns what it printed.
func output(name string, args ...string) (string, error) {
	command := exec.Command(name, args...)
	command.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	command.Stderr = os.Stderr
	printed, err := command.Output()
	return strings.TrimSpace(string(printed)), err
}
