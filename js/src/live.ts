/*
 * A live query is asked again and again, whenever a commit has touched what it
 * read. The engine remembers which rows its host has, and says of each that has
 * not changed only where it stood: the host keeps the very objects that it made
 * of them, and is handed what is new.
 *
 * The other end is wasm/live.go.
 */
import { Change } from './query/change.js'
import { packValue, unpack } from './document/document.js'
import { nothing } from './bridge/engine.js'
import { asStowageError, type StowageError } from './errors.js'
import type { Find, Send } from './query/find.js'
import { liveOptions, type LiveOptions, mustListen } from './options.js'
import type { PackedQuery } from './query/query.js'
import type { Statement } from './query/sql.js'
import type { Over } from './bridge/scope.js'
import { whenAborted } from './bridge/signal.js'
import { turn } from './bridge/turn.js'
import { Op } from './bridge/wire.js'

export type { LiveOptions } from './options.js'

/** Is told a result, and what has become of it. Documents that have not changed are the same objects as before: treat them as read-only. */
export type Listener<T> = ((documents: readonly T[], change: Change<T>) => void) | Observer<T>

/** A listener that is told of failure, too: nothing comes after it. */
export interface Observer<T> {
  next?(documents: readonly T[], change: Change<T>): void
  error?(error: StowageError): void
}

/** What is known of a live query. Another object whenever that has changed. */
export interface LiveState<T> {
  readonly documents: readonly T[]
  /** See LiveOptions. */
  readonly total: number | undefined
  /** Nothing has been told yet. */
  readonly pending: boolean
  /** Why it has ended. */
  readonly error: StowageError | undefined
}

/**
 * A result that keeps itself up to date while somebody listens, shared by all who
 * do. It fits wherever a store with `subscribe` is expected (Svelte), and where
 * a snapshot goes with it (React's useSyncExternalStore).
 *
 *     const big = live(db.cities.find({ country: 'NO' }).orderBy('population', 'desc').limit(20))
 *     const stop = big.subscribe(cities => render(cities))
 */
export function live<T>(find: Find<T, any> | Statement<T>, options?: LiveOptions): Live<T> {
  const { signal, total = false, isolation } = liveOptions('live', options)
  return new Live(find, find.identity, total, isolation === 'frozen', signal)
}

/** What a server renders, and what is known at first. */
export const nothingYet: LiveState<never> = Object.freeze({ documents: Object.freeze([]) as never[], total: undefined, pending: true, error: undefined })

/** A frame, in milliseconds: more often than that nobody is told. */
const frame = 16

/** Numbers of live queries; an engine serves one context. */
let lastNumber = 0

/** How often a live query begins anew with nothing told in between, for an engine that was lost or a snapshot that expired. */
const maxAttempts = 3

export class Live<T> {
  private readonly listeners = new Set<Observer<T>>()
  private current: LiveState<T> = nothingYet
  private ending: AbortController | undefined
  private told = 0

  /** @internal */
  constructor(
    private readonly find: Asked,
    private readonly key: (string | number)[],
    private readonly counted: boolean,
    private readonly frozen: boolean,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** What is known now. It is up to date while somebody listens. */
  readonly getSnapshot = (): LiveState<T> => this.current

  /**
   * What is known as a store of Svelte's contract: told at once, and whenever it is something else, failures too.
   *
   *     const { states } = live(db.cities.find())
   *     {#each $states.documents as city} … {/each}
   */
  readonly states = {
    subscribe: (run: (state: LiveState<T>) => void): (() => void) => {
      let known = this.current
      const tell = () => {
        if (this.current !== known) run((known = this.current))
      }
      run(known)
      return this.subscribe({ next: tell, error: tell })
    },
  }

  /** What a server can know: nothing. */
  readonly getServerSnapshot = (): LiveState<T> => nothingYet

  /** Tells the result, at once where it is known, and whenever it changes. Returns what ends that. */
  readonly subscribe = (listener: Listener<T>, signal?: AbortSignal): (() => void) => {
    mustListen(listener)
    const observer = typeof listener === 'function' ? { next: listener } : { next: listener.next?.bind(listener), error: listener.error?.bind(listener) }
    if (this.signal?.aborted || signal?.aborted) return () => {}
    const stop = () => {
      deaf()
      this.leave(observer as Observer<T>)
    }
    const deaf = whenAborted(signal, stop)
    this.listeners.add(observer as Observer<T>)
    if (this.ending === undefined) {
      this.start()
    } else if (!this.current.pending) {
      const { documents, total } = this.current
      this.call(() => observer.next?.(documents, new Change(documents, [], this.key, total)))
    }
    return stop
  }

  private leave(observer: Observer<T>): void {
    if (this.listeners.delete(observer) && this.listeners.size === 0) this.ending?.abort()
  }

  private start(): void {
    const ending = new AbortController()
    this.ending = ending
    const end = () => ending.abort()
    const deaf = [whenAborted(this.signal, end), this.find.over?.(end)]
    void this.run(ending.signal).then(error => {
      for (const end of deaf) end?.()
      if (this.ending === ending) this.ending = undefined
      if (error !== undefined) this.fail(error)
    })
    // Who ends it and begins anew before it has ended begins another.
    ending.signal.addEventListener('abort', () => {
      if (this.ending === ending) this.ending = undefined
    })
  }

  /** Follows the query until that is ended or fails; with what, unless the environment was closed after something was told. */
  private async run(signal: AbortSignal): Promise<StowageError | undefined> {
    const begun = this.told
    for (let attempt = 1; ; attempt++) {
      const { told } = this
      const number = ++lastNumber
      const error = await this.follow(number, signal).catch(error => asStowageError(error, 'invalid_query', 'a function of the query failed'))
      // An engine that was lost knows nothing of it any more, and is not to be started for that.
      if (error?.code !== 'engine_lost') void this.find.send(Op.Unlive, packValue(number), nothing, {}).catch(() => {})
      if (error === undefined || signal.aborted || (error.code === 'closed' && this.told > begun)) return undefined
      if (this.told > told) attempt = 1
      if (attempt === maxAttempts || (error.code !== 'engine_lost' && error.code !== 'snapshot_expired')) return error
    }
  }

  /** Asks, tells and waits. */
  private async follow(number: number, signal: AbortSignal): Promise<undefined> {
    let { documents, total } = await this.ask(Op.Live, number, [], signal)
    if (!signal.aborted) this.tell(documents, total)
    for (let at = performance.now(); !signal.aborted; at = performance.now()) {
      await turn.next() // who was told goes on first: nothing is missed meanwhile
      const answer = await this.ask(Op.Changed, number, documents, signal)
      await nextFrame(at)
      documents = answer.documents
      if (answer.changed && !signal.aborted) this.tell(documents, answer.total)
    }
  }

  /** Asks the query, at once or when it has changed; before is what the engine knows to be here. */
  private async ask(op: Op, number: number, before: readonly T[], signal: AbortSignal): Promise<Answer<T>> {
    const documents: T[] = []
    let changed = false
    let total: number | undefined
    const take = (bytes: Uint8Array, start: number, end: number): true => {
      const { revive } = this.find
      const read = unpack(bytes, start, end) as (T | number)[]
      const rows = revive === undefined ? read : read.map(row => (typeof row === 'number' ? row : (revive(row as object) as T)))
      if (this.counted && total === undefined) total = rows.shift() as number
      for (const row of rows) {
        changed ||= row !== documents.length
        documents.push(typeof row === 'number' ? before[row]! : this.frozen ? freeze(row) : row)
      }
      return true
    }
    const { bytes, run } = this.find.packed()
    await run(exchange => this.find.send(op, packLive(bytes, number, this.counted), take, exchange), { signal, onRows: take })
    changed ||= documents.length !== before.length || total !== this.current.total
    return { documents: this.frozen ? Object.freeze(documents) : documents, changed, total }
  }

  private tell(documents: readonly T[], total: number | undefined): void {
    const change = new Change(documents, this.current.documents, this.key, total)
    this.current = { documents, total, pending: false, error: undefined }
    this.told++
    for (const { next } of [...this.listeners]) this.call(() => next?.(documents, change))
  }

  private fail(error: StowageError): void {
    this.current = { ...this.current, pending: false, error }
    const listeners = [...this.listeners]
    this.listeners.clear()
    for (const { error: told } of listeners) {
      if (told === undefined) report(error)
      else this.call(() => told(error))
    }
  }

  /** What a listener throws is its own, and keeps nothing from the others. */
  private call(listener: () => void): void {
    try {
      listener()
    } catch (error) {
      report(error)
    }
  }
}

/** What can be asked again and again: a Find, or a statement of SQL. */
interface Asked {
  readonly send: Send
  readonly revive?: ((document: object) => object) | undefined
  readonly over?: Over | undefined
  packed(): PackedQuery
}

interface Answer<T> {
  documents: readonly T[]
  changed: boolean
  total: number | undefined
}

/** Freezes an object and all that it holds; bytes, dates, maps and sets cannot be. */
function freeze<V>(value: V): V {
  if (Array.isArray(value) || (value !== null && typeof value === 'object' && !ArrayBuffer.isView(value))) {
    for (const part of Object.values(value)) freeze(part)
    Object.freeze(value)
  }
  return value
}

/** Packs [query, number, counted]. */
export function packLive(query: Uint8Array, number: number, counted: boolean): Uint8Array {
  const rest = packValue([number, counted])
  const packed = new Uint8Array(rest.length + query.length)
  packed[0] = 0x93 // a list of three
  packed.set(query, 1)
  packed.set(rest.subarray(1), 1 + query.length)
  return packed
}

/** Lets an error be seen that nobody takes. */
export function report(error: unknown): void {
  if (typeof reportError === 'function') reportError(error)
  else queueMicrotask(() => {
    throw error
  })
}

/** Waits for the frame after that of a moment, so that a page is not told more often than it draws. */
function nextFrame(after: number): Promise<void> {
  const rest = frame - (performance.now() - after)
  if (rest <= 0) return Promise.resolve()
  return new Promise(resolve => {
    setTimeout(resolve, rest)
    if (globalThis.document?.visibilityState === 'visible') requestAnimationFrame(() => resolve())
  })
}
