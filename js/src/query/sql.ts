/*
 * SQL on the tables of an environment: a statement goes to the engine with the values for its
 * parameters, and rows come back in parts, as documents do.
 *
 * The other end is wasm/sql.go.
 */
import { packValue, unpack } from '../document/document.js'
import type { Decode, Exchange } from '../bridge/engine.js'
import { StowageError } from '../errors.js'
import { parts } from './find.js'
import type { Listener, LiveOptions } from '../live.js'
import { liveOptions, type LongCall, longCall, mustListen } from '../options.js'
import { part } from '../parts.js'
import type { PackedQuery } from './query.js'
import { type Scope, send } from '../bridge/scope.js'
import type { Doc } from '../document/types.js'
import { Op } from '../bridge/wire.js'

/** What a statement's result tells, by its numbers in frames. */
const enum Wanted {
  Rows = 0,
  Changes = 1,
  Plan = 2,
  Tables = 3,
}

/** A step of how a statement is carried out, as EXPLAIN QUERY PLAN tells it. */
export interface PlanStep {
  id: number
  /** The step that this one is a part of, 0 for none. */
  parent: number
  detail: string
}

/**
 * Makes statements. Values stand where parameters are, and are never a part of the text; undefined is NULL, true and
 * false are 1 and 0, a Date is its text, objects and arrays are what JSON functions take. As a
 * function it takes the text with `?` for each value.
 *
 *     const big = await db.sql<{ name: string }>`SELECT name FROM cities WHERE population > ${million}`
 */
export type Sql = <T = Doc>(text: TemplateStringsArray | string, ...values: unknown[]) => Statement<T>

/** @internal The maker of statements that run in a scope. */
export function sqlIn(scope: Scope): Sql {
  return (text, ...values) => new Statement(scope, typeof text === 'string' ? text : text.join('? '), values)
}

/**
 * A statement that runs when it is awaited, and once for each time; or while it is iterated, in which case
 * no more than a part of the rows is held at once. In a transaction all of them may be.
 *
 * T is a row: an object with a member for each column.
 */
export class Statement<T> implements PromiseLike<T[]>, AsyncIterable<T> {
  /** @internal A column that no row has: rows have no identity. */
  readonly identity = ['']
  /** @internal */
  readonly revive = undefined

  /** @internal */
  constructor(
    private readonly scope: Scope,
    readonly text: string,
    private readonly values: readonly unknown[],
  ) {}

  /** Runs it for all rows; what writes has written when they are there. */
  async all(options?: LongCall): Promise<T[]> {
    const { signal } = longCall('all', options)
    const rows: T[] = []
    const take = (bytes: Uint8Array, start: number, end: number): true => {
      for (const row of read<T[]>(bytes, start, end)) rows.push(row)
      return true
    }
    await this.carryOut(Wanted.Rows, take, { signal, onRows: take })
    return rows
  }

  /** Runs it for the first row, undefined where there is none. */
  async first(options?: LongCall): Promise<T | undefined> {
    const { signal } = longCall('first', options)
    let first: T | undefined
    let met = false
    const take = (bytes: Uint8Array, start: number, end: number) => {
      if (!met) [first] = read<T[]>(bytes, start, end)
      met = true
    }
    await this.carryOut(Wanted.Rows, take, { signal, onRows: (...part) => (take(...part), Promise.resolve(false)) })
    return first
  }

  /** Runs it and tells how many rows it has inserted, changed or deleted. */
  async run(options?: LongCall): Promise<number> {
    const { signal } = longCall('run', options)
    return this.carryOut(Wanted.Changes, read<number>, { signal })
  }

  /** Tells how it would be carried out. */
  explain(): Promise<PlanStep[]> {
    return this.carryOut(Wanted.Plan, read<PlanStep[]>, {})
  }

  /**
   * Tells the rows now, and again whenever a commit has changed them, here or in another tab. Returns what ends
   * that. Rows that are as before are the same objects.
   *
   *     const stop = db.sql`SELECT count(*) AS n FROM cities`.subscribe(([row]) => render(row.n))
   */
  subscribe(listener: Listener<T>, options?: LiveOptions): () => void {
    if (this.scope.transaction !== 0) throw new StowageError('invalid_option', 'a transaction is one snapshot, in which nothing changes')
    mustListen(listener)
    const asked = liveOptions('subscribe', options)
    const stop = new AbortController()
    void part('live')
      .then(({ live }) => live(this, asked).subscribe(listener, stop.signal))
      .catch(error => {
        if (typeof listener === 'function' || listener.error === undefined) throw error
        listener.error(error)
      })
    return () => stop.abort()
  }

  then<A = T[], B = never>(
    fulfilled?: ((rows: T[]) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.all().then(fulfilled, rejected)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const some of parts<T>(onRows => this.carryOut(Wanted.Rows, read<T[]>, { onRows }), this.scope.transaction === 0)) yield* some
  }

  /** @internal The tables that it reads; `read_only` where it writes. */
  tables(): Promise<string[]> {
    return this.carryOut(Wanted.Tables, read<string[]>, {})
  }

  /** @internal What ends a live one. */
  get over(): AbortSignal | undefined {
    return this.scope.over
  }

  /** @internal As a live query is sent. */
  packed(): PackedQuery {
    return { bytes: packValue([this.text, ...this.values]), run: (operation, exchange) => operation(exchange) }
  }

  /** @internal */
  send<R>(op: Op, bytes: Uint8Array, decode: Decode<R>, exchange: Exchange | undefined): Promise<R> {
    return send(this.scope, 0, op, 4, f => f.raw(bytes), decode, exchange, bytes.length)
  }

  private async carryOut<R>(wanted: Wanted, decode: Decode<R>, exchange: Exchange): Promise<R> {
    const { bytes } = this.packed()
    return send(this.scope, 0, Op.SQL, 5, f => f.raw(bytes).uint(wanted), decode, exchange, bytes.length)
  }
}

function read<R>(bytes: Uint8Array, start: number, end: number): R {
  return unpack(bytes, start, end) as R
}
