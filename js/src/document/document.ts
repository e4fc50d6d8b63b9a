/*
 * Documents as MessagePack. What msgpackr would store as something else without
 * a word is stored as an extension type, or refused (a function, a Promise, a Blob), so that what comes back
 * is what went in. An object of a class comes back as a plain one, unless the class has a custom type.
 * Beside that only these differ: −0 is 0, a hole in a list is undefined, a member of the name
 * __proto__ has the name __proto_, and half of a surrogate pair is read as U+FFFD.
 */
import { addExtension, C1, Packr, Unpackr } from 'msgpackr'

import { asStowageError, type ErrorCode, StowageError } from '../errors.js'
import { container, customOf, Extension, kindOf, leaf, readExtensions, settle } from './extension.js'

const packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false, useBigIntExtension: true } as object)
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, copyBuffers: true } as object)

function refuse(what: string): never {
  throw new StowageError('invalid_document', `a document cannot hold ${what}`)
}

function unknown(): never {
  throw new StowageError('undecodable', 'these bytes hold a type that is never stored')
}

/** The class of all that is more than its members, and no list, date or bytes. */
const Foreign = {
  [Symbol.hasInstance]: (value: object) =>
    (!Array.isArray(value) && !(value instanceof Date) && !(value instanceof Uint8Array) && kindOf(value) !== 'Object') || customOf(value) !== undefined,
}

/** Thrown at the first value that holds others and is an extension: plain packs those apart, and all is packed again. */
const apart = new Error('a document holds a Map, a Set or a custom type')

type Allocate = Parameters<Extension['write']>[0]

/** msgpackr asks for these where it does not know better than to write members. Of a Map it knows the class. */
function writeForeign(value: object, allocate: Allocate): void {
  const extension = value instanceof Extension ? value : leaf(value)
  if (extension !== undefined) return extension.write(allocate)
  if (customOf(value) !== undefined || ['Map', 'Set'].includes(kindOf(value))) throw apart
  refuse(`a ${kindOf(value)}`)
}
addExtension({ Class: Foreign, type: 0x7f, pack: writeForeign, unpack: unknown } as never)
Object.defineProperty(packr, 'mapAsEmptyObject', {
  get: () => {
    throw apart
  },
})
readExtensions(bytes => {
  const list: unknown = unpack(bytes, 0, bytes.length)
  return Array.isArray(list) ? list : unknown()
})

/** The largest nesting of a document; the engine has the same bound. */
export const maxDepth = 200

/** Packs one document. */
export function packDocument(document: unknown): Uint8Array {
  if (!isDocument(document)) throw new StowageError('invalid_document', 'a document must be an object')
  return pack(document)
}

/** Packs documents as one list. */
export function packDocuments(documents: readonly unknown[]): Uint8Array {
  for (const document of documents) {
    if (!isDocument(document)) throw new StowageError('invalid_document', 'a document must be an object')
  }
  return pack(documents)
}

/** Packs any value for a frame: a filter, a query. */
export function packValue(value: unknown): Uint8Array {
  return packAs(value, 'invalid_query')
}

/** Packs a value that the engine does not look into, so that its nesting is bounded here. */
export function packPlain(value: unknown): Uint8Array {
  const bytes = packAs(value, 'invalid_argument')
  if (bytes.length > maxDepth) checkNesting(value, [])
  return bytes
}

function packAs(value: unknown, code: ErrorCode): Uint8Array {
  try {
    return pack(value)
  } catch (error) {
    const known = error as StowageError
    throw known.code === 'invalid_document' ? new StowageError(code, known.message, { cause: known }) : known
  }
}

function pack(value: unknown): Uint8Array {
  try {
    return packr.pack(value)
  } catch (error) {
    if (error !== apart) throw explain(error, value)
  }
  try {
    return packr.pack(plain(value, []))
  } catch (error) {
    throw explain(error, value)
  }
}

/** A copy of value in which what is an extension and holds others is packed, from the inside to the outside. */
function plain(value: unknown, above: object[]): unknown {
  if (value === null || typeof value !== 'object') return value
  return within(value, above, () => {
    const extension = container(value, list => new Uint8Array(packr.pack(plain(list, above))))
    if (extension !== undefined) return extension
    if (Array.isArray(value)) return Array.from(value, part => plain(part, above))
    if (kindOf(value) !== 'Object') return value
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part, above)]))
  })
}

/** Reads one value that stands between start and end. What it returns shares no memory with bytes. */
export function unpack(bytes: Uint8Array, start: number, end: number): unknown {
  where.start = start
  where.end = end
  return settle(unpackr.unpack(bytes, where))
}

/** Reads what packPlain wrote. */
export function unpackPlain(bytes: Uint8Array): unknown {
  const value = unpack(bytes, 0, bytes.length) ?? null
  if (value === C1) throw new StowageError('undecodable', 'these bytes are not MessagePack')
  return value
}

/** msgpackr takes the place as an object; one is enough, for it reads it at once. */
const where = { start: 0, end: 0 }

/** A copy of the members of a document, to which others can be added. */
export function copyOf<T>(document: T): T {
  if (!isDocument(document)) throw new StowageError('invalid_document', 'a document must be an object')
  try {
    return { ...document }
  } catch (error) {
    throw explain(error, document)
  }
}

export function isDocument(value: unknown): value is object {
  try {
    return value !== null && typeof value === 'object' && (value.constructor === Object || kindOf(value) === 'Object')
  } catch (error) {
    throw explain(error, value) // of a getter, or a Proxy
  }
}

const unreadable = 'a document holds something that cannot be stored'

/** Gives an error out of msgpackr its code. */
function explain(error: unknown, value: unknown): StowageError {
  if (error instanceof StowageError) return error
  if (error instanceof RangeError) {
    try {
      checkNesting(value, [])
    } catch (nesting) {
      return asStowageError(nesting, 'invalid_document', unreadable)
    }
    return new StowageError('too_large', 'a value is too large to be stored', { cause: error })
  }
  return new StowageError('invalid_document', unreadable, { cause: error })
}

/** Throws where a value contains itself or is nested too deeply. What is in an extension was looked at when it was made. */
function checkNesting(value: unknown, above: object[]): void {
  if (value === null || typeof value !== 'object') return
  within(value, above, () => {
    for (const part of Object.values(value)) checkNesting(part, above)
  })
}

/** Goes into a value that stands inside of others. */
function within<R>(value: object, above: object[], go: () => R): R {
  if (above.includes(value)) throw new StowageError('invalid_document', 'a document contains itself')
  if (above.length >= maxDepth) throw new StowageError('too_deep', `a document is nested deeper than ${maxDepth}`)
  above.push(value)
  const result = go()
  above.pop()
  return result
}
