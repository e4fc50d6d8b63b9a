import { conforming, type StandardSchema } from './standard.js'
import { overlay, type Steps } from './overlay.js'

/**
 * A policy that stores only what a schema accepts, as the schema makes it: with its defaults and transformations. Anything
 * else is `invalid_document`, whose cause has the issues.
 *
 *     table<City>({ key: 'id', policies: [validated(z.object({ id: z.number(), name: z.string() }))] })
 */
export function validated<T>(schema: StandardSchema<T>): Steps<T> {
  const check = conforming('validated', schema)
  return { over: overlay, created: check, updated: check }
}
