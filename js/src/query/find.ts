import { isDocument, unpack } from '../document/document.js'
import type { Exchange } from '../bridge/engine.js'
import { aborted, StowageError } from '../errors.js'
import { type Column, type Columns, Groups, aggregateOf, avg, max, min, named, sum } from './group.js'
import type { Listener, LiveOptions } from '../live.js'
import { liveOptions, type LongCall, mustListen } from '../options.js'
import { part } from '../parts.js'
import type { Over } from '../bridge/scope.js'
import { splitPath } from '../document/path.js'
import { countOf, ordered, type PackedQuery, packQuery, type Query } from './query.js'
import type { At, NumberPath, Omitted, Path, Present, Selected } from '../document/types.js'
import { Op } from '../bridge/wire.js'

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
  /** Whether it was known from before which ones these are: see `cache` of table(). */
  cached: boolean
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
 *
 * T is what it delivers, Whole the documents of the table that this comes from.
 */
export class Find<T, Whole = T> implements PromiseLike<T[]>, AsyncIterable<T> {
  /** @internal key is the path of the identity; undefined in a transaction, whose one snapshot nothing changes in. */
  constructor(
    readonly send: Send,
    readonly query: Query,
    private readonly options: LongCall,
    readonly key: (string | number)[] | undefined,
    readonly revive?: (document: object) => object,
    readonly over?: Over | undefined,
  ) {}

  /** Orders the result by a path, then by those of further calls; at last by identity. */
  orderBy(path: Path<Whole>, direction: 'asc' | 'desc' = 'asc'): Find<T, Whole> {
    return this.with(ordered(this.query, path, direction))
  }

  /** Ends the result after so many documents. */
  limit(count: number): Find<T, Whole> {
    return this.with({ ...this.query, limit: countOf('limit', count) })
  }

  /** Leaves out so many documents at the start; what is left out is still walked. */
  skip(count: number): Find<T, Whole> {
    return this.with({ ...this.query, skip: countOf('skip', count) })
  }

  /**
   * Starts behind a place in the order: that of the last document of the previous part, or
   * the values of the order's paths, then the identity, as that one has them.
   */
  after(...place: [document: object] | unknown[]): Find<T, Whole> {
    const [document] = place
    return this.with({ ...this.query, after: place.length === 1 && isDocument(document) ? document : place })
  }

  /**
   * Delivers no more of each document than what stands at these paths, and the objects
   * on the way there. Paths do not lead into lists.
   */
  select<const P extends Path<Whole>>(...paths: P[]): Find<Selected<Whole, P>, Whole> {
    return this.with({ ...this.query, fields: paths.map(splitPath), without: undefined })
  }

  /** Delivers all of each document but what stands at these paths, which do not lead into lists. */
  omit<const P extends Path<Whole>>(...paths: P[]): Find<Omitted<Whole, P>, Whole> {
    return this.with({ ...this.query, without: paths.map(splitPath), fields: undefined })
  }

  /** Runs the query for its first document. */
  first(): Promise<T | undefined> {
    return this.limit(Math.min(1, this.query.limit ?? 1)).run().then(found => found[0])
  }

  /** Runs the query for its last document. With a limit, `skip` or `after` all documents up to it are read. */
  async last(): Promise<T | undefined> {
    const { query } = this
    const cut = query.limit !== undefined || query.skip > 0 || query.after !== undefined
    const found = await (cut ? this : this.with({ ...query, reverse: true, limit: 1 })).run()
    return found.at(-1)
  }

  /** The different values that the result has at a path, in order. What is missing is none. */
  async distinct<const P extends Path<Whole>>(path: P): Promise<Exclude<At<Whole, P>, undefined>[]> {
    const rows = await this.rows([path], {})
    return rows.map(row => row[0]).filter(value => value !== undefined) as never
  }

  /** The sum of the numbers at a path, 0 where there are none. Integers are added up exactly. */
  sum(path: NumberPath<Whole>): Promise<number> {
    return this.only(sum(path))
  }

  /** The mean of the numbers at a path, undefined where there are none. */
  avg(path: NumberPath<Whole>): Promise<number | undefined> {
    return this.only(avg(path))
  }

  /** The least of the values at a path, in the order of `orderBy`; null and objects are passed over. */
  min<const P extends Path<Whole>>(path: P): Promise<Present<Whole, P>> {
    return this.only(min(path))
  }

  /** The greatest of the values at a path, in the order of `orderBy`; null and objects are passed over. */
  max<const P extends Path<Whole>>(path: P): Promise<Present<Whole, P>> {
    return this.only(max(path))
  }

  /**
   * Gathers the result in groups of documents that have the same values at these paths:
   * see Groups.aggregate. Without a path all of it is one group.
   */
  groupBy<const P extends Path<Whole> = never>(...paths: P[]): Groups<Whole, P> {
    return new Groups(paths, async (group, columns) => {
      const rows = await this.rows(group, columns)
      const names = [...group, ...Object.keys(columns)]
      return rows.map(row => named(names, row)) as never
    })
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
    this.identity
    mustListen(listener)
    const read = liveOptions('subscribe', options)
    const stop = new AbortController()
    // What only pages that watch need is loaded with the first to do so.
    void part('live')
      .then(({ live }) => live(this, read).subscribe(listener, stop.signal))
      .catch(error => {
        if (typeof listener === 'function' || listener.error === undefined) throw error
        listener.error(error)
      })
    return () => stop.abort()
  }

  /** @internal The path by which the documents of a live query are told apart. */
  get identity(): (string | number)[] {
    if (this.key === undefined) throw new StowageError('invalid_option', 'a transaction is one snapshot, in which nothing changes')
    return this.key
  }

  /** @internal */
  packed(): PackedQuery {
    return packQuery(this.query)
  }

  then<A = T[], B = never>(
    fulfilled?: ((value: T[]) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.run().then(fulfilled, rejected)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const part of parts<T>(onRows => this.execute(Op.Find, read<T[]>, onRows), this.key !== undefined)) {
      for (const document of this.revived(part)) {
        if (this.options.signal?.aborted) throw aborted(this.options.signal) // nothing of the part that is here already comes either
        yield document
      }
    }
  }

  private async run(): Promise<T[]> {
    const found: T[] = []
    const last = await this.execute(Op.Find, read<T[]>, (bytes, start, end) => {
      for (const result of read<T[]>(bytes, start, end)) found.push(result)
      return true
    })
    if (found.length === 0) return this.revived(last)
    for (const document of last) found.push(document)
    return this.revived(found)
  }

  /** The documents as the table hands them out. */
  private revived(documents: T[]): T[] {
    const { revive } = this
    const { aggregate, fields, without } = this.query
    if (revive === undefined || (aggregate ?? fields ?? without) !== undefined) return documents
    return documents.map(document => revive(document as object) as T)
  }

  /** Rows in the place of the documents. */
  private rows(group: readonly string[], columns: Columns): Promise<unknown[][]> {
    return this.with<unknown[]>({ ...this.query, fields: undefined, without: undefined, aggregate: aggregateOf(group, columns) }).run()
  }

  /** What one column comes to of all documents. */
  private async only<R>(column: Column<string, unknown, unknown>): Promise<R> {
    return (await this.rows([], { column }))[0]![0] as R
  }

  private execute<R>(op: Op, decode: (bytes: Uint8Array, start: number, end: number) => R, onRows?: Rows): Promise<R> {
    try {
      const { bytes, run } = this.packed()
      return run(exchange => this.send(op, bytes, decode, exchange), { signal: this.options.signal, onRows })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  private with<R = T>(query: Query): Find<R, Whole> {
    return new Find(this.send, query, this.options, this.key, this.revive, this.over)
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
