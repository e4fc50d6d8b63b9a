import assert from 'node:assert/strict'
import { test } from 'node:test'

import { StowageError } from '../src/errors.js'
import { and, not, or, toAst, where } from '../src/where.js'

const fails = (code: string, f: () => unknown) =>
  assert.throws(f, (error: unknown) => error instanceof StowageError && error.code === code, `not ${code}`)

test('every operator has its form', () => {
  const path = ['a', 'b']
  assert.deepEqual(where('a.b').eq(1).ast, ['eq', path, 1])
  assert.deepEqual(where('a.b').ne(null).ast, ['ne', path, null])
  assert.deepEqual(where('a.b').lt(1).ast, ['lt', path, 1])
  assert.deepEqual(where('a.b').lte(1).ast, ['lte', path, 1])
  assert.deepEqual(where('a.b').gt(1).ast, ['gt', path, 1])
  assert.deepEqual(where('a.b').gte(1).ast, ['gte', path, 1])
  assert.deepEqual(where('a.b').between(1, 2).ast, ['between', path, 1, 2, false, false])
  assert.deepEqual(where('a.b').between(1, 2, { high: true }).ast, ['between', path, 1, 2, false, true])
  assert.deepEqual(where('a.b').in([1, 2]).ast, ['in', path, [1, 2]])
  assert.deepEqual(where('a.b').startsWith('x').ast, ['startsWith', path, 'x'])
  assert.deepEqual(where('a.b').contains('x').ast, ['contains', path, 'x'])
  assert.deepEqual(where('a.b').exists().ast, ['exists', path])
  assert.deepEqual(where('list.0').eq(1).ast, ['eq', ['list', 0], 1])
})

test('filters join, and the parts stay as they were', () => {
  const a = where('a').eq(1)
  const b = where('b').eq(2)
  assert.deepEqual(a.and(b).ast, ['and', ['eq', ['a'], 1], ['eq', ['b'], 2]])
  assert.deepEqual(a.or(b).not().ast, ['not', ['or', ['eq', ['a'], 1], ['eq', ['b'], 2]]])
  assert.deepEqual(and(a, b, a).ast[0], 'and')
  assert.deepEqual(or().ast, ['or'])
  assert.deepEqual(not(a).ast, ['not', ['eq', ['a'], 1]])
  assert.deepEqual(a.ast, ['eq', ['a'], 1])
})

test('an object says the same', () => {
  assert.deepEqual(toAst(undefined), ['all'])
  assert.deepEqual(toAst({}), ['all'])
  assert.deepEqual(toAst({ a: 1 }), ['eq', ['a'], 1])
  assert.deepEqual(toAst({ 'a.b': null }), ['eq', ['a', 'b'], null])
  assert.deepEqual(toAst({ a: 1, b: { $gt: 2, $lte: 5 } }), ['and', ['eq', ['a'], 1], ['gt', ['b'], 2], ['lte', ['b'], 5]])
  assert.deepEqual(toAst({ a: { b: 1 } }), ['eq', ['a'], { b: 1 }])
  assert.deepEqual(toAst({ a: { $exists: true } }), ['exists', ['a']])
  assert.deepEqual(toAst({ a: { $exists: false } }), ['not', ['exists', ['a']]])
  assert.deepEqual(toAst({ a: { $between: [1, 2] } }), ['between', ['a'], 1, 2, false, false])
  assert.deepEqual(toAst({ $or: [{ a: 1 }, { $not: { b: 2 } }] }), ['or', ['eq', ['a'], 1], ['not', ['eq', ['b'], 2]]])
  assert.deepEqual(toAst({ $and: [where('a').eq(1)] }), ['and', ['eq', ['a'], 1]])
})

test('what makes no sense is refused where it is written', () => {
  fails('invalid_path', () => where(''))
  fails('invalid_path', () => where('a..b'))
  fails('unknown_operator', () => toAst({ a: { $like: 'x' } }))
  fails('unknown_operator', () => toAst({ $nor: [] }))
  fails('unknown_operator', () => toAst({ a: { $gt: 1, b: 2 } }))
  fails('invalid_query', () => toAst('country'))
  fails('invalid_query', () => toAst({ $or: { a: 1 } }))
  fails('invalid_query', () => toAst({ a: { $between: 3 } }))
  let deep: object = { a: 1 }
  for (let i = 0; i < 300; i++) deep = { $not: deep }
  fails('too_deep', () => toAst(deep))
})
