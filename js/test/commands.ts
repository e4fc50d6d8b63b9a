import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'

import { memory, open, type StowageError } from 'stowage'
import { type GeoQuery, type ScoreRange, type Structures, structures, type ZAddOptions } from 'stowage/structures'

/** Commands with the answers that Redis gave, and the records that stand in the store after them: Go runs the same. */
export interface Vectors {
  now: number
  /** Records that there are already. */
  before?: string[]
  commands: string[][]
  answers: unknown[]
  records: string[]
}

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

/** Replays commands over an empty store, with the salt of Go's tests, and holds answers and records against those of Go. */
export async function replay(t: TestContext, vectors: Vectors): Promise<void> {
  const random = crypto.getRandomValues.bind(crypto)
  t.mock.method(crypto, 'getRandomValues', (bytes: Uint8Array<ArrayBuffer>) => { // all salts are the one of Go's tests
    return bytes.length === 8 ? (bytes.set([0, 1, 2, 3, 4, 5, 6, 7]), bytes) : random(bytes)
  })
  const db = await open('commands', { driver: memory() })
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
}
