import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reference, same, sameOrder, sameSet } from '../reference.mjs'

const small = { id: 1, population: 10, text: 'old mill' }
const twin = { id: 2, population: 10, text: 'stone mill' }
const large = { id: 3, population: 90, text: 'old bridge' }

test('a reference answers what a store must', () => {
  const reference = new Reference([large, small, twin])
  assert.deepEqual(reference.range(10, 10), [small, twin])
  assert.deepEqual(reference.top(90, 1).map(({ population }) => population), [10])
  assert.deepEqual(reference.scan('old'), [large, small])
  assert.equal(reference.lastId, 3)
})

test('a change is seen by every question', () => {
  const reference = new Reference([small, large])
  reference.update([1], { population: 100 })
  assert.deepEqual(reference.top(1000, 1), [{ ...small, population: 100 }])
  assert.equal(small.population, 10)
  reference.remove([3])
  reference.insert([twin])
  assert.deepEqual(reference.ids(), [1, 2])
})

test('same compares values, not the order of keys', () => {
  assert.ok(same({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }))
  assert.ok(!same({ a: 1 }, { a: 1, b: undefined }))
  assert.ok(!same([], {}))
  assert.ok(!same(undefined, small))
})

test('a missing, an altered and a doubled document are noticed', () => {
  assert.ok(sameSet([large, small], [small, large]))
  assert.ok(!sameSet([small], [small, large]))
  assert.ok(!sameSet([small, { ...large, text: '' }], [small, large]))
  assert.ok(!sameSet([small, small], [small, large]))
  assert.ok(!sameSet(undefined, [small]))
})

test('an order is right whichever way equals stand, and wrong otherwise', () => {
  const reference = new Reference([small, twin, large])
  assert.ok(sameOrder([large, twin, small], [large, small, twin], reference))
  assert.ok(!sameOrder([twin, large, small], [large, small, twin], reference))
  assert.ok(!sameOrder([large, twin, twin], [large, small, twin], reference))
})
