/*
 * Pulls shapes from an origin and keeps them up to date: chunk after chunk, then what changes. Go programs have the same
 * in sync/pull.go.
 */
import type { Database, Environment } from '../environment/environment.js'
import { asStowageError, StowageError } from '../errors.js'
import { Options } from '../options.js'
import { table } from '../table/schema.js'
import { Backoff, type RetryOptions } from './backoff.js'
import { Breaker } from './breaker.js'
import { electric } from './electric.js'
import { lead, Mood } from './leader.js'
import { Pulling } from './pulling.js'
import { Requests } from './request.js'
import { type Position, Shape, type ShapeSpec, shapesTable, tablesOf } from './shape.js'
import type { Source } from './source.js'
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
  private readonly pulls: ReadonlyMap<string, Pulling>
  private readonly mood = new Mood(() => [...this.pulls.values()].every(one => one.rests))
  private running: Promise<void> = Promise.resolve()
  private telling: ReturnType<typeof setTimeout> | undefined
  private unwatch = () => {}

  private constructor(
    private readonly db: Database,
    readonly requests: Requests,
    pulls: Pulling[],
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
      const pulls = specs.map(([name, spec]) => new Pulling(origin, new Shape(beside, name, spec)))
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
    this.mood.changed()
  }

  /** Ends the pulling. What has arrived stays, and the next one goes on from there. */
  async close(): Promise<void> {
    for (const one of this.pulls.values()) one.fail(new StowageError('closed', 'the puller was closed'))
    this.ending.abort()
    this.unwatch()
    await this.running
    clearTimeout(this.telling)
    await this.db.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private some(name: string | undefined): Pulling[] {
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
      this.mood.changed()
    }
    for (const event of waking) globalThis.addEventListener?.(event, lift)
    this.unwatch = () => {
      for (const event of waking) globalThis.removeEventListener?.(event, lift)
    }
    for (const one of this.pulls.values()) one.elsewhere()
    const seen = this.watch()
    this.running = lead(name, signal, this.mood, async leading => {
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
        for (const position of positions as unknown as Position[]) this.pulls.get(position.shape)?.heard(position)
      },
      error: error => {
        for (const one of this.pulls.values()) one.blind(asStowageError(error, 'internal', 'what another tab pulls cannot be seen'))
      },
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

