/*
 * Hashes: entities that are objects, each a hash of its attributes. An entity that is added replaces all of the one before.
 *
 * The other side is store/repository/hash.go.
 */
import { Options } from '../options.js'
import { conforming, type StandardSchema } from '../policies/standard.js'
import { type AttributeType, attributeTypes, read, written } from './attribute.js'
import { type Form, type Given, invalidEntity, invalidQuery, only } from './form.js'
import type { Key } from './key.js'
import type { QueryOptions } from './query.js'
import { type Config, Repository } from './repository.js'
import type { Read, Value } from './tier.js'

/** What each attribute of an entity is. What is undefined or null is left out, whatever it would be. */
export type Attributes<E> = { readonly [N in keyof E & string]-?: TypeOf<NonNullable<E[N]>> }

type TypeOf<V> = [V] extends [string] ? 'text' | 'json' : [V] extends [number] ? 'number' | 'json' : [V] extends [boolean] ? 'boolean' | 'json' : 'json'

export interface HashConfig<E> extends Config {
  attributes: Attributes<E>
  /** The attribute that is the key of an entity, or those that make it up, in their order; or what makes it, of `parts` parts. 'id' unless given. */
  key?: (keyof E & string) | readonly (keyof E & string)[] | ((entity: E) => Key)
  /** How many parts the keys have that a function makes: 1 unless given. */
  parts?: number
  /** What entities must meet that are added, and are stored as it makes them. */
  schema?: StandardSchema<E>
}

/** What is asked of a hash. */
export interface HashOptions<E> extends QueryOptions {
  /** Those that are wanted; the others are left out. */
  fields?: readonly (keyof E & string)[]
}

export type { AttributeType }
export type HashRepository<E> = Repository<E, HashOptions<E>>

/**
 * Makes a repository of objects.
 *
 *     const people = hash<{ id: string; name: string; born?: number }>({
 *       name: 'person', fast, fallback, expire: 3_600_000, attributes: { id: 'text', name: 'text', born: 'number' },
 *     })
 *     await people.add({ id: '1', name: 'Ada' })
 *     const ada = await people.query('1').entity()
 */
export function hash<E extends object>(config: HashConfig<E>): HashRepository<E> {
  const o = new Options('hash', config)
  const types = attributesOf(o)
  const key = o.any('key') ?? 'id'
  const schema = o.any('schema')
  const check = schema === undefined ? undefined : conforming('hash', schema as StandardSchema<E>)
  if (typeof key === 'function') {
    return Repository.of(o, o.integer('parts', { least: 1 }) ?? 1, new Hashes(types, key as (entity: E) => Key, check))
  }
  const names: unknown[] = Array.isArray(key) ? key : [key]
  if (names.length === 0 || !names.every(name => types.has(name as string))) throw o.wrong('key', 'attributes of the entities')
  const keyOf = (entity: E) => names.map(name => (entity as Record<string, unknown>)[name as string]) as unknown as Key
  return Repository.of(o, names.length, new Hashes(types, keyOf, check))
}

function attributesOf(o: Options): Map<string, AttributeType> {
  const given = o.any('attributes')
  const types = new Map(Object.entries(Object(given) as Record<string, AttributeType>))
  if (types.size === 0 || ![...types.values()].every(type => attributeTypes.includes(type))) throw o.wrong('attributes', 'what each attribute is: text, number, boolean or json')
  return types
}

class Hashes<E extends object> implements Form<E> {
  readonly kind = 'hash'
  readonly merges = false

  constructor(
    private readonly types: ReadonlyMap<string, AttributeType>,
    readonly key: (entity: E) => Key,
    readonly check: ((entity: E) => Promise<E>) | undefined,
  ) {}

  encode(entity: E): Value {
    const fields = new Map<string, string>()
    for (const [name, value] of Object.entries(entity)) {
      if (value === undefined || value === null) continue
      const type = this.types.get(name)
      if (type === undefined) throw invalidEntity(`"${name}" is no attribute of the entities`)
      fields.set(name, written(name, type, value))
    }
    if (fields.size === 0) throw invalidEntity('nothing to be stored')
    return { fields }
  }

  ask(options: Given): { read: Omit<Read, 'key'>; partial: boolean } {
    const { fields } = only<HashOptions<E>>(options, 'fields')
    if (fields === undefined) return { read: { kind: 'hash' }, partial: false }
    if (!Array.isArray(fields) || !fields.every(name => this.types.has(name as string))) throw invalidQuery('fields are attributes of the entities')
    return { read: { kind: 'hash', fields: fields as string[] }, partial: true }
  }

  decode(_: Key, { fields = new Map() }: Value): E {
    const entries: [string, unknown][] = []
    for (const [name, type] of this.types) {
      const text = fields.get(name) as string | undefined
      if (text !== undefined) entries.push([name, read(name, type, text)])
    }
    return Object.fromEntries(entries) as E
  }
}
