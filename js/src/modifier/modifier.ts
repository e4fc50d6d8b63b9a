import { StowageError } from '../errors.js'
import { isWhole } from '../name.js'
import { Options } from '../options.js'
import type { FrameWriter } from '../bridge/wire.js'

/**
 * A stage that everything passes on its way to where it is stored: what `compress`, `encrypt` and
 * `modifier` return, for the option `modifiers` of `open`.
 */
export interface Modifier {
  /** @internal The order of stages, and what they are stored as. */
  readonly kind: Kind
  /** @internal */
  readonly id: number
  /** @internal */
  readonly method: 's2' | 'deflate' | 'none' | Functions | Encryption
}

/** What opens an encrypted environment: a passphrase, or a key of 32 random bytes; as a CryptoKey, one of AES-GCM that encrypts and decrypts. */
export type Unlocker = { passphrase: string; key?: never } | { key: Uint8Array | CryptoKey; passphrase?: never }

/** How passphrases are hashed: by Argon2id with so many KiB of memory, passes and lanes; or by PBKDF2 with so many iterations. */
export interface HashOptions {
  argon2id?: { memory?: number; time?: number; parallel?: number }
  pbkdf2?: number
}

/** What there is of a secret, until the environment is locked. */
export interface Encryption {
  unlocker: Unlocker | undefined
  readonly cost: Cost
}

type Cost = { memory: number; time: number; parallel: number } | { iterations: number }

/** What is done to the keys of an environment. */
export type KeyChange =
  | ['slots']
  | ['verify', Unlocker]
  | ['add', Unlocker, Cost]
  | ['remove', number]
  | ['change', old: Unlocker, now: Unlocker, Cost]
  | ['rotate']
  | ['retire']
  | ['shred']

/** One way to open an environment. */
export interface SlotInfo {
  id: number
  kind: 'passphrase' | 'key'
  /** It is the one that has opened the environment here. */
  current: boolean
}

/** The kinds of stages, in the order that blobs pass them. The numbers are stored. */
export const enum Kind {
  Convert = 1,
  Compress = 2,
  Encrypt = 3,
  User = 4,
}

/** What a stage of your own does with the bytes of one blob. */
export interface Functions {
  seal(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>
  /** Undoes seal. */
  open(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>
}

const methods = ['none', 's2', 'deflate'] as const

/**
 * How blobs are compressed. 's2' is fast, and what is used without a word; 'deflate' makes them smaller by about
 * a quarter, and takes longer to write; 'none' leaves them. What it cannot shrink by an eighth is stored as it is.
 */
export function compress(method: (typeof methods)[number] = 's2'): Modifier {
  const id = methods.indexOf(method)
  if (id < 0) throw new StowageError('invalid_option', `compress: the method is one of ${methods.join(', ')}`)
  return { kind: Kind.Compress, id, method }
}

/**
 * A stage of your own, under a number that is stored with every blob: from 0 to 255, and never another one. It comes after
 * compression and encryption, or with `before` ahead of them. What it throws is the failure of the call
 * that needed it, which has changed nothing; so is an answer that is no Uint8Array, or does not come within a minute.
 *
 *     modifier(7, { seal: bytes => sign(bytes), open: bytes => verified(bytes) })
 */
export function modifier(id: number, functions: Functions & { before?: boolean }): Modifier {
  const o = new Options('modifier', functions)
  const [seal, open] = [o.function<Functions['seal']>('seal'), o.function<Functions['open']>('open')]
  const kind = o.boolean('before') === true ? Kind.Convert : Kind.User
  o.done()
  if (!Number.isInteger(id) || id < 0 || id > 255) throw new StowageError('invalid_option', 'modifier: the number of a stage is from 0 to 255')
  if (seal === undefined || open === undefined) throw new StowageError('invalid_option', 'modifier: seal and open must be functions')
  return { kind, id, method: { seal, open } }
}

/**
 * AES-256-GCM, under keys that a passphrase or key unlocks: with it nothing of documents, keys, indexes or names of tables is
 * stored as it is. Passphrases are hashed by Argon2id (64 MiB, 3 passes) unless it is said otherwise.
 *
 *     open('notes', { modifiers: [encrypt({ passphrase })] })
 */
export function encrypt(options: Unlocker & HashOptions): Modifier {
  const o = new Options('encrypt', options)
  const method: Encryption = { unlocker: readUnlocker(o), cost: readCost(o) }
  o.done()
  return { kind: Kind.Encrypt, id: 1, method }
}

/** @internal Reads one of passphrase and key. A string is never a key. */
export function readUnlocker(o: Options): Unlocker {
  const passphrase = o.string('passphrase')
  const key = o.any('key')
  if (passphrase !== undefined && key === undefined) {
    if (passphrase === '' || !isWhole(passphrase)) throw o.wrong('passphrase', 'text that is not empty')
    return { passphrase }
  }
  if (passphrase === undefined && key instanceof Uint8Array && key.length === 32) return { key: key.slice() }
  if (passphrase === undefined && isCipher(key)) return { key }
  throw o.wrong('key', '32 bytes or a CryptoKey of AES-GCM with 256 bits, where there is no passphrase')
}

/** @internal Whether two open the same slot. */
export function isSame(a: Unlocker, b: Unlocker): boolean {
  if (a.passphrase !== undefined || b.passphrase !== undefined) return a.passphrase === b.passphrase
  const [one, other] = [a.key, b.key]
  if (!(one instanceof Uint8Array) || !(other instanceof Uint8Array)) return one === other
  return one.every((byte, i) => byte === other[i]) // both have 32
}

function isCipher(key: unknown): key is CryptoKey {
  if (typeof CryptoKey === 'undefined' || !(key instanceof CryptoKey)) return false
  const { name, length } = key.algorithm as AesKeyAlgorithm
  return name === 'AES-GCM' && length === 256 && key.usages.includes('encrypt') && key.usages.includes('decrypt')
}

/** @internal */
export function readCost(o: Options): Cost {
  const iterations = o.integer('pbkdf2', { least: 600_000, most: 10_000_000 })
  const given = o.any('argon2id')
  if (iterations !== undefined && given === undefined) return { iterations }
  const of = new Options('argon2id', given)
  const cost = {
    memory: of.integer('memory', { least: 19 << 10, most: 1 << 20 }) ?? 64 << 10,
    time: of.integer('time', { least: 2, most: 16 }) ?? 3,
    parallel: of.integer('parallel', { least: 1, most: 16 }) ?? 1,
  }
  of.done()
  if (iterations !== undefined) throw o.wrong('pbkdf2', 'alone')
  return cost
}

/** @internal What a chain has to encrypt with. */
export function encryptionOf(chain: readonly Modifier[]): Encryption | undefined {
  return chain.find(m => m.kind === Kind.Encrypt)?.method as Encryption | undefined
}

/** @internal Puts other stages into a chain that several have. */
export function replace(chain: Modifier[], by: readonly Modifier[]): void {
  chain.splice(0, chain.length, ...by)
}

/** The chain of an environment, ordered by kind: compressed by S2 unless it is said otherwise. */
export function readModifiers(o: Options): Modifier[] {
  const given = (o.any('modifiers') ?? []) as readonly Modifier[]
  if (!Array.isArray(given) || !given.every(m => m?.kind >= Kind.Convert && m.method !== undefined)) {
    throw o.wrong('modifiers', 'a list of what compress(), encrypt() and modifier() return')
  }
  const chain = given.some(m => m.kind === Kind.Compress) ? [...given] : [compress(), ...given]
  chain.sort((a, b) => a.kind - b.kind)
  // Two compressions may stand in it: an environment on its way from one to the other needs both.
  if (new Set(chain.map(m => m.kind << 8 | m.id)).size < chain.length || chain.length > maxStages) throw o.wrong('modifiers', `a list of at most ${maxStages} different stages`)
  return ownChain(chain.filter(m => m.method !== 'none'))
}

/** @internal A chain for one environment alone: what locking forgets is its own. */
export function ownChain(chain: readonly Modifier[]): Modifier[] {
  return chain.map(m => (m.kind === Kind.Encrypt ? { ...m, method: { ...(m.method as Encryption) } } : m))
}

/** @internal A chain where there is one. */
export function givenModifiers(o: Options): Modifier[] | undefined {
  return o.any('modifiers') === undefined ? undefined : readModifiers(o)
}

/** The engine has the same bound. */
const maxStages = 8

/** @internal Whether a stage is made of functions, which no worker can be sent. */
export const isOwn = ({ method }: Modifier) => typeof method === 'object' && 'seal' in method

/** @internal Whether the host carries out a stage, rather than the engine. */
export const isHosted = ({ method }: Modifier) => method !== 's2'

/** Writes [[kind, id] …]. */
export function writeChain(frame: FrameWriter, chain: readonly Modifier[]): FrameWriter {
  frame.array(chain.length)
  for (const { kind, id } of chain) frame.array(2).uint(kind).uint(id)
  return frame
}
