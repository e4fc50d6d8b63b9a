// The atlas's store: two tables, and the questions that the pages ask of them.

import { type Database, encrypt, type Explanation, open, table, where } from 'stowage'
import { many } from './wording'

export interface Country {
  code: string // two letters
  name: string
  fold: string // the name as it is searched
  official: string
  region: string
  subregion: string
  capital: string // empty where there is none
  area: number // km²
  lat: number
  lon: number
  flag: Uint8Array // PNG, 32 pixels high
}

export interface City {
  id: number
  name: string
  fold: string // the name as it is searched
  country: string // Country.code
  feature: string // GeoNames' feature code: PPLC is a capital
  admin: string // code of the province
  population: number // 0 where unknown
  lat: number
  lon: number
}

// No answers are kept, so that the panel shows what a query takes each time, and its plan is the one that was timed.
const tables = {
  countries: table<Country>({ key: 'code', indexes: [['region', 'name']], cache: 0 }),
  cities: table<City>({ key: 'id', indexes: ['fold', ['country', 'population']], cache: 0 }),
}

/** The opened store. */
export type Atlas = Database<typeof tables>

/** Opens the store, which is empty the first time; with its passphrase, if it has one. */
export function openAtlas(worker: boolean, passphrase?: string): Promise<Atlas> {
  return open('atlas', { tables, worker, ...(passphrase !== undefined && { modifiers: [encrypt({ passphrase })] }) })
}

/** A list shows this many rows at once. */
export const pageLength = 50

/** The countries by name: of a region, or all where it is empty. */
export const countriesOf = (db: Atlas, region: string) =>
  db.countries.find(region ? { region } : {}).orderBy('name')

/** All cities whose folded name begins with prefix. */
export const beginning = (db: Atlas, prefix: string, signal: AbortSignal) =>
  db.cities.find(where('fold').startsWith(prefix), { signal })

/** All cities of a country. */
export const citiesOf = (db: Atlas, country: string, signal: AbortSignal) => db.cities.find({ country }, { signal })

/** A page of a country's cities, largest first; last is where the page before ended. */
export function pageOf(db: Atlas, country: string, signal: AbortSignal, last?: City) {
  const cities = citiesOf(db, country, signal).orderBy('population', 'desc').limit(pageLength)
  return last ? cities.after(last.population, last.id) : cities
}

/** Says in a line how a query was carried out. */
export function plan({ index, ranges, reverse, sorted, filtered, keys, documents }: Explanation): string {
  return [
    index ? `index ${index.replaceAll(',', ' + ')}` : 'by identity',
    ranges > 1 && `${ranges} ranges`,
    reverse && 'backwards',
    `${many(keys, 'key', 'keys')} and ${many(documents, 'document', 'documents')} seen`,
    filtered && 'filtered',
    sorted && 'sorted',
  ].filter(Boolean).join(', ')
}
