/*
 * What an environment in Workers KV can do beside all others: see store/replica.go.
 */
import { unpack } from '../document/document.js'
import type { KVUsage } from '../drivers/kv.js'
import { StowageError } from '../errors.js'
import { Options } from '../options.js'
import { meterOf } from './metered.js'
import type { Session } from '../environment/session.js'
import { Op } from '../bridge/wire.js'

/** When sessions were last brought up to date. */
const fresh = new WeakMap<Session, number>()

/** Its member `replica`. With the driver of a Durable Object all of it is there, and has little to do. */
export class Replica {
  private readonly meter: ReturnType<typeof meterOf>

  /** @internal */
  constructor(
    private readonly session: Session,
    private readonly used: () => KVUsage | undefined,
  ) {
    this.meter = meterOf(session)
    if (!fresh.has(this.meter.shared)) this.refreshed()
  }

  private refreshed(): void {
    fresh.set(this.meter.shared, Date.now())
  }

  /**
   * Names the last commits of this isolate. Whoever hands the token to `sync`, here or elsewhere, sees
   * them; several tokens may be put one behind the other. Empty where there is nothing to wait for.
   */
  async token(): Promise<string> {
    const engine = await this.session.ready()
    return engine.run(engine.request(Op.Token, 3, 0, 0), unpack as (bytes: Uint8Array, start: number, end: number) => string)
  }

  /**
   * Reads what others have committed, as far as it can be seen from here, and with `after` what tokens
   * name. `not_found` where that cannot be had yet.
   */
  async sync(options?: { after?: string }): Promise<void> {
    const o = new Options('sync', options)
    const after = o.any('after') ?? ''
    if (typeof after !== 'string') throw o.wrong('after', 'a string')
    o.done()
    const engine = await this.session.ready()
    await engine.run(engine.request(Op.SyncAfter, 4, 0, 0).string(after), () => undefined)
    this.refreshed()
  }

  /** @internal */
  async freshen(staleness: number): Promise<void> {
    if (Date.now() - fresh.get(this.meter.shared)! <= staleness) return
    this.refreshed() // others need not do it too
    await this.sync()
  }

  /**
   * Publishes a snapshot, so that others have less to read, and deletes what was superseded a day ago. It
   * writes and deletes about `budget` keys at most, 500 unless given, and tells whether there is nothing left to do. What a call has done stays done.
   * Any number of isolates may do so at the same time; call it from a cron trigger, a queue or an alarm.
   */
  async compact(options?: { budget?: number }): Promise<boolean> {
    const o = new Options('compact', options)
    const budget = o.integer('budget', { least: 1, most: 900 }) ?? 500
    o.done()
    const engine = await this.session.ready()
    return this.session.keep(engine.run(engine.request(Op.Compact, 4, 0, 0).uint(budget), unpack as (bytes: Uint8Array, start: number, end: number) => boolean))
  }

  /**
   * What was asked of KV for the calls made through this `db`, which each request opens for itself: its opening included, and no
   * other request's. What it says after a call and did not say before is that call's. Of commits that go together the write is that of the
   * call which wrote them; what the engine does by itself is that of the call it began in. With `all`, what the isolate has asked since it began with the environment.
   */
  usage(options?: { all?: boolean }): KVUsage {
    const o = new Options('usage', options)
    const all = o.boolean('all') ?? false
    o.done()
    const total = this.used()
    const used = all ? total : total && this.meter.usage
    if (used === undefined) throw new StowageError('unsupported', 'nothing is counted but in KV')
    return { ...used }
  }
}
