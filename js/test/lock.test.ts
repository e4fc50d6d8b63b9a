import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type Database, type Driver, type DriverFactory, memory, type StowageError } from 'stowage'

import { place, placesFrom, rejects, tables } from './places.js'
import { byKey, filled, isWhole, key, randomKey } from './sealed.js'

/** A driver over another one whose calls wait while a gate is shut. */
function gated(inner: DriverFactory) {
  let gate = Promise.resolve()
  let release = () => {}
  const call = async <R>(f: () => Promise<R>): Promise<R> => {
    await gate
    return f()
  }
  const driver: DriverFactory = {
    id: `${inner.id} gated`,
    async open(name) {
      const d = await inner.open(name)
      return {
        read: names => call(() => d.read(names)),
        commit: batch => call(() => d.commit(batch)),
        list: prefix => call(() => d.list(prefix)),
        info: held => call(() => d.info(held)),
        close: () => d.close(),
      } satisfies Driver
    },
  }
  const shut = () => {
    gate = new Promise(resolve => {
      release = resolve
    })
  }
  return { driver, shut, open: () => release() }
}

/** What a live query was told of last: how many documents there are, or why it has ended. */
function watching(db: Database<typeof tables>) {
  const told: (number | string)[] = []
  const waiting: [number, () => void][] = []
  const tell = (what: number | string) => {
    told.push(what)
    for (const [n, wake] of waiting) if (told.length >= n) wake()
  }
  const stop = db.places.find({ country: 'NO' }).subscribe({ next: documents => tell(documents.length), error: error => tell(error.code) })
  const nth = async (n: number) => {
    if (told.length < n) await new Promise<void>(resolve => waiting.push([n, resolve]))
    return told[n - 1]
  }
  return { told, nth, stop }
}

test('a live query is told that the environment was locked, and another one goes on after it is unlocked', async () => {
  const db = await filled(memory(), byKey)
  const first = watching(db)
  const count = (await first.nth(1)) as number
  await db.lock()
  assert.equal(await first.nth(2), 'key_required')
  const locked = watching(db)
  assert.equal(await locked.nth(1), 'key_required')
  await db.unlock({ key })
  const second = watching(db)
  assert.equal(await second.nth(1), count)
  await db.places.insert(place(6000))
  assert.equal(await second.nth(2), count + 1)
  assert.deepEqual([first.told.length, locked.told.length], [2, 1], 'nothing comes after the error')
  second.stop()
  await db.close()
})

test('whatever is pending when it is locked settles: done, or key_required', async () => {
  const { driver, shut, open: release } = gated(memory())
  const db = await filled(driver, byKey)
  for (let round = 0; round < 3; round++) {
    const explicit = await db.begin({ write: true })
    await explicit.places.put(place(8000 + round))
    shut()
    const pending = [
      db.places.insert(place(6000 + round)),
      db.places.insertMany(placesFrom(10_000 + 3000 * round, 3000)),
      db.places.get(17),
      db.places.find({ name: 'Place 99' }).then(found => found),
      db.places.update(20, { name: 'other' }),
      db.places.count({ country: 'NO' }),
      db.checkpoint(),
      db.check(),
      db.stat(),
      db.rotateKey(),
      db.addSlot({ key: randomKey() }),
      db.transaction(async tx => void (await tx.places.put(place(7000 + round)))),
      (async () => {
        for await (const each of db.places.find()) if (each.id < 0) break
      })(),
      new Response(db.export()).blob(),
      db.copy('copy', { driver: memory(), compact: true }),
      db.store('bytes').put(Uint8Array.of(round), Uint8Array.of(1)),
      explicit.commit(),
    ].map(promise => Promise.resolve(promise as PromiseLike<unknown>).then(() => 'done', (error: StowageError) => error.code))
    const locked = db.lock()
    release()
    const ends = await Promise.all(pending)
    await locked
    for (const [n, end] of ends.entries()) assert.ok(['done', 'key_required', 'conflict'].includes(end), `round ${round}, promise ${n}: ${end}`)
    await rejects('key_required', db.places.get(1))
    await db.unlock({ key })
    assert.deepEqual((await db.check()).problems, [])
    assert.deepEqual(await db.places.get(5000), place(5000))
    if (ends[0] === 'done') assert.deepEqual(await db.places.get(6000 + round), place(6000 + round))
  }
  await db.close()
})

test('locks and unlocks that overlap end as the last of them says', async () => {
  const db = await filled(memory(), byKey)
  const both = [db.lock(), db.unlock({ key })]
  await Promise.all(both)
  await isWhole(db)
  await Promise.all([db.lock(), db.lock(), db.unlock({ key }), db.lock()])
  await rejects('key_required', db.places.get(1))
  await Promise.all([db.unlock({ key }), db.unlock({ key }), rejects('wrong_key', db.unlock({ key: randomKey() }))])
  await isWhole(db)
  const closed = [db.lock(), db.close()]
  await Promise.all(closed)
  await rejects('closed', db.places.get(1))
})
