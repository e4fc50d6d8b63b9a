import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { memory, open, StowageError } from 'stowage'
import { coder } from 'stowage/coders'
import { type GeoQuery, type ScoreRange, type Structures, structures, type ZAddOptions } from 'stowage/structures'

import { drivers, worker } from './drivers.js'
import { rejects } from './places.js'
import { stride } from './stride.js'

/** Commands with the answers that Redis gave, and the records that stand in the store after them: Go runs the same. */
interface Vectors {
  now: number
  /** Records that there are already. */
  before?: string[]
  commands: string[][]
  answers: unknown[]
  records: string[]
}
const read = (file: string) => JSON.parse(readFileSync(`../store/structure/testdata/${file}.json`, 'utf8')) as Vectors

const score = (n: number | undefined) => (n === undefined ? null : n === Infinity ? 'inf' : n === -Infinity ? '-inf' : n)
const number = (word: string) => (word.endsWith('inf') ? (word === 'inf' ? Infinity : -Infinity) : Number(word))
const one = (yes: boolean) => (yes ? 1 : 0)

function scores(low: string, high: string): ScoreRange {
  const bound = (word: string) => number(word.replace('(', ''))
  return { min: bound(low), max: bound(high), minOpen: low.startsWith('('), maxOpen: high.startsWith('(') }
}

function page([, offset, count]: string[]): ScoreRange {
  return offset === undefined ? {} : { offset: Number(offset), count: Number(count) }
}

/** A search as the words of a command say it. */
function geoQuery(words: string[]): GeoQuery {
  const q: GeoQuery = {}
  const left = [...words]
  const next = () => left.shift()!
  while (left.length > 0) {
    switch (next()) {
      case 'frommember': q.member = next(); break
      case 'fromlonlat': Object.assign(q, { longitude: number(next()), latitude: number(next()) }); break
      case 'byradius': Object.assign(q, { radius: number(next()), unit: next() }); break
      case 'bybox': Object.assign(q, { width: number(next()), height: number(next()), unit: next() }); break
      case 'desc': q.order = 'desc'; break
      case 'count': q.count = Number(next()); break
    }
  }
  return q
}

/** Runs a command of Redis, and answers as it does. */
async function perform(s: Structures, now: number, [name, key, ...words]: [string, string, ...string[]]): Promise<unknown> {
  const [a, b] = words as [string, string]
  const listed = (members: { member: string; score: number }[]) => members.flatMap(z => [z.member, score(z.score)])
  switch (name) {
    case 'del': return s.del(key, ...words)
    case 'exists': return s.exists(key, ...words)
    case 'type': return s.type(key)
    case 'pexpireat': return one(await s.expireAt(key, Number(a)))
    case 'persist': return one(await s.persist(key))
    case 'pexpiretime': {
      const ttl = await s.ttl(key)
      return ttl < 0 ? ttl : now + ttl
    }
    case 'set': return s.set(key, a, b === undefined ? 0 : 'keep').then(() => 'OK')
    case 'setnx': return one(await s.setNX(key, a))
    case 'get': return (await s.get(key)) ?? null
    case 'getdel': return (await s.getDel(key)) ?? null
    case 'incrby': return Number(await s.incrBy(key, BigInt(a)))
    case 'hset': return s.hSet(key, new Map(words.flatMap((field, i) => (i % 2 === 0 ? [[field, words[i + 1]!]] : []))))
    case 'hget': return (await s.hGet(key, a)) ?? null
    case 'hmget': {
      const found = await s.hMGet(key, ...words)
      return words.map(field => found.get(field) ?? null)
    }
    case 'hgetall': return [...(await s.hGetAll(key))].flat()
    case 'hexists': return one(await s.hExists(key, a))
    case 'hdel': return s.hDel(key, ...words)
    case 'hincrby': return Number(await s.hIncrBy(key, a, BigInt(b)))
    case 'hlen': return s.hLen(key)
    case 'zadd': {
      const options: ZAddOptions = {}
      while (/^[a-z]{2}$/.test(words[0]!)) options[words.shift() as keyof ZAddOptions] = true
      return s.zAddWith(key, words.flatMap((word, i) => (i % 2 === 0 ? [{ score: number(word), member: words[i + 1]! }] : [])), options)
    }
    case 'zincrby': return score(await s.zIncrBy(key, number(a), b))
    case 'zrem': return s.zRem(key, ...words)
    case 'zcard': return s.zCard(key)
    case 'zscore': return score(await s.zScore(key, a))
    case 'zrank': return (await s.zRank(key, a)) ?? null
    case 'zrevrank': return (await s.zRevRank(key, a)) ?? null
    case 'zrange': return listed(await s.zRange(key, Number(a), Number(b)))
    case 'zrevrange': return listed(await s.zRevRange(key, Number(a), Number(b)))
    case 'zrangebyscore': return listed(await s.zRangeByScore(key, { ...scores(a, b), ...page(words.slice(3)) }))
    case 'zrevrangebyscore': return listed(await s.zRangeByScore(key, { ...scores(b, a), ...page(words.slice(3)), reverse: true }))
    case 'zcount': return s.zCount(key, scores(a, b))
    case 'zremrangebyrank': return s.zRemRangeByRank(key, Number(a), Number(b))
    case 'zremrangebyscore': return s.zRemRangeByScore(key, scores(a, b))
    case 'geoadd': return s.geoAdd(key, { longitude: number(a), latitude: number(b), member: words[2]! })
    case 'geopos': {
      const place = await s.geoPos(key, a)
      return [place === undefined ? null : [place.longitude, place.latitude]]
    }
    case 'geodist': return (await s.geoDist(key, a, b, words[2] as 'm')) ?? null
    case 'geosearch': return (await s.geoSearch(key, geoQuery(words))).map(f => [f.member, f.distance, [f.longitude, f.latitude]])
    default: throw new Error(name)
  }
}

/** Whether answers are the same. Sines differ in their last bits between languages. */
function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => same(item, b[i]))
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b) <= 1e-12 * Math.abs(b)
  return JSON.stringify(a) === JSON.stringify(b)
}

for (const file of ['commands', 'unsalted']) test(`${file} have the answers of Redis and leave the records of Go`, async t => {
  const vectors = read(file)
  const random = crypto.getRandomValues.bind(crypto)
  t.mock.method(crypto, 'getRandomValues', (bytes: Uint8Array<ArrayBuffer>) => { // all salts are the one of Go's tests
    return bytes.length === 8 ? (bytes.set([0, 1, 2, 3, 4, 5, 6, 7]), bytes) : random(bytes)
  })
  const db = await open(file, { driver: memory() })
  const before = (vectors.before ?? []).map(record => record.split(' ').map(text => new Uint8Array(Buffer.from(text, 'hex'))) as [Uint8Array, Uint8Array])
  await db.store('structures').putMulti(before)
  const s = structures(db, 'structures', { clock: () => vectors.now })
  for (let first = 0; first < vectors.commands.length; first += 50) {
    await s.transaction(async within => {
      for (const [i, command] of vectors.commands.slice(first, first + 50).entries()) {
        const answer = await perform(within, vectors.now, command as [string, string]).catch((error: StowageError) => ({
          failed: error.code === 'wrong_type' ? error.code : error.code === 'invalid_argument' || error.code === 'not_found' ? 'invalid' : error,
        }))
        const want = vectors.answers[first + i]
        assert.ok(same(answer, want), `command ${first + i}, ${JSON.stringify(command)}: ${JSON.stringify(answer)}, not ${JSON.stringify(want)}`)
      }
    })
  }
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  const records = (await db.store('structures').range()).map(([key, value]) => `${hex(key)} ${hex(value)}`)
  assert.deepEqual(records.sort(), vectors.records)
  await db.close()
})

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
