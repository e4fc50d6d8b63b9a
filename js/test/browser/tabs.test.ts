import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { Page } from 'playwright-core'
import type * as Stowage from 'stowage'

import { Browser } from './browser.js'

declare const stowage: typeof Stowage

let browser: Browser
before(async () => {
  browser = await Browser.start()
})
after(() => browser.stop())

/** What the functions below leave in a page. */
declare const db: Stowage.Database & { t: Stowage.Table }

const pages = (count: number) => Promise.all(Array.from({ length: count }, () => browser.page()))
const everywhere = <R, A>(tabs: Page[], f: (argument: A) => R, argument: A) => Promise.all(tabs.map(tab => tab.evaluate(f as never, argument)))

/** Opens the environment of a test in a tab. */
async function open([name, worker]: [name: string, worker: boolean]): Promise<void> {
  const opened = await stowage.open(name, { worker, tables: { t: stowage.table({ key: 'id' }), u: stowage.table({ key: '++id', indexes: ['tab'] }) } })
  Object.assign(globalThis, { db: opened })
}

/** Counts in transactions that read and then write; returns how often their bodies ran. */
async function increment(times: number): Promise<number> {
  let runs = 0
  for (let i = 0; i < times; i++) {
    await db.transaction(async tx => {
      runs++
      const before = (await tx.table('t').get('count')) as { n: number } | undefined
      await tx.table('t').put({ id: 'count', n: (before?.n ?? 0) + 1 })
    })
  }
  return runs
}

const counted = (tab: Page) => tab.evaluate(async () => ((await db.t.get('count', { latest: true })) as { n: number } | undefined)?.n)
const problems = (tab: Page) => tab.evaluate(async () => (await db.check()).problems)

for (const worker of [false, true]) {
  test(`eight tabs count to a number ${worker ? 'in workers' : 'in their pages'}`, async t => {
    const tabs = await pages(8)
    await everywhere(tabs, open, [`count ${worker}`, worker] as [string, boolean])
    const each = worker ? 40 : 125
    const start = performance.now()
    const runs = await everywhere(tabs, increment, each)
    const seconds = (performance.now() - start) / 1000
    t.diagnostic(`${8 * each} increments in ${seconds.toFixed(1)} s; bodies ran ${runs.join(' ')} times`)
    assert.deepEqual(await Promise.all(tabs.map(counted)), tabs.map(() => 8 * each))
    assert.deepEqual(await problems(tabs[0]!), [])
    for (const tab of tabs) assert.deepEqual(tab.failures, [])
    await Promise.all(tabs.map(tab => tab.close()))
  })
}

test('tabs write to one another\'s tables', async () => {
  const tabs = await pages(4)
  await everywhere(tabs, open, ['tables', false] as [string, boolean])
  await Promise.all(
    tabs.map((tab, n) =>
      tab.evaluate(async n => {
        const u = db.table('u')
        for (let i = 0; i < 40; i++) {
          await u.insert({ tab: n, i })
          if (i % 10 === 9) await u.insertMany(Array.from({ length: 500 }, (_, j) => ({ tab: n, i: 100 + j, text: 'x'.repeat(300) })))
          if (i % 8 === n) await u.update({ tab: (n + 1) % 4, i: i - 1 }, { seen: n })
        }
      }, n),
    ),
  )
  for (const tab of tabs) {
    const seen = await tab.evaluate(async () => {
      const u = db.table('u')
      const ids = (await u.find({}, { latest: true })).map(d => (d as { id: number }).id)
      return [await u.count(), new Set(ids).size, await u.count({ tab: 2 })]
    })
    assert.deepEqual(seen, [4 * 2040, 4 * 2040, 2040])
  }
  assert.deepEqual(await problems(tabs[1]!), [])
  await Promise.all(tabs.map(tab => tab.close()))
})

test('what a tab has committed shows in another one, at once where it is asked for', async () => {
  const [one, other] = (await pages(2)) as [Page, Page]
  await everywhere([one, other], open, ['shows', false] as [string, boolean])
  await one.evaluate(() => db.t.put({ id: 1, text: 'new' }))
  assert.equal(await other.evaluate(async () => ((await db.t.get(1, { latest: true })) as { text: string }).text), 'new')
  await one.evaluate(() => db.t.put({ id: 2, text: 'newer' }))
  await other.waitForFunction(async () => (await db.t.get(2)) !== undefined)
  await one.evaluate(() => db.t.put({ id: 3 }))
  assert.equal(await other.evaluate(() => db.transaction(tx => tx.table('t').count(), { readOnly: true, latest: true })), 3)
  await one.close()
  await other.close()
})

/** Has a tab begin a checkpoint, and stand still when it is about to write what it has folded. */
async function hangCheckpoint(): Promise<void> {
  const { transaction } = IDBDatabase.prototype
  IDBDatabase.prototype.transaction = function (stores, mode, options) {
    if (mode === 'readwrite') {
      IDBDatabase.prototype.transaction = transaction
      const request = new XMLHttpRequest()
      request.open('GET', '/hang', false)
      request.send()
    }
    return transaction.call(this, stores, mode, options)
  }
  setTimeout(() => void db.checkpoint().catch(() => {}))
}

/** Has a tab begin a checkpoint; fulfilled when it holds the lock for it. */
async function beginCheckpoint(): Promise<void> {
  void db.checkpoint().catch(() => {})
  for (;;) {
    const { held = [] } = await navigator.locks.query()
    if (held.some(lock => lock.name?.endsWith(':checkpoint'))) return
  }
}

for (const end of ['hung', 'frozen', 'killed'] as const) {
  test(`other tabs take over from one that was ${end} while it folded`, async t => {
    const [folding, ...others] = (await pages(3)) as [Page, ...Page[]]
    await everywhere([folding, ...others], open, [`take over ${end}`, false] as [string, boolean])
    await folding.evaluate(() => db.t.putMany(Array.from({ length: 20_000 }, (_, id) => ({ id: `${id}`, text: `${id}`.repeat(60) }))))
    const session = await folding.context().newCDPSession(folding)
    if (end === 'hung') {
      await folding.evaluate(hangCheckpoint)
      while (browser.waken.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    } else {
      await folding.evaluate(beginCheckpoint)
      if (end === 'frozen') await session.send('Page.setWebLifecycleState', { state: 'frozen' })
      else await folding.close()
    }
    const start = performance.now()
    const counting = Promise.all(others.map(tab => tab.evaluate(increment, 50)))
    await others[0]!.evaluate(() => db.checkpoint())
    t.diagnostic(`taken over after ${((performance.now() - start) / 1000).toFixed(1)} s`)
    await counting
    for (const waken of browser.waken.splice(0)) waken()
    if (end === 'frozen') await session.send('Page.setWebLifecycleState', { state: 'active' })
    const alive = end === 'killed' ? others : [folding, ...others]
    await everywhere(alive, increment, 10)
    const count = 100 + 10 * alive.length
    assert.deepEqual(await Promise.all(alive.map(counted)), alive.map(() => count))
    assert.equal(await others[0]!.evaluate(() => db.t.count({}, { latest: true })), 20_001)
    for (const tab of alive) assert.deepEqual(await problems(tab), [])
    await Promise.all(alive.map(tab => tab.close()))
  })
}

test('a tab that is closed while it writes leaves what it has committed, and nothing half', async () => {
  const [one, other] = (await pages(2)) as [Page, Page]
  await everywhere([one, other], open, ['closed', false] as [string, boolean])
  const acknowledged: number[] = []
  await one.exposeFunction('acknowledge', (i: number) => acknowledged.push(i))
  void one
    .evaluate(async () => {
      for (let i = 0; ; i++) {
        await db.transaction(async tx => {
          await tx.table('t').put({ id: `a${i}` })
          await tx.table('t').put({ id: `b${i}` })
        })
        void (globalThis as unknown as { acknowledge: (i: number) => void }).acknowledge(i)
      }
    })
    .catch(() => {})
  while (acknowledged.length < 100) await new Promise(resolve => setTimeout(resolve, 5))
  await one.close({ runBeforeUnload: false })
  const [as, bs] = await other.evaluate(async () => {
    const ids = (await db.t.find({}, { latest: true })).map(d => (d as { id: string }).id)
    return ['a', 'b'].map(letter => ids.filter(id => id.startsWith(letter)).map(id => Number(id.slice(1))))
  })
  assert.deepEqual([...as!].sort(), [...bs!].sort())
  for (const i of acknowledged) assert.ok(as!.includes(i), `the acknowledged write ${i} is missing`)
  assert.deepEqual(await problems(other), [])
  await other.close()
})
