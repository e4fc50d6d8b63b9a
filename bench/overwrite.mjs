import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diskBytes } from './browser.mjs'
import { batch, inPage, Report } from './large.mjs'
import { serve } from './server.mjs'
import { bytes } from './table.mjs'

const writes = 1000 // documents a putMany
const documentBytes = 357
const idle = 5000 // ms in which a store ends what it does behind its answers

/**
 * Overwrites a tenth of very many keys, drawn at random, and says what a
 * write cost, what was written to the store for it, and what remains when the
 * store has tidied up. Ratios are to raw IndexedDB in the same run.
 *
 * @returns {Promise<import('./statistics.mjs').Row[]>}
 */
export async function overwriteTenth(options) {
  const rows = []
  for (const n of options.n) {
    for (const peer of options.peers) rows.push(...(await overwriteAs(peer, n, options)))
  }
  for (const row of rows) row.ratio_to_idb = ratioOf(row, rows)
  return rows
}

async function overwriteAs(peer, n, { package: { folder }, browser, seed }) {
  const profile = await mkdtemp(join(tmpdir(), 'stowage-bench-'))
  const server = await serve(folder)
  const report = new Report(peer, n)
  const run = { peer, seed, n, keys: true }
  try {
    await inPage(browser, profile, server, async (importer) => {
      await importer('open', run)
      for (let first = 1; first <= n; first += batch) await importer('insert', first, Math.min(batch, n - first + 1))
      await importer('tidy')
      await overwriting(importer, Math.max(1, Math.floor(n / 10)), report)
    })
    report.add('overwritten-bytes', await diskBytes(profile, server.port), { show: bytes })
    await inPage(browser, profile, server, async (importer) => {
      const opened = await importer('open', run)
      const { ms, correct } = await importer('first', n)
      report.add('overwritten-reopen', opened + ms, { correct })
    })
  } catch (error) {
    report.fail(error)
  } finally {
    await server.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
  return report.rows
}

async function overwriting(importer, count, report) {
  const before = await importer('written')
  let ms = 0
  for (let done = 0; done < count; done += writes) ms += await importer('overwrite', done, Math.min(writes, count - done))
  report.add('overwrite', ms / count, { correct: await importer('overwritten'), memory: await importer('memory') })
  await new Promise((resolve) => setTimeout(resolve, idle))
  const after = await importer('written')
  if (after === null) return
  report.add('write-amplification', (after.bytes - before.bytes) / (documentBytes * count), { show: (times) => times.toFixed(2) })
  report.add('compaction', await importer('tidy'))
  report.add('blobs-alive', (await importer('written')).blobs, { show: String })
}

function ratioOf({ work, n, median_ms }, rows) {
  const floor = rows.find((row) => row.peer === 'idb' && row.work === work && row.n === n)
  return median_ms === null || !floor?.median_ms ? null : median_ms / floor.median_ms
}
