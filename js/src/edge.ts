/*
 * The package for Cloudflare Workers: the entry 'stowage/edge'. It is all that
 * 'stowage' is, with every part and the engine's module imported at once, but for what hashes
 * passphrases.
 */
import * as backup from './backup.js'
import * as crypto from './crypto/stage.js'
import type { DriverFactory } from './drivers/driver.js'
import type { Database, Tables } from './environment.js'
import { worker } from './isolate.js'
import * as live from './live.js'
import { type OpenOptions, openOn } from './open.js'
import * as opening from './opening.js'
import { bring } from './parts.js'
import * as rewrite from './rewrite.js'
import * as sealing from './sealing.js'
import * as zlib from './zlib.js'

bring({ backup, crypto, live, opening, rewrite, sealing, zlib })

/** As `OpenOptions`, with a driver. A cache of 8 MiB unless given. */
export interface EdgeOptions<S extends Tables> extends Omit<OpenOptions<S>, 'driver' | 'worker'> {
  driver: DriverFactory
}

/**
 * Opens an environment for the requests of a worker. Each may open it: it is shared by all that run in the
 * isolate, with one engine and its cache. What a request began goes on when its client has
 * gone, for as long as the platform allows; what it holds up then is given up after 30 seconds.
 */
export function open<const S extends Tables = Record<never, never>>(name: string, options: EdgeOptions<S>): Promise<Database<S>> {
  return openOn<S>(worker, name, options as OpenOptions<S>)
}

export * from './index.js'
export { type DurableStorage, durable } from './drivers/durable.js'
export { type ObjectOptions, StowageObject } from './object.js'
