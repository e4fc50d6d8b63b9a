/*
 * The package for a service worker: the entry 'stowage/service-worker'. It is all
 * that 'stowage' is, with every part imported at once.
 */
import * as backup from './backup.js'
import * as argon2 from './crypto/argon2.js'
import * as crypto from './crypto/stage.js'
import { bring } from './index.js'
import * as live from './live.js'
import * as opening from './opening.js'
import * as rewrite from './rewrite.js'
import * as sealing from './sealing.js'
import * as zlib from './zlib.js'

bring({ argon2, backup, crypto, live, opening, rewrite, sealing, zlib })

export * from './index.js'
