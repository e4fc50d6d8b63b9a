/*
 * Models: what a view calls the tables of an origin, and the statements that ask for their rows. Go programs have the
 * same in sync/model.go.
 */
import { Options } from '../options.js'
import { compositeKey, type RowKey } from './message.js'
import { type Mode, modes } from './mode.js'
import type { Row } from './value.js'

/** A table of an origin with rows T. */
export interface ModelSpec<T> {
  /** Its name there. */
  table: string
  /** The column that is the identity; several where it is made of several. */
  key: (keyof T & string) | readonly (keyof T & string)[]
  /** What is asked for; all unless given. Those of the key must be among them. */
  columns?: readonly (keyof T & string)[]
  /** Pulls the whole table as a shape, or what meets a condition, rather than load rows when they are asked for. */
  pulled?: boolean | { where: string; params?: readonly string[] }
  /** What is asked at most, whatever the view's mode. */
  mode?: Mode
  /** Older than this it is stale, in milliseconds. */
  maxAge?: number
}

/** A model as `model()` describes it. */
export interface Model<T = Row> {
  /** Only for the compiler. */
  readonly row?: T
  /** @internal */
  readonly spec: ReadModel
}

/** A model whose options have been read. */
export interface ReadModel {
  table: string
  keys: readonly string[]
  columns: readonly string[] | undefined
  pulled: { where?: string; params?: readonly string[] } | undefined
  mode: Mode | undefined
  maxAge: number | undefined
}

/**
 * Describes a model. The type parameter is a row, as README.md says how columns are read.
 *
 *     const cities = model<City>({ table: 'main.cities', key: 'id' })
 */
export function model<T extends object>(spec: ModelSpec<T>): Model<T> {
  const o = new Options('model', spec)
  const table = o.string('table')
  const key = o.any('key') as string | readonly string[]
  const columns = o.any('columns') as readonly string[] | undefined
  const pulled = o.any('pulled') as ModelSpec<T>['pulled']
  const mode = o.oneOf('mode', modes)
  const maxAge = o.integer('maxAge')
  o.done()
  const keys = typeof key === 'string' ? [key] : key
  if (table === undefined) throw o.wrong('table', 'the name of a table of the origin')
  if (!names(keys)) throw o.wrong('key', 'a column, or a list of them')
  if (columns !== undefined && !(names(columns) && keys.every(one => columns.includes(one)))) throw o.wrong('columns', 'a list with those of the key in it')
  if (pulled !== undefined && typeof pulled !== 'boolean' && typeof pulled?.where !== 'string') throw o.wrong('pulled', 'true, false or { where, params }')
  return { spec: { table, keys, columns, pulled: pulled === true ? {} : pulled || undefined, mode, maxAge } }
}

const names = (list: unknown): list is string[] => Array.isArray(list) && list.length > 0 && list.every(name => typeof name === 'string')

/** The member of stored rows that is their identity. */
export function identity({ keys }: ReadModel): string {
  return keys.length === 1 ? keys[0]! : compositeKey
}

/** A row that has come, with its identity where that is made of several columns. */
export function identified(row: Row, { keys }: ReadModel): { key: RowKey; row: Row } {
  if (keys.length === 1) return { key: row[keys[0]!] as RowKey, row }
  const key = keys.map(name => row[name]) as RowKey
  return { key, row: { ...row, [compositeKey]: key } }
}

/** What is asked of `/v1/query`: `$1` … stand for the parameters. */
export interface Statement {
  sql: string
  params: unknown[]
  /** Of the answer that is here already. */
  etag?: string | undefined
}

/** The rows of a model that meet a condition, whose parameters count from `$1`; all without one. */
export function select({ table, columns }: ReadModel, where: string, params: readonly unknown[]): Statement {
  return { sql: `select ${columns === undefined ? '*' : columns.map(quoted).join(', ')} from ${table}${where && ` where ${where}`}`, params: [...params] }
}

/** The rows with some identities. */
export function selectKeys(model: ReadModel, keys: readonly RowKey[]): Statement {
  if (model.keys.length === 1) return selectIn(model, model.keys[0]!, keys)
  const terms = keys.map((_, i) => `(${model.keys.map((name, j) => `${quoted(name)} = $${i * model.keys.length + j + 1}`).join(' and ')})`)
  return select(model, terms.join(' or '), keys.flat())
}

/** The rows that have one of some values in a column. */
export function selectIn(model: ReadModel, column: string, values: readonly unknown[]): Statement {
  return select(model, among(column, values), values)
}

/** The rows whose identity is in a column of those of another model that have one of some values in a third. */
export function selectThrough(model: ReadModel, link: ReadModel, { from, to }: { from: string; to: string }, values: readonly unknown[]): Statement {
  return select(model, `${quoted(model.keys[0]!)} in (select ${quoted(to)} from ${link.table} where ${among(from, values)})`, values)
}

const among = (column: string, values: readonly unknown[]) =>
  values.length === 1 ? `${quoted(column)} = $1` : `${quoted(column)} in (${values.map((_, i) => `$${i + 1}`).join(', ')})`

/** A name in SQL. */
export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
