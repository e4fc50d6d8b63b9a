import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type * as Stowage from 'stowage'

import { Browser } from './browser.js'

declare const stowage: typeof Stowage

let browser: Browser
before(async () => {
  browser = await Browser.start()
})
after(() => browser.stop())

/** The lengths of the long tasks (over 50 ms) of a page that imports, asks and folds. */
async function longTasks(run: number): Promise<number[]> {
  const page = await browser.page()
  const tasks = await page.evaluate(async run => {
    const documents = Array.from({ length: 40_000 }, (_, id) => ({ id, a: `a${id % 100}`, n: (id * 7919) % 40_009, text: `${id} `.repeat(50) }))
    const db = await stowage.open(`responsive ${run}`, { tables: { t: stowage.table({ key: 'id', indexes: ['a', 'n'] }) } })
    await new Promise(resolve => setTimeout(resolve, 200))
    const lengths: number[] = []
    const observer = new PerformanceObserver(list => lengths.push(...list.getEntries().map(entry => entry.duration)))
    observer.observe({ type: 'longtask' })
    await db.t.insertMany(documents)
    await db.checkpoint()
    await db.t.find({ text: { $contains: '777' } })
    await db.t.find().orderBy('n', 'desc').skip(20_000).limit(1000)
    await db.t.update({ a: 'a5' }, { text: 'changed' })
    await db.check()
    await new Promise(resolve => setTimeout(resolve, 200))
    lengths.push(...observer.takeRecords().map(entry => entry.duration))
    await db.close()
    return lengths
  }, run)
  await page.close()
  return tasks
}

/**
 * The longest of many tasks of 5 ms, for about as long as the above takes: what
 * is above 5 ms was added by a machine that is busy with something else.
 */
async function control(): Promise<number> {
  const page = await browser.page()
  const longest = await page.evaluate(async () => {
    let longest = 0
    for (let i = 0; i < 400; i++) {
      await new Promise(resolve => setTimeout(resolve))
      const began = performance.now()
      while (performance.now() - began < 5);
      longest = Math.max(longest, performance.now() - began)
    }
    return longest
  })
  await page.close()
  return longest
}

test('no task keeps the page for more than 50 ms', async () => {
  const runs: [longest: number, allowed: number][] = []
  for (let run = 0; run < 4; run++) {
    const before = await control()
    const longest = Math.max(0, ...(await longTasks(run)))
    const added = Math.max(before, await control()) - 5
    if (longest <= 50 + added) return
    runs.push([longest, 50 + added])
  }
  assert.fail(`the longest tasks, and what was allowed, in ms: ${JSON.stringify(runs)}`)
})
