/*
 * Reads the tuples that key.ts writes. The engine has the same in
 * query/keydecode.go; both are held to the vectors in query/testdata/keys.json.
 */
import { check } from '../coder/coder.js'
import { encodeKey, maxDepth, Tag } from './key.js'
import type { Key } from './types.js'

/**
 * Returns the values of a key's components. A number comes back as a bigint where
 * it has more bits than a number holds; missing comes back as null. Throws for
 * bytes that are no key, and for what has no order; the coder tells what.
 */
export function readKey(bytes: Uint8Array): (Key | null)[] {
  const reader = new KeyReader(bytes)
  const values: (Key | null)[] = []
  while (reader.at < bytes.length) values.push(reader.value(0))
  return values
}

class KeyReader {
  at = 0

  constructor(private readonly bytes: Uint8Array) {}

  value(depth: number): Key | null {
    switch (this.byte()) {
      case Tag.Missing:
      case Tag.Null:
        return null
      case Tag.False:
        return false
      case Tag.True:
        return true
      case Tag.Number:
        return this.number()
      case Tag.Date:
        return this.date()
      case Tag.String:
        return decoder.decode(this.text())
      case Tag.Bytes:
        return this.text()
      case Tag.List:
        return this.list(depth)
    }
    check(false)
  }

  private byte(): number {
    const byte = this.bytes[this.at++]
    check(byte !== undefined)
    return byte
  }

  private list(depth: number): Key {
    check(depth < maxDepth)
    const values: (Key | null)[] = []
    for (;;) {
      if (this.byte() === 0) return values as Key[]
      this.at--
      values.push(this.value(depth + 1))
    }
  }

  /** The bytes up to a zero that no 0xFF follows. */
  private text(): Uint8Array {
    const text: number[] = []
    for (;;) {
      const byte = this.byte()
      if (byte === 0 && this.bytes[this.at] !== 0xff) return Uint8Array.from(text)
      if (byte === 0) this.at++
      text.push(byte)
    }
  }

  private date(): Date {
    const milliseconds = this.number()
    const date = new Date(Number(milliseconds))
    check(date.getTime() === milliseconds)
    return date
  }

  /** The inverse of writeMagnitude: groups of seven bits, shifted in from the last to the first. */
  private number(): number | bigint {
    const start = this.at
    const flip = this.byte() < 0x80 ? 0xff : 0
    this.at = start
    while (((this.byte() ^ flip) & 1) !== 0) continue
    let high = 0
    let low = 0
    let rest = 0
    for (let i = this.at; i-- > start; ) {
      rest = (rest >>> 7) | ((low & 0x7f) << 4)
      low = ((low >>> 7) | (high << 25)) >>> 0
      high = ((high >>> 7) | (((this.bytes[i]! ^ flip) >>> 1) << 25)) >>> 0
    }
    float.setUint32(0, high & 0x7fffffff)
    float.setUint32(4, low)
    const value = join(flip !== 0, float.getFloat64(0), rest)
    check(this.wrote(value, start))
    return value
  }

  /** Each number has one body only: whether the one that ends here is that of value. */
  private wrote(value: number | bigint, start: number): boolean {
    if (Number.isNaN(value)) return false
    const body = encodeKey(value).subarray(1)
    return body.length === this.at - start && body.every((byte, i) => byte === this.bytes[start + i])
  }
}

const float = new DataView(new ArrayBuffer(8))

function join(negative: boolean, magnitude: number, residual: number): number | bigint {
  if (residual === 0) return negative ? -magnitude : magnitude
  if (!Number.isInteger(magnitude)) return Number.NaN
  const whole = BigInt(magnitude) + BigInt(residual)
  return negative ? -whole : whole
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
