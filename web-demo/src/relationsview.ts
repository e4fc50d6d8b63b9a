// The view that the page of relations shows: three tables of the origin and what leads
// from one to another. What is loaded stays in a store of its own, beside the atlas.

import { type Database, open } from 'stowage'
import { type Item, many, model, type Mode, parent, through, view } from 'stowage/sync'

export interface Country {
  code: string // two letters
  name: string
  region: string
  subregion: string
  flag: Uint8Array // PNG, 32 pixels high
}

export interface City {
  id: number
  name: string
  country: string // Country.code
  population: number
}

/** Two countries that share a border; there is one for either direction. */
interface Border {
  country: string
  neighbour: string
}

const models = {
  countries: model<Country>({ table: 'countries', key: 'code', columns: ['code', 'name', 'region', 'subregion', 'flag'] }),
  cities: model<City>({ table: 'large_cities', key: 'id' }),
  borders: model<Border>({ table: 'borders', key: ['country', 'neighbour'] }),
}

const relations = {
  countries: { cities: many('cities', 'country'), neighbours: through('countries', 'borders', 'country', 'neighbour') },
  cities: { of: parent('countries', 'country') },
} as const

export type World = Awaited<ReturnType<typeof openWorld>>
export type CountryItem = Item<typeof models, typeof relations, 'countries'>
export type CityItem = Item<typeof models, typeof relations, 'cities'>

const name = 'atlas relations'

/** Opens the store, which is empty the first time. */
export const openStore = (): Promise<Database> => open(name)

/** Opens a view. One that is opened anew hands out other objects, and in the mode `freshen` asks for each thing once more. */
export function openWorld(db: Database, mode: Mode) {
  return view(db, { origin: 'v1/shape', models, relations, mode }).open()
}
