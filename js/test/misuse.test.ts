import assert from 'node:assert/strict'
import { test } from 'node:test'

import { count, custom, memory, open, table, where } from 'stowage'
import { coder } from 'stowage/coders'
import { salvage } from 'stowage/salvage'

import { openPlaces, place, placesFrom, type Places, rejects } from './places.js'

/** What reading it throws is not Stowage's own. */
const hostile = {
  getter: () => ({ get id(): never { throw new TypeError('a getter') } }),
  constructor: () => ({ id: 1, get constructor(): never { throw new TypeError('a constructor') } }),
  proxy: () => new Proxy({ id: 1 }, { get: () => { throw new TypeError('a trap') } }),
  keys: () => new Proxy({ id: 1 }, { ownKeys: () => { throw new TypeError('a trap') } }),
  revoked: () => {
    const { proxy, revoke } = Proxy.revocable({ id: 1 }, {})
    revoke()
    return proxy
  },
  undefined: () => ({ id: 1, get name(): never { throw undefined } }),
}

test('documents that throw when they are read are refused, and nothing of their batch stays', async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 20))
  for (const [name, make] of Object.entries(hostile)) {
    const document = make() as never
    for (const call of [
      () => db.places.insert(document),
      () => db.places.put(document),
      () => db.places.insertMany([place(30), document]),
      () => db.places.putMany([place(1), document]),
      () => db.places.upsert(document),
      () => db.places.replace(document),
      () => db.notes.insert(document),
      () => db.transaction(async tx => {
        await tx.places.insert(place(31))
        await tx.places.insert(document)
      }),
    ]) {
      await rejects('invalid_document', call, `${name}: ${call}`)
    }
  }
  await unchanged(db, 20)
})

test('filters that throw when they are read are refused', async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 20))
  const filters = [hostile.getter(), hostile.keys(), { name: hostile.keys() }, { name: { get $gt(): never { throw new TypeError('a getter') } } }]
  for (const filter of filters as never[]) {
    await rejects('invalid_query', () => db.places.find(filter))
    await rejects('invalid_query', () => db.places.count(filter))
    await rejects('invalid_query', () => db.places.deleteMany(filter))
  }
  await unchanged(db, 20)
})

test('regular expressions that are none are refused where they are written', () => {
  for (const write of [
    () => where('a').matches('('),
    () => where('a').search('a', 'q'),
    () => where('a').fullMatch(5 as never),
    () => where('a').matches(undefined as never),
  ]) {
    assert.throws(write, { code: 'invalid_query' })
  }
})

test('options of filters are refused by name', () => {
  assert.throws(() => where('a').between(1, 2, { lo: true } as never), { code: 'invalid_option' })
  assert.throws(() => custom(() => true, { cache: true } as never), { code: 'invalid_option' })
})

test('arguments of another kind are refused, not guessed at', async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 20))
  const words = db.store('words', { key: coder.string, value: coder.json })
  for (const [code, call] of [
    ['invalid_argument', () => db.transaction(undefined as never)],
    ['invalid_argument', () => db.transaction(tx => tx.transaction(5 as never))],
    ['invalid_argument', () => db.dropTable(undefined as never)],
    ['invalid_argument', () => db.places.updateMany(5 as never)],
    ['invalid_argument', () => db.places.updateMany([5] as never)],
    ['invalid_argument', () => db.places.find().subscribe(5 as never)],
    ['invalid_argument', () => words.putMulti(undefined as never)],
    ['invalid_argument', () => words.getMulti(5 as never)],
    ['invalid_argument', () => words.deleteMulti(null as never)],
    ['invalid_option', () => words.putMulti([['a', 1]], { overwrite: 'no' } as never)],
    ['invalid_option', () => words.putMulti([['a', 1]], null as never)],
    ['invalid_option', () => db.places.getMany([1], null as never)],
    ['invalid_option', () => db.places.find({}, null as never)],
    ['invalid_option', () => open('x', { driver: memory(), types: [null as never] })],
    ['invalid_option', () => table({ key: 'id', indexes: [['*a', '*b']] })],
    ['invalid_query', () => db.places.find().groupBy('country').aggregate(undefined as never)],
    ['invalid_query', () => db.places.find().groupBy('country').aggregate({ country: count() })],
  ] as const) {
    await rejects(code, call, String(call))
  }
  assert.deepEqual(await words.range(), [])
  await unchanged(db, 20)
})

test('names that would be stored as others are refused', async () => {
  const db = await openPlaces()
  for (const name of ['half \ud800', '\udc00']) {
    const tables = { [name]: table({ key: 'id' }) }
    class Own {}
    await rejects('invalid_option', () => open('x', { driver: memory(), tables }))
    await rejects('invalid_option', () => open('x', { driver: memory(), types: [{ name, class: Own, encode: () => 1, decode: () => new Own() }] }))
    await rejects('invalid_argument', () => open(name, { driver: memory() }))
    await rejects('invalid_argument', () => salvage(name, { driver: memory() }))
    await rejects('invalid_argument', () => db.copy(name, { driver: memory() }))
    await rejects('invalid_argument', () => db.store(name))
    await rejects('invalid_argument', () => db.dropTable(name))
  }
  await db.store('whole \u{1f600}').put(Uint8Array.of(1), Uint8Array.of(2))
  assert.deepEqual(await db.stores(), ['whole \u{1f600}'])
  await db.close()
})

test('what is no key selects nothing by saying so', async () => {
  const db = await openPlaces()
  for (const key of [NaN, new Date(NaN), [NaN], [, 1]] as never[]) {
    await rejects('invalid_key', () => db.places.contains(key))
    await rejects('invalid_key', () => db.places.deleteMany([key], { returning: 'ids' }))
  }
  await rejects('invalid_key', () => db.places.replace({ ...place(1), id: NaN }))
  await db.close()
})

test('a table that makes identities takes documents only', async () => {
  const db = await open('made', { driver: memory(), tables: { made: table({ key: 'id', ids: 'uuid' }) } })
  for (const document of [[1, 2], new Date(), Uint8Array.of(1), new Map(), new Error('x'), 'text', null] as never[]) {
    await rejects('invalid_document', () => db.made.insert(document))
    await rejects('invalid_document', () => db.made.insertMany([{ a: 1 }, document]))
  }
  assert.equal(await db.made.count(), 0)
  await db.close()
})

test('what is far too large is refused before the engine has room for it', async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 20))
  const { memoryBytes } = await db.stat()
  const huge = 'x'.repeat(128 << 20)
  await rejects('too_large', () => db.places.put({ ...place(1), name: huge }))
  await rejects('too_large', () => db.places.update(1, { name: huge }))
  await rejects('too_large', () => db.places.find({ name: huge }))
  await rejects('too_large', () => db.store('s').put(Uint8Array.of(1), new Uint8Array(huge.length)))
  assert.ok((await db.stat()).memoryBytes < memoryBytes + (100 << 20))
  await unchanged(db, 20)
})

/** So many places are there, as they were, and the store is of use. */
async function unchanged(db: Places, n: number): Promise<void> {
  assert.deepEqual(await db.places.find(), placesFrom(1, n))
  await db.places.put(place(1))
  assert.deepEqual((await db.check()).problems, [])
  await db.close()
}
