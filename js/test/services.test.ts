import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { memory, open, StowageError } from 'stowage'
import * as repositories from 'stowage/repositories'
import { type CacheOptions, hash, type HashOptions, type HashRepository, type Service, service, type ServiceOptions } from 'stowage/repositories'
import { structures } from 'stowage/structures'

import { rejects } from './places.js'
import { quiet } from './shelf.js'
import { fails, hangs, type Pair, shelves } from './tiers.js'

interface Person {
  id: string
  integer?: number
}

type People = Service<Person, HashOptions<Person>>

const peopleOf = (pair: Pair): HashRepository<Person> => hash<Person>({ ...pair.config('person'), attributes: { id: 'text', integer: 'number' } })

/** A service of people, so many of whom are in both tiers. */
async function serve(pair: Pair, people: number, options: ServiceOptions<Person>): Promise<People> {
  const repository = peopleOf(pair)
  await repository.addWith(Array.from({ length: people }, (_, i) => ({ id: String(i) })), { memoryAlways: true })
  pair.fast.calls()
  return service(repository, options)
}

/** Reads people, and tells which of them the cache did not have. */
async function missed(pair: Pair, people: People, ids: readonly string[]): Promise<string[]> {
  const missed: string[] = []
  for (const id of ids) {
    if (id === 'a minute') {
      pair.clock.pass(60_000)
      continue
    }
    assert.equal((await people.getOne(id)).id, id)
    if (pair.fast.calls()[0] > 0) missed.push(id)
  }
  return missed
}

for (const [what, cache, asked, gone] of [
  ['the least recent goes', { entries: 2 }, '0 1 0 2 0 1', '0 1 2 1'],
  ['the least frequent goes', { entries: 2, evict: 'least-frequent' }, '0 0 0 1 1 2 1 0 2 2 2 2 1', '0 1 2 1 2 1'],
  ['the least frequent goes, new ones first', { entries: 3, evict: 'least-frequent' }, '0 0 0 1 1 2 2 3 1 2', '0 1 2 3 1'],
  ['what is old goes', { entries: 9, ttl: 60_000 }, '0 0,a minute,0 0', '0 0'],
  ['what is too much goes', { bytes: 20, sizeOf: () => 10 }, '0 1 0 2 0 1', '0 1 2 1'],
  ['what is too large is not kept', { bytes: 20, sizeOf: () => 21 }, '0 0', '0 0'],
  ['what has no size is not kept', { bytes: 20, sizeOf: () => Number.NaN }, '0 0', '0 0'],
] as const) {
  test(`of a cache ${what}`, async () => {
    const pair = shelves()
    const people = await serve(pair, 4, { cache })
    const ids = asked.split(',').flatMap(part => (part === 'a minute' ? [part] : part.split(' ')))
    assert.deepEqual(await missed(pair, people, ids), gone.split(' '))
  })
}

test('what takes all the room has it, whatever parts of bytes took it before', async () => {
  const pair = shelves()
  const sizes = [0.4, 0.1, 0.1, 1, 0.1, 1.3, 0.1, 0.2, 0.5, 0.9, 1.1, 5] // something of them would be left when all have gone
  const people = await serve(pair, sizes.length, { cache: { bytes: 5, sizeOf: ({ id }) => sizes[Number(id)]! } })
  const ids = Array.from(sizes.keys(), String)
  assert.deepEqual(await missed(pair, people, [...ids, '11']), ids)
})

test('what does not exist takes room in a cache, so that nobody can fill it without end', async () => {
  const pair = shelves()
  const people = await serve(pair, 1, { cache: { bytes: 640, sizeOf: () => 600 } })
  await people.getOne('0')
  for (let i = 100; i < 130; i++) await rejects('not_found', people.getOne(String(i)))
  pair.fast.calls()
  assert.deepEqual(await missed(pair, people, ['0']), ['0'])
})

test('answers do not all go at once where there is a jitter', async () => {
  const pair = shelves()
  const people = await serve(pair, 200, { cache: { entries: 1000, ttl: 60_000, jitter: 60_000 } })
  const ids = Array.from({ length: 200 }, (_, i) => String(i))
  await missed(pair, people, ids)
  pair.clock.pass(90_000)
  const { length } = await missed(pair, people, ids)
  assert.ok(length > 0 && length < 200, `${length} have gone by the middle of it`)
})

test('services refuse to be made wrongly', async () => {
  const repository = peopleOf(shelves())
  for (const cache of [{}, { entries: 0 }, { bytes: 1 }, { entries: 1, sizeOf: () => 1 }, { entries: 1, ttl: 0 }, { entries: 1, evict: 'none' }]) {
    await rejects('invalid_option', () => service(repository, { cache: cache as CacheOptions<Person> }), JSON.stringify(cache))
  }
  for (const wrong of [{ concurrency: 0 }, { breaker: { fast: { failures: 0 } } }, { breaker: { slow: {} } }, { onEvent: 1 }, { caches: {} }]) {
    await rejects('invalid_option', () => service(repository, wrong as ServiceOptions<Person>), JSON.stringify(wrong))
  }
})

test('a hundred who ask at once cost one read', async () => {
  const pair = shelves()
  const people = await serve(pair, 1, { cache: { entries: 9 } })
  const found = await Promise.all(Array.from({ length: 100 }, () => people.getOne('0')))
  assert.ok(found.every(person => person === found[0]))
  assert.deepEqual(pair.fast.calls(), [1, 0])
  assert.equal(people.metrics().shared, 99)
})

test('who asks at once shares a failure too, and the next asks anew', async () => {
  const pair = shelves()
  const people = await serve(pair, 1, { cache: { entries: 9 } })
  pair.fast.before = pair.fallback.before = fails
  await Promise.all(Array.from({ length: 3 }, () => rejects('unavailable', people.getOne('0'))))
  assert.deepEqual(pair.fallback.calls(), [1, 1]) // and what filled it
  pair.fast.before = pair.fallback.before = undefined
  assert.equal((await people.getOne('0')).id, '0')
})

test('a key that is wrong strands nobody who asks for another', async () => {
  const pair = shelves()
  const people = await serve(pair, 1, {})
  await rejects('invalid_key', people.getMany(['0', '']))
  assert.equal((await people.getOne('0')).id, '0')
  await rejects('invalid_query', people.getOne('0', { fields: ['age'] } as unknown as HashOptions<Person>))
})

test('an answer that was on its way while its entity changed is neither kept nor given to who asks afterwards', async () => {
  const pair = shelves()
  const people = await serve(pair, 1, { cache: { entries: 9 }, existsCache: { entries: 9 } })
  const { tier } = pair.fast
  let answer!: () => void
  const late = new Promise<void>(resolve => (answer = resolve))
  pair.fast.tier = {
    async read(reads) {
      const replies = await tier.read(reads)
      pair.fast.tier = tier
      await late
      return replies
    },
    write: writes => tier.write(writes),
    close: () => tier.close(),
  }
  const before = people.getOne('0')
  await quiet()
  await people.add({ id: '0', integer: 2 })
  assert.equal((await people.getOne('0')).integer, 2)
  answer()
  assert.equal((await before).integer, undefined)
  assert.equal((await people.getOne('0')).integer, 2)
})

test('many are read in few round trips, in their order, each once', async () => {
  const pair = shelves()
  const people = await serve(pair, 500, { cache: { entries: 1000 }, concurrency: 2 })
  const ids = ['7', 'missing', '3', ...Array.from({ length: 500 }, (_, i) => String(i))]
  await people.getOne('3')
  pair.fast.calls()
  for (let n = 0; n < 2; n++) {
    const found = await people.getMany(ids)
    assert.equal(found.length, 500)
    assert.deepEqual([0, 1, 2, 499].map(i => found[i]!.id), ['7', '3', '0', '499'])
  }
  assert.deepEqual(pair.fast.calls(), [4, 1], 'for 499 entities and a marker')
  assert.deepEqual(await people.getMany([]), [])
})

test('an add that a breaker has stopped leaves the fast tier as it is', async () => {
  const pair = shelves()
  const people = await serve(pair, 1, { breaker: { fallback: { failures: 1 } } })
  pair.fallback.before = fails
  await rejects('unavailable', people.add({ id: 'bo' }))
  await rejects('unavailable', people.add({ id: '0', integer: 1 }))
  assert.equal((await people.getOne('0')).integer, undefined)
})

test('what a breaker counts is for its service to say', async () => {
  const pair = shelves()
  const people = await serve(pair, 1, { breaker: { fast: { failures: 1, counts: ({ code }) => code !== 'backend_failed' } } })
  pair.fast.before = fails
  for (let n = 0; n < 3; n++) assert.equal((await people.getOne('0')).id, '0')
  assert.equal(people.metrics().warnings, 0)
  assert.equal(people.metrics().fastFailures, 3)
})

test('a fallback without room, or that may not be written to, is still read, and its breaker stays closed', async () => {
  for (const code of ['quota', 'denied'] as const) {
    const pair = shelves()
    const people = await serve(pair, 2, { breaker: { fallback: { failures: 1 } } })
    pair.fallback.before = async write => {
      if (write) throw new StowageError(code, 'the probe')
    }
    for (let n = 0; n < 2; n++) await rejects(code, people.add({ id: 'bo' }))
    for (const id of ['0', '1']) assert.equal((await people.getOne(id)).id, id)
    pair.fallback.before = undefined
    await people.add({ id: 'bo' })
    assert.equal(people.metrics().warnings, 0)
  }
})

test('a service that is shut down waits for what runs, and refuses the rest', async () => {
  const pair = shelves()
  const people = await serve(pair, 2, { cache: { entries: 9 } })
  await people.getOne('0')
  pair.fast.before = hangs
  const running = people.getOne('1')
  const shut = Promise.all([people.shutdown(), people.shutdown()])
  let settled = false
  void shut.then(() => (settled = true))
  await quiet()
  assert.equal(settled, false)
  await pair.clock.through(shut)
  assert.equal((await running).id, '1')
  for (const call of [people.getOne('0'), people.getMany(['0']), people.exists('0'), people.add({ id: '0' }), people.delete('0')]) await rejects('closed', call)
  await people.shutdown()
})

test('what others send on the channel of a service that shares does nothing to it', async () => {
  const pair = shelves()
  const people = await serve(pair, 1, { cache: { entries: 9 }, share: true })
  await people.getOne('0')
  const channel = new BroadcastChannel('stowage-repository:person')
  for (const sent of [null, 7, 'person:0', {}, [null, { toString: 7 }, ['person:0']], []]) channel.postMessage(sent)
  channel.postMessage(['person:0']) // the last that arrives
  while ((await missed(pair, people, ['0'])).length === 0) await new Promise(resolve => setTimeout(resolve, 1))
  channel.close()
  await people.shutdown()
})

test('services of other contexts hear of what changes, where both share', async () => {
  const pair = shelves()
  const [here, there, alone] = [await serve(pair, 1, { cache: { entries: 9 }, share: true }), await serve(pair, 1, { cache: { entries: 9 }, share: true }), await serve(pair, 1, { cache: { entries: 9 } })]
  for (const people of [here, there, alone]) await people.getOne('0')
  const channel = new BroadcastChannel('stowage-repository:person')
  const heard = new Promise(resolve => (channel.onmessage = resolve))
  await here.add({ id: '0', integer: 2 })
  await heard
  await quiet()
  assert.equal((await there.getOne('0')).integer, 2)
  assert.equal((await alone.getOne('0')).integer, undefined)
  channel.close()
  await Promise.all([here, there, alone].map(people => people.shutdown()))
})

test('the examples of REPOSITORIES.md do what they say', async () => {
  const page = readFileSync('REPOSITORIES.md', 'utf8')
  const lines = [...page.matchAll(/```ts\n(.*?)```/gs)].flatMap(([, text]) => text!.split('\n')).filter(line => !line.startsWith('import '))
  let expectations = 0
  const code = lines.map(line => {
    const [, asked, told] = /^(.*?\S) +\/\/ → (\S.*)$/.exec(line) ?? []
    if (told === undefined) return line.replace(/<\{.*?\}>/, '')
    expectations++
    return `;assert.deepEqual(${asked}, ${told})`
  })
  const db = await open('page', { driver: memory() })
  const scope = { ...repositories, memory, open, structures, assert, db }
  const AsyncFunction = (async () => {}).constructor as new (...source: string[]) => (...given: unknown[]) => Promise<void>
  await new AsyncFunction(...Object.keys(scope), code.join('\n'))(...Object.values(scope))
  assert.equal(expectations, 9)
  await db.close()
})
