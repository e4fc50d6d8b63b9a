/*
 * What can still be read of a damaged environment, and what is lost. This file is an
 * entry of its own, for the few pages that ever need it: stowage/salvage.
 */
import { unpack } from './document/document.js'
import type { DriverFactory } from './drivers/driver.js'
import { indexeddb } from './drivers/indexeddb.js'
import { StowageError } from './errors.js'
import { LocalHost } from './bridge/local.js'
import { type Modifier, readModifiers, writeChain } from './modifier/modifier.js'
import { builtIn, type WasmSource } from './bridge/module.js'
import { mustName } from './name.js'
import { Options } from './options.js'
import { Op } from './bridge/wire.js'

/** How `salvage` works. */
export interface SalvageOptions {
  /** Where the environment lives: IndexedDB unless given. */
  driver?: DriverFactory
  /** What its blobs have passed, as for `open`. */
  modifiers?: readonly Modifier[]
  signal?: AbortSignal
  /** The engine's module, as for `open`. */
  wasm?: WasmSource
}

/** A range of keys of a database or table. What is in it may be missing, as it was before, or deleted. */
export interface Loss {
  database: string
  /** Whether it is a table: then the keys are those of its documents. */
  table: boolean
  /** The first key that may be concerned, as it is stored, and the first that is not; undefined: all on that side. */
  low: Uint8Array | undefined
  high: Uint8Array | undefined
  /** At most so many entries were there; undefined where that is not known. */
  entries: number | undefined
}

/** What came out, and what did not. */
export interface Salvaged {
  /** An export, for `db.import`. */
  left: Blob
  /** Whether nothing is lost. */
  whole: boolean
  databases: number
  entries: number
  /** Which pages were the current ones is not known: anything may be older than it was, or have been deleted. */
  rootLost: boolean
  /** Names may be missing: entries that have lost theirs are in stores called `salvaged <number>`. */
  catalogueLost: boolean
  /** Commits that are lost, from one position in the log to another. Any entry may be as it was before them. */
  commits: [first: number, last: number][]
  losses: Loss[]
}

type Report = Omit<Salvaged, 'left' | 'whole' | 'losses'> & { losses: [string, boolean, Uint8Array | null, Uint8Array | null, number][] }

/**
 * Puts out what can still be read of an environment that is damaged, or that was set aside:
 * `db.health()` names those. Nothing is written to it, and nobody may have it open. Tables
 * come out without their indexes, and build them when they are next opened with them.
 *
 *     const { left, whole, losses } = await salvage('atlas')
 *     await (await open('rescued')).import(left)
 */
export async function salvage(name: string, options?: SalvageOptions): Promise<Salvaged> {
  mustName('an environment', name, 1)
  const o = new Options('salvage', options)
  const driver = o.driver() ?? indexeddb()
  const wasm = (o.any('wasm') as WasmSource | undefined) ?? builtIn()
  const modifiers = readModifiers(o)
  const signal = o.signal()
  o.done()
  const host = new LocalHost(name, driver, wasm, cacheBytes, modifiers)
  const parts: Blob[] = [] // a browser may keep them on its disk
  try {
    const engine = await host.start(() => {})
    try {
      const report = await engine.run(writeChain(engine.request(Op.Salvage, 4, 0, 0), modifiers), (bytes, start, end) => unpack(bytes, start, end) as Report, {
        signal,
        onRows(bytes, start, end) {
          parts.push(new Blob([bytes.slice(start, end)]))
          return true
        },
      })
      return { ...read(report), left: new Blob(parts) }
    } finally {
      engine.discard(new StowageError('closed', 'salvage: it is done'))
    }
  } finally {
    await host.release()
  }
}

const cacheBytes = 32 << 20

function read({ losses, ...report }: Report): Omit<Salvaged, 'left'> {
  return {
    ...report,
    whole: !report.rootLost && !report.catalogueLost && report.commits.length + losses.length === 0,
    losses: losses.map(([database, table, low, high, entries]) => ({
      database,
      table,
      low: low ?? undefined,
      high: high ?? undefined,
      entries: entries < 0 ? undefined : entries,
    })),
  }
}
