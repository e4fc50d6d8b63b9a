/**
 * The driver of Workers KV, where contexts everywhere write to the same blobs and none sees at
 * once what the others do. What the engine makes of that stands in store/replica.go; here is what
 * KV's rules ask for: no key is read that may not exist yet, for a miss is remembered; a call
 * that failed, or was refused for coming too soon, is made again with the same key and the
 * same bytes; and what a commit writes is one key.
 *
 * A short record stands in its key's metadata, so that it comes with a list; a longer one is text, of
 * which a hundred are read in one operation. Pages are bytes.
 */
import { fromBase64, toBase64 } from '../document/base64.js'
import { StowageError } from '../errors.js'
import { type Batch, type Blob, type Driver, type DriverFactory, type DriverInfo, rootName } from './driver.js'

/** What the driver uses of a binding. */
export interface KVStore {
  get(key: string, options: { type: 'arrayBuffer'; cacheTtl?: number }): Promise<ArrayBuffer | null>
  getWithMetadata(keys: string[], options: { type: 'text' }): Promise<Map<string, { value: string | null; metadata: unknown }>>
  put(key: string, value: string | Uint8Array, options?: KVPutOptions): Promise<void>
  delete(key: string): Promise<void>
  list(options: { prefix: string; cursor?: string | undefined }): Promise<{ keys: { name: string; metadata?: unknown }[]; list_complete: boolean; cursor?: string }>
}

export interface KVPutOptions {
  metadata?: unknown
  /** Seconds since 1970. */
  expiration?: number
}

/** What was asked of KV, as it is limited and paid for. */
export interface KVUsage {
  /** Calls: an invocation may make a thousand. */
  operations: number
  /** Keys read, lists of up to a thousand keys, keys written and deleted, failed attempts included. */
  reads: number
  lists: number
  writes: number
  deletes: number
  bytesRead: number
  bytesWritten: number
}

export interface KVOptions {
  /** Makes an encrypted environment where none is seen. One place may be told to, once: two would not read one another. */
  found?: boolean
  /** What is kept there is a copy of another environment, which only those who say so write to: see `publish`. It is founded where none is seen. */
  publishes?: boolean
  /**
   * When all of it is gone: KV deletes its keys by itself then, every one at the same second. It is part of the name: with another time,
   * or none, `open` opens another environment. The last minute it is only read; after that calls are `closed`.
   */
  expires?: Date
}

const recordPrefix = 'l/'

/** The longest record that goes into metadata, which has 1,024 bytes as JSON. */
const inlineBytes = 700
/** What is kept of lists until it is asked for. */
const inlineKept = 4 << 20
/** KV has 25 MiB, and text is a third longer. */
const maxBlob = 16 << 20
const bulkKeys = 100
const connections = 6
/** Seconds for which a location remembers the hint, and anything else; also that it was missing, which is why that is not a year. */
const [hintSeconds, blobSeconds] = [30, 300]

/** KV takes no key that would expire sooner. */
const lastSeconds = 60

/** KV has 512 bytes for a key, of which names of records have 42. */
const prefixBytes = 470

const ids = new WeakMap<KVStore, string>()
let stores = 0

/** Keeps environments in a KV namespace: `kv(env.STORE)`. */
export function kv(store: KVStore, { found = false, publishes = false, expires }: KVOptions = {}): DriverFactory {
  const place = ids.get(store) ?? `kv:${stores++}`
  ids.set(store, place)
  const expiration = expires && secondOf(expires)
  const id = `${place}${expiration === undefined ? '' : `@${expiration}`}${publishes ? '!' : ''}` // who publishes has an engine beside that of those who read there
  return {
    id,
    async open(name) {
      const driver = new KVDriver(store, prefixOf(name, expiration), publishes ? 4 : found ? 3 : 2, expiration)
      drivers.set(`${id}/${name}`, driver)
      return driver
    },
  }
}

function secondOf(expires: Date): number {
  const second = expires instanceof Date ? Math.ceil(expires.getTime() / 1000) : NaN
  if (!(second > 0 && second < 2 ** 31)) throw new StowageError('invalid_option', 'kv: "expires" must be a Date before 2038, where the seconds of KV end')
  return second
}

/** What the keys of an environment begin with, and those of no other one. Of those that expire no key goes before or after the others. */
function prefixOf(name: string, expiration?: number): string {
  const end = expiration === undefined ? '' : `%t${expiration}`
  const prefix = `${name.replace(/%/g, '%25').replace(/\//g, '%2F')}${end}/`
  if (new TextEncoder().encode(prefix).length > prefixBytes) throw new StowageError('invalid_argument', 'kv: the name of the environment is too long for the keys of KV')
  return prefix
}

const drivers = new Map<string, KVDriver>()

/** What was asked of KV for an environment, undefined where it is not in KV. */
export const usageOf = ({ id }: DriverFactory, name: string): KVUsage | undefined => drivers.get(`${id}/${name}`)?.usage

export const noUsage = (): KVUsage => ({ operations: 0, reads: 0, lists: 0, writes: 0, deletes: 0, bytesRead: 0, bytesWritten: 0 })

/** What a driver and its views for single calls have together. */
class State {
  readonly usage = noUsage()
  closed = false
  /** Records that came with lists, as text, and how long they are together. */
  readonly texts = new Map<string, string>()
  private length = 0

  keep(name: string, text: string): void {
    if (this.length > inlineKept) {
      this.texts.clear()
      this.length = 0
    }
    if (!this.texts.has(name)) this.length += text.length
    this.texts.set(name, text)
  }
}

class KVDriver implements Driver {
  constructor(
    private readonly store: KVStore,
    private readonly prefix: string,
    private readonly sharing: 2 | 3 | 4,
    private readonly expiration?: number,
    private readonly state = new State(),
    private readonly own?: KVUsage,
  ) {}

  get usage(): KVUsage {
    return this.state.usage
  }

  counting(own: unknown): Driver {
    return new KVDriver(this.store, this.prefix, this.sharing, this.expiration, this.state, own as KVUsage)
  }

  private count(what: keyof KVUsage, n = 1): void {
    this.usage[what] += n
    if (this.own !== undefined) this.own[what] += n
  }

  async read(names: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    this.check()
    const read = new Map<string, Uint8Array>()
    const long = names.filter(name => name.startsWith(recordPrefix) && !this.takeInline(name, read))
    for (let at = 0; at < long.length; at += bulkKeys) await this.readRecords(long.slice(at, at + bulkKeys), read)
    await atMost(connections, names.filter(name => !name.startsWith(recordPrefix)), async name => {
      this.count('reads')
      const cacheTtl = name === rootName ? hintSeconds : blobSeconds
      const bytes = await this.again(() => this.store.get(this.prefix + name, { type: 'arrayBuffer', cacheTtl }))
      if (bytes !== null) this.note(name, new Uint8Array(bytes), read)
    })
    return names.map(name => read.get(name))
  }

  async commit({ put, add, root, remove, removeRange }: Batch): Promise<void> {
    this.check(lastSeconds)
    if (root !== undefined || removeRange !== undefined) throw new StowageError('internal', 'KV replaces nothing')
    await atMost(connections, put, blob => this.write(blob))
    for (const blob of add) await this.write(blob)
    await atMost(connections, remove, name => {
      this.count('deletes')
      return this.again(() => this.store.delete(this.prefix + name))
    })
  }

  async list(prefix: string): Promise<string[]> {
    this.check()
    const names: string[] = []
    for (let cursor: string | undefined; ; ) {
      this.count('lists')
      const page = await this.again(() => this.store.list({ prefix: this.prefix + prefix, cursor }))
      for (const { name, metadata } of page.keys) {
        const short = name.slice(this.prefix.length)
        names.push(short)
        if (typeof metadata === 'string') this.state.keep(short, metadata)
      }
      if (page.list_complete) return names
      cursor = page.cursor
    }
  }

  async info(): Promise<DriverInfo> {
    this.check()
    return { atomic: false, prefixDurable: true, maxBlob, blobs: -1, bytes: -1, sharing: this.sharing }
  }

  async close(): Promise<void> {
    this.state.closed = true
  }

  /** Whether there is somebody to ask, also in so many seconds. */
  private check(seconds = 0): void {
    if (this.state.closed) throw new StowageError('closed', 'the driver is closed')
    if (this.expiration !== undefined && Date.now() / 1000 + seconds >= this.expiration) throw new StowageError('closed', 'KV: the environment has expired, or does so within a minute')
  }

  /** Reads records that no list has brought. Those that are too much for one answer together are asked for by halves. */
  private async readRecords(names: string[], read: Map<string, Uint8Array>): Promise<void> {
    this.count('reads', names.length)
    const half = names.length >> 1
    const found = await this.again(() => this.store.getWithMetadata(names.map(name => this.prefix + name), { type: 'text' })).catch(error => {
      if (half === 0 || !String((error as Error).message).includes('413')) throw error
    })
    if (found === undefined) {
      await this.readRecords(names.slice(0, half), read)
      return this.readRecords(names.slice(half), read)
    }
    for (const name of names) {
      const { value = null, metadata } = found.get(this.prefix + name) ?? {}
      const text = typeof metadata === 'string' ? metadata : value
      if (text !== null) this.note(name, fromBase64(text), read)
    }
  }

  private note(name: string, bytes: Uint8Array, read: Map<string, Uint8Array>): void {
    this.count('bytesRead', bytes.length)
    read.set(name, bytes)
  }

  private write({ name, bytes }: Blob): Promise<void> {
    this.count('writes')
    this.count('bytesWritten', bytes.length)
    const key = this.prefix + name
    const options = this.expiration === undefined ? undefined : { expiration: this.expiration }
    if (!name.startsWith(recordPrefix)) return this.again(() => this.store.put(key, bytes, options))
    const text = toBase64(bytes)
    return this.again(() => (bytes.length <= inlineBytes ? this.store.put(key, '', { ...options, metadata: text }) : this.store.put(key, text, options)))
  }

  private takeInline(name: string, read: Map<string, Uint8Array>): boolean {
    const text = this.state.texts.get(name)
    if (text === undefined) return false
    this.note(name, fromBase64(text), read)
    return true
  }

  /** Makes a call until it goes well. Who is told that it failed cannot know whether it was carried out. */
  private async again<R>(call: () => Promise<R>): Promise<R> {
    for (let attempt = 1; ; attempt++) {
      this.count('operations')
      try {
        return await answered(call())
      } catch (error) {
        const message = String(error)
        if (error === silence) attempt++
        if (attempt >= attempts || permanent.test(message)) throw new StowageError('backend_failed', `KV failed: ${message}`, { cause: error })
        const pause = message.includes('429') ? slowDown : firstPause * 2 ** attempt
        await new Promise(resolve => setTimeout(resolve, pause * (1 + Math.random())))
      }
    }
  }
}

/** How often a call is made, and how long it waits after it failed, in milliseconds; after it was refused for the second that a key has to rest. */
const [attempts, firstPause, slowDown] = [6, 50, 1000]

/**
 * How long an answer is waited for, in milliseconds. Where there is none it counts as two that failed: altogether a call
 * takes less than the half minute that one which nobody waits for has.
 */
const patience = 8000
const silence = new Error('there is no answer')

async function answered<R>(call: Promise<R>): Promise<R> {
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    return await Promise.race([call, new Promise<never>((_, reject) => (timer = setTimeout(reject, patience, silence)))])
  } finally {
    clearTimeout(timer)
  }
}

/** What KV says of a call that it would never accept. */
const permanent = /TypeError|\b(400|401|403|413|414)\b/

/** Does work for each item, so many at once. */
async function atMost<T>(n: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const one = async () => {
    while (next < items.length) await work(items[next++]!)
  }
  await Promise.all(Array.from({ length: Math.min(n, items.length) }, one))
}
