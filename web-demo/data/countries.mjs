// The countries of npm world-countries (ODbL), each with its flag as a small PNG.
// The package's flags are SVG, up to 345 kB: too slow to paint 250 of them.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { initWasm, Resvg } from '@resvg/resvg-wasm'
import all from 'world-countries'

const { resolve } = createRequire(import.meta.url)

/** Height of a flag in pixels: twice what it is shown with, for sharp displays. */
const flagHeight = 32

/** Returns {code, name, official, region, subregion, capital, area, lat, lon, borders, flag} objects, by name. */
export async function countries() {
  await initWasm(readFileSync(resolve('@resvg/resvg-wasm/index_bg.wasm')))
  const codes = new Map(all.map(({ cca3, cca2 }) => [cca3, cca2]))
  return all
    .map((country) => ({
      code: country.cca2,
      name: country.name.common,
      official: country.name.official,
      region: country.region,
      subregion: country.subregion,
      capital: country.capital[0] ?? '',
      area: country.area,
      lat: country.latlng[0],
      lon: country.latlng[1],
      borders: country.borders.map((cca3) => codes.get(cca3)),
      flag: flag(country.cca3),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Draws the flag of a country with a three-letter code; returns a PNG in base64. */
function flag(cca3) {
  const svg = readFileSync(resolve(`world-countries/data/${cca3.toLowerCase()}.svg`))
  const png = new Resvg(svg, { fitTo: { mode: 'height', value: flagHeight } }).render().asPng()
  return Buffer.from(png).toString('base64')
}
