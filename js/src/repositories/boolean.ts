/*
 * What is so: an entity is its own key.
 *
 * The other side is store/repository/boolean.go.
 */
import { type Form, type Given, only } from './form.js'
import type { Key } from './key.js'
import type { QueryOptions } from './query.js'
import { type KeyedConfig, keyed, type Repository } from './repository.js'
import type { Read, Value } from './tier.js'

export type BooleanRepository = Repository<Key, QueryOptions>

/**
 * Makes a repository of what is so.
 *
 *     const paid = boolean({ name: 'paid', fast, fallback })
 *     await paid.add('order 1')
 *     await paid.query('order 1').exists()  // true
 */
export function boolean(config: KeyedConfig): BooleanRepository {
  return keyed('boolean', config, new Booleans())
}

class Booleans implements Form<Key> {
  readonly kind = 'boolean'
  readonly merges = false

  key(entity: Key): Key {
    return entity
  }

  encode(): Value {
    return { is: true }
  }

  ask(options: Given): { read: Omit<Read, 'key'>; partial: boolean } {
    only<QueryOptions>(options)
    return { read: { kind: 'boolean' }, partial: false }
  }

  decode(id: Key, { is = false }: Value): Key | undefined {
    return is ? id : undefined
  }
}
