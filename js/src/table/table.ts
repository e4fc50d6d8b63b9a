import { inSlices, readList, type Slice, Slicer } from './bulk.js'
import { copyOf, packDocument, unpack } from '../document/document.js'
import type { Decode, Exchange } from '../bridge/engine.js'
import { StowageError } from '../errors.js'
import { nothing } from '../bridge/engine.js'
import { Find } from '../query/find.js'
import type { Identities } from './identity.js'
import { Operation, packOperations } from '../query/op.js'
import { encodeKey } from '../document/key.js'
import { type LongCall, longCall, Options } from '../options.js'
import { part } from '../parts.js'
import { lookUp } from '../document/path.js'
import { packQuery, query } from '../query/query.js'
import type { Policy, Schema } from './schema.js'
import { type Access, latest, type Scope, send } from '../bridge/scope.js'
import type { Changeable, Comparable, Doc, Draft, Key, Match } from '../document/types.js'
import { and, type Ast, toAst, Where } from '../query/where.js'
import { type FrameWriter, Op } from '../bridge/wire.js'

/** What selects documents: a filter of where(), or an object. */
export type Filter<T> = Where<Comparable<T>> | Match<T>

/**
 * What becomes of documents: members to be set, where undefined takes one out; operations; or a function, which
 * changes the document it is given or returns another one. A member that has the name of one of MongoDB's operators is
 * `invalid_argument`: those are operations of `op`, and `op.set` sets a member of any name.
 */
export type Update<T> = Partial<T> | Operation<Changeable<T>> | readonly Operation<Changeable<T>>[] | ((document: T) => T | void | Promise<T | void>)

/** How something is read. */
export interface ReadOptions {
  /**
   * Sees what other tabs and workers have committed by now, at the price of one read of
   * storage. Without it, that shows a moment later; what this one has written always does.
   */
  latest?: boolean
}

/** @internal What a table is, wherever it is used. */
export interface Made {
  policies: readonly Policy[]
  handle: number
  schema: Schema
  maxBytes: number
  ids: Identities | undefined
  /** Makes of a document what the table hands out. */
  revive: ((document: object) => object) | undefined
  /** Called when it is dropped. */
  dropped: () => void
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
  readonly made: Made

  /** @internal */
  constructor(
    readonly name: string,
    readonly scope: Scope,
    made: Made,
  ) {
    this.made = made
  }

  /** The document with an identity, undefined where there is none. */
  get(key: Key, options?: ReadOptions): Promise<T | undefined> {
    if (options !== undefined) return this.asked('get', options).run(Op.Get, 4, f => f.key(key), this.readDocument)
    const { engine, transaction } = this.scope
    if (engine === undefined) return this.scope.ready().then(() => this.get(key))
    try {
      if (transaction === 0) return engine.get(this.made.handle, key, this.readDocument)
      return engine.run(engine.request(Op.Get, 4, transaction, this.made.handle).key(key), this.readDocument)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The documents of many identities, in their order, undefined where there is none. */
  async getMany(keys: readonly Key[], options?: LongCall & ReadOptions): Promise<(T | undefined)[]> {
    const { table: asked, call } = this.askedLong('getMany', options)
    const found: (T | undefined)[] = []
    const take = (documents: ((T & object) | null)[]) => {
      const { revive } = this.made
      for (const document of documents) found.push(document === null ? undefined : revive ? (revive(document) as T) : document)
    }
    const onRows: Decode<true> = (bytes, start, end) => {
      take(readList(bytes, start, end))
      return true
    }
    await asked.manyKeys(keys, 'read', call, (table, part) =>
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
   * Changes the documents that a filter selects, or the one with an identity, and returns how many there
   * were, or with `returning: 'ids'` which. The identity cannot change. All are changed or none; a function
   * runs again where others have changed meanwhile what it was given.
   *
   *     await db.cities.update({ country: 'NO' }, op.increment('visits'))
   */
  update(target: Key | Filter<T>, change: Update<T>, options: LongCall & { returning: 'ids' }): Promise<Key[]>
  update(target: Key | Filter<T>, change: Update<T>, options?: LongCall): Promise<number>
  async update(target: Key | Filter<T>, change: Update<T>, options?: LongCall & { returning?: 'ids' }): Promise<number | Key[]> {
    const { ids, call } = returning('update', options)
    if (typeof change === 'function') {
      const { byFunction } = await part('rewrite')
      const keys = await byFunction<T>(this, this.selected(target), change, call)
      return ids ? keys : keys.length
    }
    for (const name in change) if (name[0] === '$') (await part('rewrite')).mustBeMember(name)
    const packed = change instanceof Operation ? packOperations([change]) : Array.isArray(change) ? packOperations(change) : packDocument(change)
    const alone = isFilter(target) ? identityIn(toAst(target), this.made.schema.key) : [target]
    if (!ids && alone !== undefined) {
      return await this.run(Op.Update, 5, f => f.key(alone[0]).raw(packed), readCount, { signal: call.signal })
    }
    const { bytes, run } = packQuery(query(this.selected(target)))
    return run(exchange => this.run(Op.UpdateWhere, 6, f => f.raw(bytes).raw(packed).bool(ids), (ids ? readKeys : readCount) as Decode<number | Key[]>, exchange), call)
  }

  /** Makes several changes, all or none: each filter meets what those before have left. Returns an identity once for each change. */
  async updateMany(pairs: readonly (readonly [change: Update<T>, filter: Filter<T>])[], options?: LongCall): Promise<Key[]> {
    const call = longCall('updateMany', options)
    const given: unknown = pairs
    if (!Array.isArray(given) || !given.every(pair => Array.isArray(pair))) throw new StowageError('invalid_argument', 'updateMany takes pairs of a change and a filter')
    return (await part('rewrite')).byPairs<T>(this, pairs.slice(), call)
  }

  /**
   * Sets the members of a document in those that a filter selects, and inserts it where there are none; without a filter
   * the one with its identity is meant. Returns the identities of what was changed or inserted.
   */
  async upsert(document: Partial<T>, filter?: Filter<T>): Promise<Key[]> {
    return (await part('rewrite')).upsert<T>(this, copyOf(document), filter)
  }

  /** Puts a document in the place of the one with its identity; `not_found` where there is none. */
  async replace(document: T): Promise<Key> {
    return (await part('rewrite')).replace<T>(this, copyOf(document))
  }

  /** Deletes the document with an identity and returns how many there were: 0 or 1. */
  async delete(key: Key): Promise<number> {
    return this.run(Op.Delete, 4, f => f.array(1).key(key), readCount)
  }

  /**
   * Deletes the documents with these identities, or those a filter selects, and returns how many there were, or with
   * `returning: 'ids'` which.
   */
  deleteMany(target: readonly Key[] | Filter<T>, options: LongCall & { returning: 'ids' }): Promise<Key[]>
  deleteMany(target: readonly Key[] | Filter<T>, options?: LongCall): Promise<number>
  async deleteMany(target: readonly Key[] | Filter<T>, options?: LongCall & { returning?: 'ids' }): Promise<number | Key[]> {
    const { ids, call } = returning('deleteMany', options)
    if (isFilter(target) || (ids && Array.isArray(target))) {
      const { bytes, run } = packQuery(query(isFilter(target) ? target : this.of(target as readonly Key[])))
      return run(exchange => this.run(Op.DeleteWhere, 5, f => f.raw(bytes).bool(ids), (ids ? readKeys : readCount) as Decode<number | Key[]>, exchange), call)
    }
    let count = 0
    await this.manyKeys(target as readonly Key[], 'exclusive', call, async (table, part) => {
      count += await table.run(Op.Delete, 4, f => writeKeys(f, part), readCount, { signal: call.signal })
    })
    return count
  }

  /** deleteMany, by the name it has elsewhere. */
  remove(target: readonly Key[] | Filter<T>, options?: LongCall): Promise<number> {
    return this.deleteMany(target, options)
  }

  /** Forgets the answers to queries that the table keeps: see `cache` of table(). There is no need to call it. */
  async clearCache(): Promise<void> {
    await this.run(Op.ClearCache, 3, () => {}, nothing)
  }

  /** Deletes all documents, however many, at the same cost. Identities are counted from 1 again. */
  async truncate(): Promise<void> {
    await this.run(Op.Truncate, 3, () => {}, nothing)
  }

  /** Removes the table with its documents and indexes. Whatever is done with it is `not_found` then, until the environment is opened anew. */
  async drop(): Promise<void> {
    await send(this.scope, 0, Op.DropTable, 4, f => f.string(this.name), nothing)
    this.made.dropped()
  }

  /** Whether there is a document with an identity, or one that a filter selects. */
  async contains(target: Key | Filter<T>, options?: ReadOptions): Promise<boolean> {
    return (await this.find(this.selected(target), options).limit(1).count()) > 0
  }

  /** How many documents a filter selects; without one, all. */
  async count(filter?: Filter<T>, options?: ReadOptions): Promise<number> {
    const table = this.asked('count', options)
    const { bytes, run } = packQuery(query(filter))
    return run(exchange => table.run(Op.Count, 4, f => f.raw(bytes), readCount, exchange))
  }

  /** The documents that a filter selects. See Find for what can be asked of them. */
  find(filter?: Filter<T>, options?: { signal?: AbortSignal } & ReadOptions): Find<T> {
    const { table, call } = this.askedLong('find', options)
    return new Find<T>(
      (op, packed, decode, exchange) => table.run(op, 4, f => f.raw(packed), decode, exchange),
      query(filter, this.made.schema.key),
      call,
      this.scope.transaction === 0 ? this.made.schema.key : undefined,
      this.made.revive,
      this.scope.over,
    )
  }

  /** All documents. */
  all(options?: { signal?: AbortSignal } & ReadOptions): Find<T> {
    return this.find(undefined, options)
  }

  /** find, by the name it has elsewhere. */
  search(filter?: Filter<T>, options?: { signal?: AbortSignal } & ReadOptions): Find<T> {
    return this.find(filter, options)
  }

  /** @internal Runs several operations as one. */
  together<R>(call: LongCall, body: (table: this) => Promise<R>): Promise<R> {
    return this.scope.together({ kind: 'write', signal: call.signal }, scope => body(this.in(scope)))
  }

  /** @internal Selects by identities, and by a filter beside them. */
  of(keys: readonly Key[], filter?: Filter<T>): Filter<T> {
    for (const key of keys) encodeKey(key) // throws where it is none
    const these = new Where<never>(['in', this.made.schema.key, keys])
    return filter === undefined ? these : and(these, new Where<never>(query(filter).filter))
  }

  private selected(target: Key | Filter<T>): Filter<T> {
    if (isFilter<T>(target)) return target
    if (target === undefined || target === null) throw new StowageError('invalid_argument', 'nothing is selected: give an identity or a filter')
    return this.of([target as Key])
  }

  /** The document with an identity: its own, or one made now. */
  private identified(document: unknown): unknown {
    const { ids, schema } = this.made
    if (ids === undefined) return document
    const name = schema.key[0]!
    const copy = copyOf(document) as Record<string, Key | undefined>
    const key = copy[name]
    if (key === undefined) return { ...copy, [name]: ids.next() }
    if (ids.accepts?.(key) === false) throw new StowageError('invalid_key', 'the identity is not of the kind that the table has')
    return document
  }

  private readonly readDocument = (bytes: Uint8Array, start: number, end: number): T | undefined => {
    const document = unpack(bytes, start, end) as (T & object) | null
    const { revive } = this.made
    return revive === undefined || document === null ? (document ?? undefined) : (revive(document) as T)
  }

  private async storeOne(op: Op.Insert | Op.Put, given: unknown): Promise<Key> {
    const document = this.identified(given)
    const bytes = packDocument(document)
    if (bytes.length > this.made.maxBytes) {
      throw new StowageError('too_large', `a document of ${bytes.length} bytes is over the limit of ${this.made.maxBytes}`)
    }
    const own = this.identity(document) // now: the caller may change the document before the promise is fulfilled
    const ids = await this.run(op, 5, f => f.bool(this.made.schema.increment).array(1).raw(bytes), readIds, undefined, bytes.length + 64)
    return ids === null ? own : ids[0]!
  }

  private async storeMany(op: Op.Insert | Op.Put, documents: readonly unknown[], call: LongCall): Promise<Key[]> {
    if (!Array.isArray(documents)) throw new StowageError('invalid_argument', 'documents must come in a list')
    if (documents.length === 0) return this.scope.ready().then(() => [])
    // A copy: the caller may go on using the list.
    const all = this.made.ids === undefined ? documents.slice() : documents.map(document => this.identified(document))
    const slicer = new Slicer(all, this.made.maxBytes)
    const first = slicer.next()
    if (slicer.over) {
      const ids = await this.storeSlice(op, all, first, call)
      call.onProgress?.(all.length, all.length)
      return ids
    }
    const ids = await this.scope.together({ kind: 'exclusive', signal: call.signal }, scope => {
      const table = this.in(scope)
      const slices = new Slicer(all, this.made.maxBytes)
      return inSlices(all.length, call, () => {
        const slice = slices.next()
        return { ...slice, sent: table.storeSlice(op, all, slice, call) }
      })
    })
    return ids.flat()
  }

  /** Stores one slice of documents and returns their identities: those the engine tells, else their own. */
  private async storeSlice(op: Op.Insert | Op.Put, documents: readonly unknown[], slice: Slice, call: LongCall): Promise<Key[]> {
    const { increment } = this.made.schema
    const { bytes, first, count } = slice
    const own = increment ? [] : documents.slice(first, first + count).map(document => this.identity(document))
    const write = (f: FrameWriter) => f.bool(increment).raw(bytes)
    return (await this.run(op, 5, write, readIds, { signal: call.signal }, bytes.length + 64)) ?? own
  }

  private identity(document: unknown): Key {
    return lookUp(document, this.made.schema.key) as Key
  }

  /** Runs something over keys, in one transaction where they do not fit one call. */
  private async manyKeys(
    keys: readonly Key[],
    kind: Access['kind'],
    call: LongCall,
    each: (table: this, part: readonly Key[]) => Promise<void>,
  ): Promise<void> {
    if (!Array.isArray(keys)) throw new StowageError('invalid_argument', 'identities must come in a list')
    if (keys.length === 0) return void (await this.scope.ready())
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

  /** The same for a call that may take long. */
  private askedLong(call: string, options: (LongCall & ReadOptions) | undefined): { table: Table<T, Generated>; call: LongCall } {
    const o = new Options(call, options)
    const last = o.boolean('latest')
    const long = o.longCall()
    o.done()
    return { table: this.asked(call, { latest: last }), call: long }
  }

  /** @internal The same table in another scope. */
  in(scope: Scope): this {
    return new Table<T, Generated>(this.name, scope, this.made) as this
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
    return send(this.scope, this.made.handle, op, length, write, decode, exchange, bytes)
  }
}

function readCount(bytes: Uint8Array, start: number, end: number): number {
  return unpack(bytes, start, end) as number
}

function readKeys(bytes: Uint8Array, start: number, end: number): Key[] {
  return unpack(bytes, start, end) as Key[]
}

/** Identities that the engine made, or null where the documents brought their own. */
function readIds(bytes: Uint8Array, start: number, end: number): Key[] | null {
  return unpack(bytes, start, end) as Key[] | null
}

function writeKeys(frame: FrameWriter, keys: readonly Key[]): void {
  frame.array(keys.length)
  for (const key of keys) frame.key(key)
}

/** Reads options, and whether identities are asked for. */
export function returning(name: string, options: unknown): { ids: boolean; call: LongCall } {
  if (options === undefined) return { ids: false, call: {} }
  const o = new Options(name, options)
  const ids = o.oneOf('returning', ['ids']) === 'ids'
  const call = o.longCall()
  o.done()
  return { ids, call }
}

/** The identity that is all a filter asks for, in a list of its own: then there is nothing to plan. A key would refuse what no document has. */
function identityIn([name, path, given]: Ast, key: Schema['key']): unknown[] | undefined {
  const values = (name === 'in' ? given : name === 'eq' ? [given] : []) as unknown[]
  const { 0: value, length } = values
  const one = length === 1 && (typeof value === 'string' ? /^[ -~]{0,99}$/.test(value) : Number.isFinite(value))
  return one && JSON.stringify(path) === JSON.stringify(key) ? values : undefined
}

/** Keys are never plain objects, so what is one selects by its members. */
export function isFilter<T>(target: unknown): target is Filter<T> {
  if (target instanceof Where) return true
  if (target === null || typeof target !== 'object') return false
  return !Array.isArray(target) && !(target instanceof Date) && !(target instanceof Uint8Array)
}
