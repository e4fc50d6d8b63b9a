import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { encodeKey } from '../src/document/key.js'
import { StowageError } from '../src/errors.js'
import { type Tagged, untag } from './tagged.js'

interface Vector {
  name: string
  value: Tagged
  key: string
}

const vectors = JSON.parse(readFileSync('../query/testdata/keys.json', 'utf8')) as Vector[]

const hex = (v: unknown) => Buffer.from(encodeKey(v)).toString('hex')

/** Whether a vector is of a value that this side never writes as a key: what is missing, or has no order. */
function foreign(written: Tagged): boolean {
  if ('array' in written) return (written.array as Tagged[]).some(foreign)
  return 'undefined' in written || 'map' in written || 'extension' in written || Number.isNaN(Number(written.number ?? written.date ?? 0))
}

test('keys are those of the engine', () => {
  let checked = 0
  for (const vector of vectors) {
    if (foreign(vector.value)) continue
    assert.equal(hex(untag(vector.value)), vector.key, vector.name)
    checked++
  }
  assert.ok(checked > 30)
})

test('what has no place in the order is refused', () => {
  for (const v of [NaN, new Date(NaN), undefined, {}, () => 1, Symbol('x'), 2n ** 64n + 1n, [NaN], [1, [{}]]]) {
    assert.throws(() => encodeKey(v), (error: StowageError) => error.code === 'invalid_key', String(v?.toString()))
  }
  let deep: unknown[] = []
  for (let i = 0; i < 300; i++) deep = [deep]
  assert.throws(() => encodeKey(deep), (error: StowageError) => error.code === 'too_deep')
})

test('the order of keys is the order of values', () => {
  const ascending = [
    null, false, true, -Infinity, -1e300, -(2n ** 64n), -(2 ** 53), -1.5, -1, -5e-324, 0, 5e-324, 0.1, 1, 1.5, 2, 2 ** 53,
    2n ** 53n + 1n, 2n ** 63n, 2n ** 63n + 1n, 2n ** 64n - 1n, 2n ** 64n, 1e300, Infinity, new Date(-1), new Date(0), '', '\u0000', '\u0000a', 'a',
    'a\u0000', 'ab', 'b', 'é', '\uffff', '🐟', new Uint8Array(0), Uint8Array.of(0), Uint8Array.of(0, 1), Uint8Array.of(255),
    [], [null], [1], [1, 2], [2], ['a'], [[]],
  ]
  const keys = ascending.map(hex)
  assert.deepEqual(keys, [...keys].sort())
  assert.equal(new Set(keys).size, keys.length)
})

test('numbers are one line whatever their type', () => {
  for (const n of [0, 1, -1, 127, 128, 2 ** 31, 2 ** 53]) assert.equal(hex(n), hex(BigInt(n)))
  assert.equal(hex(-0), hex(0))
})
