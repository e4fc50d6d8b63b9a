import assert from 'node:assert/strict'
import { test } from 'node:test'

import { custom, field, noop, open, table, where } from 'stowage'

import { drivers, worker } from './drivers.js'
import { rejects } from './places.js'

/* In Node these run in memory and over files; test/browser/shared.test.ts runs them over IndexedDB, with and without a worker. */

const tables = {
  plain: table({ key: 'id' }),
  indexed: table({ key: 'id', indexes: ['val', 'name', '*followers', ['a', 'b']] }),
}

type Filter = Parameters<Awaited<ReturnType<typeof opened>>['plain']['find']>[0]

const opened = (name: string, driver: (typeof drivers)[0][1]) => open(name, { driver: driver(), worker, tables })

/** For which documents a filter holds: in tables with indexes and without. */
type Holds = (filter: Filter, ...documents: object[]) => Promise<boolean[]>

let environments = 0

/** A test of queries over every driver there is. */
function queries(name: string, body: (holds: Holds, db: Awaited<ReturnType<typeof opened>>) => Promise<void>): void {
  for (const [place, driver] of drivers) {
    test(`${name} (${place})`, async () => {
      const db = await opened(`queries ${worker} ${environments++}`, driver)
      const ask = async (of: typeof db.plain, filter: Filter, documents: object[]) => {
        await of.deleteMany({})
        await of.insertMany(documents.map((document, id) => ({ ...document, id })))
        const found = await of.find(filter)
        assert.equal(await of.count(filter), found.length)
        return documents.map((_, id) => found.some(document => document['id'] === id))
      }
      await body(async (filter, ...documents) => {
        const holds = await ask(db.plain, filter, documents)
        assert.deepEqual(await ask(db.indexed, filter, documents), holds)
        return holds
      }, db)
      await db.close()
    })
  }
}

queries('scenario 18: what is missing is below nothing and not unequal', async holds => {
  const documents = [{ val: 0 }, { val: 1 }, {}]
  assert.deepEqual(await holds(where('val').lt(1), ...documents), [true, false, false])
  assert.deepEqual(await holds(where('val').ne(1), ...documents), [true, false, false])
  assert.deepEqual(await holds(where('val').eq(1).not(), ...documents), [true, false, true])
  assert.deepEqual(await holds({ val: { $lt: 1 } }, ...documents), [true, false, false])
  assert.deepEqual(await holds({ val: { $ne: 1 } }, ...documents), [true, false, true])
})

queries('scenario 19: values of different types are in no order', async holds => {
  const documents = [{ val: 'a' }, { val: null }, { val: [0] }, { val: true }, { val: new Date(0) }, { val: 0 }]
  assert.deepEqual(await holds(where('val').lt(1), ...documents), [false, false, false, false, false, true])
  assert.deepEqual(await holds(where('val').gt(-1), ...documents), [false, false, false, false, false, true])
})

queries('scenario 20: regular expressions match at the beginning, anywhere, or all of a string', async holds => {
  const values = ['42.', '44', 'ab.', 155, '42.5', 'x42.'].map(val => ({ val }))
  assert.deepEqual(await holds(where('val').matches(/\d{2}\./), ...values), [true, false, false, false, true, false])
  assert.deepEqual(await holds(where('val').search(/\d+/), { val: 'ab3' }, { val: 'abc' }), [true, false])
  assert.deepEqual(await holds(where('val').search('JOHN', 'i'), { val: 'xJohNx' }, { val: 'JOH' }), [true, false])
  assert.deepEqual(await holds({ val: { $regex: 'JOHN', $options: 'i' } }, { val: 'xJohNx' }, { val: 'JOH' }), [true, false])
  assert.deepEqual(await holds(where('val').fullMatch(/a|ab/), { val: 'a' }, { val: 'ab' }, { val: 'abc' }, { val: 'ab\n' }), [true, true, false, false])
  assert.deepEqual(await holds(where('val').fullMatch(/a$/m), { val: 'a' }, { val: 'a\n' }), [true, false])
  const global = /a/g
  for (let again = 0; again < 3; again++) assert.deepEqual(await holds(where('val').search(global), { val: 'xa' }, { val: 'a' }), [true, true])
  assert.equal(global.lastIndex, 0)
})

queries('scenario 21: any looks at the elements of lists', async holds => {
  const don = { name: 'don' }
  const john = { name: 'john' }
  const people = [{ followers: [don, john] }, { followers: 1 }, {}, { followers: [] }, { followers: don }]
  assert.deepEqual(await holds(where('followers').any(where('name').eq('don')), ...people), [true, false, false, false, false])
  assert.deepEqual(await holds({ followers: { $elemMatch: don } }, ...people), [true, false, false, false, false])
  assert.deepEqual(await holds(where('followers').any(['don', 'jon']), { followers: [1234, 'don'] }, { followers: ['greg'] }, { followers: 'don' }), [true, false, false])
})

queries('scenario 22: all demands it of every element, or of every value', async holds => {
  const don = { name: 'don' }
  const people = [{ followers: [don] }, { followers: [don, { name: 'john' }] }, { followers: [] }, { followers: 'don' }]
  assert.deepEqual(await holds(where('followers').all(where('name').eq('don')), ...people), [true, false, true, false])
  const names = [{ followers: ['don', 'john', 'greg'] }, { followers: ['don', 'greg'] }]
  assert.deepEqual(await holds(where('followers').all(['don', 'john']), ...names), [true, false])
  assert.deepEqual(await holds({ followers: { $all: ['don', 'john'] } }, ...names), [true, false])
  assert.deepEqual(await holds(where('followers').all([]), ...names, { followers: 'x' }), [true, true, false])
})

queries('scenario 23: one of several values, and fragments', async holds => {
  assert.deepEqual(await holds(where('val').oneOf(['value 1', 'value 2']), { val: 'value 2' }, { val: 'value 3' }), [true, false])
  const part = { a: 4, b: true }
  const whole = { a: 4, b: true, c: 1 }
  assert.deepEqual(await holds(where().fragment(part), whole, { a: 4, c: 1 }), [true, false])
  assert.deepEqual(await holds(where('doc').fragment(part), { doc: whole }, whole, { doc: 4 }), [true, false, false])
  assert.deepEqual(await holds(where('doc').fragment({ in: { x: 1 } }), { doc: { in: { x: 1 } } }, { doc: { in: { x: 1, y: 2 } } }), [true, false])
})

queries('scenario 24: a function is a step of a path', async (holds, db) => {
  assert.deepEqual(await holds(where('value').map((v: number) => 2 * v).eq(10), { value: 5 }, { value: 10 }, {}), [true, false, false])
  const rekeyed = where().map(({ a, b }: { a: number; b: number }) => ({ y: a, z: b })).at('z')
  assert.deepEqual(await holds(rekeyed.eq(10), { a: 5, b: 10 }, { a: 10, b: 5 }), [true, false])
  assert.deepEqual(await holds(rekeyed.map((z: number) => z + 1).map(String).eq('11').not(), { a: 5, b: 10 }, { a: 10, b: 5 }), [false, true])
  assert.deepEqual(await holds(where('value').map((v: unknown) => (v === 1 ? undefined : v)).exists(), { value: 1 }, { value: 2 }), [false, true])
  assert.deepEqual(await holds(where('name').test((v: string, least: number) => v.length > least, 2), { name: 'abc' }, { name: 'ab' }), [true, false])
  assert.deepEqual(await holds(custom(({ a, b }) => a > b), { a: 2, b: 1 }, { a: 1, b: 2 }), [true, false])
  assert.deepEqual(await holds(where('a').gt(field('b')), { a: 2, b: 1 }, { a: 1, b: 2 }, { a: 2 }), [true, false, false])

  const broken = new RangeError('broken')
  const filter = where('a').test(() => {
    throw broken
  })
  for (const call of [() => db.plain.find(filter), () => db.plain.count(filter), () => db.plain.deleteMany(filter), () => db.plain.update(filter, { a: 0 })]) {
    const error = await Promise.resolve(call()).catch((error: unknown) => error)
    assert.ok(error === broken, `what was thrown is not what it is rejected with: ${error}`)
  }
  await rejects('invalid_query', db.plain.find(where('a').test(async () => true)))
  assert.deepEqual(await holds(noop(), { a: 1 }, {}), [true, true])
})

queries('scenario 25: the order of parts, and dots in names', async holds => {
  const x = where('a').eq(2)
  const y = where('b').gt(1)
  const documents = [{ a: 2, b: 2 }, { a: 2, b: 1 }, { a: 1, b: 2 }]
  for (const filter of [x.and(y), y.and(x)]) assert.deepEqual(await holds(filter, ...documents), [true, false, false])
  for (const filter of [x.or(y), y.or(x)]) assert.deepEqual(await holds(filter, ...documents), [true, true, true])
  const keys = [{ 'key1.key2': { key3: 1 } }, { key1: { key2: { key3: 1 } } }]
  assert.deepEqual(await holds(where('key1.key2', 'key3').eq(1), ...keys), [true, false])
  assert.deepEqual(await holds(where('key1.key2.key3').eq(1), ...keys), [false, true])
  assert.deepEqual(await holds(where('key1', 'key2', 'key3').eq(1), ...keys), [false, true])
})

queries('scenario 26: fragments of different paths, and expressions of different flags', async holds => {
  const part = { x: 1 }
  const documents = [{ a: part, name: 'Oslo' }, { b: part, name: 'Moss' }]
  assert.deepEqual(await holds(where('a').fragment(part), ...documents), [true, false])
  assert.deepEqual(await holds(where('b').fragment(part), ...documents), [false, true])
  assert.deepEqual(await holds(where('name').search(/os/), ...documents), [false, true])
  assert.deepEqual(await holds(where('name').search(/os/i), ...documents), [true, true])
})

queries('functions are asked for many documents at once, and order, limit and counts stay right', async (_, db) => {
  const documents = Array.from({ length: 3000 }, (_, id) => ({ id, val: (id * 7) % 1000, name: `name ${id}`, followers: [id, { deep: [id] }] }))
  await db.indexed.insertMany(documents)
  let calls = 0
  const odd = where('val').test((v: number) => {
    calls++
    return v % 2 === 1
  })
  const expected = documents.filter(d => d.val % 2 === 1)
  assert.equal(await db.indexed.count(odd), expected.length)
  assert.equal(calls, 3000)
  assert.deepEqual(await db.indexed.find(odd), expected)
  calls = 0
  assert.deepEqual(await db.indexed.find(odd).limit(2).skip(1), expected.slice(1, 3))
  assert.equal(calls, 16)
  const sorted = expected.toSorted((a, b) => b.val - a.val || b.id - a.id)
  assert.deepEqual(await db.indexed.find(odd).orderBy('val', 'desc').limit(20), sorted.slice(0, 20))
  const { val, id } = sorted[19]!
  assert.deepEqual(await db.indexed.find(odd).orderBy('val', 'desc').after(val, id).limit(20), sorted.slice(20, 40))
  calls = 0
  assert.equal(await db.indexed.count(odd.and(where('val').lt(100))), 150)
  assert.equal(calls, 300, 'only what the index cannot tell is asked')
  const inside = where('followers').elemMatch(where('deep').elemMatch(where().test((v: number) => v % 1000 === 5)))
  assert.deepEqual((await db.indexed.find(inside)).map(d => d['id']), [5, 1005, 2005])
  const iterated: number[] = []
  for await (const document of db.indexed.find(odd)) iterated.push(document['id'])
  assert.deepEqual(iterated, expected.map(d => d.id))
  assert.equal(await db.indexed.update(odd, { name: 'odd' }), expected.length)
  assert.equal(await db.transaction(tx => tx.indexed.deleteMany(odd)), expected.length)
  assert.equal(await db.indexed.count(), 3000 - expected.length)
})

queries('a function may use the environment, and a signal ends the search', async (_, db) => {
  await db.plain.insertMany(Array.from({ length: 300 }, (_, id) => ({ id })))
  const counts: Promise<number>[] = []
  const found = await db.plain.find(where('id').test((id: number) => counts.push(db.plain.count()) > 0 && id < 5))
  assert.equal(found.length, 5)
  assert.deepEqual([...new Set(await Promise.all(counts))], [300])
  const abort = new AbortController()
  const search = db.plain.find(where('id').test(() => (abort.abort(), true)), { signal: abort.signal })
  await rejects('aborted', search)
})
