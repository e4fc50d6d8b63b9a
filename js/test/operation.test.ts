import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'

import { memory, open, op, type Operation, StowageError, table } from 'stowage'

import { type Random, seeded } from './random.js'
import { stride } from './stride.js'

/*
 * Random lists of operations on random documents, by the engine and by a few lines that
 * change JavaScript objects in place. Where one operation does not fit, all must be as before.
 */

type Members = Record<string, unknown>

interface Document extends Members {
  id: number
}

class Unfit extends Error {}

function fits(condition: boolean): void {
  if (!condition) throw new Unfit()
}

const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value)

const creating = ['set', 'insert', 'push', 'merge', 'min', 'max']

/** Changes a document as an operation says, in place, and no more carefully than that. */
function change(document: Document, name: string, path: string, operands: any[]): void {
  const segments = path.split('.').map(segment => (/^\d+$/.test(segment) ? Number(segment) : segment))
  let at: any = document
  const enter = (segment: string | number) => fits(typeof segment === 'number' ? Array.isArray(at) && segment <= at.length : isObject(at))
  for (let i = 0; i + 1 < segments.length; i++) {
    const segment = segments[i]!
    enter(segment)
    if (at[segment] === undefined) {
      fits(creating.includes(name))
      at[segment] = typeof segments[i + 1] === 'number' ? [] : {}
    }
    at = at[segment]
  }
  const last = segments.at(-1)!
  enter(last)
  const old = at[last]
  const [operand] = operands
  fits(old !== undefined || creating.includes(name))
  switch (name) {
    case 'set':
      at[last] = operand
      break
    case 'delete':
      if (Array.isArray(at)) at.splice(last as number, 1)
      else delete at[last]
      break
    case 'insert':
      at.splice(last as number, 0, operand)
      break
    case 'add':
      fits(Array.isArray(operand) ? Array.isArray(old) : typeof old === typeof operand)
      at[last] = Array.isArray(operand) ? [...old, ...operand] : old + operand
      break
    case 'subtract':
    case 'increment':
    case 'decrement': {
      fits(typeof old === 'number')
      at[last] = name === 'subtract' ? old - operand : old + (name === 'increment' ? 1 : -1)
      break
    }
    case 'push':
      fits(old === undefined || Array.isArray(old))
      at[last] = [...(old ?? []), ...operands]
      break
    case 'pull':
      fits(Array.isArray(old))
      at[last] = old.filter((element: unknown) => !operands.some(value => isDeepStrictEqual(value, element)))
      break
    case 'merge':
      fits(old === undefined || isObject(old))
      at[last] = { ...old, ...operand }
      for (const [member, value] of Object.entries(operand)) if (value === undefined) delete at[last][member]
      break
    case 'rename': {
      delete at[last]
      at[operand] = old
      break
    }
    default: {
      fits(old === undefined || (typeof old === typeof operand && !isObject(old) && !Array.isArray(old) && old !== null))
      if (old === undefined || (name === 'min' ? operand < old : operand > old)) at[last] = operand
    }
  }
}

const names = ['a', 'b', 'c']

function value(random: Random, depth: number): unknown {
  switch (depth > 0 ? random.below(7) : random.below(4)) {
    case 0:
      return random.one(['', 'x', 'yy'])
    case 1:
      return random.below(9) / 2 - 2
    case 2:
    case 3:
      return random.below(9) - 4
    case 4:
      return random.list(4, r => value(r, depth - 1))
    default:
      return members(random, depth - 1)
  }
}

function members(random: Random, depth: number): Members {
  return Object.fromEntries(random.list(3, r => [r.one(names), value(r, depth)] as const))
}

function path(random: Random): string {
  const segments = [random.one(names)]
  while (random.chance(0.3)) segments.push(random.chance(0.4) ? String(random.below(3)) : random.one(names))
  return segments.join('.')
}

/** The name of an operation, its path and its operands. */
function draw(random: Random): [name: keyof typeof op, path: string, operands: unknown[]] {
  const name = random.one(Object.keys(op) as (keyof typeof op)[])
  const at = path(random)
  switch (name) {
    case 'insert':
      return [name, `${at}.${random.below(3)}`, [value(random, 1)]]
    case 'add':
      return [name, at, [random.one([random.below(5), 1.5, 'x', random.list(2, r => value(r, 1))])]]
    case 'subtract':
      return [name, at, [random.one([random.below(5), 0.5])]]
    case 'push':
    case 'pull':
      return [name, at, random.list(3, r => value(r, 1), 1)]
    case 'merge':
      return [name, at, [{ ...members(random, 1), ...(random.chance(0.3) && { [random.one(names)]: undefined }) }]]
    case 'rename':
      return [name, [...at.split('.').filter(() => random.chance(0.5)), random.one(names)].join('.'), [random.one(names)]]
    case 'min':
    case 'max':
      return [name, at, [random.one([random.below(5), -0.5, 'x'])]]
    case 'delete':
    case 'increment':
    case 'decrement':
      return [name, at, []]
    default:
      return [name, at, [value(random, 2)]]
  }
}

test('operations agree with a reference, on one document and on several at once', async t => {
  const random = seeded(t)
  const db = await open('operations', { driver: memory(), tables: { documents: table<Document>({ key: 'id' }) } })
  let fitted = 0
  let refused = 0
  for (let round = 0; round < 3000 / stride; round++) {
    const before: Document[] = random.list(2, () => members(random, 3), 1).map((made, id) => ({ ...made, id }))
    await db.documents.putMany(before)
    const drawn = random.list(2, draw, 1)
    const operations = drawn.map(([name, at, operands]) => (op[name] as (...all: unknown[]) => Operation)(at, ...operands))
    const expected = structuredClone(before)
    let fit = true
    try {
      for (const document of expected) for (const [name, at, operands] of drawn) change(document, name, at, structuredClone(operands))
    } catch (error) {
      if (!(error instanceof Unfit)) throw error
      fit = false
    }
    const failure = await db.documents.update({}, operations as never).then(() => undefined, (error: unknown) => error)
    const story = () => `${JSON.stringify(drawn)} on ${JSON.stringify(before)}`
    assert.equal(failure instanceof StowageError ? failure.code : failure, fit ? undefined : 'invalid_document', story())
    assert.deepEqual(await db.documents.find().orderBy('id'), fit ? expected : before, story())
    await db.documents.truncate()
    if (fit) fitted++
    else refused++
  }
  assert.ok(fitted > 200 / stride && refused > 200 / stride, `${fitted} fitted and ${refused} did not`)
  await db.close()
})

test("the names of MongoDB's operators are no members", async () => {
  const db = await open('operators', { driver: memory(), tables: { t: table<Document>({ key: 'id' }) } })
  await db.t.insert({ id: 1, n: 1 })
  for (const name of ['$set', '$inc', '$addToSet']) {
    const refused = (error: unknown) => error instanceof StowageError && error.code === 'invalid_argument' && error.message.includes(name)
    const change = { n: 2, [name]: { n: 3 } }
    await assert.rejects(db.t.update(1, change), refused)
    await assert.rejects(db.t.update({ n: 1 }, change), refused)
    await assert.rejects(db.t.updateMany([[{ n: 4 }, { n: 1 }], [change, { n: 4 }]]), refused)
    await assert.rejects(db.t.upsert({ id: 1, ...change }), refused)
  }
  assert.deepEqual(await db.t.get(1), { id: 1, n: 1 })
  await db.t.update(1, { $schema: 'x', constructor: 1 })
  await db.t.update(1, op.set('$set', 2))
  assert.deepEqual(await db.t.get(1), { id: 1, n: 1, $schema: 'x', constructor: 1, $set: 2 })
  await db.close()
})
