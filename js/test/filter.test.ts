import assert from 'node:assert/strict'
import { test } from 'node:test'

import { StowageError } from '../src/errors.js'
import { type HostFunction, numbered } from '../src/query/ask.js'
import { type Ast, and, custom, field, noop, not, or, toAst, where } from '../src/query/where.js'

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
  assert.deepEqual(where('a.b').oneOf(new Set([1, 2])).ast, ['in', path, [1, 2]])
  assert.deepEqual(where('a.b').endsWith('x').ast, ['endsWith', path, 'x'])
  assert.deepEqual(where('a.b').icontains('x').ast, ['icontains', path, 'x'])
  assert.deepEqual(where('a.b').type('date').ast, ['type', path, 'date'])
  assert.deepEqual(where('a.b').mod(3, 1).ast, ['mod', path, 3, 1])
  assert.deepEqual(where('a.b').size(2).ast, ['size', path, 2])
  assert.deepEqual(where('a.b').any([1, 2]).ast, ['any', path, [1, 2]])
  assert.deepEqual(where('a.b').all([1, 2]).ast, ['all', path, [1, 2]])
  assert.deepEqual(where('a.b').any(where('c').eq(1)).ast, ['elemMatch', path, ['eq', ['c'], 1]])
  assert.deepEqual(where('a.b').all(where('c').eq(1)).ast, ['every', path, ['eq', ['c'], 1]])
  assert.deepEqual(where('a.b').elemMatch(where().gt(1)).ast, ['elemMatch', path, ['gt', [], 1]])
  assert.deepEqual(where('a.b').every(where().gt(1)).ast, ['every', path, ['gt', [], 1]])
  assert.deepEqual(where('a.b').fragment({ c: 1 }).ast, ['fragment', path, { c: 1 }])
  assert.deepEqual(where('a.b').gt(field('c')).ast, ['field', 'gt', path, ['c']])
  assert.deepEqual(noop().ast, ['noop'])
  assert.deepEqual(where('list.0').eq(1).ast, ['eq', ['list', 0], 1])
  assert.deepEqual(where('a.b', 'c', 0).eq(1).ast, ['eq', ['a.b', 'c', 0], 1])
  assert.deepEqual(where('a').at('b.0').eq(1).ast, ['eq', ['a', 'b', 0], 1])
})

test('functions have numbers and identities on the way to the engine', () => {
  const f = () => true
  const functions: HostFunction[] = []
  const ast = numbered(
    and(
      where('a').search(/x/i),
      where('b').test(f).not(),
      where('c').elemMatch(where().map(Number).map(String).at('length').eq(1)),
      custom(f, { cacheable: true }),
    ).ast,
    functions,
  )
  const identity = (custom(f, { cacheable: true }).ast as unknown[])[3]
  assert.match(String(identity), /^function \d+$/)
  assert.deepEqual(ast, [
    'and',
    ['host', ['a'], 0, 'search /x/i'],
    ['not', ['host', ['b'], 1, null]],
    ['elemMatch', ['c'], ['host', [], 2, null, ['host', [], 3, null, ['eq', ['length'], 1]]]],
    ['host', [], 4, identity],
  ])
  assert.equal(functions.length, 5)
  assert.notEqual(identity, (custom(() => true, { cacheable: true }).ast as unknown[])[3])
})

test('what a regular expression begins with is asked of the index', () => {
  const beginning = (ast: Ast) => (ast[0] === 'and' ? (ast[1] as unknown[])[2] : undefined)
  const matches = (source: string, flags = '') => beginning(where('a').matches(source, flags).ast)
  assert.equal(matches('abc'), 'abc')
  assert.equal(matches('^ab c-d_5\\.'), 'ab c-d_5')
  assert.equal(matches('abc+'), 'ab')
  assert.equal(matches('abc*'), 'ab')
  assert.equal(matches('abc{0}'), 'ab')
  assert.equal(matches('a?'), undefined)
  assert.equal(matches('abc|d'), undefined)
  assert.equal(matches('abc', 'i'), undefined)
  assert.equal(matches('^abc', 'm'), undefined)
  assert.equal(matches('[abc]'), undefined)
  assert.equal(beginning(where('a').search('abc').ast), undefined)
  assert.equal(beginning(where('a').search('^abc').ast), 'abc')
  assert.equal(beginning(where('a').fullMatch('abc.').ast), 'abc')
})

test('filters join, and the parts stay as they were', () => {
  const a = where('a').eq(1)
  const b = where('b').eq(2)
  assert.deepEqual(a.and(b).ast, ['and', ['eq', ['a'], 1], ['eq', ['b'], 2]])
  assert.deepEqual(a.or(b).not().ast, ['not', ['or', ['eq', ['a'], 1], ['eq', ['b'], 2]]])
  assert.deepEqual(and(a, b, a).ast[0], 'and')
  assert.deepEqual(a.or(b).or(a.and(b)).ast, ['or', a.ast, b.ast, ['and', a.ast, b.ast]])
  let many = a
  for (let i = 0; i < 300; i++) many = many.or(b)
  assert.equal(numbered(many.ast, []).length, 302, 'joined one after the other, none is nested in another')
  assert.deepEqual(or().ast, ['or'])
  assert.deepEqual(not(a).ast, ['not', ['eq', ['a'], 1]])
  assert.deepEqual(a.ast, ['eq', ['a'], 1])
})

test('an object says the same', () => {
  assert.deepEqual(toAst(undefined), ['noop'])
  assert.deepEqual(toAst({}), ['noop'])
  assert.deepEqual(toAst({ a: 1 }), ['eq', ['a'], 1])
  assert.deepEqual(toAst({ 'a.b': null }), ['or', ['eq', ['a', 'b'], null], ['not', ['exists', ['a', 'b']]]])
  assert.deepEqual(toAst({ a: { $ne: 1 } }), ['not', ['eq', ['a'], 1]])
  assert.deepEqual(toAst({ a: { $nin: [1, null] } }), ['not', ['or', ['in', ['a'], [1, null]], ['not', ['exists', ['a']]]]])
  assert.deepEqual(toAst({ $nor: [{ a: 1 }, { b: 2 }] }), ['not', ['or', ['eq', ['a'], 1], ['eq', ['b'], 2]]])
  assert.deepEqual(toAst({ a: { $not: { $gt: 1, $lt: 5 } } }), ['not', ['and', ['gt', ['a'], 1], ['lt', ['a'], 5]]])
  assert.deepEqual(toAst({ a: { $all: [1, 2] } }), ['all', ['a'], [1, 2]])
  assert.deepEqual(toAst({ a: { $all: [] } }), ['or'])
  assert.deepEqual(toAst({ a: { $elemMatch: { $gt: 1, $lt: 5 } } }), ['elemMatch', ['a'], ['and', ['gt', [], 1], ['lt', [], 5]]])
  assert.deepEqual(toAst({ a: { $elemMatch: { b: 1, $or: [{ c: 2 }] } } }), ['elemMatch', ['a'], ['and', ['eq', ['b'], 1], ['or', ['eq', ['c'], 2]]]])
  assert.deepEqual(toAst({ a: { $size: 2, $mod: [4, 0] } }), ['and', ['size', ['a'], 2], ['mod', ['a'], 4, 0]])
  assert.deepEqual(toAst({ a: { $type: ['bool', 2] } }), ['or', ['type', ['a'], 'boolean'], ['type', ['a'], 'string']])
  assert.deepEqual(toAst({ a: 1, b: { $gt: 2, $lte: 5 } }), ['and', ['eq', ['a'], 1], ['gt', ['b'], 2], ['lte', ['b'], 5]])
  assert.deepEqual(toAst({ a: { b: 1 } }), ['eq', ['a'], { b: 1 }])
  assert.deepEqual(toAst({ a: { $exists: true } }), ['exists', ['a']])
  for (const no of [false, 0, null]) assert.deepEqual(toAst({ a: { $exists: no } } as never), ['not', ['exists', ['a']]])
  assert.deepEqual(toAst({ a: { $between: [1, 2] } }), ['between', ['a'], 1, 2, false, false])
  assert.deepEqual(toAst({ $or: [{ a: 1 }, { $not: { b: 2 } }] }), ['or', ['eq', ['a'], 1], ['not', ['eq', ['b'], 2]]])
  assert.deepEqual(toAst({ $and: [where('a').eq(1)] }), ['and', ['eq', ['a'], 1]])
})

test('what makes no sense is refused where it is written', () => {
  fails('invalid_path', () => where(''))
  fails('invalid_path', () => where('a..b'))
  fails('unknown_operator', () => toAst({ a: { $like: 'x' } }))
  fails('unknown_operator', () => toAst({ $xor: [] }))
  fails('unknown_operator', () => toAst({ $gt: 1 }))
  fails('invalid_query', () => toAst({ a: { $in: 5 } }))
  fails('invalid_query', () => toAst({ a: { $elemMatch: 5 } }))
  fails('invalid_query', () => toAst({ a: { $type: 'decimal' } }))
  fails('invalid_query', () => toAst({ a: { $regex: 5 } }))
  fails('invalid_query', () => where('a').in(5 as never))
  fails('invalid_query', () => where('a').any('abc' as never))
  fails('invalid_query', () => where('a').test('f' as never))
  fails('invalid_query', () => where('a').map(undefined as never))
  fails('invalid_path', () => where('a', ''))
  fails('invalid_path', () => where('a', -1))
  fails('unknown_operator', () => toAst({ a: { $gt: 1, b: 2 } }))
  fails('invalid_query', () => toAst('country'))
  fails('invalid_query', () => toAst({ $or: { a: 1 } }))
  fails('invalid_query', () => toAst({ a: { $between: 3 } }))
  let deep: object = { a: 1 }
  for (let i = 0; i < 300; i++) deep = { $not: deep }
  fails('too_deep', () => toAst(deep))
  let inside: object = { $gt: 1 }
  let negated = where('a').eq(1)
  for (let i = 0; i < 100_000; i++) negated = negated.not()
  fails('too_deep', () => numbered(negated.ast, []))
  for (let i = 0; i < 300; i++) inside = { $not: inside }
  fails('too_deep', () => toAst({ a: inside }))
})
