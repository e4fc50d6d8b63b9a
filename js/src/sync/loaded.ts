/*
 * Ever-loaded records: what was asked of an origin, when, and which rows it was. They tell what is empty from what was never
 * loaded. Each is a document of the table `sync loaded`; Go programs have the same in sync/loaded.go.
 */
import type { Database, Tables, Within } from '../environment/environment.js'
import { table } from '../table/schema.js'
import type { RowKey } from './message.js'
import { nameOf } from './shape.js'

/** What was asked once: a row, the rows of a relation, or what a condition finds. */
export interface Loaded {
  /** See recordOf. */
  record: string
  /** Of the rows. */
  model: string
  /** `-` for a row itself, else the relation it was asked for, `model.relation`, or the tag of a condition. */
  field: string
  /** The row that it was asked for; null for a condition. */
  owner: RowKey | null
  /** The condition, where it is one. */
  where: string
  params: unknown[]
  /** The rows in the origin's order; none where there is no such row. */
  rows: RowKey[]
  /** In milliseconds since 1970. */
  at: number
}

export const loadedTable = 'sync loaded'

export const loadedTables: Tables = { [loadedTable]: table<Loaded>({ key: 'record', cache: 0, compress: 'none' }) }

/** The name of a record. */
export function recordOf(model: string, field: string, of: RowKey | string): string {
  return JSON.stringify([model, field, nameOf(of)])
}

/** A record of a row: that it is there, or that it is not. */
export function rowRecord(model: string, key: RowKey, there: boolean, at: number): Loaded {
  return { record: recordOf(model, '-', key), model, field: '-', owner: key, where: '', params: [], rows: there ? [key] : [], at }
}

/** Reads records by their names. */
export async function readLoaded(db: Database | Within<Tables>, records: readonly string[]): Promise<(Loaded | undefined)[]> {
  return records.length === 0 ? [] : ((await db.table(loadedTable).getMany(records)) as (Loaded | undefined)[])
}
