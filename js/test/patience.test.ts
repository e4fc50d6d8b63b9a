// How a puller is kept from asking too much: loops, what an origin asks for itself, one that fails over and over, and pages
// that nobody looks at.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type Database, memory, open, table } from 'stowage'
import { type Progress, pull, type Puller, type PullOptions } from 'stowage/sync'

import { Origin } from './origin.js'
import { rejects } from './places.js'

interface City { id: number; name: string }
const tables = { cities: table<City>({ key: 'id' }) }
const cities = (count: number): City[] => Array.from({ length: count }, (_, i) => ({ id: i + 1, name: `City ${i + 1}` }))

function originOf(count: number): Origin {
  const origin = new Origin()
  origin.table('cities', { id: 'int8', name: 'text' }, ['id'], cities(count))
  return origin
}

let databases = 0
const openCities = () => open(`patience ${++databases}`, { driver: memory(), tables })

function start(db: Database<typeof tables>, origin: Origin, options: Partial<PullOptions> = {}): Promise<Puller> {
  return pull(db, { origin: 'http://origin/v1/shape', shapes: { cities: 'cities' }, fetch: origin.fetch, retry: { base: 1, most: 4 }, ...options })
}

/** Waits until the shape is as it should be. */
function until(puller: Puller, wanted: (progress: Progress) => boolean): Promise<Progress> {
  return new Promise(resolve => {
    const end = puller.subscribe(({ cities }) => {
      if (!wanted(cities!)) return
      queueMicrotask(() => end())
      resolve(cities!)
    })
  })
}

/** Has timers tell how long they are for, while something is done. */
async function waits(body: (asked: readonly number[]) => Promise<void>): Promise<void> {
  const { setTimeout: begin } = globalThis
  const asked: number[] = []
  globalThis.setTimeout = ((run: () => void, milliseconds?: number) => {
    asked.push(milliseconds ?? 0)
    return begin(run, milliseconds)
  }) as typeof setTimeout
  try {
    await body(asked)
  } finally {
    globalThis.setTimeout = begin
  }
}

test('an origin that answers at once what it should wait for is not asked over and over', async () => {
  const origin = originOf(20)
  origin.patience = 0
  const db = await openCities()
  const puller = await start(db, origin)
  const { error, phase } = await until(puller, ({ error }) => error !== undefined)
  assert.deepEqual([error!.code, phase], ['origin_failed', 'retrying'])
  assert.match(error!.message, /over and over/)
  assert.equal(await db.cities.count(), 20)
  await puller.close()
  await db.close()
})

for (const [header, least] of [['1800', 1_800_000], ['999999', 3_600_000]] as const) {
  test(`an origin that asks for ${header} seconds is left alone for ${least / 1000}, unless somebody asks`, async () => {
    const origin = originOf(20)
    const db = await openCities()
    origin.through = async () => new Response(null, { status: 429, headers: { 'retry-after': header } })
    await waits(async asked => {
      const puller = await start(db, origin, { live: false })
      await until(puller, ({ phase }) => phase === 'retrying')
      assert.equal(origin.count(), 1)
      assert.ok(asked.some(milliseconds => milliseconds >= least && milliseconds <= least + 4), `timers of ${asked}`)
      origin.through = (_url, answer) => answer()
      await puller.refresh()
      assert.equal(await db.cities.count(), 20)
      await puller.close()
    })
    await db.close()
  })
}

test('an origin that fails again and again is left alone', async () => {
  const origin = originOf(20)
  const db = await openCities()
  origin.through = async () => new Response(null, { status: 502 })
  const puller = await start(db, origin, { live: false, retry: { base: 1, most: 2 ** 31 - 1 } })
  const { error } = await until(puller, ({ error }) => /left alone/.test(error?.message ?? ''))
  assert.equal(error!.code, 'origin_failed')
  assert.equal(origin.count(), 5)
  await rejects('origin_failed', puller.refresh())
  assert.equal(origin.count(), 0)
  await puller.close()
  await db.close()
})

test('a page that is hidden asks for nothing until it is seen, or somebody asks', async () => {
  const origin = originOf(20)
  const db = await openCities()
  const page = globalThis as unknown as { document?: { visibilityState: string }; addEventListener?: unknown; removeEventListener?: unknown }
  const before = { ...page }
  const listeners = new Set<() => void>()
  page.document = { visibilityState: 'hidden' }
  page.addEventListener = (_event: string, listener: () => void) => listeners.add(listener)
  page.removeEventListener = (_event: string, listener: () => void) => listeners.delete(listener)
  try {
    const puller = await start(db, origin)
    await until(puller, ({ phase }) => phase === 'paused')
    assert.equal(origin.count(), 0)
    await puller.refresh()
    assert.equal(await db.cities.count(), 20)
    await until(puller, ({ phase }) => phase === 'paused')
    origin.write('cities', [{ id: 99, name: 'New' }])
    page.document.visibilityState = 'visible'
    for (const seen of listeners) seen()
    await until(puller, ({ rows, phase }) => rows === 21 && phase === 'live')
    await puller.close()
    assert.equal(listeners.size, 0)
  } finally {
    delete page.document
    page.addEventListener = before.addEventListener
    page.removeEventListener = before.removeEventListener
  }
  await db.close()
})
