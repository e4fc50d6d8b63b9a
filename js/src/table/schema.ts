import { StowageError } from '../errors.js'
import type { IdentityKind } from './identity.js'
import { Options } from '../options.js'
import { splitPath } from '../document/path.js'
import type { Table } from './table.js'
import type { Doc, Path } from '../document/types.js'

/**
 * An index: 'country' over one path, ['country', 'population'] over several,
 * '*tags' with an entry for each element of a list, '&slug' refusing a value
 * twice. The long form gives a compound index a mark too.
 */
export type IndexSpec<P extends string = string> =
  | P
  | `*${P}`
  | `&${P}`
  | readonly P[]
  | { paths: readonly P[]; unique?: boolean; multi?: boolean }

/** A table as `table()` describes it. T is the document, Generated what the table fills in. */
export interface TableSpec<T = Doc, Generated extends PropertyKey = never> {
  /** Only for the compiler. */
  readonly document?: T
  /** Only for the compiler. */
  readonly generated?: Generated
  /** @internal */
  readonly schema: Schema
  /** @internal */
  readonly kind: Kind
}

/** @internal What the engine need not know of a table. */
export interface Kind {
  ids: IdentityKind | undefined
  policies: readonly Policy[]
  class: (new (...args: never[]) => unknown) | undefined
}

/** What stands between a table and those who use it: see the entry 'stowage/policies'. */
export interface Policy {
  /** The table with all of the policies, of which this is the first. */
  over<T>(table: Table<T>, policies: readonly Policy[]): Table<T>
}

/** @internal What the engine is told of a table. */
export interface Schema {
  key: (string | number)[]
  increment: boolean
  indexes: { name: string; paths: (string | number)[][]; multi: boolean; unique: boolean }[]
  /** Of how many queries the answers are kept, −1 for all. */
  cache: number
  uncompressed: boolean
}

/** The path of the identity; '++' in front lets the table count it up where a document has none. */
export type KeySpec<P extends string> = P | `++${P}`

/**
 * Describes a table of documents T. The first type parameter is the document,
 * the second names the property that the table generates:
 *
 *     table<City>({ key: 'id', indexes: ['country', ['country', 'population']] })
 *     table<Note, 'id'>({ key: '++id' })
 *     table<Event, 'id'>({ key: 'id', ids: 'ulid' })
 *
 * The answers to the last ten queries that looked into documents or sorted them are kept, as long as nobody writes to the
 * table; `cache` is another number of them, 0 for none and Infinity for all.
 *
 * With `compress: 'none'` no stage of open() compresses a document of a new table or an entry of its indexes. How far something shrinks
 * tells of what is in it, to who can have a guess stored beside a secret and watch sizes. A table that was made otherwise is `schema_mismatch`.
 *
 * With a class, documents are handed out as its instances, which no constructor was called for.
 */
export function table<T = Doc, Generated extends keyof T = never>(spec: {
  key: KeySpec<Path<NoInfer<T>>>
  indexes?: readonly IndexSpec<Path<NoInfer<T>>>[]
  ids?: IdentityKind
  class?: new (...args: never[]) => T
  cache?: number
  compress?: 'none'
  policies?: readonly Policy[]
}): TableSpec<T, Generated> {
  const o = new Options('table', spec)
  const key = o.string('key')
  const indexes = o.any('indexes') ?? []
  const policies = (o.any('policies') ?? []) as readonly Policy[]
  const ids = o.any('ids') as IdentityKind | undefined
  const kind: Kind = { ids, policies, class: o.function('class') as Kind['class'] }
  const cache = o.any('cache') === Infinity ? -1 : (o.integer('cache', { most: 0xffff }) ?? 10)
  const uncompressed = o.oneOf('compress', ['none']) !== undefined
  o.done()
  if (key === undefined) throw o.wrong('key', 'the path of the identity')
  if (!Array.isArray(indexes)) throw o.wrong('indexes', 'a list')
  if (!Array.isArray(policies) || !policies.every(policy => typeof policy?.over === 'function')) throw o.wrong('policies', 'a list of what stowage/policies makes')
  const increment = key.startsWith('++')
  if (ids !== undefined) {
    if (!['uuid', 'ulid', 'string'].includes(ids as string) && typeof (ids as { next?: unknown }).next !== 'function') {
      throw o.wrong('ids', "'uuid', 'ulid', 'string', or an object with next()")
    }
    if (increment || splitPath(key).length > 1) throw o.wrong('ids', 'for an identity that is a member of the document itself, and not counted')
  }
  return {
    kind,
    schema: {
      key: splitPath(increment ? key.slice(2) : key),
      increment,
      indexes: indexes.map(readIndex),
      cache,
      uncompressed,
    },
  }
}

function readIndex(spec: unknown): Schema['indexes'][number] {
  if (typeof spec === 'string') {
    const multi = spec.startsWith('*')
    const unique = spec.startsWith('&')
    const path = multi || unique ? spec.slice(1) : spec
    if (/^[*&]/.test(path)) throw new StowageError('invalid_option', 'table: an index has one mark; { paths, multi, unique } takes both')
    return { name: path, paths: [splitPath(path)], multi, unique }
  }
  if (Array.isArray(spec)) {
    if (spec.some(path => /^[*&]/.test(path))) throw new StowageError('invalid_option', 'table: an index over several paths has no marks')
    return readIndex({ paths: spec })
  }
  const o = new Options('table: index', spec)
  const paths = o.any('paths')
  const unique = o.boolean('unique') ?? false
  const multi = o.boolean('multi') ?? false
  o.done()
  if (!Array.isArray(paths) || paths.length === 0) throw o.wrong('paths', 'a list of paths')
  if (multi && paths.length > 1) throw new StowageError('unsupported', 'an index over the elements of a list has one path')
  return { name: paths.join(','), paths: paths.map(splitPath), multi, unique }
}
