import { asStowageError, type ErrorCode, StowageError } from '../errors.js'
import { type Batch, type Driver, type DriverFactory, type DriverInfo, rootName } from './driver.js'
import { logBegun } from './leveldb.js'
import { equalBytes } from './memory.js'
import { Tabs } from './tabs.js'
import { shareLock } from './weblock.js'

/** The one object store. Keys are the names of blobs, values their bytes. */
const storeName = 'blobs'

/** The schema never changes, so neither does IndexedDB's version of it. */
const version = 1

/** At 64 KiB Chromium moves a value out of line, which makes writing it several times slower. */
const maxBlob = 64 * 1024 - 1

/** An open that has not been answered by then never will be; nor, most likely, will a transaction. See watch. */
const openSeconds = 5
const transactionSeconds = 30

/** How often work is done again on a new connection when the old one turns out dead. */
const replays = 3

/**
 * Keeps environments in IndexedDB: a database `stowage:<name>` for each. Any
 * number of pages and workers may have one open.
 */
export function indexeddb(): DriverFactory {
  return {
    id: 'indexeddb',
    worker: { module: 'indexeddb' },
    sentinel: true,
    async open(name) {
      if (globalThis.indexedDB === undefined) throw new StowageError('unsupported', 'there is no IndexedDB here; open with another driver')
      const driver = new IndexedDBDriver(`stowage:${name}`, await shareLock(`stowage:${name}`))
      try {
        await driver.connect()
        return driver
      } catch (error) {
        await driver.close()
        throw error
      }
    },
  }
}

class IndexedDBDriver implements Driver {
  readonly contexts: Tabs
  private connection: IDBDatabase | undefined
  private connecting: Promise<IDBDatabase> | undefined
  private closed = false
  /** Why the database is not the one that was opened any more, if so. */
  private gone: StowageError | undefined
  /** Whether there has been a connection: then the database exists, and must still. */
  private known = false
  /** Whoever opened this has looked, before the first transaction, whether a new log has to be begun before the first write. */
  private log: Promise<void> | undefined
  /** That is so, or nothing had to be begun: writes need not ask any more. */
  private begun = false

  constructor(
    private readonly name: string,
    private readonly unlock: () => void,
  ) {
    this.contexts = new Tabs(name)
  }

  read(names: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return this.transact('readonly', 'default', true, store => {
      const requests = names.map(name => store.get(name))
      store.transaction.commit() // so that it ends even if this page stands still now: it would keep others from writing
      return () => requests.map(request => bytesOf(request.result))
    })
  }

  commit(batch: Batch): Promise<void> {
    if (this.begun) return this.write(batch)
    return (this.log ??= logBegun()).then(() => {
      this.begun = true
      return this.write(batch)
    })
  }

  private write(batch: Batch): Promise<void> {
    const durability = batch.durability === 'strict' ? 'strict' : 'relaxed'
    const publishes = batch.add.length > 0 || batch.root !== undefined
    const repeatable = !publishes // no name is used twice, so nobody can tell that it came twice
    return this.transact('readwrite', durability, repeatable, (store, abort) => {
      // Everything is requested at once: a transaction that is idle commits itself.
      const before = batch.root && store.get(rootName)
      if (batch.root !== undefined) store.put(batch.root.new, rootName)
      for (const { name, bytes } of batch.put) store.put(bytes, name)
      for (const { name, bytes } of batch.add) store.add(bytes, name)
      for (const name of batch.remove) store.delete(name)
      if (batch.removeRange !== undefined) store.delete(IDBKeyRange.bound(batch.removeRange.from, batch.removeRange.to))
      if (before === undefined) {
        store.transaction.commit()
      } else {
        // Once commit() was called nothing can abort any more, so it has to wait for the comparison.
        before.onsuccess = () => {
          if (equalBytes(bytesOf(before.result), batch.root?.old)) store.transaction.commit()
          else abort(new StowageError('conflict', 'the root was replaced meanwhile'))
        }
      }
      return () => {
        if (publishes) this.contexts.tell('committed')
      }
    })
  }

  list(prefix: string): Promise<string[]> {
    return this.transact('readonly', 'default', true, store => {
      const request = store.getAllKeys(IDBKeyRange.bound(prefix, `${prefix}\uffff`)) as IDBRequest<string[]>
      store.transaction.commit()
      return () => request.result
    })
  }

  async info(held: boolean): Promise<DriverInfo> {
    const info = { atomic: true, prefixDurable: true, maxBlob, blobs: -1, bytes: -1 }
    if (this.closed) throw closed()
    if (!held) return info
    info.blobs = await this.transact('readonly', 'default', true, store => {
      const request = store.count()
      return () => request.result
    })
    info.bytes = await usedBytes()
    return info
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.connection?.close()
    this.connection = undefined
    this.contexts.close()
    this.unlock()
  }

  /** Opens the connection, or finds it open. */
  connect(): Promise<IDBDatabase> {
    if (this.closed) return Promise.reject(closed())
    if (this.gone !== undefined) return Promise.reject(this.gone)
    if (this.connection !== undefined) return Promise.resolve(this.connection)
    this.connecting ??= openDatabase(this.name, this.known)
      .then(connection => this.adopt(connection))
      .finally(() => {
        this.connecting = undefined
      })
    return this.connecting
  }

  private adopt(connection: IDBDatabase): IDBDatabase {
    const forget = () => {
      if (this.connection === connection) this.connection = undefined
    }
    // Whoever deletes the database must not wait for us. What is there afterwards is another one.
    connection.onversionchange = () => {
      connection.close()
      forget()
      this.gone = new StowageError('backend_failed', 'the database was deleted while it was open')
    }
    connection.onclose = forget
    this.known = true
    if (this.closed) connection.close()
    else this.connection = connection
    return connection
  }

  /**
   * Runs requests in one transaction and returns what `issue` makes of their results. A
   * connection that died (browsers close them when a profile is under pressure) cannot
   * start a transaction; nothing has happened then, so it is done again on a new one. So is what was
   * never answered, where it can be taken back or may happen twice; of anything else nobody
   * knows whether it has happened, or will: `backend_failed`, upon which the engine reads anew what there is.
   */
  private transact<R>(
    mode: IDBTransactionMode,
    durability: IDBTransactionDurability,
    repeatable: boolean,
    issue: Issue<R>,
    attempt = 1,
  ): Promise<R> {
    this.log ??= logBegun()
    const { connection } = this
    const again = () => this.transact(mode, durability, repeatable, issue, attempt + 1)
    if (connection === undefined) return this.connect().then(() => this.transact(mode, durability, repeatable, issue, attempt))
    const leave = () => {
      if (this.connection === connection) this.connection = undefined
    }
    let transaction: IDBTransaction
    try {
      transaction = connection.transaction(storeName, mode, { durability })
    } catch (error) {
      leave()
      return attempt > replays || !isDead(error) ? Promise.reject(explain(error)) : again()
    }
    return complete(transaction, issue, async undone => {
      leave()
      connection.close()
      if (attempt > replays || !(repeatable || undone)) throw new StowageError('backend_failed', 'IndexedDB did not answer')
      return again()
    })
  }
}

/** What is no bytes somebody else has put there: it is damaged, as bytes are that say nothing. */
function bytesOf(value: unknown): Uint8Array | undefined {
  return value === undefined || value instanceof Uint8Array ? value : new Uint8Array(0)
}

/** Makes the requests of a transaction, and returns what makes their result. */
type Issue<R> = (store: IDBObjectStore, abort: (reason: StowageError) => void) => () => R

/**
 * Issues requests and waits until the transaction, not only they, are done. Where it has no end, silent tells what to do; undone
 * tells that nothing of it can happen any more.
 */
function complete<R>(transaction: IDBTransaction, issue: Issue<R>, silent: (undone: boolean) => Promise<R>): Promise<R> {
  return new Promise((resolve, reject) => {
    let reason: StowageError | undefined
    let failed: DOMException | null = null
    const abort = (why: StowageError) => {
      reason = why
      transaction.abort()
    }
    let results: () => R
    try {
      results = issue(transaction.objectStore(storeName), abort)
    } catch (error) {
      abort(explain(error))
    }
    // Only now: IndexedDB is at work meanwhile.
    const answered = watch(transactionSeconds, () => resolve(silent(undo(transaction))))
    transaction.onerror = event => {
      failed ??= (event.target as IDBRequest).error
    }
    transaction.onabort = () => {
      answered()
      reject(reason ?? explain(transaction.error ?? failed))
    }
    transaction.oncomplete = () => {
      answered()
      resolve(results())
    }
  })
}

/** Aborts a transaction, if that still can be. */
function undo(transaction: IDBTransaction): boolean {
  try {
    transaction.abort()
    return true
  } catch {
    return false // it is being committed
  }
}

/**
 * Calls back after so many seconds, unless what it returns is called before. Counted are seconds that this context lives
 * through: while a page is frozen, answers do not reach it either.
 */
function watch(seconds: number, late: () => void): () => void {
  const stop = () => clearInterval(timer)
  const timer = setInterval(() => {
    if (--seconds !== 0) return
    stop()
    late()
  }, 1000)
  return stop
}

/** Opens the database; makes it where there is none, unless there must be one. */
function openDatabase(name: string, mustExist: boolean): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version)
    let late = false
    const answered = watch(openSeconds, () => {
      late = true
      reject(new StowageError('backend_failed', 'IndexedDB did not answer'))
    })
    let upgrade: IDBTransaction | null = null
    request.onupgradeneeded = () => {
      upgrade = request.transaction
      if (mustExist) request.transaction?.abort()
      else request.result.createObjectStore(storeName)
    }
    request.onerror = () => {
      answered()
      reject(mustExist ? new StowageError('backend_failed', 'the database is gone', { cause: request.error }) : explain(upgrade?.error ?? request.error)) // of the upgrade the request tells only that it was aborted
    }
    request.onsuccess = () => {
      answered()
      late ? request.result.close() : resolve(request.result)
    }
  })
}

/** What the origin uses, as far as the browser tells: it counts everything, not only this database. */
async function usedBytes(): Promise<number> {
  try {
    const { usage } = await navigator.storage.estimate()
    return usage ?? -1
  } catch {
    return -1
  }
}

const closed = () => new StowageError('closed', 'the driver is closed')

function isDead(error: unknown): boolean {
  const name = (error as DOMException | null)?.name
  return name === 'InvalidStateError' || name === 'UnknownError'
}

const codes: Record<string, ErrorCode> = {
  QuotaExceededError: 'quota',
  ConstraintError: 'conflict',
  VersionError: 'newer_format',
}

/** Gives a DOMException its code. */
function explain(error: unknown): StowageError {
  const name = (error as DOMException | null)?.name ?? 'AbortError'
  return asStowageError(error ?? undefined, codes[name] ?? 'backend_failed', `IndexedDB failed: ${name}`)
}
