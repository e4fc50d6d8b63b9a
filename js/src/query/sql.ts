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
import { liveOptions, mustListen, Options } from '../options.js'
import { part } from '../parts.js'
import type { PackedQuery } from './query.js'
import { type Over, type Scope, send } from '../bridge/scope.js'
import type { Made } from '../table/table.js'
import type { Doc } from '../document/types.js'
import { Op } from '../bridge/wire.js'

/** What a statement's result tells, by its numbers in frames. */
const enum Wanted {
  Rows = 0,
  Changes = 1,
  Plan = 2,
  Tables = 3,
  /** All that it comes to: see Outcome. */
  Written = 4,
}

/** How a statement is run. */
export interface StatementOptions {
  /** Ends it: `aborted`. */
  signal?: AbortSignal
  /** How many steps, of about a row each, it may take: `work_limit` beyond that. */
  work?: number
}

/** @internal A document that a statement has written, and what it was; null where there is none. */
export type Change = readonly [before: object | null, after: object | null]

/** @internal A table that hears of what statements write to it. */
export interface Hearing {
  readonly made: Made
  /** Called before a statement that may. */
  tidied(): Promise<void>
  heard(changes: readonly Change[]): Promise<void>
  /** Called when that was committed. */
  kept(): void
}

/** @internal The tables that hear of it, by their names, in a scope. */
export type Hearings = (name: string, scope: Scope) => Hearing | undefined

/** @internal What a statement has come to. */
export interface Outcome {
  rows: unknown[]
  /** How many rows it has inserted, changed or deleted. */
  changed: number
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
export function sqlIn(scope: Scope, hearings?: Hearings): Sql {
  return (text, ...values) => new Statement(scope, typeof text === 'string' ? text : text.join('? '), values, hearings)
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
    private readonly hearings?: Hearings | undefined,
    private readonly how: StatementOptions = {},
  ) {}

  /** The same statement, to be run so also where it is iterated. */
  with(options: StatementOptions): Statement<T> {
    return new Statement(this.scope, this.text, this.values, this.hearings, this.read('with', options))
  }

  /** Runs it for all rows; what writes has written when they are there. */
  async all(options?: StatementOptions): Promise<T[]> {
    const how = this.read('all', options)
    const written = await this.written(how)
    if (written !== undefined) return written.rows as T[]
    const rows: T[] = []
    const take = (bytes: Uint8Array, start: number, end: number): true => {
      for (const row of read<T[]>(bytes, start, end)) rows.push(row)
      return true
    }
    await this.carryOut(Wanted.Rows, take, how, { onRows: take })
    return rows
  }

  /** Runs it for the first row, undefined where there is none. */
  async first(options?: StatementOptions): Promise<T | undefined> {
    const how = this.read('first', options)
    const written = await this.written(how)
    if (written !== undefined) return written.rows[0] as T | undefined
    let first: T | undefined
    let met = false
    const take = (bytes: Uint8Array, start: number, end: number) => {
      if (!met) [first] = read<T[]>(bytes, start, end)
      met = true
    }
    await this.carryOut(Wanted.Rows, take, how, { onRows: (...part) => (take(...part), Promise.resolve(false)) })
    return first
  }

  /** Runs it and tells how many rows it has inserted, changed or deleted. */
  async run(options?: StatementOptions): Promise<number> {
    const how = this.read('run', options)
    return (await this.written(how))?.changed ?? this.carryOut(Wanted.Changes, read<number>, how)
  }

  /** Tells how it would be carried out. */
  explain(): Promise<PlanStep[]> {
    return this.carryOut(Wanted.Plan, read<PlanStep[]>, this.how)
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
    const written = await this.written(this.how)
    if (written !== undefined) return yield* written.rows as T[]
    for await (const some of parts<T>(onRows => this.carryOut(Wanted.Rows, read<T[]>, this.how, { onRows }), this.scope.transaction === 0)) yield* some
  }

  /** @internal Whether it writes, and the tables that it reads or writes. */
  tables(): Promise<[writes: boolean, ...names: string[]]> {
    return this.carryOut(Wanted.Tables, read<[boolean, ...string[]]>, this.how)
  }

  /** @internal The same statement elsewhere, for all that it comes to. */
  outcome(scope: Scope, how: StatementOptions): Promise<unknown[]> {
    return new Statement(scope, this.text, this.values).carryOut(Wanted.Written, read<unknown[]>, how)
  }

  /** Runs it where tables hear of what it writes; undefined where none does. */
  private async written(how: StatementOptions): Promise<Outcome | undefined> {
    if (this.hearings === undefined) return undefined
    const [writes, ...names] = await this.tables()
    if (!writes || !names.some(name => this.hearings!(name, this.scope) !== undefined)) return undefined
    return (await part('rewrite')).byStatement(this.scope, names, this.hearings, this, how)
  }

  private read(call: string, options: StatementOptions | undefined): StatementOptions {
    if (options === undefined) return this.how
    const o = new Options(call, options)
    const [signal, work] = [o.signal(), o.integer('work', { least: 1 })]
    o.done()
    return { ...this.how, ...(signal && { signal }), ...(work !== undefined && { work }) }
  }

  /** @internal What ends a live one. */
  get over(): Over | undefined {
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

  private async carryOut<R>(wanted: Wanted, decode: Decode<R>, { signal, work = 0 }: StatementOptions, exchange: Exchange = {}): Promise<R> {
    const { bytes } = this.packed()
    return send(this.scope, 0, Op.SQL, 6, f => f.raw(bytes).uint(wanted).uint(work), decode, { ...exchange, ...(signal && { signal }) }, bytes.length)
  }
}

function read<R>(bytes: Uint8Array, start: number, end: number): R {
  return unpack(bytes, start, end) as R
}
