/*
 * Slots and epochs of a key ring. Go has the same in crypto/slot.go and crypto/epoch.go.
 */
import { type KDF, parameters } from './kdf.js'
import { type Bytes, concat, deriveCipher, text, u32, unwrap, wrap } from './wrap.js'

/** One way to open a ring: the master key, wrapped under the KEK that its KDF makes of a secret. */
export interface Slot {
  id: number
  kdf: KDF
  wrapped: Bytes
}

/** Binds a slot to its environment, place and cost. */
const slotLabel = (env: Bytes, id: number, kdf: KDF) => concat(text('stowage/1 slot'), env, u32(id), [kdf.kind], parameters(kdf))

export async function newSlot(env: Bytes, id: number, kdf: KDF, kek: CryptoKey, master: Bytes, nonce?: Bytes): Promise<Slot> {
  return { id, kdf, wrapped: await wrap(kek, master, slotLabel(env, id, kdf), nonce) }
}

/** The master key, if the KEK is the slot's. */
export const openSlot = (env: Bytes, { id, kdf, wrapped }: Slot, kek: CryptoKey) => unwrap(kek, wrapped, slotLabel(env, id, kdf))

/** A span of an environment's life in which blobs are sealed under one data key, and that key. Rotation begins another. */
export interface Epoch {
  /** From 1, growing. */
  number: number
  wrapped: Bytes
}

const epochLabel = (env: Bytes, number: number) => concat(text('stowage/1 epoch'), env, u32(number))

/** What the data keys of an environment are wrapped under. */
export const epochsKey = (env: Bytes, master: CryptoKey) => deriveCipher(master, env, 'stowage/1 epochs')

export async function newEpoch(env: Bytes, number: number, under: CryptoKey, data: Bytes, nonce?: Bytes): Promise<Epoch> {
  return { number, wrapped: await wrap(under, data, epochLabel(env, number), nonce) }
}

/** The data key, unless the epoch was changed. */
export const openEpoch = (env: Bytes, { number, wrapped }: Epoch, under: CryptoKey) => unwrap(under, wrapped, epochLabel(env, number))
