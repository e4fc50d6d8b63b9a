import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { memory, StowageError } from 'stowage'
import { hash, type Range, type Reply, ring, type RingOptions, type Tier, type Write } from 'stowage/repositories'

import { drivers } from '../drivers.js'
import { rejects } from '../places.js'
import { Shelf } from '../shelf.js'
import { fails, openRecords, openTier, pairOf, Probe, ringOf, StillClock } from '../tiers.js'

/** A tier in the hands of a test. */
class Using {
  constructor(
    readonly tier: Tier,
    readonly clock: StillClock,
    /** Writes to several keys are not all or none. */
    readonly sharded: boolean,
  ) {}

  async found(...keys: string[]): Promise<string[]> {
    const replies = await this.tier.read(keys.map(key => ({ key, kind: 'exists' })))
    return keys.filter((_, i) => replies[i]!.found)
  }

  async read(...reads: Parameters<Tier['read']>[0]): Promise<Reply[]> {
    return this.tier.read(reads)
  }

  async fields(key: string): Promise<Record<string, string>> {
    return Object.fromEntries((await this.read({ key, kind: 'hash' }))[0]!.value.fields!)
  }

  async members(key: string, range?: Range): Promise<string> {
    return (await this.read({ key, kind: 'sortedSet', ...(range && { range }) }))[0]!.value.members!.map(({ member, score }) => `${member}${score}`).join(' ')
  }
}

const aHash = (key: string, fields: Record<string, string>): Write => ({ key, kind: 'hash', value: { fields: new Map(Object.entries(fields)) } })
const aSet = (key: string, ...members: [string, number][]): Write => ({ key, kind: 'sortedSet', value: { members: members.map(([member, score]) => ({ member, score })) } })
const aBoolean = (key: string, is: boolean): Write => ({ key, kind: 'boolean', value: { is } })
const aGeo = (key: string, ...places: [string, number, number][]): Write => ({ key, kind: 'geo', value: { places: places.map(([member, longitude, latitude]) => ({ member, longitude, latitude, distance: 0 })) } })
const gone = (key: string): Write => ({ key, kind: 'none' })
const hour = 3_600_000

/** What every tier must do; tiertest has the same for Go. */
const suite: Record<string, (u: Using) => Promise<void>> = {
  async 'reads what was written'(u) {
    assert.deepEqual(await u.found('hash', 'set', 'yes'), [])
    await u.tier.write([aHash('hash', { a: '1', b: '', 'c:\0': 'ünï' }), aSet('set', ['m', 1.5]), aBoolean('yes', true), aBoolean('no', false), aGeo('geo', ['here', 6, 5])])
    assert.deepEqual(await u.found('hash', 'set', 'yes', 'no', 'geo', 'none'), ['hash', 'set', 'yes', 'no', 'geo'])
    assert.deepEqual(await u.fields('hash'), { a: '1', b: '', 'c:\0': 'ünï' })
    assert.equal(await u.members('set'), 'm1.5')
    const [some, yes, none, no, missing] = await u.read({ key: 'hash', kind: 'hash', fields: ['b', 'missing'] }, { key: 'yes', kind: 'boolean' }, { key: 'none', kind: 'hash' }, { key: 'no', kind: 'boolean' }, { key: 'hash', kind: 'hash', fields: ['missing'] })
    assert.deepEqual([...some!.value.fields!], [['b', '']])
    assert.deepEqual([yes!.value.is, none!.found, no!.found, no!.value.is, missing!.found, missing!.value.fields!.size], [true, false, true, false, true, 0])
    await u.tier.write([gone('hash'), gone('set'), gone('never there')])
    assert.deepEqual(await u.found('hash', 'set', 'yes'), ['yes'])
    assert.deepEqual(await u.read(), [])
    await u.tier.write([])
  },

  async 'replaces and merges'(u) {
    await u.tier.write([aHash('h', { a: '1', b: '2' }), aHash('h', { b: '3' })])
    assert.deepEqual(await u.fields('h'), { b: '3' })
    await u.tier.write([{ ...aHash('h', { c: '4' }), merge: true }])
    assert.deepEqual(await u.fields('h'), { b: '3', c: '4' })
    await u.tier.write([aSet('s', ['one', 1]), { ...aSet('s', ['two', 2]), merge: true }])
    assert.equal(await u.members('s'), 'one1 two2')
    await u.tier.write([{ ...aSet('s', ['one', 3]), merge: true }])
    assert.equal(await u.members('s'), 'two2 one3')
    await u.tier.write([aSet('s', ['two', 2])])
    assert.equal(await u.members('s'), 'two2')
    await u.tier.write([aHash('s', { was: 'a set' })])
    assert.deepEqual(await u.fields('s'), { was: 'a set' })
  },

  async 'heeds conditions'(u) {
    const present: Write = { ...aHash('k', { is: 'present' }), only: 'ifPresent' }
    const absent: Write = { ...aHash('k', { was: 'absent' }), only: 'ifAbsent' }
    await u.tier.write([present])
    assert.deepEqual(await u.found('k'), [])
    for (const [writes, left] of [[[absent], 'was'], [[present], 'is'], [[absent], 'is'], [[gone('k'), present, absent], 'was'], [[gone('k'), absent, present], 'is']] as const) {
      await u.tier.write(writes)
      assert.deepEqual(Object.keys(await u.fields('k')), [left])
    }
  },

  async expires(u) {
    const write: Write = { ...aHash('k', { a: '1' }), expiry: hour }
    const stays = async () => (await u.read({ key: 'k', kind: 'exists' }))[0]!.expiry
    await u.tier.write([write, { ...aBoolean('b', true), expiry: 2 * hour }])
    assert.equal(await stays(), hour)
    u.clock.pass(hour)
    assert.deepEqual(await u.found('k', 'b'), ['b'])
    await u.tier.write([write])
    u.clock.pass(hour / 2)
    await u.tier.write([{ ...write, only: 'ifPresent' }])
    u.clock.pass(hour * 0.75)
    assert.deepEqual(await u.found('k'), ['k'])
    await u.tier.write([{ ...write, merge: true, expiry: 0 }])
    u.clock.pass(1000 * hour)
    assert.deepEqual(await u.found('k', 'b'), ['k'])
    assert.equal(await stays(), 0)
  },

  async 'writes all or nothing'(u) {
    if (u.sharded) return
    await u.tier.write([aHash('h', { a: '1' })])
    const first = aHash('first', { a: '1' })
    await rejects('wrong_type', u.tier.write([first, { ...aBoolean('h', true), only: 'ifAbsent' }, { ...aSet('h', ['m', 1]), merge: true }, aHash('last', { a: '1' })]))
    for (const wrong of [{ key: 'k', kind: 'exists' } as unknown as Write, aSet('s', ['', 1]), aSet('s'), aGeo('g', ['off', 6, 95])]) await rejects('invalid_argument', u.tier.write([first, wrong]))
    await rejects('invalid_key', u.tier.write([first, aHash('', { a: '1' })]))
    assert.deepEqual(await u.found('first', 'last', 's', 'g', 'k', 'h'), ['h'])
    await rejects('invalid_argument', u.read({ key: 'h', kind: 'none' as 'hash' }))
  },

  async 'ranges of sorted sets'(u) {
    await u.tier.write([aSet('s', ['d', 3], ['c', 2], ['b', 2], ['a', 1])])
    for (const [range, members] of [
      [{}, 'a1 b2 c2 d3'],
      [{ reverse: true }, 'd3 c2 b2 a1'],
      [{ min: 2 }, 'b2 c2 d3'],
      [{ max: 2, reverse: true, offset: 1, count: 1 }, 'b2'],
      [{ min: 2, minOpen: true }, 'd3'],
      [{ offset: 3, count: 5 }, 'd3'],
      [{ offset: 4, count: 1 }, ''],
      [{ min: 4 }, ''],
    ] as const) assert.equal(await u.members('s', range), members, JSON.stringify(range))
    assert.equal((await u.read({ key: 's', kind: 'sortedSet', range: { min: 4 } }))[0]!.value.size, 4)
  },

  async 'searches places'(u) {
    await u.tier.write([aGeo('g', ['far', 7, 5], ['near', 6.001, 5]), { ...aGeo('g', ['here', 6, 5]), merge: true }])
    const search = async (radius: number, count?: number) => {
      const [reply] = await u.read({ key: 'g', kind: 'geo', search: { longitude: 6, latitude: 5, radius, unit: 'km', ...(count && { count }) } })
      return reply!.value.places!.map(({ member }) => member)
    }
    assert.deepEqual(await search(1), ['here', 'near'])
    assert.deepEqual(await search(200), ['here', 'near', 'far'])
    assert.deepEqual(await search(200, 1), ['here'])
    const [scores] = await u.read({ key: 'g', kind: 'sortedSet' })
    await u.tier.write([{ key: 'copy', kind: 'sortedSet', value: scores!.value }])
    const [found] = await u.read({ key: 'copy', kind: 'geo', search: { longitude: 6, latitude: 5, radius: 1, unit: 'km' } })
    assert.equal(found!.value.places!.length, 2, 'of a set with the scores of places')
  },

  async 'refuses other kinds'(u) {
    await u.tier.write([aHash('h', { a: '1' })])
    for (const kind of ['sortedSet', 'boolean', 'geo'] as const) {
      await rejects('wrong_type', u.read({ key: 'h', kind, search: { longitude: 0, latitude: 0, radius: 1 } }), kind)
    }
  },

  async 'heeds the signal'(u) {
    const over = AbortSignal.abort()
    await rejects('aborted', u.tier.read([{ key: 'k', kind: 'exists' }], over))
    await rejects('aborted', u.tier.write([aHash('k', { a: '1' })], over))
    const soon = new AbortController()
    const writing = u.tier.write([aHash('k', { a: '1' })], soon.signal)
    soon.abort()
    await rejects('aborted', writing)
    let looks = 0
    const later = { get aborted() { return ++looks > 2 } } as AbortSignal // while it is being made
    await rejects('aborted', u.tier.write([aHash('k', { a: '1' })], later))
    assert.deepEqual(await u.found('k'), [])
  },

  async 'takes writes side by side'(u) {
    await Promise.all(Array.from({ length: 20 }, (_, i) => u.tier.write([aHash(`k${i}`, { a: '1' }), { ...aSet('s', [`m${i}`, i]), merge: true }])))
    assert.equal((await u.members('s')).split(' ').length, 20)
  },

  async closes(u) {
    await u.tier.close()
    await u.tier.close()
    await rejects('closed', u.read({ key: 'k', kind: 'exists' }))
    await rejects('closed', u.tier.write([gone('k')]))
  },
}

const kinds: [string, boolean, (clock: StillClock) => Promise<{ tier: Tier; end: () => Promise<void> }>][] = [
  ...drivers.map(([name, driver]): (typeof kinds)[number] => [name, false, clock => openTier(driver(), clock)]),
  ['records', false, clock => openRecords(memory(), clock)],
  ['circle', true, clock => ringOf('circle', clock)],
  ['modulo', true, clock => ringOf('modulo', clock)],
]

for (const [kind, sharded, make] of kinds) {
  for (const [name, body] of Object.entries(suite)) {
    test(`a tier of ${kind} ${name}`, async () => {
      const clock = new StillClock()
      const { tier, end } = await make(clock)
      await body(new Using(tier, clock, sharded))
      await end()
    })
  }
}

const shards = (n: number): Tier[] => Array.from({ length: n }, () => new Shelf(new StillClock()))

test('rings divide keys as those of other languages do', () => {
  const vectors = JSON.parse(readFileSync('../store/repository/testdata/ring.json', 'utf8')) as { key: string; modulo: number[]; moduloOf1024: number[]; circle: number[] }[]
  assert.ok(vectors.length > 0)
  for (const [n, tiers] of [1, 2, 3, 5].entries()) {
    const [modulo, wide, circle] = [ring(shards(tiers), { by: 'modulo' }), ring(shards(tiers), { by: 'modulo', nodes: 1024 }), ring(shards(tiers))]
    for (const v of vectors) {
      assert.deepEqual([modulo.index(v.key), wide.index(v.key), circle.index(v.key)], [v.modulo[n], v.moduloOf1024[n], v.circle[n]], `${v.key} among ${tiers}`)
    }
  }
})

test('a tier more takes its share of the keys from all others', () => {
  const [four, five] = [ring(shards(4)), ring(shards(5))]
  const keys = Array.from({ length: 10_000 }, (_, i) => `key ${i}`)
  const moved = keys.filter(key => four.index(key) !== five.index(key))
  assert.ok(moved.every(key => five.index(key) === 4))
  for (let tier = 0; tier < 5; tier++) {
    const share = keys.filter(key => five.index(key) === tier).length
    assert.ok(share > 1000 && share < 3000, `tier ${tier} has ${share}`)
  }
})

test('a ring tells of a shard that fails, whatever the others do', async () => {
  const [a, b] = await Promise.all([openTier(memory(), new StillClock()), openTier(memory(), new StillClock())])
  const broken = new Probe(b.tier)
  broken.before = fails
  const both = ring([a.tier, broken], { by: 'modulo' })
  const keys = Array.from({ length: 20 }, (_, i) => String(i))
  const [well, ill] = [0, 1].map(tier => keys.find(key => both.index(key) === tier)!) as [string, string]
  await both.write([aBoolean(well, true)])
  await rejects('backend_failed', both.write([aBoolean(well, true), aBoolean(ill, true)]))
  await rejects('backend_failed', both.read([{ key: well, kind: 'exists' }, { key: ill, kind: 'exists' }]))
  for (const wrong of [{ by: 'random' }, { nodes: 5 }, { by: 'modulo', nodes: 1 }, { shards: 2 }]) {
    await rejects('invalid_option', () => ring([a.tier, b.tier], wrong as RingOptions))
  }
  await rejects('invalid_option', () => ring([]))
  await Promise.all([a.end(), b.end()])
})

test('what a ring has stored in part is read by nobody as it was', async () => {
  const clock = new StillClock()
  const shards = [new Shelf(clock), new Probe(new Shelf(clock))] as const
  const both = ring(shards, { by: 'modulo' })
  const pair = pairOf(new Shelf(clock), both, clock)
  const people = hash<{ id: string; name: string }>({ ...pair.config('person'), attributes: { id: 'text', name: 'text' } })
  const ids = Array.from({ length: 20 }, (_, i) => String(i))
  const [well, ill] = [0, 1].map(tier => ids.find(id => both.index(`person:${id}`) === tier)!) as [string, string]
  const named = (name: string) => [well, ill].map(id => ({ id, name }))
  await people.addWith(named('old'), { memoryAlways: true })
  shards[1].before = async write => {
    if (write) throw new StowageError('read_only', 'a shard')
  }
  await rejects('read_only', people.add(...named('new')))
  assert.deepEqual(await Promise.all([well, ill].map(async id => (await people.query(id).entity()).name)), ['new', 'old'])
})

test('records under names that begin with a byte order mark are found', async () => {
  const { tier, end } = await openRecords(memory(), new StillClock())
  await tier.write([aBoolean('\ufeffname:1', true)])
  assert.equal((await tier.read([{ key: '\ufeffname:1', kind: 'boolean' }, { key: 'name:1', kind: 'exists' }])).map(({ found }) => found).join(), 'true,false')
  await end()
})

test('records that have expired are swept, and others stay', async () => {
  const clock = new StillClock()
  const { tier, end } = await openRecords(memory(), clock)
  await tier.write([{ ...aBoolean('soon', true), expiry: hour }, { ...aHash('late', { a: '1' }), expiry: 3 * hour }, aSet('never', ['m', Infinity])])
  await tier.write([aBoolean('other', true), gone('never')])
  assert.equal(await tier.sweep(), 0)
  clock.pass(hour)
  assert.equal(await tier.sweep(), 1)
  assert.deepEqual(await new Using(tier, clock, false).found('soon', 'late', 'other', 'never'), ['late', 'other'])
  await end()
})
