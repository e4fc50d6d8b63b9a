/*
 * Pulls shapes from an origin and keeps them up to date: chunk after chunk, then what changes. Go programs have the same
 * in sync/pull.go.
 */
import type { Database, Environment } from '../environment.js'
import { asStowageError, StowageError } from '../errors.js'
import { Options } from '../options.js'
import { table } from '../schema.js'
import { Backoff, pause, type RetryOptions } from './backoff.js'
import { Breaker } from './breaker.js'
import { electric } from './electric.js'
import { lead } from './leader.js'
import { type Chunk, MustRefetch } from './message.js'
import { Requests, Unanswered } from './request.js'
import { Mismatch, Moved, type Position, Shape, type ShapeSpec, shapesTable, tablesOf } from './shape.js'
import { type Source, Stale } from './source.js'
import { Token, type TokenSource } from './token.js'

/** What is pulled, and how. */
export interface PullOptions {
  /** The URL of an origin's shapes, which ends in /v1/shape; or another source. */
  origin: string | Source
  /** The shapes, by the names of the tables that hold their rows. Tables that the environment does not have are made. */
  shapes: Record<string, string | ShapeSpec>
  /** Tells what requests bear. */
  token?: TokenSource
  /** Goes on with what changes, once all is there: true unless given. Else only `refresh` asks. */
  live?: boolean
  /** How often a source is asked that cannot wait for changes, in milliseconds. Default 60,000. */
  every?: number
  retry?: RetryOptions
  /** Sends requests, in the place of the context's own. */
  fetch?: typeof globalThis.fetch
}

/** What a shape is at. */
export type Phase = 'waiting' | 'pulling' | 'live' | 'retrying' | 'paused' | 'needs token' | 'failed' | 'elsewhere'

/** How far a shape is. Another object whenever that has changed. */
export interface Progress {
  readonly shape: string
  /** 'elsewhere': another tab pulls. */
  readonly phase: Phase
  /** There is a whole shape, and it is shown. */
  readonly complete: boolean
  /** Rows so far, and of how many, where the origin tells. */
  readonly rows: number
  readonly total: number | undefined
  /** What has come in since the puller was started. */
  readonly chunks: number
  readonly bytes: number
  /** When it was last all there was, in milliseconds since 1970; 0 for never. */
  readonly fetchedAt: number
  /** Why it does not go on. */
  readonly error: StowageError | undefined
}

/** Listeners are told no sooner again, in milliseconds. */
const told = 100

/** As many requests for the same in this time, and it is a loop. */
const loopRequests = 5
const loopMilliseconds = 500

/** @internal What is shared by the shapes of one origin. */
export interface Origin {
  source: Source
  requests: Requests
  retry: { base: number; most: number }
  live: boolean
  every: number
  /** Whether a shape that is whole, or is not, is pulled only when `refresh` asks. */
  held?: (complete: boolean) => boolean
}

/**
 * Pulls shapes into tables. Of all tabs one pulls; the rows are seen in all of them.
 *
 *     const db = await open('atlas', { tables: { cities: table<City>({ key: 'id', indexes: ['country'] }) } })
 *     const atlas = await pull(db, { origin: '/v1/shape', shapes: { cities: 'main.cities' } })
 *     atlas.subscribe(({ cities }) => show(cities.rows, cities.total))
 *     await atlas.complete()
 */
export async function pull(db: Environment<any>, options: PullOptions): Promise<Puller> {
  const o = new Options('pull', options)
  const source = o.any('origin') as string | Source
  const given = (o.any('shapes') ?? {}) as PullOptions['shapes']
  const token = new Token(o.function<TokenSource>('token'))
  const fetch = o.function<typeof globalThis.fetch>('fetch') ?? globalThis.fetch.bind(globalThis)
  const live = o.boolean('live') ?? true
  const every = o.integer('every', { least: 1 }) ?? 60_000
  const retry = Backoff.read(o.any('retry'))
  o.done()
  if (typeof source !== 'string' && typeof source?.next !== 'function') throw o.wrong('origin', 'a URL or a source')
  const specs = Object.entries(given).map(([name, spec]) => [name, typeof spec === 'string' ? { table: spec } : spec] as const)
  if (specs.some(([, spec]) => typeof spec?.table !== 'string')) throw o.wrong('shapes', 'tables of the origin, or { table, columns, where, params }')
  const origin = {
    source: typeof source === 'string' ? electric(source) : source,
    requests: new Requests(fetch, token, new Breaker(retry.most)),
    retry, live, every,
  }
  return Puller.start(db, typeof source === 'string' ? source : '', origin, specs)
}

export class Puller {
  private readonly ending = new AbortController()
  private readonly listeners = new Set<(progress: Readonly<Record<string, Progress>>) => void>()
  private readonly pulls: ReadonlyMap<string, Pull>
  private running: Promise<void> = Promise.resolve()
  private telling: ReturnType<typeof setTimeout> | undefined
  private unwatch = () => {}

  private constructor(
    private readonly db: Database,
    readonly requests: Requests,
    pulls: Pull[],
  ) {
    this.pulls = new Map(pulls.map(one => [one.shape.name, one]))
    for (const one of pulls) one.tell = () => this.tell()
  }

  /** @internal */
  static async start(db: Environment<any>, place: string, origin: Origin, specs: (readonly [string, ShapeSpec])[], keys: Record<string, string> = {}): Promise<Puller> {
    const names = specs.map(([name]) => name)
    const rows = Object.fromEntries(names.map(name => [name, table({ key: keys[name] ?? 'id' })]))
    const beside = await db.beside({ ...rows, ...tablesOf(names) })
    try {
      const pulls = specs.map(([name, spec]) => new Pull(origin, new Shape(beside, name, spec)))
      for (const one of pulls) await one.read()
      const puller = new Puller(beside, origin.requests, pulls)
      puller.run(`stowage pull ${db.name} ${place} ${names.join(' ')}`)
      return puller
    } catch (error) {
      await beside.close()
      throw error
    }
  }

  /** How far each shape is. */
  get progress(): Readonly<Record<string, Progress>> {
    return Object.fromEntries([...this.pulls].map(([name, one]) => [name, one.progress]))
  }

  /** Tells the progress now, and whenever it has changed, ten times a second at most. Returns what ends that. */
  subscribe(listener: (progress: Readonly<Record<string, Progress>>) => void): () => void {
    this.listeners.add(listener)
    listener(this.progress)
    return () => this.listeners.delete(listener)
  }

  /** Fulfilled once there is a whole shape of each, or of one; rejects where there cannot be. */
  async complete(name?: string): Promise<void> {
    await Promise.all(this.some(name).map(one => one.complete()))
  }

  /** Asks the origin for what is new, and is fulfilled once that is here. Rejects with `origin_failed` where it does not answer. */
  async refresh(name?: string): Promise<void> {
    await Promise.all(this.some(name).map(one => one.refresh()))
  }

  /** Pulls all of it anew, as where its rows cannot be read any more. What is shown stays until then. */
  async refetch(name?: string): Promise<void> {
    await Promise.all(this.some(name).map(one => one.refetch()))
  }

  /** @internal How far a shape is by what is stored: one that has lost its rows is pulled anew. */
  look(name: string): Promise<Progress> {
    return this.some(name)[0]!.look()
  }

  /** @internal Has each shape see whether it is held. */
  nudge(): void {
    for (const one of this.pulls.values()) one.nudge()
  }

  /** Ends the pulling. What has arrived stays, and the next one goes on from there. */
  async close(): Promise<void> {
    this.ending.abort()
    this.unwatch()
    await this.running
    for (const one of this.pulls.values()) one.close()
    clearTimeout(this.telling)
    await this.db.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private some(name: string | undefined): Pull[] {
    if (name === undefined) return [...this.pulls.values()]
    const one = this.pulls.get(name)
    if (one === undefined) throw new StowageError('not_found', `no shape "${name}" is pulled`)
    return [one]
  }

  private run(name: string): void {
    const { signal } = this.ending
    const lift = () => {
      this.requests.breaker.nudge()
      for (const one of this.pulls.values()) one.wake()
    }
    for (const event of waking) globalThis.addEventListener?.(event, lift)
    this.unwatch = () => {
      for (const event of waking) globalThis.removeEventListener?.(event, lift)
    }
    for (const one of this.pulls.values()) one.become('elsewhere')
    const seen = this.watch()
    this.running = lead(name, signal, async leading => {
      await Promise.all([...this.pulls.values()].map(one => one.run(leading)))
    }).catch(error => {
      for (const one of this.pulls.values()) one.fail(asStowageError(error, 'internal', 'the puller failed'))
    }).finally(seen)
  }

  /** Sees what another tab pulls. */
  private watch(): () => void {
    if ((globalThis.navigator as { locks?: unknown } | undefined)?.locks === undefined) return () => {}
    return this.db.table(shapesTable).find().subscribe({
      next: positions => {
        for (const position of positions as unknown as Position[]) this.pulls.get(position.shape)?.seen(position)
      },
      error: () => {}, // what is pulled here is told all the same
    })
  }

  private tell(): void {
    this.telling ??= setTimeout(() => {
      this.telling = undefined
      const { progress } = this
      for (const listener of this.listeners) {
        try {
          listener(progress)
        } catch (error) {
          void Promise.reject(error)
        }
      }
    }, told)
  }
}

/** When it is worth another try at once. */
const waking = ['online', 'visibilitychange'] as const

const hidden = () => globalThis.document?.visibilityState === 'hidden'

/** Who waits for a whole shape, or for what is new. */
interface Waiting {
  what: 'whole' | 'news'
  done: () => void
  failed: (error: StowageError) => void
}

/** One shape that is pulled. */
class Pull {
  tell = () => {}
  private position!: Position
  private current: Progress
  private waiting: Waiting[] = []
  /** After failures, and after it had to begin anew. */
  private readonly backoff: Backoff
  private readonly anew: Backoff
  /** Ends what it waits for, be it the next try or a live answer. */
  private rest = new AbortController()
  private wanted = false
  private cursor: string | undefined
  private buster: string | undefined
  /** What was asked last, and when the last times. */
  private asked = ''
  private times: number[] = []

  constructor(
    private readonly origin: Origin,
    readonly shape: Shape,
  ) {
    this.backoff = new Backoff(origin.retry.base, origin.retry.most)
    this.anew = new Backoff(origin.retry.base, origin.retry.most)
    this.current = { shape: shape.name, phase: 'waiting', complete: false, rows: 0, total: undefined, chunks: 0, bytes: 0, fetchedAt: 0, error: undefined }
  }

  get progress(): Progress {
    return this.current
  }

  async read(): Promise<void> {
    this.seen(await this.shape.position())
  }

  async look(): Promise<Progress> {
    const before = this.current.complete
    this.seen(await this.shape.position())
    if (before && !this.current.complete) this.nudge()
    return this.current
  }

  /** Takes notice of a position that is stored. */
  seen(position: Position): void {
    this.position = position
    const { complete, rows, fetchedAt } = position
    this.is({ complete, rows, fetchedAt })
    if (complete) this.settle('whole')
  }

  become(phase: Phase): void {
    if (phase !== this.current.phase) this.is({ phase })
  }

  fail(error: StowageError): void {
    this.is({ phase: 'failed', error })
    this.settle('whole', error)
    this.settle('news', error)
  }

  /** Fulfilled once there is a whole shape. */
  async complete(): Promise<void> {
    const { complete, error, phase } = this.current
    if (complete) return
    if (error !== undefined && ended.has(phase)) throw error
    await this.wait('whole')
  }

  refresh(): Promise<void> {
    if (this.current.phase === 'elsewhere') return this.once()
    const waited = this.wait('news')
    this.wanted = true
    if (this.current.phase !== 'pulling') this.nudge()
    return waited
  }

  async refetch(): Promise<void> {
    const position = await this.shape.position()
    this.seen(await this.shape.again(position, position.handle))
    await this.refresh()
  }

  close(): void {
    this.fail(new StowageError('closed', 'the puller was closed'))
  }

  /** Ends a wait, for what was in vain until now may not be any longer. */
  wake(): void {
    this.asked = ''
    this.nudge()
  }

  /** Ends a wait. */
  nudge(): void {
    this.rest.abort()
    this.rest = new AbortController()
  }

  /** Pulls until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const end = () => this.nudge()
    signal.addEventListener('abort', end)
    try {
      this.seen(await this.shape.position())
      for (let caughtUp = false; !signal.aborted; ) caughtUp = await this.step(caughtUp, signal)
      this.become('elsewhere')
    } catch (error) {
      this.fail(asStowageError(error, 'internal', 'the pull failed'))
    } finally {
      signal.removeEventListener('abort', end)
    }
  }

  /** Catches up beside the tab that pulls, which sees it when it stores its next chunk. */
  private async once(): Promise<void> {
    for (;;) {
      const at = await this.shape.position()
      const chunk = await this.ask(at, false, this.rest.signal)
      try {
        this.seen(await this.shape.apply(at, chunk, Date.now()))
        if (chunk.upToDate) return
      } catch (error) {
        if (!(error instanceof Moved)) throw error
      }
    }
  }

  /** Asks once, or waits where there is nothing to ask; tells whether all has come. */
  private async step(caughtUp: boolean, signal: AbortSignal): Promise<boolean> {
    const { source, live, every } = this.origin
    const { wanted } = this
    const follows = caughtUp && live && source.live && !wanted
    if ((hidden() || this.held()) && !wanted) return this.idle('paused', undefined)
    if (caughtUp && !follows && !wanted) return this.idle('live', live ? every : undefined)
    const { rest } = this
    try {
      this.guard(follows)
      this.become(follows ? 'live' : 'pulling')
      const at = this.position // which another tab may move meanwhile
      const chunk = await this.ask(at, follows, rest.signal)
      this.seen(await this.shape.apply(at, chunk, Date.now()))
      return this.took(chunk, wanted)
    } catch (error) {
      if (signal.aborted) return false
      if (rest.signal.aborted && (error as StowageError).code === 'aborted') return caughtUp && !hidden() && !this.held()
      return this.missed(error, rest.signal)
    }
  }

  private held(): boolean {
    return this.origin.held?.(this.current.complete) ?? false
  }

  private async ask(at: Position, live: boolean, signal: AbortSignal): Promise<Chunk> {
    const { source, requests } = this.origin
    const { cursor, buster } = this
    const chunk = await source.next(this.shape.spec, at, { requests, live, cursor, buster, signal })
    if (!chunk.upToDate && at.offset === chunk.offset && at.handle === chunk.handle) throw new Unanswered('the origin does not move on', 0, true)
    return chunk
  }

  /** Waits for a while, or for ever, unless there is a reason not to. A page that comes back asks for what it has missed. */
  private async idle(phase: Phase, milliseconds: number | undefined): Promise<boolean> {
    this.become(phase)
    const { signal } = this.rest
    await (milliseconds === undefined ? aborted(signal) : pause(milliseconds, signal))
    return phase === 'live' && milliseconds === undefined
  }

  /** A chunk has been stored. */
  private took(chunk: Chunk, wanted: boolean): boolean {
    this.cursor = chunk.cursor
    if (wanted) this.asked = ''
    this.backoff.succeeded()
    const { chunks, bytes, total } = this.current
    this.is({ chunks: chunks + 1, bytes: bytes + chunk.bytes, error: undefined, total: chunk.rows ?? total })
    if (!chunk.upToDate) return false
    this.buster = undefined
    this.anew.succeeded()
    if (wanted) {
      this.wanted = false
      this.settle('news')
    }
    return true
  }

  /** Something went wrong: does something about it, and waits. */
  private async missed(error: unknown, signal: AbortSignal): Promise<boolean> {
    const { shape, anew } = this
    if (error instanceof Moved) {
      this.seen(await shape.position())
      return false
    }
    if (error instanceof Stale) this.buster = makeBuster()
    if (error instanceof MustRefetch || error instanceof Mismatch) {
      this.buster = makeBuster()
      this.seen(await shape.again(this.position, error instanceof MustRefetch ? error.handle : this.position.handle))
      // The first time at once.
      if (anew.count > 0) this.is({ phase: 'retrying' })
      const wait = anew.failed()
      if (anew.count > 1) await pause(wait, signal)
      return false
    }
    const failure = error instanceof Stale ? new StowageError('origin_failed', error.message, { cause: error }) : asStowageError(error, 'internal', 'the pull failed')
    if (damaged.has(failure.code)) this.seen(await shape.restart(this.position))
    await this.waitOut(failure, signal)
    return false
  }

  private async waitOut(failure: StowageError, signal: AbortSignal): Promise<void> {
    const { again, floor } = failure instanceof Unanswered ? failure : { again: retried.has(failure.code), floor: 0 }
    this.is({ phase: again ? 'retrying' : failure.code === 'denied' ? 'needs token' : 'failed', error: failure })
    this.wanted = false
    this.settle('news', failure)
    if (again) return pause(this.backoff.failed(floor), signal)
    this.settle('whole', failure)
    this.position = await this.shape.failed(this.position, failure.message)
    await aborted(signal)
  }

  /** Refuses to ask the same over and over: five times in half a second is a loop, however it has come about. */
  private guard(follows: boolean): void {
    const { handle, offset } = this.position
    const asking = JSON.stringify([handle, offset, follows, follows && this.cursor, this.buster])
    const now = Date.now()
    const times = asking === this.asked ? this.times.filter(time => now - time < loopMilliseconds) : []
    if (times.length >= loopRequests - 1) throw new Unanswered('the same was asked over and over', 0, true)
    this.times = [...times, now]
    this.asked = asking
  }

  private wait(what: Waiting['what']): Promise<void> {
    return new Promise((done, failed) => this.waiting.push({ what, done, failed }))
  }

  private settle(what: Waiting['what'], error?: StowageError): void {
    const settled = this.waiting.filter(one => one.what === what)
    this.waiting = this.waiting.filter(one => one.what !== what)
    for (const { done, failed } of settled) error === undefined ? done() : failed(error)
  }

  private is(now: Partial<Progress>): void {
    this.current = { ...this.current, ...now }
    this.tell()
  }
}

/** Phases in which it waits to be told to go on. */
const ended: ReadonlySet<Phase> = new Set<Phase>(['failed', 'needs token'])

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))
}

/** Failures of what is stored: it is pulled again. */
const damaged = new Set(['corrupt', 'tampered', 'undecodable'])

/** Failures after which it is tried again, beside those that the origin passes over. */
const retried = new Set(['origin_failed', 'backend_failed', 'quota', 'engine_lost', 'conflict', ...damaged])

const makeBuster = () => Math.floor(Math.random() * 2 ** 48).toString(36)
