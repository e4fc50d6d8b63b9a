import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { deflateSync } from 'node:zlib'

import { type Coder, isCompressed, type ValueCoder } from '../src/coder/coder.js'
import { coder } from '../src/coders.js'
import { StowageError } from '../src/errors.js'
import { addTypes } from '../src/document/extension.js'
import { readKey } from '../src/document/keydecode.js'
import { encodeKey } from '../src/document/key.js'
import { deflate, inflate } from '../src/zlib.js'
import { Named, untag, type Tagged } from './tagged.js'

/** A line of testdata/coders.json, which the Go tests read too; they tell what it means. */
interface Vector {
  coder: string
  value?: Tagged
  bytes?: string
  packed?: string
  error?: string
}

const vectors = JSON.parse(readFileSync('../store/coder/testdata/coders.json', 'utf8')) as Vector[]

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const unhex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))

/** A coder of the vectors, as a session makes one of inner coder and compression. */
function find(name: string): Coder<unknown> {
  const [inner, level] = name.split(' compressed ')
  if (level !== undefined) return whole((find(inner!) as typeof coder.json).compressed(Number(level)))
  if (name === 'messagepack') return coder.messagePack
  const [kind, encoding] = name.split(' ')
  return encoding === undefined ? coder[kind as 'json'] : coder.text(encoding)
}

function whole<T>(valueCoder: ValueCoder<T>): Coder<T> {
  if (!isCompressed(valueCoder)) return valueCoder
  const { inner, level } = valueCoder
  return { encode: value => deflate(inner.encode(value), level), decode: bytes => inner.decode(inflate(bytes)) }
}

const code = (code: string) => (error: unknown) => error instanceof StowageError && error.code === code

addTypes([{ name: 'named', class: Named, encode: named => untag(named.content), decode: plain => new Named({ string: plain }) }])

test('coders write the bytes of their vectors, and read them again', () => {
  assert.ok(vectors.length > 100)
  for (const vector of vectors) {
    const { coder: name, value, bytes, packed, error } = vector
    const label = JSON.stringify(vector)
    if (error !== undefined && value !== undefined) {
      assert.throws(() => find(name).encode(untag(value)), code(error), label)
    } else if (error !== undefined) {
      assert.throws(() => find(name).decode(unhex(bytes!)), code(error), label)
    } else {
      const found = find(name)
      if (bytes !== undefined) assert.equal(hex(found.encode(untag(value!))), bytes, label)
      const expected = name === 'tuple' ? found.decode(found.encode(untag(value!))) : untag(value!)
      assert.deepEqual(found.decode(unhex(bytes ?? packed!)), expected, label)
    }
  }
})

test('keys are read as they were written', () => {
  const values = [
    null, false, true, 0, 1, -1, 0.1, -1e300, 5e-324, Infinity, -Infinity, 2 ** 53, 2n ** 53n + 1n, -(2n ** 63n) + 1n, 2n ** 64n - 1n,
    new Date(0), new Date(-8.64e15), '', 'a\u0000b', '東京 🐟', Uint8Array.of(0, 0xff, 1), [], [1, ['a', []]],
  ]
  for (const value of values) assert.deepEqual(readKey(encodeKey(value)), [value], String(value))
  const all = values.map(encodeKey)
  assert.deepEqual(readKey(Buffer.concat(all)), values)
  for (const damaged of ['00', '20', '2000', '20c1', '20c10b', '40', '4061', '60', '6020', 'f0', '303c0f', '40ff00']) {
    assert.throws(() => coder.tuple.decode(unhex(damaged)), code('undecodable'), damaged)
  }
})

test('what JSON would replace without a word is refused', () => {
  const lossy = [undefined, NaN, { a: Infinity }, () => 1, { a: [Symbol('x')] }, new Map(), [new Set()], { a: Uint8Array.of(1) }, 1n, [undefined], [1, , 2], /x/, { a: new Error('x') }, [Promise.resolve()], new ArrayBuffer(1)]
  for (const value of lossy) {
    assert.throws(() => coder.json.encode(value), code('invalid_argument'))
  }
  const kept = { a: undefined, b: [null, new Date(0)], c: Object.create(null) }
  assert.deepEqual(coder.json.decode(coder.json.encode(kept)), { b: [null, '1970-01-01T00:00:00.000Z'], c: {} })
  const circular: Record<string, unknown> = {}
  circular.self = circular
  assert.throws(() => coder.json.encode(circular), code('invalid_argument'))
})

test('numbers of the wrong type are refused', () => {
  for (const value of [1.5, NaN, '5', 5n, null, undefined]) assert.throws(() => coder.uint16.encode(value as number), code('invalid_argument'))
  for (const value of [5, '5', 2n ** 64n, -1n]) assert.throws(() => coder.uint64.encode(value as bigint), code('invalid_argument'))
  for (const value of [1.5, 2 ** 53, 5n]) assert.throws(() => coder.int.encode(value as number), code('invalid_argument'))
  assert.throws(() => coder.int.decode(coder.int64.encode(2n ** 53n)), code('undecodable'))
  assert.equal(Object.is(coder.float64.decode(coder.float64.encode(-0)), 0), true)
})

test('text that is none, and encodings that are none, are refused', () => {
  for (const encoding of ['utf-8', 'utf-16le', 'utf-16be']) assert.throws(() => coder.text(encoding).encode('a\ud800'), code('invalid_argument'))
  assert.throws(() => coder.text('utf-9'), code('invalid_option'))
  assert.equal(coder.text('shift_jis').decode(unhex('938c8b9e')), '東京')
  assert.throws(() => coder.text('shift_jis').encode('東京'), code('unsupported'))
})

test('depth is bounded, both of what is written and of what the engine would not look into', () => {
  const nest = (depth: number) => {
    let value: unknown = 'core'.repeat(100)
    for (let i = 0; i < depth; i++) value = [value]
    return value
  }
  assert.deepEqual(coder.messagePack.decode(coder.messagePack.encode(nest(200))), nest(200))
  assert.throws(() => coder.messagePack.encode(nest(201)), code('too_deep'))
  assert.throws(() => coder.messagePack.encode(nest(100_000)), code('too_deep'))
})

test('a coder of one’s own gets codes for what it throws, and keeps those it has', () => {
  const mine = coder.custom<string>({
    encode: text => (text === 'x' ? (text as never) : Uint8Array.of(text.length)),
    decode: bytes => {
      if (bytes[0] === 0) throw new StowageError('corrupt', 'none')
      if (bytes[0] === 1) throw new Error('one')
      return 'a'.repeat(bytes[0]!)
    },
  })
  assert.equal(mine.decode(mine.encode('aaa')), 'aaa')
  assert.throws(() => mine.encode(undefined as never), code('invalid_argument'))
  assert.throws(() => mine.encode('x'), code('invalid_argument'))
  assert.throws(() => mine.decode(Uint8Array.of(0)), code('corrupt'))
  assert.throws(() => mine.decode(Uint8Array.of(1)), code('undecodable'))
  assert.throws(() => coder.custom({ encode: () => Uint8Array.of() } as never), code('invalid_option'))
  assert.throws(() => coder.json.compressed(10), code('invalid_option'))
  assert.throws(() => coder.compressed(coder.json.compressed(1) as never), code('invalid_option'))
})

test('compression reads what others wrote, and does not grow without bound', () => {
  const text = new TextEncoder().encode('{"key": "value"}'.repeat(1000))
  for (const level of [0, 1, 6, 9]) {
    assert.deepEqual(inflate(Uint8Array.from(deflateSync(text, { level }))), text)
    assert.deepEqual(inflate(deflate(text, level)), text)
  }
  assert.ok(deflate(text, 9).length < 200)
  const bomb = deflate(new Uint8Array((64 << 20) + 1), 9)
  assert.throws(() => inflate(bomb), code('too_large'))
})
