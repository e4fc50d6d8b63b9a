/*
 * Keys under keys, by WebCrypto. Go has the same in crypto/wrap.go.
 */
import { StowageError } from '../errors.js'

/** Bytes that have memory of their own, which WebCrypto insists on. */
export type Bytes = Uint8Array<ArrayBuffer>

/** A key sealed under another: nonce 12 · ciphertext 32 · tag 16. */
export const wrappedBytes = 60
export const nonceBytes = 12
export const tagBytes = 16
export const keyBytes = 32

/** Pages that did not come over HTTPS have no WebCrypto. */
export function subtle(): SubtleCrypto {
  const { subtle } = globalThis.crypto ?? {}
  if (subtle === undefined) throw new StowageError('unsupported', 'encryption needs WebCrypto: a page from HTTPS or localhost')
  return subtle
}

export const draw = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length))

export function concat(...parts: ArrayLike<number>[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

const utf8 = new TextEncoder()

export const text = (text: string): Uint8Array => utf8.encode(text)

/** A number of 32 bits, big-endian. */
export const u32 = (n: number): Bytes => Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n)

export const readU32 = (bytes: Uint8Array, at = 0): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at)

/** A key that others are derived from. It cannot be read out again. */
export const importKey = (raw: Bytes): Promise<CryptoKey> => subtle().importKey('raw', raw, 'HKDF', false, ['deriveKey'])

const hkdf = (salt: Bytes, use: string) => ({ name: 'HKDF', hash: 'SHA-256', salt, info: text(use) as Bytes })

/** Derives a key of AES-256-GCM, one a salt and use. */
export const deriveCipher = (from: CryptoKey, salt: Bytes, use: string): Promise<CryptoKey> =>
  subtle().deriveKey(hkdf(salt, use), from, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])

/** Derives a key of HMAC-SHA-256. */
export const deriveMac = (from: CryptoKey, salt: Bytes, use: string): Promise<CryptoKey> =>
  subtle().deriveKey(hkdf(salt, use), from, { name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign', 'verify'])

/** Seals a key under another, for one use that label tells. */
export async function wrap(under: CryptoKey, raw: Bytes, label: Bytes, nonce = draw(nonceBytes)): Promise<Bytes> {
  const sealed = await subtle().encrypt({ name: 'AES-GCM', iv: nonce, additionalData: label }, under, raw)
  return concat(nonce, new Uint8Array(sealed))
}

/** Undoes wrap; undefined where the key is another, or something was changed. Whoever has it overwrites it after use. */
export async function unwrap(under: CryptoKey, wrapped: Bytes, label: Bytes): Promise<Bytes | undefined> {
  const { buffer, byteOffset } = wrapped
  const iv = new Uint8Array(buffer, byteOffset, nonceBytes)
  try {
    return new Uint8Array(await subtle().decrypt({ name: 'AES-GCM', iv, additionalData: label }, under, wrapped.subarray(nonceBytes)))
  } catch {
    return undefined
  }
}
