/*
 * Structures are the commands over one store of an environment.
 *
 * The other side is store/structure/structures.go.
 */
import { type Coder, isCoder, trusted } from '../coder/coder.js'
import { StowageError } from '../errors.js'
import { Options } from '../options.js'
import type { Store } from '../store/store.js'
import { type Found, geoAdd, geoDist, geoPos, type GeoQuery, geoSearch, type Place, type Unit } from './geo.js'
import { hGetAll, hIncrBy, hLen, hMGet, hSet } from './hash.js'
import { check, decode, encode, invalid, type Kind } from './layout.js'
import { Records } from './records.js'
import {
  deleteMembers, removeAll, type ScoreRange, type Scores, type Z, zAdd, type ZAddOptions, zCard, zCount, zIncrBy, zRange, zRangeByScore, zRank, zScore,
} from './sortedset.js'
import { get, getDel, incrBy, set } from './value.js'

/** What structures stand in: an environment, or a transaction of one. */
export interface Ground {
  store(name: string): Store
  transaction<R>(body: (tx: Ground) => Promise<R>, options?: { readOnly?: boolean; latest?: boolean }): Promise<R>
}

/** How structures are seen. */
export interface StructuresOptions<V> {
  /** What values of plain keys and fields are; text where it is not given. Booleans and what `incrBy` adds to are text all the same. */
  value?: Coder<V>
  /** Tells the time, in milliseconds since 1970, by which structures expire. */
  clock?: () => number
  /** Every so many milliseconds what has expired is removed, until `close`; by `sweep` alone where it is not given. */
  sweepEvery?: number
}

/** How long a value stays: milliseconds, for ever where it is not given, or 'keep' for as long as the one before. */
export type TTL = number | 'keep'

const texts: Coder<string> = { encode, decode }

/**
 * The structures in a store, which is made by the first write, and to which nothing else should write.
 *
 *     const scores = structures(db, 'scores')
 *     await scores.zAdd('chess', { member: 'Ada', score: 2810 }, { member: 'Bo', score: 2700 })
 *     await scores.zRevRange('chess', 0, 9)
 */
export function structures<V = string>(ground: Ground, name: string, options?: StructuresOptions<V>): Structures<V> {
  const o = new Options('structures', options)
  const given = o.any('value') ?? texts
  if (!isCoder(given)) throw o.wrong('value', 'a coder')
  const value = trusted(given) as Coder<V>
  const clock = o.function<() => number>('clock') ?? Date.now
  const every = o.integer('sweepEvery', { least: 1 })
  o.done()
  mustHold(ground)
  return new Structures<V>(ground, name, value, clock, false, every)
}

/**
 * Every command is a promise, and a transaction of its own: it rejects with a StowageError and has changed nothing, or is done.
 * Keys, fields and members are strings, not empty. `wrong_type` where a key holds another kind of structure.
 */
export class Structures<V = string> {
  private sweeping: ReturnType<typeof setInterval> | undefined
  /** The last command under way that writes a key. The next waits for it: side by side they would conflict. */
  private readonly busy = new Map<string, Promise<unknown>>()

  /** @internal */
  constructor(
    private readonly ground: Ground,
    private readonly name: string,
    private readonly coder: Coder<V>,
    private readonly clock: () => number,
    private readonly within: boolean,
    every?: number,
  ) {
    if (every === undefined) return
    this.sweeping = setInterval(() => {
      this.sweep().catch((error: unknown) => {
        if (error instanceof StowageError && error.code === 'closed') this.close()
      })
    }, every)
    ;(this.sweeping as { unref?(): void }).unref?.()
  }

  /** The structures in a transaction of the environment: what commands write is committed with everything else in it. One at a time. */
  in(tx: Ground): Structures<V> {
    mustHold(tx)
    return new Structures(tx, this.name, this.coder, this.clock, true)
  }

  /** Runs commands in one transaction, all of them or none. One at a time. */
  async transaction<R>(body: (within: Structures<V>) => Promise<R>): Promise<R> {
    mustRun(body)
    return this.ground.transaction(tx => body(this.in(tx)))
  }

  /** Runs commands that only read in one transaction: they see one snapshot. */
  async view<R>(body: (within: Structures<V>) => Promise<R>): Promise<R> {
    mustRun(body)
    return this.ground.transaction(tx => body(this.in(tx)), { readOnly: true })
  }

  /** Has what begins afterwards see what other tabs and workers had committed by now. Without, it does a moment later. */
  async refresh(): Promise<void> {
    await this.ground.transaction(async () => {}, { readOnly: true, latest: true })
  }

  /** Removes what has expired, and what large structures have left, in many small transactions; tells how many records. */
  async sweep(): Promise<number> {
    for (let all = 0; ; ) {
      const n = await this.write([], t => t.sweep())
      if (n === 0) return all
      all += n
    }
  }

  /** Ends the sweeping in the background. */
  close(): void {
    clearInterval(this.sweeping)
  }

  // Any key

  async type(key: string): Promise<Kind> {
    return (await this.live(key))?.kind ?? 'none'
  }

  /** How many of the keys exist. */
  exists(...keys: string[]): Promise<number> {
    return this.read(async t => {
      let n = 0
      for (const key of keys) if ((check(key), await t.live(key)) !== undefined) n++
      return n
    })
  }

  /** Deletes keys of any kind, and tells how many there were. */
  del(...keys: string[]): Promise<number> {
    return this.write(keys, async t => {
      let n = 0
      for (const key of keys) {
        check(key)
        if ((await t.live(key)) !== undefined) n++
        await t.discard(key)
      }
      return n
    })
  }

  /** Has a key expire after so many milliseconds, at once where that is not positive; tells whether there is such a key. */
  expire(key: string, ttl: number): Promise<boolean> {
    return this.limit(key, ttl, true)
  }

  /** Has a key expire at a time: a Date or milliseconds since 1970. */
  expireAt(key: string, at: Date | number): Promise<boolean> {
    return this.limit(key, at instanceof Date ? at.getTime() : at, false)
  }

  /** How many milliseconds a key stays: −1 for ever, −2 where there is none. */
  ttl(key: string): Promise<number> {
    return this.read(async t => {
      check(key)
      const h = await t.live(key)
      return h === undefined ? -2 : h.expires === 0 ? -1 : h.expires - t.now
    })
  }

  /** Has a key not expire any more, and tells whether it would have. */
  persist(key: string): Promise<boolean> {
    return this.write([key], async t => {
      check(key)
      const h = await t.live(key)
      if (h === undefined || h.expires === 0) return false
      await t.limit(key, h, 0)
      await t.save(key, h)
      return true
    })
  }

  // Plain keys

  async get(key: string): Promise<V | undefined> {
    return this.decode(await this.read(t => get(t, key)))
  }

  async set(key: string, value: V, ttl: TTL = 0): Promise<void> {
    await this.setBytes(key, this.coder.encode(value), ttl)
  }

  /** Sets the value of a key that does not exist, and tells whether it did. */
  async setNX(key: string, value: V, ttl = 0): Promise<boolean> {
    const bytes = this.coder.encode(value)
    checkTTL(ttl)
    return this.write([key], async t => {
      check(key)
      if ((await t.live(key)) !== undefined) return false
      await set(t, key, bytes, ttl)
      return true
    })
  }

  /** Returns the value of a plain key and deletes it. */
  async getDel(key: string): Promise<V | undefined> {
    return this.decode(await this.write([key], t => getDel(t, key)))
  }

  /** Adds to the whole number, of 64 bits, that a plain key holds in decimal; 0 where there is none. */
  async incrBy(key: string, by: number | bigint): Promise<bigint> {
    const n = whole(by)
    return this.write([key], t => incrBy(t, key, n))
  }

  async setBool(key: string, is: boolean, ttl: TTL = 0): Promise<void> {
    if (typeof is !== 'boolean') throw invalid('a boolean is true or false')
    await this.setBytes(key, encode(is ? '1' : '0'), ttl)
  }

  /** Whether something is so, undefined where that is not known. */
  async getBool(key: string): Promise<boolean | undefined> {
    const bytes = await this.read(t => get(t, key))
    if (bytes === undefined) return undefined
    if (bytes.length !== 1 || (bytes[0] !== 48 && bytes[0] !== 49)) throw new StowageError('wrong_type', 'the key holds no boolean')
    return bytes[0] === 49
  }

  // Hashes

  /** Sets fields, and tells how many of them are new. */
  async hSet(key: string, fields: Readonly<Record<string, V>> | ReadonlyMap<string, V>): Promise<number> {
    if (fields !== Object(fields) || Array.isArray(fields)) throw invalid('fields are an object or a map')
    const entries = fields instanceof Map ? [...(fields as ReadonlyMap<string, V>)] : Object.entries(fields as Record<string, V>)
    const pairs = entries.map(([field, value]) => [field, this.coder.encode(value)] as const)
    return this.write([key], t => hSet(t, key, pairs))
  }

  async hGet(key: string, field: string): Promise<V | undefined> {
    return (await this.hMGet(key, field)).get(field)
  }

  /** The values of those of the fields that there are. */
  async hMGet(key: string, ...fields: string[]): Promise<Map<string, V>> {
    return this.decodeAll(await this.read(t => hMGet(t, key, fields)))
  }

  async hGetAll(key: string): Promise<Map<string, V>> {
    return this.decodeAll(await this.read(t => hGetAll(t, key)))
  }

  hDel(key: string, ...fields: string[]): Promise<number> {
    return this.write([key], t => deleteMembers(t, key, 'hash', fields))
  }

  async hExists(key: string, field: string): Promise<boolean> {
    return (await this.read(t => hMGet(t, key, [field]))).size > 0
  }

  hLen(key: string): Promise<number> {
    return this.read(t => hLen(t, key))
  }

  async hIncrBy(key: string, field: string, by: number | bigint): Promise<bigint> {
    const n = whole(by)
    return this.write([key], t => hIncrBy(t, key, field, n))
  }

  // Sorted sets

  /** Sets the scores of members, and tells how many members are new. */
  zAdd(key: string, ...members: Z[]): Promise<number> {
    return this.zAddWith(key, members)
  }

  zAddWith(key: string, members: readonly Z[], options?: ZAddOptions): Promise<number> {
    return this.write([key], t => zAdd(t, key, members, options))
  }

  /** Adds to the score of a member, 0 where there is none, and returns the sum. */
  zIncrBy(key: string, by: number, member: string): Promise<number> {
    return this.write([key], t => zIncrBy(t, key, by, member))
  }

  zRem(key: string, ...members: string[]): Promise<number> {
    return this.write([key], t => deleteMembers(t, key, 'zset', members))
  }

  zCard(key: string): Promise<number> {
    return this.read(t => zCard(t, key))
  }

  zScore(key: string, member: string): Promise<number | undefined> {
    return this.read(t => zScore(t, key, member))
  }

  /** How many members come before one; undefined where there is no such member. */
  zRank(key: string, member: string): Promise<number | undefined> {
    return this.read(t => zRank(t, key, member, false))
  }

  zRevRank(key: string, member: string): Promise<number | undefined> {
    return this.read(t => zRank(t, key, member, true))
  }

  /** The members from one rank to another, which is included. Ranks below 0 count from the end: −1 is the last member. */
  zRange(key: string, start: number, stop: number): Promise<Z[]> {
    return this.read(t => zRange(t, key, start, stop, false))
  }

  /** The same in reverse: rank 0 is the member of the greatest score. */
  zRevRange(key: string, start: number, stop: number): Promise<Z[]> {
    return this.read(t => zRange(t, key, start, stop, true))
  }

  /** The members within scores. */
  zRangeByScore(key: string, range?: ScoreRange): Promise<Z[]> {
    return this.read(t => zRangeByScore(t, key, range))
  }

  zCount(key: string, scores?: Scores): Promise<number> {
    return this.read(t => zCount(t, key, scores))
  }

  zRemRangeByRank(key: string, start: number, stop: number): Promise<number> {
    return this.write([key], async t => removeAll(t, key, await zRange(t, key, start, stop, false)))
  }

  zRemRangeByScore(key: string, scores?: Scores): Promise<number> {
    return this.write([key], async t => removeAll(t, key, await zRangeByScore(t, key, scores)))
  }

  // Places

  /** Sets where members are, and tells how many of them are new. */
  geoAdd(key: string, ...places: Place[]): Promise<number> {
    return this.write([key], t => geoAdd(t, key, places))
  }

  geoPos(key: string, member: string): Promise<Place | undefined> {
    return this.read(t => geoPos(t, key, member))
  }

  /** How far two members are from each other; undefined where one is missing. */
  geoDist(key: string, a: string, b: string, unit: Unit = 'm'): Promise<number | undefined> {
    return this.read(t => geoDist(t, key, a, b, unit))
  }

  /** The places in an area, by their distance from its middle. */
  geoSearch(key: string, query: GeoQuery): Promise<Found[]> {
    return this.read(t => geoSearch(t, key, query))
  }

  private read<R>(body: (t: Records) => Promise<R>): Promise<R> {
    const run = async (tx: Ground) => body(this.records(tx))
    return this.within ? run(this.ground) : this.ground.transaction(run, { readOnly: true })
  }

  /** In a transaction a command is one within it, so that one that fails half-way leaves nothing. */
  private write<R>(keys: readonly string[], body: (t: Records) => Promise<R>): Promise<R> {
    const run = () => this.ground.transaction(async tx => body(this.records(tx)))
    if (this.within) return run()
    const before = keys.flatMap(key => this.busy.get(key) ?? [])
    const done = before.length === 0 ? run() : Promise.all(before).then(run)
    const over = done.then(() => {}, () => {})
    for (const key of keys) {
      this.busy.set(key, over)
      void over.then(() => {
        if (this.busy.get(key) === over) this.busy.delete(key)
      })
    }
    return done
  }

  private records(tx: Ground): Records {
    const now = this.clock()
    if (!Number.isFinite(now)) throw new StowageError('invalid_option', 'structures: the clock tells no time')
    return new Records(tx.store(this.name), Math.trunc(now))
  }

  private live(key: string) {
    return this.read(t => (check(key), t.live(key)))
  }

  private limit(key: string, time: number, fromNow: boolean): Promise<boolean> {
    return this.write([key], async t => {
      check(key)
      const until = typeof time === 'number' ? Math.trunc(fromNow ? t.now + time : time) : NaN
      if (!Number.isFinite(until)) throw invalid('a time to live is milliseconds')
      const h = await t.live(key)
      if (h === undefined) return false
      if (until <= t.now) {
        await t.bury(key, h)
        return true
      }
      await t.limit(key, h, until)
      await t.save(key, h)
      return true
    })
  }

  private async setBytes(key: string, bytes: Uint8Array, ttl: TTL): Promise<void> {
    if (ttl !== 'keep') checkTTL(ttl)
    return this.write([key], t => set(t, key, bytes, ttl))
  }

  private decode(bytes: Uint8Array | undefined): V | undefined {
    return bytes === undefined ? undefined : this.coder.decode(bytes)
  }

  private decodeAll(values: Map<string, Uint8Array>): Map<string, V> {
    return new Map([...values].map(([field, bytes]) => [field, this.coder.decode(bytes)]))
  }
}

function mustHold(ground: Ground): void {
  if (typeof ground?.store !== 'function') throw invalid('structures stand in an environment, or a transaction of one')
}

function mustRun(body: unknown): void {
  if (typeof body !== 'function') throw invalid('what runs in a transaction is a function')
}

function checkTTL(ttl: number): void {
  if (!Number.isSafeInteger(ttl) || ttl < 0) throw invalid('a time to live is milliseconds, 0 for ever')
}

function whole(by: number | bigint): bigint {
  if (typeof by !== 'bigint' && !Number.isSafeInteger(by)) throw invalid('what is added is a whole number')
  return BigInt(by)
}
