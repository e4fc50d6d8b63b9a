/*
 * Documents as MessagePack. What msgpackr would store as something else without
 * a word (a function, a Map, a Promise, a Blob) is refused, so that what comes back
 * is what went in. An object of a class comes back as a plain one. Beside that only
 * these differ: −0 is 0, a hole in a list is undefined, a member of the name
 * __proto__ has the name __proto_, and half of a surrogate pair is read as U+FFFD.
 */
import { addExtension, C1, Packr, Unpackr } from 'msgpackr'

import { type ErrorCode, StowageError } from './errors.js'

const packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false } as object)
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, copyBuffers: true } as object)

function refuse(what: string): never {
  throw new StowageError('invalid_document', `a document cannot hold ${what}`)
}

function unknown(): never {
  throw new StowageError('undecodable', 'these bytes hold a type that is never stored')
}

/** What an object says it is: Object also where its class is the caller's own. */
const kindOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1)

/** The class of all that is more than its members, and no list, date or bytes. */
const Foreign = {
  [Symbol.hasInstance]: (value: unknown) =>
    !Array.isArray(value) && !(value instanceof Date) && !(value instanceof Uint8Array) && kindOf(value) !== 'Object',
}

/** msgpackr asks for these where it does not know better than to write members. Of a Map it knows the class. */
addExtension({ Class: Foreign, type: 0x7f, pack: (value: unknown) => refuse(`a ${kindOf(value)}`), unpack: unknown } as never)
Object.defineProperty(packr, 'mapAsEmptyObject', { get: () => refuse('a Map') })

/** The largest nesting of a document; the engine has the same bound. */
export const maxDepth = 200

/** Packs one document. */
export function packDocument(document: unknown): Uint8Array {
  if (!isDocument(document)) throw new StowageError('invalid_document', 'a document must be an object')
  try {
    return packr.pack(document)
  } catch (error) {
    throw explain(error, document)
  }
}

/** Packs documents as one list. */
export function packDocuments(documents: readonly unknown[]): Uint8Array {
  for (const document of documents) {
    if (!isDocument(document)) throw new StowageError('invalid_document', 'a document must be an object')
  }
  try {
    return packr.pack(documents)
  } catch (error) {
    throw explain(error, documents)
  }
}

/** Packs any value for a frame: a filter, a query. */
export function packValue(value: unknown): Uint8Array {
  return pack(value, 'invalid_query')
}

/** Packs a value that the engine does not look into, so that its nesting is bounded here. */
export function packPlain(value: unknown): Uint8Array {
  const bytes = pack(value, 'invalid_argument')
  const shape = bytes.length > maxDepth ? nesting(value, []) : undefined
  if (shape !== undefined) throw shape
  return bytes
}

function pack(value: unknown, code: ErrorCode): Uint8Array {
  try {
    return packr.pack(value)
  } catch (error) {
    const known = explain(error, value)
    throw known.code === 'invalid_document' ? new StowageError(code, known.message, { cause: known }) : known
  }
}

/** Reads one value that stands between start and end. What it returns shares no memory with bytes. */
export function unpack(bytes: Uint8Array, start: number, end: number): unknown {
  where.start = start
  where.end = end
  return unpackr.unpack(bytes, where)
}

/** Reads what packPlain wrote. */
export function unpackPlain(bytes: Uint8Array): unknown {
  const value = unpack(bytes, 0, bytes.length) ?? null
  if (value === C1) throw new StowageError('undecodable', 'these bytes are not MessagePack')
  return value
}

/** msgpackr takes the place as an object; one is enough, for it reads it at once. */
const where = { start: 0, end: 0 }

function isDocument(value: unknown): value is object {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date) && !ArrayBuffer.isView(value)
}

/** Gives an error out of msgpackr its code. */
function explain(error: unknown, value: unknown): StowageError {
  if (error instanceof StowageError) return error
  if (error instanceof RangeError) {
    const shape = nesting(value, [])
    if (shape !== undefined) return shape
    if (/64-bit integer/.test(error.message)) return new StowageError('invalid_document', 'a bigint must fit in 64 bits', { cause: error })
    return new StowageError('too_large', 'a value is too large to be stored', { cause: error })
  }
  return new StowageError('invalid_document', 'a document holds something that cannot be stored', { cause: error })
}

/** Finds out what is wrong with the nesting of a value, if anything is. */
function nesting(value: unknown, above: object[]): StowageError | undefined {
  if (value === null || typeof value !== 'object') return undefined
  if (above.includes(value)) return new StowageError('invalid_document', 'a document contains itself')
  if (above.length >= maxDepth) return new StowageError('too_deep', `a document is nested deeper than ${maxDepth}`)
  above.push(value)
  for (const part of Object.values(value)) {
    const wrong = nesting(part, above)
    if (wrong !== undefined) return wrong
  }
  above.pop()
  return undefined
}
