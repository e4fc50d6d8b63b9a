/*
 * The package for Cloudflare Workers: the entry 'stowage/edge'. It is all that
 * 'stowage' is, with every part and the engine's module imported at once, but for what hashes
 * passphrases.
 */
import * as backup from './backup.js'
import * as crypto from './crypto/stage.js'
import type { DriverFactory } from './drivers/driver.js'
import { type KVStore, kv, usageOf } from './drivers/kv.js'
import type { Database, Tables } from './environment/environment.js'
import { StowageError } from './errors.js'
import { worker } from './edge/isolate.js'
import { mustBeKey, takeKeysOnly } from './edge/keys.js'
import * as live from './live.js'
import { encrypt as anywhere } from './modifier/modifier.js'
import { type OpenOptions, openOn } from './environment/open.js'
import * as opening from './opening.js'
import { bring } from './parts.js'
import { Replica } from './edge/replica.js'
import * as rewrite from './rewrite.js'
import * as sealing from './sealing.js'
import type { Session } from './environment/session.js'
import * as zlib from './zlib.js'

bring({ backup, crypto, live, opening, rewrite, sealing, zlib })

/** As `OpenOptions`, with a driver or a KV namespace. A cache of 8 MiB unless given. */
export interface EdgeOptions<S extends Tables> extends Omit<OpenOptions<S>, 'driver' | 'worker'> {
  driver?: DriverFactory
  /** The same as the driver `kv(store)`. */
  kv?: KVStore
  /** How old what is seen of others may be when an open environment is opened again, in milliseconds; a minute unless given. KV adds a minute. */
  staleness?: number
}

/** What `open` returns. */
export type EdgeDatabase<S extends Tables> = Database<S> & { readonly replica: Replica }

/**
 * Opens an environment for the requests of a worker. Each may open it: it is shared by all that run in the
 * isolate, with one engine and its cache. What a request began goes on when its client has
 * gone, for as long as the platform allows; what it holds up then is given up after 30 seconds.
 *
 *     const db = await open('shop', { kv: env.STORE, tables })
 */
export async function open<const S extends Tables = Record<never, never>>(name: string, { kv: store, staleness = 60_000, ...options }: EdgeOptions<S>): Promise<EdgeDatabase<S>> {
  const driver = store === undefined ? options.driver : kv(store)
  const db = await openOn<S>(worker, name, { ...options, driver } as OpenOptions<S>)
  const { session } = db as unknown as { session: Session }
  const replica = new Replica(session, () => usageOf(driver!, name))
  await replica.freshen(staleness)
  if (usageOf(driver!, name) !== undefined) refuseTransactions(db)
  takeKeysOnly(db)
  return Object.assign(db, { replica })
}

/** Whose reads may be old, and whom others do not wait for, cannot have a transaction that holds what it has read against them. */
function refuseTransactions<S extends Tables>(db: Database<S>): void {
  const { transaction, begin } = db
  const refused = () => new StowageError('unsupported', 'a transaction that writes takes one place that all writes go through, as a Durable Object is: make single calls')
  Object.assign(db, {
    transaction: async (...[body, options]: Parameters<typeof transaction>) => {
      if (options?.readOnly !== true) throw refused()
      return transaction.call(db, body, options)
    },
    begin: async (...[options]: Parameters<typeof begin>) => {
      if (options?.write === true) throw refused()
      return begin.call(db, options)
    },
  })
}

/** As elsewhere, but with a key: passphrases are `unsupported`, for hashing one takes more memory and time than there is. */
export const encrypt: typeof anywhere = options => {
  mustBeKey(options)
  return anywhere(options)
}

export * from './index.js'
export { type DurableStorage, durable } from './drivers/durable.js'
export { type ObjectOptions, StowageObject } from './edge/object.js'
export { type KVOptions, type KVStore, type KVUsage, kv } from './drivers/kv.js'
export { publish } from './edge/publish.js'
export type { Replica } from './edge/replica.js'
