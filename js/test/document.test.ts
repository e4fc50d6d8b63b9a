import assert from 'node:assert/strict'
import { test } from 'node:test'

import { packDocument, packDocuments, packValue, unpack } from '../src/document/document.js'
import { StowageError } from '../src/errors.js'
import { addTypes } from '../src/document/extension.js'

const roundTrip = (document: object) => {
  const bytes = Uint8Array.from(packDocument(document))
  return unpack(bytes, 0, bytes.length)
}

const fails = (code: string, document: unknown) =>
  assert.throws(() => packDocument(document), (error: unknown) => error instanceof StowageError && error.code === code, `not ${code}`)

test('texts of every length come back, in ASCII and with another letter', () => {
  for (const length of [0, 1, 15, 16, 31, 32, 63, 64, 65, 254, 255, 256, 257]) {
    const plain = Array.from({ length }, (_, i) => String.fromCharCode(i % 128)).join('')
    for (const text of [plain, `${plain.slice(1)}ø`, `🐟${plain.slice(2)}`]) {
      assert.deepEqual(roundTrip({ text, after: 1 }), { text, after: 1 })
    }
  }
})

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
    () => 1, Symbol('x'), new Error('x'), new ArrayBuffer(2), new DataView(new ArrayBuffer(2)),
    Promise.resolve(1), new WeakMap(), new SharedArrayBuffer(2), new Blob(['x']), Object(1n), new String('x'),
    (function* () {})(),
  ]
  for (const value of refused) {
    fails('invalid_document', { value })
    fails('invalid_document', { list: [{ value }] })
    fails('invalid_document', { map: new Map([['x', new Set([value])]]) })
  }
  for (const document of [null, undefined, 1, 'x', [], new Date(), new Uint8Array(1), new Map(), Promise.resolve({ id: 1 })]) fails('invalid_document', document)
})

test('what differs is what the module says', () => {
  assert.deepEqual(roundTrip({ zero: -0, holes: [1, , 3] }), { zero: 0, holes: [1, undefined, 3] })
  assert.deepEqual(roundTrip(JSON.parse('{"__proto__":{"x":1},"y":2}')), { __proto_: { x: 1 }, y: 2 })
  for (const length of [1, 50, 100, 200, 400]) assert.match((roundTrip({ half: `${'é'.repeat(length)}\ud800` }) as { half: string }).half, /^é+\ufffd+$/)
})

test('values of extended types come back as they went in', () => {
  const document = {
    bigints: [2n ** 64n, -(2n ** 63n) - 1n, 2n ** 1000n, -(2n ** 128n), 2n ** 70_000n],
    sets: [new Set(), new Set([1, 'a', null]), new Set([new Set([{ b: new Map() }])])],
    maps: [new Map(), new Map<unknown, unknown>([['x', 1], [{ y: 1 }, new Date(5)], [7, new Map([[undefined, [new Set([2n])]]])], [[1, 2], [3]]])],
    expressions: [/x/, /a\/b[/]\n/giu, new RegExp('')],
    urls: [new URL('https://host.example/a%20b?c=d#e')],
    arrays: [
      Int8Array.of(-1), Uint8ClampedArray.of(255), Int16Array.of(-2), Uint16Array.of(1, 2), Int32Array.of(-3), Uint32Array.of(4),
      Float32Array.of(0.5), Float64Array.of(0.1, NaN, -0), BigInt64Array.of(-1n), BigUint64Array.of(2n ** 64n - 1n), new Float64Array(), new Float64Array(10_000),
    ],
    long: new Set(Array.from({ length: 70_000 }, (_, i) => i)),
    marked: { $set: [1, 2], $date: 'x', y: 3, $bytes: 'AA==' },
  }
  assert.deepEqual(roundTrip(document), document)
  const part = new Float64Array(4).subarray(1, 3)
  assert.deepEqual(roundTrip({ part }), { part: new Float64Array(2) })
  assert.deepEqual(roundTrip({ map: new (class extends Map {})([[1, 2]]) }), { map: new Map([[1, 2]]) })
})

test('what an extended type holds is bounded and checked like all else', () => {
  const set = new Set<unknown>()
  set.add([set])
  fails('invalid_document', { set })
  const map = new Map<unknown, unknown>([['plain', {}]])
  map.set('itself', { map })
  fails('invalid_document', { map })
  let deep: unknown = 1
  for (let i = 0; i < 150; i++) deep = new Set([deep])
  fails('too_deep', { deep })
  let both: unknown = { end: true }
  for (let i = 0; i < 60; i++) both = { set: new Set([both]), map: new Map() }
  assert.deepEqual(roundTrip({ both }), { both })
  for (const document of [new Set(), new URL('x:'), /x/, new Float64Array()]) fails('invalid_document', document)
})

test('a custom type is stored as what encode makes, and its nearest class counts', () => {
  class Money { constructor(readonly cents: bigint) {} }
  class Debt extends Money {}
  class Loan extends Debt {}
  class Tagless { constructor(readonly x: unknown) {} }
  class Day extends Date {}
  addTypes([
    { name: 'money', class: Money, encode: money => ({ cents: money.cents }), decode: ({ cents }) => new Money(cents) },
    { name: 'debt', class: Debt, encode: debt => new Set([new Money(debt.cents)]), decode: ([money]) => new Debt(money.cents) },
    { name: 'tagless', class: Tagless, encode: ({ x }) => x },
    { name: 'day', class: Day, encode: day => day.getTime(), decode: time => new Day(time) },
  ])
  const back = roundTrip({ all: [new Money(1n), new Debt(2n), new Loan(3n)], plain: new Tagless({ y: 1 }), day: new Day(5), date: new Date(5) })
  assert.deepEqual(back, { all: [new Money(1n), new Debt(2n), new Debt(3n)], plain: { y: 1 }, day: new Day(5), date: new Date(5) })
  class Circle {}
  addTypes([{ name: 'circle', class: Circle, encode: circle => [circle] }])
  fails('invalid_document', { circle: new Circle() })
  const other = { name: 'money', class: Circle, encode: () => 1 }
  assert.throws(() => addTypes([other]), (error: StowageError) => error.code === 'invalid_option')
  assert.throws(() => addTypes([{ name: 'cash', class: Money, encode: () => 1 }]), (error: StowageError) => error.code === 'invalid_option')
})

test('an extension that cannot be is undecodable', () => {
  for (const bytes of ['c70143c0', 'c70153c0', 'c703439201c0', 'c704525b2f5b5b', 'c7025563ff', 'c7015400', 'c702540801', 'c7015308']) {
    assert.throws(() => unpack(Buffer.from(bytes, 'hex'), 0, bytes.length / 2), (error: StowageError) => error.code === 'undecodable', bytes)
  }
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

test('values that hold others are read without copying what they stand in', () => {
  const value = { list: [new Map([['a', new Set([1, new Map([[2, { deep: new Set(['x']) }]])])]]), null], plain: { set: new Set([new Date(5)]) } }
  const bytes = packDocument(value)
  const memory = new Uint8Array(64 << 20) // as the engine's is
  memory.set(bytes, memory.length - bytes.length)
  let copied = 0
  const slice = memory.slice
  memory.slice = (from?: number, to?: number) => {
    const part = slice.call(memory, from, to)
    copied += part.length
    return part
  }
  assert.deepEqual(unpack(memory, memory.length - bytes.length, memory.length), value)
  assert.ok(copied <= bytes.length, `${copied} bytes were copied`)
})
