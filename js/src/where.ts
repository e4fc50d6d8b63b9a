import { StowageError } from './errors.js'
import { splitPath } from './path.js'

/** One filter as the engine reads it: an operator and its operands, nested. */
export type Ast = readonly [string, ...unknown[]]

/** What a filter demands of the documents it is used on: a path, and the value it compares. */
export type Requirement = [path: string, value: unknown]

/**
 * A filter. Made by `where`, joined by `and`, `or` and `not`; immutable, so that
 * parts of it can be used again.
 */
export class Where<out R extends Requirement = Requirement> {
  /** Only for the compiler: what documents must have for this filter to make sense. */
  declare readonly requires: R

  /** @internal */
  constructor(readonly ast: Ast) {}

  and<Q extends Requirement>(other: Where<Q>): Where<R | Q> {
    return and<R | Q>(this, other)
  }

  or<Q extends Requirement>(other: Where<Q>): Where<R | Q> {
    return or<R | Q>(this, other)
  }

  not(): Where<R> {
    return not(this)
  }
}

/** Starts a filter: `where('country').eq('NO')`, `where('position.lat').gt(60)`. */
export function where<const P extends string>(path: P): Condition<P> {
  return new Condition<P>(splitPath(path))
}

/** A filter that holds where all of the given ones do. */
export function and<R extends Requirement>(...filters: Where<R>[]): Where<R> {
  return new Where<R>(join('and', filters))
}

/** A filter that holds where any of the given ones does. */
export function or<R extends Requirement>(...filters: Where<R>[]): Where<R> {
  return new Where<R>(join('or', filters))
}

/** A filter that holds where the given one does not, also where a path is missing. */
export function not<R extends Requirement>(filter: Where<R>): Where<R> {
  return new Where<R>(['not', toAst(filter)])
}

/** A path waiting for its operator. Every test is false where the path is missing. */
export class Condition<P extends string> {
  /** @internal */
  constructor(private readonly path: (string | number)[]) {}

  /** Equal, deeply: 1 equals 1n, and objects may have their members in any order. */
  eq<const V>(value: V): Where<[P, V]> {
    return this.test('eq', value)
  }

  /** Present and not equal. */
  ne<const V>(value: V): Where<[P, V]> {
    return this.test('ne', value)
  }

  /** Below, among values of the same type. */
  lt<const V>(value: V): Where<[P, V]> {
    return this.test('lt', value)
  }

  lte<const V>(value: V): Where<[P, V]> {
    return this.test('lte', value)
  }

  /** Above, among values of the same type. */
  gt<const V>(value: V): Where<[P, V]> {
    return this.test('gt', value)
  }

  gte<const V>(value: V): Where<[P, V]> {
    return this.test('gte', value)
  }

  /** From low to high, both included unless left open. */
  between<const V>(low: V, high: V, open: { low?: boolean; high?: boolean } = {}): Where<[P, V]> {
    return this.test('between', low, high, open.low === true, open.high === true)
  }

  /** Equal to one of the values. */
  in<const V>(values: readonly V[]): Where<[P, V]> {
    if (!Array.isArray(values)) throw new StowageError('invalid_query', 'in() takes a list of values')
    return this.test('in', values)
  }

  startsWith(prefix: string): Where<[P, string]> {
    return this.test('startsWith', prefix)
  }

  /** A string with this text in it, or a list with an element equal to this. */
  contains<const V>(part: V): Where<[P, { contains: V }]> {
    return this.test('contains', part)
  }

  /** Present, be it null. */
  exists(): Where<[P, never]> {
    return this.test('exists')
  }

  private test<R extends Requirement>(operator: string, ...operands: unknown[]): Where<R> {
    return new Where<R>([operator, this.path, ...operands])
  }
}

/** The AST of a filter given as Where, as an object, or not at all. */
export function toAst(filter: unknown): Ast {
  if (filter === undefined) return ['all']
  if (filter instanceof Where) return filter.ast
  if (isPlain(filter)) return matchToAst(filter, 0)
  throw new StowageError('invalid_query', 'a filter must come from where(), or be an object')
}

function join(operator: 'and' | 'or', filters: readonly unknown[]): Ast {
  return [operator, ...filters.map(toAst)]
}

/** Objects inside objects are told apart from documents by the $ of their members. */
function matchToAst(match: Record<string, unknown>, depth: number): Ast {
  if (depth > 200) throw new StowageError('too_deep', 'a filter is nested deeper than 200')
  const parts: Ast[] = []
  for (const [name, value] of Object.entries(match)) {
    if (name === '$and' || name === '$or') {
      if (!Array.isArray(value)) throw new StowageError('invalid_query', `${name} takes a list of filters`)
      parts.push([name.slice(1), ...value.map(part => nested(part, depth))])
    } else if (name === '$not') {
      parts.push(['not', nested(value, depth)])
    } else if (name.startsWith('$')) {
      throw new StowageError('unknown_operator', `there is no operator "${name}" beside paths`)
    } else {
      parts.push(...testsToAst(splitPath(name), value))
    }
  }
  if (parts.length === 1) return parts[0]!
  return parts.length === 0 ? ['all'] : ['and', ...parts]
}

function nested(part: unknown, depth: number): Ast {
  if (part instanceof Where) return part.ast
  if (!isPlain(part)) throw new StowageError('invalid_query', 'a filter must come from where(), or be an object')
  return matchToAst(part, depth + 1)
}

const tests = new Set(['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'startsWith', 'contains'])

function testsToAst(path: (string | number)[], value: unknown): Ast[] {
  if (!isPlain(value) || !Object.keys(value).some(name => name.startsWith('$'))) return [['eq', path, value]]
  return Object.entries(value).map(([name, operand]): Ast => {
    const operator = name.slice(1)
    if (name === '$between') {
      if (!Array.isArray(operand) || operand.length !== 2) throw new StowageError('invalid_query', '$between takes [low, high]')
      return ['between', path, operand[0], operand[1], false, false]
    }
    if (name === '$exists') return operand === false ? ['not', ['exists', path]] : ['exists', path]
    if (name[0] !== '$' || !tests.has(operator)) throw new StowageError('unknown_operator', `there is no operator "${name}"`)
    return [operator, path, operand]
  })
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (value === null || typeof value !== 'object') return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
