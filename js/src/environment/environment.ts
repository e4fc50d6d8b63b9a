import type { CopyOptions, ImportOptions } from '../backup.js'
import { unpack } from '../document/document.js'
import { type CommitDurability, durabilities } from '../durability.js'
import type { DriverFactory } from '../drivers/driver.js'
import { indexeddb } from '../drivers/indexeddb.js'
import { type Decode, nothing } from '../bridge/engine.js'
import { StowageError } from '../errors.js'
import { Lease } from './lease.js'
import type { Health } from '../opening.js'
import { type Former, type Migrations, migrate } from './migrate.js'
import { givenModifiers, type HashOptions, isSame, type Modifier, readCost, readModifiers, readUnlocker, type SlotInfo, type Unlocker } from '../modifier/modifier.js'
import { isWhole, mustName } from '../name.js'
import { type LongCall, longCall, Options } from '../options.js'
import { part } from '../parts.js'
import type { Policy, TableSpec } from '../table/schema.js'
import { latest, type Scope } from '../bridge/scope.js'
import { openTable, type Session, tell } from './session.js'
import { type Hearing, type Hearings, type Sql, sqlIn } from '../query/sql.js'
import { Store, type StoreOptions } from '../store/store.js'
import { type Made, Table } from '../table/table.js'
import { nest, transact, Transaction } from './transaction.js'
import type { Doc } from '../document/types.js'
import { Op } from '../bridge/wire.js'

/** The tables of an environment, by name. */
// biome-ignore lint: the document of a table can be anything
export type Tables = Record<string, TableSpec<any, any>>

/** Table objects for every table described. */
export type TablesOf<S extends Tables> = {
  readonly [N in keyof S]: S[N] extends TableSpec<infer T, infer G> ? Table<T, G> : never
}

/** What can be done within a transaction, beside a member for each table. */
export type Within<S extends Tables> = TablesOf<S> & WithinTransaction<S>

/** The members of a transaction that are no tables. */
export interface WithinTransaction<S extends Tables> {
  /** Grows with every commit: the position in the log of what the transaction sees, and once it is committed of what it wrote. */
  readonly id: number
  /** The table of a name: the way to those whose name is not known to the compiler. */
  table<N extends keyof S & string>(name: N): TablesOf<S>[N]
  /** SQL in the transaction. What a statement writes is done as a whole or not at all. See Environment.sql. */
  readonly sql: Sql
  /** A store in the transaction. See Environment.store. */
  store<K = Uint8Array, V = Uint8Array>(name?: string, options?: StoreOptions<K, V>): Store<K, V>
  /**
   * Runs body in a transaction within this one. When it throws, this one is as it
   * was before; `tx_busy` where this one is used meanwhile.
   */
  transaction<R>(body: (tx: Within<S>) => Promise<R>): Promise<R>
}

/**
 * A transaction that ends when it is told to; left to itself by `await using`, it
 * is aborted. Its commit rejects with `conflict` when others have changed what it
 * read, and nothing of it stays.
 */
export type Explicit<S extends Tables> = Within<S> & {
  commit(): Promise<void>
  /** Ends the transaction without a trace. Does nothing where it has ended. */
  abort(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** An open environment: its tables, and what concerns all of them. */
export type Database<S extends Tables = Record<string, TableSpec>> = Environment<S> & TablesOf<S>

/** Names that a table cannot have, for they mean something on the environment. */
export type ReservedName =
  | keyof Environment<Tables>
  | keyof Explicit<Record<never, never>>
  | 'then' | 'catch' | 'finally' | 'constructor' | 'sql' | 'batch'

const reservedNames: ReadonlySet<string> = new Set([
  'then', 'catch', 'finally', 'constructor', 'sql', 'batch', 'id', 'commit', 'abort',
])

/** The hooks of an environment: StorageHooks of the entry 'stowage/policies'. */
export interface OpenHooks extends Policy {
  /** The driver that hands blobs through them. */
  driver(inner: DriverFactory): DriverFactory
  /** Called when it has been closed. */
  closed(name: string): Promise<void>
}

/** What an environment holds. Sizes are in bytes. */
export interface Stat {
  /** Keys in the trees: documents, and their entries in indexes. */
  entries: number
  trees: number
  /** The pages of the trees, before they are compressed. */
  treeBytes: number
  /** Recent commits that are not in the trees yet. */
  overlayBytes: number
  /** Pages held ready in memory. */
  cacheBytes: number
  /** Everything made to be stored since the engine was started, before it was compressed and after. */
  writtenBytes: number
  sealedBytes: number
  /** What the driver tells: −1 where it does not know. */
  blobs: number
  storedBytes: number
  /** What the engine's memory takes of the context; it never shrinks. */
  memoryBytes: number
}

/** Which environment it is. */
export interface Info {
  /** 32 hex digits, drawn when it was made; empty before its first commit. */
  id: string
  /** Counts the checkpoints that have changed it. */
  generation: number
  /** What a transaction that begins now has as its id. */
  lastId: number
}

/** What a check of everything stored has found. */
export interface Report {
  pages: number
  entries: number
  /** What is wrong, in words; empty where nothing is. */
  problems: string[]
}

/** How a transaction is to run. */
export interface TransactionOptions {
  /** Refuses writes, and never conflicts. */
  readOnly?: boolean
  durability?: CommitDurability
  /** Sees what other tabs and workers have committed by now. A write needs it not: it is checked against them anyway. */
  latest?: boolean
  /** Rejects with `aborted`, also while body awaits something else: what it does afterwards is `tx_ended`. */
  signal?: AbortSignal
}

/** How a transaction is begun that ends when it is told to. */
export interface BeginOptions {
  /** Whether it may write; without, it only reads. */
  write?: boolean
  durability?: CommitDurability
  /** Sees what other tabs and workers have committed by now. */
  latest?: boolean
  signal?: AbortSignal
}

/**
 * What `open` returns, beside a member for each table. Those of one name in a context
 * share an engine, which ends with the last of them; each is closed by itself.
 */
export class Environment<S extends Tables> {
  private readonly handles = new Map<string, Made>()
  private readonly lease: Lease
  private ended: Promise<void> | undefined

  /** @internal */
  constructor(
    readonly name: string,
    session: Session,
    private readonly leave: () => Promise<void>,
    private readonly hooks: OpenHooks | undefined,
  ) {
    this.lease = new Lease(session)
  }

  private get session(): Session {
    return this.lease.session
  }

  /** The table of a name, of `_default` without one; throws `not_found` for one that was not described at open. */
  table<N extends keyof S & string = '_default'>(name?: N): TablesOf<S>[N] {
    const handle = name ?? '_default'
    if (!this.handles.has(handle)) throw missing(handle)
    return this[handle as keyof this] as never
  }

  /** The names of all tables that exist, ascending, those that were not described at open too. */
  async tables(): Promise<string[]> {
    const engine = await this.session.ready()
    return engine.run(engine.request(Op.Tables, 3, 0, 0), unpack as Decode<string[]>)
  }

  /** Removes a table with its documents and indexes, and tells whether there was one. See Table.drop. */
  async dropTable(name: string): Promise<boolean> {
    mustName('a table', name)
    const engine = await this.session.ready()
    const found = await engine.run(engine.request(Op.DropTable, 4, 0, 0).string(name), unpack as Decode<boolean>)
    this.session.forget(name)
    return found
  }

  /** Removes all tables, together. */
  async dropTables(): Promise<void> {
    const names = await this.session.together({ kind: 'write' }, async scope => {
      const engine = await scope.ready()
      const names = await engine.run(engine.request(Op.Tables, 3, scope.transaction, 0), unpack as Decode<string[]>)
      for (const name of names) await engine.run(engine.request(Op.DropTable, 4, scope.transaction, 0).string(name), nothing)
      return names
    })
    for (const name of names) this.session.forget(name)
  }

  /**
   * SQL on the tables: documents are its rows, and their members the columns. SQL.md says what is supported.
   *
   *     const big = await db.sql<City>`SELECT * FROM cities WHERE population > ${million} ORDER BY name`
   */
  get sql(): Sql {
    return sqlIn(this.lease, this.hearings())
  }

  /**
   * A store of bytes, seen through coders: at once, and made where it does not exist
   * when it is first written to. Without a name it is the one that is always there.
   * Stores and tables may have the same names.
   *
   *     const records = db.store('records', { key: coder.uint16, value: coder.json })
   */
  store<K = Uint8Array, V = Uint8Array>(name?: string, options?: StoreOptions<K, V>): Store<K, V> {
    return Store.make(name ?? '', this.lease, options)
  }

  /** The names of all stores that exist, ascending, without the one that is always there. */
  async stores(): Promise<string[]> {
    const engine = await this.session.ready()
    return engine.run(engine.request(Op.DBs, 3, 0, 0), unpack as Decode<string[]>)
  }

  /**
   * Runs body in a transaction: what it reads is one snapshot, what it writes is
   * committed together when it returns, and nothing of it stays when it throws. Anything
   * may be awaited in it. When others have changed what it read, it runs again, fifty times
   * at most; so body should do nothing outside the database that must happen once.
   */
  async transaction<R>(body: (tx: Within<S>) => Promise<R>, options?: TransactionOptions): Promise<R> {
    const o = new Options('transaction', options)
    const kind = o.boolean('readOnly') === true ? 'read' : 'write'
    const durability = o.oneOf('durability', durabilities)
    const scope = o.boolean('latest') === true ? latest(this.lease) : this.lease
    const signal = o.signal()
    o.done()
    mustCall(body)
    return this.session.keep(transact(() => scope.ready(), { kind, durability, signal }, transaction => body(this.within(transaction))))
  }

  /** `transaction` as aiolmdb has it: without `write`, body only reads. */
  run<R>(body: (tx: Within<S>) => Promise<R>, { write, ...options }: BeginOptions = {}): Promise<R> {
    return this.transaction(body, { ...options, readOnly: write !== true })
  }

  /**
   * Begins a transaction that ends with `commit` or `abort`.
   *
   *     await using tx = await db.begin({ write: true })
   */
  async begin(options?: BeginOptions): Promise<Explicit<S>> {
    const o = new Options('begin', options)
    const kind = o.boolean('write') === true ? 'write' : 'read'
    const durability = o.oneOf('durability', durabilities)
    const scope = o.boolean('latest') === true ? latest(this.lease) : this.lease
    const signal = o.signal()
    o.done()
    const transaction = await Transaction.begin(await scope.ready(), { kind, durability, signal })
    const abort = () => transaction.rollback()
    return Object.assign(this.within(transaction), { commit: () => transaction.commit(), abort, [Symbol.asyncDispose]: abort })
  }

  /**
   * Writes what buffered commits have left, and waits until it is stored. It happens by itself a moment
   * after each, when the page is hidden, and at close. Rejects with the first reason for which a
   * buffered commit has come to nothing since the last time.
   */
  async flush(): Promise<void> {
    const engine = await this.session.ready()
    await engine.run(engine.request(Op.Flush, 3, 0, 0), nothing)
  }

  /** Folds what was committed recently into pages. It happens by itself; there is no need to call it. */
  async checkpoint(options?: LongCall): Promise<void> {
    const engine = await this.session.ready()
    await engine.run(engine.request(Op.Checkpoint, 3, 0, 0), nothing, longCall('checkpoint', options))
  }

  /** Reads everything stored and tells what is wrong with it. */
  async check(options?: LongCall): Promise<Report> {
    const engine = await this.session.ready()
    const read = (bytes: Uint8Array, start: number, end: number) => unpack(bytes, start, end) as Report
    return engine.run(engine.request(Op.Check, 3, 0, 0), read, longCall('check', options))
  }

  /** How much is stored, and what the engine holds in memory. */
  async stat(): Promise<Stat> {
    const engine = await this.session.ready()
    const read = (bytes: Uint8Array, start: number, end: number) => unpack(bytes, start, end) as Omit<Stat, 'memoryBytes'>
    const stat = await engine.run(engine.request(Op.Stat, 3, 0, 0), read)
    return { ...stat, memoryBytes: engine.memoryBytes }
  }

  /** Which environment it is, and how far it has come. Reads nothing from storage. */
  async info(): Promise<Info> {
    const { id, generation, position } = await tell(await this.session.ready(), Op.Identity)
    return { id, generation, lastId: position }
  }

  /** What the opening has found, whether data may be evicted, and the space there is. `unsupported` where opening.js cannot be loaded, as in a service worker without 'stowage/service-worker'. */
  async health(): Promise<Health> {
    await this.session.ready()
    const opening = await this.session.opening
    if (opening === undefined) throw new StowageError('unsupported', "nothing is remembered: opening.js could not be loaded; a service worker imports 'stowage/service-worker'")
    return opening.health()
  }

  /** Asks the browser not to evict the origin, and tells whether it has promised. Some ask the user. */
  async persist(): Promise<boolean> {
    return (await globalThis.navigator?.storage?.persist?.()) ?? false
  }

  /**
   * Everything the environment holds, from when the stream is first read: to save, to send, or to import into
   * any environment on any driver. Commits go on meanwhile; a slow reader slows nobody else down.
   *
   *     const response = new Response(db.export())
   */
  export(options?: LongCall): ReadableStream<Uint8Array> {
    const call = longCall('export', options)
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
    return new ReadableStream<Uint8Array>(
      {
        pull: async controller => {
          reader ??= (await part('backup')).exportStream(this.session, call).getReader()
          const { done, value } = await reader.read()
          done ? controller.close() : controller.enqueue(value)
        },
        cancel: reason => reader?.cancel(reason),
      },
      { highWaterMark: 0 },
    )
  }

  /**
   * Reads what `export` wrote, in one transaction: after an error nothing has changed. A stream that is cut or damaged is
   * `corrupt`; an environment that holds something is `not_empty`, unless `replace` is given. Databases and tables
   * that the stream does not have are empty afterwards. The export of another encrypted environment needs `modifiers`, with what opens it.
   */
  async import(source: ReadableStream<Uint8Array> | Blob, options?: ImportOptions): Promise<void> {
    const o = new Options('import', options)
    const replace = o.boolean('replace') ?? false
    const modifiers = givenModifiers(o)
    const call = o.longCall()
    o.done()
    await (await part('backup')).importStream(this.session, source, replace, modifiers, call)
  }

  /**
   * Writes a consistent copy under another name or to another driver, where nothing may be yet (`not_empty`), while commits go on.
   * It is opened like any environment.
   */
  async copy(name: string, options?: CopyOptions): Promise<void> {
    mustName('an environment', name, 1)
    const o = new Options('copy', options)
    const driver = o.driver() ?? indexeddb()
    const modifiers = givenModifiers(o)
    const compact = o.boolean('compact') === true || modifiers !== undefined
    const call = o.longCall()
    o.done()
    await (await part('backup')).copyTo(this.session, name, driver, { compact, modifiers }, call)
  }

  /**
   * Forgets the keys of an encrypted environment, and everything that was read with them: the engine's memory is given up. What is
   * under way ends first, or is `key_required` as every call is until `unlock`, and transactions that were open. Live queries are told so and are over: subscribe again.
   */
  async lock(): Promise<void> {
    await this.session.lock()
  }

  /** Opens it again, with a passphrase or key of any slot; `wrong_key` where it is none, and it stays locked. */
  async unlock(unlocker: Unlocker): Promise<void> {
    await this.session.unlock(readUnlocker(new Options('unlock', unlocker)))
  }

  /** Has what the old passphrase or key opens opened by the new one. It takes two hashes, however much is stored. */
  async changePassphrase(old: Unlocker | string, now: (Unlocker & HashOptions) | string): Promise<void> {
    const [from, to] = [readSlot('changePassphrase', old), readSlot('changePassphrase', now)]
    await this.session.amend(['change', from.unlocker, to.unlocker, to.cost])
    const { encryption } = this.session
    if (encryption.unlocker !== undefined && isSame(encryption.unlocker, from.unlocker)) encryption.unlocker = to.unlocker
  }

  /**
   * Draws a new data key and seals everything anew under it, while reading and writing goes on; afterwards older keys are gone. Interrupted, it
   * is gone on with by the next call, which draws a third key only if slots or passphrases were changed meanwhile.
   */
  async rotateKey(options?: LongCall): Promise<void> {
    await this.session.rotateKey(longCall('rotateKey', options))
  }

  /**
   * Has everything pass another chain, as `modifiers` of open: it is compressed otherwise, encrypted from now on, or no longer. What is stored is sealed
   * anew while reading and writing goes on; until that is done, also after an interruption, the stages of both are needed to open it, and the next call goes on.
   */
  async rechain(modifiers: readonly Modifier[], options?: LongCall): Promise<void> {
    const call = longCall('rechain', options)
    await this.session.rechain(readModifiers(new Options('rechain', { modifiers })), call)
  }

  /** Lets another passphrase or key open the environment, and tells the slot's number. There are 32 at most. */
  async addSlot(unlocker: Unlocker & HashOptions): Promise<number> {
    const { unlocker: added, cost } = readSlot('addSlot', unlocker)
    return (await this.session.amend(['add', added, cost])) as number
  }

  /** Has a slot open the environment no more; `not_found` for the last one. Who kept a copy of what was stored and what opened it can read that. */
  async removeSlot(id: number): Promise<void> {
    await this.session.amend(['remove', id])
  }

  /** What opens the environment. */
  async slots(): Promise<SlotInfo[]> {
    return (await this.session.amend(['slots'])) as SlotInfo[]
  }

  /** Deletes the keys: nobody can read the environment any more, with whatever passphrase. Copies that somebody made keep theirs. */
  async shred(): Promise<void> {
    await this.session.amend(['shred']).catch(error => {
      if (error.code !== 'corrupt_header') throw error // which is how a shredded environment is met
    })
    await this.session.lock()
  }

  /**
   * @internal The same environment once more, with these tables: those that are described here already are as they are
   * here. It is closed by itself, and keeps the session until then.
   */
  async beside(tables: Tables): Promise<Database> {
    const { session } = this
    session.users++
    const other = new Environment<Tables>(this.name, session, this.leave, undefined)
    try {
      for (const [name, spec] of Object.entries(tables)) {
        if (name in other || reservedNames.has(name)) throw new StowageError('invalid_option', `a table cannot be called "${name}"`)
        other.handles.set(name, this.handles.get(name) ?? (await other.describe(name, spec, await this.session.table(name, spec))))
        Object.defineProperty(other, name, { value: other.makeTable(name, this.lease) })
      }
      return other as unknown as Database
    } catch (error) {
      await other.close()
      throw error
    }
  }

  /** Ends the use of the environment. Everything committed is kept; what is still running is finished first. */
  close(): Promise<void> {
    this.lease.end()
    this.ended ??= this.leave().then(() => this.hooks?.closed(this.name))
    return this.ended
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @internal Makes the members for the tables, once their numbers are known. With `exact`, other indexes are removed. */
  async openTables(tables: S, options: LongCall, exact: boolean): Promise<void> {
    for (const name of Object.keys(tables)) {
      if (name in this || reservedNames.has(name) || !isWhole(name)) {
        throw new StowageError('invalid_option', `open: a table cannot be called "${name}"`)
      }
    }
    for (const [name, spec] of Object.entries(tables)) {
      this.handles.set(name, await this.describe(name, spec, await this.session.table(name, spec, options, exact)))
      Object.defineProperty(this, name, { value: this.makeTable(name, this.lease), enumerable: true })
    }
  }

  /** @internal Brings the data to a version, and tells whether documents had to be changed for that. */
  async migrate(version: number, steps: Migrations<S>, tables: S, signal: AbortSignal | undefined): Promise<boolean> {
    return migrate(this.session, version, signal, async (transaction, to) => {
      const engine = await transaction.ready()
      const former: Former = async (name, spec) => {
        const number = this.session.newTable()
        await openTable(engine, number, name, spec.schema, { transaction: transaction.transaction })
        this.handles.set(name, await this.describe(name, spec, number))
        return this.makeTable(name, transaction) as never
      }
      for (const [name, spec] of Object.entries(tables)) await former(name, spec).catch(unlessOtherwise)
      await steps[to]?.(this.within(transaction), former)
    }).finally(() => this.handles.clear())
  }

  private async describe(name: string, { schema, kind }: Tables[string], handle: number): Promise<Made> {
    const { ids, class: given, policies } = kind
    return {
      handle,
      schema,
      maxBytes: this.session.settings.maxDocumentBytes,
      ids: typeof ids === 'string' ? (await part('rewrite')).identities[ids] : ids,
      policies: this.hooks === undefined ? policies : [this.hooks, ...policies],
      revive: given && (document => Object.setPrototypeOf(document, given.prototype)),
      dropped: () => this.session.forget(name),
    }
  }

  /** What body sees of a transaction. */
  private within(transaction: Transaction): Within<S> {
    const members: WithinTransaction<S> = {
      get id() {
        return transaction.id
      },
      table: name => this.makeTable(name, transaction) as never,
      sql: sqlIn(transaction, this.hearings()),
      store: (name, options) => Store.make(name ?? '', transaction, options),
      transaction: async body => {
        mustCall(body)
        return nest(transaction, child => body(this.within(child)))
      },
    }
    for (const name of this.handles.keys()) Object.assign(members, { [name]: this.makeTable(name, transaction) })
    return members as Within<S>
  }

  /** The tables whose policies hear of what statements write; undefined where there are none. */
  private hearings(): Hearings | undefined {
    const has = (name: string) => this.handles.get(name)?.policies.length
    return [...this.handles.keys()].some(has) ? (name, scope) => (has(name) ? (this.makeTable(name, scope) as unknown as Hearing) : undefined) : undefined
  }

  private makeTable(name: string, scope: Scope): Table<Doc> {
    const made = this.handles.get(name)
    if (made === undefined) throw missing(name)
    const table = new Table(name, scope, made)
    return made.policies.length === 0 ? table : made.policies[0]!.over(table, made.policies)
  }
}

/** Reads what opens a slot, and how a passphrase is hashed. */
function readSlot(call: string, given: (Unlocker & HashOptions) | string) {
  const o = new Options(call, typeof given === 'string' ? { passphrase: given } : given)
  const slot = { unlocker: readUnlocker(o), cost: readCost(o) }
  o.done()
  return slot
}

/** A table that is stored with another identity is no member of a migration's transaction. */
function unlessOtherwise(error: StowageError): void {
  if (error.code !== 'schema_mismatch') throw error
}

function mustCall(body: unknown): void {
  if (typeof body !== 'function') throw new StowageError('invalid_argument', 'transaction takes a function')
}

const missing = (name: string) => new StowageError('not_found', `there is no table "${name}"`)
