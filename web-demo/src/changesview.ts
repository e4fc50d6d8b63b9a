// The view that the page of changes shows: the cities of one country, pulled as a shape of
// their own, and followed.

import { type Database, open, table } from 'stowage'
import { model, view } from 'stowage/sync'

export interface City {
  id: number
  name: string
  country: string
  population: number
}

interface Country {
  code: string
  name: string
}

const tables = { cities: table<City>({ key: 'id', indexes: ['population'] }) }

export type Store = Database<typeof tables>

export type Cities = Awaited<ReturnType<typeof openCities>>

/** Opens the store of the page, which is empty the first time. */
export const openStore = (): Promise<Store> => open('atlas changes', { tables })

/** Opens the view, which asks for nothing before its mode says so. Those of another country take the place of those that are here. */
export function openCities(db: Store, country: string) {
  return view(db, {
    origin: 'v1/shape',
    mode: 'offline',
    live: true,
    models: {
      countries: model<Country>({ table: 'countries', key: 'code', columns: ['code', 'name'] }),
      cities: model<City>({ table: 'cities', key: 'id', columns: ['id', 'name', 'country', 'population'], pulled: { where: 'country = $1', params: [country] } }),
    },
  }).open()
}
