import type { StowageError } from '../errors.js'
import type { KeyChange, Modifier } from '../modifier/modifier.js'
import type { FrameWriter, Op } from './wire.js'

/** Reads the payload of a frame, which stands between start and end and must not be kept. */
export type Decode<T> = (bytes: Uint8Array, start: number, end: number) => T

/** What a call wants besides its result. */
export interface Exchange {
  signal?: AbortSignal | undefined
  /** What the driver counts to this call alone: see Driver.counting. */
  usage?: unknown
  onProgress?: ((done: number, total: number) => void) | undefined
  /**
   * Takes a part of the result. The engine goes on once it has returned, or what
   * it returned is fulfilled with true; with false the operation ends there.
   */
  onRows?: Decode<true | Promise<boolean>> | undefined
  /** Gives the next bytes of the stream that the operation reads, undefined at its end. A rejection ends the operation. */
  onFeed?: (() => Promise<Uint8Array | undefined>) | undefined
  /** Answers what functions of a filter are asked: [[number, [value …]] …]. Returns [nil, [[answer …] …]], packed. What it throws ends the operation. */
  onAsk?: Decode<Uint8Array | Promise<Uint8Array | undefined>> | undefined
}

/**
 * An engine that operations can be sent to: in this context, or in a worker. It
 * is dead for good once `lost` is set; all that was pending has been rejected
 * with it by then.
 */
export interface Engine {
  readonly lost: StowageError | undefined
  /** The bytes of the engine's memory, which never shrinks. */
  readonly memoryBytes: number
  /**
   * Starts a request frame: [op, transaction, table, …] of `length` parts
   * altogether, with room for about `bytes`. The writer is valid until the next
   * call of request or run. Transaction 0 is one of the operation's own.
   */
  request(op: Op, length: number, transaction: number, table: number, bytes?: number): FrameWriter
  /** Runs the request and decodes its result. Never throws; rejects with a StowageError. */
  run<T>(frame: FrameWriter, decode: Decode<T>, exchange?: Exchange): Promise<T>
  /**
   * The document with an identity, outside of transactions: as a request would,
   * but shorter where nothing has to be waited for.
   */
  get<T>(table: number, key: unknown, decode: Decode<T>, exchange?: Exchange): Promise<T>
  /** Compresses values at a level, or undoes that where there is none, in the engine's own thread. */
  squeeze(values: Uint8Array[], level: number | undefined): Promise<Uint8Array[]>
  /** Has more stages ready for blobs to pass: in a set of the environment's own, 0, or in another one. */
  extend(chain: readonly Modifier[], set?: number): Promise<void>
  /** Lets go of a set and of its keys. */
  dismiss(set: number): void
  /** Changes the keys of an encrypted environment, where they are, and tells what came of it. */
  amend(change: KeyChange): Promise<unknown>
  /** Why it is being closed: what calls fail with that are still under way then. */
  ending: StowageError | undefined
  /** Is told why a buffered commit came to nothing. */
  onLost: ((error: StowageError) => void) | undefined
  /** Lets go of the engine without a word to it. What is pending is rejected, as all that follows. */
  discard(why: StowageError): void
}

/** For operations without a result. */
export const nothing: Decode<undefined> = () => undefined
