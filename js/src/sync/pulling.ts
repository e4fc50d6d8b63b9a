/*
 * One shape that is pulled: chunk after chunk, then what changes. Go programs have the same in sync/pulling.go.
 */
import { whenAborted } from '../bridge/signal.js'
import type { StowageError } from '../errors.js'
import { Ahead } from './ahead.js'
import { Backoff, pause } from './backoff.js'
import { Buster } from './buster.js'
import { isDamage, retrying, typed } from './failure.js'
import { Guard } from './guard.js'
import { type Chunk, MustRefetch } from './message.js'
import type { Origin, Phase, Progress } from './pull.js'
import { Unanswered } from './request.js'
import { after, Mismatch, Moved, type Position, type Shape } from './shape.js'
import { Stale } from './source.js'
import { Waiting } from './waiting.js'

/** Old answers in a row, each to another URL, cannot all be a cache's. */
const staleAnswers = 3

export class Pulling {
  tell = () => {}
  private position!: Position
  private current: Progress
  private readonly waiting = new Waiting()
  /** Why it has ended for good. */
  private over: StowageError | undefined
  /** After failures, and after it had to begin anew. */
  private readonly backoff: Backoff
  private readonly anew: Backoff
  private readonly guard = new Guard()
  /** Ends what it waits for, be it the next try or a live answer. */
  private rest = new AbortController()
  private ahead: Ahead | undefined
  private wanted = false
  private cursor: string | undefined
  private readonly buster = new Buster()
  private stale = 0
  /** What is asked beside another tab that pulls, and what is to be asked after that. */
  private beside: Promise<void> = Promise.resolve()
  private next: Promise<void> | undefined

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
    await this.read()
    if (before && !this.current.complete) this.nudge()
    return this.current
  }

  /** Takes notice of a position that is stored. */
  seen(position: Position): void {
    this.position = position
    const { complete, rows, fetchedAt } = position
    this.is({ complete, rows, fetchedAt })
    if (complete) this.waiting.settle('whole')
  }

  /** Takes notice of what is stored, maybe by another tab: what is pulled here is known better. */
  heard(position: Position): void {
    if (this.current.phase !== 'pulling') this.seen(position)
  }

  /** What another tab pulls cannot be seen any more. */
  blind(error: StowageError): void {
    if (this.current.phase === 'elsewhere') this.waiting.settle('whole', error)
  }

  /** It has ended, or never began. */
  fail(error: StowageError): void {
    this.is({ phase: 'failed', error })
    this.over ??= error
    this.waiting.settle('whole', error)
    this.waiting.settle('news', error)
    this.nudge()
  }

  /** Another tab pulls. Who waits for news here gets them beside it. */
  elsewhere(): void {
    if (this.over !== undefined) return
    this.become('elsewhere')
    if (!this.wanted) return
    this.wanted = false
    this.catchUp().then(() => this.waiting.settle('news'), error => this.waiting.settle('news', error))
  }

  /** Fulfilled once there is a whole shape. */
  async complete(): Promise<void> {
    const { complete, error, phase } = this.current
    if (complete) return
    if (this.over !== undefined) throw this.over
    if (error !== undefined && ended.has(phase)) throw error
    await this.waiting.for('whole')
  }

  async refresh(): Promise<void> {
    if (this.over !== undefined) throw this.over
    if (this.current.phase === 'elsewhere') return this.catchUp()
    const waited = this.waiting.for('news')
    this.wanted = true
    if (this.current.phase !== 'pulling') this.nudge()
    return waited
  }

  async refetch(): Promise<void> {
    for (let begun = false; !begun; ) {
      const position = await this.shape.position()
      begun = await this.unlessMoved(async () => this.seen(await this.shape.again(position, position.handle)))
    }
    await this.refresh()
  }

  /** Ends a wait, for what was in vain until now may not be any longer. Should it be in vain once more, waits are short again. */
  wake(): void {
    this.guard.rest()
    this.backoff.succeeded()
    this.nudge()
  }

  /** Ends a wait. */
  nudge(): void {
    this.rest.abort()
    if (this.over === undefined) this.rest = new AbortController()
  }

  /** Pulls until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const end = () => this.nudge()
    const deaf = whenAborted(signal, end)
    try {
      this.become('waiting')
      await this.read()
      for (let caughtUp = false; !signal.aborted; ) caughtUp = await this.step(caughtUp)
      this.elsewhere()
    } catch (error) {
      this.fail(typed(error))
    } finally {
      deaf()
    }
  }

  /** Catches up beside the tab that pulls. Who comes while that is being done shares the next answer, for this one may be older than the question. */
  private catchUp(): Promise<void> {
    return (this.next ??= this.beside.catch(() => {}).then(() => {
      this.next = undefined
      return (this.beside = this.once())
    }))
  }

  /** The tab that pulls sees it when it stores its next chunk. */
  private async once(): Promise<void> {
    this.guard.rest()
    for (let begun = false; ; ) {
      await this.read()
      const at = this.position
      try {
        const chunk = await this.ask(at, false, this.rest.signal)
        const stored = await this.unlessMoved(async () => this.seen(await this.shape.apply(at, chunk, Date.now())))
        if (stored && chunk.upToDate) return
      } catch (error) {
        if (this.over !== undefined) throw this.over
        if ((error as StowageError).code === 'aborted') continue // for another wait, which was ended
        if (begun || !(error instanceof MustRefetch || error instanceof Mismatch)) throw typed(error)
        begun = true
        await this.unlessMoved(() => this.rewind(error, at))
      }
    }
  }

  /** Does something, and tells whether it was the one: another tab may have moved the shape on. */
  private async unlessMoved(body: () => Promise<void>): Promise<boolean> {
    try {
      await body()
      return true
    } catch (error) {
      if (error instanceof Moved) return false
      throw error
    }
  }

  /** Stores what comes next, or waits where there is nothing to ask; tells whether all has come. */
  private async step(caughtUp: boolean): Promise<boolean> {
    const { source, live, every } = this.origin
    const { rest, wanted, position: at } = this // which another tab may move meanwhile
    const follows = caughtUp && live && source.live && !wanted
    if (this.rests) return this.idle('paused', undefined)
    if (caughtUp && !follows && !wanted) return this.idle('live', live ? every : undefined)
    try {
      this.become(follows ? 'live' : 'pulling')
      const ahead = this.taken(at, rest.signal)
      const chunk = await (ahead?.chunk ?? this.ask(at, follows, rest.signal))
      this.buster.answered(chunk.handle, chunk.upToDate)
      if (!chunk.upToDate) this.askAhead(after(at, chunk), rest.signal)
      this.seen(await this.shape.apply(at, chunk, Date.now()))
      return this.took(chunk, ahead?.wanted ?? wanted)
    } catch (error) {
      this.ahead?.end()
      if (rest.signal.aborted) return caughtUp && !this.rests // whoever ended it wants something else
      await this.missed(error, rest.signal)
      return false
    }
  }

  /** It is hidden, or told to ask for nothing, and nobody here wants anything else. */
  get rests(): boolean {
    return !this.wanted && (hidden() || (this.origin.held?.(this.current.complete) ?? false))
  }

  /** Asks for what follows a chunk that is about to be stored. */
  private askAhead(at: Position, rest: AbortSignal): void {
    this.ahead = new Ahead(at, rest, this.wanted, signal => this.ask(at, false, signal))
  }

  /** What was asked for ahead, if that is what follows. */
  private taken(at: Position, rest: AbortSignal): Ahead | undefined {
    const { ahead } = this
    this.ahead = undefined
    if (ahead?.follows(at, rest)) return ahead
    ahead?.end()
    return undefined
  }

  private async ask(at: Position, live: boolean, signal: AbortSignal): Promise<Chunk> {
    const { source, requests } = this.origin
    const { cursor, buster: { text: buster } } = this
    this.guard.admit(JSON.stringify([at.handle, at.offset, live, live && cursor, buster]))
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
    this.stale = 0
    if (wanted) this.guard.rest()
    this.backoff.succeeded()
    const { chunks, bytes, total } = this.current
    this.is({ chunks: chunks + 1, bytes: bytes + chunk.bytes, error: undefined, total: chunk.rows ?? total })
    if (!chunk.upToDate) return false
    this.anew.succeeded()
    if (wanted) {
      this.wanted = false
      this.waiting.settle('news')
    }
    return true
  }

  /** Something went wrong: does something about it, and waits. */
  private async missed(error: unknown, signal: AbortSignal): Promise<void> {
    try {
      if (error instanceof Moved) return await this.read()
      if (error instanceof MustRefetch || error instanceof Mismatch) {
        await this.rewind(error, this.position)
        return await this.beginAgain(signal)
      }
      if (error instanceof Stale) await this.forgive()
      else if (isDamage(error)) this.seen(await this.shape.restart(this.position))
    } catch (another) {
      if (another instanceof Moved) return // the next chunk will tell
      return this.waitOut(typed(another), signal)
    }
    await this.waitOut(typed(error), signal)
  }

  /** Goes back to the beginning. */
  private async rewind(error: MustRefetch | Mismatch, at: Position): Promise<void> {
    this.buster.bust(this.position.handle)
    this.seen(await this.shape.again(at, error instanceof MustRefetch ? error.handle : at.handle))
  }

  /** The first time at once. */
  private async beginAgain(signal: AbortSignal): Promise<void> {
    const { anew } = this
    if (anew.count > 0) this.is({ phase: 'retrying' })
    const wait = anew.failed()
    if (anew.count > 1) await pause(wait, signal)
  }

  /** The handle that was given up, by a refusal that was an old one itself, may be the shape's after all. */
  private async forgive(): Promise<void> {
    this.buster.bust(this.position.handle)
    if (++this.stale < staleAnswers) return
    this.seen(await this.shape.forgive(this.position))
    this.stale = 0
  }

  private async waitOut(failure: StowageError, signal: AbortSignal): Promise<void> {
    const { again, floor } = retrying(failure)
    this.is({ phase: again ? 'retrying' : failure.code === 'denied' ? 'needs token' : 'failed', error: failure })
    this.wanted = false
    this.waiting.settle('news', failure)
    if (again) return pause(this.backoff.failed(floor), signal)
    this.waiting.settle('whole', failure)
    await this.shape.failed(this.position, failure.message).then(noted => (this.position = noted), () => {}) // it is told all the same
    await aborted(signal)
  }

  private become(phase: Phase): void {
    if (phase !== this.current.phase) this.is({ phase })
  }

  private is(now: Partial<Progress>): void {
    if (this.over !== undefined) return
    this.current = { ...this.current, ...now }
    this.tell()
  }
}

/** Phases in which it waits to be told to go on. */
const ended: ReadonlySet<Phase> = new Set<Phase>(['failed', 'needs token'])

const hidden = () => globalThis.document?.visibilityState === 'hidden'

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => (signal.aborted ? resolve() : whenAborted(signal, resolve)))
}
