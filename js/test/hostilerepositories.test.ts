import assert from 'node:assert/strict'
import { test } from 'node:test'

import { memory, open, StowageError } from 'stowage'
import { boolean, geo, hash, over, records, ring, rows, service, sortedSet, type Tier } from 'stowage/repositories'
import { structures } from 'stowage/structures'

import { hostile, outcome } from './hostile.js'
import { shelves } from './tiers.js'

const refusal = /^(invalid_(argument|key|option|query|document)|unsupported)$/

const key = (given: unknown) => given !== '\ud83d' && ((typeof given === 'string' && given !== '') || typeof given === 'bigint' || Number.isSafeInteger(given) || (Array.isArray(given) && given[0] === 'text'))
const none = () => false
const anything = (given: unknown) => given !== undefined && given !== null
const options = (given: unknown) => given === undefined || (given === Object(given) && typeof given !== 'function' && !Array.isArray(given) && Object.keys(given as object).length === 0)

type Calls = [told: string, of: object, name: string, given: (part: unknown) => unknown[], taken: (part: unknown) => boolean][]

/** What repositories and services have in common. */
function calls(name: string, of: object, entity: object | string): Calls {
  return [
    [name, of, 'add', part => [entity, part], none],
    [name, of, 'addWith', part => [part], part => Array.isArray(part) && part.length === 0],
    [name, of, 'addWith', part => [[entity], part], options],
    ...(['memoryAlways', 'memory'] as const).map((option): Calls[0] => [name, of, 'addWith', part => [[entity], { [option]: part }], part => part === undefined || typeof part === 'boolean']),
    [name, of, 'addWith', part => [[entity], { fallbackExpiry: part }], part => part === undefined || part === 7],
  ]
}

function made() {
  const { config } = shelves()
  const people = hash<{ id: string; born?: number }>({ ...config('person'), attributes: { id: 'text', born: 'number' } })
  const paid = boolean(config('paid'))
  const ladders = sortedSet(config('ladder'))
  const shops = geo(config('shop'))
  return { config, people, paid, ladders, shops, served: service(people, { cache: { entries: 10 }, existsCache: { entries: 10 } }) }
}

async function read(entities: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of entities) assert.fail()
}

test('repositories and services take what they say, and refuse the rest with a code', async () => {
  const { people, paid, ladders, shops, served } = made()
  const person = { id: 'ada', born: 1815 }
  const asking = {
    entity: (id: never, with_?: never) => people.query(id, with_).entity(),
    exists: (id: never, with_?: never) => people.query(id, with_).exists(),
    delete: (id: never, with_?: never) => people.query(id, with_).delete(),
    entities: (ids: never, with_?: never) => read(people.many(ids, with_).entities()),
    pages: (with_?: never) => ladders.query('chess', with_).entity(),
    near: (with_?: never) => shops.query('tea', with_).entity(),
  }
  const middle = { longitude: 1, latitude: 1, distance: 1 }
  const all: Calls = [
    ...calls('hash', people, person), ...calls('service', served, person),
    ['boolean', paid, 'add', part => [part], key],
    ['hash', people, 'add', part => [{ id: part }], part => typeof part === 'string' && key(part)],
    ['hash', people, 'add', part => [{ id: 'ada', born: part }], part => part === undefined || part === null || Number.isFinite(part)],
    ['sorted set', ladders, 'add', part => [{ id: 'chess', members: part }], none],
    ['sorted set', ladders, 'add', part => [{ id: 'chess', members: [{ member: 'a', score: 1 }, part] }], none],
    ['geo', shops, 'add', part => [{ id: 'tea', members: part }], none],
    ['geo', shops, 'add', part => [{ id: 'tea', members: [{ member: 'a', longitude: 1, latitude: 1 }, part] }], none],
    ['query', asking, 'entity', part => [part], part => !Array.isArray(part) && key(part) || Array.isArray(part) && key(part)],
    ['query', asking, 'exists', part => [part], key],
    ['query', asking, 'delete', part => [part], key],
    ...['entity', 'exists', 'delete'].map((name): Calls[0] => ['query', asking, name, part => ['ada', { memory: part }], part => part === undefined || typeof part === 'boolean']),
    ['query', asking, 'entity', part => ['ada', { fields: part }], part => part === undefined || (Array.isArray(part) && part.length === 0)],
    ['query', asking, 'entity', part => ['ada', { other: part }], part => part === undefined],
    ['many', asking, 'entities', part => [part], part => Array.isArray(part) && part.every(key)],
    ['many', asking, 'entities', part => [['ada', part]], key],
    ...['page', 'pageSize'].map((name): Calls[0] => ['sorted set', asking, 'pages', part => [{ page: 1, pageSize: 1, [name]: part }], part => part === 7]),
    ...['minScore', 'maxScore'].map((name): Calls[0] => ['sorted set', asking, 'pages', part => [{ [name]: part }], part => part === undefined || (typeof part === 'number' && !Number.isNaN(part))]),
    ['sorted set', asking, 'pages', part => [{ reverse: part }], part => part === undefined || typeof part === 'boolean'],
    ...['longitude', 'latitude'].map((name): Calls[0] => ['geo', asking, 'near', part => [{ ...middle, [name]: part }], part => Number.isFinite(part)]),
    ['geo', asking, 'near', part => [{ ...middle, distance: part }], part => part === 7 || part === 0.5 || part === Infinity],
    ['geo', asking, 'near', part => [{ ...middle, unit: part }], part => part === undefined],
    ['geo', asking, 'near', part => [{ ...middle, count: part }], part => part === undefined || part === 7],
    ['service', served, 'getOne', part => [part], key],
    ['service', served, 'exists', part => [part], key],
    ['service', served, 'delete', part => [part], key],
    ['service', served, 'getMany', part => [part], part => Array.isArray(part) && part.every(key)],
    ['service', served, 'getMany', part => [['ada', part]], key],
    ...(['getOne', 'getMany'] as const).flatMap((name): Calls => [
      ['service', served, name, part => [name === 'getOne' ? 'ada' : ['ada'], { fields: part }], part => part === undefined || (Array.isArray(part) && part.length === 0)],
      ['service', served, name, part => [name === 'getOne' ? 'ada' : ['ada'], { other: part }], part => part === undefined],
    ]),
  ]
  await served.add(person)
  await served.getOne('ada') // which is kept, and must not answer for what is refused
  for (const [told, of, name, given, taken] of all) {
    for (const [n, part] of hostile.entries()) {
      const what = `${told}: ${name} with hostile ${n} in ${given}`
      assert.match(await outcome(of, name, given(part)).catch((error: unknown) => assert.fail(`${what}: ${String(error)}`)), taken(part) ? /^(taken|not_found|unsupported|unavailable)$/ : refusal, what)
    }
  }
})

test('repositories, services and tiers refuse to be made of what is none', async () => {
  const { config, people } = made()
  const attributes = { id: 'text' } as const
  for (const [n, part] of hostile.entries()) {
    const making: [what: string, make: () => unknown, fine?: boolean][] = [
      ['hash', () => hash(part as never)],
      ['fast', () => hash({ ...config('p'), attributes, fast: part as never })],
      ['fallback', () => hash({ ...config('p'), attributes, fallback: part as never })],
      ['name', () => hash({ ...config(part as never), attributes }), typeof part === 'string' && part !== ''],
      ['attributes', () => hash({ ...config('p'), attributes: part as never })],
      ['expire', () => hash({ ...config('p'), attributes, expire: part as never }), part === undefined || part === 7],
      ['clock', () => hash({ ...config('p'), attributes, clock: part as never }), part === undefined || part === null],
      ['parts', () => boolean({ ...config('p'), parts: part as never }), part === undefined || part === 7],
      ['service', () => service(part as never)],
      ['options', () => service(people, part as never), options(part)],
      ['cache', () => service(people, { cache: part as never }), part === undefined || part === null || [NaN, '', false].includes(part as never)],
      ['breaker', () => service(people, { breaker: { fast: part as never } }), options(part)],
      ['failures', () => service(people, { breaker: { fast: { failures: part as never } } }), part === undefined || part === 7],
      ['over', () => over(part as never)],
      ['records', () => records(part as never)],
      ['ring', () => ring(part as never)],
      ['tiers', () => ring([part as never])],
      ['rows', () => rows(part as never)],
      ['lookup', () => rows({ person: part as never }), typeof part === 'function'],
    ]
    for (const [what, make, fine] of making) {
      if (fine) make()
      else assert.throws(make, (error: unknown) => error instanceof StowageError && /^invalid_/.test(error.code), `${what} of hostile ${n}`)
    }
  }
})

test('tiers take what they say, and refuse the rest with a code and without a trace', async () => {
  const db = await open('hostile tiers', { driver: memory() })
  const tiers: [name: string, tier: Tier][] = [
    ['structures', over(structures(db, 'tier'))],
    ['records', records(db.store('records'))],
  ]
  const parted = ring([over(structures(db, 'tier')), over(structures(db, 'tier'))])
  const value = { fields: new Map([['name', 'Ada']]), members: [{ member: 'a', score: 1 }], places: [{ member: 'a', longitude: 1, latitude: 1, distance: 0 }] }
  const text = (part: unknown) => typeof part === 'string' && part !== '' && part !== '\ud83d'
  const asked: [call: 'read' | 'write', given: (part: unknown) => object, taken: (part: unknown) => boolean][] = [
    ['read', part => ({ key: part, kind: 'hash' }), text],
    ['read', part => ({ key: 'hash', kind: part }), none],
    ['read', part => ({ key: 'hash', kind: 'hash', fields: part }), part => part === undefined || Array.isArray(part)],
    ['read', part => ({ key: 'set', kind: 'sortedSet', range: part }), options],
    ['read', part => ({ key: 'set', kind: 'sortedSet', range: { min: part } }), part => part === undefined || part === null || (typeof part === 'number' && !Number.isNaN(part))],
    ['read', part => ({ key: 'set', kind: 'sortedSet', range: { count: part } }), part => part === undefined || part === 7],
    ['read', part => ({ key: 'geo', kind: 'geo', search: part }), none],
    ['write', part => ({ key: part, kind: 'hash', value }), text],
    ['write', part => ({ key: 'hash', kind: part, value }), none],
    ['write', part => ({ key: 'hash', kind: 'hash', value: part }), none],
    ['write', part => ({ key: 'hash', kind: 'hash', value: { fields: part } }), part => part instanceof Map && part.size > 0 && [...part].flat().every(text)],
    ['write', part => ({ key: 'hash', kind: 'hash', value: { fields: new Map([['name', part]]) } }), part => part === '' || text(part)],
    ['write', part => ({ key: 'set', kind: 'sortedSet', value: { members: part } }), none],
    ['write', part => ({ key: 'set', kind: 'sortedSet', value: { members: [{ member: 'b', score: 1 }, part] } }), none],
    ['write', part => ({ key: 'geo', kind: 'geo', value: { places: part } }), none],
    ['write', part => ({ key: 'geo', kind: 'geo', value: { places: [{ member: 'b', longitude: 1, latitude: 1 }, part] } }), none],
    ['write', part => ({ key: 'hash', kind: 'hash', value, only: part }), part => part === undefined],
    ['write', part => ({ key: 'hash', kind: 'hash', value, expiry: part }), part => part === undefined || part === 7 || part === 0.5],
  ]
  const content = async () => JSON.stringify(await Promise.all(['tier', 'records'].map(async name => (await db.store(name).range()).map(String))))
  for (const [name, tier] of tiers) {
    await tier.write([{ key: 'hash', kind: 'hash', value }, { key: 'set', kind: 'sortedSet', value }, { key: 'geo', kind: 'geo', value }])
    const before = await content()
    for (const [n, part] of hostile.entries()) {
      for (const call of ['read', 'write'] as const) {
        if (!Array.isArray(part) || part.length > 0) assert.match(await outcome(tier, call, [part]), refusal, `${name}: ${call} of hostile ${n}`)
        for (const of of [tier, parted]) assert.match(await outcome(of, call, [[part]]), refusal, `${name}: ${call} of a list of hostile ${n}`)
      }
      for (const [call, given, taken] of asked) {
        const what = `${name}: ${call} with hostile ${n} in ${given}`
        const first = call === 'write' ? [{ key: 'other', kind: 'boolean', value: { is: true } }] : []
        if (!taken(part)) assert.match(await outcome(tier, call, [[...first, given(part)]]).catch((error: unknown) => assert.fail(`${what}: ${String(error)}`)), refusal, what)
      }
    }
    assert.equal(await content(), before, name)
    for (const [call, given, taken] of asked) {
      for (const part of hostile) if (taken(part)) assert.match(await outcome(tier, call, [[given(part)]]), /^(taken|invalid_argument)$/, `${name}: ${call} ${given}`) // a field that is none is never there
    }
  }
  await db.close()
})

test('what tiers should not answer is told with a code, and passed by where it is the fast one', async () => {
  for (const [n, part] of hostile.entries()) {
    const { fast, fallback, config } = shelves()
    const people = hash<{ id: string }>({ ...config('person'), attributes: { id: 'text' } })
    await people.add({ id: 'ada' })
    const lies = (wrong: unknown): Tier => ({ read: async () => wrong as never, write: async () => {}, close: async () => {} })
    const good = fast.tier
    for (const wrong of [part, [part, part], [part, { found: false }]]) {
      fast.tier = lies(wrong)
      if (n !== hostile.indexOf('text')) assert.deepEqual(await people.query('ada').entity(), { id: 'ada' }, `the fast tier answers hostile ${n}`)
    }
    fast.tier = good
    await fast.tier.write([{ key: 'person:ada', kind: 'none' }])
    for (const wrong of [part, [part], [{ found: part }], [{ found: true, value: part }], [{ found: true, expiry: part, value: { fields: part } }]]) {
      fallback.tier = lies(wrong)
      assert.match(await outcome({ call: () => people.query('ada').entity() }, 'call', []), /^(taken|not_found|backend_failed|undecodable)$/, `the fallback answers hostile ${n}`)
      await fast.tier.write([{ key: 'person:ada', kind: 'none' }, { key: 'person:not-found:ada', kind: 'none' }])
    }
  }
})

test('replies without values, failures without reasons and tiers that throw at once are told with a code', async () => {
  const tier = (of: Partial<Tier>): Tier => ({ read: async () => [], write: async () => {}, close: async () => {}, ...of })
  const empty = tier({ read: async reads => reads.map(() => ({ found: true }) as never) })
  const { config } = shelves()
  const paid = { ...config('paid'), fast: empty, fallback: tier({}) }
  assert.equal(await boolean(paid).query('a').exists(), false)
  const throws = () => {
    throw undefined
  }
  const both = { ...config('p'), attributes: { id: 'text' } as const, fast: tier({ read: throws }), fallback: tier({ read: throws }) }
  assert.equal(await outcome({ call: () => hash<{ id: string }>(both).query('a').entity() }, 'call', []), 'unavailable')
  let closed = 0
  const parted = ring([{ read: async () => [], write: async () => {} } as never, tier({ close: throws }), tier({ close: async () => void closed++ })])
  assert.deepEqual([await outcome(parted, 'close', []), closed], ['backend_failed', 1])
})

test('places of a tier are as many as there are, and none of them is stored where one is none', async () => {
  const db = await open('many places', { driver: memory() })
  const places = Array.from({ length: 300_000 }, (_, i) => ({ member: `place ${i}`, longitude: 1, latitude: 1, distance: 0 }))
  for (const tier of [over(structures(db, 'tier')), records(db.store('records'))]) {
    assert.equal(await outcome(tier, 'write', [[{ key: 'geo', kind: 'geo', value: { places: [...places, { ...places[0], latitude: 91 }] } }]]), 'invalid_argument')
  }
  await db.close()
})

test('a set whose scores are no places is searched with the same answer in every tier', async () => {
  const db = await open('no places', { driver: memory() })
  const members = [-Infinity, -0.5, -0, 5, 2 ** 52, Infinity].map(score => ({ member: String(score), score }))
  for (const tier of [over(structures(db, 'tier')), records(db.store('records'))]) {
    await tier.write([{ key: 'set', kind: 'sortedSet', value: { members } }])
    const [found] = await tier.read([{ key: 'set', kind: 'geo', search: { longitude: 0, latitude: 0, radius: 1e9 } }])
    assert.deepEqual(found!.value.places!.map(({ member }) => member).sort(), ['0', '5'])
  }
  await db.close()
})

test('what stays for as long as can be said stays', async () => {
  const { config } = shelves()
  const people = hash<{ id: string }>({ ...config('person'), attributes: { id: 'text' }, expire: Number.MAX_SAFE_INTEGER, fallbackExpiry: Number.MAX_SAFE_INTEGER })
  await people.addWith([{ id: 'ada' }], { memoryAlways: true })
  for (const memory of [true, false]) assert.deepEqual(await people.query('ada', { memory }).entity(), { id: 'ada' })
})

test('a call that both tiers refuse has the code of the refusal, and opens no breaker', async () => {
  const db = await open('refused by both', { driver: memory() })
  const people = hash<{ id: string }>({ name: 'person', fast: over(structures(db, 'fast')), fallback: over(structures(db, 'fallback')), attributes: { id: 'text' } })
  const served = service(people, { breaker: { fast: { failures: 1 }, fallback: { failures: 1 } } })
  for (const of of [people.query('k'.repeat(5000)).entity(), served.getOne('k'.repeat(5000)), served.add({ id: 'k'.repeat(5000) })]) {
    await assert.rejects(of, (error: StowageError) => error.code === 'too_large')
  }
  await served.add({ id: 'ada' })
  assert.deepEqual([await served.getOne('ada'), served.metrics().warnings], [{ id: 'ada' }, 0])
  await db.close()
})

test('rows of large columns are read, and what is no row or no record is undecodable', async () => {
  const bytes = new Uint8Array(300_000).fill(7)
  const found = await rows({ picture: async () => ({ bytes }) }).read([{ key: 'picture:1', kind: 'hash' }])
  assert.equal(found[0]!.value.fields!.get('bytes'), JSON.stringify(Buffer.from(bytes).toString('base64')))
  await assert.rejects(rows({ picture: async () => 'text' as never }).read([{ key: 'picture:1', kind: 'hash' }]), (error: StowageError) => error.code === 'undecodable')
  const db = await open('no record', { driver: memory() })
  const tier = records(db.store('records'))
  for (const text of ['{', '7', 'null', '[0,"hash",7]', '\0']) {
    await db.store('records').put(Buffer.from('key'), Buffer.from(text))
    await assert.rejects(tier.read([{ key: 'key', kind: 'hash' }]), (error: StowageError) => error.code === 'undecodable')
  }
  await db.close()
})
