import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { Page } from 'playwright-core'
import type * as Stowage from 'stowage'

import { Browser, until } from './browser.js'

declare const stowage: typeof Stowage

// Eight tabs that count, and are frozen, killed and closed: proof/tabs.mjs.

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

/** Counts in transactions that read and then write. */
async function increment(times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await db.transaction(async tx => {
      const before = (await tx.table('t').get('count')) as { n: number } | undefined
      await tx.table('t').put({ id: 'count', n: (before?.n ?? 0) + 1 })
    })
  }
}

const counted = (tab: Page) => tab.evaluate(async () => ((await db.t.get('count', { latest: true })) as { n: number } | undefined)?.n)
const problems = (tab: Page) => tab.evaluate(async () => (await db.check()).problems)

test('tabs write to one another\'s tables, in their pages and in workers', async () => {
  const tabs = await pages(4)
  await Promise.all(tabs.map((tab, n) => tab.evaluate(open, ['tables', n % 2 === 1] as [string, boolean])))
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
  await until(other, async () => (await db.t.get(2)) !== undefined)
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

test('other tabs take over from one that hangs while it folds, and it does no harm when it goes on', async t => {
  const tabs = await pages(3)
  const [folding, ...others] = tabs as [Page, ...Page[]]
  await everywhere(tabs, open, ['take over', false] as [string, boolean])
  await folding.evaluate(() => db.t.putMany(Array.from({ length: 20_000 }, (_, id) => ({ id: `${id}`, text: `${id}`.repeat(60) }))))
  await folding.evaluate(hangCheckpoint)
  while (browser.waken.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
  const start = performance.now()
  const counting = everywhere(others, increment, 50)
  await others[0]!.evaluate(() => db.checkpoint())
  t.diagnostic(`taken over after ${((performance.now() - start) / 1000).toFixed(1)} s`)
  await counting
  for (const waken of browser.waken.splice(0)) waken()
  await everywhere(tabs, increment, 10)
  assert.deepEqual(await Promise.all(tabs.map(counted)), [130, 130, 130])
  assert.equal(await others[0]!.evaluate(() => db.t.count({}, { latest: true })), 20_001)
  for (const tab of tabs) assert.deepEqual(await problems(tab), [])
  await Promise.all(tabs.map(tab => tab.close()))
})

test('a tab migrates under others, which are refused from then on and change nothing', async () => {
  const [newer, ...older] = (await pages(3)) as [Page, ...Page[]]
  await Promise.all(
    older.map((tab, n) =>
      tab.evaluate(async n => {
        const opened = await stowage.open('versions', { worker: n === 1, version: 1, tables: { t: stowage.table({ key: 'id', indexes: ['name'] }) } })
        Object.assign(globalThis, { db: opened })
        await opened.t.putMany(Array.from({ length: 500 }, (_, id) => ({ id: n * 1000 + id, name: `a${id}` })))
      }, n),
    ),
  )
  const stop = older.map((tab, n) =>
    tab.evaluate(async n => {
      let written = 0
      for (;;) {
        try {
          await db.t.put({ id: n * 1000 + 500 + (written % 400), name: `b${written}` })
          written++
        } catch (error) {
          return (error as Stowage.StowageError).code
        }
      }
    }, n),
  )
  const seen = await newer.evaluate(async () => {
    const t = stowage.table({ key: 'id', indexes: ['label'] })
    const migrate = {
      2: async (tx: { t: Stowage.Table }) =>
        void (await tx.t.update({}, ((document: { name?: string; label?: string }) => {
          document.label = document.name!
          delete document.name
        }) as never)),
    }
    const opened = await stowage.open('versions', { version: 2, migrate: migrate as never, tables: { t } })
    Object.assign(globalThis, { db: opened })
    return (await opened.t.find({ label: 'a7' }).explain()).index
  })
  assert.equal(seen, 'label')
  assert.deepEqual(await Promise.all(stop), ['newer_schema', 'newer_schema'])
  const code = (tab: Page) => tab.evaluate(() => db.t.count().then(String, error => (error as Stowage.StowageError).code))
  assert.deepEqual(await Promise.all(older.map(code)), ['newer_schema', 'newer_schema'])
  assert.equal(await newer.evaluate(() => db.t.count({ name: { $exists: true } } as never, { latest: true })), 0)
  const counts = await newer.evaluate(async () => [await db.t.count(), await db.t.count({ label: { $exists: true } } as never)])
  assert.equal(counts[0], counts[1])
  assert.deepEqual(await problems(newer), [])
  await Promise.all([newer, ...older].map(tab => tab.close()))
})
