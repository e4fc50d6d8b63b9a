/*
 * Coders turn keys and values into bytes and back, for the stores of an
 * environment, which hold bytes only. Bytes are those of the coders of the same
 * names in Go, so that both read what either wrote.
 *
 * Go has them in store/coder; both are held to the vectors in
 * store/coder/testdata/coders.json.
 */
import { packPlain, unpackPlain } from './document.js'
import { asStowageError, StowageError } from './errors.js'
import { writeKey } from './key.js'
import { readKey } from './keydecode.js'
import { Options } from './options.js'
import { textFunctions } from './text.js'
import type { Key } from './types.js'

/** Turns values of type T into bytes and back. `decode` may keep the bytes it is given. */
export interface Coder<T> {
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}

/** A coder of this package, or one made by `coder.custom`. */
export interface NamedCoder<T> extends Coder<T> {
  readonly name: string
  /** The same values in fewer bytes: the zlib format, at a level from 0 to 9. */
  compressed(level?: number): CompressedCoder<T>
}

/**
 * A coder of values whose bytes are compressed where the engine runs: in the
 * worker, where there is one. Keys cannot be compressed, for the same key must
 * have the same bytes for ever.
 */
export interface CompressedCoder<T> {
  readonly inner: Coder<T>
  readonly level: number
}

/** What values can be stored with. */
export type ValueCoder<T> = Coder<T> | CompressedCoder<T>

/** The failure to encode a value; the value itself stays out of it. */
export function refuse(name: string, why: string, cause?: unknown): StowageError {
  return asStowageError(cause, 'invalid_argument', `coder ${name}: ${why}`)
}

/** The failure to decode bytes. */
export function garbled(name: string, cause?: unknown): StowageError {
  return asStowageError(cause, 'undecodable', `coder ${name}: these bytes are not its own`)
}

/** Makes a coder out of functions; what they throw is given a code, unless it has one. */
function named<T>(name: string, encode: (value: T) => Uint8Array, decode: (bytes: Uint8Array) => T): NamedCoder<T> {
  const made: NamedCoder<T> = {
    name,
    encode(value) {
      let bytes: unknown
      try {
        bytes = encode(value)
      } catch (error) {
        throw refuse(name, 'this value has no bytes', error)
      }
      if (!(bytes instanceof Uint8Array)) throw refuse(name, 'encode must return a Uint8Array')
      return bytes
    },
    decode(bytes) {
      try {
        return decode(bytes)
      } catch (error) {
        throw garbled(name, error)
      }
    },
    compressed: level => compressed(made, level),
  }
  return made
}

/** Fails a coder: `named` turns it into an error that names the coder. */
function check(ok: boolean): asserts ok {
  if (!ok) throw undefined
}

function unsigned(name: string, size: 2 | 4): NamedCoder<number> {
  const most = 2 ** (size * 8) - 1
  return named(
    name,
    value => {
      check(Number.isInteger(value) && value >= 0 && value <= most)
      const bytes = new Uint8Array(size)
      for (let i = size; i-- > 0; value = Math.floor(value / 256)) bytes[i] = value
      return bytes
    },
    bytes => {
      check(bytes.length === size)
      return bytes.reduce((value, byte) => value * 256 + byte, 0)
    },
  )
}

/** The 64 bits of an integer, big-endian; `bias` moves the least one to zero. */
function wide(name: string, bias: bigint): NamedCoder<bigint> {
  return named(
    name,
    value => {
      check(typeof value === 'bigint' && value >= -bias && value < (1n << 64n) - bias)
      const bytes = new Uint8Array(8)
      view(bytes).setBigUint64(0, value + bias)
      return bytes
    },
    bytes => {
      check(bytes.length === 8)
      return view(bytes).getBigUint64(0) - bias
    },
  )
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

const int64 = wide('int64', 1n << 63n)

const int = named<number>(
  'int',
  value => {
    check(Number.isSafeInteger(value))
    return int64.encode(BigInt(value))
  },
  bytes => {
    const value = Number(int64.decode(bytes))
    check(Number.isSafeInteger(value))
    return value
  },
)

/** IEEE 754 with the sign bit inverted, and all others too where it was set. */
const float64 = named<number>(
  'float64',
  value => {
    check(typeof value === 'number' && !Number.isNaN(value))
    const bytes = new Uint8Array(8)
    view(bytes).setFloat64(0, value === 0 ? 0 : value) // −0 is 0: equal numbers are equal keys
    return flip(bytes, bytes[0]! >= 0x80)
  },
  bytes => {
    check(bytes.length === 8)
    const value = view(flip(bytes.slice(), bytes[0]! < 0x80)).getFloat64(0)
    check(!Number.isNaN(value) && !Object.is(value, -0))
    return value
  },
)

function flip(bytes: Uint8Array, all: boolean): Uint8Array {
  bytes[0]! ^= 0x80
  if (all) for (let i = 0; i < 8; i++) bytes[i]! ^= i === 0 ? 0x7f : 0xff
  return bytes
}

/**
 * JSON in UTF-8 with a space behind every comma and colon. Lines are broken by
 * JSON.stringify, which puts no line break anywhere else, and taken back.
 */
const json = named<any>( // biome-ignore lint: the value can be anything
  'json',
  value => {
    const text = JSON.stringify(value, refuseLossy, 1)
    check(text !== undefined)
    return utf8.encode(text.replace(/,\n */g, ', ').replace(/\n */g, ''))
  },
  bytes => JSON.parse(utf8.decode(bytes)),
)

/** Refuses what JSON.stringify would replace by something else without a word. */
function refuseLossy(_name: string, value: unknown): unknown {
  check(typeof value !== 'number' || Number.isFinite(value))
  check(typeof value !== 'function' && typeof value !== 'symbol')
  check(!(value instanceof Map) && !(value instanceof Set) && !ArrayBuffer.isView(value))
  return value
}

// biome-ignore lint: the value can be anything
const messagePack = named<any>('messagePack', packPlain, unpackPlain)

const tuple = named<readonly (Key | null)[]>(
  'tuple',
  values => {
    check(Array.isArray(values))
    const bytes: number[] = []
    const sink = { byte: (b: number) => void bytes.push(b) }
    for (const value of values) writeKey(sink, value)
    return Uint8Array.from(bytes)
  },
  readKey,
)

function text(encoding: string): NamedCoder<string> {
  const { encode, decode } = textFunctions(encoding)
  return named(`text ${encoding}`, encode, decode)
}

const utf8 = text('utf-8')

function custom<T>(functions: { encode(value: T): Uint8Array; decode(bytes: Uint8Array): T }): NamedCoder<T> {
  const o = new Options('coder.custom', functions)
  const encode = o.function<(value: T) => Uint8Array>('encode')
  const decode = o.function<(bytes: Uint8Array) => T>('decode')
  o.done()
  if (encode === undefined || decode === undefined) throw o.wrong('encode and decode', 'functions')
  return named('custom', encode, decode)
}

function compressed<T>(inner: Coder<T>, level = 1): CompressedCoder<T> {
  if (!isCoder(inner)) throw new StowageError('invalid_option', 'coder: only a coder can be compressed')
  if (!Number.isInteger(level) || level < 0 || level > 9) {
    throw new StowageError('invalid_option', 'coder: a level is a whole number from 0 to 9')
  }
  return { inner, level }
}

/** Whether something has the methods of a coder. */
export function isCoder(coder: unknown): coder is Coder<unknown> {
  const methods = coder as Coder<unknown> | null | undefined
  return typeof methods?.encode === 'function' && typeof methods.decode === 'function'
}

/** Whether a value is compressed behind its coder. */
export function isCompressed<T>(coder: ValueCoder<T>): coder is CompressedCoder<T> {
  return 'inner' in coder
}

/**
 * The coders there are. Those of numbers, `tuple`, text in UTF-8 and bytes keep
 * order, so that ranges over such keys are ranges of their values.
 *
 *     db.store('records', { key: coder.uint16, value: coder.json.compressed(9) })
 *
 * A value that a coder does not take is `invalid_argument`, or in a tuple
 * `invalid_key`; bytes that are not its own are `undecodable`.
 */
export const coder = {
  /** Bytes as they are. */
  identity: named<Uint8Array>('identity', bytes => bytes, bytes => bytes),
  /** Text as UTF-8. Half of a surrogate pair is refused. */
  string: utf8,
  /**
   * Text in another encoding, by its label for TextDecoder: 'utf-16le', 'koi8-r'.
   * 'latin1' and 'iso-8859-1' are just that here. Encodings with several bytes a
   * character, such as 'shift_jis', are only read: writing is `unsupported`.
   */
  text,
  /** Whole numbers from 0 to 65,535: two bytes. */
  uint16: unsigned('uint16', 2),
  /** Whole numbers from 0 to 2³²−1: four bytes. */
  uint32: unsigned('uint32', 4),
  /** bigints from 0 to 2⁶⁴−1: eight bytes. */
  uint64: wide('uint64', 0n),
  /** bigints from −2⁶³ to 2⁶³−1: eight bytes. */
  int64,
  /** Whole numbers that are safe integers, in the bytes of int64. */
  int,
  /** Numbers other than NaN: eight bytes. −0 comes back as 0. */
  float64,
  /** What JSON can hold: text such as `{"key": "value"}`. NaN, functions and the like are refused. */
  json,
  /** What a document can hold at any place: Date, Uint8Array and bigint too. */
  messagePack,
  /** Lists of what can be a key, in the order of keys: ['NO', 5] is before ['NO', 10]. */
  tuple,
  /** A coder of your own. It runs where it was made, never in the worker. */
  custom,
  /** Any coder, compressed; `coder.json.compressed(9)` is the same as `coder.compressed(coder.json, 9)`. */
  compressed,
} as const
