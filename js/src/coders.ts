/*
 * The coders there are: the entry 'stowage/coders' of the package.
 *
 * Go has them in store/coder; both are held to the vectors in
 * store/coder/testdata/coders.json.
 */
import { check, type Coder, compressed, custom as made, identity, isCoder, named, type NamedCoder } from './coder/coder.js'
import { packPlain, unpackPlain } from './document/document.js'
import { StowageError } from './errors.js'
import { writeKey } from './document/key.js'
import { readKey } from './document/keydecode.js'
import { textFunctions } from './coder/text.js'
import type { Key } from './document/types.js'

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

const sign = 1n << 63n
const uint64 = wide('uint64', 0n)
const int64 = wide('int64', sign)

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
    float.setFloat64(0, value === 0 ? 0 : value) // −0 is 0: equal numbers are equal keys
    const bits = float.getBigInt64(0)
    return uint64.encode(BigInt.asUintN(64, bits < 0n ? ~bits : bits ^ sign))
  },
  bytes => {
    const bits = uint64.decode(bytes)
    float.setBigUint64(0, bits < sign ? ~bits : bits ^ sign)
    const value = float.getFloat64(0)
    check(!Number.isNaN(value) && !Object.is(value, -0))
    return value
  },
)

const float = new DataView(new ArrayBuffer(8))

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
function refuseLossy(this: unknown, _name: string, value: unknown): unknown {
  const lost =
    typeof value === 'number' ? !Number.isFinite(value)
    : typeof value === 'object' ? value !== null && !Array.isArray(value) && {}.toString.call(value) !== '[object Object]'
    : value === undefined ? Array.isArray(this)
    : typeof value === 'function' || typeof value === 'symbol'
  check(!lost)
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

function custom<T>(functions: Coder<T>): NamedCoder<T> {
  if (!isCoder(functions)) throw new StowageError('invalid_option', 'coder.custom: encode and decode must be functions')
  return made(functions)
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
  identity,
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
  uint64,
  /** bigints from −2⁶³ to 2⁶³−1: eight bytes. */
  int64,
  /** Whole numbers that are safe integers, in the bytes of int64. */
  int,
  /** Numbers other than NaN: eight bytes. −0 comes back as 0. */
  float64,
  /** What JSON can hold: text such as `{"key": "value"}`. NaN, functions, a RegExp, undefined in a list and the like are refused. */
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
