/*
 * The checksum of a shape: the sum, modulo 2⁶⁴, of FNV-1a (64 bit) over each row. Of a row go in, for each column in
 * the byte order of their names, the length of its text as four bytes, big-endian, and the text in UTF-8; ff ff ff ff for NULL.
 * A sum is kept up to date when rows come, go and change, so that nothing has to be read to verify it.
 */
import { type Columns, type Row, type Texts, writeText } from './value.js'

const utf8 = new TextEncoder()
const ascii = /^[\0-\x7f]*$/

/** The names of columns in the order in which they are hashed. */
export function hashed(columns: Columns): string[] {
  return Object.keys(columns).sort(byteOrder)
}

function byteOrder(a: string, b: string): number {
  const [left, right] = [utf8.encode(a), utf8.encode(b)]
  for (let i = 0; i < left.length && i < right.length; i++) if (left[i] !== right[i]) return left[i]! - right[i]!
  return left.length - right.length
}

/** The hash of a row's texts. In two halves, for a bigint for each byte would cost more than all the rest. */
export function hashTexts(texts: Texts, names: readonly string[]): bigint {
  let high = 0xcbf29ce4
  let low = 0x84222325
  const add = (byte: number) => {
    const mixed = (low ^ byte) >>> 0
    const product = mixed * 0x1b3 // below 2⁵³
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 0x1_0000_0000) + (mixed << 8)) >>> 0
    low = product >>> 0
  }
  const addLength = (length: number) => {
    for (let shift = 24; shift >= 0; shift -= 8) add((length >>> shift) & 255)
  }
  for (const name of names) {
    const text = texts[name] ?? null
    if (text === null) {
      addLength(0xffffffff)
      continue
    }
    if (ascii.test(text)) { // nearly all are, and are not worth a call of the encoder
      addLength(text.length)
      for (let i = 0; i < text.length; i++) add(text.charCodeAt(i))
      continue
    }
    const bytes = utf8.encode(text)
    addLength(bytes.length)
    for (let i = 0; i < bytes.length; i++) add(bytes[i]!)
  }
  return (BigInt(high) << 32n) | BigInt(low)
}

/** The hash of a row that is stored. */
export function hashRow(row: Row, columns: Columns, names: readonly string[]): bigint {
  const texts: Texts = {}
  for (const name of names) texts[name] = writeText(row[name], columns[name]?.type)
  return hashTexts(texts, names)
}

/** Sixteen hexadecimal digits. */
export function writeSum(sum: bigint): string {
  return BigInt.asUintN(64, sum).toString(16).padStart(16, '0')
}
