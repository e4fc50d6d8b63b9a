import { StowageError } from '../errors.js'

/** A page that is going away may hold its lock for a moment longer. */
const graceMilliseconds = 2000

/**
 * Waits for a Web Lock and returns how to give it back. It ends with the context,
 * however that ends. Rejects when the signal is aborted, and with `unsupported`
 * outside secure contexts, which have no locks: what two pages could write at once would not be safe.
 */
export function holdLock(name: string, mode: LockMode, signal?: AbortSignal): Promise<() => void> {
  return request(name, { mode, ...(signal && { signal }) }) as Promise<() => void>
}

/** Takes a Web Lock that is free; undefined where it is not. */
export function tryLock(name: string): Promise<(() => void) | undefined> {
  return request(name, { ifAvailable: true })
}

/** Takes a Web Lock from whoever holds it. */
export function robLock(name: string): Promise<() => void> {
  return request(name, { steal: true }) as Promise<() => void>
}

/**
 * Takes part in a Web Lock that contexts share. Rejects with `locked` when one holds it
 * alone for longer than a moment.
 */
export async function shareLock(name: string): Promise<() => void> {
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), graceMilliseconds)
  try {
    return await holdLock(name, 'shared', patience.signal)
  } catch (error) {
    if (!patience.signal.aborted) throw error
    throw new StowageError('locked', `${name} is in use by another page or worker that wants it alone`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

/** Requests a lock; fulfilled when it is held, or with undefined where it was to be had at once and is not. */
function request(name: string, options: LockOptions): Promise<(() => void) | undefined> {
  if (globalThis.navigator?.locks === undefined) {
    return Promise.reject(new StowageError('unsupported', 'a lock needs a secure context (https or localhost)'))
  }
  return new Promise((resolve, reject) => {
    const held = (lock: Lock | null) => {
      if (lock === null) return resolve(undefined)
      return new Promise<void>(release => resolve(release))
    }
    // One that was robbed later rejects too, when nobody listens any more.
    navigator.locks.request(name, options, held).catch(reject)
  })
}
