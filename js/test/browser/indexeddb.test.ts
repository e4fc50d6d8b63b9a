import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type * as Stowage from 'stowage'

import { Browser, until } from './browser.js'

declare const stowage: typeof Stowage

let browser: Browser
before(async () => {
  browser = await Browser.start()
})
after(() => browser.stop())

for (const worker of [false, true]) {
  const where = worker ? 'in a worker' : 'in the page'

  test(`${where}: documents are stored, found and changed`, async () => {
    const page = await browser.page()
    const seen = await page.evaluate(async worker => {
      const { open, table } = stowage
      const db = await open(`basic ${worker}`, { worker, tables: { t: table<{ id: number; a: string; n: number }>({ key: 'id', indexes: ['a', '&n'] }) } })
      const progress: number[] = []
      const ids = await db.t.insertMany(
        Array.from({ length: 5000 }, (_, id) => ({ id, a: `a${id % 10}`, n: id })),
        { onProgress: done => progress.push(done) },
      )
      const codes: string[] = []
      const failing = async (f: () => PromiseLike<unknown>) => {
        try {
          await f()
        } catch (error) {
          codes.push((error as Stowage.StowageError).code)
        }
      }
      await failing(() => db.t.insert({ id: 5, a: '', n: 9999 }))
      await failing(() => db.t.insert({ id: 6000, a: '', n: 5 }))
      await failing(() => db.t.get(NaN))
      await failing(() => db.t.insertMany([{ id: 1, a: 'x', n: 1 }], { signal: AbortSignal.abort() }))
      await db.transaction(async tx => {
        const one = await tx.t.get(1)
        await fetch('/plain.html')
        await tx.t.put({ ...one!, a: 'fetched' })
      })
      let iterated = 0
      for await (const _ of db.t.find()) if (++iterated === 4000) break
      const result = {
        ids: ids.length, last: progress.at(-1), codes, iterated,
        one: await db.t.get(1), many: (await db.t.getMany([4999, 77, -1])).map(d => d?.id),
        found: (await db.t.find({ a: 'a3' }).orderBy('id', 'desc').limit(2)).map(d => d.id),
        explained: (await db.t.find({ a: 'a3' }).explain()).index,
        updated: await db.t.update({ a: 'a5' }, { a: 'five' }), deleted: await db.t.deleteMany({ a: 'a6' }),
        count: await db.t.count(), problems: (await db.check()).problems, stat: await db.stat(),
      }
      await db.close()
      return result
    }, worker)
    assert.deepEqual(seen.codes, ['duplicate_key', 'duplicate_key', 'invalid_key', 'aborted'])
    assert.deepEqual(seen.one, { id: 1, a: 'fetched', n: 1 })
    assert.deepEqual(seen.many, [4999, 77, undefined])
    assert.deepEqual(seen.found, [4993, 4983])
    assert.deepEqual([seen.ids, seen.last, seen.iterated, seen.explained, seen.updated, seen.deleted, seen.count], [5000, 5000, 4000, 'a', 500, 500, 4500])
    assert.deepEqual(seen.problems, [])
    assert.ok(seen.stat.memoryBytes > 1 << 20 && seen.stat.blobs > 0)
    assert.deepEqual(page.failures, [])
    await page.close()
  })

  test(`${where}: what was committed is there after the browser has ended`, async () => {
    let page = await browser.page()
    await page.evaluate(async worker => {
      const db = await stowage.open(`kept ${worker}`, { worker, tables: { t: stowage.table({ key: 'id', indexes: ['a'] }) } })
      await db.t.insertMany(Array.from({ length: 20_000 }, (_, id) => ({ id, a: id % 7, text: 'x'.repeat(200) })))
      await db.t.put({ id: 20_000, a: 'last' })
    }, worker)
    await browser.restart()
    page = await browser.page()
    const seen = await page.evaluate(async worker => {
      const db = await stowage.open(`kept ${worker}`, { worker, tables: { t: stowage.table({ key: 'id', indexes: ['a'] }) } })
      const result = [await db.t.count(), await db.t.count({ a: 3 }), (await db.t.get(20_000))?.a, (await db.check()).problems.length]
      await db.close()
      return result
    }, worker)
    assert.deepEqual(seen, [20_001, 2857, 'last', 0])
    await page.close()
  })

  test(`${where}: what is buffered is written when the page is hidden, or goes`, async () => {
    const before = await browser.page()
    const written = async (leaves: 'hidden' | 'elsewhere' | 'closed') => {
      const page = await browser.page()
      await page.evaluate(async ([name, leaves]) => {
        const db = await stowage.open(name, { worker: name.startsWith('true'), durability: 'buffered', bufferMilliseconds: 60_000, tables: { t: stowage.table({ key: 'id' }) } })
        await db.t.insert({ id: 0 })
        await db.flush()
        await db.t.insert({ id: 1 })
        if (leaves !== 'hidden') return
        Object.defineProperty(document, 'visibilityState', { value: 'hidden' })
        document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
      }, [`${worker} ${leaves}`, leaves] as const)
      if (leaves === 'elsewhere') await page.goto(`${browser.origin}/plain.html`)
      if (leaves === 'closed') await page.close({ runBeforeUnload: true })
      await until(before, async name => {
        const db = await stowage.open(name, { tables: { t: stowage.table({ key: 'id' }) } })
        const count = await db.t.count({}, { latest: true })
        await db.close()
        return count === 2
      }, `${worker} ${leaves}`)
    }
    await Promise.all([written('hidden'), written('elsewhere'), written('closed')])
    await before.close()
  })
}

test('the driver keeps what drivers promise', async () => {
  const page = await browser.page()
  const seen = await page.evaluate(async () => {
    const driver = await stowage.indexeddb().open('driver')
    const bytes = (...b: number[]) => Uint8Array.from(b)
    const none = { put: [], add: [], root: undefined, remove: [], removeRange: undefined, durability: 'relaxed' as const }
    const code = (work: Promise<unknown>) => work.then(() => 'done', error => (error as Stowage.StowageError).code)
    const read = async (...names: string[]) => (await driver.read(names)).map(b => b && [...b])
    const result: unknown[] = []
    result.push(await code(driver.commit({ ...none, put: [{ name: 'p/1', bytes: bytes(1) }], add: [{ name: 'l/1', bytes: bytes(2) }] })))
    result.push(await code(driver.commit({ ...none, put: [{ name: 'p/2', bytes: bytes(9) }], add: [{ name: 'l/1', bytes: bytes(3) }] })))
    result.push(await code(driver.commit({ ...none, root: { old: bytes(1), new: bytes(5) }, put: [{ name: 'p/3', bytes: bytes(9) }] })))
    result.push(await code(driver.commit({ ...none, durability: 'strict', root: { old: undefined, new: bytes(5) } })))
    result.push(await code(driver.commit({ ...none, root: { old: bytes(5), new: bytes(6) }, remove: ['p/1', 'p/never'] })))
    result.push(await read('r', 'l/1', 'p/1', 'p/2', 'p/3'), await driver.list(''), await driver.list('l/'), (await driver.info(true)).blobs)
    await driver.close()
    result.push(await code(driver.read(['r'])), await code(driver.info(false)))
    return result
  })
  assert.deepEqual(seen, [
    'done', 'conflict', 'conflict', 'done', 'done', [[6], [2], undefined, undefined, undefined].map(x => x ?? null), ['l/1', 'r'], ['l/1'], 2, 'closed', 'closed',
  ].map((x, i) => (i === 5 ? [[6], [2], undefined, undefined, undefined] : x)))
  await page.close()
})

test('a connection that was closed under the driver is made again', async () => {
  const page = await browser.page()
  const seen = await page.evaluate(async () => {
    const connections: IDBDatabase[] = []
    const opened = IDBFactory.prototype.open
    IDBFactory.prototype.open = function (...args) {
      const request = opened.apply(this, args)
      request.addEventListener('success', () => connections.push(request.result))
      return request
    }
    const db = await stowage.open('reconnect', { tables: { t: stowage.table({ key: 'id' }) } })
    await db.t.insert({ id: 1 })
    for (const connection of connections) connection.close()
    await db.t.insert({ id: 2 })
    const result = [await db.t.count(), connections.length]
    await db.close()
    return result
  })
  assert.deepEqual(seen, [2, 2])
  await page.close()
})

test('whoever deletes the database does not wait for the driver', async () => {
  const page = await browser.page()
  const seen = await page.evaluate(async () => {
    const db = await stowage.open('deleted', { tables: { t: stowage.table({ key: 'id' }) } })
    await db.t.insert({ id: 1 })
    const outcome = await new Promise(resolve => {
      const request = indexedDB.deleteDatabase('stowage:deleted')
      request.onsuccess = () => resolve('deleted')
      request.onblocked = () => resolve('blocked')
    })
    const after = await db.t.insert({ id: 2 }).then(() => 'done', error => (error as Stowage.StowageError).code)
    await db.close().catch(() => {})
    return [outcome, after]
  })
  assert.equal(seen[0], 'deleted')
  assert.equal(seen[1], 'backend_failed', 'what was deleted under the store must not take writes as if nothing had happened')
  await page.close()
})
