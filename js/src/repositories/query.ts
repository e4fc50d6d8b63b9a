/*
 * Queries are what is asked of one entity, or of many. Nothing is read before one of their methods is called, which may be done again.
 *
 * The other side is store/repository/query.go.
 */
import { type Landed, valueOf } from './flight.js'
import { invalidQuery, type Given } from './form.js'
import type { Key } from './key.js'
import { invalid } from './tier.js'

/** What every query can ask for. */
export interface QueryOptions {
  /** false asks the fallback alone, and leaves the fast tier as it is. */
  memory?: boolean
}

/** What answers queries. */
export interface Source<R> {
  read(keys: readonly Key[], options: Given): Promise<Landed<R>[]>
  missing(): Error
  exists(key: Key, memory: boolean): Promise<boolean>
  remove(key: Key, memory: boolean): Promise<void>
}

/** What is asked of one entity. */
export class Query<R> {
  /** @internal */
  constructor(
    private readonly source: Source<R>,
    private readonly key: Key,
    private readonly options: unknown,
  ) {}

  /** The entity. `not_found` where there is none, or nothing of it was asked for. */
  async entity(): Promise<R> {
    const [answer] = await this.source.read([this.key], given(this.options))
    const entity = valueOf(answer!)
    if (entity === undefined) throw this.source.missing()
    return entity
  }

  /** Whether there is such an entity, whatever is asked of it. */
  async exists(): Promise<boolean> {
    return this.source.exists(this.key, remembers(given(this.options)))
  }

  /** Deletes the entity from both tiers, and has the fast one know that there is none. With `memory: false` it knows nothing of it. */
  async delete(): Promise<void> {
    await this.source.remove(this.key, remembers(given(this.options)))
  }
}

/** So many entities are asked for in one round trip. */
export const readAtOnce = 128

/** What is asked of many entities. */
export class Many<R> {
  /** @internal */
  constructor(
    private readonly source: Source<R>,
    private readonly keys: readonly Key[],
    private readonly options: unknown,
  ) {}

  /** Those that there are, in the order of the keys. What fails ends them; but of those that are `undecodable` the first is told when all others have come. */
  async *entities(): AsyncGenerator<R, void, undefined> {
    let undecodable: unknown
    mustList(this.keys)
    for (let at = 0; at < this.keys.length; at += readAtOnce) {
      for (const answer of await this.source.read(this.keys.slice(at, at + readAtOnce), given(this.options))) {
        if ('error' in answer) undecodable ??= answer.error
        else if (answer.value !== undefined) yield answer.value
      }
    }
    if (undecodable !== undefined) throw undecodable
  }
}

/** The options of a query. Fails with `invalid_query`. */
export function given(options: unknown): Given {
  if (options !== undefined && (options !== Object(options) || Array.isArray(options))) throw invalidQuery('options are an object')
  return (options ?? {}) as Given
}

/** Refuses what is no list, of keys or entities. */
export function mustList(given: unknown): void {
  if (!Array.isArray(given)) throw invalid('keys and entities are lists')
}

/** Whether both tiers are asked. */
export function remembers({ memory = true }: Given): boolean {
  if (typeof memory !== 'boolean') throw invalidQuery('memory is true or false')
  return memory
}

/** Tells options apart that may have different answers, and no others. It is empty where nothing but the whole was asked for. */
export function textOf(options: Given): string {
  const asked = Object.entries(options).filter(([name, value]) => value !== undefined && value !== false && name !== 'memory')
  if (asked.length === 0) return ''
  const plain = (value: unknown) => (Array.isArray(value) ? [...new Set(value as string[])].sort() : String(value))
  return JSON.stringify(asked.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [name, plain(value)]))
}
