import assert from 'node:assert/strict'
import { test } from 'node:test'

import { avg, count, first, last, max, memory, min, open, sum, table, where } from 'stowage'

import { rejects } from './places.js'

interface City {
  id: number
  name: string
  country?: string | null
  population: number | bigint | string
  position: { lat: number; lon: number } | null
  founded?: Date
  tags?: string[]
}

const cities: City[] = [
  { id: 1, name: 'Oslo', country: 'NO', population: 700, position: { lat: 60, lon: 11 }, founded: new Date(5), tags: ['a', 'b'] },
  { id: 2, name: 'Bergen', country: 'NO', population: 290, position: { lat: 60, lon: 5 }, founded: new Date(2) },
  { id: 3, name: 'Visby', country: 'SE', population: 24n, position: { lat: 57, lon: 18 } },
  { id: 4, name: 'Nowhere', population: 'many', position: null },
  { id: 5, name: 'Nothing', country: null, population: 6, position: { lat: 57, lon: 18 } },
]

async function openCities() {
  const db = await open('cities', {
    driver: memory(),
    tables: { cities: table<City>({ key: 'id' }), indexed: table<City>({ key: 'id', indexes: ['country', ['country', 'population']] }) },
  })
  await db.cities.insertMany(cities)
  await db.indexed.insertMany(cities)
  return db
}

test('a selection leaves the rest in the engine', async () => {
  const db = await openCities()
  const names = await db.cities.find({ country: 'NO' }).select('name', 'position.lat').orderBy('id', 'desc')
  assert.deepEqual(names, [{ name: 'Bergen', position: { lat: 60 } }, { name: 'Oslo', position: { lat: 60 } }])
  assert.deepEqual(await db.cities.find(where('id').gte(4)).omit('id', 'position.lat', 'population'), [
    { name: 'Nowhere', position: null },
    { name: 'Nothing', country: null, position: { lon: 18 } },
  ])
  assert.deepEqual(await db.cities.find({ id: 4 }).select('position.lat').first(), {})
  await rejects('invalid_path', (async () => db.cities.find().select('tags.0' as never))())
  let seen = 0
  for await (const { name } of db.cities.find().select('name')) seen += name.length > 0 ? 1 : 0
  assert.equal(seen, 5)
  await db.close()
})

test('a page begins behind the last document of the one before', async () => {
  const db = await openCities()
  for (const direction of ['asc', 'desc'] as const) {
    const all = await db.indexed.find().orderBy('country', direction).orderBy('position.lat')
    const paged: City[] = []
    for (let page: City[] = all.slice(0, 1); page.length > 0; ) {
      paged.push(...page)
      page = await db.indexed.find().after(page.at(-1)!).orderBy('country', direction).orderBy('position.lat').limit(2)
    }
    assert.deepEqual(paged, all)
  }
  await db.transaction(async tx => {
    assert.deepEqual((await tx.cities.find().after(cities[2]!)).map(({ id }) => id), [4, 5])
  })
  await rejects('invalid_query', db.cities.find().orderBy('name').select('id').after({ id: 1 }).first())
  await rejects('invalid_query', db.cities.find().orderBy('position.lat').omit('position').after({ id: 1 }).first())
  await rejects('invalid_key', db.cities.find().after({ name: 'Oslo' }).first())
  await db.close()
})

test('the first and the last, and what there is of a value', async () => {
  const db = await openCities()
  for (const of of [db.cities, db.indexed]) {
    assert.equal((await of.find().orderBy('name').first())?.name, 'Bergen')
    assert.equal((await of.find().orderBy('name').last())?.name, 'Visby')
    assert.equal((await of.find().last())?.id, 5)
    assert.equal((await of.find().limit(2).last())?.id, 2)
    assert.equal((await of.find().skip(1).limit(1).select('name').last())?.name, 'Bergen')
    assert.equal(await of.find({ id: 9 }).last(), undefined)
    assert.deepEqual(await of.find().distinct('country'), [null, 'NO', 'SE'])
    assert.deepEqual(await of.find({ country: 'NO' }).distinct('position.lat'), [60])
    assert.equal(await of.find().sum('population'), 1020)
    assert.equal(await of.find({ country: 'NO' }).avg('population'), 495)
    assert.equal(await of.find({ country: 'XX' }).avg('population'), undefined)
    assert.equal(await of.find({ country: 'XX' }).sum('population'), 0)
    assert.equal(await of.find().min('population'), 6)
    assert.equal(await of.find().max('population'), 'many')
    assert.deepEqual(await of.find().min('founded'), new Date(2))
    assert.equal(await of.find({ country: 'XX' }).max('country'), undefined)
  }
  await db.close()
})

test('rows of groups', async () => {
  const db = await openCities()
  for (const of of [db.cities, db.indexed]) {
    const rows = await of.find().orderBy('name', 'desc').groupBy('country').aggregate({
      n: count(), dated: count('founded'), people: sum('population'), mean: avg('population'),
      least: min('population'), most: max('name'), one: first('name'), other: last('founded'),
    })
    assert.deepEqual(rows, [
      { country: undefined, n: 1, dated: 0, people: 0, mean: undefined, least: 'many', most: 'Nowhere', one: 'Nowhere', other: undefined },
      { country: null, n: 1, dated: 0, people: 6, mean: 6, least: 6, most: 'Nothing', one: 'Nothing', other: undefined },
      { country: 'NO', n: 2, dated: 2, people: 990, mean: 495, least: 290, most: 'Oslo', one: 'Oslo', other: new Date(2) },
      { country: 'SE', n: 1, dated: 0, people: 24, mean: 24, least: 24, most: 'Visby', one: 'Visby', other: undefined },
    ])
    assert.deepEqual(await of.find().groupBy('position.lat', 'country').aggregate({ n: count() }), [
      { 'position.lat': undefined, country: undefined, n: 1 },
      { 'position.lat': 57, country: null, n: 1 },
      { 'position.lat': 57, country: 'SE', n: 1 },
      { 'position.lat': 60, country: 'NO', n: 2 },
    ])
    assert.deepEqual(await of.find().orderBy('id').skip(1).limit(3).groupBy().aggregate({ n: count(), names: first('name') }), [{ n: 3, names: 'Bergen' }])
    assert.deepEqual(await of.find({ id: 9 }).groupBy().aggregate({ n: count(), x: max('name') }), [{ n: 0, x: undefined }])
    assert.deepEqual(await of.find({ id: 9 }).groupBy('country').aggregate({ n: count() }), [])
  }
  await rejects('invalid_query', (async () => db.cities.find().groupBy('country').aggregate({ n: 5 } as never))())
  await db.close()
})

test('groups without number are refused, and documents are left alone', async () => {
  const db = await open('many', { driver: memory(), tables: { t: table<{ id: number; text: string }>({ key: 'id' }) } })
  await db.t.insertMany(Array.from({ length: 150 }, (_, id) => ({ id, text: `${id}`.padEnd(200_000, '.') })))
  await rejects('too_large', db.t.find().distinct('text'))
  assert.equal(await db.t.count(), 150)
  await db.close()
})
