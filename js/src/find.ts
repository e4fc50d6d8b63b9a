import { unpack } from './document.js'
import type { Exchange } from './engine.js'
import { StowageError } from './errors.js'
import type { Listener, LiveOptions } from './live.js'
import { countOf, ordered, packQuery, type Query } from './query.js'
import type { LongCall } from './options.js'
import type { Path } from './types.js'
import { Op } from './wire.js'

/** How a query was carried out, and what that took. */
export interface Explanation {
  /** The index that was read; empty where the documents themselves were, by identity. */
  index: string
  /** How many ranges of it. */
  ranges: number
  /** Whether the ranges were read at once, to keep an order. */
  merged: boolean
  /** Whether they were read from the end to the beginning. */
  reverse: boolean
  /** Whether the documents had to be sorted. */
  sorted: boolean
  /** Whether documents had to be looked at beyond what the ranges tell. */
  filtered: boolean
  /** Entries looked at, documents fetched, and documents delivered. */
  keys: number
  documents: number
  results: number
}

/** Sends a query; a table and its scope stand behind it. */
export type Send = <R>(
  op: Op,
  query: Uint8Array,
  decode: (bytes: Uint8Array, start: number, end: number) => R,
  exchange: Exchange | undefined,
) => Promise<R>

/**
 * A query that runs when it is awaited, and once for each time; or while it is
 * iterated, in which case no more than a part of the result is held at once. In a
 * transaction all of it may be, for the loop can use the transaction meanwhile.
 *
 *     const all = await db.cities.find({ country: 'NO' }).orderBy('population', 'desc').limit(20)
 *     for await (const city of db.cities.find()) …
 */
export class Find<T> implements PromiseLike<T[]>, AsyncIterable<T> {
  /** @internal key is the path of the identity; undefined in a transaction, whose one snapshot nothing changes in. */
  constructor(
    readonly send: Send,
    readonly query: Query,
    private readonly options: LongCall,
    readonly key: (string | number)[] | undefined,
  ) {}

  /** Orders the result by a path, then by those of further calls; at last by identity. */
  orderBy(path: Path<T>, direction: 'asc' | 'desc' = 'asc'): Find<T> {
    return this.with(ordered(this.query, path, direction))
  }

  /** Ends the result after so many documents. */
  limit(count: number): Find<T> {
    return this.with({ ...this.query, limit: countOf('limit', count) })
  }

  /** Leaves out so many documents at the start; what is left out is still walked. */
  offset(count: number): Find<T> {
    return this.with({ ...this.query, offset: countOf('offset', count) })
  }

  /**
   * Starts behind a place in the order: the values of its paths, then the
   * identity, as the last document of the previous part has them.
   */
  after(...values: unknown[]): Find<T> {
    return this.with({ ...this.query, after: values })
  }

  /** Runs the query for its first document. */
  first(): Promise<T | undefined> {
    return this.limit(Math.min(1, this.query.limit ?? 1)).run().then(found => found[0])
  }

  /** Counts the result instead of reading it. */
  count(): Promise<number> {
    return this.execute(Op.Count, read<number>)
  }

  /** Runs the query and tells how it was carried out. */
  explain(): Promise<Explanation> {
    return this.execute(Op.Explain, read<Explanation>)
  }

  /**
   * Tells the result now, and again whenever a commit has changed it, here or in another tab. Returns what
   * ends that.
   *
   *     const stop = db.cities.find({ country: 'NO' }).subscribe(render)
   */
  subscribe(listener: Listener<T>, options?: LiveOptions): () => void {
    const stop = new AbortController()
    // What only pages that watch need is loaded with the first to do so.
    void loadLive()
      .then(({ live }) => live(this, options).subscribe(listener, stop.signal))
      .catch(error => {
        if (typeof listener === 'function' || listener.error === undefined) throw error
        listener.error(error)
      })
    return () => stop.abort()
  }

  then<A = T[], B = never>(
    fulfilled?: ((value: T[]) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.run().then(fulfilled, rejected)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const part of parts<T>(onRows => this.execute(Op.Find, read<T[]>, onRows), this.key !== undefined)) yield* part
  }

  private async run(): Promise<T[]> {
    const found: T[] = []
    const last = await this.execute(Op.Find, read<T[]>, (bytes, start, end) => {
      for (const document of read<T[]>(bytes, start, end)) found.push(document)
      return true
    })
    if (found.length === 0) return last
    for (const document of last) found.push(document)
    return found
  }

  private execute<R>(op: Op, decode: (bytes: Uint8Array, start: number, end: number) => R, onRows?: Rows): Promise<R> {
    try {
      const { bytes, run } = packQuery(this.query)
      return run(exchange => this.send(op, bytes, decode, exchange), { signal: this.options.signal, onRows })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  private with(query: Query): Find<T> {
    return new Find(this.send, query, this.options, this.key)
  }
}

async function loadLive(): Promise<typeof import('./live.js')> {
  try {
    return await import('./live.js')
  } catch (cause) {
    throw new StowageError('unsupported', 'live.js, beside index.js, could not be loaded', { cause })
  }
}

/** Takes a part of a result: see Exchange.onRows. */
export type Rows = (bytes: Uint8Array, start: number, end: number) => true | Promise<boolean>

function read<R>(bytes: Uint8Array, start: number, end: number): R {
  return unpack(bytes, start, end) as R
}

/**
 * Hands on the parts that a call delivers. With `hold` the call goes on when a
 * part has been used up, else at its own pace. It is ended when the reader leaves early.
 */
export async function* parts<T>(call: (onRows: Rows) => Promise<T[] | undefined>, hold: boolean): AsyncGenerator<T[], void, undefined> {
  const queue: T[][] = []
  let resume: ((more: boolean) => void) | undefined
  let arrived = () => {}
  let over = false
  let failure: unknown
  const finished = call((bytes, start, end) => {
    queue.push(read<T[]>(bytes, start, end))
    arrived()
    if (!hold) return true
    return new Promise(resolve => {
      resume = resolve
    })
  }).then(
    last => {
      queue.push(last ?? [])
      over = true
      arrived()
    },
    error => {
      failure = error
      over = true
      arrived()
    },
  )
  try {
    for (;;) {
      if (failure !== undefined) throw failure
      const part = queue.shift()
      if (part !== undefined) {
        yield part
        continue
      }
      if (over) return
      const arrival = new Promise<void>(resolve => {
        arrived = resolve
      })
      const more = resume
      resume = undefined
      more?.(true)
      await arrival
    }
  } finally {
    resume?.(false)
    await finished
  }
}
