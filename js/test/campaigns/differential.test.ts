import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Query } from 'mingo'
import { memory, open, table } from 'stowage'

import { type Random, seeded } from '../random.js'

/*
 * Random filters over random documents, by three that know nothing of each other: a table
 * with indexes, a table without, and mingo. They must agree on every document.
 *
 * Where mingo, as MongoDB, looks into lists that a path passes or ends at, and Stowage
 * does not, the documents have no lists: they stand where the operators of lists look.
 */

interface Document {
  id: number
  a?: unknown
  b?: unknown
  s?: unknown
  o?: unknown
  tags?: unknown
  list?: unknown
}

const indexes = ['a', 'b', ['a', 'b'], 's', ['b', 's', 'a'], 'o.x', '*tags', ['s', 'id']] as const

const words = ['', 'a', 'ab', 'abc', 'b', 'ba', 'B', 'Oslo', 'oslo', 'é']

const dates = [0, 1, 86_400_000].map(ms => new Date(ms))

/** Values of all types that both tell apart, few enough that equal ones meet. */
function scalar(random: Random): unknown {
  switch (random.below(9)) {
    case 0:
      return null
    case 1:
      return random.below(2) === 0
    case 2:
      return random.below(7) / 2 - 1
    case 3:
      return random.one(dates)
    case 4:
    case 5:
      return random.one(words)
    default:
      return random.below(7) - 3
  }
}

function object(random: Random): Record<string, unknown> {
  return { ...(random.chance(0.8) && { x: scalar(random) }), ...(random.chance(0.5) && { y: scalar(random) }) }
}

function value(random: Random): unknown {
  return random.chance(0.15) ? object(random) : scalar(random)
}

function document(random: Random, id: number): Document {
  const some = <T>(make: (random: Random) => T) => (random.chance(0.8) ? make(random) : undefined)
  const made = {
    id,
    a: some(value),
    b: some(value),
    s: some(r => (r.chance(0.8) ? r.one(words) : scalar(r))),
    o: some(r => (r.chance(0.8) ? object(r) : scalar(r))),
    tags: some(r => r.list(4, scalar)),
    list: some(r => r.list(3, object)),
  }
  return Object.fromEntries(Object.entries(made).filter(([, v]) => v !== undefined)) as unknown as Document
}

type Filter = Record<string, unknown>

const patterns = ['a', '^a', 'b$', '^o', 'A', '[ab]{2}', '', '^ab?', 's.o']

/** Tests of a value that is no list. */
function tests(random: Random): unknown {
  if (random.chance(0.25)) return value(random)
  const made: Filter = {}
  for (const operator of random.list(2, r => r.one(['$eq', '$ne', '$lt', '$lte', '$gt', '$gte', '$in', '$nin', '$exists', '$regex', '$mod', '$type', '$not']), 1)) {
    made[operator] = operand(random, operator)
    if (operator === '$regex') made['$options'] = random.one(['', 'i'])
  }
  if ('$mod' in made) made['$type'] = 'number' // of true, mingo takes the remainder too
  return made
}

function operand(random: Random, operator: string): unknown {
  switch (operator) {
    case '$lt':
    case '$lte':
    case '$gt':
    case '$gte':
      return scalar(random) ?? 0 // beside null, mingo takes these for equality
    case '$in':
    case '$nin':
      return random.list(4, r => (r.chance(0.1) ? new RegExp(r.one(patterns)) : value(r)))
    case '$exists':
      return random.chance(0.5)
    case '$regex':
      return random.one(patterns)
    case '$mod':
      return [random.one([1, 2, 3, -2]), random.below(4) - 1]
    case '$type':
      return random.one(['string', 'number', 'bool', 'null', 'date', 'object', 2, 8, 9, ['string', 'null']])
    case '$not':
      return random.chance(0.2) ? new RegExp(random.one(patterns)) : { $gt: scalar(random) ?? 0 }
    default:
      return value(random)
  }
}

/** Tests of a list. */
function listTests(random: Random, elements: (random: Random) => Filter): Filter {
  switch (random.below(4)) {
    case 0:
      return { $size: random.below(4) }
    case 1:
      return { $all: random.list(3, scalar) }
    case 2:
      return { $exists: random.chance(0.5) }
    default:
      return { $elemMatch: elements(random) }
  }
}

function elementTests(random: Random): Filter {
  const made = tests(random)
  return made !== null && typeof made === 'object' && Object.keys(made).some(name => name.startsWith('$')) ? (made as Filter) : { $gte: 0, $in: [1, 2, 'a'] }
}

function filter(random: Random, depth: number): Filter {
  if (depth > 0 && random.chance(0.35)) {
    const join = random.one(['$and', '$or', '$nor'])
    return { [join]: random.list(3, r => filter(r, depth - 1), 1) }
  }
  const made: Filter = {}
  for (const path of random.list(2, r => r.one(['a', 'b', 's', 'o', 'o.x', 'o.y', 'o.z.w', 'tags', 'list', 'tags.0', 'list.1.x']), 1)) {
    made[path] =
      path === 'tags' ? listTests(random, elementTests)
      : path === 'list' ? listTests(random, r => ({ [r.one(['x', 'y'])]: tests(r), ...(r.chance(0.3) && { y: tests(r) }) }))
      : tests(random)
  }
  return made
}

const rounds = 50
const filtersOfRound = 1000
const documentsOfRound = 12

test('50,000 random filters find what mingo finds, with indexes and without', async t => {
  const random = seeded(t)
  const db = await open('differential', {
    driver: memory(),
    tables: { indexed: table<Document>({ key: 'id', indexes }), plain: table<Document>({ key: 'id' }) },
  })
  let found = 0
  const used = new Set<string>()
  for (let round = 0; round < rounds; round++) {
    const documents = Array.from({ length: documentsOfRound }, (_, i) => document(random, i))
    await db.indexed.putMany(documents)
    await db.plain.putMany(documents)
    for (let i = 0; i < filtersOfRound; i++) {
      const asked = filter(random, 2)
      const reference = new Query(asked as never)
      const expected = documents.filter(d => reference.test(d)).map(d => d.id)
      const query = db.indexed.find(asked as never)
      const [indexed, plain] = [idsOf(await query), idsOf(await db.plain.find(asked as never))]
      if (indexed !== String(expected) || plain !== String(expected)) {
        const told = `${JSON.stringify(asked, readable)} of ${JSON.stringify(documents, readable)}`
        assert.fail(`mingo finds ${expected}, with indexes there are ${indexed}, without ${plain}: ${told}`)
      }
      found += expected.length
      if (i % 50 === 0) used.add((await query.explain()).index)
    }
  }
  assert.ok(found > rounds * filtersOfRound, `only ${found} documents were found: the test tests too little`)
  assert.ok(used.size >= 6, `only these indexes were used: ${[...used].join(' ')}`)
  await db.close()
})

function idsOf(documents: readonly Document[]): string {
  return String(documents.map(d => d.id).sort((a, b) => a - b))
}

function readable(_: string, value: unknown): unknown {
  return value instanceof RegExp ? String(value) : value
}
