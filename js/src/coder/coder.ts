/*
 * Coders turn keys and values into bytes and back, for the stores of an
 * environment, which hold bytes only. This is what a coder is; coders.ts, which
 * is loaded by who needs it, has those there are.
 */
import { type ErrorCode, StowageError } from '../errors.js'

/** Turns values of type T into bytes and back. `decode` may keep the bytes it is given; those of `encode` are copied. */
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

/** Makes a coder out of functions; what they throw is given a code, unless it has one. */
export function named<T>(name: string, encode: (value: T) => Uint8Array, decode: (bytes: Uint8Array) => T): NamedCoder<T> {
  const made: NamedCoder<T> = {
    name,
    encode(value) {
      try {
        const bytes = encode(value)
        check(bytes instanceof Uint8Array)
        return bytes
      } catch (error) {
        throw explain(error, 'invalid_argument', `coder ${name}: this value has no bytes`)
      }
    },
    decode(bytes) {
      try {
        return decode(bytes)
      } catch (error) {
        throw explain(error, 'undecodable', `coder ${name}: these bytes are not its own`)
      }
    },
    compressed: level => compressed(made, level),
  }
  return made
}

function explain(cause: unknown, code: ErrorCode, message: string): StowageError {
  return cause instanceof StowageError ? cause : new StowageError(code, message, { cause })
}

/** Fails in a coder: `named` makes an error of it that names the coder, and keeps the value out of it. */
export function check(ok: boolean): asserts ok {
  if (!ok) throw undefined
}

/** Bytes that stay, whatever the caller does with what it gave: they may be written only later. */
function owned(bytes: Uint8Array): Uint8Array {
  check(bytes instanceof Uint8Array)
  return new Uint8Array(bytes)
}

/** The coder of bytes as they are. */
export const identity: NamedCoder<Uint8Array> = named('identity', owned, bytes => bytes)

/** A coder of the program's own functions. */
export function custom<T>(functions: Coder<T>): NamedCoder<T> {
  return named('custom', value => owned(functions.encode(value)), bytes => functions.decode(bytes))
}

/** A coder that answers with bytes, or fails with a code: one of this package as it is. */
export function trusted<T>(coder: Coder<T>): Coder<T> {
  return 'compressed' in coder ? coder : custom(coder)
}

/** Compresses what a coder makes of values. */
export function compressed<T>(inner: Coder<T>, level = 1): CompressedCoder<T> {
  if (!isCoder(inner)) throw new StowageError('invalid_option', 'coder: only a coder can be compressed')
  if (!Number.isInteger(level) || level < 0 || level > 9) {
    throw new StowageError('invalid_option', 'coder: a level is a whole number from 0 to 9')
  }
  return { inner: trusted(inner), level }
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
