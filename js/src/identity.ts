/*
 * What filters and queries are, whatever order their parts were written in: a key for caches of one's own.
 *
 * The engine has the same in query/identity.go; both are held to the vectors in query/testdata/identities.json.
 */
import { packValue, unpack } from './document/document.js'
import { writeKey } from './document/key.js'
import { type Find } from './query/find.js'
import { packQuery, query } from './query/query.js'
import type { Ast, Where } from './query/where.js'

/** What has an identity: a filter, as an object too, or a query. */
export type Identified = Where | object

/**
 * A text that filters share if they have the same structure, whatever order the parts of an `and`, an `or` and a list
 * of values, and the members of an object, were written in; and queries, if all else about which documents they find, and in
 * what order, is the same too. It is undefined where functions have a say, unless they are `cacheable`, and those keep it for as long
 * as the program runs.
 *
 * What has one identity finds the same documents. That what finds the same has one identity is not promised, and another version may write others.
 *
 *     identity(where('a').eq(1).and(where('b').eq(2))) === identity({ b: 2, a: 1 })
 */
export function identity(of: Identified): string | undefined {
  try {
    return isFind(of) ? queryIdentity(of) : nodeIdentity(query(of).filter)
  } catch (error) {
    if (error === nameless) return undefined
    throw error
  }
}

/** A number that filters and queries share if they have the same identity, and hardly any others do: FNV-1a, of 64 bits. */
export function hash(of: Identified): bigint | undefined {
  const text = identity(of)
  if (text === undefined) return undefined
  let hash = 0xcbf29ce484222325n
  for (let i = 0; i < text.length; i++) hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n)
  return hash
}

/** Of all that filters are, only a query has a member that is a function. */
function isFind(of: object): of is Find<unknown, any> {
  return typeof (of as Find<unknown>).packed === 'function'
}

/** Thrown at a function that has no identity. */
const nameless = new Error('a function has no identity')

/** A query as it is sent. */
interface Sent {
  order?: [path: Path, descending: boolean][]
  reverse?: boolean
  limit?: number
  skip?: number
  after?: unknown[]
}

function queryIdentity(find: Find<unknown, any>): string {
  const { bytes } = packQuery({ ...find.query, filter: ['noop'] })
  const { order = [], reverse = false, limit = -1, skip = 0, after = [] } = unpack(bytes, 0, bytes.length) as Sent
  const columns = order.map(([path, descending]) => pathIdentity(path) + flag(descending))
  const counts = flag(reverse) + signed(limit) + signed(skip)
  return counted(nodeIdentity(find.query.filter)) + columns.join('') + char(0) + counts + after.map(value => text(packValue(value))).join('')
}

type Path = readonly (string | number)[]

/*
 * Identities are made of bytes: each is the character of its number. No two nodes' texts are the beginning of one
 * another, for every part tells its length or its end.
 */
const char = (byte: number) => String.fromCharCode(byte)
const text = (bytes: Uint8Array) => Array.from(bytes, char).join('')
const flag = (on: boolean) => char(Number(on))

/** What comparing can say, of those outcomes that pass: below 1, same 2, above 4. */
const accepts: Record<string, number> = { eq: 2, ne: 5, lt: 1, lte: 3, gt: 4, gte: 6 }

function nodeIdentity(ast: Ast): string {
  const [operator, first, second, third, fourth, fifth] = ast
  const head = `${operator}(`
  const path = () => pathIdentity(first as Path)
  const value = valueIdentity
  switch (operator) {
    case 'and':
    case 'or':
      return joinedIdentity(operator, ast)
    case 'fragment':
      return fragmentIdentity(first as Path, second as object)
    case 'noop':
      return head + filters()
    case 'not':
      return head + filters(first)
    case 'exists':
      return head + path() + filters()
    case 'between':
      return head + path() + value(second) + value(third) + flag(fourth === true) + flag(fifth === true) + filters()
    case 'mod':
      return head + path() + value(second) + value(third) + flag(false) + flag(false) + filters()
    case 'size':
      return head + path() + count(second as number) + filters()
    case 'in':
    case 'any':
    case 'all':
      return head + path() + sorted((second as unknown[]).map(value)) + filters()
    case 'elemMatch':
    case 'every':
      return head + path() + filters(second)
    case 'field':
      return head + pathIdentity(second as Path) + pathIdentity(third as Path) + char(accepts[first as string]!) + filters()
    case 'host':
      if (third === null) throw nameless
      return head + path() + counted(utf8(third as string)) + (fourth === undefined ? filters() : filters(fourth))
    default:
      return head + path() + value(second) + filters()
  }
}

function filters(...asts: unknown[]): string {
  return count(asts.length) + asts.map(ast => nodeIdentity(ast as Ast)).join('')
}

/** Those of an and or an or are in order, each once, those of the same operator inside of it among them. One of a single part is that part. */
function joinedIdentity(operator: string, ast: Ast): string {
  const parts = distinct(flattened(operator, ast).map(nodeIdentity))
  return parts.length === 1 ? parts[0]! : `${operator}(${count(parts.length)}${parts.join('')}`
}

function flattened(operator: string, ast: Ast): Ast[] {
  if (ast[0] === operator) return ast.slice(1).flatMap(part => flattened(operator, part as Ast))
  return ast[0] === 'fragment' && operator === 'and' ? membersOf(ast[1] as Path, ast[2] as object) : [ast]
}

function fragmentIdentity(path: Path, members: object): string {
  return joinedIdentity('and', ['and', ...membersOf(path, members)])
}

/** The filter that a fragment stands for. */
function membersOf(path: Path, members: object): Ast[] {
  const entries = Object.entries(members)
  return entries.length === 0 ? [['type', path, 'object']] : entries.map(([name, member]) => ['eq', [...path, name], member])
}

function pathIdentity(path: Path): string {
  return count(path.length) + path.map(segment => (typeof segment === 'string' ? counted(utf8(segment)) : count(0) + count(segment))).join('')
}

/** Values that are equal are written alike: by their key, where they have one and are no list. */
function valueIdentity(value: unknown): string {
  if (value === undefined) return char(0x01)
  if (Array.isArray(value)) return char(0x60) + count(value.length) + Array.from(value, valueIdentity).join('')
  if (typeof value === 'number' && Number.isNaN(value)) return `${char(0xf0)}n`
  const packed = packValue(value)
  const kind = packed[0]!
  if (kind >> 4 === 0x8 || kind === 0xde || kind === 0xdf) {
    return `${char(0xf0)}m${sorted(Object.entries(value as object).map(([name, member]) => valueIdentity(name) + valueIdentity(member)))}`
  }
  const start = extension(kind)
  if (start > 0 && !(value instanceof Date && !Number.isNaN(value.getTime()))) return `${char(0xf0)}x${counted(text(packed.subarray(start)))}`
  let key = ''
  writeKey({ byte: b => void (key += char(b)) }, value)
  return key
}

/** Where the type of an extension stands, behind how long it is; 0 for what is none. */
function extension(kind: number): number {
  if (kind >= 0xc7 && kind <= 0xc9) return 1 + (1 << (kind - 0xc7))
  return kind >= 0xd4 && kind <= 0xd8 ? 1 : 0
}

/** Parts in the order of how they are written, each once. */
function sorted(parts: string[]): string {
  const each = distinct(parts)
  return count(each.length) + each.join('')
}

function distinct(parts: string[]): string[] {
  return [...new Set(parts)].sort()
}

const encoder = new TextEncoder()

function utf8(name: string): string {
  return text(encoder.encode(name))
}

function counted(part: string): string {
  return count(part.length) + part
}

/** A whole number in groups of seven bits, the lowest first; all but the last are marked. */
function count(number: number): string {
  let bytes = ''
  for (; number >= 0x80; number = Math.floor(number / 0x80)) bytes += char((number % 0x80) | 0x80)
  return bytes + char(number)
}

function signed(number: number): string {
  return count(number < 0 ? -2 * number - 1 : 2 * number)
}
