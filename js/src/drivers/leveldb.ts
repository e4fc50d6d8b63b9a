/*
 * Chromium keeps the databases of a site in one LevelDB. A kill can tear the end of its
 * log; LevelDB then goes on writing behind the tear, and at the start after that reads
 * no further than to it: commits that were acknowledged are gone, or everything is. What has been
 * written before the kill is still whole when it is first opened again. So
 * more is written then than one log takes, and with that LevelDB begins another.
 */
import { holdLock, tryLock } from './weblock.js'

/** Held while a new log is begun; who writes for the first time waits until it is free. */
const beginning = 'stowage/log'

/** So much is more than LevelDB gathers before it begins another log, 4 MiB. Chromium keeps values of 64 KiB and more elsewhere. */
const junkValues = 180
const junkBytes = 32_000

/** So many values are written at a time: whoever reads meanwhile waits for no more than these. */
const step = 6

/** Writes are not kept waiting for longer, in milliseconds, whatever becomes of the new log. */
const patience = 3000

/** That a context has an environment open. */
export interface Presence {
  /** Takes that back. */
  leave: () => void
  /** The environments that nobody had open and whose end was not clean. */
  torn: string[]
  /** Fulfilled when nothing more is done about the log; with false where its end may be torn still. */
  sound: Promise<boolean>
}

/**
 * Makes it known that this context has an environment open. The first to come after an end of one of the
 * site's environments that was not clean begins a new log, in Chromium; that goes on after this is fulfilled,
 * holds up no read, and may fail without harm.
 */
export async function arrive(environment: string, unclean: string[]): Promise<Presence> {
  const { held = [] } = await navigator.locks.query()
  const leave = await holdLock(place(environment), 'shared')
  const torn = unclean.filter(one => !held.some(({ name }) => name === place(one)))
  const sound = Promise.resolve(true)
  if (torn.length === 0 || !inChromium()) return { leave, torn, sound }
  const done = await tryLock(beginning) // who has it does the same
  return { leave, torn, sound: done === undefined ? sound : beginLog().finally(done) }
}

/** The lock that everybody shares who has an environment open. */
function place(environment: string): string {
  return `stowage/present:${environment}`
}

/** Fulfilled when no new log is being begun, or has been for too long. */
export async function logBegun(): Promise<void> {
  try {
    const release = await holdLock(beginning, 'shared', AbortSignal.timeout(patience))
    release()
  } catch {
    // The tab that has it stands still: a risk is better than not to write at all.
  }
}

/**
 * Writes junk in the transaction that would make a database, and aborts it: nobody ever sees any, a kill leaves none.
 * Fulfilled with whether all of it was written.
 */
function beginLog(): Promise<boolean> {
  return new Promise(resolve => {
    let over = false
    let key = 0
    const end = () => {
      over = true
      clearTimeout(watchdog)
      resolve(key === junkValues)
    }
    const watchdog = setTimeout(end, patience)
    const request = indexedDB.open(beginning)
    request.onupgradeneeded = () => {
      const junk = request.result.createObjectStore('junk')
      const value = crypto.getRandomValues(new Uint8Array(junkBytes)) // so that it cannot be made smaller
      const write = () => {
        if (over || key === junkValues) return junk.transaction.abort()
        let last!: IDBRequest
        for (let i = 0; i < step; i++) last = junk.put(value, key++)
        last.onsuccess = write
      }
      write()
    }
    request.onerror = event => {
      event.preventDefault()
      end()
    }
    request.onsuccess = () => {
      request.result.close() // somebody has a database of that name
      end()
    }
  })
}

function inChromium(): boolean {
  const { userAgentData } = navigator as { userAgentData?: { brands: { brand: string }[] } }
  return userAgentData?.brands.some(({ brand }) => brand === 'Chromium') ?? false
}
