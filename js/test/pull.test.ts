import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type Database, type Driver, type DriverFactory, memory, open, StowageError, table } from 'stowage'
import { electric, pull, type PullOptions, type Puller, type Source } from 'stowage/sync'

import { Origin } from './origin.js'
import { rejects } from './places.js'

interface City {
  id: number
  name: string
  country: string | null
  population: number
}

const columns = { id: 'int8', name: 'text', country: 'text', population: 'float8' }
const city = (id: number): City => ({ id, name: `City ${id} – ø`, country: id % 7 === 0 ? null : ['NO', 'SE'][id % 2]!, population: id * 1.5 })
const cities = (count: number) => Array.from({ length: count }, (_, i) => city(i + 1))
const tables = { cities: table<City>({ key: 'id', indexes: ['country'] }) }

function originOf(count: number, chunkRows = 100): Origin {
  const origin = new Origin()
  origin.chunkRows = chunkRows
  origin.table('cities', columns, ['id'], cities(count))
  return origin
}

let databases = 0
const openCities = (driver = memory()) => open(`pull ${++databases}`, { driver, tables })

function start(db: Database<typeof tables>, origin: Origin, options: Partial<PullOptions> = {}): Promise<Puller> {
  return pull(db, { origin: 'http://origin/v1/shape', shapes: { cities: 'cities' }, fetch: origin.fetch, retry: { base: 1, most: 4 }, ...options })
}

test('a shape arrives in chunks, is followed live, and is what the origin has', async () => {
  const origin = originOf(250)
  const db = await openCities()
  const puller = await start(db, origin)
  await puller.complete()
  assert.deepEqual(await db.cities.find(), cities(250))
  assert.deepEqual(origin.asked.slice(0, 4), [
    '/v1/shape?offset=-1&table=cities',
    '/v1/shape?handle=cities-1&offset=0_100&table=cities',
    '/v1/shape?handle=cities-1&offset=0_200&table=cities',
    '/v1/shape?handle=cities-1&offset=100_0&table=cities',
  ])
  const seen = new Promise<void>(resolve => db.cities.find({ id: 1000 }).subscribe(found => found.length === 1 && resolve()))
  origin.write('cities', [city(1000), { ...city(1), name: 'Changed' }], [city(2)])
  await seen
  assert.deepEqual([await db.cities.get(1), await db.cities.get(2)], [{ ...city(1), name: 'Changed' }, undefined])
  const { phase, complete, rows, total, fetchedAt } = puller.progress['cities']!
  assert.deepEqual([phase, complete, rows, total, fetchedAt > 0], ['live', true, 250, 250, true])
  await puller.close()
  await db.close()
})

test('a pull goes on after the last chunk that was stored', async () => {
  const origin = originOf(500)
  const db = await openCities()
  let left = 3
  origin.through = async (_url, answer) => (left-- > 0 ? answer() : Promise.reject(new TypeError('no network')))
  const first = await start(db, origin)
  await untilError(first)
  await rejects('origin_failed', first.refresh())
  await first.close()
  assert.equal(await db.cities.count(), 300)
  origin.count()
  origin.through = (_url, answer) => answer()
  const second = await start(db, origin, { live: false })
  await second.complete()
  assert.equal(origin.asked[0], '/v1/shape?handle=cities-1&offset=0_300&table=cities')
  assert.equal(origin.count(), 3)
  assert.deepEqual(await db.cities.find(), cities(500))
  await second.close()
  await db.close()
})

test('a refetch shows the whole of before until there is a whole one', async () => {
  const origin = originOf(250)
  const db = await openCities()
  const puller = await start(db, origin, { live: false })
  await puller.complete()
  origin.write('cities', [city(300)], [city(5)])
  origin.rotate('cities')
  const between: number[] = []
  origin.through = async (_url, answer) => {
    between.push(await db.cities.count({ id: { $in: [5, 300] } }))
    return answer()
  }
  await puller.refresh()
  assert.deepEqual(between, [1, 1, 1, 1, 1], 'it shows id 5, and not yet 300')
  assert.deepEqual([await db.cities.get(5), await db.cities.get(300)], [undefined, city(300)])
  assert.equal(await db.cities.count(), 250)
  await puller.close()
  await db.close()
})

test('a long log is shown at once', async () => {
  const origin = originOf(10)
  const driver = memory()
  const db = await openCities(driver)
  const puller = await start(db, origin, { live: false })
  await puller.complete()
  for (let i = 0; i < 250; i++) origin.write('cities', [city(1000 + i)], i < 10 ? [city(i + 1)] : [])
  const between: number[] = []
  origin.through = async (_url, answer) => {
    between.push(await db.cities.count())
    return answer()
  }
  await puller.refresh()
  assert.deepEqual(between, [10, 10, 10])
  assert.equal(await db.cities.count(), 250)
  await puller.close()
  await db.close()
  const staged = { 'sync staged cities': table({ key: 'key', compress: 'none' }) }
  await (await open(`pull ${databases}`, { driver, tables: staged })).close() // no schema_mismatch
})

test('rows that are not those of the checksum are pulled anew', async () => {
  const origin = originOf(50)
  const db = await openCities()
  let spoiled = 1
  origin.through = async (_url, answer) => {
    const response = await answer()
    if (spoiled-- <= 0 || response.headers.has('electric-up-to-date')) return response
    return new Response((await response.text()).replace('City 7 ', 'City 8 '), { headers: response.headers })
  }
  const puller = await start(db, origin, { live: false })
  await puller.complete()
  assert.deepEqual(await db.cities.find(), cities(50))
  assert.equal(origin.count(), 4)
  await puller.close()
  await db.close()
})

test('what is damaged is pulled again, under the handle that the origin still has', async () => {
  const origin = originOf(50)
  const db = await openCities()
  const whole = electric('http://origin/v1/shape')
  let damaged = true
  const source: Source = {
    live: false,
    async next(shape, at, asking) {
      if (!at.complete || !damaged) return whole.next(shape, at, asking)
      damaged = false
      throw new StowageError('corrupt', 'a page that cannot be read')
    },
  }
  const puller = await start(db, origin, { live: false, origin: source })
  await puller.complete()
  await rejects('corrupt', puller.refresh())
  await puller.complete()
  assert.deepEqual(await db.cities.find(), cities(50))
  await puller.close()
  await db.close()
})

test('the next chunk is asked for while one is stored, and no other', async () => {
  const origin = originOf(450)
  const db = await openCities()
  const stored: number[] = []
  origin.through = (_url, answer) => {
    stored.push(puller?.progress['cities']!.rows ?? 0)
    return answer()
  }
  const puller: Puller = await start(db, origin, { live: false })
  await puller.complete()
  assert.deepEqual(stored, [0, 0, 100, 200, 300, 400])
  assert.deepEqual(await db.cities.find(), cities(450))
  await puller.close()
  await db.close()
})

test('what was asked for ahead ends with the puller, and with what it would follow', async () => {
  const origin = originOf(450)
  const db = await openCities()
  const ended: string[] = []
  const reached = new Promise<void>(resolve => {
    origin.through = (url, answer, signal) => {
      if (url.searchParams.get('offset') !== '0_200') return answer()
      resolve()
      return new Promise((_, reject) => signal!.addEventListener('abort', () => (ended.push(url.search), reject(signal!.reason))))
    }
  })
  const first = await start(db, origin)
  await reached
  await first.close()
  assert.deepEqual(ended, ['?handle=cities-1&offset=0_200&table=cities'])
  const between = await db.cities.count()
  assert.ok(between === 100 || between === 200, `${between} rows`)
  let refused = false
  origin.through = (url, answer) => {
    if (url.searchParams.get('offset') === '0_300' && !refused) {
      refused = true
      origin.write('cities', [city(1000)], [city(7)])
      origin.rotate('cities')
    }
    return answer()
  }
  const second = await start(db, origin, { live: false })
  await second.complete()
  assert.ok(refused)
  assert.deepEqual(await db.cities.find(), [...cities(450).filter(({ id }) => id !== 7), city(1000)])
  await second.close()
  await db.close()
})

test('a handle that was given up for a refusal that was none is taken again', async () => {
  const origin = originOf(250)
  const db = await openCities()
  let spurious = 1
  origin.through = (url, answer) => (url.searchParams.get('offset') === '0_100' && spurious-- > 0 ? Promise.resolve(new Response(null, { status: 409 })) : answer())
  const puller = await start(db, origin, { live: false })
  await puller.complete()
  assert.deepEqual(await db.cities.find(), cities(250))
  assert.equal(origin.sources.get('cities')!.handle, 'cities-1')
  await puller.close()
  await db.close()
})

test('beside a tab that pulls ten ask once, what has begun anew is pulled anew, and closing ends all waits', async () => {
  const origin = originOf(50)
  const db = await openCities()
  const tab = await start(db, origin)
  await tab.complete()
  const elsewhere = await withoutLock(() => start(db, origin))
  assert.equal(elsewhere.progress['cities']!.phase, 'elsewhere')
  origin.count()
  await Promise.all(Array.from({ length: 10 }, () => elsewhere.refresh()))
  assert.equal(origin.asked.filter(asked => !asked.includes('live')).length, 1)
  await tab.close()
  origin.write('cities', [city(99)], [city(7)])
  origin.rotate('cities')
  await elsewhere.refresh()
  assert.deepEqual(await db.cities.find(), [...cities(50).filter(({ id }) => id !== 7), city(99)])
  origin.through = (_url, _answer, signal) => new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)))
  const waiting = rejects('closed', elsewhere.refresh())
  await elsewhere.close()
  await waiting
  await rejects('closed', elsewhere.refresh())
  await rejects('closed', elsewhere.refetch())
  await db.close()
})

test('storage that fails while a shape begins anew is told, and a later try goes on', async () => {
  const origin = originOf(250)
  let full = false
  const inner = memory()
  const driver: DriverFactory = {
    id: inner.id,
    open: async name => {
      const opened = await inner.open(name)
      return { ...bound(opened), commit: batch => (full ? Promise.reject(new Error('the disk is gone')) : opened.commit(batch)) }
    },
  }
  const db = await open('failing', { driver, tables })
  const puller = await start(db, origin, { live: false })
  await puller.complete()
  origin.write('cities', [city(1000)])
  origin.rotate('cities')
  full = true
  await rejects('backend_failed', puller.refresh())
  assert.equal(puller.progress['cities']!.phase, 'retrying')
  full = false
  await puller.refresh()
  assert.deepEqual(await db.cities.find(), [...cities(250), city(1000)])
  await puller.close()
  await db.close()
})

const bound = (driver: Driver): Driver => ({
  read: blobs => driver.read(blobs), commit: batch => driver.commit(batch), list: prefix => driver.list(prefix), info: held => driver.info(held), close: () => driver.close(),
})

test('a token is asked for once, and once more when it is refused', async () => {
  const origin = originOf(50, 10)
  origin.token = 'new'
  const db = await openCities()
  const given: string[] = []
  const tokens = ['old', 'new', 'new', 'newest']
  const puller = await start(db, origin, { live: false, token: () => (given.push(tokens[0]!), tokens.shift()!) })
  await puller.complete()
  assert.deepEqual(given, ['old', 'new'])
  origin.token = 'newest'
  await rejects('denied', puller.refresh())
  assert.equal(puller.progress['cities']!.phase, 'needs token')
  assert.equal(await db.cities.count(), 50)
  await puller.refresh()
  assert.deepEqual(given, ['old', 'new', 'new', 'newest'])
  await puller.close()
  await db.close()
})

test('another question, lost rows and a wrong identity', async () => {
  const origin = originOf(50)
  const db = await openCities()
  const first = await start(db, origin, { live: false })
  await first.complete()
  await first.close()
  await db.cities.truncate()
  const second = await start(db, origin, { live: false })
  await second.complete()
  assert.equal(await db.cities.count(), 50, 'what was lost is pulled again')
  await second.close()
  origin.table('towns', columns, ['id'], cities(3))
  const third = await start(db, origin, { live: false, shapes: { cities: 'towns' } })
  await third.complete()
  assert.equal(await db.cities.count(), 3)
  await third.close()
  origin.table('twins', columns, ['id', 'name'], cities(3))
  const fourth = await start(db, origin, { live: false, shapes: { cities: 'twins' } })
  await rejects('schema_mismatch', fourth.complete())
  assert.equal(fourth.progress['cities']!.phase, 'failed')
  await fourth.close()
  await rejects('invalid_option', start(db, origin, { shapes: { cities: 3 as never } }))
  await rejects('invalid_option', start(db, origin, { origins: '' } as never))
  await db.close()
  await rejects('closed', start(db, origin))
})

/** Starts something while the lock that says who pulls is another's. */
async function withoutLock(begin: () => Promise<Puller>): Promise<Puller> {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
  const request = (_name: string, { signal }: LockOptions) => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
  Object.defineProperty(globalThis, 'navigator', { value: { locks: { request } }, configurable: true })
  try {
    return await begin()
  } finally {
    before === undefined ? Reflect.deleteProperty(globalThis, 'navigator') : Object.defineProperty(globalThis, 'navigator', before)
  }
}

function untilError(puller: Puller): Promise<StowageError> {
  return new Promise(resolve => {
    const stop = puller.subscribe(({ cities }) => {
      if (cities!.error === undefined) return
      resolve(cities!.error)
      queueMicrotask(() => stop())
    })
  })
}
