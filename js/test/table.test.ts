import assert from 'node:assert/strict'
import { test } from 'node:test'

import { where } from 'stowage'

import { openPlaces, place, placesFrom, rejects } from './places.js'

test('documents are inserted, replaced, changed and deleted', async () => {
  const db = await openPlaces()
  assert.equal(await db.places.insert(place(1)), 1)
  assert.deepEqual(await db.places.get(1), place(1))
  assert.equal(await db.places.get(2), undefined)
  await rejects('duplicate_key', db.places.insert(place(1)))
  await rejects('duplicate_key', db.places.insert({ ...place(2), slug: 'place-1' }))
  assert.equal(await db.places.put({ ...place(1), name: 'New' }), 1)
  assert.equal(await db.places.update(1, { population: 5 }), 1)
  assert.deepEqual(await db.places.get(1), { ...place(1), name: 'New', population: 5 })
  assert.equal(await db.places.update(9, { population: 5 }), 0)
  await rejects('invalid_document', db.places.update(1, { id: 2 }))
  assert.equal(await db.places.delete(1), 1)
  assert.equal(await db.places.delete(1), 0)
  assert.equal(await db.places.count(), 0)
  await db.close()
})

test('many documents go in and out together', async () => {
  const db = await openPlaces()
  const all = placesFrom(1, 9000)
  const steps: number[] = []
  const ids = await db.places.insertMany(all, { onProgress: (done, total) => steps.push(done, total) })
  assert.deepEqual(ids, all.map(p => p.id))
  assert.deepEqual(steps.slice(-2), [9000, 9000])
  assert.equal(await db.places.count(), 9000)
  const keys = [9000, 1, 5555, 123456, ...all.map(p => p.id)]
  const found = await db.places.getMany(keys)
  assert.deepEqual(found.slice(0, 5), [place(9000), place(1), place(5555), undefined, place(1)])
  assert.equal(found.length, keys.length)
  assert.deepEqual(await db.places.insertMany([]), [])
  assert.deepEqual(await db.places.getMany([]), [])
  assert.equal(await db.places.deleteMany([1, 2, 2, 123456]), 2)
  assert.equal(await db.places.deleteMany(all.slice(0, 5000).map(p => p.id)), 4998)
  assert.equal(await db.places.remove({ country: 'NO' }), 1000)
  assert.equal(await db.places.count(), 3000)
  assert.deepEqual((await db.check()).problems, [])
  await db.close()
})

test('a batch is stored whole or not at all', async () => {
  const db = await openPlaces()
  await db.places.insert(place(8999))
  await rejects('duplicate_key', db.places.insertMany(placesFrom(1, 9000)))
  assert.equal(await db.places.count(), 1)
  await rejects('invalid_document', db.places.insertMany([...placesFrom(1, 5000), { ...place(5001), name: (() => 1) as never }]))
  assert.equal(await db.places.count(), 1)
  await db.places.putMany(placesFrom(1, 9000))
  assert.equal(await db.places.count(), 9000)
  await db.close()
})

test('documents and lists may be changed once a call has been made', { timeout: 30_000 }, async () => {
  const db = await openPlaces()
  const one = place(1)
  const inserted = db.places.insert(one)
  one.id = 77
  assert.equal(await inserted, 1)
  const many = placesFrom(1, 9000)
  const put = db.places.putMany(many)
  many.length = 5
  assert.equal((await put).length, 9000)
  const keys = placesFrom(1, 9000).map(p => p.id)
  const deleted = db.places.deleteMany(keys)
  keys.length = 0
  assert.equal(await deleted, 9000)
  await db.close()
})

test('a listener that throws changes nothing about the call', async () => {
  const before = process.listeners('unhandledRejection')
  const unhandled: unknown[] = []
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', error => unhandled.push(error))
  const mine = new Error('mine')
  const onProgress = () => {
    throw mine
  }
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 9000), { onProgress })
  assert.equal(await db.places.count(), 9000)
  await db.close()
  await new Promise(resolve => setImmediate(resolve))
  process.removeAllListeners('unhandledRejection')
  for (const listener of before) process.on('unhandledRejection', listener)
  assert.ok(unhandled.length > 0 && unhandled.every(error => error === mine))
})

test('identities are counted up where they are missing', async () => {
  const db = await openPlaces()
  assert.equal(await db.notes.insert({ text: 'a' }), 1)
  assert.deepEqual(await db.notes.insertMany([{ text: 'b' }, { id: 10, text: 'c' }, { text: 'd' }]), [2, 10, 11])
  await db.notes.delete(11)
  assert.equal(await db.notes.put({ text: 'e' }), 12)
  assert.deepEqual(await db.notes.get(12), { id: 12, text: 'e' })
  await db.close()
})

test('queries find, order, limit and page', async () => {
  const db = await openPlaces()
  const all = placesFrom(1, 3000)
  await db.places.insertMany(all)
  const norway = all.filter(p => p.country === 'NO')
  const byPopulation = [...norway].sort((a, b) => a.population - b.population)

  assert.deepEqual((await db.places.find({ country: 'NO' })).length, norway.length)
  const top = await db.places.find(where('country').eq('NO')).orderBy('population', 'desc').limit(20)
  assert.deepEqual(top, byPopulation.slice(-20).reverse())
  assert.deepEqual(await db.places.find({ country: 'NO' }).orderBy('population').skip(5).limit(3), byPopulation.slice(5, 8))
  assert.equal(await db.places.find({ country: 'NO', population: { $gt: 5000 } }).count(), norway.filter(p => p.population > 5000).length)
  assert.deepEqual(await db.places.find({ 'position.lat': { $between: [0, 1] } }).first(), all.find(p => [0, 1].includes(p.position!.lat)))
  assert.equal(await db.places.find().limit(0).first(), undefined)
  assert.equal(await db.places.count(where('tags').contains('t3')), 600)
  assert.equal(await db.places.count(where('name').startsWith('Place 12')), all.filter(p => p.name.startsWith('Place 12')).length)
  assert.equal(await db.places.count(where('name').contains('99')), all.filter(p => p.name.includes('99')).length)
  assert.equal(await db.places.count(where('country').in(['NO', 'SE']).and(where('id').lte(100)).or(where('id').eq(3000))), 51)
  assert.equal(await db.places.count(where('country').eq('NO').not()), 2250)

  const paged = []
  for (let after: unknown[] | undefined = undefined; ; ) {
    const query = db.places.find({ country: 'NO' }).orderBy('population').limit(100)
    const page = await (after === undefined ? query : query.after(...after))
    paged.push(...page)
    const last = page.at(-1)
    if (last === undefined) break
    after = [last.population, last.id]
  }
  assert.deepEqual(paged, byPopulation)
  await db.close()
})

test('explain tells of the index', async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 1000))
  const explained = await db.places.find({ country: 'NO' }).orderBy('population', 'desc').limit(5).explain()
  assert.deepEqual([explained.index, explained.sorted, explained.results], ['country,population', false, 5])
  assert.ok(explained.keys <= 6)
  assert.equal((await db.places.find({ name: 'Place 5' }).explain()).index, '')
  await db.close()
})

test('a result is iterated part by part, and left early', async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 12_000).map(p => ({ ...p, name: p.name.padEnd(400, '.') })))
  let seen = 0
  for await (const found of db.places.find()) {
    seen++
    assert.equal(typeof found.id, 'number')
  }
  assert.equal(seen, 12_000)
  seen = 0
  for await (const _ of db.places.find()) if (++seen === 7000) break
  for await (const _ of db.places.find({ country: 'XX' })) assert.fail('there is none')
  await assert.rejects(async () => {
    for await (const _ of db.places.find()) throw new Error('mine')
  }, /mine/)
  assert.equal(await db.places.count(), 12_000)
  await db.close()
})

test('a query runs once for each await', async () => {
  const db = await openPlaces()
  const query = db.places.find({ country: 'NO' })
  assert.equal((await query).length, 0)
  await db.places.insert(place(4))
  assert.equal((await query).length, 1)
  await db.close()
})

test('an update by a filter of nothing but an identity is one of that document', async () => {
  const db = await openPlaces()
  const ids = [0, 1, 2.5, 'x', 'Tromsø 🐟', true]
  for (const id of ids) await db.places.insert({ ...place(1), id: id as number, slug: `s${ids.indexOf(id)}` })
  const filters = [(id: number) => where('id').in([id]), (id: number) => where('id').eq(id), (id: number) => ({ id })]
  let population = 100
  for (const filter of filters) {
    for (const id of [...ids, -0]) {
      assert.equal(await db.places.update(filter(id as number), { population: ++population }), 1)
      assert.equal(await db.places.count({ id: id as number, population }), 1)
      assert.deepEqual(await db.places.update(filter(id as number), { population }, { returning: 'ids' }), [Object.is(id, -0) ? 0 : id])
    }
    for (const id of [7, NaN, Infinity, 'y', '\ud800', 'y'.repeat(70_000), {}]) assert.equal(await db.places.update(filter(id as number), { population: 0 }), 0)
    await rejects('invalid_document', db.places.update(filter(1), { id: 2 }))
  }
  assert.equal(await db.places.update(where('population').in([population]), { name: 'New' }), 1, 'what is not the identity is looked for')
  assert.equal(await db.places.update(where('id').in([0, 1]), { name: 'New' }), 2)
  assert.equal(await db.places.update(where('id').in([]), { name: 'New' }), 0)
  assert.equal(await db.places.count({ population: 0 }), 0)
  await db.close()
})

test('keys of every type find their documents', async () => {
  const db = await openPlaces()
  const keys = [0, -1, 1.5, 2 ** 40, 2n ** 63n, 'x', 'Tromsø 🐟', '', new Date(5), Uint8Array.of(0, 255), [1, ['a', new Date(0)]], true]
  for (const id of keys) await db.places.insert({ ...place(1), id: id as number, slug: `s${keys.indexOf(id)}` })
  for (const id of keys) assert.deepEqual((await db.places.get(id))?.id, id)
  assert.equal((await db.places.get(1.5))?.slug, 's2')
  assert.equal((await db.places.get(2n ** 40n))?.slug, 's3', 'integers are one number line')
  for (const key of [NaN, null, undefined, {}, () => 1, new Date(NaN), 2n ** 65n]) {
    await rejects('invalid_key', db.places.get(key as never))
  }
  for (const id of ['\ud800', ['a\udc00'], [undefined], [NaN], null]) {
    await rejects('invalid_key', db.places.insert({ ...place(1), id: id as never, slug: 'none' }))
  }
  await db.close()
})
