/*
 * What stands between a table and those who use it. A write becomes a transaction in which the
 * documents go through the steps of every policy; what is read goes through them on the way back.
 *
 * The other end, for Go programs, is store/policies.
 */
import { packDocument, packPlain, unpackPlain } from '../document/document.js'
import { StowageError } from '../errors.js'
import type { Find } from '../query/find.js'
import { type LongCall, longCall } from '../options.js'
import { lookUp } from '../document/path.js'
import type { Change } from '../query/sql.js'
import type { Policy } from '../table/schema.js'
import type { Scope } from '../bridge/scope.js'
import { type Filter, isFilter, returning, type Table } from '../table/table.js'
import type { Key } from '../document/types.js'

type Promised<V> = V | Promise<V>
type Returning = ReturnType<typeof returning>

/**
 * What a policy does. Each step is optional. What is given a document may change it in place; what may return one
 * puts that in its place. Writes go through the policies in their order, reads in reverse.
 */
// biome-ignore lint: a list of policies has them of all documents
export interface Steps<T = any> extends Policy {
  /** Selects what is deleted before any write. */
  stale?(): Filter<T>
  /** Before a document is stored that was not there. */
  created?(document: T, table: Table<T>): Promised<T | void>
  /** Before a document takes the place of another. */
  updated?(document: T, before: T, table: Table<T>): Promised<T | void>
  /** To and from the form in which documents are stored. */
  write?(document: T, table: Table<T>): Promised<T>
  load?(document: T, table: Table<T>): Promised<T>
  /** At the end of the transaction of a write, with the identities of what it has stored. What is deleted through `hooked` the other policies hear of. */
  settled?(table: Table<T>, keys: readonly Key[], hooked: Table<T>): Promised<void>
  /** When that transaction was one of its own, and has been committed. */
  kept?(table: Table<T>): void
  deleted?(document: T, table: Table<T>): Promised<void>
  truncated?(table: Table<T>): Promised<void>
  /** Before a document is handed out; null hides it. */
  read?(document: T, table: Table<T>): Promised<T | null | void>
  /** Whether read and load have to see what is found now. Without it, they have to where they are. */
  reads?(): boolean
  /** Reading changes nothing. */
  looks?: boolean
  /** Narrows what is asked for. */
  narrow?(filter: Filter<T> | undefined): Filter<T>
}

/** A table with policies. It has all that the table has, for it is one: only what they are about is another. */
export function overlay<T>(table: Table<T>, policies: readonly Policy[]): Table<T> {
  return Object.assign(Object.create(table) as Table<T>, new Overlay<T>(table, policies as readonly Steps<T>[]).methods())
}

class Overlay<T> {
  private readonly back: readonly Steps<T>[]

  constructor(private readonly plain: Table<T>, private readonly steps: readonly Steps<T>[]) {
    this.back = [...steps].reverse()
  }

  methods() {
    return {
      in: (scope: Scope) => overlay(this.plain.in(scope), this.steps),
      get: async (key: Key, options?: never) => (await this.deliver([await this.plain.get(key, options)]))[0],
      getMany: async (keys: readonly Key[], options?: never) => this.deliver(await this.plain.getMany(keys, options)),
      find: (filter?: Filter<T>, options?: never) => this.found(this.plain.find(this.narrow(filter), options)),
      count: (filter?: Filter<T>, options?: never) => this.plain.count(this.narrow(filter), options),
      insert: async (document: T) => (await this.insert([document]))[0]!,
      insertMany: async (documents: readonly T[], options?: LongCall) => this.insert(documents, longCall('insertMany', options)),
      put: async (document: T) => (await this.put([document]))[0]!,
      putMany: async (documents: readonly T[], options?: LongCall) => this.put(documents, longCall('putMany', options)),
      update: async (target: Key | Filter<T>, change: never, options?: unknown) => this.update(target, change, returning('update', options)),
      delete: (key: Key) => this.delete([key], { ids: false, call: {} }),
      deleteMany: async (target: readonly Key[] | Filter<T>, options?: unknown) => this.delete(target, returning('deleteMany', options)),
      truncate: () => this.truncate(),
      tidied: () => this.tidied(),
      heard: (changes: readonly Change[]) => this.heard(changes),
      kept: () => this.kept(),
    }
  }

  private async insert(documents: readonly T[], call: LongCall = {}): Promise<Key[]> {
    const given = packed(documents)
    return this.within(call, async of => {
      const stored: T[] = []
      for (const document of unpacked<T>(given)) stored.push(await of.stored(await of.created(document)))
      return of.settled(await of.plain.insertMany(stored as never, call))
    })
  }

  private async put(documents: readonly T[], call: LongCall = {}): Promise<Key[]> {
    const given = packed(documents)
    return this.within(call, async of => {
      const stored: T[] = []
      for (const document of unpacked<T>(given)) {
        const key = of.keyOf(document)
        const before = key === undefined ? undefined : await of.plain.get(key)
        const whole = before === undefined ? await of.created(document) : await of.updated(document, await of.loaded(before))
        if (before !== undefined) of.mustKeep('put', key, whole)
        stored.push(await of.stored(whole))
      }
      return of.settled(await of.plain.putMany(stored as never, call))
    })
  }

  /** The engine makes the change, to documents in the form in which they are handed out. */
  private update(target: Key | Filter<T>, change: never, { ids, call }: Returning): Promise<number | Key[]> {
    return this.within(call, async of => {
      const before = await of.selected(isFilter<T>(target) ? target : [target])
      const keys = before.map(document => of.keyOf(document)!)
      if (of.steps.some(({ load }) => load !== undefined)) await of.plain.putMany(before as never)
      for (const key of keys) await of.plain.update(key, change)
      const stored: T[] = []
      for (const [i, document] of (await of.plain.getMany(keys)).entries()) {
        const whole = await of.updated(document as T, before[i]!)
        of.mustKeep('update', keys[i], whole)
        stored.push(await of.stored(whole))
      }
      if (keys.length > 0) await of.plain.putMany(stored as never)
      await of.settled(keys)
      return ids ? keys : keys.length
    })
  }

  private delete(target: readonly Key[] | Filter<T>, { ids, call }: Returning): Promise<number | Key[]> {
    return this.within(call, async of => {
      const keys = await of.remove(await of.selected(target))
      return ids ? keys : keys.length
    })
  }

  private async remove(documents: readonly T[]): Promise<Key[]> {
    const keys = documents.map(document => this.keyOf(document)!)
    if (keys.length > 0) await this.plain.deleteMany(keys)
    for (const document of documents) for (const step of this.steps) await step.deleted?.(document, this.plain)
    return keys
  }

  private truncate(): Promise<void> {
    return this.within({}, async of => {
      await of.plain.truncate()
      for (const step of of.steps) await step.truncated?.(of.plain)
    })
  }

  /** Runs a write as one transaction, whether it is one already or not. What throws leaves nothing behind. */
  private async within<R>({ signal }: LongCall, body: (of: Overlay<T>) => Promise<R>): Promise<R> {
    const result = await this.plain.scope.together({ kind: 'write', signal }, async scope => {
      const of = new Overlay<T>(this.plain.in(scope), this.steps)
      await of.tidied()
      return body(of)
    })
    if (this.plain.scope.transaction === 0) this.kept()
    return result
  }

  private async tidied(): Promise<void> {
    for (const { stale } of this.steps) if (stale !== undefined) await this.remove(await this.plain.find(stale()))
  }

  private kept(): void {
    for (const step of this.steps) step.kept?.(this.plain)
  }

  /** What a statement of SQL has written goes through the steps like what the table writes, only that it has been written by then. */
  private async heard(changes: readonly Change[]): Promise<void> {
    const stored: T[] = []
    for (const [before, after] of changes as readonly (readonly [T | null, T | null])[]) {
      const known = before === null ? undefined : await this.loaded(before)
      if (after === null) {
        for (const step of this.steps) await step.deleted?.(known!, this.plain)
        continue
      }
      const key = this.keyOf(after)
      const whole = known === undefined ? await this.created(after) : await this.updated(await this.loaded(after), known)
      this.mustKeep('statement', key, whole)
      stored.push(await this.stored(whole))
    }
    if (stored.length > 0) await this.settled(await this.plain.putMany(stored as never))
  }

  /** The documents that a filter or identities select, in the form in which they are handed out. */
  private async selected(target: readonly Key[] | Filter<T>): Promise<T[]> {
    const found = isFilter<T>(target) ? await this.plain.find(this.narrow(target)) : await this.plain.getMany(target as readonly Key[])
    const loaded: T[] = []
    for (const document of found) if (document !== undefined) loaded.push(await this.loaded(document))
    return loaded
  }

  private async created(document: T): Promise<T> {
    for (const step of this.steps) document = (await step.created?.(document, this.plain)) || document
    return document
  }

  private async updated(document: T, before: T): Promise<T> {
    for (const step of this.steps) document = (await step.updated?.(document, before, this.plain)) || document
    return document
  }

  private async stored(document: T): Promise<T> {
    for (const step of this.steps) document = (await step.write?.(document, this.plain)) || document
    return document
  }

  private async loaded(document: T): Promise<T> {
    for (const step of this.back) document = (await step.load?.(document, this.plain)) || document
    return document
  }

  private async settled(keys: Key[]): Promise<Key[]> {
    for (const step of this.steps) await step.settled?.(this.plain, keys, overlay(this.plain, this.steps))
    return keys
  }

  /** What is handed out of documents, in whose place undefined stands for those that are hidden. */
  private async deliver(documents: readonly (T | undefined)[]): Promise<(T | undefined)[]> {
    const delivered: (T | undefined)[] = []
    for (const stored of documents) delivered.push(stored === undefined ? undefined : await this.handed(await this.loaded(stored)))
    return delivered
  }

  private async handed(document: T): Promise<T | undefined> {
    for (const step of this.back) {
      const read = await step.read?.(document, this.plain)
      if (read === null) return undefined
      document = read || document
    }
    return document
  }

  private narrow(filter: Filter<T> | undefined): Filter<T> | undefined {
    return this.steps.reduce((narrowed, step) => step.narrow?.(narrowed) ?? narrowed, filter)
  }

  /** Steps see documents, not what is made of them: what is counted and summed up is what is stored. */
  private found(find: Find<T>): Find<T> {
    const reading = (which: readonly Steps<T>[]) => which.some(step => (step.read ?? step.load) !== undefined && step.reads?.() !== false)
    const plain = find as unknown as { with(query: { aggregate?: unknown }): Find<T>; run(): Promise<T[]> }
    const deliver = async (documents: T[]) => (reading(this.steps) ? ((await this.deliver(documents)).filter(document => document !== undefined) as T[]) : documents)
    const changed = {
      with: (query: { aggregate?: unknown }) => (query.aggregate === undefined ? this.found(plain.with(query)) : plain.with(query)),
      run: async () => deliver(await plain.run()),
      subscribe: (...call: Parameters<Find<T>['subscribe']>) => {
        if (reading(this.steps.filter(step => step.looks !== true))) throw new StowageError('unsupported', 'a table whose documents go through hooks when they are read cannot be watched')
        return find.subscribe(...call)
      },
      async *[Symbol.asyncIterator]() {
        for await (const document of find) yield* await deliver([document])
      },
    }
    return Object.assign(Object.create(find) as Find<T>, changed)
  }

  /** Fails where a step has changed the identity of what takes the place of another document. */
  private mustKeep(call: string, key: Key | undefined, document: T): void {
    if (text(this.keyOf(document)) !== text(key)) throw new StowageError('invalid_document', `${call}: the identity cannot change`)
  }

  private keyOf(document: T): Key | undefined {
    return lookUp(document, this.plain.made.schema.key) as Key | undefined
  }
}

/** Documents as they are now. Steps change what they are given: when a transaction runs again, they are given the same. */
function packed(documents: readonly unknown[]): Uint8Array[] {
  if (!Array.isArray(documents)) throw new StowageError('invalid_argument', 'documents must come in a list')
  return documents.map(document => new Uint8Array(packDocument(document)))
}

function unpacked<T>(given: readonly Uint8Array[]): T[] {
  return given.map(bytes => unpackPlain(bytes) as T)
}

const text = (key: unknown): string => String(packPlain(key))
