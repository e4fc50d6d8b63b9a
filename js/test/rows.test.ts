import assert from 'node:assert/strict'
import { test } from 'node:test'

import { memory, open } from 'stowage'
import { boolean, type Config, hash, type Lookup, rows, sortedSet } from 'stowage/repositories'
import { model, view } from 'stowage/sync'

import { Origin } from './origin.js'
import { rejects } from './places.js'
import { Shelf } from './shelf.js'
import { pairOf, StillClock } from './tiers.js'

interface City { id: number; name: string; mayor?: string; population?: number; capital?: boolean }

/** A view whose origin serves two cities. */
async function cities() {
  const origin = new Origin()
  origin.table('cities', { id: 'int8', name: 'text', mayor: 'text', population: 'float8', capital: 'bool' }, ['id'], [
    { id: 1, name: 'Oslo: %', mayor: null, population: 1.5, capital: true },
    { id: 2, name: 'Bø', mayor: 'Ada', population: 1e6, capital: false },
  ])
  const db = await open('cities', { driver: memory() })
  const seen = await view(db, { origin: 'http://origin/v1/shape', fetch: origin.fetch, retry: { base: 1, most: 4 }, models: { cities: model<City>({ table: 'cities', key: 'id' }) } }).open()
  return { origin, seen, end: async () => (await seen.close(), db.close()) }
}

test('a cache stands over the view of an origin, which it asks once, and never writes to', async () => {
  const { origin, seen, end } = await cities()
  const lookup: Lookup = async ([id]) => (/^\d+$/.test(id!) ? seen.cities(Number(id)) : null)
  const pair = pairOf(new Shelf(new StillClock()), rows({ city: lookup, 'a city: % of it': lookup }), new StillClock())
  const config = (name: string): Config => pair.config(name)
  const found = hash<City>({ ...config('city'), attributes: { id: 'number', name: 'text', mayor: 'text', population: 'number', capital: 'boolean' } })
  for (let n = 0; n < 2; n++) {
    assert.deepEqual(await found.query(1).entity(), { id: 1, name: 'Oslo: %', population: 1.5, capital: true })
    await rejects('not_found', found.query(3).entity())
  }
  assert.deepEqual([pair.fallback.calls(), origin.count()], [[2, 0], 2])
  for (let n = 0; n < 2; n++) assert.deepEqual(await found.query(2, { fields: ['mayor', 'population'] }).entity(), { mayor: 'Ada', population: 1e6 })
  assert.deepEqual(await pair.fast.fields('city:2'), { id: '2', name: 'Bø', mayor: 'Ada', population: '1000000', capital: '0' })
  await rejects('read_only', found.add({ id: 1, name: 'Kristiania' }))
  await rejects('read_only', found.query(1).delete())
  assert.equal((await found.query(1).entity()).name, 'Oslo: %')

  const known = boolean(config('a city: % of it'))
  assert.deepEqual([await known.query(1).exists(), await known.query(3).exists(), await known.query('none').exists()], [true, false, false])
  await rejects('unsupported', sortedSet(config('city')).query(2, { memory: false }).entity())
  await rejects('invalid_key', boolean(config('village')).query(1).exists())

  seen.mode = 'offline'
  assert.equal((await found.query(1, { memory: false }).entity()).id, 1, 'what the view has')
  await rejects('offline', found.query(9).entity())
  await end()
  await rejects('not_live', found.query(9).entity())
  await pair.fallback.close()
  await rejects('closed', found.query(9).entity())
})

test('columns stand as attributes do', async () => {
  const row = { text: 'a', digits: 3, large: 2n ** 64n, yes: true, list: [1, null], bytes: new Uint8Array([1, 2]), nothing: null, none: undefined }
  const tier = rows({ a: async () => row, wrong: async () => ({ f: () => 0 }), infinite: async () => ({ much: Infinity }) })
  const [all, one] = await tier.read([{ key: 'a:1', kind: 'hash' }, { key: 'a:1', kind: 'hash', fields: ['yes', 'none'] }])
  assert.deepEqual(Object.fromEntries(all!.value.fields!), { text: 'a', digits: '3', large: '18446744073709551616', yes: '1', list: '[1,null]', bytes: '"AQI="' })
  assert.deepEqual([...one!.value.fields!], [['yes', '1']])
  for (const name of ['wrong', 'infinite']) await rejects('undecodable', tier.read([{ key: `${name}:1`, kind: 'hash' }]), name)
  await rejects('aborted', tier.read([{ key: 'a:1', kind: 'exists' }], AbortSignal.abort()))
  await rejects('invalid_argument', tier.read([{ key: 'a:1', kind: 'none' as 'hash' }]))
  await rejects('invalid_option', () => rows({ a: 1 as unknown as Lookup }))
})
