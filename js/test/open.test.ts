import assert from 'node:assert/strict'
import { test } from 'node:test'

import { memory, open, table } from 'stowage'

import { openPlaces, place, placesFrom, rejects, tables } from './places.js'

interface Row {
  id: number
  a: string
  b: number
}

test('what was committed is there when it is opened again', async () => {
  const driver = memory()
  let db = await openPlaces(driver)
  await db.places.insertMany(placesFrom(1, 5000))
  await db.notes.insert({ text: 'a' })
  await db.close()
  db = await openPlaces(driver)
  assert.equal(await db.places.count(), 5000)
  assert.deepEqual(await db.places.get(4321), place(4321))
  assert.equal(await db.notes.insert({ text: 'b' }), 2)
  assert.deepEqual((await db.check()).problems, [])
  await db.close()
})

test('opened twice it is shared, and each closed by itself', async () => {
  const driver = memory()
  const first = await openPlaces(driver)
  const second = await openPlaces(driver)
  await first.places.insert(place(1))
  assert.deepEqual(await second.places.get(1), place(1))
  let told = 0
  await new Promise<void>(resolve => first.places.find().subscribe(() => (told++, resolve())))
  await first.close()
  await first.close()
  const calls = [
    () => first.places.get(1), () => first.places.count(), () => first.places.find(), () => first.places.find().count(), () => first.places.put(place(2)), () => first.places.insertMany([]), () => first.places.getMany([]), () => first.places.deleteMany([]),
    () => first.store('s').get(new Uint8Array(1)), () => first.store('s').getMulti([]), () => first.store('s').putMulti([]), () => first.transaction(async () => {}), () => first.begin(), () => first.tables(), () => first.stat(), () => first.flush(),
    () => first.export().getReader().read(), () => first.lock(), () => first.places.find({}, { latest: true }),
  ]
  for (const call of calls) await rejects('closed', async () => call())
  await second.places.put(place(1))
  await new Promise(resolve => setTimeout(resolve, 50))
  assert.equal(told, 1, 'what was subscribed of it has ended')
  assert.equal(await second.places.count(), 1)
  await second.close()
  await rejects('closed', second.places.count())
  await rejects('closed', second.places.get(1))
  await rejects('closed', second.transaction(async () => {}))
  const third = await openPlaces(driver)
  assert.equal(await third.places.count(), 1)
  await third.close()
})

test('what is being closed is opened again when it is closed', async () => {
  const driver = memory()
  for (let i = 0; i < 20; i++) {
    const db = await openPlaces(driver)
    await db.places.put(place(i))
    const closing = db.close()
    const [second, third] = await Promise.all([openPlaces(driver), openPlaces(driver)])
    await closing
    assert.equal(await second.places.count(), i + 1)
    await Promise.all([second.close(), third.close()])
  }
})

test('close waits for what is under way', async () => {
  const driver = memory()
  const db = await openPlaces(driver)
  const writes = Array.from({ length: 50 }, (_, i) => db.places.insert(place(i)))
  await db.close()
  await Promise.all(writes)
  const again = await openPlaces(driver)
  assert.equal(await again.places.count(), 50)
  await again.close()
})

test('who closes what is being closed waits for it as well', async () => {
  const driver = memory()
  const db = await openPlaces(driver)
  void db.close()
  await db.close()
  await (await driver.open('places')).close() // nobody else has it
})

test('what close interrupts is closed, not lost', async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 20_000))
  const seen: unknown[] = []
  const reading = rejects('closed', async () => {
    for await (const found of db.places.find()) {
      seen.push(found)
      if (seen.length === 1) await db.close()
    }
  })
  await rejects('closed', db.transaction(async tx => {
    await tx.places.get(1)
    await reading
    await tx.places.get(1)
  }))
})

test('tables and indexes that are new are made, others must be as they were', async () => {
  const driver = memory()
  let db = await open('x', { driver, tables: { places: table<Row>({ key: 'id' }) } })
  await db.places.insertMany(Array.from({ length: 3000 }, (_, id) => ({ id, a: `a${id % 10}`, b: 1 })))
  await db.close()

  const progress: number[] = []
  db = await open('x', {
    driver,
    tables: { places: table<Row>({ key: 'id', indexes: ['a'] }), more: table({ key: '++id' }) },
    onProgress: (done, total) => progress.push(done, total),
  })
  assert.deepEqual(progress.slice(-2), [3000, 3000])
  assert.equal((await db.places.find({ a: 'a3' }).explain()).index, 'a')
  assert.equal(await db.places.count({ a: 'a3' }), 300)
  await db.close()

  const other = (spec: Parameters<typeof table>[0]) => open('x', { driver, tables: { places: table(spec) } })
  await rejects('schema_mismatch', other({ key: 'a' }))
  await rejects('schema_mismatch', other({ key: 'id', indexes: [{ paths: ['a'], unique: true }] }))
  await rejects('duplicate_key', other({ key: 'id', indexes: ['&b'] }))
  const back = await open('x', { driver, tables: { places: table({ key: 'id' }) } })
  assert.equal(await back.places.count(), 3000)
  await back.close()
})

test('options that do not exist are refused by name', async () => {
  const error = await rejects('invalid_option', open('x', { driver: memory(), cachebytes: 1 } as never))
  assert.match(error.message, /cachebytes/)
  await rejects('invalid_option', open('x', { driver: memory(), cacheBytes: 'big' } as never))
  await rejects('invalid_option', open('x', { driver: 'memory' } as never))
  await rejects('invalid_option', open('x', { driver: memory(), durability: 'none' } as never))
  await rejects('invalid_argument', open('', { driver: memory() }))
  await rejects('invalid_option', () => table({ key: 'id', index: ['a'] } as never))
  await rejects('invalid_option', () => table({} as never))
  await rejects('invalid_path', () => table({ key: 'a..b' }))
  await rejects('unsupported', () => table({ key: 'id', indexes: [{ paths: ['a', 'b'], multi: true }] }))
  await rejects('unsupported', open('x'))
})

test('a module that is none, or another one, is unsupported', async () => {
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)
  for (const wasm of [Uint8Array.of(1, 2, 3), empty, 5 as never, 'file:///nowhere.wasm']) {
    const driver = memory()
    await rejects('unsupported', open('places', { driver, wasm }))
    await (await openPlaces(driver)).close()
  }
})

test('an index has one mark', async () => {
  for (const index of ['*&v', '&*v', '**v']) await rejects('invalid_option', () => table({ key: 'id', indexes: [index as never] }))
})

test('a table cannot have the name of a member', async () => {
  for (const name of ['then', 'close', 'transaction', 'sql', 'constructor']) {
    await rejects('invalid_option', open('x', { driver: memory(), tables: { [name]: table({ key: 'id' }) } as never }))
  }
  const db = await openPlaces()
  assert.equal(db.table('places').name, 'places')
  await rejects('not_found', () => db.table('nowhere' as never))
  await db.close()
})

test('a call that is aborted has changed nothing', async () => {
  const db = await openPlaces()
  const abort = new AbortController()
  const importing = db.places.insertMany(placesFrom(1, 50_000), {
    signal: abort.signal,
    onProgress: done => done > 10_000 && abort.abort(),
  })
  await rejects('aborted', importing)
  assert.equal(await db.places.count(), 0)
  await rejects('aborted', db.places.insertMany(placesFrom(1, 10), { signal: AbortSignal.abort() }))
  await rejects('aborted', db.places.find({}, { signal: AbortSignal.abort() }))
  await db.places.insert(place(1))
  await db.close()
})

test('nothing is left in the global object', async () => {
  const before = Object.getOwnPropertyNames(globalThis)
  const db = await open('x', { driver: memory(), tables })
  await db.close()
  assert.deepEqual(Object.getOwnPropertyNames(globalThis), before)
})
