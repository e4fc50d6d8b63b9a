import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Browser } from './browser.mjs'
import { firstLine } from './campaign.mjs'
import { keepProfiles } from './profiles.mjs'
import { serve } from './server.mjs'
import { rowsOf } from './statistics.mjs'
import { tableOf } from './table.mjs'

/** ms before each work: what a database does behind its answers should not fall on its neighbour. */
const pause = 200

/**
 * Asks peers in SQL: in one browser and a page for each, filled once for each number of rows, all
 * repetitions after one another. Each row is asked of every peer before the next one is, and the order of
 * peers moves on with every repetition.
 *
 * @returns {Promise<import('./statistics.mjs').Row[]>}
 */
export async function askInSQL(options) {
  const samples = []
  for (const n of options.n) samples.push(...(await asking(n, options)))
  const rows = rowsOf(samples)
  console.log(`\n${tableOf(rows, options)}`)
  return rows
}

async function asking(n, { package: { folder }, browser, peers, reps, seed, work, profile }) {
  console.log(`${peers.join(', ')}; ${n.toLocaleString('en')} places and as many visits, ${reps} repetitions, seed ${seed}`)
  const samples = []
  const scratch = await mkdtemp(join(tmpdir(), 'stowage-bench-'))
  const servers = await Promise.all(peers.map(() => serve(folder)))
  const process = await Browser.start(browser, scratch)
  try {
    const pages = []
    for (const [i, peer] of peers.entries()) {
      const page = await process.page(servers[i].url)
      if (profile) await keepProfiles(page)
      await page.evaluate(() => import('/asker.mjs'))
      const failed = await page.evaluate((run) => globalThis.asker.fill(run), { peer, seed, n, profile }).then(() => {}, firstLine)
      pages.push({ peer, page, failed })
    }
    for (let repetition = 0; repetition < reps; repetition++) {
      for (const name of work) {
        for (const each of peers.map((_, i) => pages[(i + repetition) % peers.length])) {
          if (name === 'live-sql' && each.peer !== 'stowage') continue
          samples.push({ work: name, peer: each.peer, n, repetition, ...(await reading(each, name, repetition)) })
        }
      }
    }
  } finally {
    await process.end()
    await Promise.all(servers.map((server) => server.close()))
    await rm(scratch, { recursive: true, force: true, maxRetries: 5 })
  }
  return samples
}

async function reading({ peer, page, failed }, work, repetition) {
  if (failed) return { correct: false, error: failed }
  await page.bringToFront()
  await new Promise((resolve) => setTimeout(resolve, pause))
  return page.evaluate(([work, repetition]) => globalThis.asker.work(work, repetition), [work, repetition]).catch((error) => {
    console.error(`${peer}, ${work}: ${firstLine(error)}`)
    return { correct: false, error: firstLine(error) }
  })
}
