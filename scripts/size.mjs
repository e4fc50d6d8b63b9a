// Measures what a page downloads, by brotli at its strongest, and fails where a
// budget is exceeded. With --page it leaves out what SQL adds to the module. With --packages
// it also says which Go package the module's code comes from: that needs a second link, with
// names left in.
//
//   node scripts/size.mjs [--page | --packages]

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'
import { buildSync } from '../js/node_modules/esbuild/lib/main.js'

/** Where shared code is left out of a bundle: what imports it has index.js already. */
const index = './index.js'

/**
 * What is measured: its budget in kilobytes of a thousand bytes, the files it consists of, what of them is
 * counted elsewhere, and when it is downloaded.
 */
const parts = [
  ['JavaScript', 42, ['index.js'], [], 'open, tables, queries, stores, all drivers, minified'],
  ['coders', 3, ['coders.js'], [index], 'where they are imported'],
  ['opening', 4, ['opening.js', 'keeper.js'], [], 'loaded while the engine starts: states and the sentinel, its worker included'],
  ['live', 3, ['live.js'], [index], 'loaded with the first live query'],
  ['identity', 1.5, ['identity.js'], [index], 'where it is imported'],
  ['backup', 2, ['backup.js'], [index], 'loaded with the first export, import or copy'],
  ['rewrite', 2, ['rewrite.js'], [index], 'loaded with the first update by function, upsert, replace, or identity made'],
  ['structures', 8, ['structures.js'], [index], 'where they are imported'],
  ['repositories', 12.5, ['repositories.js'], [index], 'where they are imported'],
  ['policies', 4.5, ['policies.js'], [index], 'where they are imported'],
  ['sync', 20, ['sync.js'], [index], 'where it is imported: pull and view'],
  ['salvage', 1, ['salvage.js'], [index], 'where it is imported'],
  ['edge', 5, ['edge.js'], [index, './edge.wasm', 'cloudflare:*'], 'where it is imported, beside all of the above'],
  ['sealing', 2, ['sealing.js'], [index], 'loaded with an environment that has stages of the host: deflate, functions'],
  ['encryption', 6, ['crypto/stage.js'], ['../index.js'], 'loaded with an environment that is encrypted'],
  ['argon2', 15, ['crypto/argon2.js'], ['../index.js'], 'loaded when a passphrase is hashed'],
  ['zlib', 5, ['zlib.js'], [], 'loaded with the first compressed value'],
]
const moduleBudget = 980

/** The whole of a module with SQL: the two move by kilobytes with the order of their functions, and against each other by both. */
const withSQLBudget = 1430

const compress = promisify(brotliCompress)

/** The bytes that are left. It is done in other threads, all of it side by side. */
const brotli = async (bytes) => {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT, BROTLI_PARAM_LGWIN } = constants
  const params = { [BROTLI_PARAM_QUALITY]: 11, [BROTLI_PARAM_SIZE_HINT]: bytes.length, [BROTLI_PARAM_LGWIN]: 24 }
  return (await compress(bytes, { params })).length
}

const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`

let failed = false
const wasm = readFileSync('js/dist/stowage.wasm')
const withoutSQL = process.argv.includes('--page')
const modules = Promise.all([brotli(wasm), withoutSQL ? undefined : brotli(readFileSync('js/dist/stowage-sql.wasm'))])
const bundles = Promise.all(parts.map(([, , files, beside]) => Promise.all(files.map((file) => brotli(bundle(`js/dist/${file}`, ...beside))))))
const packages = process.argv.includes('--packages') ? packagesOf() : [] // meanwhile
const [module, withSQL] = await modules
report('WASM module', module, moduleBudget, `${kB(wasm.length)} before compression`)
if (!withoutSQL) report('with SQL', withSQL, withSQLBudget, `the module of pages that open with SQL, ${kB(withSQL - module)} more`)
for (const [i, sizes] of (await bundles).entries()) {
  const [what, budget, , , when] = parts[i]
  report(what, sizes.reduce((sum, bytes) => sum + bytes), budget, when)
}
for (const line of packages) console.log(line)
process.exitCode = failed ? 1 : 0

function report(what, bytes, budget, note) {
  const over = bytes > budget * 1000
  failed ||= over
  console.log(`${over ? 'OVER' : '  ok'}  ${what.padEnd(12)} ${kB(bytes).padStart(9)} of ${kB(budget * 1000)}  (${note})`)
}

/** What a bundler makes of all of a file, its dependencies included, without what is loaded later. */
function bundle(file, ...beside) {
  const built = buildSync({
    entryPoints: [file],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    external: ['node:*', './zlib.js', './opening.js', './live.js', './backup.js', './rewrite.js', './sealing.js', './crypto/stage.js', './crypto/argon2.js', ...beside],
    logLevel: 'error',
  })
  return built.outputFiles[0].contents
}

/** Lines of the module's code by Go package, largest first, until little is left. */
function packagesOf() {
  const folder = mkdtempSync(join(tmpdir(), 'stowage-size-'))
  try {
    execFileSync('go', ['run', './wasm/build', '-symbols', '-o', join(folder, 'named.wasm')])
    const packages = execFileSync('go', ['list', '-deps', './wasm'], { env: { ...process.env, GOOS: 'js', GOARCH: 'wasm' }, encoding: 'utf8' }).trim().split('\n')
    const sizes = codeByPackage(readFileSync(join(folder, 'named.wasm')), packages)
    const total = [...sizes.values()].reduce((a, b) => a + b, 0)
    const lines = ['', `code by Go package, of ${kB(total)} before compression:`]
    let rest = total
    for (const [name, bytes] of [...sizes].sort((a, b) => b[1] - a[1])) {
      if (bytes < total / 200) break
      rest -= bytes
      lines.push(`${kB(bytes).padStart(11)}  ${((100 * bytes) / total).toFixed(1).padStart(4)} %  ${name}`)
    }
    return [...lines, `${kB(rest).padStart(11)}  ${((100 * rest) / total).toFixed(1).padStart(4)} %  all others`]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * Adds up the sizes of functions by package. The linker writes names with every
 * character but letters, digits, '_' and '.' replaced by '_', package paths included.
 */
function codeByPackage(module, packages) {
  const { sizes, names } = functions(module)
  const mangled = new Map(packages.map((path) => [path.replace(/[^\w.]/g, '_'), path]))
  const byPackage = new Map()
  sizes.forEach((bytes, i) => {
    const name = names.get(i) ?? ''
    let dot = name.indexOf('.')
    while (dot >= 0 && !mangled.has(name.slice(0, dot))) dot = name.indexOf('.', dot + 1)
    const path = dot < 0 ? 'generated (equality, hashes, start)' : mangled.get(name.slice(0, dot))
    byPackage.set(path, (byPackage.get(path) ?? 0) + bytes)
  })
  return byPackage
}

/** Reads a WASM binary: the size in bytes and the name of each function, by index. */
function functions(module) {
  let at = 8 // past the magic number and the version
  const number = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = module[at++]
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
  }
  const text = () => {
    const length = number()
    return module.toString('utf8', at, (at += length))
  }
  const sizes = new Map()
  const names = new Map()
  let imported = 0
  while (at < module.length) {
    const section = module[at++]
    const end = number() + at
    if (section === 2) {
      imported = number() // Go imports functions only
    } else if (section === 10) {
      for (let i = 0, all = number(); i < all; i++) {
        const size = number()
        sizes.set(imported + i, size)
        at += size
      }
    } else if (section === 0 && text() === 'name') {
      while (at < end) {
        const kind = module[at++]
        const past = number() + at
        if (kind === 1) for (let left = number(); left > 0; left--) names.set(number(), text())
        at = past
      }
    }
    at = end
  }
  return { sizes, names }
}
