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

/** The hash of a row's texts. */
export function hashTexts(texts: Texts, names: readonly string[]): bigint {
  high = 0xcbf29ce4 | 0
  low = 0x84222325 | 0
  for (const name of names) {
    const text = texts[name] ?? null
    if (text === null) addLength(-1)
    else if (ascii.test(text)) { // nearly all are, and are not worth a call of the encoder
      addLength(text.length)
      for (let i = 0; i < text.length; i++) add(text.charCodeAt(i))
    } else {
      const bytes = utf8.encode(text)
      addLength(bytes.length)
      for (let i = 0; i < bytes.length; i++) add(bytes[i]!)
    }
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}

/** The hash so far, in halves: a bigint for each byte would cost more than all the rest. */
let high = 0
let low = 0

/** One step of FNV-1a, whose prime is 2⁴⁰ + 1b3. The lower half goes by 16 bits, so that all products are whole numbers of 32. */
function add(byte: number): void {
  const mixed = low ^ byte
  const right = (mixed & 0xffff) * 0x1b3
  const left = (mixed >>> 16) * 0x1b3 + (right >>> 16)
  high = (Math.imul(high, 0x1b3) + (left >>> 16) + (mixed << 8)) | 0
  low = (left << 16) | (right & 0xffff)
}

function addLength(length: number): void {
  for (let shift = 24; shift >= 0; shift -= 8) add((length >>> shift) & 255)
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
