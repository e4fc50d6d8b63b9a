/*
 * Damages the files in which a closed browser keeps IndexedDB, starts it again, and
 * looks whether what was lost is named.
 *
 *     node proof/damage.mjs           DAMAGES=16 LASTS=0 SEED=… CHROMIUM=…
 *
 * Each time a bit is flipped, a file is cut, deleted, or a part of it is zeroed, in a copy of
 * one and the same profile. A damage is silent, and the campaign fails, when something
 * is missing or wrong and opening says `ok` or `fresh`, neither it nor any read fails, and
 * check() finds nothing; or when anything is read that was not written.
 *
 * It prints a line for people and, last, one line of JSON: campaign, count,
 * failures, seed, seconds.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

import { promise, randomFrom, serve, start } from './browser/browser.mjs'

const damages = Number(process.env.DAMAGES ?? 16) // at least
const lasts = Number(process.env.LASTS ?? 0) * 1000
const seed = Number(process.env.SEED || Date.now() % 1_000_000_000)
const random = randomFrom(seed)
const below = (n) => Math.floor(random() * n)

/** Changes one file of at least a byte; what it did, in words. */
const kinds = {
  flip(file) {
    const bytes = readFileSync(file)
    const at = below(bytes.length)
    bytes[at] ^= 1 << below(8)
    writeFileSync(file, bytes)
    return `a bit of byte ${at} of ${bytes.length}`
  },
  cut(file) {
    const { size } = statSync(file)
    const at = below(size)
    truncateSync(file, at)
    return `to ${at} of ${size} bytes`
  },
  zero(file) {
    const bytes = readFileSync(file)
    const at = below(bytes.length)
    bytes.fill(0, at, Math.min(at + 4096, bytes.length))
    writeFileSync(file, bytes)
    return `4 KiB from byte ${at} of ${bytes.length}`
  },
  delete(file) {
    rmSync(file)
    return 'all of it'
  },
}

const outcome = { damages: 0, failures: 0, named: {} }
let told

async function main() {
  const began = Date.now()
  const folder = mkdtempSync(join(tmpdir(), 'stowage-damage-'))
  const server = await serve('damage-page.mjs', (_, found) => told(found))
  try {
    const whole = join(folder, 'whole')
    const filled = await visit(whole, `${server.origin}/?fill`)
    if (filled.state !== 'fresh') throw new Error(`the profile could not be filled: ${JSON.stringify(filled)}`)
    for (let i = 0; i < damages || Date.now() - began < lasts; i++) {
      const profile = join(folder, 'damaged')
      cpSync(whole, profile, { recursive: true, filter: (file) => !basename(file).startsWith('Singleton') }) // the lock of the browser that ended
      const what = damage(profile, Object.keys(kinds)[i % 4])
      judge(await visit(profile, server.origin), what, filled.numbers)
      rmSync(profile, { recursive: true, maxRetries: 10, retryDelay: 200 })
      outcome.damages++
    }
  } finally {
    server.stop()
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  }
  const named = Object.entries(outcome.named).map(([name, n]) => `${n} ${name}`).join(', ')
  console.log(`damage: ${outcome.damages} damages: ${named}; ${outcome.failures} failures, seed ${seed}`)
  report((Date.now() - began) / 1000)
}

/** What the page finds in a profile; the browser is ended in good order. */
async function visit(profile, url) {
  const { said, say } = promise()
  told = say
  const browser = start(profile, url)
  try {
    return await browser.hear(said)
  } finally {
    await browser.end()
  }
}

/** Damages one of the files of LevelDB, but for its log in words. */
function damage(profile, kind) {
  const indexeddb = join(profile, 'Default/IndexedDB')
  const folder = join(indexeddb, readdirSync(indexeddb).find((name) => name.endsWith('.leveldb')))
  const files = readdirSync(folder).filter((name) => /^\d+\.(log|ldb)$|^MANIFEST|^CURRENT$/.test(name) && statSync(join(folder, name)).size > 0).sort()
  const file = files[below(files.length)]
  return `${kind} ${file}: ${kinds[kind](join(folder, file))}`
}

function judge(found, what, documents) {
  const complete = found.numbers === documents && found.wrong === undefined
  const name = found.error ?? (found.problems.length > 0 ? 'check' : found.state)
  const silent = !complete && (name === 'ok' || name === 'fresh')
  outcome.named[complete && name === 'ok' ? 'harmless' : name] = (outcome.named[complete && name === 'ok' ? 'harmless' : name] ?? 0) + 1
  const failures = []
  if (silent) failures.push(`opening said ${name}, and there are ${found.numbers} of ${documents}`)
  if (found.wrong !== undefined) failures.push(`what was never written was read: ${found.wrong}`)
  if (found.error !== undefined && !/^[a-z_]+$/.test(found.error)) failures.push(`an error without a name: ${found.error}`)
  for (const failure of failures) console.error(`damage: ${what}, seed ${seed}: ${failure}`)
  outcome.failures += failures.length
  if (process.env.VERBOSE) console.error(`${what}: ${JSON.stringify(found)}`)
}

function report(seconds) {
  console.log(JSON.stringify({ campaign: 'profiles', count: outcome.damages, failures: outcome.failures, seed, seconds }))
  process.exitCode = outcome.failures > 0 || outcome.damages < damages ? 1 : 0
}

main().catch((error) => {
  console.error(`damage: ${error.stack}`)
  outcome.failures++
  report(0)
})
