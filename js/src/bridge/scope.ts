import type { CommitDurability } from '../durability.js'
import { type Decode, type Engine, type Exchange, nothing } from './engine.js'
import { asStowageError, StowageError } from '../errors.js'
import { type FrameWriter, Op } from './wire.js'

export type Over = (then: () => void) => () => void

/**
 * Where the operations of a table or store run: in the environment, each in a
 * transaction of its own, or all in one transaction.
 */
export interface Scope {
  /** The engine, where requests can be sent to it at once. */
  readonly engine: Engine | undefined
  /** The number of the transaction, 0 for one of each operation's own. */
  readonly transaction: number
  /** Calls back when the environment is closed, and returns what ends that; undefined in a transaction. */
  readonly over?: Over | undefined
  /** The engine, once there is one: the first use after a loss starts another. */
  ready(): Promise<Engine>
  /** Runs several operations as one; on a conflict again from the start. */
  together<R>(access: Access, body: (scope: Scope) => Promise<R>): Promise<R>
}

/**
 * Sends one operation: a request of `length` parts, of which `write` appends
 * those behind the head, with room for about `bytes`.
 */
export function send<R>(
  scope: Scope,
  table: number,
  op: Op,
  length: number,
  write: (frame: FrameWriter) => unknown,
  decode: Decode<R>,
  exchange?: Exchange,
  bytes?: number,
): Promise<R> {
  const sendTo = (engine: Engine): Promise<R> => {
    const frame = engine.request(op, length, scope.transaction, table, bytes)
    try {
      write(frame)
    } catch (error) {
      throw asStowageError(error, 'invalid_argument', 'an argument could not be read') // of a Proxy, say
    }
    return engine.run(frame, decode, exchange)
  }
  try {
    return scope.engine === undefined ? scope.ready().then(sendTo) : sendTo(scope.engine)
  } catch (error) {
    return Promise.reject(error)
  }
}

/** What a transaction is for. */
export interface Access {
  /**
   * read: refuses writes. write: waits for nobody, but its commit may conflict.
   * exclusive: other writers of this context wait until it ends. again: write, after
   * a conflict; other contexts wait for it a while.
   */
  kind: 'read' | 'write' | 'exclusive' | 'again'
  durability?: CommitDurability | undefined
  signal?: AbortSignal | undefined
}

/**
 * A scope whose engine, each time it is asked for, first catches up with what other
 * tabs and workers have committed by then.
 */
export function latest(scope: Scope): Scope {
  if (scope.transaction !== 0) throw new StowageError('invalid_option', 'a transaction is one snapshot: ask for the latest one where it begins')
  const ready = async () => {
    const engine = await scope.ready()
    await engine.run(engine.request(Op.Sync, 3, 0, 0), nothing)
    return engine
  }
  return { engine: undefined, transaction: 0, over: scope.over, ready, together: (access, body) => ready().then(() => scope.together(access, body)) }
}
