/*
 * Relations: how one leads from a row of a model to rows of another. Go programs have the same in sync/relation.go.
 */
import { Options } from '../options.js'
import { type Mode, modes } from './mode.js'
import type { Row } from './value.js'

/** What every relation can be told. */
export interface RelationOptions<F> {
  /** What is asked at most, whatever the view's mode: 'prefer-cache' for what never changes. */
  mode?: Mode
  /** Older than this it is stale, in milliseconds. */
  maxAge?: number
  /** Takes the place of what is not here and may not be asked for, or cannot be. */
  fallback?: F
}

interface Common {
  readonly mode: Mode | undefined
  readonly maxAge: number | undefined
  /** In a list, for undefined is one. */
  readonly fallback: readonly [] | readonly [unknown]
}

/** The rows of a model that have this one's identity in a column. */
export interface Many<N extends string = string, C extends string = string> extends Common {
  readonly kind: 'many'
  readonly model: N
  readonly column: C
}

/** The one row of a model that has this one's identity in a column. */
export interface One<N extends string = string, C extends string = string> extends Common {
  readonly kind: 'one'
  readonly model: N
  readonly column: C
}

/** The row of a model whose identity is in a column of this one. */
export interface Parent<N extends string = string, C extends string = string> extends Common {
  readonly kind: 'parent'
  readonly model: N
  readonly column: C
}

/** The rows of a model that those of a third lead to. */
export interface Through<N extends string = string, L extends string = string> extends Common {
  readonly kind: 'through'
  readonly model: N
  readonly link: L
  readonly from: string
  readonly to: string
}

/** What a condition finds. */
export interface Query<N extends string = string> extends Common {
  readonly kind: 'query'
  readonly model: N
  readonly tag: string
  readonly where: string
  readonly params: (row: Row) => readonly unknown[]
  readonly local: ((row: Row) => object) | undefined
}

export type Relation = Many | One | Parent | Through | Query

/** The models whose rows it needs. */
export function modelsOf(relation: Relation): string[] {
  return relation.kind === 'through' ? [relation.model, relation.link] : [relation.model]
}

/** The rows of a model that have this row's identity in a column: `albums: many('albums', 'artistId')`. */
export function many<N extends string, C extends string>(model: N, column: C, options?: RelationOptions<readonly []>): Many<N, C> {
  return { kind: 'many', model, column, ...read('many', options) }
}

/** The one row that does, or undefined. */
export function one<N extends string, C extends string>(model: N, column: C, options?: RelationOptions<undefined>): One<N, C> {
  return { kind: 'one', model, column, ...read('one', options) }
}

/** The row whose identity is in a column of this row, or undefined: `artist: parent('artists', 'artistId')`. */
export function parent<N extends string, C extends string>(model: N, column: C, options?: RelationOptions<undefined>): Parent<N, C> {
  return { kind: 'parent', model, column, ...read('parent', options) }
}

/** Many to many: `genres: through('genres', 'taggings', 'artistId', 'genreId')` goes by the rows of `taggings`. */
export function through<N extends string, L extends string>(model: N, link: L, from: string, to: string, options?: RelationOptions<readonly []>): Through<N, L> {
  return { kind: 'through', model, link, from, to, ...read('through', options) }
}

/**
 * The rows that a condition finds, with the values that `params` takes from this row. What it has found is known by its
 * tag and these values: rows that share them share the answer, and `local`, a filter of tables, tells which of it are this one's.
 *
 *     tracks: query('tracks', {
 *       tag: 'of the artist', where: 'album_id in (select id from albums where artist_id = $1)',
 *       params: album => [album.artistId], local: album => ({ albumId: album.id }),
 *     })
 */
export function query<N extends string>(
  model: N,
  spec: { tag: string; where: string; params?: (row: any) => readonly unknown[]; local?: (row: any) => object },
  options?: RelationOptions<readonly []>,
): Query<N> {
  const o = new Options('query', spec)
  const tag = o.string('tag')
  const where = o.string('where')
  const params = o.function<Query['params']>('params') ?? (() => [])
  const local = o.function<NonNullable<Query['local']>>('local')
  o.done()
  if (tag === undefined) throw o.wrong('tag', 'a name for what is asked')
  if (where === undefined) throw o.wrong('where', 'a condition in SQL')
  return { kind: 'query', model, tag, where, params, local, ...read('query', options) }
}

function read(call: string, given: RelationOptions<unknown> | undefined): Common {
  const o = new Options(call, given)
  const mode = o.oneOf('mode', modes)
  const maxAge = o.integer('maxAge')
  const fallback = o.any('fallback')
  o.done()
  return { mode, maxAge, fallback: given !== undefined && 'fallback' in given ? [fallback] : [] }
}
