import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { asStowageError, errorCodes, readCode, StowageError } from '../src/errors.js'

test('the codes are those of the engine, in its order', () => {
  const golden = readFileSync('../store/testdata/error-codes.txt', 'utf8').trim().split('\n')
  assert.deepEqual([...errorCodes], golden)
})

test('a code that is not known is internal', () => {
  assert.equal(readCode('quota'), 'quota')
  assert.equal(readCode('from_the_future'), 'internal')
})

test("a driver's own error keeps its code, and any other is a cause", () => {
  const mine = new StowageError('locked', 'taken')
  assert.equal(asStowageError(mine, 'internal', ''), mine)
  assert.equal(asStowageError(Object.assign(new Error('full'), { code: 'quota' }), 'backend_failed', '').code, 'quota')
  const foreign = new TypeError('no')
  const wrapped = asStowageError(foreign, 'backend_failed', 'the driver failed')
  assert.equal(wrapped.code, 'backend_failed')
  assert.equal(wrapped.cause, foreign)
})
