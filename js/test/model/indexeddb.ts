import { Locks } from './locks.js'

/**
 * IndexedDB as the driver sees it, in memory: one object store with string keys,
 * the life of transactions, connections that die, and every call that can fail.
 * `rules.ts` says how it has to behave, and is run in a real browser as well.
 *
 * Every event is a task of its own, in the order of what caused it, so that a
 * program gives the same on every run.
 */
export class Origin {
  readonly databases = new Map<string, Stored>()
  readonly connections = new Set<Connection>()
  readonly fault: Fault = { at: 0, every: 0, calls: 0, kind: 'lost', hung: 0 }
  private readonly tasks: (() => void)[] = []
  private running = false

  /** Whether nothing goes on: what has not been answered now never will be. */
  get idle(): boolean {
    return !this.running
  }

  /** Does something after everything that was asked for before. */
  later(task: () => void): void {
    this.tasks.push(task)
    if (!this.running) setImmediate(() => this.next())
    this.running = true
  }

  private next(): void {
    const task = this.tasks.shift()
    this.running = this.tasks.length > 0
    if (this.running) setImmediate(() => this.next())
    task?.()
  }

  /** Counts a call of the platform; whether it is the one to fail, and how. */
  call(): FaultKind | undefined {
    const { at, every, kind } = this.fault
    const past = ++this.fault.calls - at
    return at > 0 && (past === 0 || (every > 0 && past > 0 && past % every === 0)) ? kind : undefined
  }

  /** What all blobs together take. */
  bytes(): number {
    const blobs = [...this.databases.values()].flatMap(stored => [...(stored.blobs?.values() ?? [])])
    return blobs.reduce((sum: number, blob) => sum + ((blob as Uint8Array).byteLength ?? 0), 0)
  }

  open(name: string, version = 1): Request {
    const request = new Request(this)
    const failing = this.call()
    if (failing === 'hang' || failing === 'mute') return void this.fault.hung++, request
    this.later(() => {
      if (failing === 'lost' || failing === 'closed') return request.fail(exception('UnknownError'))
      if (failing === 'quota') return request.fail(exception('QuotaExceededError'))
      this.opened(request, name, version)
    })
    return request
  }

  private opened(request: Request, name: string, version: number): void {
    let stored = this.databases.get(name)
    if (stored !== undefined && stored.version > version) return request.fail(exception('VersionError'))
    const isNew = stored === undefined
    if (stored === undefined) this.databases.set(name, (stored = new Stored(name, version)))
    const connection = new Connection(this, stored)
    this.connections.add(connection)
    if (!isNew) return request.succeed(connection)
    const upgrade = new Transaction(connection, 'versionchange', 'default')
    request.transaction = upgrade
    request.result = connection
    upgrade.ended = committed => {
      request.transaction = null
      if (committed) return request.succeed(connection)
      this.databases.delete(name)
      connection.close()
      request.fail(exception('AbortError'))
    }
    upgrade.enter(() => request.fire('upgradeneeded'))
  }

  deleteDatabase(name: string): Request {
    const request = new Request(this)
    const others = () => [...this.connections].filter(c => c.stored.name === name && !c.closed)
    const remove = () => {
      if (others().length > 0) return this.later(remove)
      this.databases.delete(name)
      request.succeed(undefined)
    }
    this.later(() => {
      for (const connection of others()) connection.fire('versionchange')
      this.later(() => {
        if (others().length > 0) request.fire('blocked')
        remove()
      })
    })
    return request
  }

  /**
   * What a crash leaves, as an origin of its own: of the process, all that was
   * committed; of the machine, of the relaxed commits after the last strict one only
   * the first `kept`.
   */
  crashed(kept = Infinity): Origin {
    const left = new Origin()
    for (const { name, version, committed, relaxed } of this.databases.values()) {
      const stored = new Stored(name, version)
      stored.committed = stored.blobs = kept < relaxed.length ? relaxed[kept] : committed
      if (stored.blobs !== undefined) left.databases.set(name, stored)
    }
    return left
  }
}

/** How the platform fails at a call: opening, beginning a transaction, a request, a commit. */
export type FaultKind =
  | 'lost' // UnknownError, and the connection never works again
  | 'closed' // the browser closes the connection
  | 'quota' // no space
  | 'hang' // never answered, nor done; a transaction keeps others waiting until its connection is closed
  | 'mute' // done, and never answered

export interface Fault {
  /** The number of the call that fails, from 1; 0 for none. */
  at: number
  /** So many calls after that another one fails, and so on; 0 for none. */
  every: number
  calls: number
  kind: FaultKind
  /** How many calls will never be answered. */
  hung: number
}

/** What is kept of a database. */
class Stored {
  /** As the transaction under way sees it; undefined before there is an object store. */
  blobs: Map<string, unknown> | undefined
  committed: Map<string, unknown> | undefined
  /** Those of all connections that have not ended, in the order in which they were made. */
  readonly transactions: Transaction[] = []
  /** The contents before each relaxed commit since the last strict one. */
  relaxed: (Map<string, unknown> | undefined)[] = []
  constructor(
    readonly name: string,
    readonly version: number,
  ) {}
}

type Listener = (event: ModelEvent) => void
interface ModelEvent {
  type: string
  target: Target
  preventDefault(): void
  stopPropagation(): void
}

class Target {
  private listeners = new Map<string, Set<Listener>>()

  addEventListener(type: string, listener: Listener): void {
    this.listeners.set(type, (this.listeners.get(type) ?? new Set()).add(listener))
  }

  removeEventListener(type: string, listener: Listener): void {
    this.listeners.get(type)?.delete(listener)
  }

  /** Fires an event here and at those that it bubbles to. Whether nobody prevented what follows. */
  fire(type: string, ...bubbles: Target[]): boolean {
    let prevented = false
    let stopped = false
    const event = { type, target: this, preventDefault: () => (prevented = true), stopPropagation: () => (stopped = true) }
    for (const target of [this, ...bubbles] as (Target & Record<string, unknown>)[]) {
      if (stopped) break
      ;(target[`on${type}`] as Listener | null | undefined)?.call(target, event)
      for (const listener of target.listeners.get(type) ?? []) listener.call(target, event)
    }
    return !prevented
  }
}

class Request extends Target {
  result: unknown
  error: DOMException | null = null
  transaction: Transaction | null = null
  readyState = 'pending'

  constructor(readonly origin: Origin) {
    super()
  }

  succeed(result: unknown): void {
    this.result = result
    this.readyState = 'done'
    this.fire('success')
  }

  fail(error: DOMException): void {
    this.result = undefined
    this.error = error
    this.readyState = 'done'
    this.fire('error')
  }
}

class Connection extends Target {
  closed = false
  /** A connection that the platform has lost looks well until it is used. */
  lost = false

  constructor(
    readonly origin: Origin,
    readonly stored: Stored,
  ) {
    super()
  }

  get name(): string {
    return this.stored.name
  }

  close(): void {
    this.closed = true
    this.origin.connections.delete(this)
    for (const transaction of [...this.stored.transactions]) {
      if (transaction.db === this && transaction.hung) transaction.rollBack(null)
    }
  }

  /** The browser closes the connection: what is under way is aborted. */
  forceClose(): void {
    if (this.closed) return
    this.close()
    for (const transaction of [...this.stored.transactions]) {
      if (transaction.db === this) transaction.rollBack(exception('AbortError'))
    }
    this.origin.later(() => this.fire('close'))
  }

  createObjectStore(): void {
    this.stored.blobs = new Map()
  }

  transaction(_: string, mode: IDBTransactionMode = 'readonly', options?: { durability?: string }): Transaction {
    const failing = this.origin.call()
    if (failing === 'closed') this.forceClose()
    if (failing === 'lost') this.lost = true
    if (this.closed) throw exception('InvalidStateError')
    if (this.lost) throw exception('UnknownError')
    if (this.stored.blobs === undefined) throw exception('NotFoundError')
    return new Transaction(this, mode, options?.durability ?? 'default')
  }
}

class Transaction extends Target {
  error: DOMException | null = null
  private state: 'active' | 'inactive' | 'committing' | 'finished' = 'active'
  private readonly requests: { request: Request; run: () => unknown }[] = []
  private before: Map<string, unknown> | undefined
  private started = false
  /** It stands behind others, and none of its own tasks is under way. */
  private waits = false
  /** It goes no further, and tells nothing. */
  hung = false
  /** What is to follow when it has ended. */
  ended: (committed: boolean) => void = () => {}

  constructor(
    readonly db: Connection,
    readonly mode: IDBTransactionMode,
    readonly durability: string,
  ) {
    super()
    this.before = db.stored.blobs
    db.stored.transactions.push(this)
    this.origin.later(() => this.idle())
  }

  private get origin(): Origin {
    return this.db.origin
  }

  objectStore(): Store {
    if (this.state === 'finished') throw exception('InvalidStateError')
    return new Store(this)
  }

  /** Runs a callback in which requests may be made; they may be until all that follows from it has run. */
  enter(callback: () => void): void {
    if (this.state === 'inactive') this.state = 'active'
    callback()
    this.origin.later(() => this.idle())
  }

  /** A task has ended: the next request's turn, or nothing is left to do. */
  private idle(): void {
    if (this.state === 'finished' || this.hung) return
    if (this.state === 'active') this.state = 'inactive'
    if (!this.start()) return
    const next = this.requests.shift()
    if (next === undefined) return this.finish()
    this.perform(next.request, next.run)
  }

  /** Writers of a database go one after the other, and readers do not pass them. */
  private start(): boolean {
    if (this.started) return true
    const { stored } = this.db
    const earlier = stored.transactions.slice(0, stored.transactions.indexOf(this))
    this.waits = earlier.some(other => this.mode !== 'readonly' || other.mode !== 'readonly')
    if (this.waits) return false
    this.before = stored.blobs
    if (stored.blobs !== undefined && this.mode === 'readwrite') stored.blobs = new Map(stored.blobs)
    return (this.started = true)
  }

  private perform(request: Request, run: () => unknown): void {
    const failing = this.origin.call()
    if (failing === 'closed') return this.db.forceClose()
    if (failing === 'hang' || failing === 'mute') return this.hang()
    try {
      if (failing === 'quota' && this.mode === 'readwrite') return this.rollBack(exception('QuotaExceededError'))
      if (failing === 'lost') {
        this.db.lost = true
        throw exception('UnknownError')
      }
      request.result = run()
    } catch (error) {
      request.error = error as DOMException
    }
    request.readyState = 'done'
    this.enter(() => {
      if (request.error === null) request.fire('success', this, this.db)
      else if (request.fire('error', this, this.db)) this.rollBack(request.error)
    })
  }

  ask(run: () => unknown, writes: boolean): Request {
    if (this.state !== 'active') throw exception('TransactionInactiveError')
    if (writes && this.mode === 'readonly') throw exception('ReadOnlyError')
    const request = new Request(this.origin)
    request.transaction = this
    this.requests.push({ request, run })
    return request
  }

  commit(): void {
    if (this.state !== 'active') throw exception('InvalidStateError')
    this.state = 'committing'
  }

  abort(): void {
    if (this.state === 'committing' || this.state === 'finished') throw exception('InvalidStateError')
    this.rollBack(null)
  }

  private finish(): void {
    const failing = this.mode === 'readonly' ? undefined : this.origin.call()
    if (failing === 'quota') return this.rollBack(exception('QuotaExceededError'))
    if (failing === 'closed') return this.db.forceClose()
    if (failing === 'lost') {
      this.db.lost = true
      return this.rollBack(exception('UnknownError'))
    }
    if (failing === 'hang') return this.hang()
    if (this.mode !== 'readonly') this.keep()
    this.leave()
    if (failing === 'mute') return void this.origin.fault.hung++
    this.fire('complete', this.db)
    this.ended(true)
  }

  private hang(): void {
    this.hung = true
    this.origin.fault.hung++
    if (this.mode !== 'versionchange') return
    this.origin.databases.delete(this.db.name) // nobody has the connection, to close it
    this.db.close()
  }

  private keep(): void {
    const { stored } = this.db
    stored.committed = stored.blobs
    if (this.durability === 'strict') stored.relaxed.length = 0
    else if (this.mode === 'readwrite') stored.relaxed.push(this.before)
  }

  /** Undoes everything. Requests that wait are told first, then the transaction. */
  rollBack(error: DOMException | null): void {
    if (this.state === 'finished') return
    this.error = error
    if (this.started && this.mode !== 'readonly') this.db.stored.blobs = this.before
    this.leave()
    if (this.hung) return
    const { requests } = this
    this.origin.later(() => {
      for (const { request } of requests.splice(0)) {
        request.error = exception('AbortError')
        request.readyState = 'done'
        request.fire('error', this, this.db)
      }
      this.fire('abort', this.db)
      this.ended(false)
    })
  }

  private leave(): void {
    this.state = 'finished'
    const { transactions } = this.db.stored
    transactions.splice(transactions.indexOf(this), 1)
    for (const other of transactions) {
      if (other.waits) this.origin.later(() => other.idle())
      other.waits = false
    }
  }
}

class Store {
  constructor(readonly transaction: Transaction) {}

  private get blobs(): Map<string, unknown> {
    return this.transaction.db.stored.blobs!
  }

  private names(range?: KeyRange): string[] {
    return [...this.blobs.keys()].filter(name => range === undefined || range.has(name)).sort()
  }

  get(name: string): Request {
    return this.transaction.ask(() => structuredClone(this.blobs.get(name)), false)
  }

  getAllKeys(range?: KeyRange): Request {
    return this.transaction.ask(() => this.names(range), false)
  }

  count(range?: KeyRange): Request {
    return this.transaction.ask(() => this.names(range).length, false)
  }

  put(value: unknown, name: string): Request {
    const copy = structuredClone(value)
    return this.transaction.ask(() => (this.blobs.set(name, copy), name), true)
  }

  add(value: unknown, name: string): Request {
    const copy = structuredClone(value)
    const run = () => {
      if (this.blobs.has(name)) throw exception('ConstraintError')
      this.blobs.set(name, copy)
      return name
    }
    return this.transaction.ask(run, true)
  }

  delete(names: string | KeyRange): Request {
    const run = () => {
      for (const name of typeof names === 'string' ? [names] : this.names(names)) this.blobs.delete(name)
    }
    return this.transaction.ask(run, true)
  }

  clear(): Request {
    return this.transaction.ask(() => this.blobs.clear(), true)
  }
}

class KeyRange {
  private constructor(
    readonly lower: string,
    readonly upper: string,
  ) {}

  static bound(lower: string, upper: string): KeyRange {
    if (lower > upper) throw exception('DataError')
    return new KeyRange(lower, upper)
  }

  has(name: string): boolean {
    return this.lower <= name && name <= this.upper
  }
}

function exception(name: string): DOMException {
  return new DOMException(`the model's ${name}`, name)
}

/** Makes an origin what `indexedDB` and its relatives mean in this program. */
export function install(origin: Origin): void {
  const estimate = async () => ({ usage: origin.bytes(), quota: 1 << 30 })
  const navigator = { locks: new Locks(), storage: { estimate, persist: async () => false, persisted: async () => false } }
  const globals = { indexedDB: origin, IDBKeyRange: KeyRange, navigator }
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
  }
}
