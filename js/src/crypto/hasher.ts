/*
 * Where passphrases are hashed: in a page by a worker, which takes the second that
 * hashing lasts off the page's thread and gives its memory back afterwards; anywhere
 * else on the spot.
 */
import { StowageError } from '../errors.js'
import { part } from '../parts.js'
import type { Work } from './argon2.js'

/** The 32 bytes that a passphrase comes to by Argon2id. */
export async function hash(passphrase: Uint8Array, work: Work): Promise<Uint8Array<ArrayBuffer>> {
  return 'document' in globalThis && 'Worker' in globalThis ? hashApart(passphrase, work) : (await part('argon2')).hash(passphrase, work)
}

async function hashApart(passphrase: Uint8Array, work: Work): Promise<Uint8Array<ArrayBuffer>> {
  const worker = new Worker(new URL('./argon2.js', import.meta.url), { type: 'module', name: 'stowage:argon2' })
  try {
    return await new Promise((resolve, reject) => {
      const failed = (cause: unknown) => reject(new StowageError('unsupported', 'a passphrase could not be hashed: no worker, or no memory for it', { cause }))
      worker.onmessage = ({ data }) => (data instanceof Uint8Array ? resolve(data as Uint8Array<ArrayBuffer>) : failed(data))
      worker.onerror = event => {
        event.preventDefault()
        failed(event.message)
      }
      worker.postMessage([passphrase, work])
    })
  } finally {
    worker.terminate()
  }
}
