import assert from 'node:assert/strict'

import { boolean, geo, type GeoOptions, hash, type HashRepository, service, type ServiceEvent, type Service, sortedSet, type SortedSetOptions, type HashOptions } from 'stowage/repositories'

import { rejects } from './places.js'
import { fails, overPairs, type Pair } from './tiers.js'

interface Person {
  id: string
  integer?: number
  adult?: boolean
  inner_entities?: Person[]
}

const attributes = { id: 'text', integer: 'number', adult: 'boolean', inner_entities: 'json' } as const
const hour = 3_600_000

const peopleOf = (pair: Pair): HashRepository<Person> => hash<Person>({ ...pair.config('person'), attributes })
async function collect<T>(all: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const one of all) found.push(one)
  return found
}

const ada: Person = { id: 'ada', integer: 36, adult: true, inner_entities: [{ id: 'byron' }] }

overPairs('scenario 42: an add fills the fallback, and reading the fast tier', async pair => {
  const people = peopleOf(pair)
  await people.add(ada)
  assert.equal(await pair.fast.fields('person:ada'), undefined)
  assert.deepEqual(await people.query('ada').entity(), ada)
  const text = { id: 'ada', integer: '36', adult: '1', inner_entities: '[{"id":"byron"}]' }
  for (const tier of [pair.fast, pair.fallback]) assert.deepEqual(await tier.fields('person:ada'), text)
  pair.fallback.calls()
  assert.deepEqual(await people.query('ada').entity(), ada)
  pair.fallback.untouched('what the fast tier has')

  await people.add({ id: 'ada', adult: false, ...({ integer: null } as object) })
  for (const tier of [pair.fast, pair.fallback]) assert.deepEqual(await tier.fields('person:ada'), { id: 'ada', adult: '0' }, 'nothing of what it was before')
  assert.deepEqual(await people.query('ada').entity(), { id: 'ada', adult: false })
  pair.clock.pass(hour)
  assert.equal(await pair.fast.fields('person:ada'), undefined)
  assert.deepEqual(await pair.fallback.fields('person:ada'), { id: 'ada', adult: '0' })
  assert.deepEqual(pair.warnings, [])
})

overPairs('scenario 43: what is missing is marked', async pair => {
  const people = peopleOf(pair)
  await rejects('not_found', people.query('ada').entity())
  const marker = await pair.fast.held('person:not-found:ada', 'boolean')
  assert.ok(marker.value.is && marker.expiry > 0 && marker.expiry <= hour, JSON.stringify(marker))
  pair.fallback.calls()
  await rejects('not_found', people.query('ada').entity())
  assert.equal(await people.query('ada').exists(), false)
  pair.fallback.untouched('what is marked')

  await people.add({ id: 'ada' })
  assert.equal((await pair.fast.held('person:not-found:ada', 'exists')).found, false)
  assert.deepEqual(await people.query('ada').entity(), { id: 'ada' })
  await people.query('ada').delete()
  pair.fallback.calls()
  await rejects('not_found', people.query('ada').entity())
  pair.fallback.untouched('what was deleted')
  pair.clock.pass(hour)
  await rejects('not_found', people.query('ada').entity())
  assert.deepEqual(pair.fallback.calls(), [1, 0], 'once after the marker has expired')
})

overPairs('scenario 44: sorted sets from either tier', async pair => {
  const sets = sortedSet(pair.config('set'))
  const [one, two, three] = [{ member: '1', score: 0 }, { member: '2', score: 1 }, { member: '3', score: 3 }]
  await sets.add({ id: 'fake', members: [two, one] })
  const asked: [SortedSetOptions, (typeof one)[] | undefined][] = [
    [{}, [one, two]],
    [{ reverse: true }, [two, one]],
    [{ page: 2, pageSize: 1 }, [two]],
    [{ minScore: 1 }, [two]],
    [{ maxScore: 0 }, [one]],
    [{ minScore: 0, maxScore: 1, page: 1, pageSize: 1, reverse: true }, [two]],
    [{ page: 3, pageSize: 1 }, undefined],
    [{ minScore: 2, maxScore: 3 }, undefined],
  ]
  for (const [options, members] of asked) {
    await pair.fast.tier.write([{ key: 'set:fake', kind: 'none' }])
    for (const query of [sets.query('fake', { ...options, memory: false }), sets.query('fake', options), sets.query('fake', options)]) {
      if (members === undefined) await rejects('not_found', query.entity())
      else assert.deepEqual(await query.entity(), { id: 'fake', members, size: 2 }, JSON.stringify(options))
    }
  }
  pair.fallback.calls()
  await rejects('not_found', sets.query('fake', { minScore: 2 }).entity())
  pair.fallback.untouched('a range of what the fast tier has')

  const moved = { ...two, score: 5 }
  await sets.add({ id: 'fake', members: [three, moved] })
  await sets.addWith([{ id: 'fake', members: [three] }], { memoryAlways: true })
  for (const tier of [pair.fast, pair.fallback]) assert.deepEqual((await tier.held('set:fake', 'sortedSet')).value.members, [one, three, moved])
  const wrong = [{ page: 0, pageSize: 1 }, { page: 1, pageSize: 0 }, { page: 1 }, { minScore: Number.NaN }, { fields: ['id'] }, { reverse: 1 }, { memory: 0 }, 'all']
  for (const options of wrong) await rejects('invalid_query', sets.query('fake', options as SortedSetOptions).entity())
  await rejects('invalid_document', sets.add({ id: 'fake', members: [] }))
  await rejects('invalid_document', sets.add({ id: 'fake', members: [{ member: '1', score: Number.NaN }] }))
})

overPairs('scenario 45: fields of a hash', async pair => {
  const people = peopleOf(pair)
  await people.add(ada)
  const wanted = { fields: ['id', 'integer', 'inner_entities'] } as const
  for (const from of ['the fallback', 'the fast tier']) {
    const { adult: _, ...rest } = ada
    assert.deepEqual(await people.query('ada', wanted).entity(), rest, from)
  }
  assert.equal(Object.keys((await pair.fast.fields('person:ada'))!).length, 4, 'the fast tier has all of it')
  await people.add({ id: 'bo' })
  for (let n = 0; n < 2; n++) assert.deepEqual(await people.query('bo', { fields: ['integer'] }).entity(), {})
  await rejects('invalid_query', people.query('ada', { fields: ['agee'] } as unknown as HashOptions<Person>).entity())
})

overPairs('scenario 46: many in their order', async pair => {
  const people = peopleOf(pair)
  const found = async (...ids: string[]) => (await collect(people.many(ids).entities())).map(({ id }) => id)
  await people.add({ id: 'fake' }, { id: 'other' })
  await rejects('not_found', people.query('fake2').entity())
  for (let n = 0; n < 2; n++) assert.deepEqual(await found('fake', 'fake2', 'fake3'), ['fake'])
  for (const id of ['fake2', 'fake3']) assert.ok((await pair.fast.held(`person:not-found:${id}`, 'exists')).found, id)
  assert.deepEqual(await found('other', 'none', 'fake', 'other'), ['other', 'fake', 'other'])

  const seats = hash<{ other_id: string; id: string; taken: boolean }>({ ...pair.config('seat'), key: ['other_id', 'id'], attributes: { other_id: 'text', id: 'text', taken: 'boolean' } })
  const seat = { other_id: 'other_fake', id: 'fake', taken: true }
  await seats.add(seat)
  assert.ok(await pair.fallback.fields('seat:other_fake:fake'))
  for (let n = 0; n < 2; n++) assert.deepEqual(await collect(seats.many([['other_fake', 'fake'], ['fake', 'other_fake']]).entities()), [seat])
  await rejects('invalid_key', seats.query(['other_fake', '']).entity())
  await rejects('invalid_key', seats.query('other_fake').entity())
  await rejects('invalid_key', seats.query(['other_fake', '\ud800']).entity())
  await rejects('invalid_key', seats.add({ id: 'fake', taken: true } as typeof seat))
})

/** A service of people whose breakers open after so many failures, and what it tells. */
function serve(pair: Pair, failures: number | undefined, caches = false): { people: Service<Person, HashOptions<Person>>; told: ServiceEvent[] } {
  const told: ServiceEvent[] = []
  const breaker = { recovery: 1000, ...(failures !== undefined && { failures }) }
  const people = service(peopleOf(pair), {
    breaker: { fast: breaker, fallback: breaker },
    onEvent: event => void told.push(event),
    ...(caches && { cache: { entries: 10 }, existsCache: { entries: 10 } }),
  })
  return { people, told }
}

const warnings = (told: ServiceEvent[]) => told.filter(({ kind }) => kind === 'warning').length
const states = (told: ServiceEvent[], tier: string) => told.flatMap(event => (event.kind === 'state' && event.tier === tier ? [event.state] : []))

overPairs('what cannot be decoded keeps no other from coming', async pair => {
  const people = peopleOf(pair)
  await people.add({ id: 'ada' }, { id: 'bo' })
  await pair.fallback.write([{ key: 'person:odd', kind: 'hash', value: { fields: new Map([['id', 'odd'], ['inner_entities', '{']]) } }])
  await rejects('undecodable', people.query('odd').entity())
  const found: string[] = []
  await rejects('undecodable', (async () => {
    for await (const { id } of people.many(['odd', 'ada', 'bo']).entities()) found.push(id)
  })())
  assert.deepEqual(found, ['ada', 'bo'])

  const served = service(people, { cache: { entries: 10 } })
  await rejects('undecodable', served.getMany(['odd', 'ada', 'bo']))
  pair.fallback.calls()
  assert.deepEqual(await served.getMany(['ada', 'bo']), [{ id: 'ada' }, { id: 'bo' }])
  pair.fallback.untouched('what was decoded beside it')
  await served.shutdown()
})

overPairs('scenario 47: breakers pass by a tier that fails', async pair => {
  const { people, told } = serve(pair, 1)
  await people.addWith([{ id: 'ada' }], { memoryAlways: true })
  pair.fast.before = fails
  assert.equal((await people.getOne('ada')).id, 'ada')
  pair.fast.calls()
  assert.equal((await people.getOne('ada')).id, 'ada')
  pair.fast.untouched('a call while its breaker is open')
  assert.deepEqual([warnings(told), states(told, 'fast')], [1, ['open']])
  pair.fallback.before = fails
  await rejects('unavailable', people.getOne('ada'))
  await rejects('unavailable', people.add({ id: 'bo' }))
  pair.fallback.calls()
  await rejects('unavailable', people.add({ id: 'bo' }))
  pair.fallback.untouched('an add while its breaker is open')

  pair.fallback.before = undefined
  pair.clock.pass(1000)
  assert.equal((await people.getOne('ada')).id, 'ada') // the one call that is let through fails
  pair.clock.pass(1000)
  pair.fast.before = undefined
  assert.equal((await people.getOne('ada')).id, 'ada') // and the next does not
  assert.deepEqual(states(told, 'fast'), ['open', 'half-open', 'open', 'half-open', 'closed'])
  assert.deepEqual(states(told, 'fallback'), ['open', 'half-open', 'closed'])
  assert.equal(warnings(told), 3)
  pair.fallback.calls()
  assert.equal((await people.getOne('ada')).id, 'ada')
  pair.fallback.untouched('what the fast tier has again')
  await people.shutdown()
})

overPairs('scenario 48: what is not found opens no breaker', async pair => {
  const { people, told } = serve(pair, undefined)
  for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'g', 'g', 'g', 'g', 'g', 'g']) await rejects('not_found', people.getOne(id))
  await people.addWith([{ id: 'ada' }], { memoryAlways: true })
  pair.fast.before = fails
  for (let n = 0; n < 4; n++) assert.equal((await people.getOne('ada')).id, 'ada', 'from the fallback, though the breaker is still closed')
  assert.deepEqual([states(told, 'fast'), warnings(told)], [[], 0])
  for (let n = 0; n < 2; n++) assert.equal((await people.getOne('ada')).id, 'ada')
  assert.deepEqual([states(told, 'fast'), states(told, 'fallback'), warnings(told)], [['open'], [], 1])
  await rejects('invalid_key', people.getOne(''))
})

overPairs('scenario 49: caches forget what changes', async pair => {
  const { people } = serve(pair, 1, true)
  const fields = { fields: ['id', 'integer'] } as const
  const missing = async () => {
    await rejects('not_found', people.getOne('ada'))
    await rejects('not_found', people.getOne('ada', fields))
    assert.equal(await people.exists('ada'), false)
  }
  for (let n = 0; n < 2; n++) await missing()
  pair.fast.calls()
  await missing()
  await rejects('not_found', people.getOne('ada', { fields: ['integer', 'id'] }))
  pair.fast.untouched('what the caches have')
  for (const integer of [1, 2]) {
    await people.add({ id: 'ada', integer })
    assert.equal(await people.exists('ada'), true)
    for (let n = 0; n < 2; n++) {
      for (const options of [undefined, fields, { memory: false }]) assert.equal((await people.getOne('ada', options)).integer, integer)
    }
  }
  await people.delete('ada')
  await missing()
  const { hits, misses, fallbackReads, markerHits } = people.metrics()
  assert.ok(hits > 0 && misses > 0 && fallbackReads > 0 && markerHits > 0)
})

overPairs('scenario 50: booleans', async pair => {
  const paid = boolean(pair.config('paid'))
  await paid.add('fake')
  for (let n = 0; n < 2; n++) assert.equal(await paid.query('fake').entity(), 'fake')
  assert.equal(await paid.query('fake').exists(), true)
  await rejects('not_found', paid.query('other').entity())
  await paid.query('fake').delete()
  pair.fallback.calls()
  for (const id of ['fake', 'other']) {
    await rejects('not_found', paid.query(id).entity())
    assert.equal(await paid.query(id).exists(), false)
  }
  pair.fallback.untouched('what is known to be absent')
  await pair.fallback.write([{ key: 'paid:never', kind: 'boolean', value: { is: false } }])
  assert.equal(await paid.query('never').exists(), false)
  await rejects('not_found', paid.query('never').entity())
})

overPairs('scenario 51: places from either tier', async pair => {
  const places = geo(pair.config('places'))
  await places.add({ id: 'fake', members: [{ member: 'm1', longitude: 6, latitude: 5 }, { member: 'm2', longitude: 6, latitude: 5 }] })
  const near = { longitude: 6, latitude: 5, distance: 1, unit: 'km' } as const
  for (const memory of [false, true, true]) {
    const { members } = await places.query('fake', { ...near, memory }).entity()
    assert.deepEqual(members.map(({ member }) => member), ['m1', 'm2'])
    for (const p of members) assert.ok(p.distance! <= 0.001 && Math.abs(p.longitude - 6) < 1e-5 && Math.abs(p.latitude - 5) < 1e-5, JSON.stringify(p))
    await rejects('not_found', places.query('fake', { ...near, longitude: 1, latitude: 1, memory }).entity())
  }
  assert.equal((await places.query('fake', { ...near, count: 1 }).entity()).members.length, 1)
  const { latitude: _, ...nowhere } = near
  for (const wrong of [undefined, nowhere, { ...near, latitude: Number.NaN }, { ...near, distance: 0 }, { ...near, count: 0 }, { ...near, unit: 'inch' }, { ...near, reverse: true }]) {
    await rejects('invalid_query', places.query('fake', wrong as GeoOptions).entity())
  }
  assert.equal(await places.query('fake').exists(), true)
  await rejects('invalid_document', places.add({ id: 'fake', members: [{ member: 'm', longitude: 6, latitude: 86 }] }))
})
