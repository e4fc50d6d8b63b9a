/*
 * Stores: the databases of bytes that an environment has beside its tables, seen
 * through coders. A request names its database each time, with flags and all, so
 * that a store can be used at once and outlives an engine that is lost.
 *
 * The other end is wasm/database.go.
 */
import { inSlices } from '../table/bulk.js'
import { type Coder, identity, isCoder, isCompressed, trusted, type ValueCoder } from '../coder/coder.js'
import { Coding } from './coding.js'
import { Cursor } from './cursor.js'
import { unpack } from '../document/document.js'
import type { Decode, Exchange } from '../bridge/engine.js'
import { StowageError } from '../errors.js'
import { mustName } from '../name.js'
import { type LongCall, longCall, Options } from '../options.js'
import { type Bounds, boundsOf, Range, type RangeOptions, type SendTo } from './range.js'
import { type Scope, send } from '../bridge/scope.js'
import { FrameWriter, Op } from '../bridge/wire.js'

/** What a store is for ever, from when it is made. */
export interface StoreFlags {
  /** A key can have several values, which are sorted by their bytes. */
  dupSort?: boolean
  /** Keys are ordered from their last byte on. */
  reverseKey?: boolean
}

/** How a store is seen; without coders, keys and values are bytes. */
export interface StoreOptions<K, V> {
  key?: Coder<K>
  value?: ValueCoder<V>
  /** The flags that it must have, false for those left out; `schema_mismatch` where it has others. Whichever it has, where none is given. */
  flags?: StoreFlags
  /** With 'none', no stage of open() compresses what the new store holds, and its value coder must not: see table(). */
  compress?: 'none'
  /** With false, a store that does not exist is `not_found` rather than empty, and made by the first write. */
  create?: boolean
}

/** What becomes of a pair whose key exists. */
export interface PutOptions {
  /** With false, what is there stays, and put tells false. Default true. */
  overwrite?: boolean
  /** Only with dupSort: with false, put tells false where this very pair exists. */
  duplicate?: boolean
}

/** What a store holds. */
export interface StoreStat {
  entries: number
  flags: Required<StoreFlags>
}

/** The flags by their bits in frames. */
const flagNames = ['dupSort', 'reverseKey'] as const
const dupSort = 1
const uncompressed = 4

/** A slice of pairs or keys aims at so many bytes, and so many of them at most. */
const sliceBytes = 1 << 20
const sliceCount = 4096

/**
 * An ordered map of keys K to values V. Every method returns a promise, and
 * rejects with a StowageError; a write that is rejected has changed nothing.
 */
export class Store<K = Uint8Array, V = Uint8Array> {
  /** The longest key, in bytes of its coder; with dupSort key and value have this room together. */
  readonly maxKeySize = 4096
  private dropped = false

  /** @internal */
  constructor(
    readonly name: string,
    private readonly scope: Scope,
    private readonly head: Uint8Array,
    /** By their bits; undefined for whichever it has. */
    private readonly asked: number | undefined,
    private readonly coding: Coding<K, V>,
  ) {}

  /** @internal */
  static make<K, V>(name: string, scope: Scope, options: StoreOptions<K, V> | undefined): Store<K, V> {
    mustName('a store', name)
    const o = new Options('store', options)
    const flags = readFlags(o.any('flags'), o.oneOf('compress', ['none']) === 'none')
    const create = o.boolean('create') ?? true
    const coding = readCoding<K, V>(o, flags, bytewise as unknown as Coding<K, V>)
    o.done()
    const head = new FrameWriter().array(3).string(name)
    const asking = flags === undefined ? head.nil() : head.uint(flags)
    return new Store(name, scope, asking.bool(create).frame().slice(), flags, coding)
  }

  /** The same store with other coders; those that are not named stay. */
  with<K2 = K, V2 = V>(options: { key?: Coder<K2>; value?: ValueCoder<V2> }): Store<K2, V2> {
    const o = new Options('with', options)
    const coding = readCoding<K2, V2>(o, this.asked, this.coding as unknown as Coding<K2, V2>)
    o.done()
    return new Store(this.name, this.scope, this.head, this.asked, coding)
  }

  /** The value of a key, the smallest where it has several; `fallback` where it has none. */
  get(key: K): Promise<V | undefined>
  get<D>(key: K, fallback: D): Promise<V | D>
  async get(key: K, fallback?: unknown): Promise<unknown> {
    return this.decode(await this.keyed(Op.DBGet, key), fallback)
  }

  /** Whether there is a value of a key. */
  async has(key: K): Promise<boolean> {
    return (await this.keyed(Op.DBGet, key)) !== null
  }

  /** The values of many keys at one moment, undefined where there is none. */
  async getMulti(keys: Iterable<K>, options?: LongCall): Promise<Map<K, V | undefined>> {
    const call = longCall('getMulti', options)
    const all = listOf('getMulti', keys)
    const found: (Uint8Array | null)[] = []
    await this.inSlices(all.map(key => this.coding.key.encode(key)), [], 'read', call, async (store, part) => {
      const onRows: Decode<true> = (bytes, start, end) => {
        for (const value of readBytes(bytes, start, end)) found.push(value)
        return true
      }
      const write = (f: FrameWriter) => writeList(f, part)
      const last = await store.send(Op.DBGetMulti, 2, write, readBytes, { signal: call.signal, onRows }, sizeOf(part))
      for (const value of last) found.push(value)
    })
    const values = await this.coding.unpack(this.scope, found.filter(value => value !== null))
    let next = 0
    return new Map(all.map((key, i) => [key, found[i] === null ? undefined : values[next++]]))
  }

  /** Sets the value of a key, or adds one with dupSort; tells whether it was written. */
  async put(key: K, value: V, options?: PutOptions): Promise<boolean> {
    const o = new Options('put', options)
    const overwrite = o.boolean('overwrite') ?? true
    const duplicate = o.boolean('duplicate') ?? true
    o.done()
    const how = overwrite ? (duplicate ? 0 : 2) : 1
    return (await this.paired(Op.DBPut, 3, key, [value], (f, pair) => writeList(f.uint(how), pair), readCounts))[1] > 0
  }

  /** Puts many pairs, all or none; tells how many were looked at, and how many were written. */
  async putMulti(
    pairs: Iterable<readonly [K, V]>,
    options?: LongCall & { overwrite?: boolean },
  ): Promise<{ consumed: number; added: number }> {
    const o = new Options('putMulti', options)
    const overwrite = o.boolean('overwrite') ?? true
    const call = o.longCall()
    o.done()
    const keys: K[] = []
    const values: V[] = []
    for (const pair of listOf('putMulti', pairs)) {
      if (!Array.isArray(pair) || pair.length !== 2) throw new StowageError('invalid_argument', 'putMulti takes pairs of a key and a value')
      keys.push(pair[0] as K)
      values.push(pair[1] as V)
    }
    const sum = { consumed: 0, added: 0 }
    await this.inSlices(keys.map(key => this.coding.key.encode(key)), values, 'exclusive', call, async (store, part) => {
      const write = (f: FrameWriter) => writeList(f.uint(overwrite ? 0 : 1), part)
      const [consumed, added] = await store.send(Op.DBPut, 3, write, readCounts, { signal: call.signal }, sizeOf(part))
      sum.consumed += consumed
      sum.added += added
    })
    return sum
  }

  /** Deletes a key with all its values, or one of the values; tells whether it was there. */
  async delete(key: K, value?: V): Promise<boolean> {
    return (await this.paired(Op.DBDelete, 2, key, value === undefined ? [] : [value], writeList, read<boolean[]>))[0]!
  }

  /** Deletes many keys, all or none; tells for each whether it was there. */
  async deleteMulti(keys: Iterable<K>, options?: LongCall): Promise<Map<K, boolean>> {
    const call = longCall('deleteMulti', options)
    const all = listOf('deleteMulti', keys)
    const found: boolean[] = []
    const list = all.map(key => this.coding.key.encode(key))
    await this.inSlices(list, [], 'exclusive', call, async (store, part) => {
      const write = (f: FrameWriter) => writeList(f, part.flatMap(key => [key, undefined]))
      for (const was of await store.send(Op.DBDelete, 2, write, read<boolean[]>, { signal: call.signal }, sizeOf(part))) found.push(was)
    })
    return new Map(all.map((key, i) => [key, found[i]!]))
  }

  /** Deletes a key, with dupSort its smallest value only, and returns the value. */
  async pop(key: K): Promise<V | undefined> {
    return this.decode(await this.keyed(Op.DBPop, key), undefined) as Promise<V | undefined>
  }

  /** Sets the value of a key and returns the one before. */
  async replace(key: K, value: V): Promise<V | undefined> {
    const old = await this.paired(Op.DBReplace, 3, key, [value], (f, [bytes, packed]) => f.bin(bytes!).bin(packed!), read<Uint8Array | null>)
    return this.decode(old, undefined) as Promise<V | undefined>
  }

  /** How many entries there are, or in a range. With dupSort every value counts. */
  async count(range?: Bounds<K>): Promise<number> {
    const bounds = boundsOf('count', range, this.coding.key)
    return this.run(Op.DBCount, 2, f => f.raw(bounds), read<number>)
  }

  async stat(): Promise<StoreStat> {
    const { entries, flags } = await this.run(Op.DBStat, 1, () => {}, read<{ entries: number; flags: number }>)
    return { entries, flags: { dupSort: (flags & dupSort) !== 0, reverseKey: (flags & 2) !== 0 } }
  }

  async flags(): Promise<Required<StoreFlags>> {
    return (await this.stat()).flags
  }

  /** Deletes everything in the store, which stays. */
  async empty(): Promise<void> {
    await this.run(Op.DBEmpty, 1, () => {}, read)
  }

  /** Removes the store with everything in it; this object is of no use then. */
  async drop(): Promise<void> {
    await this.run(Op.DBDrop, 1, () => {}, read)
    this.dropped = true
  }

  /**
   * The entries of a range, in the order of keys: awaited all at once, or iterated
   * in parts, over one snapshot. With `values: false` keys alone, with `keys:
   * false` values. What a loop in a transaction writes may or may not be met by it
   * later on; a cursor meets it.
   *
   *     for await (const [key, value] of records.range({ gte: 10, reverse: true })) …
   */
  range(options: RangeOptions<K> & { values: false }): Range<K>
  range(options: RangeOptions<K> & { keys: false }): Range<V>
  range(options?: RangeOptions<K>): Range<[K, V]>
  range(options?: RangeOptions<K>): Range<never> {
    const sendTo: SendTo = (op, count, write, decode, exchange) => this.run(op, count, write, decode, exchange)
    return new Range<never>(this.scope, sendTo, this.coding as Coding<unknown, unknown>, options as RangeOptions<never> | undefined)
  }

  /** A cursor over all keys or a range of them: only in a transaction, and no longer than that. */
  async cursor(range?: Bounds<K>): Promise<Cursor<K, V>> {
    if (this.scope.transaction === 0) throw new StowageError('invalid_argument', 'a cursor needs a transaction')
    const bounds = boundsOf('cursor', range, this.coding.key)
    return new Cursor(this.scope, await this.run(Op.CursorOpen, 2, f => f.raw(bounds), read<number>), this.coding)
  }

  private keyed(op: Op, key: K): Promise<Uint8Array | null> {
    const bytes = this.coding.key.encode(key)
    return this.run(op, 2, f => f.bin(bytes), read<Uint8Array | null>)
  }

  /** Sends a key with a value or none, once that is compressed where it must be. */
  private async paired<R>(
    op: Op,
    count: number,
    key: K,
    value: V[],
    write: (frame: FrameWriter, pair: (Uint8Array | undefined)[]) => void,
    decode: Decode<R>,
  ): Promise<R> {
    const bytes = this.coding.key.encode(key)
    return this.coding.inTurn(this.scope, value, ([packed]) => {
      const pair = [bytes, packed]
      return this.send(op, count, f => write(f, pair), decode, undefined, sizeOf(pair))
    })
  }

  private async decode(bytes: Uint8Array | null, fallback: unknown): Promise<unknown> {
    return bytes === null ? fallback : (await this.coding.unpack(this.scope, [bytes]))[0]
  }

  /** Runs something over keys, each followed by its value where there are values: in one transaction where they do not fit one call. */
  private inSlices(
    keys: Uint8Array[],
    values: V[],
    kind: 'read' | 'exclusive',
    call: LongCall,
    each: (store: this, part: Uint8Array[]) => Promise<void>,
  ): Promise<void> {
    return this.coding.inTurn(this.scope, values, async packed => {
      const list = packed.length === 0 ? keys : keys.flatMap((key, i) => [key, packed[i]!])
      if (list.length === 0) return void (await this.scope.ready())
      if (sliceEnd(list, 0) === list.length) return each(this, list)
      await this.scope.together({ kind, signal: call.signal }, scope => {
        const store = new Store(this.name, scope, this.head, this.asked, this.coding) as this
        let at = 0
        return inSlices(list.length, call, () => {
          const first = at
          at = sliceEnd(list, first)
          return { first, count: at - first, sent: each(store, list.slice(first, at)) }
        })
      })
    })
  }

  /** Sends one operation of so many arguments, the database being the first, when it is its turn. */
  private run<R>(op: Op, count: number, write: (frame: FrameWriter) => void, decode: Decode<R>, exchange?: Exchange): Promise<R> {
    return this.coding.inTurn(this.scope, [], () => this.send(op, count, write, decode, exchange))
  }

  private send<R>(
    op: Op,
    count: number,
    write: (frame: FrameWriter) => void,
    decode: Decode<R>,
    exchange?: Exchange,
    bytes?: number,
  ): Promise<R> {
    if (this.dropped) return Promise.reject(new StowageError('not_found', 'the store was dropped'))
    return send(this.scope, 0, op, 3 + count, frame => write(frame.raw(this.head)), decode, exchange, bytes)
  }
}

const bytewise = new Coding(identity, identity, undefined)

/** Reads coders out of options, for a store of these flags; what is left out stays as it is in `otherwise`. */
function readCoding<K, V>(o: Options, flags: number | undefined, otherwise: Coding<K, V>): Coding<K, V> {
  const given = (o.any('key') ?? otherwise.key) as Coder<K>
  if (!isCoder(given)) throw o.wrong('key', 'a coder that does not compress')
  const key = trusted(given)
  const value = o.any('value') as ValueCoder<V> | undefined
  if (value === undefined) return new Coding(key, otherwise.value, otherwise.level)
  if (isCoder(value)) return new Coding(key, trusted(value), undefined)
  if (value === null || typeof value !== 'object' || !isCompressed(value)) throw o.wrong('value', 'a coder')
  if (flags !== undefined && flags & (dupSort | uncompressed)) throw o.wrong('value', 'a coder that does not compress')
  return new Coding(key, value.inner, value.level)
}

/** Where one of them is given, those that are not are false. */
function readFlags(given: unknown, plain: boolean): number | undefined {
  const o = new Options('store: flags', given)
  const flags = flagNames.map(name => o.boolean(name))
  o.done()
  if (!plain && flags.every(flag => flag === undefined)) return undefined
  return flags.reduce((bits, flag, i) => (flag ? bits | (1 << i) : bits), plain ? uncompressed : 0)
}

function listOf<T>(call: string, given: Iterable<T>): T[] {
  if (given === null || typeof given !== 'object' || !(Symbol.iterator in given)) throw new StowageError('invalid_argument', `${call} takes a list`)
  return Array.from(given)
}

/** Where the slice ends that begins at a place of a list; slices are of an even length. */
function sliceEnd(list: Uint8Array[], from: number): number {
  let at = from
  for (let bytes = 0; at < list.length && (at - from < sliceCount && bytes < sliceBytes || at % 2 !== 0); at++) bytes += list[at]!.length
  return at
}

function writeList(frame: FrameWriter, list: (Uint8Array | undefined)[]): void {
  frame.array(list.length)
  for (const bytes of list) frame.optional(bytes)
}

/** About how large the frame of a list is. */
function sizeOf(list: (Uint8Array | undefined)[]): number {
  return list.reduce((sum, bytes) => sum + 5 + (bytes?.length ?? 0), 1024)
}

function read<R>(bytes: Uint8Array, start: number, end: number): R {
  return unpack(bytes, start, end) as R
}

const readBytes: Decode<(Uint8Array | null)[]> = read
const readCounts: Decode<[consumed: number, added: number]> = read
