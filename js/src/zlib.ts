/*
 * The zlib format, RFC 1950. This file is a bundle of its own, loaded with the
 * first value that is compressed, where the engine runs.
 */
import { Inflate, zlibSync } from 'fflate'

import { StowageError } from './errors.js'

/** What compressed bytes may grow to: no value is larger. */
const maxPlain = 64 << 20

/** Packed bytes are inflated in steps of so many, each of which can become a thousand times as many. */
const step = 1 << 12

export function deflate(plain: Uint8Array, level: number): Uint8Array {
  return zlibSync(plain, { level: level as 0 })
}

/** Throws `undecodable` where packed is not all of one stream, `too_large` where it grows over all bounds. */
export function inflate(packed: Uint8Array): Uint8Array {
  if (packed.length < 6 || !isHeader(packed[0]!, packed[1]!)) throw undecodable()
  const plain = inflateRaw(packed.subarray(2, -4))
  const sum = new DataView(packed.buffer, packed.byteOffset + packed.length - 4, 4).getUint32(0)
  if (sum !== adler32(plain)) throw undecodable()
  return plain
}

/** Deflate, a window of at most 32 KiB, no dictionary, and the check bits. */
function isHeader(method: number, flags: number): boolean {
  return (method & 0x8f) === 8 && (flags & 0x20) === 0 && ((method << 8) | flags) % 31 === 0
}

function inflateRaw(packed: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = []
  let length = 0
  const stream = new Inflate(part => {
    parts.push(part)
    length += part.length
  })
  for (let at = 0; at === 0 || at < packed.length; at += step) {
    try {
      stream.push(packed.slice(at, at + step), at + step >= packed.length)
    } catch (cause) {
      throw undecodable(cause)
    }
    if (length > maxPlain) throw new StowageError('too_large', `a compressed value is larger than ${maxPlain} bytes`)
  }
  return joined(parts, length)
}

function joined(parts: Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0]!
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function adler32(bytes: Uint8Array): number {
  let a = 1
  let b = 0
  for (let at = 0; at < bytes.length; ) {
    // So many sums stay below 2³².
    for (const end = Math.min(at + 3800, bytes.length); at < end; at++) b += a += bytes[at]!
    a %= 65521
    b %= 65521
  }
  return b * 65536 + a
}

function undecodable(cause?: unknown): StowageError {
  return new StowageError('undecodable', 'these bytes are not those of a compressed value', { cause })
}
