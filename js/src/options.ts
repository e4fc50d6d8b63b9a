import type { DriverFactory } from './drivers/driver.js'
import { StowageError } from './errors.js'

/**
 * Reads an options object name by name. Every option has to be asked for; what
 * was given and never asked for is a misspelling, and an error that names it.
 *
 *     const o = new Options('open', given)
 *     const limit = o.integer('limit', { least: 0 }) ?? 10
 *     o.done()
 */
export class Options {
  private readonly given: Record<string, unknown>
  private readonly read = new Set<string>()

  constructor(private readonly call: string, given: unknown) {
    if (given !== undefined && (given === null || typeof given !== 'object' || Array.isArray(given))) {
      throw new StowageError('invalid_option', `${call}: options must be an object`)
    }
    this.given = (given ?? {}) as Record<string, unknown>
  }

  integer(name: string, { least = 0, most = Number.MAX_SAFE_INTEGER } = {}): number | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most) {
      throw this.wrong(name, `a whole number from ${least} to ${most}`)
    }
    return value as number
  }

  boolean(name: string): boolean | undefined {
    const value = this.value(name)
    if (value !== undefined && typeof value !== 'boolean') throw this.wrong(name, 'true or false')
    return value
  }

  string(name: string): string | undefined {
    const value = this.value(name)
    if (value !== undefined && typeof value !== 'string') throw this.wrong(name, 'a string')
    return value
  }

  oneOf<const T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.value(name)
    if (value !== undefined && !choices.includes(value as T)) throw this.wrong(name, `one of ${choices.join(', ')}`)
    return value as T | undefined
  }

  function<F extends (...args: never[]) => unknown>(name: string): F | undefined {
    const value = this.value(name)
    if (value !== undefined && typeof value !== 'function') throw this.wrong(name, 'a function')
    return value as F | undefined
  }

  signal(name = 'signal'): AbortSignal | undefined {
    const value = this.value(name)
    if (value !== undefined && !(value instanceof AbortSignal)) throw this.wrong(name, 'an AbortSignal')
    return value
  }

  driver(name = 'driver'): DriverFactory | undefined {
    const value = this.value(name) as DriverFactory | undefined
    if (value === undefined) return undefined
    if (typeof value?.open !== 'function' || typeof value.id !== 'string') throw this.wrong(name, 'a driver')
    return value
  }

  /** The options that every long call has. */
  longCall(): LongCall {
    const signal = this.signal()
    const listener = this.function<NonNullable<LongCall['onProgress']>>('onProgress')
    return { ...(signal && { signal }), ...(listener && { onProgress: isolated(listener) }) }
  }

  /** An option of another shape, which the caller checks itself. */
  any(name: string): unknown {
    return this.value(name)
  }

  /** Fails when something was given that nobody asked for. */
  done(): void {
    for (const name of Object.keys(this.given)) {
      if (!this.read.has(name)) throw new StowageError('invalid_option', `${this.call}: there is no option "${name}"`)
    }
  }

  /** The error for an option with a wrong value; the value itself stays out of it. */
  wrong(name: string, expected: string): StowageError {
    return new StowageError('invalid_option', `${this.call}: option "${name}" must be ${expected}`)
  }

  private value(name: string): unknown {
    if (name in this.given) this.read.add(name)
    return this.given[name]
  }
}

/** The options of every long call. */
export interface LongCall {
  /** Ends the call early: it rejects with `aborted` and has changed nothing. */
  signal?: AbortSignal
  /** Told how many documents are done, of how many (0 where that is not known). What it throws becomes an unhandled rejection. */
  onProgress?: (done: number, total: number) => void
}

/** How a result is watched. */
export interface LiveOptions {
  /** Ends it. */
  signal?: AbortSignal | undefined
  /** Also counts what there is without limit, skip and after. */
  total?: boolean | undefined
  /**
   * What listeners may do with the documents they are told. `shared`, the default: read them, for all listeners have the same
   * objects, and those that do not change are told again. `frozen`: read them, and writing to one throws, at any depth of objects and lists.
   */
  isolation?: 'shared' | 'frozen' | undefined
}

/** Reads LiveOptions, refusing anything else. */
export function liveOptions(call: string, given: LiveOptions | undefined): LiveOptions {
  const o = new Options(call, given)
  const read = { signal: o.signal(), total: o.boolean('total'), isolation: o.oneOf('isolation', ['shared', 'frozen']) }
  o.done()
  return read
}

/** Refuses what cannot be told anything. */
export function mustListen(listener: unknown): void {
  const { next, error } = Object(listener) as Record<string, unknown>
  const callable = (f: unknown) => f === undefined || typeof f === 'function'
  if (typeof listener === 'function' || (listener === Object(listener) && callable(next) && callable(error))) return
  throw new StowageError('invalid_argument', 'a listener is a function, or an object with functions next and error')
}

/** A listener whose errors leave the call alone that it listens to, as those of an event's do: they become unhandled rejections. */
export function isolated<A extends unknown[]>(listener: (...told: A) => void): (...told: A) => void {
  return (...told) => {
    try {
      listener(...told)
    } catch (error) {
      void Promise.reject(error)
    }
  }
}

/** Reads a LongCall, refusing anything else. */
export function longCall(call: string, given: LongCall | undefined): LongCall {
  if (given === undefined) return {}
  const o = new Options(call, given)
  const read = o.longCall()
  o.done()
  return read
}
