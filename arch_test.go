package stowage_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/stowage-db/stowage"

// layer is a row of the dependency table. A folder that ends in "/*" stands for
// everything below it; the longest row that fits a package applies.
type layer struct {
	folder string
	uses   []string // the project's packages that it may import; "*" for any but wasm
	js     bool     // may import syscall/js
}

// layers is the dependency table. It points down only: query and crypto know
// nothing of the project, store knows no backend, nobody knows wasm.
var layers = []layer{
	{folder: "."},
	{folder: "query"},
	{folder: "query/op", uses: []string{"query"}},
	{folder: "query/sql/*", uses: []string{"query", "query/sql/value"}},
	{folder: "query/sql/slt/sqlite", uses: []string{"query/sql/slt", "query/sql/value"}},
	{folder: "query/sql", uses: []string{"query", "query/sql/value", "query/sql/function"}},
	{folder: "crypto"},
	{folder: "store", uses: []string{"query", "query/op", "query/sql", "query/sql/function", "query/sql/value"}},
	{folder: "store/*", uses: []string{"query", "store"}},
	{folder: "store/encrypt", uses: []string{"crypto", "store"}, js: true},
	{folder: "store/policies", uses: []string{"query", "query/op", "store", "store/coder"}},
	{folder: "store/structure", uses: []string{"store"}},
	{folder: "store/repository", uses: []string{"store", "store/structure"}},
	{folder: "store/repository/*", uses: []string{"store", "store/structure", "store/repository"}},
	{folder: "store/storetest", uses: []string{"query", "store", "store/memory"}},
	{folder: "store/promise", js: true},
	{folder: "store/indexeddb", uses: []string{"query", "store", "store/promise"}, js: true},
	{folder: "store/kv", uses: []string{"query", "store", "store/promise"}, js: true},
	{folder: "sync", uses: []string{"query", "store"}},
	{folder: "sync/origin", uses: []string{"store"}},
	{folder: "wasm", uses: []string{"*", "wasm/wire"}, js: true},
	{folder: "wasm/wire", uses: []string{"query", "store"}},
	{folder: "wasm/build"},
	{folder: "wasm/examples/*", uses: []string{"*"}},
	{folder: "cmd/*", uses: []string{"*"}},
	{folder: "web-demo/*", uses: []string{"sync/origin"}},
	{folder: "bench/codecs", uses: []string{"query", "store", "store/memory"}},
	{folder: "bench/sorted", uses: []string{"store", "store/memory", "store/structure"}},
	{folder: "proof", uses: []string{"*"}},
}

// bannedInWASM are packages that the module sent to browsers must do without:
// each weighs from 50 to 500 kB there, or needs what a page does not have. A
// name ending in "/*" covers what is below it.
var bannedInWASM = []string{
	"compress/flate", "crypto", "crypto/*", "encoding/json", "encoding/xml",
	"go/*", "html/*", "net", "net/*", "os/exec", "os/signal", "regexp",
	"testing", "testing/*", "text/template",
}

// served are modules of servers, databases and Workers, and the one package that may import
// them, beside those that measure and examples, so that the engine and those who do without stay free of them everywhere.
var served = map[string]string{
	"database/sql": "sync/origin", "modernc.org/*": "sync/origin", "github.com/jackc/*": "sync/origin", "github.com/andybalholm/*": "sync/origin",
	"github.com/redis/*": "store/repository/redis", "github.com/syumai/*": "store/kv",
}

// goPackage is what the checks need to know of a package: its folder and what
// its files, without tests, import.
type goPackage struct {
	folder  string
	imports []string
}

// breaches returns a line for each import that the table does not allow.
func breaches(packages []goPackage) []string {
	var found []string
	for _, p := range packages {
		row := layerOf(p.folder)
		if row == nil {
			found = append(found, p.folder+" is not in the dependency table")
			continue
		}
		for _, imported := range p.imports {
			used, project := strings.CutPrefix(imported, module+"/")
			switch {
			case imported == "syscall/js" && !row.js:
				found = append(found, p.folder+" must not import syscall/js")
			case project && !row.allows(used):
				found = append(found, p.folder+" must not import "+used)
			}
			for module, user := range served {
				if p.folder != user && p.folder != "bench/codecs" && p.folder != "query/sql/slt/sqlite" && p.folder != "web-demo/server" && !covers("wasm/examples/*", p.folder) && covers(module, imported) {
					found = append(found, p.folder+" must not import "+imported)
				}
			}
		}
	}
	return found
}

// layerOf returns the row for a folder, or nil where there is none.
func layerOf(folder string) *layer {
	var best *layer
	for i, row := range layers {
		if covers(row.folder, folder) && (best == nil || len(row.folder) > len(best.folder)) {
			best = &layers[i]
		}
	}
	return best
}

func (l *layer) allows(folder string) bool {
	if slices.Contains(l.uses, folder) {
		return true
	}
	return slices.Contains(l.uses, "*") && folder != "wasm" && !strings.HasPrefix(folder, "wasm/")
}

// covers reports whether a name is the pattern, or below a pattern ending in "/*".
func covers(pattern, name string) bool {
	if parent, all := strings.CutSuffix(pattern, "*"); all {
		return strings.HasPrefix(name, parent)
	}
	return pattern == name
}

// heavy returns a line for each banned package that one of packages imports.
func heavy(packages []goPackage) []string {
	var found []string
	for _, p := range packages {
		for _, imported := range p.imports {
			if slices.ContainsFunc(bannedInWASM, func(banned string) bool { return covers(banned, imported) }) {
				found = append(found, p.folder+" goes into the WASM module and must not import "+imported)
			}
		}
	}
	return found
}

// unused returns a line for each row of the table that applies to no package.
func unused(packages []goPackage) []string {
	applies := map[*layer]bool{}
	for _, p := range packages {
		applies[layerOf(p.folder)] = true
	}
	var found []string
	for i := range layers {
		if !applies[&layers[i]] {
			found = append(found, "there is no package for the row of "+layers[i].folder)
		}
	}
	return found
}

func TestLayers(t *testing.T) {
	packages := parsePackages(t)
	report(t, breaches(packages))
	report(t, unused(packages))
}

func TestModuleIsLight(t *testing.T) {
	report(t, heavy(linkedIntoModule(t)))
}

// parsePackages reads the imports of every package of the project, for every
// platform at once: build constraints do not excuse an import.
func parsePackages(t *testing.T) []goPackage {
	byFolder := map[string]*goPackage{}
	eachFile(t, ".", ".go", func(file string) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		folder := path.Dir(file)
		p := byFolder[folder]
		if p == nil {
			p = &goPackage{folder: folder}
			byFolder[folder] = p
		}
		for _, spec := range parsed.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			p.imports = append(p.imports, imported)
		}
	})
	var packages []goPackage
	for _, p := range byFolder {
		packages = append(packages, *p)
	}
	slices.SortFunc(packages, func(a, b goPackage) int { return strings.Compare(a.folder, b.folder) })
	return packages
}

// linkedIntoModule asks the go command which of the project's packages the
// module in wasm/ is linked from, and what they import there.
func linkedIntoModule(t *testing.T) []goPackage {
	list := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Standard", "./wasm")
	list.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var packages []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
			Standard   bool
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		if folder, project := strings.CutPrefix(p.ImportPath, module+"/"); project {
			packages = append(packages, goPackage{folder, p.Imports})
		}
	}
}

// tsImport finds the module that a line of TypeScript imports, statically or
// not. tsType finds what only names types: it is gone when the code runs.
var (
	tsImport = regexp.MustCompile(`(?m)(?:\bfrom\s*|\bimport\s*\(?\s*)['"]([^'"\n]+)['"]`)
	tsType   = regexp.MustCompile(`typeof import\([^)]*\)|import type [^'"]*['"][^'"]*['"]`)
)

// tsImports returns the modules that a TypeScript source imports when it runs.
func tsImports(source string) []string {
	var modules []string
	for _, match := range tsImport.FindAllStringSubmatch(tsType.ReplaceAllString(source, ""), -1) {
		modules = append(modules, match[1])
	}
	return modules
}

// public matches the entries of the package, by the form that their names have.
var public = regexp.MustCompile(`^stowage(/[a-z-]+)?$`)

// tsBreach says what is wrong with a TypeScript file importing a module, or "".
func tsBreach(file, imported string) string {
	relative := strings.HasPrefix(imported, ".")
	switch root := path.Join(strings.SplitN(file, "/", 3)[:2]...); {
	case relative && !strings.HasPrefix(path.Join(path.Dir(file), imported), root+"/"):
		return file + " must not reach out of " + root + " to " + imported
	case relative:
		return ""
	case root == "web-demo/src" && !public.MatchString(imported):
		return file + " must import the public package stowage only, not " + imported
	case root == "js/src" && strings.HasPrefix(imported, "node:") &&
		file != "js/src/drivers/fs.ts" && !strings.HasSuffix(file, ".test.ts"):
		return file + " must run without Node, so not import " + imported
	}
	return ""
}

func TestTypeScriptLayers(t *testing.T) {
	for _, root := range []string{"js/src", "web-demo/src"} {
		files := 0
		eachFile(t, root, ".ts", func(file string) {
			files++
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, imported := range tsImports(string(source)) {
				if breach := tsBreach(file, imported); breach != "" {
					t.Error(breach)
				}
			}
		})
		if files == 0 {
			t.Errorf("no TypeScript found below %s", root)
		}
	}
}

// TestChecksBite gives each check a made-up project that breaks its rule, for a
// check that passes everything looks the same as one that passes.
func TestChecksBite(t *testing.T) {
	for _, test := range []struct {
		folder, imported string
		allowed          bool
	}{
		{"query", "strings", true},
		{"query", module + "/store", false},
		{"crypto", module + "/query", false},
		{"store", module + "/query", true},
		{"store", module + "/store/memory", false},
		{"store", module + "/crypto", false},
		{"store", "syscall/js", false},
		{"store/memory", module + "/store", true},
		{"store/memory", module + "/store/file", false},
		{"store/compress", module + "/crypto", false},
		{"store/encrypt", module + "/crypto", true},
		{"store/encrypt", module + "/store/compress", false},
		{"store/repository", module + "/store/structure", true},
		{"store/repository", module + "/store/memory", false},
		{"store/repository", "github.com/redis/go-redis/v9", false},
		{"store/repository/redis", "github.com/redis/go-redis/v9", true},
		{"store/indexeddb", "syscall/js", true},
		{"store/file", "syscall/js", false},
		{"store/kv", "github.com/syumai/workers/cloudflare", true},
		{"store/kv", module + "/store/indexeddb", false},
		{"store/indexeddb", "github.com/syumai/workers", false},
		{"store/promise", module + "/store", false},
		{"wasm", "github.com/syumai/workers", false},
		{"wasm/examples/go-worker", "github.com/syumai/workers", true},
		{"wasm/examples/go-worker", module + "/wasm/wire", false},
		{"sync", module + "/store", true},
		{"sync", module + "/sync/origin", false},
		{"sync", module + "/store/memory", false},
		{"sync/origin", module + "/wasm", false},
		{"sync/origin", module + "/query", false},
		{"sync/origin", "modernc.org/sqlite", true},
		{"store", "database/sql", false},
		{"cmd/stowage", "github.com/jackc/pgx/v5", false},
		{"wasm", module + "/store/memory", true},
		{"wasm/wire", "syscall/js", false},
		{"cmd/stowage", module + "/store/file", true},
		{"cmd/stowage", module + "/wasm/wire", false},
		{"web-demo/server", module + "/store", false},
		{"helpers", "strings", false},
	} {
		found := breaches([]goPackage{{test.folder, []string{test.imported}}})
		if allowed := len(found) == 0; allowed != test.allowed {
			t.Errorf("%s importing %s: allowed is %v, breaches %q", test.folder, test.imported, allowed, found)
		}
	}

	if rows := len(unused([]goPackage{{folder: "query"}, {folder: "store/memory"}})); rows != len(layers)-2 {
		t.Errorf("of %d rows two are used, and %d are not", len(layers), rows)
	}

	for imported, allowed := range map[string]bool{
		"strconv": true, "net/http": false, "encoding/json": false, "crypto/aes": false, "encoding/binary": true,
	} {
		if found := heavy([]goPackage{{"wasm", []string{imported}}}); (len(found) == 0) != allowed {
			t.Errorf("the module importing %s: %q", imported, found)
		}
	}

	for _, test := range []struct {
		file, source string
		allowed      bool
	}{
		{"js/src/environment/open.ts", `import { Key } from './key.ts'`, true},
		{"js/src/environment/open.ts", `import { pack } from 'msgpackr'`, true},
		{"js/src/environment/open.ts", "import {\n\treadFile,\n} from 'node:fs/promises'", false},
		{"js/src/environment/open.ts", `const fs = await import('node:fs')`, false},
		{"js/src/environment/open.ts", `const m = await import(name) as typeof import('node:fs')`, true},
		{"js/src/drivers/fs.ts", `import fs from 'node:fs'`, true},
		{"js/src/key.test.ts", `import test from "node:test"`, true},
		{"web-demo/src/atlas.ts", `import { open } from 'stowage'`, true},
		{"web-demo/src/atlas.ts", `import { Services } from 'stowage/repositories'`, true},
		{"web-demo/src/atlas.ts", `import { open } from '../../js/src/environment/open.ts'`, false},
		{"web-demo/src/atlas.ts", `import 'stowage/dist/bridge.js'`, false},
	} {
		var found []string
		for _, imported := range tsImports(test.source) {
			if breach := tsBreach(test.file, imported); breach != "" {
				found = append(found, breach)
			}
		}
		if allowed := len(found) == 0; allowed != test.allowed {
			t.Errorf("%s with %q: allowed is %v, breaches %q", test.file, test.source, allowed, found)
		}
	}
}

// eachFile calls f with the slash-separated path of every file below root whose
// name ends in suffix, leaving out what was generated or installed.
func eachFile(t *testing.T, root, suffix string, f func(file string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() && (base == "node_modules" || base == "dist" || base == "testdata" || len(base) > 1 && base[0] == '.') {
			return fs.SkipDir
		}
		if !entry.IsDir() && strings.HasSuffix(base, suffix) {
			f(filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(fmt.Errorf("walking %s: %w", root, err))
	}
}

func report(t *testing.T, lines []string) {
	t.Helper()
	for _, line := range lines {
		t.Error(line)
	}
}
