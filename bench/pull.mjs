import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { inPage, Report } from './large.mjs'
import { serve } from './server.mjs'
import { median } from './statistics.mjs'

const repository = fileURLToPath(new URL('..', import.meta.url))
const slices = join(repository, 'web-demo/data/world')

/**
 * Pulls a table of an origin into an encrypted IndexedDB, by turns with fetching the same
 * bytes and parsing them, which is the least that anybody can do who wants the rows. The table is
 * the atlas where it was made, else as many rows that are made up.
 *
 * @returns {Promise<import('./statistics.mjs').Row[]>}
 */
export async function pullTable(options) {
  const rows = []
  for (const n of options.n) rows.push(...(await pulling(n, options)))
  return rows
}

async function pulling(n, { package: { folder }, browser, reps }) {
  const scratch = await mkdtemp(join(tmpdir(), 'stowage-bench-'))
  const server = await serve(folder)
  const report = new Report('stowage', n)
  const origin = await Origin.start(scratch, n)
  try {
    await inPage(browser, join(scratch, 'profile'), server, async (importer) => {
      await importer('fetched', origin.url) // the origin answers from its sidecar from now on
      const [parse, pull] = [[], []]
      let right = true
      for (let i = 0; i < reps; i++) {
        parse.push((await importer('fetched', origin.url)).ms)
        const { ms, count } = await importer('pulled', origin.url, i)
        pull.push(ms)
        right &&= count === n
      }
      report.add('fetch-parse', median(parse), { least: Math.min(...parse), most: Math.max(...parse) })
      report.add('pull', median(pull), { correct: right, least: Math.min(...pull), most: Math.max(...pull) })
      report.rows.at(-1).ratio_to_parse = median(pull) / median(parse)
    }, '/puller.mjs')
  } catch (error) {
    report.fail(error)
  } finally {
    await origin.stop()
    await server.close()
    await rm(scratch, { recursive: true, force: true, maxRetries: 5 })
  }
  return report.rows
}

/** An origin in a process of its own. */
class Origin {
  #process

  static async start(scratch, rows) {
    const command = join(scratch, 'origin')
    execFileSync('go', ['build', '-o', command, './js/test/testdata/origin'], { cwd: repository, stdio: 'inherit' })
    const origin = new Origin()
    origin.#process = spawn(command, [scratch, String(rows), ...(existsSync(join(slices, 'cities-00.json')) ? [slices] : [])], { stdio: ['pipe', 'pipe', 'inherit'] })
    const { value } = await createInterface({ input: origin.#process.stdout })[Symbol.asyncIterator]().next()
    origin.url = value
    return origin
  }

  async stop() {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.stdin.end()
    await ended
  }
}
