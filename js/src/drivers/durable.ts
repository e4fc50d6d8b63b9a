/**
 * The driver of a Durable Object: blobs are rows of one table in its SQLite
 * database, and a batch is one transaction of it. The platform holds an object's
 * answers back until what was written before them is durable, so whoever hears of a commit hears
 * of one that stays; `strict` waits for that itself.
 *
 * An object is one context, however many requests it serves, and its storage belongs to nobody else.
 */
import { asStowageError, type ErrorCode, StowageError } from '../errors.js'
import { type Batch, type Blob, type Driver, type DriverFactory, type DriverInfo, rootName } from './driver.js'
import { equalBytes } from './memory.js'

/** What the driver uses of `ctx.storage`. */
export interface DurableStorage {
  readonly sql: {
    exec(query: string, ...bindings: unknown[]): Iterable<Record<string, unknown>>
    readonly databaseSize: number
  }
  transactionSync<R>(closure: () => R): R
  sync(): Promise<void>
}

/** That of IndexedDB, so that an environment can move between them. SQLite's own there is 2 MB. */
const maxBlob = 64 * 1024 - 1

/** Without row numbers a blob is one row written, which is what is paid for, rather than two. */
const schema = 'CREATE TABLE IF NOT EXISTS stowage (environment TEXT, name TEXT, bytes BLOB, PRIMARY KEY (environment, name)) WITHOUT ROWID'

/** The storages that drivers were made for, and the environments that are open in each. */
const opened = new WeakMap<DurableStorage, { id: string; names: Set<string> }>()
let storages = 0

/** Keeps environments in the SQLite storage of a Durable Object: `durable(ctx.storage)`. */
export function durable(storage: DurableStorage): DriverFactory {
  const { id, names } = opened.get(storage) ?? { id: `durable:${storages++}`, names: new Set<string>() }
  opened.set(storage, { id, names })
  return {
    id,
    async open(name) {
      if (names.has(name)) throw new StowageError('locked', `"${name}" is open already`)
      attempt(() => storage.sql.exec(schema))
      names.add(name)
      return new DurableDriver(storage, name, () => names.delete(name))
    },
  }
}

class DurableDriver implements Driver {
  private closed = false

  constructor(
    private readonly storage: DurableStorage,
    private readonly environment: string,
    private readonly unlock: () => void,
  ) {}

  async read(names: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    this.check()
    return attempt(() => names.map(name => this.blob(name)))
  }

  async commit(batch: Batch): Promise<void> {
    this.check()
    attempt(() => this.storage.transactionSync(() => this.write(batch)))
    if (batch.durability === 'strict') await this.storage.sync().catch(explain)
  }

  async list(prefix: string): Promise<string[]> {
    this.check()
    return attempt(() => Array.from(this.exec('SELECT name FROM stowage WHERE environment = ? AND name >= ? AND name < ? ORDER BY name', prefix, `${prefix}\u{10ffff}`), ({ name }) => name as string))
  }

  /** Counting the blobs would read all of them. The bytes are those of the object's whole database. */
  async info(): Promise<DriverInfo> {
    this.check()
    return { atomic: true, prefixDurable: true, maxBlob, blobs: -1, bytes: this.storage.sql.databaseSize }
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.unlock()
  }

  private check(): void {
    if (this.closed) throw new StowageError('closed', 'the driver is closed')
  }

  private exec(query: string, ...rest: unknown[]): Iterable<Record<string, unknown>> {
    return this.storage.sql.exec(query, this.environment, ...rest)
  }

  private blob(name: string): Uint8Array | undefined {
    const [row] = this.exec('SELECT bytes FROM stowage WHERE environment = ? AND name = ?', name)
    return row && new Uint8Array(row.bytes as ArrayBuffer)
  }

  /** Within a transaction, which what is thrown undoes. */
  private write({ put, add, root, remove, removeRange }: Batch): void {
    if (root !== undefined && !equalBytes(this.blob(rootName), root.old)) throw new StowageError('conflict', 'the root was replaced meanwhile')
    for (const { name } of add) {
      if (this.blob(name) !== undefined) throw new StowageError('conflict', 'the name of a new blob is taken')
    }
    for (const blob of put) this.set(blob)
    for (const blob of add) this.set(blob)
    if (root !== undefined) this.set({ name: rootName, bytes: root.new })
    for (const name of remove) this.exec('DELETE FROM stowage WHERE environment = ? AND name = ?', name)
    if (removeRange !== undefined) this.exec('DELETE FROM stowage WHERE environment = ? AND name BETWEEN ? AND ?', removeRange.from, removeRange.to)
  }

  private set({ name, bytes }: Blob): void {
    this.exec('INSERT OR REPLACE INTO stowage VALUES (?, ?, ?)', name, bytes)
  }
}

function attempt<R>(work: () => R): R {
  try {
    return work()
  } catch (error) {
    return explain(error)
  }
}

function explain(error: unknown): never {
  const full = /SQLITE_FULL|disk is full|size limit/i.test(String(error))
  const code: ErrorCode = full ? 'quota' : 'backend_failed'
  throw asStowageError(error, code, `the object's storage failed: ${String(error)}`)
}
