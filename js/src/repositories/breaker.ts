/*
 * A guard is a tier behind a breaker. What fails there is `unavailable`, and `timeout` where there was no answer in time.
 *
 * The other side is store/repository/breaker.go.
 */
import { asStowageError, StowageError } from '../errors.js'
import { Options } from '../options.js'
import { Breaker } from '../sync/breaker.js'
import type { Clock } from './clock.js'
import type { ServiceEvent, TierName } from './event.js'
import { refused, Resting } from './refusal.js'
import type { Read, Reply, Tier, Write } from './tier.js'

/** When a service stops calling a tier that fails. */
export interface BreakerOptions {
  /** How many calls in a row must fail: 5 unless given. With 1 the first does. */
  failures?: number
  /**
   * For how many milliseconds the tier is then not called: 30 000 unless given. After them one call is let through: if that succeeds all are, if it fails
   * none for as long again.
   */
  recovery?: number
  /**
   * Whether an error is a failure of the tier: unless given, all are but those that say that the call was wrong. That something was not found is no error
   * of a tier, and `quota` and `denied` of writes never count: a tier without room, or that may not be written to, can be read.
   */
  counts?: (error: StowageError) => boolean
}

/** Of a breaker: closed while the tier is called, open while it is not, half-open while one call is let through. */
export type State = 'closed' | 'open' | 'half-open'

/** A tier behind a breaker. */
export class Guard implements Tier {
  private readonly breaker: Breaker
  private readonly counts: (error: StowageError) => boolean
  private state: State = 'closed'
  /** Of the states since: what was asked in another than the present one tells nothing about the tier any more. */
  private era = 0

  constructor(
    private readonly tier: Tier,
    private readonly name: TierName,
    options: BreakerOptions | undefined,
    clock: Clock,
    private readonly tell: (event: ServiceEvent) => void,
  ) {
    const o = new Options(`service: breaker of the ${name} tier`, options)
    const failures = o.integer('failures', { least: 1 }) ?? 5
    this.breaker = new Breaker(o.integer('recovery', { least: 1 }) ?? 30_000, () => clock.now(), { failures, window: 0 })
    this.counts = o.function<(error: StowageError) => boolean>('counts') ?? (error => !refused(error))
    o.done()
  }

  read(reads: readonly Read[]): Promise<Reply[]> {
    return this.call(() => this.tier.read(reads))
  }

  write(writes: readonly Write[]): Promise<void> {
    return this.call(() => this.tier.write(writes), /quota|denied/)
  }

  /** Past the breaker: whoever hears of a change has not asked the tier for anything. */
  async refresh(): Promise<void> {
    await this.tier.refresh?.()
  }

  close(): Promise<void> {
    return this.tier.close()
  }

  private async call<R>(run: () => Promise<R>, never?: RegExp): Promise<R> {
    if (!this.breaker.admits()) throw new Resting('unavailable', `the ${this.name} tier is left alone`)
    this.become()
    const { era } = this
    try {
      const answer = await run()
      this.told(era, true)
      return answer
    } catch (thrown) {
      const error = asStowageError(thrown, 'backend_failed', `the ${this.name} tier has failed`)
      const failure = !never?.test(error.code) && this.failure(error)
      this.told(era, !failure, error)
      throw failure && error.code !== 'timeout' ? new StowageError('unavailable', `the ${this.name} tier has failed`, { cause: error }) : error
    }
  }

  /** Whether an error is a failure of the tier. What `counts` throws says so, and becomes an unhandled rejection. */
  private failure(error: StowageError): boolean {
    try {
      return this.counts(error)
    } catch (thrown) {
      void Promise.reject(thrown)
      return true
    }
  }

  private told(era: number, success: boolean, error?: StowageError): void {
    if (era !== this.era) return
    this.breaker.told(success)
    this.become(error)
  }

  /** Tells of a change of the state, which an error may have caused. */
  private become(error?: StowageError): void {
    const { state } = this.breaker
    if (state === this.state) return
    this.state = state
    this.era++
    this.tell({ kind: 'state', tier: this.name, state })
    if (state === 'open' && error !== undefined) this.tell({ kind: 'warning', tier: this.name, error })
  }
}
