/*
 * The functions that a filter asks about documents: regular expressions, tests, and
 * what maps a value. They stay in the program that wrote the filter; to the engine
 * each is a number. It sends the values of many documents together, and matches the
 * documents again with the answers.
 *
 * The other end is query/host.go.
 */
import { packValue, unpack } from '../document/document.js'
import type { Exchange } from '../bridge/engine.js'
import { StowageError } from '../errors.js'
import type { Ast } from './where.js'

/** The operands of a host node: the function, and its identity, null where it has none. */
type Operands = [HostFunction, string | null]

/** A function that stands in a filter. */
export class HostFunction {
  private constructor(
    /** What it says of a value. */
    readonly answer: (value: unknown) => unknown,
  ) {}

  static test<V, A extends unknown[]>(test: (value: V, ...args: A) => unknown, cacheable: boolean, args: A | [] = []): Operands {
    const answer = called(test, args as A)
    return [new HostFunction(value => Boolean(answer(value))), cacheable ? `function ${numberOf(test)}` : null]
  }

  static map<V>(map: (value: V) => unknown): Operands {
    return [new HostFunction(called(map, [])), null]
  }

  /** The filter of a regular expression. What a string must begin with, an index can tell. */
  static pattern(how: 'matches' | 'search' | 'fullMatch', path: readonly (string | number)[], { source, flags }: RegExp): Ast {
    const body = how === 'fullMatch' ? `(?:${source})(?![^])` : source
    const kept = flags.replace(/[dgy]/g, '')
    const expression = new RegExp(body, how === 'search' ? kept : `${kept}y`)
    const answer = (value: unknown) => {
      expression.lastIndex = 0
      return typeof value === 'string' && expression.test(value)
    }
    const node: Ast = ['host', path, new HostFunction(answer), `${how} /${source}/${kept}`]
    const beginning = /[im]/.test(kept) ? '' : literal(how === 'search' ? '^' : '', source)
    return beginning === '' ? node : ['and', ['startsWith', path, beginning], node]
  }
}

/** A regular expression given as such or as text, and flags that take the place of its own. */
export function expression(call: string, pattern: unknown, flags: unknown): RegExp {
  const given = pattern instanceof RegExp
  if (given && flags === undefined) return pattern
  try {
    if (given || typeof pattern === 'string') return new RegExp(pattern, flags as string | undefined)
  } catch (cause) {
    throw new StowageError('invalid_query', `${call}: ${(cause as Error).message}`, { cause })
  }
  throw new StowageError('invalid_query', `${call} takes a regular expression`)
}

/** The plain text that an expression begins with, behind what anchors it. */
function literal(anchor: string, source: string): string {
  const [, start, text] = /^(\^?)([\w -]*)/.exec(source)!
  if (text === '' || source.includes('|') || start !== anchor && start === '') return ''
  return /[?*+{]/.test(source[start!.length + text!.length] ?? '') ? text!.slice(0, -1) : text!
}

function called<V, A extends unknown[]>(f: (value: V, ...args: A) => unknown, args: A): (value: unknown) => unknown {
  if (typeof f !== 'function') throw new StowageError('invalid_query', 'what a filter asks must be a function')
  return value => {
    const answer = f(value as V, ...args)
    if (typeof (answer as PromiseLike<unknown> | undefined)?.then === 'function') {
      throw new StowageError('invalid_query', 'a function in a filter must answer at once, not by a promise')
    }
    return answer
  }
}

/** Functions that promise to say the same each time are known by number. */
const numbers = new WeakMap<object, number>()
let known = 0

function numberOf(f: object): number {
  const number = numbers.get(f) ?? ++known
  numbers.set(f, number)
  return number
}

/** Puts numbers in the place of the functions in a filter, and adds these to a list. */
export function numbered(ast: Ast, functions: HostFunction[], depth = 0): Ast {
  if (depth > 200) throw new StowageError('too_deep', 'a filter is nested deeper than 200')
  const [operator, first, second, third, fourth] = ast
  const nested = (part: unknown) => numbered(part as Ast, functions, depth + 1)
  switch (operator) {
    case 'and':
    case 'or':
    case 'not':
      return [operator, ...ast.slice(1).map(nested)]
    case 'elemMatch':
    case 'every':
      return [operator, first, nested(second)]
    case 'host': {
      const number = functions.push(second as HostFunction) - 1
      return fourth === undefined ? [operator, first, number, third] : [operator, first, number, third, nested(fourth)]
    }
    default:
      return ast
  }
}

/**
 * Runs an operation that may ask functions. What one of them throws ends it, and is what
 * it is rejected with.
 */
export async function answering<R>(
  functions: readonly HostFunction[],
  exchange: Exchange | undefined,
  run: (exchange: Exchange | undefined) => Promise<R>,
): Promise<R> {
  let thrown: { error: unknown } | undefined
  const onAsk = (bytes: Uint8Array, start: number, end: number) => {
    const asked = unpack(bytes, start, end) as [number, unknown[]][]
    try {
      return packValue([null, asked.map(([number, values]) => values.map(functions[number]!.answer))])
    } catch (error) {
      thrown = { error }
      throw error
    }
  }
  try {
    return await run({ ...exchange, onAsk })
  } catch (error) {
    throw thrown === undefined ? error : thrown.error
  }
}
