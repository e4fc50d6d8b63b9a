/*
 * Argon2id, RFC 9106. This file is a bundle of its own, loaded when a passphrase is
 * hashed; in a page it is the worker of crypto/hasher.ts. It imports nothing of the
 * package: bundlers refuse workers that start each other in a circle.
 */
import { argon2id } from 'hash-wasm'

/** The cost of one hash: memory in KiB. */
export interface Work {
  memory: number
  time: number
  parallel: number
  salt: Uint8Array
}

/** The 32 bytes that a passphrase comes to. */
export async function hash(password: Uint8Array, { memory, time, parallel, salt }: Work): Promise<Uint8Array<ArrayBuffer>> {
  const options = { password, salt, iterations: time, parallelism: parallel, memorySize: memory, hashLength: 32 }
  return new Uint8Array(await argon2id({ ...options, outputType: 'binary' }))
}

if ((globalThis as { name?: string }).name === 'stowage:argon2' && !('document' in globalThis)) {
  globalThis.onmessage = async ({ data: [passphrase, work] }: MessageEvent<[Uint8Array, Work]>) => {
    const made: unknown = await hash(passphrase, work).catch(String)
    ;(globalThis as unknown as { postMessage(made: unknown): void }).postMessage(made)
  }
}
