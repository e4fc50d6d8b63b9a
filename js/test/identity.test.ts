import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { and, custom, noop, or, where } from 'stowage'
import { hash, identity } from 'stowage/identity'

import { openPlaces } from './places.js'
import { type Tagged, untag } from './tagged.js'

interface Vector {
  name: string
  filter: Tagged
  identity: string
  hash: string
}

/** The filters of which Go's tests say what they are. */
const vectors = JSON.parse(readFileSync('../query/testdata/identities.json', 'utf8')) as Vector[]

test('identities and hashes are those of the engine', () => {
  const Where = where('a').exists().constructor as new (ast: unknown) => ReturnType<typeof and>
  for (const { name, filter, ...expected } of vectors) {
    const of = new Where(untag(filter))
    const found = { identity: Buffer.from(identity(of)!, 'latin1').toString('hex'), hash: hash(of)!.toString(16) }
    assert.deepEqual(found, expected, name)
  }
  assert.ok(vectors.length > 100)
})

test('an identity is that of the structure, in whatever order and form it was written', () => {
  const [a, b] = [where('a').eq(1), where('b').gt('x')]
  const same = [
    [and(a, b), and(b, a)],
    [or(a, b), b.or(a)],
    [and(a, b), { b: { $gt: 'x' }, a: 1n }],
    [{ a: { x: [1], y: new Date(5) } }, { a: { y: new Date(5), x: [1] } }],
    [where('a').in([1, 2, 2]), where('a').in(new Set([2, 1]))],
    [where('a').search(/x/i), where('a').search('x', 'i')],
    [{}, noop()],
  ] as const
  for (const [x, y] of same) {
    assert.equal(identity(x), identity(y))
    assert.equal(hash(x), hash(y))
  }
  const apart = [a, b, and(a, b), or(a, b), a.not(), where('a').eq('1'), where('a').search(/x/), where('a').search(/x/i), where('a').matches(/x/i), { a: new Map([[1, 2]]) }, { a: new Set([1]) }]
  assert.equal(new Set(apart.map(identity)).size, apart.length)
  assert.equal(new Set(apart.map(hash)).size, apart.length)
})

test('what a function says has an identity where that is promised', () => {
  const odd = (n: unknown) => n === 1
  assert.equal(identity(where('a').test(odd)), undefined)
  assert.equal(hash(and(where('a').test(odd), where('b').eq(1))), undefined)
  const kept = () => custom(odd, { cacheable: true })
  assert.equal(identity(kept()), identity(kept()))
  assert.notEqual(identity(kept()), identity(custom(() => true, { cacheable: true })))
  assert.throws(() => identity({ a: { $nothing: 1 } }), { code: 'unknown_operator' })
})

test('a query is its filter and what it finds in which order', async () => {
  const db = await openPlaces()
  const find = () => db.places.find({ name: 'x' })
  assert.equal(identity(find().orderBy('name').limit(5)), identity(find().limit(5).orderBy('name')))
  const apart = [find(), find().limit(1), find().skip(1), find().orderBy('name'), find().orderBy('name', 'desc'), find().orderBy('name').after('x', 1), db.places.find()]
  assert.equal(new Set(apart.map(identity)).size, apart.length)
  assert.notEqual(identity(find()), identity({ name: 'x' }))
  await db.close()
})
