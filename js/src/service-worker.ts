/*
 * The package for a service worker: the entry 'stowage/service-worker'. It is all
 * that 'stowage' is, with every part imported at once.
 */
import * as backup from './backup.js'
import { bring } from './index.js'
import * as live from './live.js'
import * as opening from './opening.js'
import * as rewrite from './rewrite.js'
import * as sealing from './sealing.js'
import * as zlib from './zlib.js'

bring({ backup, live, opening, rewrite, sealing, zlib })

export * from './index.js'
