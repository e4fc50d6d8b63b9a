/*
 * Loads rows of an origin as they are asked for: into the table of their model, with the records of what was asked, in one
 * transaction. What is asked by many at once is asked once. Go programs have the same in sync/load.go.
 */
import type { Database, Tables, Within } from '../environment/environment.js'
import { StowageError } from '../errors.js'
import { type Loaded, loadedTable, readLoaded, recordOf, rowRecord } from './loaded.js'
import { type RowKey, strange } from './message.js'
import type { State } from './mode.js'
import { identified, type ReadModel, select, selectIn, selectKeys, selectThrough, type Statement } from './model.js'
import type { Many, One, Through } from './relation.js'
import { nameOf, same } from './shape.js'
import type { Row } from './value.js'

/** What can be asked for. Its record tells it from all else. */
export interface Asked {
  readonly record: string
}

/** Some rows of a model. The record tells whether they ever were asked for. */
export interface Wanted extends Asked {
  readonly model: string
  readonly field: string
  readonly owner: RowKey | null
  readonly where: string
  readonly params: readonly unknown[]
}

/** A relation whose rows are found for many owners at once. */
export type Batched = Many | One | Through

/** So many values are in one statement. */
const batch = 100

export class Loader {
  /** What is being asked now, by record. */
  private readonly flights = new Map<string, Promise<void>>()
  /** The last answer to each, by a count of all. */
  private readonly landed = new Map<string, number>()
  private count = 0
  /** What has come since the view was opened, and when. */
  private readonly fresh = new Map<string, number>()

  constructor(
    private readonly db: Database,
    private readonly models: Readonly<Record<string, ReadModel>>,
    private readonly ask: (statement: Statement) => Promise<Row[]>,
  ) {}

  /** How things are here, and since when. */
  async states(wanted: readonly Wanted[], maxAge: (one: Wanted) => number): Promise<{ state: State; at: number; loaded: Loaded | undefined }[]> {
    const loaded = await readLoaded(this.db, wanted.map(({ record }) => record))
    const there = await Promise.all(wanted.map((one, i) => this.there(one, loaded[i])))
    return wanted.map((one, i) => {
      const { at = 0 } = loaded[i] ?? {}
      if (there[i] !== 'complete') return { state: there[i]!, at, loaded: loaded[i] }
      if (Date.now() - at > maxAge(one)) return { state: 'stale', at, loaded: loaded[i] }
      return { state: this.isFresh(one.record, at) ? 'fresh' : 'complete', at, loaded: loaded[i] }
    })
  }

  /** Whether something was not only loaded once, but still is here. */
  private async there({ model, field, owner }: Wanted, loaded: Loaded | undefined): Promise<State> {
    const keys = loaded?.rows ?? (field === '-' ? [owner!] : [])
    if (keys.length === 0) return loaded === undefined ? 'evicted' : 'complete'
    const rows = await this.db.table(model).getMany(keys)
    const lost = keys.filter((_, i) => rows[i] === undefined)
    if (lost.length === 0) return loaded === undefined ? 'partial' : 'complete'
    if (field === '-') return 'evicted'
    const known = await readLoaded(this.db, lost.map(key => recordOf(model, '-', key)))
    if (known.every(one => one?.rows.length === 0)) return 'complete' // they are no longer at the origin
    return lost.length < keys.length ? 'partial' : 'evicted'
  }

  /** Counts what was answered until now. */
  get answers(): number {
    return this.count
  }

  /**
   * Asks for what is wanted, unless it is being asked for already, or was answered since a number of answers: who looks, finds
   * nothing and comes here is not alone. `load` gets what is not.
   */
  async once<W extends Asked>(wanted: readonly W[], since: number, load: (wanted: readonly W[]) => Promise<void>): Promise<void> {
    const flying = wanted.flatMap(({ record }) => this.flights.get(record) ?? [])
    const rest = wanted.filter(({ record }) => !this.flights.has(record) && (this.landed.get(record) ?? 0) <= since)
    if (rest.length > 0) flying.push(this.fly(rest, load))
    await Promise.all(flying)
  }

  private fly<W extends Asked>(wanted: readonly W[], load: (wanted: readonly W[]) => Promise<void>): Promise<void> {
    const flight = load(wanted)
      .then(() => {
        this.count++
        for (const { record } of wanted) this.landed.set(record, this.count)
      })
      .finally(() => {
        for (const { record } of wanted) this.flights.delete(record)
      })
    for (const { record } of wanted) this.flights.set(record, flight)
    return flight
  }

  /** Notes when something came. */
  came(record: string, at: number): void {
    this.fresh.set(record, at)
  }

  /** Whether it was then that it came, since the view was opened. */
  isFresh(record: string, at: number): boolean {
    return this.fresh.get(record) === at
  }

  /** Has everything be asked for once more. */
  forget(): void {
    this.fresh.clear()
  }

  /** Rows by their identities. */
  async rows(model: string, keys: readonly RowKey[]): Promise<void> {
    for (const part of parts(keys)) {
      const rows = await this.ask(selectKeys(this.models[model]!, part))
      await this.store(model, rows, [], part)
    }
  }

  /** The rows of a relation, of many owners at once. */
  async related(relation: Batched, wanted: readonly Wanted[]): Promise<void> {
    for (const part of parts(wanted)) {
      relation.kind === 'through' ? await this.through(relation, part) : await this.children(relation, part)
    }
  }

  private async children({ model, column }: Many | One, wanted: readonly Wanted[]): Promise<void> {
    const rows = await this.ask(selectIn(this.models[model]!, column, wanted.map(({ owner }) => owner)))
    const of = grouped(rows, row => nameOf(row[column] as RowKey))
    await this.store(model, rows, wanted.map(one => [one, of.get(nameOf(one.owner!)) ?? []]))
  }

  private async through({ model, link, from, to }: Through, wanted: readonly Wanted[]): Promise<void> {
    const [spec, linking] = [this.models[model]!, this.models[link]!]
    const owners = wanted.map(({ owner }) => owner)
    const rows = await this.ask(selectThrough(spec, linking, { from, to }, owners))
    if (wanted.length === 1) return this.store(model, rows, [[wanted[0]!, rows]])
    const links = await this.ask(selectIn({ ...linking, columns: [from, to] }, from, owners))
    const found = new Map(rows.map(row => [nameOf(identified(row, spec).key), row]))
    const of = grouped(links, row => nameOf(row[from] as RowKey))
    const led = (one: Wanted) => (of.get(nameOf(one.owner!)) ?? []).map(row => found.get(nameOf(row[to] as RowKey))).filter(row => row !== undefined)
    await this.store(model, rows, wanted.map(one => [one, led(one)]))
  }

  /** What a condition finds. */
  async where(one: Wanted): Promise<void> {
    const rows = await this.ask(select(this.models[one.model]!, one.where, one.params))
    await this.store(one.model, rows, [[one, rows]])
  }

  /**
   * Stores rows that have come, which of them each of what was wanted has found, and the identities that were asked for, of which
   * some have none. Rows that have left a list are known no longer, for they may be gone.
   */
  private async store(model: string, given: readonly Row[], lists: readonly (readonly [Wanted, readonly Row[]])[], asked: readonly RowKey[] = []): Promise<void> {
    const spec = this.models[model]!
    const rows = new Map(given.map(row => {
      const one = identified(row, spec)
      if (one.key === undefined || one.key === null) throw strange('a row without its key')
      return [nameOf(one.key), one]
    }))
    const at = Date.now()
    const gone = asked.filter(key => !rows.has(nameOf(key)))
    const records = [
      ...[...rows.values()].map(({ key }) => rowRecord(model, key, true, at)),
      ...gone.map(key => rowRecord(model, key, false, at)),
      ...lists.map(([one, found]): Loaded => ({ ...one, params: [...one.params], rows: found.map(row => identified(row, spec).key), at })),
    ]
    await this.db.transaction(async tx => {
      const left = await this.left(tx, lists, rows)
      await this.put(tx, model, [...rows.values()])
      if (gone.length > 0) await tx.table(model).deleteMany(gone)
      if (left.length > 0) await tx.table(loadedTable).deleteMany(left.map(key => recordOf(model, '-', key)))
      await tx.table(loadedTable).putMany(records)
    })
    for (const { record } of records) this.came(record, at)
  }

  /** The rows that lists had and no longer have, and that have not come otherwise. */
  private async left(tx: Within<Tables>, lists: readonly (readonly [Wanted, readonly Row[]])[], rows: ReadonlyMap<string, unknown>): Promise<RowKey[]> {
    const before = await readLoaded(tx, lists.map(([{ record }]) => record))
    return before.flatMap(found => found?.rows ?? []).filter(key => !rows.has(nameOf(key)))
  }

  /** Puts rows that are not there as they are. */
  private async put(tx: Within<Tables>, model: string, rows: readonly { key: RowKey; row: Row }[]): Promise<void> {
    if (rows.length === 0) return
    const shown = await tx.table(model).getMany(rows.map(({ key }) => key))
    const other = rows.flatMap(({ row }, i) => (same(row, shown[i]) ? [] : [row]))
    if (other.length > 0) await tx.table(model).putMany(other)
  }
}

function* parts<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let i = 0; i < list.length; i += batch) yield list.slice(i, i + batch)
}

/** Things by what they have in common. */
export function grouped<T>(list: readonly T[], by: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const one of list) {
    const name = by(one)
    groups.get(name)?.push(one) ?? groups.set(name, [one])
  }
  return groups
}

/** Values with their types. */
export function typed(params: readonly unknown[]): [type: string, text: string][] {
  return params.map(value => [typeof value, String(value)])
}

/** A row, wanted. */
export function wantedRow(model: string, key: RowKey): Wanted {
  return { record: recordOf(model, '-', key), model, field: '-', owner: key, where: '', params: [] }
}

/** Fails where a key is none. */
export function checkKey(model: string, key: unknown, { keys }: ReadModel): RowKey {
  const scalar = (one: unknown) => ['string', 'number', 'bigint', 'boolean'].includes(typeof one)
  const fits = keys.length === 1 ? scalar(key) : Array.isArray(key) && key.length === keys.length && key.every(scalar)
  if (!fits) throw new StowageError('invalid_key', `the identity of "${model}" is ${keys.length === 1 ? 'a text or a number' : `a list of ${keys.length}`}`)
  return key as RowKey
}
