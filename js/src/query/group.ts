import { StowageError } from '../errors.js'
import { splitPath } from '../document/path.js'
import type { At, Doc, Path, Present } from '../document/types.js'

/** One value of the rows that documents are gathered into. Made by `count`, `sum` and the like. */
export class Column<out P extends string, out V, out R> {
  /** Only for the compiler: the path, what must stand there, and what comes of it. */
  declare readonly takes: [path: P, value: V]
  declare readonly gives: R

  /** @internal */
  constructor(
    readonly name: string,
    readonly path?: string,
  ) {}
}

/** Stands for what the documents have at the path, or undefined where there may be nothing. */
export interface Itself {
  readonly itself: unique symbol
}

/** How many documents there are; with a path, how many have a value there. */
export function count<const P extends string = never>(path?: P): Column<P, unknown, number> {
  return new Column('count', path)
}

/** The sum of the numbers at a path, 0 where there are none. */
export function sum<const P extends string>(path: P): Column<P, number | bigint, number> {
  return new Column('sum', path)
}

/** The mean of the numbers at a path, undefined where there are none. */
export function avg<const P extends string>(path: P): Column<P, number | bigint, number | undefined> {
  return new Column('avg', path)
}

/** The least of the values at a path in the order of `orderBy`; null and objects are passed over. */
export function min<const P extends string>(path: P): Column<P, unknown, Itself> {
  return new Column('min', path)
}

/** The greatest of the values at a path, as `min` the least. */
export function max<const P extends string>(path: P): Column<P, unknown, Itself> {
  return new Column('max', path)
}

/** What the first document has at a path, in the order of the query. */
export function first<const P extends string>(path: P): Column<P, unknown, Itself> {
  return new Column('first', path)
}

/** What the last document has at a path, in the order of the query. */
export function last<const P extends string>(path: P): Column<P, unknown, Itself> {
  return new Column('last', path)
}

/** The columns of a row, by the names it has them under. */
export type Columns = Readonly<Record<string, Column<string, unknown, unknown>>>

/** Columns that make sense for documents T, with paths that there are and values that can be added up. */
export type ColumnsOf<T, C extends Columns> = {
  [N in keyof C]: C[N] extends Column<infer P, infer V, unknown> ? (Suits<T, P, V> extends true ? C[N] : never) : never
}

type Suits<T, P extends string, V> =
  [P] extends [never] ? true
  : string extends keyof T ? true
  : [P] extends [Path<T>] ? [Extract<NonNullable<At<T, P>>, V>] extends [never] ? false : true
  : false

/** What the documents of a group have in common, and the columns. */
export type Row<T, P extends string, C extends Columns> = { [K in P]: At<T, K> } & { [N in keyof C]: Cell<T, C[N]> }

type Cell<T, C> = C extends Column<infer P, unknown, infer R> ? (R extends Itself ? Present<T, P> : R) : never

/** Rows as they are asked for: the paths of the group, and the columns. */
export type Aggregate = readonly [group: (string | number)[][], columns: (readonly [string, (string | number)[]?])[]]

/** Columns of rows as the engine takes them. */
export function aggregateOf(group: readonly string[], columns: Columns): Aggregate {
  if (columns === null || typeof columns !== 'object') throw new StowageError('invalid_query', 'aggregate takes columns by their names')
  const twice = Object.keys(columns).find(name => group.includes(name))
  if (twice !== undefined) throw new StowageError('invalid_query', `a column cannot be called "${twice}" as what the group has in common`)
  return [
    group.map(splitPath),
    Object.values(columns).map(column => {
      if (!(column instanceof Column)) throw new StowageError('invalid_query', 'a column is count(), sum(path) or one of their kind')
      return column.path === undefined ? [column.name] : [column.name, splitPath(column.path)]
    }),
  ]
}

/** Gives the values of a row their names. */
export function named(names: readonly string[], values: readonly unknown[]): Doc {
  const row: Doc = {}
  names.forEach((name, i) => {
    row[name] = values[i]
  })
  return row
}

/** The documents of a query in groups. See Find.groupBy. */
export class Groups<T, P extends string> {
  /** @internal */
  constructor(
    private readonly paths: readonly P[],
    private readonly rows: <C extends Columns>(paths: readonly P[], columns: C) => Promise<Row<T, P, C>[]>,
  ) {}

  /**
   * One row for each group, in the order of its values: those, and the columns.
   *
   *     await db.cities.find().groupBy('country').aggregate({ cities: count(), people: sum('population') })
   *     // [{ country: 'NO', cities: 2, people: 1000977 }, …]
   */
  aggregate<const C extends Columns>(columns: C & ColumnsOf<T, C>): Promise<Row<T, P, C>[]> {
    return this.rows(this.paths, columns)
  }
}
