import { unpack } from '../document/document.js'
import { durabilities } from '../durability.js'
import { type Decode, type Engine, nothing } from '../bridge/engine.js'
import { aborted, StowageError } from '../errors.js'
import type { Access, Scope } from '../bridge/scope.js'
import { whenAborted } from '../bridge/signal.js'
import { Op } from '../bridge/wire.js'

/** The kinds of access by their numbers in frames. */
const accessKinds = ['read', 'write', 'exclusive', 'again'] as const

/** A transaction is run again so often at most before its conflict is the caller's. */
const attempts = 50

/**
 * One transaction of the engine: a snapshot, and the writes on top of it. It is
 * the engine's own, so anything may be awaited in the middle, and operations outside
 * do not wait for it.
 */
export class Transaction implements Scope {
  private ended = false
  /** Why it cannot be committed: of a write in several parts, some were done. */
  private broken: unknown
  /** Writes in several parts that have not come to their end. */
  private partial = 0

  private constructor(
    private readonly held: Engine,
    readonly transaction: number,
    /** The position in the log of what it sees, and once it is committed of what it wrote. */
    public id: number,
    readonly signal: AbortSignal | undefined,
  ) {}

  /** Begins one, in a parent a child: what that writes the parent sees once the child is committed. */
  static async begin(engine: Engine, access: Access, parent = 0): Promise<Transaction> {
    const frame = engine.request(Op.Begin, 5, parent, 0)
    frame.uint(accessKinds.indexOf(access.kind))
    access.durability === undefined ? frame.nil() : frame.uint(durabilities.indexOf(access.durability))
    const [number, id] = await engine.run(frame, unpack as Decode<[number, number]>, { signal: access.signal })
    return new Transaction(engine, number, id, access.signal)
  }

  /** Begins a child, which must end before this transaction is used again. */
  async child(): Promise<Transaction> {
    return Transaction.begin(await this.ready(), { kind: 'write', signal: this.signal }, this.transaction)
  }

  get engine(): Engine | undefined {
    return this.ended || this.held.lost !== undefined ? undefined : this.held
  }

  async ready(): Promise<Engine> {
    if (this.held.lost !== undefined) throw this.held.lost
    if (this.ended) throw new StowageError('tx_ended', 'the transaction is over')
    return this.held
  }

  /** Operations of a transaction are together already; but one that writes and stops half-way spoils it. */
  async together<R>({ kind }: Access, body: (scope: Scope) => Promise<R>): Promise<R> {
    if (kind === 'read') return body(this)
    this.partial++
    try {
      return await body(this)
    } catch (error) {
      this.broken ??= error
      throw error
    } finally {
      this.partial--
    }
  }

  /** Commits it, and ends it also where that fails; only with `tx_busy`, while a child is open or a write half done, it goes on. */
  async commit(): Promise<void> {
    const engine = await this.ready()
    if (this.partial > 0) throw new StowageError('tx_busy', 'the transaction is still writing')
    this.ended = true
    try {
      if (this.broken !== undefined) throw this.broken
      this.id = await engine.run(engine.request(Op.Commit, 3, this.transaction, 0), unpack as Decode<number>, { signal: this.signal })
    } catch (error) {
      this.ended = false // for all that is known here: an aborted request has not reached the engine
      if ((error as StowageError).code !== 'tx_busy') await this.rollback().catch(() => {})
      throw error
    }
  }

  /** Ends the transaction without a trace. Does nothing where it has ended. */
  async rollback(): Promise<void> {
    const { engine } = this
    this.ended = true
    await engine?.run(engine.request(Op.Rollback, 3, this.transaction, 0), nothing)
  }
}

/** Runs body in a child of a transaction: when it throws, the parent is as it was. */
export async function nest<R>(parent: Transaction, body: (child: Transaction) => Promise<R>): Promise<R> {
  return conclude(await parent.child(), body)
}

/** Runs body and commits; rolls back where either fails, or the transaction's signal is aborted, for which body need not end. */
async function conclude<R>(transaction: Transaction, body: (transaction: Transaction) => Promise<R>): Promise<R> {
  try {
    const result = await unless(transaction.signal, async () => body(transaction))
    await transaction.commit()
    return result
  } catch (error) {
    await transaction.rollback().catch(() => {})
    throw error
  }
}

/** What work comes to, unless the signal is aborted first. */
function unless<R>(signal: AbortSignal | undefined, work: () => Promise<R>): Promise<R> {
  if (signal === undefined) return work()
  return new Promise((resolve, reject) => {
    const abort = () => reject(aborted(signal))
    work().then(resolve, reject).finally(whenAborted(signal, abort))
    if (signal.aborted) abort()
  })
}

/**
 * Runs body in a transaction and commits it; when body throws, nothing of it
 * stays. When the commit finds that what body read has changed meanwhile, or its
 * snapshot has expired, body runs again on a new one.
 */
export async function transact<R>(
  ready: () => Promise<Engine>,
  access: Access,
  body: (transaction: Transaction) => Promise<R>,
): Promise<R> {
  for (let attempt = 1, { kind } = access; ; attempt++) {
    const transaction = await Transaction.begin(await ready(), { ...access, kind })
    try {
      return await conclude(transaction, body)
    } catch (error) {
      const again = error instanceof StowageError && (error.code === 'conflict' || error.code === 'snapshot_expired')
      if (!again || attempt === attempts) throw error
      if (kind === 'write') kind = 'again'
    }
  }
}
