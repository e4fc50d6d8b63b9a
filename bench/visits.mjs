import { place } from './documents.mjs'
import { Random } from './random.mjs'

/*
 * Three tables that have something to do with one another: countries, places in
 * them, and visits to places. What statements ask of them, and the rows that
 * every answer is held against.
 */

const continents = ['Africa', 'America', 'Asia', 'Europe', 'Oceania']
const years = [2016, 2017, 2018, 2019, 2020, 2021, 2022, 2023, 2024, 2025]

/** What peers are told of a table: types as SQLite and Postgres know them, the key first. */
export const tables = {
  countries: { columns: { code: 'text', continent: 'text' }, indexes: [] },
  places: { columns: { id: 'integer', name: 'text', country: 'text', population: 'integer', text: 'text' }, indexes: ['country', 'population'] },
  visits: { columns: { id: 'integer', place: 'integer', year: 'integer', rating: 'double precision' }, indexes: ['place'] },
}

/** As many places as are asked for, as many visits, and the countries that there are. */
export class Tables {
  /** @type {{id: number, name: string, country: string, population: number, text: string}[]} by id − 1 */
  places
  /** @type {{id: number, place: number, year: number, rating: number}[]} by id − 1 */
  visits
  /** @type {{code: string, continent: string}[]} */
  countries
  #seed
  #visitsTo // by place

  constructor(seed, n) {
    this.#seed = seed
    this.places = Array.from({ length: n }, (_, i) => {
      const { id, name, country, population, text } = place(seed, i + 1)
      return { id, name, country, population, text }
    })
    this.countries = Array.from(new Set(this.places.map(({ country }) => country)), (code, i) => ({ code, continent: continents[i % continents.length] }))
    this.visits = this.moreVisits(n, 1)
    this.#visitsTo = grouped(this.visits, ({ place }) => place)
  }

  /** Visits with ids from first on. A rating is a whole number of halves, so that sums of them are exact. */
  moreVisits(count, first = this.visits.length + 1) {
    const random = new Random(this.#seed, 'visits', first)
    return Array.from({ length: count }, (_, i) => (
      { id: first + i, place: random.below(this.places.length) + 1, year: random.of(years), rating: random.below(11) / 2 }
    ))
  }

  visitsTo({ id }) {
    return this.#visitsTo.get(id) ?? []
  }

  placeOf(visit) {
    return this.places[visit.place - 1]
  }
}

/** Lists of rows by what a function says of them. */
export function grouped(rows, of) {
  const groups = new Map()
  for (const row of rows) {
    const name = of(row)
    if (groups.has(name)) groups.get(name).push(row)
    else groups.set(name, [row])
  }
  return groups
}

export const year = (random) => random.of(years)
