/*
 * What a column holds, between the text that an origin sends, which is that of Postgres, and the value that a row has
 * here: numbers and bigints, booleans, bytes, what JSON says, lists. Everything else stays a text, numeric too, for
 * a number would round it.
 */
import { StowageError } from '../errors.js'

/** What `electric-schema` tells of a column. */
export interface Column {
  type: string
  /** How many dimensions an array has; 0 for what is none. */
  dims?: number
  /** Its place in the primary key. */
  pk_index?: number
}

/** The columns of a shape by their names. */
export type Columns = Record<string, Column>

/** A row as an origin sends it. */
export type Texts = Record<string, string | null>

/** A row as it is stored. */
export type Row = Record<string, unknown>

/** Reads a row. Columns that the schema does not have are texts. */
export function readRow(texts: Texts, columns: Columns): Row {
  const row: Row = {}
  for (const name in texts) row[name] = readText(texts[name]!, columns[name])
  return row
}

/** Reads the text of a value. */
export function readText(text: string | null, column: Column | undefined): unknown {
  if (text === null || column === undefined) return text
  if ((column.dims ?? 0) > 0) return readArray(text, column.type)
  return readScalar(text, column.type)
}

function readScalar(text: string, type: string): unknown {
  switch (type) {
    case 'int2': case 'int4': case 'int8': {
      const number = Number(text)
      return Number.isSafeInteger(number) ? number : BigInt(text)
    }
    case 'float4': case 'float8':
      return Number(text)
    case 'bool':
      return text === 'true' || text === 't'
    case 'json': case 'jsonb':
      return JSON.parse(text)
    case 'bytea':
      return readHex(text)
  }
  return text
}

function readHex(text: string): Uint8Array {
  if (!/^\\x([0-9a-f]{2})*$/i.test(text)) throw new StowageError('origin_failed', 'the origin sent bytes that are no hexadecimal digits')
  const bytes = new Uint8Array(text.length / 2 - 1)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i + 2, 2 * i + 4), 16)
  return bytes
}

/** Reads '{1,{2,NULL},"a\"b"}'. */
function readArray(text: string, type: string): unknown[] {
  let at = 0
  const list = (): unknown[] => {
    const items: unknown[] = []
    at++ // the brace
    while (at < text.length && text[at] !== '}') {
      if (text[at] === ',') at++
      items.push(text[at] === '{' ? list() : item())
    }
    at++
    return items
  }
  const item = (): unknown => {
    if (text[at] !== '"') {
      const from = at
      while (at < text.length && text[at] !== ',' && text[at] !== '}') at++
      const plain = text.slice(from, at)
      return plain === 'NULL' ? null : readScalar(plain, type)
    }
    let quoted = ''
    for (at++; at < text.length && text[at] !== '"'; at++) quoted += text[at] === '\\' ? text[++at] : text[at]
    at++
    return readScalar(quoted, type)
  }
  return list()
}

/** The text that a value was read from, if it is written as an origin writes it; see Checksum. */
export function writeText(value: unknown, type: string | undefined): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  if (typeof value === 'number' && type?.startsWith('float')) return writeFloat(value)
  if (value instanceof Uint8Array) return `\\x${Array.from(value, byte => byte.toString(16).padStart(2, '0')).join('')}`
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** The fewest digits that read as the same number, with an exponent below 1e-4 and from 1e15, of two digits at least. */
function writeFloat(value: number): string {
  const size = Math.abs(value)
  if (!Number.isFinite(value) || size === 0 || (size >= 1e-4 && size < 1e15)) return String(value)
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
}
