/*
 * A tier keeps structures under keys. Repositories know nothing else of what stores their entities.
 *
 * The other side is store/repository/tier.go.
 */
import { StowageError } from '../errors.js'
import { halves } from '../structures/layout.js'
import type { Found, GeoQuery } from '../structures/geo.js'
import type { ScoreRange, Z } from '../structures/sortedset.js'
import type { Clock } from './clock.js'

/** Keeps structures under keys. */
export interface Tier {
  /**
   * Answers several reads in one round trip, each where its read stands, and from one snapshot where the tier has snapshots. A key that holds another
   * kind of structure is `wrong_type`. Nobody waits for the answer once the signal has come.
   */
  read(reads: readonly Read[], signal?: AbortSignal): Promise<Reply[]>
  /**
   * Makes several writes, in their order, all of them or none. A tier that cannot be written to rejects with `read_only`. After another failure, and after
   * the signal, it may be unknown whether they were made.
   */
  write(writes: readonly Write[], signal?: AbortSignal): Promise<void>
  /** Has reads that begin afterwards see what others had written by now. A tier without it lets them see that anyway. */
  refresh?(signal?: AbortSignal): Promise<void>
  /** Gives back what the tier holds; a second time it does nothing. Other calls then reject with `closed`. */
  close(): Promise<void>
}

/** What is read or written: 'exists' is only read, and what is written as 'none' is nothing, the key is deleted. A geo can be read as a sorted set too. */
export type TierKind = 'none' | 'exists' | 'hash' | 'sortedSet' | 'boolean' | 'geo'

/** What is asked of one key. */
export interface Read {
  key: string
  kind: Exclude<TierKind, 'none'>
  /** Of a hash: all unless given. */
  fields?: readonly string[]
  /** Of a sorted set: all members unless given. */
  range?: Range
  /** Of a geo. */
  search?: GeoQuery
}

/** What is asked of a sorted set. */
export type Range = ScoreRange

/** The answer to a read. */
export interface Reply {
  /** There is such a key, even if nothing of it was asked for. */
  found: boolean
  /** How many milliseconds the key stays; 0 is for ever. */
  expiry: number
  value: Value
}

/** What a key holds, or what a read found of it: that of its kind. */
export interface Value {
  fields?: ReadonlyMap<string, string>
  members?: readonly Z[]
  /** Of a sorted set that was read, all its members counted. */
  size?: number
  is?: boolean
  /** The distance of those that are written counts for nothing. */
  places?: readonly Found[]
}

/** What is done to one key. */
export interface Write {
  key: string
  kind: Exclude<TierKind, 'exists'>
  value?: Value
  /** Members join those that there are; otherwise the value replaces whatever there is. */
  merge?: boolean
  /** Whether it is done at all: it always is unless given. */
  only?: Condition
  /** How many milliseconds the key then stays; 0 is for ever, as if not given. */
  expiry?: number
}

/** When a write is made, which looks at what the writes before it have left. */
export type Condition = 'ifPresent' | 'ifAbsent'

/** Whether a write is made where there is such a key, or not. */
export const met = (only: Condition | undefined, present: boolean): boolean => only === undefined || (only === 'ifPresent') === present

export const invalid = (what: string): StowageError => new StowageError('invalid_argument', `repository: ${what}`)
export const unknown = (_: never): StowageError => invalid('no such kind')

/** Refuses what does not have the methods that it must. */
export function mustHave(given: unknown, ...methods: string[]): void {
  for (const method of methods) {
    if (typeof (Object(given) as Record<string, unknown>)[method] !== 'function') throw new StowageError('invalid_option', `repository: what was given cannot "${method}"`)
  }
}

/** Refuses a call of a tier that is closed, or one that was given up. */
export function mustAnswer(closed: boolean, signal: AbortSignal | undefined): void {
  if (closed) throw new StowageError('closed', 'the tier')
  if (signal?.aborted) throw new StowageError('aborted', 'a call of the tier', { cause: signal.reason })
}

const conditions: readonly unknown[] = [undefined, 'ifPresent', 'ifAbsent'] satisfies (Condition | undefined)[]

/** Refuses what are no reads or writes. */
export function mustAsk(asked: readonly (Read | Write)[]): void {
  if (!Array.isArray(asked) || asked.some(one => one !== Object(one))) throw invalid('no reads or writes')
  for (const { key, fields: names = [], value, only, expiry = 0 } of asked as readonly (Read & Write)[]) {
    if (typeof key !== 'string' || key === '' || halves.test(key)) throw new StowageError('invalid_key', 'a tier: a key is text, not empty')
    const { fields = new Map(), members = [], places = [] } = Object(value) as Value
    const shaped = (value === undefined || value === Object(value)) && Array.isArray(names) && fields instanceof Map && Array.isArray(members) && Array.isArray(places)
    if (!shaped || !conditions.includes(only) || !(Number.isFinite(expiry) && expiry >= 0)) throw invalid('no reads or writes')
  }
}

/** A tier that is waited for so many milliseconds, and is then a `timeout`. */
export class Timed implements Tier {
  constructor(
    private readonly tier: Tier,
    private readonly timeout: number,
    private readonly clock: Clock,
  ) {}

  async read(reads: readonly Read[]): Promise<Reply[]> {
    const replies = await this.call(signal => this.tier.read(reads, signal))
    if (replies?.length !== reads.length || !replies.every(Boolean)) throw new StowageError('backend_failed', 'the tier did not answer every read')
    return replies
  }

  write(writes: readonly Write[]): Promise<void> {
    return this.call(signal => this.tier.write(writes, signal))
  }

  async refresh(): Promise<void> {
    await this.call(async signal => this.tier.refresh?.(signal))
  }

  close(): Promise<void> {
    return this.tier.close()
  }

  private call<R>(run: (signal: AbortSignal) => Promise<R>): Promise<R> {
    const over = new AbortController()
    return new Promise((resolve, reject) => {
      const stop = this.clock.after(this.timeout, () => {
        const late = new StowageError('timeout', 'the tier did not answer in time')
        reject(late)
        over.abort(late)
      })
      const asked = async () => run(over.signal)
      void asked().finally(stop).then(resolve, reject)
    })
  }
}
