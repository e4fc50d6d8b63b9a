/*
 * A form is how entities of a kind stand under their keys.
 *
 * The other side is store/repository/form.go.
 */
import { StowageError } from '../errors.js'
import type { Key } from './key.js'
import type { Read, TierKind, Value } from './tier.js'

export interface Form<E> {
  readonly kind: Exclude<TierKind, 'none' | 'exists'>
  /** It adds to what there is. */
  readonly merges: boolean
  /** The key of an entity. */
  key(entity: E): Key
  /** The entity as it is stored. Fails with `invalid_document`. */
  readonly check?: ((entity: E) => Promise<E>) | undefined
  /** What is stored of an entity. Fails with `invalid_document`. */
  encode(entity: E): Value
  /** What answers a query, and whether that may be less than the whole. Fails with `invalid_query`. */
  ask(options: Given): { read: Omit<Read, 'key'>; partial: boolean }
  /** The entity of an answer, undefined where there is none in it. */
  decode(key: Key, value: Value): E | undefined
}

/** The options of a query as they were given. */
export type Given = Readonly<Record<string, unknown>>

/** The options that every query has. */
const common = ['memory']

/** The options that were given, or `invalid_query` where a kind of repository does not have one of them. */
export function only<O>(options: Given, ...known: (keyof O & string)[]): { [N in keyof O]?: unknown } {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !common.includes(name) && !(known as string[]).includes(name)) throw invalidQuery(`there is no option "${name}"`)
  }
  return options as { [N in keyof O]?: unknown }
}

export const invalidQuery = (message: string): StowageError => new StowageError('invalid_query', `repository: ${message}`)
export const invalidEntity = (message: string): StowageError => new StowageError('invalid_document', `repository: ${message}`)
