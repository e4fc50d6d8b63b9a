/*
 * Passphrases are refused at the edge: hashing one takes more memory and time than there is.
 */
import type { Database } from '../environment/environment.js'
import { StowageError } from '../errors.js'

/** Lets nothing pass that would have to be hashed: a text, or what has a passphrase. */
export function mustBeKey(given: unknown): void {
  if (typeof given !== 'string' && (given as { passphrase?: unknown } | undefined)?.passphrase === undefined) return
  throw new StowageError('unsupported', 'no passphrases at the edge, where hashing one takes too long: unlock with a key')
}

const calls = ['unlock', 'addSlot', 'changePassphrase'] as const

/** Has the calls of an environment that take a passphrase elsewhere take keys only. */
export function takeKeysOnly(db: Pick<Database, (typeof calls)[number]>): void {
  for (const name of calls) {
    const call = db[name] as (...given: unknown[]) => Promise<unknown>
    const checked = async (...given: unknown[]) => {
      given.forEach(mustBeKey)
      return call.apply(db, given)
    }
    Object.assign(db, { [name]: checked })
  }
}
