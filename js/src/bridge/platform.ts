import type { DriverFactory } from '../drivers/driver.js'
import { indexeddb } from '../drivers/indexeddb.js'
import { Instance } from './instance.js'
import { builtIn, type WasmSource } from './module.js'
import type { Session } from '../environment/session.js'
import { together, type Waits } from './waits.js'

/** What an environment finds where it is opened. That of the edge is in edge.ts. */
export interface Platform {
  /** The driver and the module to use where none is given. */
  driver(): DriverFactory
  module(sql?: boolean): WasmSource
  /** The cache to have where nothing is said, and what the engine needs beside it: pages being built, frames, the overlay of recent commits. */
  cacheBytes: number
  workingBytes: number
  /** Starts an engine that keeps its memory near so many bytes. */
  boot(module: WebAssembly.Module, memoryBytes: number): Promise<Instance>
  waits: Waits
  /** What an environment that is opened has of a session which others have too; the session itself unless given. */
  own?(session: Session): Session
}

const MiB = 1 << 20

export const page: Platform = {
  driver: indexeddb,
  module: builtIn,
  cacheBytes: 40 * MiB,
  workingBytes: 48 * MiB,
  boot: (module, memoryBytes) => Instance.boot(module, memoryBytes),
  waits: together,
}
