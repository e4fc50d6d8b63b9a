/*
 * A pair is the two tiers of a repository, and what keeps them in step.
 *
 * The other side is store/repository/pair.go.
 */
import { asStowageError, StowageError } from '../errors.js'
import type { Clock } from './clock.js'
import { Doubts } from './doubt.js'
import { type Metrics, noMetrics } from './event.js'
import { Markers } from './marker.js'
import { InPart, refused, Resting } from './refusal.js'
import type { Read, Reply, Tier, Write } from './tier.js'
import { type Ticket, Turns } from './turn.js'

/** What a read asks of one key. */
export interface Wanted {
  key: string
  /** What answers. */
  read: Read
  /** What the fast tier is to have afterwards; undefined where that is nothing. */
  whole: Read | undefined
  /** The answer is less than the whole. */
  partial: boolean
}

/** What an add or a delete does to one key. */
export interface Change {
  key: string
  fallback: Write
  fast: readonly Write[]
  /** What the fast tier is to get from the fallback before that. */
  whole?: Read
}

/** What the tiers of a pair are, and what it tells of. */
export interface Ends {
  /** They answer in time, or reject with `timeout`. */
  fast: Tier
  fallback: Tier
  /** Told of what failed without failing a call. */
  warn(error: StowageError): void
  counts: Metrics
}

/** Shared by the pairs of a repository and of its services. */
export interface Step {
  /** Of the repository, for its errors. */
  name: string
  markers: Markers
  /** Of what is put into the fast tier; milliseconds, 0 for ever. */
  expire: number
  turns: Turns
  doubts: Doubts
  /** So many milliseconds a turn before one's own may take. */
  patience: number
}

export class Pair {
  private constructor(
    private readonly step: Step,
    private readonly ends: Ends,
  ) {}

  static of(name: string, prefix: string, expire: number, patience: number, clock: Clock, ends: Omit<Ends, 'counts'>): Pair {
    const step = { name, markers: new Markers(prefix, expire), expire, turns: new Turns(clock), doubts: new Doubts(expire, clock), patience }
    return new Pair(step, { ...ends, counts: noMetrics() })
  }

  /** The same pair between other ends. */
  between(make: (ends: Ends) => Ends): Pair {
    return new Pair(this.step, make(this.ends))
  }

  get markers(): Markers {
    return this.step.markers
  }

  /** Answers from the fast tier, and what that does not know from the fallback. */
  async read(wants: readonly Wanted[]): Promise<Reply[]> {
    const replies: Reply[] = []
    const { asked, failure } = await this.readFast(wants, replies)
    if (asked.length > 0) await this.readThrough(wants, asked, replies, failure)
    return replies
  }

  /** Has both ends see what others had written by now. */
  async refresh(): Promise<void> {
    const { fast, fallback } = this.ends
    await Promise.all([fast, fallback].map(async tier => tier.refresh?.()))
  }

  /** Answers from the fallback alone. */
  async readBehind(reads: readonly Read[]): Promise<Reply[]> {
    try {
      return await this.readFallback(reads)
    } catch (error) {
      throw this.failed(undefined, error)
    }
  }

  /** Makes changes in the fallback, all or none, and then in the fast tier. */
  async write(changes: readonly Change[]): Promise<void> {
    const keys = changes.map(({ key }) => key)
    const give = await this.step.turns.take(keys, this.step.patience).catch((error: unknown) => {
      throw this.failed(undefined, error)
    })
    try {
      await this.writeBoth(changes, keys)
    } finally {
      give()
    }
  }

  private async writeBoth(changes: readonly Change[], keys: readonly string[]): Promise<void> {
    try {
      await this.ends.fallback.write(changes.map(({ fallback }) => fallback))
    } catch (error) {
      if (!refused(error) || error instanceof InPart) await this.forget(keys) // it may have happened, to some at least
      throw this.failed(undefined, error)
    }
    try {
      await this.writeFast(changes)
    } catch (error) {
      this.warn(error)
      await this.forget(keys)
    }
  }

  /**
   * Fills in the replies of the fast tier, and returns the places of those that it does not know. Where it fails these are all.
   */
  private async readFast(wants: readonly Wanted[], replies: Reply[]): Promise<{ asked: number[]; failure: unknown }> {
    const reads = wants.flatMap(({ key, read }): Read[] => [read, { key: this.markers.of(key), kind: 'exists' }])
    let found: Reply[] = []
    let failure: unknown
    try {
      await this.settle(wants.map(({ key }) => key))
      found = await this.ends.fast.read(reads)
    } catch (error) {
      failure = this.warn(error)
    }
    const asked: number[] = []
    for (const i of wants.keys()) {
      const [reply, marker] = [found[2 * i], found[2 * i + 1]]
      if (reply?.found) {
        replies[i] = reply
        this.ends.counts.fastHits++
      } else if (marker?.found) {
        replies[i] = nothing
        this.ends.counts.markerHits++
      } else {
        asked.push(i)
      }
    }
    return { asked, failure }
  }

  /** Removes from the fast tier what of the keys may be old there. */
  private async settle(keys: readonly string[]): Promise<void> {
    const doubted = this.step.doubts.among(keys)
    if (doubted.size === 0) return
    await this.ends.fast.write([...doubted.keys()].flatMap((key): Write[] => [{ key, kind: 'none' }, this.markers.unmark(key)]))
    this.step.doubts.settle(doubted)
  }

  /**
   * Fills in the replies of the fallback to what was asked for, and has the fast tier keep what it says, unless that has failed.
   */
  private async readThrough(wants: readonly Wanted[], asked: readonly number[], replies: Reply[], failure: unknown): Promise<void> {
    const these = asked.map(i => wants[i]!)
    const tickets = these.map(({ key }) => this.step.turns.draw(key))
    const wholes = these.flatMap(({ partial, whole }) => (partial && whole ? [whole] : []))
    try {
      const found = await this.readFallback([...these.map(({ read }) => read), ...wholes])
      const more = found.splice(asked.length)
      asked.forEach((i, n) => (replies[i] = found[n]!))
      if (failure === undefined) await this.hydrate(these, tickets, these.map(({ partial, whole }, n) => (partial && whole ? more.shift()! : found[n]!)))
    } catch (error) {
      throw this.failed(failure, error)
    } finally {
      for (const ticket of tickets) ticket.leave()
    }
  }

  private async readFallback(reads: readonly Read[]): Promise<Reply[]> {
    this.ends.counts.fallbackReads++
    return this.ends.fallback.read(reads)
  }

  /** Puts what the fallback has into the fast tier, and a marker for what it has not. */
  private async hydrate(wants: readonly Wanted[], tickets: readonly Ticket[], found: readonly Reply[]): Promise<void> {
    const held: Ticket[] = []
    const keys: string[] = []
    const writes: Write[] = []
    wants.forEach(({ key, whole }, n) => {
      const { found: there, value, expiry } = found[n]!
      if ((there && whole === undefined) || !tickets[n]!.hold()) return
      held.push(tickets[n]!)
      keys.push(key)
      writes.push(there ? { key, kind: kindOf(whole!), value, only: 'ifAbsent', expiry: sooner(this.step.expire, expiry) } : this.markers.mark(key))
    })
    if (writes.length === 0) return
    try {
      await this.ends.fast.write(writes)
    } catch (error) {
      this.step.doubts.raise(keys)
      this.warn(error)
    } finally {
      for (const ticket of held) ticket.release()
    }
  }

  private async writeFast(changes: readonly Change[]): Promise<void> {
    const writes: Write[] = []
    for (const { key, whole, fast } of changes) {
      if (whole !== undefined) {
        const [reply] = await this.readFallback([whole])
        writes.push({ key, kind: kindOf(whole), value: reply!.value, expiry: sooner(this.step.expire, reply!.expiry) })
      }
      writes.push(...fast)
    }
    await this.ends.fast.write(writes)
  }

  /** Removes keys from the fast tier, now or before they are read there. */
  private async forget(keys: readonly string[]): Promise<void> {
    this.step.doubts.raise(keys)
    await this.settle(keys).catch((error: unknown) => this.warn(error))
  }

  private warn(error: unknown): StowageError {
    const told = asStowageError(error, 'backend_failed', `repository "${this.step.name}": its fast tier has failed`)
    this.ends.warn(told)
    return told
  }

  /** How a call fails that the fallback has failed: with `unavailable` where the fast tier had too, unless it is the call that is wrong. */
  private failed(failure: unknown, error: unknown): StowageError {
    const message = `repository "${this.step.name}": its fallback has failed`
    if (failure !== undefined && (!refused(error) || error instanceof Resting)) return new StowageError('unavailable', message, { cause: new AggregateError([failure, error]) })
    return new StowageError(asStowageError(error, 'backend_failed', message).code, message, { cause: error })
  }
}

/** What is read of a key that is marked. */
const nothing: Reply = { found: false, expiry: 0, value: {} }

/** What is written of what was read as a whole. */
const kindOf = ({ kind }: Read): Write['kind'] => (kind === 'exists' ? 'none' : kind)

/** The shorter of two times to live, of which 0 is for ever. */
export function sooner(a: number, b: number): number {
  return a === 0 || (b > 0 && b < a) ? b : a
}
