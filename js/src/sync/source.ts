import type { Chunk } from './message.js'
import type { Statement } from './model.js'
import type { Requests } from './request.js'
import type { Position, ShapeSpec } from './shape.js'
import type { Row } from './value.js'

/** How the next chunk is asked for. */
export interface Asking {
  requests: Requests
  /** Waits until there is something new. */
  live: boolean
  /** What the last live answer said is to be sent with the next. */
  cursor: string | undefined
  /** Makes the URL another one, for an answer that came out of a cache. */
  buster: string | undefined
  signal: AbortSignal
}

/**
 * Where shapes come from: electric() unless given, staticExport() for files, rest() for plain lists, or one of your
 * own. Its answers are chunks; a shape begins where the position's offset is empty.
 */
export interface Source {
  /** Whether it can wait for what is new; else it is asked from time to time. */
  readonly live: boolean
  /** What follows a position: throws MustRefetch, Stale or Unanswered. */
  next(shape: ShapeSpec, at: Position, asking: Asking): Promise<Chunk>
  /** Answers one statement, for a view that loads rows as they are asked for; undefined where that is what its etag stands for. */
  query?(statement: Statement, asking: Pick<Asking, 'requests' | 'signal'>): Promise<Found | undefined>
}

/** What a statement has found. */
export interface Found {
  columns: string[]
  rows: unknown[][]
  /** Another one once the answer may be another one. */
  etag?: string | undefined
  /** Of the answer. */
  bytes: number
}

/** The rows by the names of their columns. */
export function named({ columns, rows }: Found): Row[] {
  return rows.map(values => Object.fromEntries(columns.map((name, i) => [name, values[i]]))) as Row[]
}

/** Thrown for an answer that is an old one, out of a cache. */
export class Stale extends Error {}
