import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inPage, Report } from './large.mjs'
import { serve } from './server.mjs'
import { median } from './statistics.mjs'

const repository = fileURLToPath(new URL('..', import.meta.url))

/** Works in their order, and how often each is asked in a row. */
const calls = { 'sorted-rank': 100, 'sorted-range': 100, 'sorted-count': 50, 'sorted-add': 30 }

/**
 * Asks sorted sets of several sizes by turns, in one page, and says what a command
 * takes as a multiple of what it takes in the smallest. The first round is practice.
 *
 * @returns {Promise<import('./statistics.mjs').Row[]>}
 */
export async function askSorted({ n: sizes, package: { folder }, browser, reps, seed }) {
  const scratch = await mkdtemp(join(tmpdir(), 'stowage-bench-'))
  const server = await serve(folder, scratch)
  const reports = sizes.map((n) => new Report('stowage', n))
  try {
    execFileSync('go', ['run', './bench/sorted', scratch, ...sizes.map(String)], { cwd: repository, stdio: 'inherit' })
    await inPage(browser, join(scratch, 'profile'), server, async (sorter) => {
      for (const n of sizes) await sorter('open', n, seed)
      for (const [work, inARow] of Object.entries(calls)) {
        const read = sizes.map(() => [])
        for (let round = 0; round <= reps; round++) {
          for (const [i, n] of sizes.entries()) read[i].push(await sorter('run', work, n, inARow))
        }
        for (const [i, report] of reports.entries()) add(report, work, read[i], read[0])
      }
    }, '/sorter.mjs')
  } catch (error) {
    for (const report of reports) report.fail(error)
  } finally {
    await server.close()
    await rm(scratch, { recursive: true, force: true, maxRetries: 5 })
  }
  return reports.flatMap(({ rows }) => rows)
}

function add(report, work, readings, smallest) {
  const times = readings.slice(1).map(({ ms }) => ms)
  const correct = readings.every((reading) => reading.correct)
  report.add(work, median(times), { correct, least: Math.min(...times), most: Math.max(...times) })
  report.rows.at(-1).ratio_to_smallest = median(times.map((ms, round) => ms / smallest[round + 1].ms))
}
