/*
 * What an environment in Workers KV can do beside all others: see store/replica.go.
 */
import { unpack } from '../document/document.js'
import type { KVUsage } from '../drivers/kv.js'
import { StowageError } from '../errors.js'
import { Options } from '../options.js'
import type { Session } from '../environment/session.js'
import { Op } from '../bridge/wire.js'

/** Its member `replica`. With the driver of a Durable Object all of it is there, and has little to do. */
export class Replica {
  /** When it was last brought up to date. */
  private fresh = Date.now()

  /** @internal */
  constructor(
    private readonly session: Session,
    private readonly used: () => KVUsage | undefined,
  ) {}

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
    this.fresh = Date.now()
  }

  /** @internal */
  async freshen(staleness: number): Promise<void> {
    if (Date.now() - this.fresh <= staleness) return
    this.fresh = Date.now() // others need not do it too
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

  /** What this isolate has asked of KV since it opened the environment. */
  usage(): KVUsage {
    const used = this.used()
    if (used === undefined) throw new StowageError('unsupported', 'nothing is counted but in KV')
    return { ...used }
  }
}
