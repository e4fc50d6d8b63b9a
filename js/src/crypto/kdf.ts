/*
 * What a user unlocks with, and how a key is made of it. Go has the same in crypto/kdf.go.
 */
import { StowageError } from '../errors.js'
import { hash } from './hasher.js'
import { type Bytes, concat, draw, keyBytes, readU32, subtle, text, u32 } from './wrap.js'

/** What unlocks a slot. The numbers are stored. */
export const enum Kind {
  /** 32 bytes that the user keeps; they are the KEK. */
  Key = 1,
  /** A passphrase, hashed by RFC 9106. */
  Argon2id = 2,
  /** A passphrase, by RFC 8018 with HMAC-SHA-256, where memory is scarce. */
  PBKDF2 = 3,
}

/** How the KEK of a slot is made of a secret. */
export type KDF =
  | { kind: Kind.Key }
  | { kind: Kind.Argon2id; memory: number; time: number; parallel: number; salt: Bytes }
  | { kind: Kind.PBKDF2; iterations: number; salt: Bytes }

/** How a passphrase is hashed: `memory` in KiB. */
export type Cost = { memory: number; time: number; parallel: number } | { iterations: number }

export const standardCost: Cost = { memory: 64 << 10, time: 3, parallel: 1 }

/** What a user unlocks with: a passphrase, in NFC and UTF-8, or a key of AES-256-GCM. */
export type Secret = { passphrase: Bytes } | { key: CryptoKey }

const saltBytes = 16

/** What is stored of a KDF beside its kind. */
export function parameters(kdf: KDF): Bytes {
  if (kdf.kind === Kind.Argon2id) return concat(u32(kdf.memory), u32(kdf.time), [kdf.parallel], kdf.salt)
  return kdf.kind === Kind.PBKDF2 ? concat(u32(kdf.iterations), kdf.salt) : new Uint8Array(0)
}

/** Reads what parameters has written; undefined where it is anything else, or would cost more or less than it may. */
export function readKDF(kind: number, bytes: Bytes): KDF | undefined {
  const kdf = read(kind, bytes)
  return kdf !== undefined && isWithinBounds(kdf) ? kdf : undefined
}

function read(kind: number, bytes: Bytes): KDF | undefined {
  if (kind === Kind.Key && bytes.length === 0) return { kind }
  if (kind === Kind.Argon2id && bytes.length === 9 + saltBytes) {
    return { kind, memory: readU32(bytes), time: readU32(bytes, 4), parallel: bytes[8]!, salt: bytes.slice(9) }
  }
  if (kind === Kind.PBKDF2 && bytes.length === 4 + saltBytes) return { kind, iterations: readU32(bytes), salt: bytes.slice(4) }
  return undefined
}

/** The lower bounds hold when writing as when reading; the upper ones keep a forged ring from taking all memory, or an hour. */
function isWithinBounds(kdf: KDF): boolean {
  const within = (n: number, least: number, most: number) => Number.isInteger(n) && least <= n && n <= most
  if (kdf.kind === Kind.Argon2id) return within(kdf.memory, 19 << 10, 1 << 20) && within(kdf.time, 2, 16) && within(kdf.parallel, 1, 16)
  return kdf.kind === Kind.Key || within(kdf.iterations, 600_000, 10_000_000)
}

/** A KDF for a new slot, with a salt of its own. */
export function newKDF(secret: Secret, cost: Cost): KDF {
  if ('key' in secret) return { kind: Kind.Key }
  const salt = draw(saltBytes)
  const kdf: KDF = 'iterations' in cost ? { kind: Kind.PBKDF2, ...cost, salt } : { kind: Kind.Argon2id, ...cost, salt }
  if (isWithinBounds(kdf)) return kdf
  throw new StowageError('invalid_option', 'encrypt: the cost of hashing a passphrase is out of bounds')
}

/** Text that looks the same is the same passphrase: it is normalised to NFC. */
export async function readSecret({ passphrase, key }: { passphrase?: string | undefined; key?: Uint8Array | CryptoKey | undefined }): Promise<Secret> {
  if (passphrase !== undefined) return { passphrase: text(passphrase.normalize('NFC')) as Bytes }
  if (key instanceof Uint8Array) return { key: await importCipher(key.slice()) }
  if (key !== undefined) return { key }
  throw new StowageError('key_required', 'the environment is locked')
}

async function importCipher(raw: Bytes): Promise<CryptoKey> {
  const key = await subtle().importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt'])
  raw.fill(0)
  return key
}

/** Whether a slot of this kind may open with the secret. */
export const opens = (kdf: KDF, secret: Secret): boolean => (kdf.kind === Kind.Key) === 'key' in secret

/** Hashes the secret, within the time and memory that the KDF asks for. */
export async function makeKEK(kdf: KDF, secret: Secret): Promise<CryptoKey> {
  if ('key' in secret) return secret.key
  if (kdf.kind === Kind.Argon2id) return importCipher(await hash(secret.passphrase, kdf))
  const { iterations, salt } = kdf as Extract<KDF, { kind: Kind.PBKDF2 }>
  const base = await subtle().importKey('raw', secret.passphrase, 'PBKDF2', false, ['deriveKey'])
  const method = { name: 'PBKDF2', hash: 'SHA-256', iterations, salt }
  return subtle().deriveKey(method, base, { name: 'AES-GCM', length: keyBytes * 8 }, false, ['encrypt', 'decrypt'])
}
