/*
 * A shape as it is kept: its rows in a table, and in one document of the table `sync shapes` how far it has come. Both change in
 * one transaction for each chunk, so that whatever interrupts a pull, it goes on after the last chunk. What is shown is
 * complete: once there is a whole shape, what arrives is laid beside it, in the table `sync staged <name>`, until that is complete
 * too, and takes its place in one transaction. Go programs have the same in sync/shape.go.
 */
import { StowageError } from '../errors.js'
import { lookUp } from '../document/path.js'
import { table } from '../table/schema.js'
import type { Database, Within, Tables } from '../environment/environment.js'
import type { Table } from '../table/table.js'
import { hashed, hashRow, writeSum } from './checksum.js'
import { type Change, type Chunk, compositeKey, keyColumns, type RowKey } from './message.js'
import type { Columns, Row } from './value.js'

/** What is asked of an origin. */
export interface ShapeSpec {
  /** A table or view of the origin. */
  table: string
  /** Its columns; all unless given. Those of the key must be among them. */
  columns?: readonly string[]
  /** A condition in the origin's SQL, and the texts that stand for $1 … in it. */
  where?: string
  params?: readonly string[]
}

/** How far a shape has come: a document of the table `sync shapes`. */
export interface Position {
  /** The name of the table with its rows. */
  shape: string
  /** What was asked for. Something else begins anew. */
  asked: string
  /** Where to go on; empty where it begins. */
  handle: string
  offset: string
  schema: Columns
  /** There is a whole shape, and it is shown. */
  complete: boolean
  /** Counts the whole shapes there have been. */
  generation: number
  /** When it was last all there was at the origin, in milliseconds since 1970; 0 for never. */
  fetchedAt: number
  etag: string
  /** Of all rows so far; empty where that is not known. */
  checksum: string
  /** How many. */
  rows: number
  /** Why it does not go on, in words; empty where it does. */
  error: string
  /** What has arrived and is not shown yet: changes of what is, or a whole shape that is to take its place. */
  staging: '' | 'changes' | 'generation'
  /** There are rows whose texts cannot be had back, so that the checksum is lost when one of them goes. */
  inexact: boolean
  /** The last handles that were given up. An answer with one of them comes from a cache. */
  expired: string[]
}

/** The table of positions. */
export const shapesTable = 'sync shapes'
const stagedTable = (name: string) => `sync staged ${name}`

/** The tables that shapes need beside those of their rows. What is of rows in them is not compressed, for its table may not be. */
export function tablesOf(names: readonly string[]): Tables {
  const staged = names.map(name => [stagedTable(name), table<Staged>({ key: 'key', cache: 0, compress: 'none' })])
  return { [shapesTable]: table<Position>({ key: 'shape', cache: 0 }), ...Object.fromEntries(staged) }
}

/** What has become of a row, in what is not shown yet. */
interface Staged {
  key: RowKey
  row: Row | null
}

/** Rows are looked at and moved so many at a time. */
const batch = 2000

/** Handles are remembered so many. */
const expiredHandles = 8

/** Thrown where somebody else has moved the shape on: what is known of it has to be read again. */
export class Moved extends Error {}

type Transaction = Within<Tables>

export class Shape {
  readonly asked: string

  constructor(
    private readonly db: Database,
    readonly name: string,
    readonly spec: ShapeSpec,
  ) {
    const { table, columns, where, params } = spec
    this.asked = JSON.stringify([table, columns ?? null, where ?? null, params ?? []])
  }

  /** How far it has come. A shape that has lost its rows, or of which something else was asked, begins anew. */
  async position(): Promise<Position> {
    for (;;) {
      try {
        return await this.usable()
      } catch (error) {
        if (!(error instanceof Moved)) throw error
      }
    }
  }

  private async usable(): Promise<Position> {
    const found = (await this.db.table(shapesTable).get(this.name)) as Position | undefined
    if (found === undefined) return this.first()
    const empty = found.rows > 0 && found.staging !== 'generation' && (await this.db.table(this.name).find().limit(1).count()) === 0
    if (found.asked === this.asked && !empty) return found
    return this.write(found, async tx => {
      await this.discard(tx)
      await tx.table(this.name).truncate()
      return { ...this.first(), expired: found.expired }
    })
  }

  /**
   * Begins anew, for an origin that no longer goes on from there. What is shown stays until all has arrived. The handle is not to be
   * met again, unless the origin says that the shape still has it.
   */
  again(position: Position, handle?: string): Promise<Position> {
    return this.write(position, async tx => {
      await this.discard(tx)
      if (!position.complete) await tx.table(this.name).truncate()
      const given = position.handle === '' || position.handle === handle ? [] : [position.handle]
      const expired = [...position.expired, ...given].slice(-expiredHandles)
      const blank: Position = { ...position, handle: '', offset: '', etag: '', checksum: writeSum(0n), rows: 0, inexact: false, expired }
      return { ...blank, staging: position.complete ? 'generation' : '' }
    })
  }

  /** Begins anew, with whatever handle the origin says. */
  forgive(position: Position): Promise<Position> {
    return this.again({ ...position, expired: [] }, position.handle)
  }

  /** Begins anew with nothing shown: for rows that cannot be read any more. The origin still has the handle. */
  restart(position: Position): Promise<Position> {
    return this.write(position, async tx => {
      await this.discard(tx)
      await tx.table(this.name).truncate()
      return { ...this.first(), expired: position.expired }
    })
  }

  /** Notes why it does not go on. */
  failed(position: Position, error: string): Promise<Position> {
    return this.write(position, async () => ({ ...position, error }))
  }

  /** Stores a chunk and where it leads. `origin_failed` where the checksum is not that of the rows. */
  apply(position: Position, chunk: Chunk, now: number): Promise<Position> {
    this.checkKey(chunk.columns)
    return this.write(position, async tx => {
      const next = after(position, chunk)
      const staged = next.staging !== ''
      await (staged ? this.stage(tx, chunk, next) : this.change(tx, chunk, next))
      if (!chunk.upToDate) return next
      if (chunk.checksum !== undefined && next.checksum !== '' && chunk.checksum !== next.checksum) throw new Mismatch()
      if (staged) await this.show(tx, next)
      if (!next.complete || position.staging === 'generation') next.generation++
      return { ...next, staging: '', complete: true, fetchedAt: now }
    })
  }

  /** The position of a shape of which there is nothing. */
  private first(): Position {
    return {
      shape: this.name, asked: this.asked, handle: '', offset: '', schema: {}, complete: false, generation: 0, fetchedAt: 0,
      etag: '', checksum: writeSum(0n), rows: 0, error: '', staging: '', inexact: false, expired: [],
    }
  }

  /** Changes the shape from one position to another; Moved where it has another one by now. */
  private write(from: Position, body: (tx: Transaction) => Promise<Position>): Promise<Position> {
    return this.db.transaction(async tx => {
      const stored = ((await tx.table(shapesTable).get(this.name)) ?? this.first()) as Position
      if (stored.handle !== from.handle || stored.offset !== from.offset || stored.generation !== from.generation || stored.staging !== from.staging) throw new Moved()
      const to = await body(tx)
      await tx.table(shapesTable).put(to)
      return to
    })
  }

  /** Rows must have the identity that their table has. */
  private checkKey(columns: Columns): void {
    const keys = keyColumns(columns)
    const key = keys.length === 1 ? keys[0]! : compositeKey
    const has = this.rows(this.db).made.schema.key.join('.')
    if (has !== key) throw new StowageError('schema_mismatch', `the table "${this.name}" has the identity "${has}", and the shape "${key}"`)
  }

  /** Changes what is shown, or the first part of what is not complete yet. */
  private async change(tx: Transaction, { changes }: Chunk, next: Position): Promise<void> {
    const rows = tx.table(this.name)
    if (!next.complete && changes.every(change => change.added)) return put(rows, this.allNew(changes, next))
    const before = await this.lookUp(changes, keys => rows.getMany(keys) as Promise<(Row | undefined)[]>)
    const after = this.fold(changes, before, next)
    await put(rows, [...after.values()].flatMap(({ row }) => (row === null ? [] : [row])))
    await remove(rows, [...after.values()].flatMap(({ key, row }) => (row === null ? [key] : [])))
  }

  /** The rows of a first pull are new, as the checksum will show: they need not be looked up. */
  private allNew(changes: readonly Change[], next: Position): Row[] {
    let sum = next.checksum === '' ? undefined : BigInt(`0x${next.checksum}`)
    for (const change of changes) {
      if (!change.exact) next.inexact = true
      if (sum !== undefined) sum += change.hash
    }
    next.rows += changes.length
    next.checksum = sum === undefined ? '' : writeSum(sum)
    return changes.map(({ row }) => row!)
  }

  /** Lays changes beside what is shown. */
  private async stage(tx: Transaction, { changes }: Chunk, next: Position): Promise<void> {
    const rows = tx.table(this.name)
    const staged = tx.table(stagedTable(this.name))
    const before = await this.lookUp(changes, async keys => {
      const laid = (await staged.getMany(keys)) as (Staged | undefined)[]
      const shown = next.staging === 'changes' ? ((await rows.getMany(keys)) as (Row | undefined)[]) : []
      return laid.map((found, i) => (found === undefined ? shown[i] : (found.row ?? undefined)))
    })
    await put(staged, [...this.fold(changes, before, next).values()])
  }

  /** Has what was laid beside take the place of what is shown, row by row where it differs. */
  private async show(tx: Transaction, next: Position): Promise<void> {
    const rows = tx.table(this.name)
    const staged = tx.table(stagedTable(this.name))
    const whole = next.staging === 'generation'
    const kept = new Set<string>()
    for await (const laid of pages<Staged>(staged, 'key')) {
      const keys = laid.map(({ key }) => key)
      const shown = (await rows.getMany(keys)) as (Row | undefined)[]
      if (whole) for (const { key, row } of laid) if (row !== null) kept.add(nameOf(key))
      await put(rows, laid.flatMap(({ row }, i) => (row === null || same(row, shown[i]) ? [] : [row])))
      await remove(rows, laid.flatMap(({ key, row }, i) => (row === null && shown[i] !== undefined ? [key] : [])))
    }
    if (whole) {
      const path = rows.made.schema.key
      for await (const shown of pages<Row>(rows, path.join('.'), true)) {
        await remove(rows, shown.map(row => lookUp(row, path) as RowKey).filter(key => !kept.has(nameOf(key))))
      }
    }
    await staged.truncate()
  }

  private async discard(tx: Transaction): Promise<void> {
    await tx.table(stagedTable(this.name)).truncate()
  }

  /** The rows that there are before changes, by their keys. */
  private async lookUp(changes: readonly Change[], read: (keys: RowKey[]) => Promise<(Row | undefined)[]>): Promise<Map<string, Row>> {
    const keys = [...new Map(changes.map(({ key }) => [nameOf(key), key])).values()]
    const found = keys.length === 0 ? [] : await read(keys)
    return new Map(keys.flatMap((key, i) => (found[i] === undefined ? [] : [[nameOf(key), found[i]!]])))
  }

  /** What becomes of each row in the end; counts rows and hashes on the way. */
  private fold(changes: readonly Change[], before: ReadonlyMap<string, Row>, next: Position): Map<string, Staged> {
    const after = new Map<string, Staged>()
    const names = hashed(next.schema)
    let sum = next.checksum === '' ? undefined : BigInt(`0x${next.checksum}`)
    for (const change of changes) {
      const at = nameOf(change.key)
      const there = after.has(at) ? (after.get(at)!.row ?? undefined) : before.get(at)
      if (change.row !== undefined && change.partial && there === undefined) continue // of a row that left the shape
      const row = change.row === undefined ? null : change.partial ? { ...there, ...change.row } : change.row
      if (!change.exact) next.inexact = true
      next.rows += (row === null ? 0 : 1) - (there === undefined ? 0 : 1)
      if (there !== undefined && next.inexact) sum = undefined
      if (sum !== undefined) {
        if (there !== undefined) sum -= hashRow(there, next.schema, names)
        if (row !== null) sum += change.partial ? hashRow(row, next.schema, names) : change.hash
      }
      after.set(at, { key: change.key, row })
    }
    next.checksum = sum === undefined ? '' : writeSum(sum)
    return after
  }

  private rows(of: Database): Table {
    return of.table(this.name)
  }
}

/** Where a chunk leads from a position, but for what its rows add up to. */
export function after(position: Position, { handle, offset, columns, etag = '', upToDate }: Chunk): Position {
  const staging = position.staging || (position.complete && !upToDate ? 'changes' : '')
  return { ...position, handle, offset, schema: columns, etag, error: '', staging }
}

/** Thrown where rows and checksum do not agree: nothing of the chunk stays. */
export class Mismatch extends StowageError {
  constructor() {
    super('origin_failed', 'the rows of the shape do not have the checksum that the origin tells')
  }
}

/** A text for a key, another one for every other. */
export const nameOf = (key: RowKey): string => (typeof key === 'string' ? `"${key}` : Array.isArray(key) ? `[${key.map(nameOf).join('\u0000,')}` : String(key))

async function put(rows: Table, documents: readonly object[]): Promise<void> {
  if (documents.length > 0) await rows.putMany(documents)
}

async function remove(rows: Table, keys: readonly RowKey[]): Promise<void> {
  if (keys.length > 0) await rows.deleteMany(keys)
}

/** The documents of a table, some at a time, ordered by identity; with `keys` nothing but that. */
async function* pages<T>(of: Table, key: string, keys = false): AsyncGenerator<T[]> {
  for (let last: unknown; ; ) {
    let find = of.find().limit(batch)
    if (last !== undefined) find = find.after(last)
    const found = (await (keys ? find.select(key) : find)) as T[]
    if (found.length > 0) yield found
    if (found.length < batch) return
    last = lookUp(found.at(-1), key.split('.'))
  }
}

/** Whether two values are the same, member by member. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length || Array.isArray(a) !== Array.isArray(b)) return false
  return names.every(name => name in b && same((a as Row)[name], (b as Row)[name]))
}
