// Measures what a page downloads, by brotli at its strongest, and fails where a
// budget is exceeded. With --packages it also says which Go package the module's
// code comes from: that needs a second link, with names left in.
//
//   node scripts/size.mjs [--packages]

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import { buildSync } from '../js/node_modules/esbuild/lib/main.js'

/** Budgets in bytes: kilobytes are thousands. */
const budgets = { module: 962_000, sql: 380_000, javascript: 41_500, coders: 3_000, opening: 4_000, live: 3_000, backup: 2_000, rewrite: 2_000, policies: 4_500, structures: 8_000, repositories: 12_500, sync: 20_000, zlib: 5_000, salvage: 1_000, sealing: 2_000, edge: 5_000, encryption: 6_000, argon2: 15_000 }

const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length, [constants.BROTLI_PARAM_LGWIN]: 24 },
  }).length

const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`

const wasm = readFileSync('js/dist/stowage.wasm')
const moduleSize = brotli(wasm)
const sqlSize = brotli(readFileSync('js/dist/stowage-sql.wasm')) - moduleSize
const javascriptSize = brotli(bundle('js/dist/index.js'))
const codersSize = brotli(bundle('js/dist/coders.js', './index.js'))
const openingSize = brotli(bundle('js/dist/opening.js')) + brotli(bundle('js/dist/keeper.js'))
const liveSize = brotli(bundle('js/dist/live.js', './index.js'))
const backupSize = brotli(bundle('js/dist/backup.js', './index.js'))
const rewriteSize = brotli(bundle('js/dist/rewrite.js', './index.js'))
const structuresSize = brotli(bundle('js/dist/structures.js', './index.js'))
const repositoriesSize = brotli(bundle('js/dist/repositories.js', './index.js'))
const policiesSize = brotli(bundle('js/dist/policies.js', './index.js'))
const syncSize = brotli(bundle('js/dist/sync.js', './index.js'))
const salvageSize = brotli(bundle('js/dist/salvage.js', './index.js'))
const edgeSize = brotli(bundle('js/dist/edge.js', './index.js', './edge.wasm', 'cloudflare:*'))
const sealingSize = brotli(bundle('js/dist/sealing.js', './index.js'))
const encryptionSize = brotli(bundle('js/dist/crypto/stage.js', '../index.js'))
const argon2Size = brotli(bundle('js/dist/crypto/argon2.js', '../index.js'))
const zlibSize = brotli(bundle('js/dist/zlib.js'))

let failed = false
for (const [what, bytes, budget, note] of [
  ['WASM module', moduleSize, budgets.module, `${kB(wasm.length)} before compression`],
  ['SQL', sqlSize, budgets.sql, 'more of the module for pages that open with it'],
  ['JavaScript', javascriptSize, budgets.javascript, 'open, tables, queries, stores, all drivers, minified'],
  ['coders', codersSize, budgets.coders, 'where they are imported'],
  ['opening', openingSize, budgets.opening, 'loaded while the engine starts: states and the sentinel, its worker included'],
  ['live', liveSize, budgets.live, 'loaded with the first live query'],
  ['backup', backupSize, budgets.backup, 'loaded with the first export, import or copy'],
  ['rewrite', rewriteSize, budgets.rewrite, 'loaded with the first update by function, upsert, replace, or identity made'],
  ['structures', structuresSize, budgets.structures, 'where they are imported'],
  ['repositories', repositoriesSize, budgets.repositories, 'where they are imported'],
  ['policies', policiesSize, budgets.policies, 'where they are imported'],
  ['sync', syncSize, budgets.sync, 'where it is imported: pull and view'],
  ['salvage', salvageSize, budgets.salvage, 'where it is imported'],
  ['edge', edgeSize, budgets.edge, 'where it is imported, beside all of the above'],
  ['sealing', sealingSize, budgets.sealing, 'loaded with an environment that has stages of the host: deflate, functions'],
  ['encryption', encryptionSize, budgets.encryption, 'loaded with an environment that is encrypted'],
  ['argon2', argon2Size, budgets.argon2, 'loaded when a passphrase is hashed'],
  ['zlib', zlibSize, budgets.zlib, 'loaded with the first compressed value'],
]) {
  const over = bytes > budget
  failed ||= over
  console.log(`${over ? 'OVER' : '  ok'}  ${what.padEnd(12)} ${kB(bytes).padStart(9)} of ${kB(budget)}  (${note})`)
}
if (process.argv.includes('--packages')) printPackages()
process.exitCode = failed ? 1 : 0

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

/** Prints the module's code by Go package, largest first, until little is left. */
function printPackages() {
  const folder = mkdtempSync(join(tmpdir(), 'stowage-size-'))
  try {
    execFileSync('go', ['run', './wasm/build', '-symbols', '-o', join(folder, 'named.wasm')])
    const packages = execFileSync('go', ['list', '-deps', './wasm'], { env: { ...process.env, GOOS: 'js', GOARCH: 'wasm' }, encoding: 'utf8' }).trim().split('\n')
    const sizes = codeByPackage(readFileSync(join(folder, 'named.wasm')), packages)
    const total = [...sizes.values()].reduce((a, b) => a + b, 0)
    console.log(`\ncode by Go package, of ${kB(total)} before compression:`)
    let rest = total
    for (const [name, bytes] of [...sizes].sort((a, b) => b[1] - a[1])) {
      if (bytes < total / 200) break
      rest -= bytes
      console.log(`${kB(bytes).padStart(11)}  ${((100 * bytes) / total).toFixed(1).padStart(4)} %  ${name}`)
    }
    console.log(`${kB(rest).padStart(11)}  ${((100 * rest) / total).toFixed(1).padStart(4)} %  all others`)
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
