import assert from 'node:assert/strict'
import { test } from 'node:test'

import { memory, StowageError } from 'stowage'
import { type AddOptions, geo, type Geo, hash, type HashConfig, type HashRepository, type Key, type QueryOptions, type Read, type Reply, type Repository, sortedSet, type SortedSet, type Tier } from 'stowage/repositories'

import { rejects } from './places.js'
import { type Random, seeded } from './random.js'
import { quiet } from './shelf.js'
import { stride } from './stride.js'
import { fails, hangs, openTier, overPairs, type Pair, pairOf, shelves, StillClock } from './tiers.js'

interface Person {
  id: string
  integer?: number
  adult?: boolean
}

const attributes = { id: 'text', integer: 'number', adult: 'boolean' } as const
const peopleOf = (pair: Pair): HashRepository<Person> => hash<Person>({ ...pair.config('person'), attributes })
const integerOf = async (people: HashRepository<Person>, id = 'ada') => (await people.query(id).entity()).integer
const always = { memoryAlways: true }
const hour = 3_600_000

test('a fast tier that hangs knows nothing, and a fallback that hangs is a timeout', async () => {
  const pair = shelves()
  const { clock, fast, fallback } = pair
  const people = peopleOf(pair)
  const after = (code: string, work: Promise<unknown>) => rejects(code, clock.through(work))
  await people.addWith([{ id: 'ada', integer: 1 }], always)
  fast.before = hangs
  const began = clock.now()
  assert.equal(await clock.through(integerOf(people)), 1)
  assert.equal(clock.now() - began, 1000)
  await after('not_found', people.query('bo').entity())
  fallback.before = hangs
  await after('unavailable', people.query('ada').entity())
  fast.before = undefined
  await after('timeout', people.query('cy').entity())
  await after('timeout', people.query('cy', { memory: false }).entity())
  assert.equal(await integerOf(people), 1)
  await after('timeout', people.add({ id: 'ada', integer: 2 }))
  fallback.before = undefined
  assert.equal(await integerOf(people), 1)
})

test('who writes waits for a turn, but not for ever', async () => {
  const pair = shelves()
  const people = peopleOf(pair)
  pair.fast.before = hangs
  pair.fallback.before = hangs
  const adds = Promise.all(Array.from({ length: 5 }, (_, integer) => rejects('timeout', people.add({ id: 'ada', integer }))))
  await pair.clock.through(adds)
  pair.fast.before = pair.fallback.before = undefined
  await pair.clock.through(people.add({ id: 'ada', integer: 9 }))
  assert.equal(await integerOf(people), 9)
})

for (const [what, breaks] of [['fails', fails], ['hangs', hangs]] as const) {
  test(`what a fast tier that ${what} still has is not read there once something newer was added`, async () => {
    const pair = shelves()
    const people = peopleOf(pair)
    await people.addWith([{ id: 'ada', integer: 1 }], always)
    pair.fast.before = (write, signal) => (write ? breaks(write, signal) : Promise.resolve())
    await pair.clock.through(people.add({ id: 'ada', integer: 2 }))
    assert.ok(pair.warnings.length > 0)
    assert.equal((await pair.fast.fields('person:ada'))!['integer'], '1')
    assert.equal(await pair.clock.through(integerOf(people)), 2, 'though the fast tier would answer')
    pair.fast.before = undefined
    pair.fallback.calls()
    for (let n = 0; n < 2; n++) assert.equal(await integerOf(people), 2)
    assert.deepEqual(pair.fallback.calls(), [1, 0])
  })
}

test('an add that fails though it was carried out leaves nothing old', async () => {
  const pair = shelves()
  const people = peopleOf(pair)
  await people.addWith([{ id: 'ada', integer: 1 }], always)
  const well = pair.fallback.tier
  const write: Tier['write'] = async (...asked) => {
    await well.write(...asked)
    throw new StowageError('backend_failed', 'only said so')
  }
  pair.fallback.tier = { read: (...asked) => well.read(...asked), write, close: () => well.close() }
  await rejects('backend_failed', people.add({ id: 'ada', integer: 2 }))
  pair.fallback.tier = well
  assert.equal(await integerOf(people), 2)
})

test('a read does not put back what an add replaced that came before its hydration', async () => {
  const pair = shelves()
  const people = peopleOf(pair)
  await people.add({ id: 'ada', integer: 1 })
  let added: Promise<void> | undefined
  pair.fast.before = async write => {
    if (!write || added) return
    added = people.add({ id: 'ada', integer: 2 }) // while the hydration has the old entity in its hands
    await quiet()
  }
  assert.equal(await integerOf(people), 1)
  await added
  assert.equal(await integerOf(people), 2)
})

test('a read does not put back what an add replaced while the answer was on its way', async () => {
  const pair = shelves()
  const people = peopleOf(pair)
  await people.add({ id: 'ada', integer: 1 })
  const { tier } = pair.fallback
  let answer!: () => void
  const late = new Promise<void>(resolve => (answer = resolve))
  const read = async (reads: readonly Read[]): Promise<Reply[]> => {
    const replies = await tier.read(reads)
    pair.fallback.tier = tier
    await late
    return replies
  }
  pair.fallback.tier = { read, write: (...asked) => tier.write(...asked), close: () => tier.close() }
  const reading = integerOf(people)
  await quiet()
  await people.add({ id: 'ada', integer: 2 })
  answer()
  assert.equal(await reading, 1)
  assert.equal(await integerOf(people), 2)
})

test('a hydration that is carried out after it was given up puts back nothing that is read', async () => {
  const pair = shelves()
  const people = peopleOf(pair)
  await people.add({ id: 'ada', integer: 1 })
  const { tier } = pair.fast
  let late: (() => Promise<void>) | undefined
  pair.fast.tier = {
    read: reads => tier.read(reads),
    write(writes) {
      late = () => tier.write(writes)
      return new Promise(() => {})
    },
    close: () => tier.close(),
  }
  assert.equal(await pair.clock.through(integerOf(people)), 1)
  pair.fast.tier = tier
  await people.add({ id: 'ada', integer: 2 })
  await late!()
  assert.equal((await pair.fast.fields('person:ada'))!['integer'], '1')
  assert.equal(await integerOf(people), 2)
})

test('a read does not put back what an add is about to have replaced', async () => {
  const pair = shelves()
  const people = peopleOf(pair)
  await people.add({ id: 'ada', integer: 1 })
  const [fast, fallback] = [pair.fast.tier, pair.fallback.tier]
  let [answer, done] = [() => {}, () => {}]
  const read = async (reads: readonly Read[]): Promise<Reply[]> => {
    const replies = await fallback.read(reads)
    await new Promise<void>(resolve => (answer = resolve))
    return replies
  }
  pair.fallback.tier = { read, write: writes => fallback.write(writes), close: () => fallback.close() }
  const reading = integerOf(people)
  await quiet()
  const write: Tier['write'] = async writes => {
    await fast.write(writes)
    pair.fast.tier = fast
    await new Promise<void>(resolve => (done = resolve))
  }
  pair.fast.tier = { read: reads => fast.read(reads), write, close: () => fast.close() }
  const adding = people.add({ id: 'ada', integer: 2 }) // which the fast tier has carried out, but not said so
  await quiet()
  pair.fallback.tier = fallback
  answer()
  assert.equal(await reading, 1)
  done()
  await adding
  assert.equal(await integerOf(people), 2)
})

overPairs('what an add does to the fast tier, and how long things stay', async pair => {
  const people = peopleOf(pair)
  const stays = async () => [(await pair.fast.held('person:ada')).expiry, (await pair.fallback.held('person:ada')).expiry]
  await people.addWith([{ id: 'ada', integer: 1 }], always)
  assert.deepEqual(await stays(), [hour, 0])
  await people.addWith([{ id: 'ada', integer: 2 }], { memory: false })
  assert.equal(await pair.fast.fields('person:ada'), undefined, 'nothing old')
  pair.fast.calls()
  assert.equal((await people.query('ada', { memory: false }).entity()).integer, 2)
  pair.fast.untouched('a query without memory')
  assert.equal(await integerOf(people), 2)
  await people.addWith([{ id: 'ada', integer: 3 }], { fallbackExpiry: 60_000 })
  assert.deepEqual(await stays(), [60_000, 60_000])
  await people.query('ada', { memory: false }).delete()
  assert.equal((await pair.fast.held('person:not-found:ada', 'exists')).found, false)
  await people.addWith([{ id: 'ada', integer: 4 }], { fallbackExpiry: 60_000 })
  assert.equal(await integerOf(people), 4)
  assert.deepEqual(await stays(), [60_000, 60_000], 'what was read stays no longer than where it was read')
  pair.clock.pass(60_000)
  await rejects('not_found', people.query('ada').entity())
  for (const wrong of [{ memoryAlways: true, memory: false }, { fallbackExpiry: 0 }, { always: true }]) await rejects('invalid_option', people.addWith([{ id: 'ada' }], wrong as AddOptions))
})

overPairs('all entities of an add are stored, or none', async pair => {
  const people = peopleOf(pair)
  const right = { id: 'right' }
  await rejects('invalid_key', people.add(right, { id: '' }))
  await rejects('invalid_key', people.add(right, {} as Person))
  await rejects('too_large', people.add(right, { id: 'long'.repeat(50_000) }))
  const circle: { inner?: unknown } = {}
  circle.inner = circle
  for (const wrong of [undefined, null, { id: 'a', integer: '1' }, { id: 'a', integer: Number.NaN }, { id: 'a', adult: 1 }, { id: 'a', age: 1 }]) await rejects('invalid_document', people.add(right, wrong as Person))
  const things = hash<{ id: string; any: unknown }>({ ...pair.config('thing'), attributes: { id: 'text', any: 'json' } })
  for (const any of [circle, 1n, () => 1]) await rejects('invalid_document', things.add({ id: 'a', any }))
  pair.fast.untouched('an add that fails')
  assert.equal(await people.query('right').exists(), false)
  await people.add()
  await people.add({ id: 'a' }, { id: 'b' }, { id: 'a', integer: 2 })
  assert.equal(await integerOf(people, 'a'), 2)
  assert.equal(await people.query('b').exists(), true)
})

test('entities meet their schema, and are stored as it makes them', async () => {
  const pair = shelves()
  const validate = (value: unknown) => {
    const { id } = value as Person
    return id.startsWith('wrong') ? { issues: [{ message: 'wrong', path: ['id'] }] } : { value: { integer: 7, ...(value as Person), id: id.trim() } }
  }
  const people = hash<Person>({ ...pair.config('person'), attributes, schema: { '~standard': { version: 1, vendor: 'test', validate } } })
  await rejects('invalid_document', people.add({ id: 'ada' }, { id: 'wrong' }))
  pair.fallback.untouched('what is wrong')
  await people.add({ id: ' ada ' })
  assert.deepEqual(await people.query('ada').entity(), { id: 'ada', integer: 7 })
})

test('keys are made of parts that meet no others', async () => {
  const pair = shelves()
  const seats = hash<{ row: string; seat: number }>({ ...pair.config('seat:a'), key: ['row', 'seat'], attributes: { row: 'text', seat: 'number' } })
  await seats.add({ row: 'a:b%', seat: 1 })
  assert.ok(await pair.fallback.fields('seat%3Aa:a%3Ab%25:1'))
  assert.deepEqual(await seats.query(['a:b%', 1n]).entity(), { row: 'a:b%', seat: 1 })
  for (const key of [['a', 1.5], ['a', null], ['a'], 'a', ['a', 1, 2], [], undefined]) await rejects('invalid_key', seats.query(key as Key).exists())
  const made = hash<Person>({ ...pair.config('made'), attributes, key: ({ id, integer = 0 }) => [id, integer], parts: 2 })
  await made.add({ id: 'ada', integer: 36 })
  assert.ok(await pair.fallback.fields('made:ada:36'))
})

test('what others have written in another way is undecodable', async () => {
  const pair = shelves()
  const people = peopleOf(pair)
  for (const fields of [{ integer: 'many' }, { integer: '"1"' }, { integer: '9007199254740993' }, { adult: 'yes' }]) {
    await pair.fallback.tier.write([{ key: 'person:ada', kind: 'hash', value: { fields: new Map(Object.entries(fields)) } }])
    await rejects('undecodable', people.query('ada', { memory: false }).entity(), JSON.stringify(fields))
  }
})

test('repositories refuse to be made wrongly', async () => {
  const pair = shelves()
  const config = { ...pair.config('person'), attributes }
  const wrong = [
    { name: '' }, { fast: undefined }, { fallback: {} }, { fallback: pair.fast }, { expire: -1 }, { fastTimeout: 0 }, { fallbackTimeout: 2 ** 31 }, { key: 'number' }, { key: [] },
    { attributes: {} }, { attributes: { id: 'string' } }, { attributes: undefined }, { schema: {} }, { expires: 1 }, { onWarning: true },
  ]
  for (const part of wrong) await rejects('invalid_option', () => hash<Person>({ ...config, ...part } as unknown as HashConfig<Person>), JSON.stringify(part))
  await rejects('invalid_option', () => sortedSet({ ...pair.config('set'), parts: 0 }))
})

test('a warning that is thrown does not fail a call', async () => {
  const pair = shelves()
  const thrown = new Error('of the listener')
  const people = hash<Person>({ ...pair.config('person'), attributes, onWarning: () => { throw thrown } })
  await people.add({ id: 'ada', integer: 1 })
  pair.fast.before = fails
  const before = process.listeners('unhandledRejection')
  const told = new Promise(resolve => process.removeAllListeners('unhandledRejection').on('unhandledRejection', resolve))
  assert.equal(await integerOf(people), 1)
  assert.equal(await told, thrown)
  process.removeAllListeners('unhandledRejection')
  for (const listener of before) process.on('unhandledRejection', listener)
})

/** Does something to an entity at random, and then holds the answers of both tiers together. */
async function same<E, O extends QueryOptions>(random: Random, r: Repository<E, O>, id: Key, entity: E, options: O): Promise<void> {
  const change = random.below(12)
  if (change === 0) await r.query(id).delete()
  else if (change === 1) await r.addWith([entity], { memory: false })
  else if (change === 2) await r.addWith([entity], always)
  else if (change < 6) await r.add(entity)
  const answer = (query: Promise<unknown>) => query.catch((error: StowageError) => error.code)
  const [behind, both] = [{ ...options, memory: false }, options]
  assert.deepEqual(await answer(r.query(id, both).entity()), await answer(r.query(id, behind).entity()), JSON.stringify(options))
  assert.equal(await r.query(id).exists(), await r.query(id, { memory: false } as O).exists())
}

test('whatever is asked, and however much of it the fast tier knows, the answer is that of the fallback', async t => {
  const random = seeded(t)
  const clock = new StillClock()
  const [fast, fallback] = await Promise.all([openTier(memory(), clock), openTier(memory(), clock)])
  const pair = pairOf(fast.tier, fallback.tier, clock)
  const [sets, places, people] = [sortedSet(pair.config('set')), geo(pair.config('places')), peopleOf(pair)]
  const half = () => (random.below(9) - 4) / 2
  const degrees = () => random.below(4000) / 1000 - 2
  for (let n = 0; n < 180; n += stride) {
    const id = random.below(4)
    const set: SortedSet = { id, members: random.list(5, r => ({ member: `m${r.below(20)}`, score: half() }), 1) }
    await same(random, sets, id, set, {
      ...(random.chance(0.5) && { reverse: true }),
      ...(random.chance(0.5) && { page: 1 + random.below(4), pageSize: 1 + random.below(5) }),
      ...(random.chance(0.5) && { minScore: half() }),
      ...(random.chance(0.5) && { maxScore: half() }),
    })
    const spots: Geo = { id, members: random.list(3, r => ({ member: `m${r.below(20)}`, longitude: degrees(), latitude: degrees() }), 1) }
    await same(random, places, id, spots, { longitude: degrees(), latitude: degrees(), distance: 1 + random.below(300), unit: 'km', ...(random.chance(0.5) && { count: 1 + random.below(4) }) })
    const person: Person = { id: String(id), integer: random.below(3), adult: random.chance(0.5) }
    await same(random, people, String(id), person, random.chance(0.5) ? {} : { fields: random.list(2, r => r.one(['id', 'integer', 'adult'] as const), 1) })
    if (random.chance(0.05)) clock.pass(hour)
  }
  assert.deepEqual(pair.warnings, [])
  await fast.end()
  await fallback.end()
})
