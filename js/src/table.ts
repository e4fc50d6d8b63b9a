import { inSlices, readList, type Slice, Slicer } from './bulk.js'
import { packDocument, unpack } from './document.js'
import type { Decode, Exchange } from './engine.js'
import { StowageError } from './errors.js'
import { Find } from './find.js'
import { type LongCall, longCall, Options } from './options.js'
import { lookUp } from './path.js'
import { packQuery, query } from './query.js'
import type { Schema } from './schema.js'
import { type Access, latest, type Scope, send } from './scope.js'
import type { Comparable, Doc, Draft, Key, Match } from './types.js'
import { Where } from './where.js'
import { type FrameWriter, Op } from './wire.js'

/** What selects documents: a filter of where(), or an object. */
export type Filter<T> = Where<Comparable<T>> | Match<T>

/** How something is read. */
export interface ReadOptions {
  /**
   * Sees what other tabs and workers have committed by now, at the price of one read of
   * storage. Without it, that shows a moment later; what this one has written always does.
   */
  latest?: boolean
}

/** So many keys travel in one call at most. */
const sliceKeys = 4096

/**
 * A table of documents T, each with an identity. Generated names what the table
 * fills in when a document comes without.
 *
 * Every method returns a promise, and rejects with a StowageError. A write that
 * is rejected has changed nothing.
 */
export class Table<T = Doc, Generated extends PropertyKey = never> {
  /** @internal */
  constructor(
    readonly name: string,
    private readonly scope: Scope,
    private readonly handle: number,
    private readonly schema: Schema,
    private readonly maxBytes: number,
  ) {}

  /** The document with an identity, undefined where there is none. */
  get(key: Key, options?: ReadOptions): Promise<T | undefined> {
    if (options !== undefined) return this.asked('get', options).run(Op.Get, 4, f => f.key(key), readDocument<T>)
    const { engine, transaction } = this.scope
    if (engine === undefined) return this.scope.ready().then(() => this.get(key))
    try {
      if (transaction === 0) return engine.get(this.handle, key, readDocument<T>)
      return engine.run(engine.request(Op.Get, 4, transaction, this.handle).key(key), readDocument<T>)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The documents of many identities, in their order, undefined where there is none. */
  async getMany(keys: readonly Key[], options?: LongCall & ReadOptions): Promise<(T | undefined)[]> {
    const { latest: last, ...rest } = options ?? {}
    const call = longCall('getMany', rest)
    const found: (T | undefined)[] = []
    const take = (documents: (T | null)[]) => {
      for (const document of documents) found.push(document ?? undefined)
    }
    const onRows: Decode<true> = (bytes, start, end) => {
      take(readList(bytes, start, end))
      return true
    }
    await this.asked('getMany', { latest: last }).manyKeys(keys, 'read', call, (table, part) =>
      table.run(Op.GetMany, 4, f => writeKeys(f, part), (bytes, start, end) => take(readList(bytes, start, end)), {
        signal: call.signal,
        onRows,
      }),
    )
    return found
  }

  /** Adds a document and returns its identity; `duplicate_key` where that exists. */
  async insert(document: Draft<T, Generated>): Promise<Key> {
    return this.storeOne(Op.Insert, document)
  }

  /** Adds documents, all or none, and returns their identities in order. */
  async insertMany(documents: readonly Draft<T, Generated>[], options?: LongCall): Promise<Key[]> {
    return this.storeMany(Op.Insert, documents, longCall('insertMany', options))
  }

  /** Adds a document, or replaces the one with its identity. */
  async put(document: Draft<T, Generated>): Promise<Key> {
    return this.storeOne(Op.Put, document)
  }

  /** Adds or replaces documents, all or none. */
  async putMany(documents: readonly Draft<T, Generated>[], options?: LongCall): Promise<Key[]> {
    return this.storeMany(Op.Put, documents, longCall('putMany', options))
  }

  /**
   * Sets members of the documents that a filter selects, or of the one with an
   * identity, and returns how many there were. A patch replaces whole members,
   * and cannot change the identity.
   */
  async update(target: Key | Filter<T>, patch: Partial<T>, options?: LongCall): Promise<number> {
    const call = longCall('update', options)
    if (!isFilter(target)) {
      return this.run(Op.Update, 5, f => f.key(target).raw(packDocument(patch)), readCount, { signal: call.signal })
    }
    const { bytes, run } = packQuery(query(target))
    return run(exchange => this.run(Op.UpdateWhere, 5, f => f.raw(bytes).raw(packDocument(patch)), readCount, exchange), call)
  }

  /** Deletes the document with an identity and returns how many there were: 0 or 1. */
  async delete(key: Key): Promise<number> {
    return this.run(Op.Delete, 4, f => f.array(1).key(key), readCount)
  }

  /** Deletes the documents with these identities, or those a filter selects, and returns how many there were. */
  async deleteMany(target: readonly Key[] | Filter<T>, options?: LongCall): Promise<number> {
    const call = longCall('deleteMany', options)
    if (isFilter(target)) {
      const { bytes, run } = packQuery(query(target))
      return run(exchange => this.run(Op.DeleteWhere, 4, f => f.raw(bytes), readCount, exchange), call)
    }
    let count = 0
    await this.manyKeys(target as readonly Key[], 'exclusive', call, async (table, part) => {
      count += await table.run(Op.Delete, 4, f => writeKeys(f, part), readCount, { signal: call.signal })
    })
    return count
  }

  /** How many documents a filter selects; without one, all. */
  async count(filter?: Filter<T>, options?: ReadOptions): Promise<number> {
    const table = this.asked('count', options)
    const { bytes, run } = packQuery(query(filter))
    return run(exchange => table.run(Op.Count, 4, f => f.raw(bytes), readCount, exchange))
  }

  /** The documents that a filter selects. See Find for what can be asked of them. */
  find(filter?: Filter<T>, options?: { signal?: AbortSignal } & ReadOptions): Find<T> {
    const { latest: last, ...rest } = options ?? {}
    const table = this.asked('find', { latest: last })
    return new Find<T>(
      (op, packed, decode, exchange) => table.run(op, 4, f => f.raw(packed), decode, exchange),
      query(filter),
      longCall('find', rest),
      this.scope.transaction === 0 ? this.schema.key : undefined,
    )
  }

  private async storeOne(op: Op.Insert | Op.Put, document: unknown): Promise<Key> {
    const bytes = packDocument(document)
    if (bytes.length > this.maxBytes) {
      throw new StowageError('too_large', `a document of ${bytes.length} bytes is over the limit of ${this.maxBytes}`)
    }
    const own = this.identity(document) // now: the caller may change the document before the promise is fulfilled
    const ids = await this.run(op, 5, f => f.bool(this.schema.increment).array(1).raw(bytes), readIds, undefined, bytes.length + 64)
    return ids === null ? own : ids[0]!
  }

  private async storeMany(op: Op.Insert | Op.Put, documents: readonly unknown[], call: LongCall): Promise<Key[]> {
    if (!Array.isArray(documents)) throw new StowageError('invalid_argument', 'documents must come in a list')
    if (documents.length === 0) return []
    const all = documents.slice() // the caller may go on using the list
    const slicer = new Slicer(all, this.maxBytes)
    const first = slicer.next()
    if (slicer.over) {
      const ids = await this.storeSlice(op, all, first, call)
      call.onProgress?.(all.length, all.length)
      return ids
    }
    const ids = await this.scope.together({ kind: 'exclusive', signal: call.signal }, scope => {
      const table = this.in(scope)
      const slices = new Slicer(all, this.maxBytes)
      return inSlices(all.length, call, () => {
        const slice = slices.next()
        return { ...slice, sent: table.storeSlice(op, all, slice, call) }
      })
    })
    return ids.flat()
  }

  /** Stores one slice of documents and returns their identities: those the engine tells, else their own. */
  private async storeSlice(op: Op.Insert | Op.Put, documents: readonly unknown[], slice: Slice, call: LongCall): Promise<Key[]> {
    const { increment } = this.schema
    const { bytes, first, count } = slice
    const own = increment ? [] : documents.slice(first, first + count).map(document => this.identity(document))
    const write = (f: FrameWriter) => f.bool(increment).raw(bytes)
    return (await this.run(op, 5, write, readIds, { signal: call.signal }, bytes.length + 64)) ?? own
  }

  private identity(document: unknown): Key {
    return lookUp(document, this.schema.key) as Key
  }

  /** Runs something over keys, in one transaction where they do not fit one call. */
  private async manyKeys(
    keys: readonly Key[],
    kind: Access['kind'],
    call: LongCall,
    each: (table: this, part: readonly Key[]) => Promise<void>,
  ): Promise<void> {
    if (!Array.isArray(keys)) throw new StowageError('invalid_argument', 'identities must come in a list')
    if (keys.length === 0) return
    if (keys.length <= sliceKeys) return each(this, keys)
    const all = keys.slice() // the caller may go on using the list
    await this.scope.together({ kind, signal: call.signal }, scope => {
      const table = this.in(scope)
      let at = 0
      return inSlices(all.length, call, () => {
        const first = at
        at += sliceKeys
        const part = all.slice(first, at)
        return { first, count: part.length, sent: each(table, part) }
      })
    })
  }

  /** The same table, reading as options ask. */
  private asked(call: string, options: { latest?: boolean | undefined } | undefined): this {
    const o = new Options(call, options)
    const last = o.boolean('latest')
    o.done()
    return last === true ? this.in(latest(this.scope)) : this
  }

  /** The same table in another scope. */
  private in(scope: Scope): this {
    return new Table<T, Generated>(this.name, scope, this.handle, this.schema, this.maxBytes) as this
  }

  /** Sends one operation. */
  private run<R>(
    op: Op,
    length: number,
    write: (frame: FrameWriter) => void,
    decode: Decode<R>,
    exchange?: Exchange,
    bytes?: number,
  ): Promise<R> {
    return send(this.scope, this.handle, op, length, write, decode, exchange, bytes)
  }
}

function readDocument<T>(bytes: Uint8Array, start: number, end: number): T | undefined {
  return (unpack(bytes, start, end) as T | null) ?? undefined
}

function readCount(bytes: Uint8Array, start: number, end: number): number {
  return unpack(bytes, start, end) as number
}

/** Identities that the engine made, or null where the documents brought their own. */
function readIds(bytes: Uint8Array, start: number, end: number): Key[] | null {
  return unpack(bytes, start, end) as Key[] | null
}

function writeKeys(frame: FrameWriter, keys: readonly Key[]): void {
  frame.array(keys.length)
  for (const key of keys) frame.key(key)
}

/** Keys are never plain objects, so what is one selects by its members. */
function isFilter<T>(target: unknown): target is Filter<T> {
  if (target instanceof Where) return true
  if (target === null || typeof target !== 'object') return false
  return !Array.isArray(target) && !(target instanceof Date) && !(target instanceof Uint8Array)
}
