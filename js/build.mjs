// Builds the package into dist/: the engine's module, the JavaScript and the types.
// `node build.mjs --tests` bundles the tests into build/ as well.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const at = (...names) => join(here, ...names)
const goroot = execFileSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).trim()

const common = {
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  mainFields: ['module', 'main'],
  conditions: ['browser'],
  external: ['node:*'],
  sourcemap: true,
  logLevel: 'warning',
}

/**
 * msgpackr asks a TextEncoder from 64 characters on, with a view of its buffer for each text, and its own loop below; and
 * a TextDecoder likewise. In a page the loop is faster up to about 256: 0.93 of the processor's time of a bulk insert,
 * and 0.95 of a query's that brings 800 documents. In Node, whose Buffer packs in a way of its own, it is not to pack.
 */
const ownLoops = {
  pack: [
    ['let encodeUtf8 =', 'const loopBelow = ByteArray.prototype.utf8Write ? 0x40 : 0x100, encodeUtf8 ='],
    ['strLength < 0x40 || !encodeUtf8', 'strLength < loopBelow || !encodeUtf8'],
  ],
  unpack: [['if (length > 64 && decoder)', 'if (length < 0x100 && (result = longStringInJS(length)) !== undefined) return result\n\tif (length > 64 && decoder)']],
}

const texts = {
  name: 'texts',
  setup(b) {
    b.onLoad({ filter: /\/msgpackr\/(un)?pack\.js$/ }, ({ path }) => {
      let contents = readFileSync(path, 'utf8')
      for (const [from, to] of ownLoops[basename(path, '.js')]) {
        if (contents.split(from).length !== 2) throw new Error('msgpackr packs texts in another way now')
        contents = contents.replace(from, to)
      }
      return { contents }
    })
  },
}

/** The engine, for pages and for Workers. What is compiled for the first is not compiled again for the others. */
async function buildEngine() {
  await buildModule('stowage', '-tags=page')
  await Promise.all([buildModule('stowage-sql', '-tags=page,sql'), buildModule('edge')])
}

async function buildModule(name, ...tags) {
  const go = spawn('go', ['run', './wasm/build', ...tags, '-o', at(`dist/${name}.wasm`)], { cwd: dirname(here), stdio: 'inherit' })
  const [status] = await once(go, 'exit')
  if (status !== 0) throw new Error(`dist/${name}.wasm could not be built`)
}

/** The support code of the very toolchain that compiles the engine. */
function writeSupport() {
  const support = readFileSync(join(goroot, 'lib/wasm/wasm_exec.js'), 'utf8')
  writeFileSync(at('src/wasm_exec.js'), `export function loadGo(globalThis, fs) {\nconst { crypto, performance, Date } = globalThis\n${support}\nreturn globalThis.Go\n}\n`)
}

/**
 * Bundles stand alone, so that a plain page needs no import map and a worker no second request; only what compresses
 * values is loaded when a value is compressed, and what an opening is held against while the engine starts. A service
 * worker, and a worker at the edge, has all of that beside the same index.js.
 */
async function buildPackage() {
  const output = { ...common, outdir: at('dist'), outbase: at('src'), minify: true, legalComments: 'none' }
  const standing = { ...output, external: [...common.external, './zlib.js', './opening.js', './live.js', './backup.js', './rewrite.js', './sealing.js', './crypto/stage.js', './crypto/argon2.js'] }
  await build({ ...standing, entryPoints: [at('src/index.ts'), at('src/worker.ts')], plugins: [texts] })
  await build({ ...standing, entryPoints: [at('src/service-worker.ts')], plugins: [shared(/\/index\.js$/, './index.js')] })
  await build({ ...standing, entryPoints: [at('src/edge.ts')], external: [...standing.external, './edge.wasm', 'cloudflare:*'], plugins: [shared(/\/(document|errors|index|instance|modifier|open|options|parts|platform)\.js$/, './index.js')] })
  await build({ ...output, entryPoints: [at('src/zlib.ts'), at('src/opening.ts'), at('src/keeper.ts')] })
  await build({ ...output, entryPoints: [at('src/coders.ts'), at('src/live.ts'), at('src/backup.ts'), at('src/rewrite.ts'), at('src/policies.ts'), at('src/structures.ts'), at('src/sealing.ts')], plugins: [shared(/\/(document|engine|errors|name|options|parts|path|query|signal|table|task|transaction|io)\.js$/, './index.js')] })
  await build({ ...output, entryPoints: [at('src/identity.ts')], plugins: [shared(/\/(document|key|query)\.js$/, './index.js')] })
  await build({ ...output, entryPoints: [at('src/repositories.ts')], plugins: [shared(/\/(errors|options)\.js$/, './index.js')] })
  await build({ ...output, entryPoints: [at('src/sync.ts')], plugins: [shared(/\/(errors|name|options|path|schema|signal|where|document)\.js$/, './index.js')] })
  await build({ ...output, entryPoints: [at('src/react.ts')], external: ['react'], plugins: [shared(/\/live\.js$/, './live.js')] })
  await build({ ...output, entryPoints: [at('src/salvage.ts')], plugins: [shared(/\/(document|errors|local|modifier|module|name|options|indexeddb)\.js$/, './index.js')] })
  await build({ ...output, entryPoints: [at('src/crypto/stage.ts'), at('src/crypto/argon2.ts')], plugins: [shared(/\/(errors|parts)\.js$/, '../index.js')] })
  await build({ ...output, entryPoints: [at('src/drivers/fs.ts')], plugins: [shared(/\/errors\.js$/, '../index.js')] })
  execFileSync('npx', ['tsc', '-p', here], { cwd: here, stdio: 'inherit' })
}

/** The last of all: where it is, everything is. */
function writeLicences() {
  const licence = name => `${name}\n\n${readFileSync(at('node_modules', name, 'LICENSE'), 'utf8')}\n`
  writeFileSync(at('dist/LICENSES.txt'), `${licence('msgpackr')}${licence('fflate')}${licence('hash-wasm')}Go\n\n${readFileSync(join(goroot, 'LICENSE'), 'utf8')}`)
}

/** Other entries throw the very class that the package exports, so that instanceof holds, and pack with its MessagePack. */
const shared = (filter, index) => ({
  name: 'shared',
  setup(b) {
    b.onResolve({ filter }, () => ({ path: index, external: true }))
  },
})

/** Tests of parts are bundled with them; tests of the package import what was built. */
async function buildTests() {
  const folders = [
    ['test', 'build/test', '.test.ts'],
    ['test/campaigns', 'build/campaigns', '.test.ts'],
    ['test/browser', 'build/browser', '.test.ts'],
    ['test/edge', 'build/edge', '.test.ts'],
    ['test/model', 'build/model', 'rules.ts'], // for pages
  ]
  for (const [folder, out, ending] of folders) {
    rmSync(at(out), { recursive: true, force: true })
    const entryPoints = readdirSync(at(folder)).filter(name => name.endsWith(ending)).map(name => at(folder, name))
    if (entryPoints.length === 0) continue
    await build({
      ...common,
      entryPoints,
      outdir: at(out),
      external: ['node:*', 'stowage', 'stowage/*', 'playwright-core', 'vite', 'esbuild', 'miniflare', 'react', 'react-dom/*', 'svelte', 'svelte/*', 'vue', 'vue/*', 'express-pouchdb', 'pouchdb-*', '@tanstack/*'],
      plugins: [builtPackage(at(out)), texts],
    })
  }
}

/**
 * The tests of build/test once more, eight files that import some of them each. To load the engine for every file is a
 * sixth of what these tests take: `make check` does it for these, `make test` has each file in a process of its own.
 */
function joinTests() {
  const together = at('build/together')
  rmSync(together, { recursive: true, force: true })
  mkdirSync(together)
  const imports = readdirSync(at('build/test')).filter(name => name.endsWith('.test.js')).map(name => `import '../test/${name}'\n`)
  for (let part = 0; part < 8; part++) writeFileSync(join(together, `${part}.test.js`), imports.filter((_, i) => i % 8 === part).join(''))
}

/** Resolves the package's own name to dist/, as its users will see it. */
function builtPackage(from) {
  const path = target => ({ path: relative(from, at('dist', target)), external: true })
  return {
    name: 'built-package',
    setup(b) {
      b.onResolve({ filter: /^stowage$/ }, () => path('index.js'))
      b.onResolve({ filter: /^stowage\/policies$/ }, () => path('policies.js'))
      b.onResolve({ filter: /^stowage\/structures$/ }, () => path('structures.js'))
      b.onResolve({ filter: /^stowage\/repositories$/ }, () => path('repositories.js'))
      b.onResolve({ filter: /^stowage\/service-worker$/ }, () => path('service-worker.js'))
      b.onResolve({ filter: /^stowage\/coders$/ }, () => path('coders.js'))
      b.onResolve({ filter: /^stowage\/salvage$/ }, () => path('salvage.js'))
      b.onResolve({ filter: /^stowage\/identity$/ }, () => path('identity.js'))
      b.onResolve({ filter: /^stowage\/live$/ }, () => path('live.js'))
      b.onResolve({ filter: /^stowage\/sync$/ }, () => path('sync.js'))
      b.onResolve({ filter: /^stowage\/react$/ }, () => path('react.js'))
      b.onResolve({ filter: /^stowage\/drivers\/fs$/ }, () => path('drivers/fs.js'))
    },
  }
}

mkdirSync(at('dist'), { recursive: true })
const testsOnly = process.argv.includes('--tests') && existsSync(at('dist/index.js')) && process.argv.includes('--keep')
if (!testsOnly) {
  rmSync(at('dist'), { recursive: true, force: true })
  mkdirSync(at('dist'))
  writeSupport()
  await Promise.all([buildEngine(), buildPackage()])
  writeLicences()
}
if (process.argv.includes('--tests')) {
  await buildTests()
  joinTests()
}
