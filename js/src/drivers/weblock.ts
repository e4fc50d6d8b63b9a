import { StowageError } from '../errors.js'

/** A page that is going away may hold its lock for a moment longer. */
const graceMilliseconds = 2000

/**
 * Takes a Web Lock for this context alone and returns how to give it back. It
 * ends with the context, however that ends.
 *
 * Rejects with `locked` when another context holds it for longer than a moment,
 * and with `unsupported` outside secure contexts, which have no locks: a store that
 * two pages could write at once would not be safe.
 */
export async function takeLock(name: string): Promise<() => void> {
  if (globalThis.navigator?.locks === undefined) {
    throw new StowageError('unsupported', 'a lock needs a secure context (https or localhost)')
  }
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), graceMilliseconds)
  return new Promise((resolve, reject) => {
    const held = () => {
      clearTimeout(timer)
      return new Promise<void>(release => resolve(release))
    }
    navigator.locks.request(name, { mode: 'exclusive', signal: patience.signal }, held).catch(error => {
      clearTimeout(timer)
      reject(new StowageError('locked', `${name} is open in another page or worker`, { cause: error }))
    })
  })
}
