import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { memory, open, StowageError } from 'stowage'
import { coder } from 'stowage/coders'
import { structures } from 'stowage/structures'

import { replay, type Vectors } from './commands.js'
import { drivers, worker } from './drivers.js'
import { rejects } from './places.js'
import { stride } from './stride.js'

for (const file of ['commands', 'unsalted']) {
  test(`${file} have the answers of Redis and leave the records of Go`, t => replay(t, JSON.parse(readFileSync(`../store/structure/testdata/${file}.json`, 'utf8')) as Vectors))
}

test('the example of the documentation', async () => {
  const db = await open('example', { driver: memory() })
  const s = structures(db, 'structures')
  await s.zAdd('board', { member: 'Ada', score: 2810 }, { member: 'Bo', score: 2700 })
  assert.deepEqual(await s.zRevRange('board', 0, 9), [{ member: 'Ada', score: 2810 }, { member: 'Bo', score: 2700 }])
  assert.deepEqual(await s.zRangeByScore('board', { min: 2700, minOpen: true, offset: 0, count: 10, reverse: true }), [{ member: 'Ada', score: 2810 }])
  await s.geoAdd('cities', { member: 'Oslo', longitude: 10.75, latitude: 59.91 })
  assert.deepEqual((await s.geoSearch('cities', { longitude: 11, latitude: 60, radius: 50, unit: 'km', count: 5 })).map(f => f.member), ['Oslo'])
  await s.transaction(async t => {
    await t.hSet('person:1', { name: 'Ada', visits: '41' })
    await t.hIncrBy('person:1', 'visits', 1)
    await t.expire('person:1', 60_000)
  })
  assert.deepEqual([...(await s.hGetAll('person:1'))], [['name', 'Ada'], ['visits', '42']])
  await db.close()
})

for (const [kind, driver] of drivers) {
  test(`structures expire, over ${kind}`, async () => {
    const db = await open(`expiring ${kind} ${String(worker)}`, { driver: driver(), worker })
    let now = 1_800_000_000_000
    const s = structures(db, 'structures', { clock: () => now })
    const fill = async (n: number) => {
      await s.transaction(async t => {
        await t.hSet('hash', Object.fromEntries(Array.from({ length: n }, (_, i) => [`field ${i}`, 'value'])))
        await t.zAdd('set', ...Array.from({ length: n }, (_, i) => ({ member: `member ${i}`, score: i })))
        await t.set('plain', 'text')
      })
    }
    await fill(600)
    for (const key of ['hash', 'set', 'plain']) assert.equal(await s.expire(key, 1000), true)
    now += 999
    assert.deepEqual([await s.exists('hash', 'set', 'plain'), await s.ttl('set')], [3, 1])
    now += 1
    assert.deepEqual([await s.exists('hash', 'set', 'plain'), await s.ttl('set'), await s.zCard('set'), await s.get('plain')], [0, -2, 0, undefined])
    await fill(2)
    assert.deepEqual(await s.zRange('set', 0, -1), [{ member: 'member 0', score: 0 }, { member: 'member 1', score: 1 }])
    assert.ok((await s.sweep()) > 1800)
    assert.equal(await db.store('structures').count(), 1 + 3 + 5)
    await db.close()
  })
}

test('a key of a Go program that is no text is swept, and keeps nothing else', async () => {
  const db = await open('no text', { driver: memory() })
  let now = 1_800_000_000_000
  const s = structures(db, 'structures', { clock: () => now })
  await s.set('text', 'value')
  await s.expire('text', 500)
  const due = Uint8Array.of(0, 0, 1, 0xa3, 0x18, 0x5c, 0x50, 0x64) // 1,800,000,000,100
  await db.store('structures').putMulti([
    [Uint8Array.of(1, 0xff), Uint8Array.of(1, ...due, 7)],
    [Uint8Array.of(4, ...due, 0xff), new Uint8Array(0)],
  ])
  assert.equal(await s.sweep(), 0)
  now += 500
  assert.equal(await s.sweep(), 4)
  assert.equal(await db.store('structures').count(), 0)
  await db.close()
})

test('members chosen to have no nodes have some, by the salt', async () => {
  const db = await open('chosen', { driver: memory() })
  const list = Array.from({ length: 4000 }, (_, i) => ({ member: `member ${i}`, score: i })).filter(({ member }) => {
    let h = 2166136261
    for (const byte of Buffer.from(member)) h = Math.imul(h ^ byte, 16777619)
    h = Math.imul(h ^ (h >>> 16), 0x45d9f3b)
    return (h ^ (h >>> 16)) % 16 !== 0
  }).slice(0, 1000)
  await structures(db, 'structures').zAdd('set', ...list)
  const nodes = (await db.store('structures').count()) - 1 - 2 * list.length
  assert.ok(nodes >= 20 && nodes <= 200, `${nodes}`)
  await db.close()
})

test('commands on one key at the same time wait for each other', async () => {
  const db = await open('at once', { driver: memory() })
  const s = structures(db, 'structures')
  const adds = Array.from({ length: 200 }, (_, i) => s.zAdd('set', { member: `m${i}`, score: i }))
  const sums = Array.from({ length: 100 }, () => s.incrBy('sum', 1))
  await rejects('invalid_argument', s.zAdd('set'))
  assert.deepEqual(await Promise.all(adds), adds.map(() => 1))
  assert.deepEqual((await Promise.all(sums)).at(-1), 100n)
  assert.deepEqual([await s.del('set', 'sum', 'none'), await s.exists('set', 'sum')], [2, 0])
  await db.close()
})

test('what is refused has its code and has changed nothing', async () => {
  const db = await open('refused', { driver: memory() })
  const s = structures(db, 'structures')
  await s.hSet('hash', { field: 'value' })
  await rejects('wrong_type', s.zAdd('hash', { member: 'a', score: 1 }))
  await rejects('wrong_type', s.get('hash'))
  await rejects('invalid_argument', s.zAdd('set', { member: 'a', score: 1 }, { member: 'b', score: NaN }))
  await rejects('invalid_argument', s.zAdd('set'))
  await rejects('invalid_argument', s.hSet('hash', { '': 'value' }))
  await rejects('invalid_argument', s.hIncrBy('hash', 'field', 1))
  await rejects('invalid_argument', s.geoAdd('geo', { member: 'pole', longitude: 0, latitude: 90 }))
  await rejects('invalid_key', s.set('', 'value'))
  for (const half of ['\ud83d', 'a\udc00']) {
    await rejects('invalid_key', s.set(half, 'value')) // as bytes all halves are the same
    await rejects('invalid_argument', s.set('key', half))
    await rejects('invalid_argument', s.zAdd('set', { member: half, score: 1 }))
  }
  for (const none of [undefined, null, 5, {}] as never[]) {
    await rejects('invalid_argument', s.set('key', none)) // which would be stored as 'undefined', or as nothing
    await rejects('invalid_argument', s.hSet('hash', { field: none }))
  }
  await rejects('too_large', s.set('k'.repeat(5000), 'value'))
  await rejects('invalid_option', () => structures(db, 's', { every: 1 } as never))
  assert.equal(await db.store('structures').count(), 2)
  await db.close()
})

test('what is wrong with the last of more fields than a call has arguments is told, and nothing is stored', async () => {
  const db = await open('more than arguments', { driver: memory() })
  const s = structures(db, 'structures')
  const fields = new Map(Array.from({ length: 300_000 }, (_, i) => [`field ${i}`, 'value']))
  await rejects('invalid_argument', s.hSet('hash', fields.set('', 'value')))
  assert.equal(await s.exists('hash'), 0)
  await db.close()
})

test('a coder that makes no bytes, or throws, is told with a code, and nothing is stored', async () => {
  const db = await open('wrong coder', { driver: memory() })
  const fails = (): never => {
    throw new TypeError('of the coder')
  }
  for (const made of ['text', undefined, [1], 7, new ArrayBuffer(1), Uint16Array.of(256), Promise.resolve(Uint8Array.of(1)), fails]) {
    const s = structures<unknown>(db, 'structures', { value: { encode: () => (made === fails ? fails() : made) as Uint8Array, decode: fails } })
    await rejects('invalid_argument', s.set('key', 1))
    await rejects('invalid_argument', s.setNX('key', 1))
    await rejects('invalid_argument', s.hSet('key', { field: 1 }))
    assert.equal(await s.exists('key'), 0)
    await s.setBool('bool', true)
    await rejects('undecodable', s.get('bool'))
  }
  await db.close()
})

test('times to live are as long as they are given, up to what a number can count', async () => {
  const db = await open('long lives', { driver: memory() })
  const s = structures(db, 'structures', { clock: () => 1_800_000_000_000 })
  const most = Number.MAX_SAFE_INTEGER - 1_800_000_000_000
  for (const ttl of [Number.MAX_SAFE_INTEGER, 2 ** 60, 1e300]) {
    await s.set('key', 'value')
    assert.deepEqual([await s.expire('key', ttl), await s.ttl('key')], [true, most])
    assert.deepEqual([await s.expireAt('key', ttl), await s.ttl('key')], [true, most])
  }
  await s.set('key', 'value', Number.MAX_SAFE_INTEGER)
  assert.deepEqual([await s.ttl('key'), await s.persist('key'), await s.ttl('key'), await s.sweep()], [most, true, -1, 0])
  for (const past of [0, -1, -1e300]) {
    await s.set('key', 'value')
    assert.deepEqual([await s.expireAt('key', past), await s.ttl('key')], [true, -2])
  }
  await db.close()
})

test('what scores stand for that no place has is on the map, and places as far away sort by their bytes', async () => {
  const db = await open('no places', { driver: memory() })
  const s = structures(db, 'structures')
  for (const score of [-Infinity, -5, 1e18, Infinity]) {
    await s.zAdd('set', { member: String(score), score })
    const { longitude, latitude } = (await s.geoPos('set', String(score)))!
    assert.deepEqual([longitude, latitude].map(degrees => Math.trunc(degrees * Math.sign(score))), [179, 85], String(score))
  }
  const members = ['\u{1f600}', '\ufffd', 'a'] // by the units of JavaScript the first is before the second
  await s.geoAdd('geo', ...members.map(member => ({ member, longitude: 1, latitude: 1 })))
  const found = async (order: 'asc' | 'desc') => (await s.geoSearch('geo', { longitude: 1, latitude: 1, radius: 1, order })).map(({ member }) => member)
  assert.deepEqual([await found('asc'), await found('desc')], [members.toReversed(), members])
  for (const radius of [-1, NaN]) await rejects('invalid_argument', s.geoSearch('geo', { longitude: 1, latitude: 1, radius, width: 9, height: 9 }))
  await db.close()
})

test('names that are hard to write are told apart, expire and are swept', async () => {
  let now = 1_800_000_000_000
  const db = await open('names', { driver: memory() })
  const s = structures(db, 'structures', { clock: () => now })
  const names = ['__proto__', 'constructor', '\0', '\0\0', '\0\xff', '\ufeff', '\ufeffkey', 'key', '🦊', '%', ':']
  for (const [score, name] of names.entries()) {
    await s.hSet(name, new Map(names.map(field => [field, `${name} ${field}`])))
    await s.zAdd('set', { member: name, score })
  }
  for (const [rank, name] of names.entries()) {
    assert.deepEqual([...(await s.hGetAll(name))].sort(), names.map(field => [field, `${name} ${field}`]).sort())
    assert.equal(await s.zRank('set', name), rank)
    await s.expire(name, 1000)
  }
  now += 1000 // and not a moment later
  assert.equal(await s.exists(...names), 0)
  await s.sweep()
  assert.equal(await s.del('set'), 1)
  assert.equal(await db.store('structures').count(), 0)
  await db.close()
})

test('structures with values of a coder, in a transaction with another store', async () => {
  const db = await open('together', { driver: memory() })
  const s = structures(db, 'structures', { value: coder.json })
  await assert.rejects(
    db.transaction(async tx => {
      await tx.store('other').put(Uint8Array.of(1), Uint8Array.of(1))
      await s.in(tx).hSet('person', { name: 'Ada', tags: ['a'] })
      throw new Error('no')
    }),
    /no/,
  )
  assert.deepEqual([await s.hLen('person'), await db.store('other').count()], [0, 0])
  await db.transaction(async tx => {
    await tx.store('other').put(Uint8Array.of(1), Uint8Array.of(1))
    await s.in(tx).hSet('person', { name: 'Ada', tags: ['a'] })
    await s.in(tx).setBool('known', true)
  })
  assert.deepEqual([...(await s.hGetAll('person'))], [['name', 'Ada'], ['tags', ['a']]])
  assert.deepEqual([await s.getBool('known'), await s.getBool('unknown')], [true, undefined])
  await db.close()
})
