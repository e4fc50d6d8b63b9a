import assert from 'node:assert/strict'
import { test } from 'node:test'
import { phrase, place, places } from '../documents.mjs'
import { Random } from '../random.mjs'

test('a document is the same wherever it is asked for', () => {
  assert.deepEqual(places(7, 11, 3)[2], place(7, 13))
  assert.notDeepEqual(place(7, 13), { ...place(8, 13) })
})

test('documents are 357 bytes long on average', () => {
  const lengths = places(1, 1, 10_000).map((document) => JSON.stringify(document).length)
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length
  assert.ok(Math.abs(mean - 357) < 2, `${mean} bytes`)
})

test('a phrase is found in few texts, but in some', () => {
  const random = new Random(1, 'phrase')
  const documents = places(1, 1, 10_000)
  for (let i = 0; i < 10; i++) {
    const sought = phrase(random)
    const found = documents.filter(({ text }) => text.includes(sought)).length
    assert.ok(found > 0 && found < 200, `"${sought}" in ${found} of 10,000`)
  }
})

test('random elements differ from one another and depend on the seed', () => {
  const list = Array.from({ length: 50 }, (_, i) => i)
  const some = new Random(1).some(list, 20)
  assert.equal(new Set(some).size, 20)
  assert.deepEqual(new Random(1).some(list, 20), some)
  assert.notDeepEqual(new Random(2).some(list, 20), some)
})
