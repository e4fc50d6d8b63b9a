import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type Batch, type Driver, type DriverFactory, memory, open, StowageError, table } from 'stowage'

import { openPlaces, place, placesFrom, type Places, rejects, tables, work } from '../places.js'

/** A driver over another one that fails at its n-th call, once. */
function failingAt(inner: DriverFactory, faults: { at: number; calls: number }): DriverFactory {
  const call = async <R>(f: () => Promise<R>): Promise<R> => {
    if (++faults.calls === faults.at) throw new Error('the n-th call fails')
    return f()
  }
  return {
    id: inner.id,
    async open(name) {
      const driver = await inner.open(name)
      return {
        read: names => call(() => driver.read(names)),
        commit: batch => call(() => driver.commit(batch)),
        list: prefix => call(() => driver.list(prefix)),
        info: held => call(() => driver.info(held)),
        close: () => driver.close(),
      } satisfies Driver
    },
  }
}

test('whichever call of the driver fails, no promise is left pending and the store stays usable', { timeout: 120_000 }, async () => {
  for (let at = 1; ; at++) {
    const inner = memory()
    const faults = { at, calls: 0 }
    const failing = failingAt(inner, faults)
    const promised = new Set<number>()
    let db: Places
    try {
      db = await open('places', { driver: failing, tables })
    } catch (error) {
      assert.equal((error as StowageError).code, 'backend_failed')
      db = await open('places', { driver: failing, tables })
    }
    const failures = await work(db, promised, 2000)
    const { calls } = faults
    faults.at = 0
    for (const id of promised) assert.deepEqual(await db.places.get(id), place(id), `fault ${at}: ${id} is lost`)
    await db.places.put(place(7777))
    assert.deepEqual((await db.check()).problems, [], `fault ${at}`)
    await db.close()

    const again = await openPlaces(inner)
    for (const id of promised) assert.deepEqual(await again.places.get(id), place(id), `fault ${at}, reopened: ${id} is lost`)
    assert.deepEqual(await again.places.get(7777), place(7777))
    await again.close()
    if (calls < at) {
      assert.equal(failures, 0)
      assert.ok(at > 10, 'there were calls to fail')
      return
    }
  }
})

test('a panic is the failure of one operation', async () => {
  const db = await openPlaces()
  await db.places.insert(place(1))
  await rejects('internal', fault(db, 'panic'))
  assert.deepEqual(await db.places.get(1), place(1))
  await db.places.insert(place(2))
  assert.deepEqual((await db.check()).problems, [])
  await db.close()
})

for (const how of ['exit', 'hang']) {
  test(`an engine that dies (${how}) is lost, and the next call starts another`, async () => {
    const { driver, hold } = slow(memory())
    const db = await open('places', { driver, tables })
    await db.places.insertMany(placesFrom(1, 3000))
    const release = hold()
    const pending = db.places.insert(place(5000))
    const transaction = db.transaction(async tx => {
      await tx.places.get(1)
      await rejects('engine_lost', fault(db, how))
      await tx.places.get(1)
    })
    await rejects('engine_lost', transaction)
    await rejects('engine_lost', pending)
    release()
    assert.deepEqual(await db.places.get(77), place(77))
    assert.ok((await db.places.count()) >= 3000)
    await db.places.put(place(5001))
    assert.deepEqual((await db.check()).problems, [])
    await db.close()
  })
}

test('a damaged blob is corrupt, and so it is said', async () => {
  const blobs = memory()
  let db = await openPlaces(blobs)
  await db.places.insertMany(placesFrom(1, 3000))
  await db.checkpoint()
  await db.close()
  let damage = false
  const damaged = changing(blobs, (name, bytes) => (damage && name.startsWith('p/') ? flip(bytes) : bytes))
  db = await openPlaces(damaged)
  damage = true
  await rejects('corrupt', db.places.find({ country: 'NO' }))
  assert.notDeepEqual((await db.check()).problems, [])
  await db.close()
  db = await openPlaces(blobs)
  assert.deepEqual(await db.places.get(5), place(5), 'nothing was changed by finding out')
  await db.close()
})

test('a newer format is refused and left alone', async () => {
  const blobs = memory()
  let db = await openPlaces(blobs)
  await db.places.insert(place(1))
  await db.close()
  // The version is the second byte of every sealed blob.
  const newer = changing(blobs, (_, bytes) => Uint8Array.from(bytes, (b, i) => (i === 1 ? b + 1 : b)))
  await rejects('newer_format', openPlaces(newer))
  db = await openPlaces(blobs)
  assert.deepEqual(await db.places.get(1), place(1))
  await db.close()
})

test('an environment that another one has is locked', async () => {
  const blobs = memory()
  const db = await openPlaces(blobs)
  await rejects('locked', open('places', { driver: { id: 'another way to it', open: name => blobs.open(name) } }))
  await db.close()
})

test('an error with a code comes through from a driver', async () => {
  const inner = memory()
  const full: DriverFactory = {
    id: 'full',
    async open(name) {
      const driver = await inner.open(name)
      const commit = async (batch: Batch) => {
        if (batch.add.length > 0) throw new StowageError('quota', 'the disk is full')
        return driver.commit(batch)
      }
      return { read: n => driver.read(n), commit, list: p => driver.list(p), info: held => driver.info(held), close: () => driver.close() }
    },
  }
  await rejects('quota', open('x', { driver: full, tables: { t: table({ key: 'id' }) } }))
})

/** What a driver may reject with that says nothing, or throws when it is read; and the code that comes of it. */
const unreadable: [code: string, make: () => unknown][] = [
  ['backend_failed', () => undefined],
  ['backend_failed', () => Symbol('a symbol')],
  ['backend_failed', () => Object.create(null)],
  ['backend_failed', () => ({ get code(): never { throw new TypeError('a getter') } })],
  ['backend_failed', () => ({ toString(): never { throw new TypeError('no words') } })],
  ['backend_failed', () => new Proxy({}, { get: () => { throw new TypeError('a trap') }, getPrototypeOf: () => { throw new TypeError('a trap') } })],
  ['quota', () => ({ code: 'quota' })],
]

test('whatever a driver rejects with, it has a code', async () => {
  for (const [code, make] of unreadable) {
    for (const method of ['open', 'commit', 'info', 'list', 'close']) {
      const faults = { method: method === 'open' ? method : '', make }
      const driver = rejecting(memory(), faults)
      const opening = open('places', { driver, tables })
      if (method === 'open') {
        await rejects(code, opening, method)
        continue
      }
      const db = await opening
      faults.method = method
      await rejects(code, method === 'close' ? db.close() : method === 'commit' ? db.places.insert(place(1)) : db.stat().then(() => db.check()).then(() => db.copy('copy', { driver })), method)
      faults.method = ''
      if (method !== 'close') await db.close()
    }
  }
})

test('what a driver reads and is no bytes is the driver’s failure', async () => {
  const blobs = memory()
  await (await openPlaces(blobs)).close()
  for (const value of [null, 'text', 5, new ArrayBuffer(8), new Uint16Array(8)]) {
    await rejects('backend_failed', openPlaces(changing(blobs, () => value as never)), String(value))
  }
  await (await openPlaces(blobs)).close()
})

/** A driver over another one that rejects one of its methods. */
function rejecting(inner: DriverFactory, faults: { method: string; make: () => unknown }): DriverFactory {
  const call = <R>(method: string, f: () => Promise<R>): Promise<R> => (faults.method === method ? Promise.reject(faults.make()) : f())
  return {
    id: inner.id,
    open: name =>
      call('open', async () => {
        const d = await inner.open(name)
        return {
          read: names => call('read', () => d.read(names)),
          commit: batch => call('commit', () => d.commit(batch)),
          list: prefix => call('list', () => d.list(prefix)),
          info: held => call('info', () => d.info(held)),
          close: () => d.close().then(() => call('close', async () => {})),
        } satisfies Driver
      }),
  }
}

/** Reaches an operation that no method does: the engine fails as asked. */
async function fault(db: unknown, how: string): Promise<unknown> {
  const { session } = db as { session: { ready(): Promise<{ request(...n: number[]): { string(s: string): unknown }; run(f: unknown, d: () => void): Promise<void> }> } }
  const engine = await session.ready()
  return engine.run(engine.request(127, 4, 0, 0).string(how), () => {})
}

/** A driver whose commits can be held up. */
function slow(inner: DriverFactory) {
  let gate: Promise<void> = Promise.resolve()
  const driver: DriverFactory = {
    id: 'slow',
    async open(name) {
      const d = await inner.open(name)
      const commit = async (batch: Batch) => {
        await gate
        return d.commit(batch)
      }
      return { read: n => d.read(n), commit, list: p => d.list(p), info: held => d.info(held), close: () => d.close() }
    },
  }
  const hold = () => {
    let release!: () => void
    gate = new Promise(resolve => {
      release = resolve
    })
    return release
  }
  return { driver, hold }
}

/** A driver that reads other bytes than are stored. */
function changing(inner: DriverFactory, change: (name: string, bytes: Uint8Array) => Uint8Array): DriverFactory {
  return {
    id: 'changing',
    async open(name) {
      const d = await inner.open(name)
      const read = async (names: readonly string[]) =>
        (await d.read(names)).map((bytes, i) => (bytes === undefined ? undefined : change(names[i]!, bytes)))
      return { read, commit: b => d.commit(b), list: p => d.list(p), info: held => d.info(held), close: () => d.close() }
    },
  }
}

function flip(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice()
  copy[copy.length >> 1]! ^= 0x40
  return copy
}
