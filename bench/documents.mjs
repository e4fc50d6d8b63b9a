import { Random } from './random.mjs'

const countries = (
  'NO SE DK FI IS DE FR ES PT IT NL BE LU CH AT PL CZ SK HU RO BG GR HR SI RS BA AL EE LV LT ' +
  'GB IE US CA MX BR AR CL PE CO JP KR CN IN ID VN TH PH AU NZ ZA KE EG MA NG GH TR IL SA AE'
).split(' ')

const starts = 'Al Bar Cor Dun El Fal Gren Hal Ing Jor Kal Lun Mar Nor Os Pen Quin Ros Stav Tor Ul Val West Yar'.split(' ')
const ends = 'by dal den feld ford gard ham holm ia land mouth ness os port stad ton vik wick worth yra'.split(' ')
const zones = 'Oslo Stockholm Berlin Paris Madrid Rome London Warsaw Athens Lisbon Vienna Zurich'.split(' ')
const tags = 'airport abbey beach capital castle cathedral festival harbour market museum observatory park station university vineyard zoo'.split(' ')
const words = (
  'old quiet narrow broad stone timber river valley market harbour bridge mill square tower garden orchard meadow forest ' +
  'cliff shore island ferry railway station tram church chapel school library theatre museum brewery bakery fishery quarry ' +
  'winter summer spring autumn morning evening light rain snow wind north south east west upper lower inner outer famous ' +
  'known built rebuilt founded settled burned flooded painted carved visited crossed guarded traded woven brewed baked'
).split(' ')

/** The shape every document has, for the types of an editor. */
/**
 * @typedef {object} Place
 * @property {number} id
 * @property {string} name
 * @property {string} country
 * @property {number} population   the indexed field
 * @property {string[]} tags
 * @property {{lat: number, lon: number, elevation: number, timezone: string}} position
 * @property {string} text
 */

/**
 * The document with this id, of this seed: the same one wherever it is asked
 * for, so that an import can be generated slice by slice. As JSON, documents
 * are 357 bytes long on average.
 * @returns {Place}
 */
export function place(seed, id) {
  const random = new Random(seed, id)
  return {
    id,
    name: `${random.of(starts)}${random.of(ends)} ${random.of(starts)}${random.of(ends)}`,
    country: random.of(countries),
    population: Math.floor(1000 * 10 ** (random.fraction() * 4)),
    tags: random.some(tags, 2 + random.below(3)),
    position: {
      lat: Math.round((random.fraction() * 180 - 90) * 1e5) / 1e5,
      lon: Math.round((random.fraction() * 360 - 180) * 1e5) / 1e5,
      elevation: random.below(3000),
      timezone: `Europe/${random.of(zones)}`,
    },
    text: Array.from({ length: 19 + random.below(8) }, () => random.of(words)).join(' '),
  }
}

/**
 * Documents with ids from first on, as they come out of a server's answer: a text that was put together from
 * others is copied when it is read for the first time, and that would be in what is timed.
 * @returns {Place[]}
 */
export function places(seed, first, count) {
  return JSON.parse(JSON.stringify(Array.from({ length: count }, (_, i) => place(seed, first + i))))
}

/** Two words that may stand beside each other in a text; about 3 texts in 1,000 hold a given pair. */
export function phrase(random) {
  return `${random.of(words)} ${random.of(words)}`
}
