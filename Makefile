# What a maintainer runs. `make` alone lists the targets; `make demo` and
# `make test` need nothing before them but Go and Node.
#
# What is built stands behind real files, so that a second run is quick: stamps
# below .build/, packages below */node_modules, the npm package below js/dist.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# PORT of the demo; FUZZTIME of each fuzzer in fuzz; SEED of the proof, TIME
# of each campaign in torture; N, REPS, PEERS and WORK of the bench.
PORT ?= 8080
FUZZTIME ?= 10000x
SEED ?= 0
TIME ?= 10m
export N REPS PEERS WORK

WASM := GOOS=js GOARCH=wasm
WASM_PACKAGES := ./query/... ./store/... ./wasm/...
# Those that have files for WASM alone.
HOSTED := ./wasm/... ./store/indexeddb ./store/kv ./store/promise

# What never ends fails: after 15 minutes, many times what the longest file takes. Each file is a process with a module
# of its own, which V8 would spend more on optimizing than these tests then save, and threads that collect garbage have no processor to run on.
NODE_TEST := node --wasm-tiering-budget=100000000 --single-threaded-gc --test --test-timeout=900000 --test-reporter=spec

# Files that things are made of. Tests are none of them: a changed test rebuilds nothing.
sources = $(shell find $(1) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/examples/*/build/*' -not -name wasm_exec.js -not -name '*_test.go' -not -name '*.test.ts' 2>/dev/null)
GO_SOURCES := $(call sources,query store wasm) go.mod go.sum
JS_SOURCES := $(call sources,js/src) $(wildcard js/*.mjs js/*.json js/*.md)
DEMO_SOURCES := $(call sources,web-demo/src web-demo/shell) $(wildcard web-demo/public/*.* web-demo/*.html) web-demo/vite.config.mjs

.PHONY: help setup build check test proof torture demo bench size pack clean
.PHONY: tools checks format vet lint host types node budgets race js campaigns slt fuzz inputs packed browser edge atlas data

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- Tools and packages

setup: tools js/node_modules/.stamp web-demo/node_modules/.stamp bench/node_modules/.stamp ## check Go and Node, find or install Chromium, install packages

tools:
	@scripts/tools.sh

%/node_modules/.stamp: %/package.json %/package-lock.json | tools
	cd $* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.build:
	@mkdir -p $@

# --- Building

# The file that the build of the package writes last.
PACKAGE := js/dist/LICENSES.txt

build: $(PACKAGE) ## compile the engine to WASM and the npm package to js/dist

$(PACKAGE): $(GO_SOURCES) $(JS_SOURCES) js/node_modules/.stamp | tools
	npm run --silent build --prefix js

js/build/.stamp: $(PACKAGE) $(shell find js/test -type f 2>/dev/null)
	cd js && node build.mjs --tests --keep
	@touch $@

pack: .build/stowage.tgz ## make the npm tarball, .build/stowage.tgz

.build/stowage.tgz: $(PACKAGE) | .build
	cd js && npm pack --silent --ignore-scripts --pack-destination ../.build
	@mv .build/stowage-[0-9]*.tgz $@ && touch $@

# --- Checking: half a minute where nothing has changed, a minute and a half after a change of the engine, two where all of Go's tests run again; before each commit

# Of tests that go through very many cases `make check` runs a part, and `make test` all of them. Much of the work has one
# thread only: two parts at a time take less than one after the other. What compiles and looks at code collects less garbage.
check: ## format, vet, lint, layers, host tests, types, Node tests, sizes
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target SHORT=1 GOGC=400 checks

checks: format types node budgets host vet lint

format:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	  [ -z "$$unformatted" ] || { echo "not formatted (gofmt -w):" $$unformatted; exit 1; }

vet:
	go vet ./...
	$(WASM) go vet $(HOSTED)

# What only the host of the module calls looks unused in wasm/ to staticcheck. Tests are nine tenths of its work, and for
# WASM it looks at all of the engine again: check leaves both to test.
lint: .build/staticcheck
	$< $(if $(SHORT),-tests=false) $$(go list ./... | grep -v '/wasm$$')
ifndef SHORT
	$(WASM) $< -checks=inherit,-U1000 $(HOSTED)
endif

.build/staticcheck: scripts/lint.mod scripts/lint.sum | .build
	go build -modfile=scripts/lint.mod -o $@ honnef.co/go/tools/cmd/staticcheck

# Vetted by the step above, and by more than go test would. With -short most of a package's time is waiting for files,
# timers and links: more of them at a time.
host: | tools
	go test -vet=off -timeout 30m $(if $(SHORT),-short -p 4) ./...

# What the engine is compiled from has no part in types.
types: .build/types.stamp

.build/types.stamp: $(JS_SOURCES) $(wildcard js/test/types/*) $(DEMO_SOURCES) js/node_modules/.stamp web-demo/node_modules/.stamp | $(PACKAGE) .build
	npm run --silent test:types --prefix js
	npm run --silent types --prefix web-demo
	@touch $@

node: js/build/.stamp bench/node_modules/.stamp
	cd js && $(NODE_TEST) --test-concurrency=2 build/$(if $(SHORT),together,test)/
	$(NODE_TEST) bench/test/

size: $(PACKAGE) ## brotli sizes against their budgets, code by Go package
	node scripts/size.mjs --packages

# A module takes brotli a quarter of a minute: check leaves the one with SQL to test.
budgets: .build/budgets$(if $(SHORT),-page).txt
	@cat $<

.build/budgets.txt: size_of :=
.build/budgets-page.txt: size_of := --page
.build/budgets.txt .build/budgets-page.txt: $(PACKAGE) scripts/size.mjs | .build
	node scripts/size.mjs $(size_of) > $@ || { cat $@; exit 1; }

# --- Testing: everything

test: format vet types lint budgets host node race campaigns js browser proof edge inputs packed atlas ## all: what check runs, whole; race detector, Go tests in Node, fuzzers for a moment, the package, browsers, workerd, the demo
	@echo "all tests passed"

# Of what runs beside something else. Statements, keys, and what is held against SQLite or a model by one goroutine
# are nothing that the detector has anything to say of, and it makes them ten times slower: host runs them whole.
race: tools
	go test -vet=off -timeout 30m -short -race -skip 'SQL|Statements|Serve$$|Salvage|AscendingData|KeyValueModel|ModesAndStates' \
	  ./store/... ./sync/... ./cmd/... ./web-demo/... ./wasm/...

# go_js_wasm_exec runs a WASM test binary in Node; it comes with Go. The tests of
# store/indexeddb need a browser, those of store/kv a worker: make browser and make edge have one.
js: tools
	$(WASM) go test -vet=off -timeout 30m -short -exec="$$(go env GOROOT)/lib/wasm/go_js_wasm_exec" $$($(WASM) go list $(WASM_PACKAGES) | grep -v -e /store/indexeddb -e /store/kv)

# Tests in JavaScript that take so long that check leaves them out: faults, filters, interruptions, changes of an origin, modifiers, modes and tiers, encryption and its vectors, backups and what is saved of damage, what Go and Node read of each other.
campaigns: js/build/.stamp | tools
	cd js && $(NODE_TEST) build/campaigns/

# SLT is a directory of more files in the format of sqllogictest.
slt: ## run the files of sqllogictest, and those below SLT=
	SLT=$(SLT) go test -count=1 -v -run TestFiles ./query/sql ./query/sql/slt

fuzz: ## each fuzzer for FUZZTIME, guided by coverage
	scripts/fuzz.sh $(FUZZTIME)

# The same without guidance: that takes a compilation of everything, of which a short run has little.
inputs: tools
	scripts/fuzz.sh -plain 10000x

# Failures come with the seed that replays them: go run ./proof -h.
proof: js/build/.stamp | tools ## crash, break and race the store; results in proof/latest.json (SEED=)
	CHROMIUM=$$(scripts/tools.sh chromium) go run ./proof -seed $(SEED) -scripts proof -o proof/latest.json

torture: js/build/.stamp data | tools ## the same for TIME a campaign; 10m if not given, and 300 kills at least
	KILLS=$${KILLS:-$(if $(filter 10m,$(TIME)),300,40)} CHROMIUM=$$(scripts/tools.sh chromium) go run ./proof -seed $(SEED) -time $(TIME) -scripts proof -o proof/latest.json
	cd js && TORTURE=1 SEED=$(SEED) $(NODE_TEST) --test-name-pattern=138398 build/campaigns/origin.test.js
	TORTURE=1 go test -count=1 -timeout 5m -v -run TestFaults ./store/repository
	cd js && TORTURE=1 $(NODE_TEST) build/test/repositorylive.test.js
	SEED=$(if $(filter 0,$(SEED)),$$(date +%s),$(SEED)) go test -count=1 -v -run 'Differs|Rows|Aggregates|Functions' ./query/sql/... ./store

packed: .build/stowage.tgz
	$(NODE_TEST) scripts/packed.test.mjs

browser: js/build/.stamp | tools
	cd js && CHROMIUM=$$(../scripts/tools.sh chromium) $(NODE_TEST) build/browser/

# Workers on real workerd, which miniflare starts. Their Go programs are built by the tests.
edge: js/build/.stamp .build/stowage.tgz | tools
	cd js && CHROMIUM=$$(../scripts/tools.sh chromium) $(NODE_TEST) build/edge/

atlas: web-demo/dist/.stamp .build/atlas | tools
	CHROMIUM=$$(scripts/tools.sh chromium) npm run --silent test --prefix web-demo

# --- The demo

demo: web-demo/dist/.stamp .build/atlas ## build the atlas and serve it (PORT=8080)
	.build/atlas -addr 127.0.0.1:$(PORT)

data: web-demo/data/world/manifest.json

web-demo/data/world/manifest.json: web-demo/node_modules/.stamp $(wildcard web-demo/data/*.mjs)
	npm run --silent data --prefix web-demo

# The demo gets the package as a user would: out of the tarball.
web-demo/node_modules/stowage/.stamp: .build/stowage.tgz web-demo/node_modules/.stamp
	rm -rf $(@D) && mkdir -p $(@D) && tar -xzf $< -C $(@D) --strip-components=1
	@touch $@

web-demo/dist/.stamp: web-demo/node_modules/stowage/.stamp web-demo/data/world/manifest.json $(DEMO_SOURCES)
	npm run --silent build --prefix web-demo
	@touch $@

.build/atlas: $(call sources,web-demo/server) $(shell find store sync -name '*.go' -not -name '*_test.go') go.mod | .build
	go build -o $@ ./web-demo/server

# --- Measuring

NARROWED = $(N)$(PEERS)$(WORK)

bench: $(PACKAGE) bench/node_modules/.stamp $(if $(filter-out pull,$(NARROWED)),,data) | tools ## compare with raw IndexedDB, Dexie, RxDB, SQLite and PGlite, or some of it (N= REPS= PEERS= WORK=)
	CHROMIUM=$$(scripts/tools.sh chromium) node bench/run.mjs
	node bench/gates.mjs
ifeq ($(NARROWED),)
	node bench/edge.mjs
	go test -run '^$$' -bench SortedSet ./store/structure
	go test -run '^$$' -bench CacheHit ./store/repository
endif

clean: ## remove all that was built, not what was installed
	rm -rf .build js/dist js/build wasm/examples/go-worker/build web-demo/dist web-demo/data/world web-demo/test/screenshots web-demo/node_modules/stowage
