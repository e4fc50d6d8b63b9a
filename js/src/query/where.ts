import { expression, HostFunction } from './ask.js'
import { asStowageError, StowageError } from '../errors.js'
import { matchToAst } from './match.js'
import { Options } from '../options.js'
import { splitPath } from '../document/path.js'

/** One filter as the engine reads it: an operator and its operands, nested. Functions stand in it as they are. */
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

/**
 * Starts a filter: `where('country').eq('NO')`, `where('position.lat').gt(60)`. Of several
 * names none is split: `where('a.b', 'c')`. Without a name it is the value itself: an element
 * in `elemMatch` and `every`, else the whole document.
 */
export function where<const S extends readonly (string | number)[]>(...path: S): Condition<Dotted<S>> {
  return new Condition(path.length === 1 ? splitPath(path[0]) : namesOf(path), ast => ast)
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

/** A filter that always holds: what others can be joined to. */
export function noop(): Where<never> {
  return new Where<never>(['noop'])
}

/**
 * A filter that is a function of the whole document. `cacheable` promises that it says the
 * same of the same document as long as this program runs.
 */
export function custom<T>(test: (document: T) => unknown, options?: { cacheable?: boolean }): Where<['', Tested<T>]> {
  const o = new Options('custom', options)
  const cacheable = o.boolean('cacheable') ?? false
  o.done()
  return new Where(['host', [], ...HostFunction.test(test, cacheable)])
}

/** Another path of the same document, to compare with: `where('spent').gt(field('budget'))`. */
export function field<const P extends string>(path: P): FieldAt<P> {
  return new FieldAt<P>(splitPath(path))
}

/** See field. */
export class FieldAt<out P extends string> {
  declare readonly at: P

  /** @internal */
  constructor(readonly path: readonly (string | number)[]) {}
}

/** The dotted form of a path given as names. */
type Dotted<S extends readonly (string | number)[]> =
  S extends readonly [] ? ''
  : S extends readonly [infer K extends string | number] ? `${K}`
  : S extends readonly [infer K extends string | number, ...infer Rest extends readonly (string | number)[]] ? `${K}.${Dotted<Rest>}`
  : string

type Below<P extends string, K extends string> = P extends '' ? K : `${P}.${K}`

/** What a function demands of the values it is given. */
export interface Tested<V> {
  test: (value: V) => unknown
}

type Compared<P extends string, V> = V extends FieldAt<infer Q> ? [P, never] | [Q, never] : [P, V]

/** What JavaScript and JSON tell apart. */
export type TypeName = 'null' | 'boolean' | 'number' | 'string' | 'date' | 'bytes' | 'array' | 'object'

/**
 * A path waiting for its operator. Every test is false where the path is missing. Behind `map`
 * nothing is known of the value: K is never then, and More what the function demands.
 */
export class Condition<P extends string, K = unknown, More extends Requirement = never> {
  /** @internal */
  constructor(
    private readonly path: readonly (string | number)[],
    private readonly wrap: (ast: Ast) => Ast,
  ) {}

  /** Equal, deeply: 1 equals 1n, and objects may have their members in any order. */
  eq<const V>(value: V): Where<Compared<P, V & K> | More> {
    return this.compare('eq', value)
  }

  /** Present and not equal. */
  ne<const V>(value: V): Where<Compared<P, V & K> | More> {
    return this.compare('ne', value)
  }

  /** Below, among values of the same type. */
  lt<const V>(value: V): Where<Compared<P, V & K> | More> {
    return this.compare('lt', value)
  }

  lte<const V>(value: V): Where<Compared<P, V & K> | More> {
    return this.compare('lte', value)
  }

  /** Above, among values of the same type. */
  gt<const V>(value: V): Where<Compared<P, V & K> | More> {
    return this.compare('gt', value)
  }

  gte<const V>(value: V): Where<Compared<P, V & K> | More> {
    return this.compare('gte', value)
  }

  /** From low to high, both included unless left open. */
  between<const V>(low: V, high: V, open?: { low?: boolean; high?: boolean }): Where<[P, V & K] | More> {
    const o = new Options('between', open)
    const ends = [o.boolean('low') ?? false, o.boolean('high') ?? false]
    o.done()
    return this.is('between', low, high, ...ends)
  }

  /** Equal to one of the values. */
  in<const V>(values: Iterable<V>): Where<[P, V & K] | More> {
    return this.is('in', listOf(values))
  }

  /** The same as `in`. */
  oneOf<const V>(values: Iterable<V>): Where<[P, V & K] | More> {
    return this.in(values)
  }

  startsWith(text: string): Where<[P, { text: true } & K] | More> {
    return this.is('startsWith', text)
  }

  endsWith(text: string): Where<[P, { text: true } & K] | More> {
    return this.is('endsWith', text)
  }

  /** A string with this text in it, or a list with an element equal to this. */
  contains<const V>(part: V): Where<[P, { contains: V } & K] | More> {
    return this.is('contains', part)
  }

  /** A string with this text in it, in any case: one character is compared with one. */
  icontains(text: string): Where<[P, { text: true } & K] | More> {
    return this.is('icontains', text)
  }

  /** Present, be it null. */
  exists(): Where<[P, never] | More> {
    return this.is('exists')
  }

  /** A value of this type. */
  type(name: TypeName): Where<[P, never] | More> {
    return this.is('type', name)
  }

  /** A number that leaves this remainder, which has the sign of the number. */
  mod(divisor: number | bigint, remainder: number | bigint): Where<[P, { mod: true } & K] | More> {
    return this.is('mod', divisor, remainder)
  }

  /** A list of so many elements. */
  size(count: number): Where<[P, { size: true } & K] | More> {
    return this.is('size', count)
  }

  /** A list with an element that is one of the values, or that a filter selects. */
  any<Q extends Requirement>(filter: Where<Q>): Where<[P, { elements: Q } & K] | More>
  any<const V>(values: Iterable<V>): Where<[P, { holds: V } & K] | More>
  any(what: unknown): Where<never> {
    return what instanceof Where ? this.is('elemMatch', what.ast) : this.is('any', listOf(what))
  }

  /** A list that has all of the values, or all of whose elements a filter selects, if there are any. */
  all<Q extends Requirement>(filter: Where<Q>): Where<[P, { elements: Q } & K] | More>
  all<const V>(values: Iterable<V>): Where<[P, { holds: V } & K] | More>
  all(what: unknown): Where<never> {
    return what instanceof Where ? this.is('every', what.ast) : this.is('all', listOf(what))
  }

  /** A list with an element that meets the whole filter, whose paths start from the element. */
  elemMatch<Q extends Requirement>(filter: Where<Q>): Where<[P, { elements: Q } & K] | More> {
    return this.is('elemMatch', toAst(filter))
  }

  /** A list whose elements all meet the filter, if there are any. */
  every<Q extends Requirement>(filter: Where<Q>): Where<[P, { elements: Q } & K] | More> {
    return this.is('every', toAst(filter))
  }

  /** An object in which each of these members is there and equal. */
  fragment<const F extends object>(members: F): Where<{ [M in keyof F & string]: [Below<P, M>, F[M] & K] }[keyof F & string] | More> {
    return this.is('fragment', members)
  }

  /** A string that begins as the expression says. */
  matches(pattern: RegExp | string, flags?: string): Where<[P, { text: true } & K] | More> {
    return this.pattern('matches', pattern, flags)
  }

  /** A string in which the expression is met anywhere. */
  search(pattern: RegExp | string, flags?: string): Where<[P, { text: true } & K] | More> {
    return this.pattern('search', pattern, flags)
  }

  /** A string that is what the expression says from beginning to end. */
  fullMatch(pattern: RegExp | string, flags?: string): Where<[P, { text: true } & K] | More> {
    return this.pattern('fullMatch', pattern, flags)
  }

  /** A value of which the function, given it and the arguments, says something true. What it throws rejects the query. */
  test<V, A extends unknown[]>(test: (value: V, ...args: A) => unknown, ...args: A): Where<[P, Tested<V> & K] | More> {
    return this.is('host', ...HostFunction.test(test, false, args))
  }

  /** What the function makes of the value takes its place; undefined is missing. */
  map<V>(map: (value: V) => unknown): Condition<P, never, [P, Tested<V> & K] | More> {
    const operands = HostFunction.map(map)
    return new Condition([], ast => this.wrap(['host', this.path, ...operands, ast]))
  }

  /** Goes on from the value: behind `map`, where paths begin anew. */
  at<const Q extends string>(path: Q): Condition<[K] extends [never] ? P : Below<P, Q>, K, More> {
    return new Condition([...this.path, ...splitPath(path)], this.wrap)
  }

  private compare(operator: string, value: unknown): Where<never> {
    return value instanceof FieldAt ? new Where(this.wrap(['field', operator, this.path, value.path])) : this.is(operator, value)
  }

  private pattern(how: 'matches' | 'search' | 'fullMatch', pattern: RegExp | string, flags: string | undefined): Where<never> {
    return new Where(this.wrap(HostFunction.pattern(how, this.path, expression(how, pattern, flags))))
  }

  private is(operator: string, ...operands: unknown[]): Where<never> {
    return new Where(this.wrap([operator, this.path, ...operands]))
  }
}

/** The AST of a filter given as Where, as an object, or not at all. */
export function toAst(filter: unknown): Ast {
  if (filter === undefined) return ['noop']
  if (filter instanceof Where) return filter.ast
  try {
    return matchToAst(filter, 0)
  } catch (error) {
    throw asStowageError(error, 'invalid_query', 'a filter could not be read') // of a getter, or a Proxy
  }
}

/** What is joined in the same way already is joined flat: thousands of them, one `.or` after the other, are not nested. */
function join(operator: 'and' | 'or', filters: readonly unknown[]): Ast {
  return [operator, ...filters.map(toAst).flatMap(ast => (ast[0] === operator ? ast.slice(1) : [ast]))]
}

function listOf(values: unknown): unknown[] {
  if (values === null || typeof values !== 'object' || !(Symbol.iterator in values)) {
    throw new StowageError('invalid_query', 'what is looked for must come in a list')
  }
  return [...(values as Iterable<unknown>)]
}

/** A path of several names, none of which is split. */
function namesOf(path: readonly unknown[]): (string | number)[] {
  for (const name of path) {
    if (typeof name === 'number' ? !Number.isSafeInteger(name) || name < 0 : typeof name !== 'string' || name === '') {
      throw new StowageError('invalid_path', 'a path is made of names and positions in lists')
    }
  }
  return path as (string | number)[]
}
