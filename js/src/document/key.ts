/*
 * Keys are tuples whose bytes sort as their values do. A key is a concatenation
 * of components, each a tag byte and a body; the order of the tags is the order
 * of the types:
 *
 *   0x05 null · 0x10 false · 0x11 true · 0x20 number · 0x30 date · 0x40 string
 *   0x50 bytes · 0x60 list (its components, then 0x00)
 *
 * The engine has the same codec in query/key.go; both are held to the vectors
 * in query/testdata/keys.json. keydecode.ts reads keys again.
 */
import { StowageError } from '../errors.js'

/** The tags in their order. Missing stands in indexes only; this side never writes it. */
export const enum Tag {
  Missing = 0x01,
  Null = 0x05,
  False = 0x10,
  True = 0x11,
  Number = 0x20,
  Date = 0x30,
  String = 0x40,
  Bytes = 0x50,
  List = 0x60,
}

/** What a key is written to. FrameWriter is one. */
export interface KeySink {
  byte(value: number): void
}

/** The deepest list a key may hold. */
export const maxDepth = 200

/** Appends one value as a component. Throws `invalid_key` for what has no place in the order. */
export function writeKey(sink: KeySink, value: unknown, depth = 0): void {
  switch (typeof value) {
    case 'string':
      sink.byte(Tag.String)
      return writeString(sink, value)
    case 'number':
      sink.byte(Tag.Number)
      return writeNumber(sink, value)
    case 'bigint':
      sink.byte(Tag.Number)
      return writeBigint(sink, value)
    case 'boolean':
      return sink.byte(value ? Tag.True : Tag.False)
    case 'object':
      return writeObject(sink, value, depth)
    default:
      throw new StowageError('invalid_key', `a key cannot be of type ${typeof value}`)
  }
}

/** Returns the key of one value, in bytes of its own. */
export function encodeKey(value: unknown): Uint8Array {
  const bytes: number[] = []
  writeKey({ byte: b => void bytes.push(b) }, value)
  return Uint8Array.from(bytes)
}

function writeObject(sink: KeySink, value: object | null, depth: number): void {
  if (value === null) return sink.byte(Tag.Null)
  if (value instanceof Date) {
    sink.byte(Tag.Date)
    return writeNumber(sink, value.getTime())
  }
  if (value instanceof Uint8Array) {
    sink.byte(Tag.Bytes)
    for (const b of value) writeEscaped(sink, b)
    return sink.byte(0)
  }
  if (!Array.isArray(value)) throw new StowageError('invalid_key', 'a key cannot be an object')
  if (depth >= maxDepth) throw new StowageError('too_deep', `a key is nested deeper than ${maxDepth}`)
  sink.byte(Tag.List)
  for (const item of value) writeKey(sink, item, depth + 1)
  sink.byte(0)
}

/** UTF-8 with every zero byte followed by 0xFF, then a zero. A lone surrogate becomes U+FFFD, as in TextEncoder. */
function writeString(sink: KeySink, text: string): void {
  for (let i = 0; i < text.length; i++) {
    let c = text.charCodeAt(i)
    if (c < 0x80) {
      writeEscaped(sink, c)
      continue
    }
    if (c >= 0xd800 && c < 0xe000) {
      const low = c < 0xdc00 ? text.charCodeAt(i + 1) : 0
      if (low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00)
        i++
      } else {
        c = 0xfffd
      }
    }
    if (c < 0x800) {
      sink.byte(0xc0 | (c >> 6))
    } else if (c < 0x10000) {
      sink.byte(0xe0 | (c >> 12))
      sink.byte(0x80 | ((c >> 6) & 0x3f))
    } else {
      sink.byte(0xf0 | (c >> 18))
      sink.byte(0x80 | ((c >> 12) & 0x3f))
      sink.byte(0x80 | ((c >> 6) & 0x3f))
    }
    sink.byte(0x80 | (c & 0x3f))
  }
  sink.byte(0)
}

function writeEscaped(sink: KeySink, b: number): void {
  sink.byte(b)
  if (b === 0) sink.byte(0xff)
}

const float = new DataView(new ArrayBuffer(8))

/** Residuals have this many bits: what an integer below 2^64 has over the 53 of a float64. */
const residualBits = 11

function writeNumber(sink: KeySink, value: number): void {
  if (Number.isNaN(value)) throw new StowageError('invalid_key', 'NaN has no place in the order of keys')
  writeMagnitude(sink, Math.abs(value), 0, value < 0)
}

/**
 * Integers have one order whatever their type: the float64 nearest towards zero,
 * then what is missing to the integer.
 */
function writeBigint(sink: KeySink, value: bigint): void {
  const negative = value < 0n
  const magnitude = negative ? -value : value
  if (magnitude > 1n << 64n) throw new StowageError('invalid_key', 'an integer key must not exceed 2^64')
  let near = Number(magnitude)
  if (BigInt(near) > magnitude) near = below(near)
  writeMagnitude(sink, near, Number(magnitude - BigInt(near)), negative)
}

/** The next float64 towards zero. */
function below(value: number): number {
  float.setFloat64(0, value)
  float.setBigUint64(0, float.getBigUint64(0) - 1n)
  return float.getFloat64(0)
}

/**
 * Writes the 64 bits of the float, its sign bit set, and 11 bits of residual in
 * groups of seven, most significant first. Each byte is a group and, lowest, a
 * bit that tells whether any later bit is set; the first byte without it is the
 * last. For a negative number every byte is complemented.
 */
function writeMagnitude(sink: KeySink, magnitude: number, residual: number, negative: boolean): void {
  float.setFloat64(0, magnitude)
  // The 75 bits as three numbers: 32, 32 and 11 bits wide.
  let high = (float.getUint32(0) | 0x80000000) >>> 0
  let low = float.getUint32(4)
  let rest = residual
  const flip = negative ? 0xff : 0
  for (;;) {
    const group = high >>> 25
    high = ((high << 7) | (low >>> 25)) >>> 0
    low = ((low << 7) | (rest >>> (residualBits - 7))) >>> 0
    rest = (rest << 7) & ((1 << residualBits) - 1)
    const more = high !== 0 || low !== 0 || rest !== 0
    sink.byte(((group << 1) | (more ? 1 : 0)) ^ flip)
    if (!more) return
  }
}
