import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diskBytes } from './browser.mjs'
import { batch, inPage, Report } from './large.mjs'
import { serve } from './server.mjs'
import { median } from './statistics.mjs'
import { bytes } from './table.mjs'

const reopenings = 5

/**
 * Imports a million documents, or as many as N says, batch by batch; asks a
 * question of each kind; ends the browser and asks again. Says what it took, the
 * peak of the WebAssembly memory and how often the page's thread was held.
 *
 * @returns {Promise<import('./statistics.mjs').Row[]>} rows of this one run, without ratios to others
 */
export async function importMillion(options) {
  const rows = []
  for (const n of options.n) {
    for (const peer of options.peers) rows.push(...(await importAs(peer, n, options)))
  }
  for (const row of rows) if (row.work === 'cold-reopen') row.ratio_to_least = row.median_ms / leastOf(row, rows)
  return rows
}

/** The median of the number of documents for which a peer is the quickest. */
function leastOf({ work, peer }, rows) {
  return Math.min(...rows.filter((row) => row.work === work && row.peer === peer).map(({ median_ms }) => median_ms))
}

async function importAs(peer, n, options) {
  const profile = await mkdtemp(join(tmpdir(), 'stowage-bench-'))
  const server = await serve(options.package.folder)
  const report = new Report(peer, n)
  const session = { profile, server, browser: options.browser, run: { peer, seed: options.seed, n } }
  try {
    await importing(session, report)
    await reopening(session, report)
    report.add('disk-bytes', await diskBytes(profile, server.port), { show: bytes })
  } catch (error) {
    report.fail(error)
  } finally {
    await server.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
  return report.rows
}

async function importing({ profile, server, browser, run }, report) {
  await inPage(browser, profile, server, async (importer) => {
    await importer('open', run)
    let ms = 0
    for (let first = 1; first <= run.n; first += batch) {
      ms += await importer('insert', first, Math.min(batch, run.n - first + 1))
      report.progress(Math.min(first + batch - 1, run.n), ms, await importer('memory'))
    }
    report.add('import', ms)
    await report.tasks('import', importer)
    for (const { work, ms, correct, memory } of await importer('use')) report.add(work, ms, { correct, memory })
    await report.tasks('use', importer)
    const memory = await importer('memory')
    if (memory !== null) report.add('wasm-memory', memory, { show: bytes })
  })
}

/** New processes on the same profile, one after the other: each has to find everything. */
async function reopening({ profile, server, browser, run }, report) {
  const taken = []
  let right = true
  for (let i = 0; i < reopenings; i++) {
    await inPage(browser, profile, server, async (importer) => {
      const opened = await importer('open', run)
      const { ms, correct } = await importer('first', run.n)
      taken.push(opened + ms)
      right &&= correct
    })
  }
  report.add('cold-reopen', median(taken), { correct: right, least: Math.min(...taken), most: Math.max(...taken) })
}
