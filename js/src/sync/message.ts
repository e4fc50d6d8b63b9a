/*
 * The messages of a chunk: what became of rows, and what the origin has to say of the shape. Go programs read them
 * in sync/message.go.
 */
import { StowageError } from '../errors.js'
import { hashed, hashTexts } from './checksum.js'
import { type Columns, type Row, readRow, type Texts, writeText } from './value.js'

/** What became of one row. */
export interface Change {
  key: RowKey
  /** Its columns; undefined where it was deleted. */
  row: Row | undefined
  /** It is new to the shape. */
  added: boolean
  /** Only what has changed: the others are as they were. */
  partial: boolean
  /** Of its texts; 0 where nobody verifies them. */
  hash: bigint
  /** The texts can be had back from the row, so that its hash can. */
  exact: boolean
}

/** The identity of a row: the value of its key; a list where several columns are the key. */
export type RowKey = string | number | bigint | boolean | (string | number | bigint | boolean)[]

/** The member with the identity of rows that have several key columns, or none. */
export const compositeKey = '_key'

/** What one answer of an origin comes to. */
export interface Chunk {
  handle: string
  offset: string
  columns: Columns
  changes: Change[]
  /** This is all there is. */
  upToDate: boolean
  /** What is to be sent with the next live request. */
  cursor?: string | undefined
  /** How many rows the shape has, for a progress bar. */
  rows?: number | undefined
  /** Of all rows that are here once the chunk has been applied. */
  checksum?: string | undefined
  etag?: string | undefined
  bytes: number
}

interface Message {
  key?: string
  value?: Texts
  headers?: { operation?: string; control?: string }
}

/** The columns of the key, in their order. */
export function keyColumns(columns: Columns): string[] {
  const place = (name: string) => columns[name]!.pk_index ?? -1
  return Object.keys(columns).filter(name => place(name) >= 0).sort((a, b) => place(a) - place(b))
}

/** Reads the body of an answer, and tells whether it says that this is all. With verify, rows are hashed. */
export function readMessages(body: unknown, columns: Columns, verify: boolean): { changes: Change[]; upToDate: boolean } {
  if (!Array.isArray(body)) throw strange('no list of messages')
  const keys = keyColumns(columns)
  const names = hashed(columns)
  const changes: Change[] = []
  let upToDate = false
  for (const message of body as Message[]) {
    const { operation, control } = message?.headers ?? {}
    if (control === 'up-to-date') upToDate = true
    if (control === 'must-refetch') throw new MustRefetch(undefined)
    if (operation === undefined) continue
    changes.push(readChange(message, operation, columns, keys, verify ? names : undefined))
  }
  return { changes, upToDate }
}

/** Thrown where an origin says that a shape begins anew. */
export class MustRefetch extends Error {
  /** The handle it has now, where that is told. */
  constructor(readonly handle: string | undefined) {
    super('the shape begins anew')
  }
}

function readChange({ key: name, value }: Message, operation: string, columns: Columns, keys: string[], names: string[] | undefined): Change {
  if (value === null || typeof value !== 'object') throw strange('a message without a value')
  let row: Row
  try {
    row = readRow(value, columns)
  } catch (cause) {
    throw cause instanceof StowageError ? cause : strange('a value that is not of its type', cause)
  }
  const key = keys.length === 0 ? name : keys.length === 1 ? row[keys[0]!] : keys.map(column => row[column])
  if (key === undefined || key === null) throw strange('a row without its key')
  if (operation === 'delete') return { key: key as RowKey, row: undefined, added: false, partial: false, hash: 0n, exact: true }
  if (operation !== 'insert' && operation !== 'update') throw strange(`the operation "${operation}"`)
  const partial = operation === 'update' && Object.keys(columns).some(column => !(column in value))
  const exact = names === undefined || partial || names.every(column => writeText(row[column], columns[column]!.type) === (value[column] ?? null))
  if (keys.length !== 1) row[compositeKey] = key
  return { key: key as RowKey, row, added: operation === 'insert', partial, hash: names === undefined || partial ? 0n : hashTexts(value, names), exact }
}

/** The error for an answer that the protocol does not know. */
export function strange(what: string, cause?: unknown): StowageError {
  return new StowageError('origin_failed', `the origin sent ${what}`, { cause })
}
