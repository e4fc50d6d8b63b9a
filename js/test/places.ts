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
export async function rejects(code: string, work: PromiseLike<unknown> | (() => unknown)): Promise<StowageError> {
  let error: unknown
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (caught) {
    error = caught
  }
  assert.ok(error instanceof StowageError, `expected ${code}, got ${String(error)}`)
  assert.equal(error.code, code, error.message)
  return error
}
