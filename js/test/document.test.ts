import assert from 'node:assert/strict'
import { test } from 'node:test'

import { packDocument, packDocuments, packValue, unpack } from '../src/document.js'
import { StowageError } from '../src/errors.js'

const roundTrip = (document: object) => {
  const bytes = Uint8Array.from(packDocument(document))
  return unpack(bytes, 0, bytes.length)
}

const fails = (code: string, document: unknown) =>
  assert.throws(() => packDocument(document), (error: unknown) => error instanceof StowageError && error.code === code, `not ${code}`)

test('documents come back as they went in', () => {
  const document = {
    text: 'Tromsø 🐟 \u0000', long: 'x'.repeat(70_000), empty: '',
    numbers: [0, -1, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, -32769, 2 ** 53, 0.1, -1e300, Infinity],
    bigints: [1n, -(2n ** 63n), 2n ** 64n - 1n],
    dates: [new Date(0), new Date(-1), new Date(1700000000123), new Date(8.64e15)],
    bytes: Uint8Array.of(1, 2, 3),
    nested: { list: [[], [[1]], {}], yes: true, no: false, nothing: null },
    many: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`member ${i}`, i])),
  }
  const back = roundTrip(document) as typeof document
  assert.deepEqual(back, document)
})

test('a member that is undefined stays so', () => {
  const back = roundTrip({ a: undefined, b: 1 }) as object
  assert.deepEqual(Object.keys(back), ['a', 'b'])
})

test('what is read shares no memory with the frame', () => {
  const frame = Uint8Array.from(packDocument({ bytes: Uint8Array.of(1, 2, 3) }))
  const back = unpack(frame, 0, frame.length) as { bytes: Uint8Array }
  frame.fill(0)
  assert.deepEqual([...back.bytes], [1, 2, 3])
})

test('an object of a class is stored by its members', () => {
  class Point { constructor(readonly x: number, readonly y: number) {} }
  assert.deepEqual(roundTrip({ at: new Point(1, 2) }), { at: { x: 1, y: 2 } })
  class Place extends Point { toJSON() { return 'elsewhere' } }
  assert.deepEqual(roundTrip(new Place(1, 2)), { x: 1, y: 2 })
})

test('what would come back as something else is refused', () => {
  const refused = [
    () => 1, Symbol('x'), new Map(), new Set(), /x/, new Error('x'), new Float64Array(2), new ArrayBuffer(2), 2n ** 64n,
    Promise.resolve(1), new WeakMap(), new SharedArrayBuffer(2), new Blob(['x']), new URL('http://host/'), Object(1n), new String('x'),
    new (class extends Map {})(), (function* () {})(),
  ]
  for (const value of refused) {
    fails('invalid_document', { value })
    fails('invalid_document', { list: [{ value }] })
  }
  for (const document of [null, undefined, 1, 'x', [], new Date(), new Uint8Array(1), new Map(), Promise.resolve({ id: 1 })]) fails('invalid_document', document)
})

test('what differs is what the module says', () => {
  assert.deepEqual(roundTrip({ zero: -0, holes: [1, , 3] }), { zero: 0, holes: [1, undefined, 3] })
  assert.deepEqual(roundTrip(JSON.parse('{"__proto__":{"x":1},"y":2}')), { __proto_: { x: 1 }, y: 2 })
  assert.match((roundTrip({ half: 'a\ud800' }) as { half: string }).half, /^a\ufffd+$/)
})

test('circles and depth are told apart', () => {
  const circle: Record<string, unknown> = {}
  circle.list = [circle]
  fails('invalid_document', circle)
  let deep: object = {}
  for (let i = 0; i < 100_000; i++) deep = { deep }
  fails('too_deep', deep)
  const twice = { a: 1 }
  assert.deepEqual(roundTrip({ x: twice, y: [twice, twice] }), { x: twice, y: [twice, twice] })
})

test('a packing that failed leaves nothing behind', () => {
  fails('invalid_document', { a: 'some text', f: () => 1 })
  assert.deepEqual(roundTrip({ a: 1 }), { a: 1 })
  const bytes = packDocuments([{ a: 1 }, { a: 2 }])
  assert.deepEqual(unpack(bytes, 0, bytes.length), [{ a: 1 }, { a: 2 }])
})

test('what cannot be asked for is an invalid query', () => {
  assert.throws(() => packValue(['eq', ['a'], () => 1]), (error: StowageError) => error.code === 'invalid_query')
})
