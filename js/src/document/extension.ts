/*
 * What documents hold beside MessagePack's own types, as extension types:
 *
 *   0x42  bigint beyond 64 bits   two's complement, big-endian
 *   0x43  of a custom type        list of its name and of what encode made of the value
 *   0x4d  Map                     list of keys and values, by turns
 *   0x52  RegExp                  text: flags, a slash, the source
 *   0x53  Set                     list of its elements
 *   0x54  typed array             a byte that tells which, then its memory, little-endian
 *   0x55  URL                     text
 *
 * A list is MessagePack, and may hold the same again. The bigint is msgpackr's own.
 * Two such values are equal where their bytes are, and none comes before another.
 *
 * Go programs have them in store/coder/extension.go; both are held to the vectors in
 * store/coder/testdata/coders.json.
 */
import { addExtension } from 'msgpackr'

import { asStowageError, StowageError } from '../errors.js'

/**
 * A type of your own that documents may hold: an object of the class is stored as
 * what `encode` makes of it, which may be anything that documents hold, and what
 * `decode` makes of that is read. Subclasses are stored so too, unless they have a type themselves.
 * Without `decode`, what `encode` made is read as it is.
 *
 *     types: [{ name: 'money', class: Money, encode: m => m.cents, decode: cents => new Money(cents) }]
 */
// biome-ignore lint: a list of types has them of all classes
export interface CustomType<C = any, Plain = any> {
  /** What is stored of the type, beside the value. */
  name: string
  class: abstract new (...args: never[]) => C
  encode(value: C): Plain
  decode?(plain: Plain): C
}

const enum Type {
  Custom = 0x43,
  Map = 0x4d,
  RegExp = 0x52,
  Set = 0x53,
  TypedArray = 0x54,
  URL = 0x55,
}

/** An extension type and its payload, on the way into a document. */
export class Extension {
  readonly [Symbol.toStringTag] = 'Extension'

  constructor(readonly type: number, readonly bytes: Uint8Array) {}

  /** Writes it where msgpackr gives room for so many bytes. The head is one that msgpackr reads in one way. */
  write(allocate: (size: number) => { target: Uint8Array; position: number }): void {
    const { type, bytes } = this
    const sizes = bytes.length < 0x100 ? 1 : bytes.length < 0x10000 ? 2 : 4
    let { target, position } = allocate(2 + sizes + bytes.length)
    target[position++] = sizes === 4 ? 0xc9 : 0xc6 + sizes
    for (let shift = sizes * 8; shift > 0; target[position++] = bytes.length >>> shift) shift -= 8
    target[position++] = type
    target.set(bytes, position)
  }
}

/** The class of an object as the language tells it: Object also where it is the caller's own. */
export const kindOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1)

/** In the order of the numbers that are stored, from 1 on. */
const typedArrays = [
  'Int8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array',
  'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array', 'Float16Array',
]

const utf8 = new TextEncoder()

/** The extension of a value that holds no others; undefined for all else. */
export function leaf(value: unknown): Extension | undefined {
  const kind = kindOf(value)
  if (kind === 'RegExp') return new Extension(Type.RegExp, utf8.encode(`${(value as RegExp).flags}/${(value as RegExp).source}`))
  if (kind === 'URL') return new Extension(Type.URL, utf8.encode((value as URL).href))
  const which = typedArrays.indexOf(kind) + 1
  if (which === 0) return undefined
  const { buffer, byteOffset, byteLength } = value as Float64Array
  const bytes = new Uint8Array(byteLength + 1)
  bytes[0] = which
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength), 1)
  return new Extension(Type.TypedArray, bytes)
}

/** The extension of a value that holds others; undefined for all else. `pack` returns bytes of their own. */
export function container(value: object, pack: (list: unknown[]) => Uint8Array): Extension | undefined {
  const custom = customOf(value)
  if (custom !== undefined) return new Extension(Type.Custom, pack([custom.name, custom.encode(value)]))
  const kind = kindOf(value)
  if (kind === 'Set') return new Extension(Type.Set, pack([...(value as Set<unknown>)]))
  if (kind === 'Map') return new Extension(Type.Map, pack([...(value as Map<unknown, unknown>)].flat(1)))
  return undefined
}

const customs = new Map<string, CustomType>()
const byPrototype = new Map<object, CustomType>()

/** Makes types known to this context. A name means one class, and a class has one name. */
export function addTypes(types: readonly CustomType[]): void {
  for (const type of types) {
    const known = customs.get(type.name) ?? byPrototype.get(type.class.prototype)
    if (known !== undefined && (known.name !== type.name || known.class !== type.class)) {
      throw new StowageError('invalid_option', `open: the type "${type.name}" is another one already`)
    }
  }
  for (const type of types) {
    customs.set(type.name, type)
    byPrototype.set(type.class.prototype, type)
  }
}

/** The custom type of an object: that of its class, else of the nearest one above. */
export function customOf(value: object): CustomType | undefined {
  if (byPrototype.size === 0) return undefined
  for (let at: object | null = value; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const custom = byPrototype.get(at)
    if (custom !== undefined) return custom
  }
  return undefined
}

/**
 * What stands for a value that holds others while all around it is read. To read one within another
 * msgpackr would first copy what it reads from, which is the engine's whole memory.
 */
class Held {
  constructor(readonly bytes: Uint8Array, readonly read: (bytes: Uint8Array) => unknown) {
    anyHeld = true
  }
}

let anyHeld = false

/** Puts the values themselves where others stand for them, in what was read just now. */
export function settle(value: unknown): unknown {
  if (!anyHeld) return value
  anyHeld = false
  return settled(value)
}

function settled(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Held) return value.read(value.bytes)
  if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
    const members = value as Record<string, unknown>
    for (const name of Object.keys(members)) members[name] = settled(members[name])
  }
  return value
}

/** Tells msgpackr how the types are read; `unpack` reads a list, with all that is in it. */
export function readExtensions(unpack: (bytes: Uint8Array) => unknown[]): void {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
  const known = (decode: (bytes: Uint8Array) => unknown) => (bytes: Uint8Array) => {
    try {
      return decode(bytes)
    } catch (error) {
      throw asStowageError(error, 'undecodable', 'a value of an extended type cannot be read')
    }
  }
  const read = (type: Type, decode: (bytes: Uint8Array) => unknown) => addExtension({ type, unpack: known(decode) } as never)
  const hold = (type: Type, decode: (bytes: Uint8Array) => unknown) => {
    const later = known(decode)
    addExtension({ type, unpack: (bytes: Uint8Array) => new Held(bytes.slice(), later) } as never) // decode may call the engine, whose memory it is
  }
  hold(Type.Set, bytes => new Set(unpack(bytes)))
  hold(Type.Map, bytes => {
    const list = unpack(bytes)
    return new Map(list.flatMap((key, i) => (i % 2 === 0 ? [[key, list[i + 1]]] : [])))
  })
  read(Type.URL, bytes => new URL(text(bytes)))
  read(Type.RegExp, bytes => {
    const [, flags, source] = /^(\w*)\/([^]*)$/.exec(text(bytes))!
    return new RegExp(source!, flags)
  })
  read(Type.TypedArray, bytes => {
    const name = typedArrays[bytes[0]! - 1] as 'Float64Array'
    return new globalThis[name](Uint8Array.from(bytes.subarray(1)).buffer)
  })
  hold(Type.Custom, bytes => {
    const [name, plain] = unpack(bytes)
    const custom = customs.get(name as string)
    if (custom === undefined) throw new StowageError('undecodable', `there is no type "${String(name)}"`)
    return custom.decode === undefined ? plain : custom.decode(plain)
  })
}
