/*
 * The types of a view: what its models and relations, declared once, make of it.
 */
import type { RowKey } from './message.js'
import type { Mode } from './mode.js'
import type { Model } from './model.js'
import type { Many, One, Parent, Query, Through } from './relation.js'
import type { RetryOptions } from './backoff.js'
import type { Source } from './source.js'
import type { TokenSource } from './token.js'

/** Models by the names of their tables. */
// biome-ignore lint: the row of a model can be anything
export type Models = Readonly<Record<string, Model<any>>>

type RowOf<X> = X extends Model<infer T> ? T : never

type ColumnOf<X> = keyof RowOf<X> & string

/** The relations of each model, by the members that they become. */
export type Relations<M extends Models> = { readonly [N in keyof M]?: Readonly<Record<string, ToMany<M> | Parent<keyof M & string, ColumnOf<M[N]>>>> }

type ToMany<M extends Models> = {
  [N in keyof M & string]: Many<N, ColumnOf<M[N]>> | One<N, ColumnOf<M[N]>> | Through<N, keyof M & string> | Query<N>
}[keyof M & string]

/** What a view is made of. */
export interface ViewOptions<M extends Models, R extends Relations<M>> {
  /** The URL of an origin's shapes, which ends in /v1/shape, or another source; without one there is what was loaded. */
  origin?: string | Source
  models: M
  relations?: R
  /** Default 'freshen'. */
  mode?: Mode
  /** Older than this it is stale, in milliseconds; nothing is, unless given. */
  maxAge?: number
  /** How long 'offline-fallback' waits for an answer, in milliseconds. Default 3,000. */
  deadline?: number
  /** Follows models that are pulled as they change. Else they are asked for when the mode says so. */
  live?: boolean
  /** Tells what requests bear. */
  token?: TokenSource
  retry?: RetryOptions
  /** Sends requests, in the place of the context's own. */
  fetch?: typeof globalThis.fetch
}

/** How something is loaded. */
export interface LoadOptions<F, P = Preload> {
  /** What is asked at most, whatever the view's mode. */
  mode?: Mode
  /** Older than this it is stale, in milliseconds. */
  maxAge?: number
  /** Takes the place of what is not here and may not be asked for, or cannot be. */
  fallback?: F
  /** Relations to be loaded with it, each for all rows at once: `{ albums: { tracks: true } }`. */
  include?: P
}

/** Relations to be loaded beforehand, and those of what they lead to. */
export interface Preload {
  readonly [relation: string]: true | Preload
}

type RelationsIn<R, N> = N extends keyof R ? NonNullable<R[N]> : {}

/** An object of a view: columns, and relations that are awaited. */
export type Item<M extends Models, R extends Relations<M>, N extends keyof M> = Readonly<RowOf<M[N]>> & {
  readonly [K in keyof RelationsIn<R, N>]: RelationsIn<R, N>[K] extends { kind: infer Kind; model: infer To extends keyof M }
    ? Related<Kind extends 'one' | 'parent' ? Item<M, R, To> | undefined : Item<M, R, To>[], PreloadOf<M, R, To>>
    : never
}

/** The relations of a model that can be loaded beforehand. */
export type PreloadOf<M extends Models, R extends Relations<M>, N extends keyof M> = {
  readonly [K in keyof RelationsIn<R, N>]?: true | (RelationsIn<R, N>[K] extends { model: infer To extends keyof M } ? PreloadOf<M, R, To> : never)
}

/** What a relation leads to: awaited, or loaded otherwise than the view does. */
export interface Related<V, P = Preload> extends PromiseLike<V> {
  get<F = V>(options?: LoadOptions<F, P>): Promise<V | F>
  /** Loads it from the origin once more. */
  refresh(): Promise<V>
}

/** A model of a view. */
export interface ModelView<M extends Models, R extends Relations<M>, N extends keyof M> {
  /** The row with an identity, undefined where there is none. */
  <F = undefined>(key: RowKey, options?: LoadOptions<F, PreloadOf<M, R, N>>): Promise<Item<M, R, N> | F | undefined>
  get<F = undefined>(key: RowKey, options?: LoadOptions<F, PreloadOf<M, R, N>>): Promise<Item<M, R, N> | F | undefined>
  /** The rows that meet a condition in the origin's SQL, in whose place `$1` … stand for values. Not for models that are pulled: ask their tables. */
  where<F = readonly []>(where: string, params?: readonly unknown[], options?: LoadOptions<F, PreloadOf<M, R, N>>): Promise<Item<M, R, N>[] | F>
  /** Has relations of objects be here: each is asked for all of them at once. */
  include(items: Item<M, R, N> | readonly (Item<M, R, N> | undefined)[], plan: PreloadOf<M, R, N>): Promise<void>
  /** Changes a row here, and only here: see `changes` and `discard` of the view. */
  change(key: RowKey, columns: Partial<RowOf<M[N]>>): Promise<Item<M, R, N>>
  /** Adds a row here, and only here. */
  add(row: RowOf<M[N]>): Promise<Item<M, R, N>>
  /** Has a row not be seen here. */
  remove(key: RowKey): Promise<void>
}
