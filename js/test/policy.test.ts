import assert from 'node:assert/strict'
import { test } from 'node:test'

import { open, table, where } from 'stowage'

import { drivers, worker } from './drivers.js'
import { rejects } from './places.js'

/** Runs a test over every driver. */
function over(name: string, body: (driver: ReturnType<(typeof drivers)[number][1]>, of: string) => Promise<void>): void {
  for (const [kind, driver] of drivers) test(`${name}, over ${kind}`, () => body(driver(), `${name} ${kind} ${String(worker)}`))
}

class Duration { constructor(readonly seconds: number) {} }
class Complex { constructor(readonly re: number, readonly im: number) {} }
class Token { constructor(readonly text: string) {} }

const types = [
  { name: 'duration', class: Duration, encode: (d: Duration) => d.seconds, decode: (seconds: number) => new Duration(seconds) },
  { name: 'complex', class: Complex, encode: ({ re, im }: Complex) => [re, im], decode: ([re, im]: [number, number]) => new Complex(re, im) },
  { name: 'token', class: Token, encode: ({ text }: Token) => ({ text }) },
]

over('scenario 35: extended types', async (driver, name) => {
  const tables = { things: table<{ id: number; [name: string]: unknown }>({ key: 'id', indexes: ['value'] }) }
  const db = await open(name, { driver, worker, types, tables })
  const whole = {
    id: 1,
    value: new Set(['a', 1]),
    nested: {
      date: new Date(1700000000123), bytes: Uint8Array.of(1, 2), wide: 2n ** 70n, absent: undefined, expression: /a+/gi,
      url: new URL('https://host.example/x?y'), numbers: Float32Array.of(0.5),
      list: [new Map<unknown, unknown>([['key', { deep: new Set([new Duration(90)]) }], [new Date(0), 1n]]), new Complex(1, -2)],
    },
    marked: { $set: [1, 2], $date: '2020', y: 3 },
  }
  await db.things.insert(whole)
  assert.deepEqual(await db.things.get(1), whole)
  assert.deepEqual(await db.things.find(), [whole])

  // A value that was changed after it was handed out is not the one that is stored.
  const handed = (await db.things.get(1))!['value'] as Set<unknown>
  handed.add('b')
  assert.deepEqual((await db.things.get(1))!['value'], new Set(['a', 1]))

  // They equal what is stored alike, and have their place in every order: the last one.
  await db.things.insertMany([{ id: 2, value: 5 }, { id: 3, value: new Map([[1, 2]]) }, { id: 4, value: 'x' }])
  for (const filter of [where('value').eq(new Set(['a', 1])), { value: new Set(['a', 1]) }, where('nested.url').eq(new URL('https://host.example/x?y'))]) {
    assert.deepEqual((await db.things.find(filter as never)).map(({ id }) => id), [1])
  }
  assert.deepEqual((await db.things.find().orderBy('value')).map(({ id }) => id), [2, 4, 1, 3])
  assert.equal(await db.things.count(where('value').gt(0) as never), 1)

  // What cannot be stored changes nothing, nor does what contains itself.
  const circle = new Map<string, unknown>()
  circle.set('itself', { circle })
  for (const value of [() => 1, new Set([Promise.resolve()]), circle]) await rejects('invalid_document', db.things.insert({ id: 9, value }))
  for (const key of [new Set(), new URL('x:'), /x/] as never[]) await rejects('invalid_key', db.things.insert({ id: key }))
  assert.equal(await db.things.count(), 4)

  // A type without decode is read as it was stored; of two classes under one name the second is refused.
  await db.things.insert({ id: 5, token: new Token('t') })
  assert.deepEqual(await db.things.get(5), { id: 5, token: { text: 't' } })
  const other = { ...types[0]!, class: Token }
  await rejects('invalid_option', open(name, { driver, worker, types: [other] as never, tables }))
  await db.close()
})
