import assert from 'node:assert/strict'

import { type Database, type DriverFactory, memory, open, StowageError, table } from 'stowage'

/** The document of most tests. */
export interface Place {
  id: number
  name: string
  country: string
  population: number
  tags: string[]
  slug: string
  position?: { lat: number; lon: number }
}

export const tables = {
  places: table<Place>({ key: 'id', indexes: ['country', ['country', 'population'], '*tags', '&slug', 'position.lat'] }),
  notes: table<{ id: number; text: string }, 'id'>({ key: '++id' }),
}

export type Places = Database<typeof tables>

/** Opens the tables above, by default in a memory of their own. */
export function openPlaces(driver: DriverFactory = memory(), name = 'places'): Promise<Places> {
  return open(name, { driver, tables })
}

/** Place number id, all of whose members follow from it. */
export function place(id: number): Place {
  return {
    id,
    name: `Place ${id}`,
    country: ['NO', 'SE', 'DK', 'FI'][id % 4]!,
    population: (id * 7919) % 10_007,
    tags: [`t${id % 5}`, `u${id % 7}`],
    slug: `place-${id}`,
    position: { lat: (id % 180) - 90, lon: id % 360 },
  }
}

/** Places first … first + count − 1. */
export function placesFrom(first: number, count: number): Place[] {
  return Array.from({ length: count }, (_, i) => place(first + i))
}

/** Expects a StowageError with a code; returns it. */
export async function rejects(code: string, work: PromiseLike<unknown> | (() => unknown), what = ''): Promise<StowageError> {
  let error: unknown
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (caught) {
    error = caught
  }
  assert.ok(error instanceof StowageError, `${what} expected ${code}, got ${String(error)}`)
  assert.equal(error.code, code, `${what} ${error.message}`)
  return error
}

/**
 * Does a bit of everything, of it one bulk insert of so many places, noting which
 * writes were promised and telling what failed. Every promise is awaited.
 */
export async function work(db: Places, promised: Set<number>, bulk: number, failed: (error: unknown) => void = () => {}): Promise<number> {
  let failures = 0
  const attempt = async (f: () => Promise<unknown>) => {
    try {
      await f()
    } catch (error) {
      assert.ok(error instanceof StowageError, String(error))
      failed(error)
      failures++
    }
  }
  for (let id = 1; id <= 5; id++) await attempt(() => db.places.insert(place(id)).then(() => promised.add(id)))
  await attempt(() => db.places.insertMany(placesFrom(100, bulk)).then(() => promised.add(100)))
  await attempt(() => db.checkpoint())
  await attempt(() => db.transaction(async tx => void (await tx.places.insert(place(50)))).then(() => promised.add(50)))
  await attempt(() => db.places.find({ country: 'NO' }).then(x => x))
  await attempt(() => db.places.delete(3).then(() => promised.delete(3)))
  await attempt(() => db.stat())
  await attempt(() => db.check())
  return failures
}
