/*
 * Filters written as objects, with the operators that users of MongoDB know. They
 * mean what they mean there: $ne and $nin also hold where a path is missing, and null
 * equals what is missing. Only, a path leads to one value: to look into a list, ask
 * $elemMatch, $all, $any or $contains.
 */
import { expression, HostFunction } from './ask.js'
import { StowageError } from '../errors.js'
import { splitPath } from '../document/path.js'
import { type Ast, Where } from './where.js'

type Path = readonly (string | number)[]

/** The AST of a filter given as an object. */
export function matchToAst(match: unknown, depth: number): Ast {
  if (match instanceof Where) return match.ast
  if (!isPlain(match)) throw refuse('a filter must come from where(), or be an object')
  if (depth > 200) throw new StowageError('too_deep', 'a filter is nested deeper than 200')
  const nested = (part: unknown) => matchToAst(part, depth + 1)
  return all(
    Object.entries(match).flatMap(([name, value]): Ast[] => {
      switch (name) {
        case '$and':
        case '$or':
          return [[name.slice(1), ...listOf(name, value).map(nested)]]
        case '$nor':
          return [['not', ['or', ...listOf(name, value).map(nested)]]]
        case '$not':
          return [['not', nested(value)]]
      }
      if (name.startsWith('$')) throw unknown(name)
      return testsToAst(splitPath(name), value, depth)
    }),
  )
}

function all(parts: readonly Ast[]): Ast {
  return parts.length === 1 ? parts[0]! : parts.length === 0 ? ['noop'] : ['and', ...parts]
}

/** Objects inside objects are told apart from documents by the $ of their members. */
function hasTests(value: unknown): value is Record<string, unknown> {
  return isPlain(value) && Object.keys(value).some(name => name.startsWith('$'))
}

function testsToAst(path: Path, value: unknown, depth: number): Ast[] {
  if (value instanceof RegExp) return [HostFunction.pattern('search', path, value)]
  if (!hasTests(value)) return [equal(path, value)]
  if (depth > 200) throw new StowageError('too_deep', 'a filter is nested deeper than 200')
  const entries = Object.entries(value).filter(([name]) => name !== '$options' || !('$regex' in value))
  return entries.map(([name, operand]) => testToAst(path, name, operand, depth, value['$options']))
}

/** null equals what is missing, as one of several values too. */
function equal(path: Path, value: unknown): Ast {
  const ast: Ast = ['eq', path, value]
  return value === null || value === undefined ? ['or', ['eq', path, null], ['not', ['exists', path]]] : ast
}

const plain = new Set(['lt', 'lte', 'gt', 'gte', 'startsWith', 'endsWith', 'contains', 'icontains', 'size', 'fragment'])

function testToAst(path: Path, name: string, operand: unknown, depth: number, options: unknown): Ast {
  const operator = name.slice(1)
  switch (name) {
    case '$eq':
      return equal(path, operand)
    case '$ne':
      return ['not', equal(path, operand)]
    case '$in':
    case '$oneOf':
      return among(path, listOf(name, operand))
    case '$nin':
      return ['not', among(path, listOf(name, operand))]
    case '$between': {
      const bounds = listOf(name, operand)
      if (bounds.length !== 2) throw refuse('$between takes [low, high]')
      return ['between', path, ...bounds, false, false]
    }
    case '$exists':
      return operand ? ['exists', path] : ['not', ['exists', path]]
    case '$not':
      return ['not', all(testsToAst(path, operand, depth + 1))]
    case '$regex':
      return HostFunction.pattern('search', path, expression(name, operand, options))
    case '$any':
      return ['any', path, listOf(name, operand)]
    case '$all': {
      const values = listOf(name, operand)
      return values.length === 0 ? ['or'] : ['all', path, values]
    }
    case '$elemMatch':
    case '$every':
      return [operator, path, hasTests(operand) && !joins(operand) ? all(testsToAst([], operand, depth + 1)) : matchToAst(operand, depth + 1)]
    case '$mod': {
      const [divisor, remainder] = listOf(name, operand)
      return ['mod', path, divisor, remainder]
    }
    case '$type':
      return ['or', ...[operand].flat().map((type): Ast => ['type', path, typeOf(type)])]
    case '$test':
      return ['host', path, ...HostFunction.test(operand as (value: unknown) => unknown, false)]
  }
  if (name[0] !== '$' || !plain.has(operator)) throw unknown(name)
  return [operator, path, operand]
}

/** Tells { $or: … } of an element's members from { $gt: … } of the element itself. */
function joins(operand: Record<string, unknown>): boolean {
  return '$and' in operand || '$or' in operand || '$nor' in operand
}

function among(path: Path, values: unknown[]): Ast {
  const one: Ast = ['in', path, values.filter(value => !(value instanceof RegExp))]
  const others = values.filter(value => value instanceof RegExp).map(value => HostFunction.pattern('search', path, value))
  if (values.includes(null)) others.push(['not', ['exists', path]])
  return others.length === 0 ? one : ['or', one, ...others]
}

/** MongoDB's names and numbers of types, of those that documents tell apart. */
const types: Record<string, string> = {
  2: 'string', 3: 'object', 4: 'array', 5: 'bytes', 8: 'boolean', 9: 'date', 10: 'null',
  string: 'string', object: 'object', array: 'array', binData: 'bytes', bool: 'boolean', date: 'date', null: 'null', number: 'number',
  bytes: 'bytes', boolean: 'boolean',
} // biome-ignore format: a table

function typeOf(name: unknown): string {
  const type = types[String(name)]
  if (type === undefined) throw refuse(`there is no type "${String(name)}"`)
  return type
}

function listOf(name: string, value: unknown): unknown[] {
  if (!Array.isArray(value)) throw refuse(`${name} takes a list`)
  return value
}

function refuse(why: string): StowageError {
  return new StowageError('invalid_query', why)
}

function unknown(name: string): StowageError {
  return new StowageError('unknown_operator', `there is no operator "${name}" here`)
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (value === null || typeof value !== 'object') return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
