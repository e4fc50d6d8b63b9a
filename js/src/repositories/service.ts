/*
 * A service is a repository behind caches and breakers.
 *
 * A fast tier that fails is passed by at once, whether its breaker is open or not yet. Where the fallback fails too a call is `unavailable`, or a `timeout`
 * where only that one was too slow. Whoever asks for what another waits for waits with them.
 *
 * Entities that come out of a cache are shared by all who get them: do not modify them. What another context adds is seen once the cache has forgotten what
 * was there before: give it a ttl, or `share` the changes.
 *
 * The other side is store/repository/service.go.
 */
import { StowageError } from '../errors.js'
import { isolated, Options } from '../options.js'
import { type BreakerOptions, Guard } from './breaker.js'
import { Cache, type CacheOptions, type Kept } from './cache.js'
import { type Metrics, noMetrics, type ServiceEvent } from './event.js'
import { type Flight, Flights, type Landed, valueOf } from './flight.js'
import type { Key } from './key.js'
import { given, mustList, type QueryOptions, readAtOnce, remembers, textOf } from './query.js'
import type { AddOptions, Asked, Repository } from './repository.js'
import { mustHave } from './tier.js'

/** What stands between a repository and those who use it. */
export interface ServiceOptions<E = unknown> {
  /** Of entities; none are kept unless given. */
  cache?: CacheOptions<E>
  /** Of whether there are entities; that is not kept unless given. */
  existsCache?: Omit<CacheOptions, 'bytes' | 'sizeOf'>
  breaker?: { fast?: BreakerOptions; fallback?: BreakerOptions }
  /** Bounds the round trips of one getMany at the same time: 4 unless given. */
  concurrency?: number
  /** Tells services of the same repository in other tabs and workers of the origin what was added or deleted, and has this one hear of it. */
  share?: boolean
  /** Told of everything. It should return soon; what it throws becomes an unhandled rejection. */
  onEvent?: (event: ServiceEvent) => void
}

/**
 * Makes the service of a repository, which may still be used by itself: its caches do not see what is added so.
 *
 *     const people = service(repository, { cache: { entries: 1000, ttl: 60_000, jitter: 10_000 } })
 *     const ada = await people.getOne('1')
 */
export function service<E, O extends QueryOptions>(repository: Repository<E, O>, options?: ServiceOptions<E>): Service<E, O> {
  mustHave(repository, 'additions')
  return new Service(repository, options)
}

export class Service<E, O extends QueryOptions> {
  private readonly repository: Repository<E, O>
  private readonly cache: Cache<E> | undefined
  private readonly known: Cache<true> | undefined
  private readonly flights = new Flights<E>()
  private readonly asking = new Flights<true>()
  private readonly concurrency: number
  private readonly counts = noMetrics()
  private readonly tell: (event: ServiceEvent) => void
  private readonly running = new Set<Promise<unknown>>()
  private readonly channel: BroadcastChannel | undefined
  private closed = false

  /** @internal */
  constructor(repository: Repository<E, O>, options: ServiceOptions<E> | undefined) {
    const o = new Options('service', options)
    const { clock } = repository
    const listen = isolated(o.function<(event: ServiceEvent) => void>('onEvent') ?? (() => {}))
    this.tell = event => {
      if (event.kind === 'warning') this.counts.warnings++
      listen(event)
    }
    const [cache, known] = [o.any('cache') as CacheOptions<E> | undefined, o.any('existsCache') as CacheOptions | undefined]
    this.cache = cache && new Cache('service: cache', cache, clock)
    this.known = known && new Cache<true>('service: existsCache', known, clock)
    this.concurrency = o.integer('concurrency', { least: 1 }) ?? 4
    const breakers = new Options('service: breaker', o.any('breaker'))
    const [fast, fallback] = [breakers.any('fast'), breakers.any('fallback')] as (BreakerOptions | undefined)[]
    breakers.done()
    this.repository = repository.over(
      repository.pair.between(ends => ({
        fast: new Guard(ends.fast, 'fast', fast, clock, this.tell),
        fallback: new Guard(ends.fallback, 'fallback', fallback, clock, this.tell),
        warn: () => this.counts.fastFailures++, // a breaker that opens warns
        counts: this.counts,
      })),
    )
    const share = o.boolean('share') ?? false
    o.done()
    this.channel = share ? this.hear(`stowage-repository:${repository.name}`) : undefined
  }

  /** What the service has counted. */
  metrics(): Metrics {
    return { ...this.counts }
  }

  /** The entity of a key. `not_found` where there is none, or nothing of it was asked for. With `memory: false` the caches are passed by too. */
  async getOne<const A extends O>(id: Key, options?: A): Promise<Asked<E, A>> {
    const [entity] = await this.get([id], options)
    if (entity === undefined) throw this.repository.missing()
    return entity as Asked<E, A>
  }

  /** The entities of keys, those that there are, in the order of the keys. A key that is given twice counts once. It rejects where one is `undecodable`; the others are cached all the same. */
  async getMany<const A extends O>(ids: readonly Key[], options?: A): Promise<Asked<E, A>[]> {
    mustList(ids)
    const once = new Map(ids.map(id => [this.repository.keys.text(id), id]))
    return (await this.get([...once.values()], options)).filter(entity => entity !== undefined) as Asked<E, A>[]
  }

  /** Whether there is an entity. */
  exists(id: Key): Promise<boolean> {
    return this.run(async () => {
      const key = this.repository.keys.text(id)
      const kept = this.known?.get(key, '')
      if (kept !== undefined) {
        this.counts.hits++
        return kept.value === true
      }
      this.counts.misses++
      const { flight, leads } = this.asking.board(key, '')
      if (leads) void this.lead([flight], this.asking, this.known, async () => [{ value: (await this.repository.exists(id, true)) || undefined }])
      else this.counts.shared++
      return (await arrival(flight)) === true
    })
  }

  /** Stores entities as the repository does. */
  add(...entities: E[]): Promise<void> {
    return this.addWith(entities)
  }

  addWith(entities: readonly E[], options?: AddOptions): Promise<void> {
    return this.run(async () => {
      const changes = await this.repository.additions(entities, options)
      await this.change(changes.map(({ key }) => key), () => this.repository.store(changes))
    })
  }

  /** Deletes an entity as a query does. */
  delete(id: Key): Promise<void> {
    return this.run(() => this.change([this.repository.keys.text(id)], () => this.repository.remove(id, true)))
  }

  /** Has every call be `closed` that begins from now on, and waits for those that run. The tiers stay open. */
  async shutdown(): Promise<void> {
    this.closed = true
    while (this.running.size > 0) await Promise.allSettled(this.running)
    this.channel?.close()
  }

  /** The entities of keys that differ, from the cache or the repository. */
  private get(ids: readonly Key[], options: unknown): Promise<(E | undefined)[]> {
    return this.run(async () => {
      const asked = given(options)
      if (!remembers(asked)) return (await this.repository.read(ids, asked)).map(valueOf)
      this.repository.ask(asked) // for the cache refuses nothing
      const text = textOf(asked)
      const led: { id: Key; flight: Flight<E> }[] = []
      const keys = ids.map(id => this.repository.keys.text(id)) // before anything is boarded that one of them might strand
      const answers = ids.map((id, i): Kept<E> | Flight<E> => {
        const key = keys[i]!
        const kept = this.lookUp(key, text)
        if (kept !== undefined) return kept
        const { flight, leads } = this.flights.board(key, text)
        if (leads) led.push({ id, flight })
        else this.counts.shared++
        return flight
      })
      this.fly(led, slice => this.repository.read(slice, asked))
      const entities: (E | undefined)[] = []
      for (const answer of answers) entities.push('done' in answer ? await arrival(answer) : answer.value)
      return entities
    })
  }

  /** What the cache has. */
  private lookUp(key: string, text: string): Kept<E> | undefined {
    const kept = this.cache?.get(key, text)
    if (kept === undefined) this.counts.misses++
    else this.counts.hits++
    if (this.cache !== undefined) this.tell({ kind: kept === undefined ? 'miss' : 'hit' })
    return kept
  }

  /** Begins to read the entities of keys, so many round trips at the same time, and lands their flights as they come. */
  private fly(led: readonly { id: Key; flight: Flight<E> }[], read: (ids: Key[]) => Promise<Landed<E>[]>): void {
    let next = 0
    const worker = async () => {
      while (next < led.length) {
        const slice = led.slice(next, (next += readAtOnce))
        await this.lead(slice.map(({ flight }) => flight), this.flights, this.cache, () => read(slice.map(({ id }) => id)))
      }
    }
    for (let n = 0; n < this.concurrency && n * readAtOnce < led.length; n++) void worker()
  }

  /** Asks for what flights wait for, and lands them, whatever comes of it. */
  private async lead<V>(led: readonly Flight<V>[], flights: Flights<V>, cache: Cache<V> | undefined, ask: () => Promise<Landed<V>[]>): Promise<void> {
    const keep = isolated((id: string, text: string, value: V | undefined) => cache?.put(id, text, value))
    const landing = ask().catch((error: unknown) => led.map((): Landed<V> => ({ error })))
    this.track(landing)
    const landed = await landing
    led.forEach((flight, i) => flights.land(flight, landed[i]!, keep))
  }

  /** Changes entities, and then forgets what was known of them: also where it fails, for it may have happened. */
  private async change(keys: readonly string[], change: () => Promise<void>): Promise<void> {
    try {
      await change()
    } finally {
      this.forget(keys)
      this.channel?.postMessage(keys)
    }
  }

  private forget(keys: readonly string[]): void {
    for (const key of keys) {
      this.flights.forget(key)
      this.asking.forget(key)
      this.cache?.forget(key)
      this.known?.forget(key)
    }
  }

  /** Hears what services in other contexts change. */
  private hear(name: string): BroadcastChannel {
    if (typeof BroadcastChannel === 'undefined') throw new StowageError('unsupported', 'service: there is no BroadcastChannel here')
    const channel = new BroadcastChannel(name)
    channel.onmessage = ({ data }: { data: unknown }) => {
      if (Array.isArray(data)) void this.heard(data as string[]) // what is no key of anything is forgotten in vain
    }
    ;(channel as { unref?(): void }).unref?.() // Node would stay for it
    return channel
  }

  /**
   * Forgets what another context has changed: at once, and again when the tiers see it, for what is read before that may be what was
   * there before.
   */
  private async heard(keys: readonly string[]): Promise<void> {
    this.forget(keys)
    const refreshed = this.repository.pair.refresh().catch(() => {}) // a tier that fails tells whoever reads from it
    this.track(refreshed)
    await refreshed
    this.forget(keys)
  }

  /** Runs a call, unless the service is closed. */
  private async run<R>(call: () => Promise<R>): Promise<R> {
    if (this.closed) throw new StowageError('closed', `service of repository "${this.repository.name}"`)
    const running = call()
    this.track(running)
    return running
  }

  /** Has shutdown wait for something. */
  private track(running: Promise<unknown>): void {
    this.running.add(running)
    const over = () => this.running.delete(running)
    void running.then(over, over)
  }
}

/** What came of a flight. */
async function arrival<V>({ done }: Flight<V>): Promise<V | undefined> {
  return valueOf(await done)
}
