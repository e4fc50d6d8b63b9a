import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type DriverFactory, memory, open, StowageError } from 'stowage'
import { type Clock, type Config, over, type Read, records, type RecordTier, type Reply, ring, type Tier, type TierKind, type Write } from 'stowage/repositories'
import { structures } from 'stowage/structures'

import { drivers, recordsIn, worker } from './drivers.js'
import { quiet, Shelf } from './shelf.js'

/** A clock that stands still until it is moved. */
export class StillClock implements Clock {
  private time = 1_800_000_000_000
  private timers: { at: number; run: () => void }[] = []

  now = (): number => this.time

  after(milliseconds: number, run: () => void): () => void {
    const timer = { at: this.time + milliseconds, run }
    this.timers.push(timer)
    return () => (this.timers = this.timers.filter(other => other !== timer))
  }

  /** Has so many milliseconds pass, and what is due happen. */
  pass(milliseconds: number): void {
    const until = this.time + milliseconds
    for (let next = this.next(); next !== undefined && next.at <= until; next = this.next()) this.fire(next)
    this.time = until
  }

  /** Has the next thing happen that is waited for, and tells whether there was one. */
  skip(): boolean {
    const next = this.next()
    if (next !== undefined) this.fire(next)
    return next !== undefined
  }

  /** What comes of something: time passes until it is there. */
  async through<R>(work: Promise<R>): Promise<R> {
    let over = false
    const done = () => void (over = true)
    work.then(done, done)
    for (await quiet(); !over; await quiet()) if (!this.skip()) throw new Error('nothing is waited for, and it has not ended')
    return work
  }

  private next() {
    return this.timers.reduce<{ at: number; run: () => void } | undefined>((a, b) => (a === undefined || b.at < a.at ? b : a), undefined)
  }

  private fire(timer: { at: number; run: () => void }): void {
    this.timers = this.timers.filter(other => other !== timer)
    this.time = Math.max(this.time, timer.at)
    timer.run()
  }
}

/** What happens before a call of a tier; it may never end. */
export type Before = (write: boolean, signal: AbortSignal | undefined) => Promise<void>

export const fails: Before = () => Promise.reject(new StowageError('backend_failed', 'the probe'))
export const hangs: Before = () => new Promise(() => {})

/** A tier that counts how often it is called, and fails or waits as it is told. */
export class Probe implements Tier {
  before: Before | undefined
  private reads = 0
  private writes = 0

  constructor(public tier: Tier) {}

  async read(reads: readonly Read[], signal?: AbortSignal): Promise<Reply[]> {
    this.reads++
    await this.before?.(false, signal)
    return this.tier.read(reads, signal)
  }

  async write(writes: readonly Write[], signal?: AbortSignal): Promise<void> {
    this.writes++
    await this.before?.(true, signal)
    return this.tier.write(writes, signal)
  }

  close(): Promise<void> {
    return this.tier.close()
  }

  /** How often the tier was read and written since the last time. */
  calls(): [reads: number, writes: number] {
    const calls: [number, number] = [this.reads, this.writes]
    this.reads = this.writes = 0
    return calls
  }

  untouched(what = ''): void {
    assert.deepEqual(this.calls(), [0, 0], `${what} touches a tier`)
  }

  /** What the tier holds under a key. */
  async held(key: string, kind: Exclude<TierKind, 'none'> = 'hash'): Promise<Reply> {
    return (await this.tier.read([{ key, kind }]))[0]!
  }

  /** The fields of a hash that it holds. */
  async fields(key: string): Promise<Record<string, string> | undefined> {
    const { found, value } = await this.held(key)
    return found ? Object.fromEntries(value.fields!) : undefined
  }
}

let opened = 0

/** Opens an empty tier over structures, and what ends it. */
export async function openTier(driver: DriverFactory, clock: Clock): Promise<{ tier: Tier; end: () => Promise<void> }> {
  const db = await open(`tier ${worker} ${opened++}`, { driver, worker })
  const tier = over(structures(db, 'tier', { clock: clock.now }))
  return { tier, end: () => db.close() }
}

/** The same over records. */
export async function openRecords(driver: DriverFactory, clock: Clock): Promise<{ tier: RecordTier; end: () => Promise<void> }> {
  const db = await open(`records ${worker} ${opened++}`, { driver, worker })
  return { tier: records(db.store('tier'), { clock: clock.now }), end: () => db.close() }
}

export const ringOf = async (by: 'circle' | 'modulo', clock: Clock): Promise<{ tier: Tier; end: () => Promise<void> }> => {
  const shards = await Promise.all([1, 2, 3].map(() => openTier(memory(), clock)))
  return { tier: ring(shards.map(({ tier }) => tier), { by }), end: async () => void (await Promise.all(shards.map(({ end }) => end()))) }
}

/** A fast and a fallback tier in the hands of a test. */
export interface Pair {
  fast: Probe
  fallback: Probe
  clock: StillClock
  warnings: StowageError[]
  /** What a repository over them is made with. */
  config(name: string): Config
}

/** A pair of tiers that were opened by a clock. */
export function pairOf(fast: Tier, fallback: Tier, clock: StillClock): Pair {
  const pair = { fast: new Probe(fast), fallback: new Probe(fallback), clock, warnings: [] as StowageError[] }
  const config = (name: string): Config => ({
    name, fast: pair.fast, fallback: pair.fallback, expire: 3_600_000, clock, onWarning: warning => void pair.warnings.push(warning),
  })
  return { ...pair, config }
}

/** A pair of shelves, over which time passes as a test has it. */
export function shelves(): Pair {
  const clock = new StillClock()
  return pairOf(new Shelf(clock), new Shelf(clock), clock)
}

/** A pair of tiers, and how each is opened. */
type Opening = [name: string, fast: (clock: Clock) => ReturnType<typeof ringOf>, fallback: () => DriverFactory]

const pairs: Opening[] = [
  ...drivers.map(([what, driver]): Opening => [`memory over ${what}`, clock => openTier(memory(), clock), driver]),
  ['a ring over memory', clock => ringOf('circle', clock), memory],
  [`records in ${recordsIn[0]} over ${drivers[0]![0]}`, clock => openRecords(recordsIn[1](), clock), drivers[0]![1]],
]

/** Runs a test over each pair of tiers. */
export function overPairs(name: string, body: (pair: Pair) => Promise<void>): void {
  test(name, async () => {
    for (const [what, openFast, driver] of pairs) {
      const clock = new StillClock()
      const fast = await openFast(clock)
      const fallback = await openTier(driver(), clock)
      await body(pairOf(fast.tier, fallback.tier, clock)).catch((error: unknown) => {
        throw new Error(`${what}: ${String(error)}`, { cause: error })
      })
      await fast.end()
      await fallback.end()
    }
  })
}
