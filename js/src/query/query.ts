import { answering, type HostFunction, numbered } from './ask.js'
import { packValue } from '../document/document.js'
import type { Exchange } from '../bridge/engine.js'
import { StowageError } from '../errors.js'
import type { Aggregate } from './group.js'
import { lookUp, splitPath } from '../document/path.js'
import { type Ast, toAst } from './where.js'

/** A query as it is built up. Immutable: every step is a new one. */
export interface Query {
  filter: Ast
  order: [path: (string | number)[], descending: boolean][]
  limit: number | undefined
  skip: number
  /** A place in the order: values, or the document that has them. */
  after: unknown[] | object | undefined
  /** The path of the identity. */
  key?: (string | number)[]
  /** All turned round. */
  reverse?: boolean
  /** What is left of the documents: no more than these paths, or all but these. */
  fields?: (string | number)[][] | undefined
  without?: (string | number)[][] | undefined
  /** Rows in their place. */
  aggregate?: Aggregate
}

/** A query for all that a filter lets through, of documents with their identity at key. */
export function query(filter: unknown, key: (string | number)[] = []): Query {
  return { filter: toAst(filter), order: [], limit: undefined, skip: 0, after: undefined, key }
}

/** Adds to the order of a query. */
export function ordered(q: Query, path: string, direction: unknown): Query {
  if (direction !== 'asc' && direction !== 'desc') throw new StowageError('invalid_query', "an order is 'asc' or 'desc'")
  return { ...q, order: [...q.order, [splitPath(path), direction === 'desc']] }
}

/** A count that limits a query, or that it skips. */
export function countOf(call: string, value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new StowageError('invalid_query', `${call} takes a whole number`)
  return value as number
}

/** A query as it is sent. */
export interface PackedQuery {
  bytes: Uint8Array
  /** Runs the operation that it is sent with, and answers what the engine asks the filter's functions. */
  run<R>(operation: (exchange: Exchange | undefined) => Promise<R>, exchange?: Exchange): Promise<R>
}

/** Packs a query for a frame. What is not asked for stays out of it. */
export function packQuery(q: Query): PackedQuery {
  const functions: HostFunction[] = []
  const bytes = packValue({
    filter: numbered(q.filter, functions),
    ...(q.order.length > 0 && { order: q.order }),
    ...(q.skip > 0 && { skip: q.skip }),
    ...asked({ ...q, after: placeOf(q) }, 'limit', 'after', 'reverse', 'fields', 'without', 'aggregate'),
  })
  return {
    bytes,
    run: (operation, exchange) => (functions.length === 0 ? operation(exchange) : answering(functions, exchange, operation)),
  }
}

/** The values of the place to start behind. */
function placeOf({ after, order, key = [], fields, without }: Query): unknown[] | undefined {
  if (after === undefined || Array.isArray(after)) return after
  return [...order.map(([path]) => path), key].map(path => {
    const value = lookUp(after, path)
    const within = (outer: (string | number)[]) => outer.every((segment, i) => segment === path[i])
    if (value === undefined && (fields?.some(within) === false || without?.some(within))) {
      throw new StowageError('invalid_query', `a result without "${path.join('.')}" does not tell where it is in the order`)
    }
    return value
  })
}

/** The members of a query that there are. */
function asked(q: Query, ...names: (keyof Query)[]): Partial<Query> {
  return Object.fromEntries(names.filter(name => q[name] !== undefined).map(name => [name, q[name]]))
}
