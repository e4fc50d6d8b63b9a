/*
 * Argon2id, RFC 9106. This file is a bundle of its own, loaded when a passphrase is
 * hashed; in a page it is a worker too, which takes the second that hashing lasts
 * off the page's thread and gives its memory back afterwards.
 */
import { argon2id } from 'hash-wasm'

import { StowageError } from '../errors.js'

/** The cost of one hash: memory in KiB. */
export interface Work {
  memory: number
  time: number
  parallel: number
  salt: Uint8Array
}

const workerName = 'stowage:argon2'

/** The 32 bytes that a passphrase comes to. */
export function hash(passphrase: Uint8Array, work: Work): Promise<Uint8Array<ArrayBuffer>> {
  return 'document' in globalThis && 'Worker' in globalThis ? apart(passphrase, work) : hashHere(passphrase, work)
}

async function hashHere(password: Uint8Array, { memory, time, parallel, salt }: Work): Promise<Uint8Array<ArrayBuffer>> {
  const options = { password, salt, iterations: time, parallelism: parallel, memorySize: memory, hashLength: 32 }
  return new Uint8Array(await argon2id({ ...options, outputType: 'binary' }))
}

async function apart(passphrase: Uint8Array, work: Work): Promise<Uint8Array<ArrayBuffer>> {
  const worker = new Worker(new URL('./argon2.js', import.meta.url), { type: 'module', name: workerName })
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

if ((globalThis as { name?: string }).name === workerName && !('document' in globalThis)) {
  globalThis.onmessage = async ({ data: [passphrase, work] }: MessageEvent<[Uint8Array, Work]>) => {
    const made: unknown = await hashHere(passphrase, work).catch(String)
    ;(globalThis as unknown as { postMessage(made: unknown): void }).postMessage(made)
  }
}
