/*
 * How structures stand in a store of bytes: FORMAT.md draws it.
 *
 * The other side is store/structure/layout.go.
 */
import { StowageError } from '../errors.js'

/** What a key holds, as Redis names it; the place in the list is the number in headers. */
export const kinds = ['none', 'string', 'hash', 'zset'] as const
export type Kind = (typeof kinds)[number]

/** What the keys of the store begin with. */
export const enum Tag {
  Header = 1,
  Member = 2,
  Score = 3,
  Expiry = 4,
  Remains = 5,
  Count = 6,
}

/** What stands under a key. */
export interface Header {
  kind: Kind
  /** Milliseconds since 1970, 0 for never. */
  expires: number
  /** Of a string. */
  value: Uint8Array
  /** Differs from that of what the key held before and is not removed yet. */
  version: number
  /** Of fields or members. */
  count: number
  /** Of a sorted set: see ranks.ts. */
  levels: number
  /** What spreads the members over levels; empty where there are none, and in sets to which older programs gave levels. */
  salt: Uint8Array
}

export const scoreBytes = 8
export const saltBytes = 8
const maxKeyBytes = 4096
const utf8 = new TextEncoder()
const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
export const nothing = new Uint8Array(0)

/** Half a character: bytes of text cannot say it, and two that differ would be the same. */
export const halves = /\p{Surrogate}/u

export function encode(string: string): Uint8Array {
  if (typeof string !== 'string' || halves.test(string)) throw invalid('no text, or text with half a character')
  return utf8.encode(string)
}

export function decode(bytes: Uint8Array): string {
  try {
    return text.decode(bytes)
  } catch (cause) {
    throw new StowageError('undecodable', 'a key, field or member that is no text', { cause })
  }
}

export function join(...parts: (Uint8Array | readonly number[])[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

export function u32(n: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, n)
  return bytes
}

export function u64(n: number | bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(n))
  return bytes
}

export const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export function readCount(bytes: Uint8Array | undefined): number {
  if (bytes?.length !== 8) throw corrupt()
  return Number(view(bytes).getBigUint64(0))
}

export function packHeader(h: Header): Uint8Array {
  const head = join([kinds.indexOf(h.kind)], u64(h.expires))
  return h.kind === 'string' ? join(head, h.value) : join(head, u32(h.version), u64(h.count), [h.levels], h.salt)
}

export function readHeader(bytes: Uint8Array): Header {
  const kind = kinds[bytes[0] ?? 0]
  if (bytes.length < 9 || kind === undefined || kind === 'none' || kind !== 'string' && bytes.length !== 22 && (bytes.length !== 22 + saltBytes || bytes[21] === 0)) throw corrupt()
  const header = { kind, expires: Number(view(bytes).getBigUint64(1)), value: nothing, version: 0, count: 0, levels: 0, salt: nothing }
  if (kind === 'string') return { ...header, value: bytes.subarray(9) }
  return { ...header, version: view(bytes).getUint32(9), count: Number(view(bytes).getBigUint64(13)), levels: bytes[21]!, salt: bytes.subarray(22) }
}

/** What names a structure: text, or bytes as they were found. Those of Go programs need not be text. */
export type Name = string | Uint8Array

const bytesOf = (key: Name): Uint8Array => (key instanceof Uint8Array ? key : encode(key))

export const headerKey = (key: Name): Uint8Array => join([Tag.Header], bytesOf(key))
export const expiryKey = (at: number, key: Name): Uint8Array => join([Tag.Expiry], u64(at), bytesOf(key))

/** A tag and a key's name. */
export function named(tag: Tag, key: Name): Uint8Array {
  const bytes: number[] = [tag]
  for (const byte of bytesOf(key)) byte === 0 ? bytes.push(0, 0xff) : bytes.push(byte)
  return Uint8Array.from([...bytes, 0, 0])
}

/** A tag and what the records of a structure have in common behind it. */
export const common = (h: Header, tag: Tag, key: Name): Uint8Array => join(named(tag, key), u32(h.version))

export const memberKey = (h: Header, key: string, member: string): Uint8Array => join(common(h, Tag.Member, key), encode(member))

/** The order of texts by their bytes, which is not that of JavaScript where characters take two units. */
export function compare(one: string, other: string): number {
  const [a, b] = [encode(one), encode(other)]
  const at = a.findIndex((byte, i) => byte !== b[i])
  return at < 0 ? a.length - b.length : a[at]! - (b[at] ?? -1)
}

/** A score as bytes that sort like it: the bits of the number with the sign turned, or of a negative one all of them. */
export function packScore(score: number, above = false): Uint8Array {
  const bytes = new Uint8Array(scoreBytes)
  const v = view(bytes)
  v.setFloat64(0, score === 0 ? 0 : score)
  const bits = v.getBigUint64(0)
  v.setBigUint64(0, (bits >> 63n === 0n ? bits | (1n << 63n) : BigInt.asUintN(64, ~bits)) + (above ? 1n : 0n))
  return bytes
}

/** Reads a score from the beginning of bytes. */
export function readScore(bytes: Uint8Array): number {
  if (bytes.length < scoreBytes) throw corrupt()
  const v = view(bytes.slice(0, scoreBytes))
  const bits = v.getBigUint64(0)
  v.setBigUint64(0, bits >> 63n === 0n ? BigInt.asUintN(64, ~bits) : bits & ~(1n << 63n))
  const score = v.getFloat64(0)
  if (Number.isNaN(score)) throw corrupt()
  return score
}

/** What members of a sorted set sort by: score and member. */
export const placeOf = (score: number, member: string): Uint8Array => join(packScore(score), encode(member))

/** Fails where a key, or a field or member of it, is empty or too long. */
export function check(key: string, members: readonly string[] = []): void {
  if (typeof key !== 'string' || key === '' || halves.test(key)) throw new StowageError('invalid_key', 'the key of a structure is text, not empty')
  const room = maxKeyBytes - 1 - named(Tag.Header, key).length - 4 - scoreBytes
  if (room <= 0) throw new StowageError('too_large', 'the key of a structure')
  for (const member of members) {
    if (typeof member !== 'string' || member === '') throw invalid('a field or member is a string, not empty')
    if (member.length * 3 > room && encode(member).length > room) throw new StowageError('too_large', 'a field or member')
  }
}

export const invalid = (message: string): StowageError => new StowageError('invalid_argument', message)
export const corrupt = (): StowageError => new StowageError('corrupt', 'records of a structure contradict themselves')
