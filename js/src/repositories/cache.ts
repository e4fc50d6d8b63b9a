/*
 * A cache keeps in memory what a service has answered, what does not exist too.
 *
 * The other side is store/repository/cache.go.
 */
import { Options } from '../options.js'
import type { Clock } from './clock.js'
import { Frequency, type Order, Recency } from './order.js'

/** What a service keeps of its answers. One of `entries` and `bytes` is needed; where both are given, both bound it. */
export interface CacheOptions<V = unknown> {
  /** How many answers at most. */
  entries?: number
  /** How large they are together at most, by `sizeOf`; what does not exist takes 64. */
  bytes?: number
  sizeOf?: (entity: V) => number
  /** What goes when there is no room: what was used longest ago, which it is unless given, or least often. */
  evict?: 'least-recent' | 'least-frequent'
  /** How many milliseconds an answer stays: as long as there is room unless given. */
  ttl?: number
  /** What is added to that at random, up to this, so that not all go at once. */
  jitter?: number
}

/** An answer that is kept. */
export interface Kept<V> {
  readonly id: string
  /** What was asked for, as textOf gives it. */
  readonly text: string
  /** undefined where there is nothing. */
  readonly value: V | undefined
  /** When it expires, by the clock. */
  readonly until: number
  readonly bytes: number
}

export class Cache<V> {
  private readonly entries: number
  private readonly bytes: number
  private readonly sizeOf: ((entity: V) => number) | undefined
  private readonly ttl: number
  private readonly jitter: number
  private readonly order: Order<Kept<V>>
  /** What is kept about a key, by what was asked for. */
  private readonly byID = new Map<string, Map<string, Kept<V>>>()
  private count = 0
  private size = 0

  constructor(
    call: string,
    options: CacheOptions<V>,
    private readonly clock: Clock,
  ) {
    const o = new Options(call, options)
    const [entries, bytes] = [o.integer('entries', { least: 1 }), o.integer('bytes', { least: 1 })]
    this.sizeOf = o.function('sizeOf')
    this.order = (o.oneOf('evict', ['least-recent', 'least-frequent']) ?? 'least-recent') === 'least-recent' ? new Recency() : new Frequency()
    this.ttl = o.integer('ttl', { least: 1 }) ?? Infinity
    this.jitter = o.integer('jitter') ?? 0
    o.done()
    if (entries === undefined && bytes === undefined) throw o.wrong('entries', 'given, or bytes')
    if ((bytes === undefined) !== (this.sizeOf === undefined)) throw o.wrong('sizeOf', 'given with bytes, and only then')
    this.entries = entries ?? Infinity
    this.bytes = bytes ?? Infinity
  }

  /** An answer, undefined where it is not kept; that is a use of it. */
  get(id: string, text: string): Kept<V> | undefined {
    const kept = this.byID.get(id)?.get(text)
    if (kept === undefined) return undefined
    if (this.clock.now() >= kept.until) {
      this.remove(kept)
      return undefined
    }
    this.order.use(kept)
    return kept
  }

  put(id: string, text: string, value: V | undefined): void {
    const bytes = value === undefined ? Math.min(64, this.bytes) : Math.ceil(this.sizeOf?.(value) ?? 0) // sums of parts would drift
    const old = this.byID.get(id)?.get(text)
    if (old !== undefined) this.remove(old)
    if (!(bytes >= 0 && bytes <= this.bytes)) return
    const kept = { id, text, value, until: this.clock.now() + this.ttl + Math.random() * this.jitter, bytes }
    while (this.count >= this.entries || this.size + bytes > this.bytes) this.remove(this.order.first())
    const about = this.byID.get(id) ?? new Map<string, Kept<V>>()
    this.byID.set(id, about.set(text, kept))
    this.order.add(kept)
    this.count++
    this.size += bytes
  }

  /** Removes every answer about a key. */
  forget(id: string): void {
    for (const kept of this.byID.get(id)?.values() ?? []) this.remove(kept)
  }

  private remove(kept: Kept<V>): void {
    const about = this.byID.get(kept.id)!
    about.delete(kept.text)
    if (about.size === 0) this.byID.delete(kept.id)
    this.order.remove(kept)
    this.count--
    this.size -= kept.bytes
  }
}
