import { phrase } from './documents.mjs'
import { same } from './reference.mjs'
import { grouped, year } from './visits.mjs'

/**
 * The rows of SQL, in the order in which they run. Each is a statement that every
 * peer is given as it stands, with ? where values go.
 *
 *     rounds    how often it runs in a repetition, each time with other values
 *     text      the statement
 *     draw      (tables, random) → its values; what it changes is changed in the tables at once
 *     expect    (tables, values) → the rows that it must answer
 *     ordered   whether they have an order
 *     run       (store, text, values, tables) → the answer, where it is more than to run the statement
 *
 * @type {Record<string, {rounds: number, text: string, draw: Function, expect: Function, ordered?: boolean, run?: Function}>}
 */
export const statements = {
  'sql-point': {
    rounds: 500,
    text: 'SELECT * FROM places WHERE id = ?',
    draw: ({ places }, random) => [random.of(places).id],
    expect: ({ places }, [id]) => [places[id - 1]],
  },

  'sql-range': {
    rounds: 3,
    text: 'SELECT id, name, population FROM places WHERE population BETWEEN ? AND ?',
    draw: (tables, random) => share(tables, random, 0.08),
    expect: ({ places }, [low, high]) => places.filter(({ population }) => population >= low && population <= high)
      .map(({ id, name, population }) => ({ id, name, population })),
  },

  'sql-join': {
    rounds: 3,
    text: 'SELECT v.id, p.name, v.rating FROM places p JOIN visits v ON v.place = p.id WHERE p.country = ?',
    draw: ({ countries }, random) => [random.of(countries).code],
    expect: (tables, [code]) => tables.places.filter(({ country }) => country === code)
      .flatMap((place) => tables.visitsTo(place).map(({ id, rating }) => ({ id, name: place.name, rating }))),
  },

  'sql-join-all': {
    rounds: 2,
    text: 'SELECT count(*) AS n, avg(v.rating) AS rating, max(p.population) AS most FROM visits v JOIN places p ON p.id = v.place WHERE p.population > ?',
    draw: ({ places }, random) => [Math.floor(random.of(places).population / 100)],
    expect(tables, [least]) {
      const joined = tables.visits.filter((visit) => tables.placeOf(visit).population > least)
      return [{ n: joined.length, rating: mean(joined), most: most(joined.map((visit) => tables.placeOf(visit).population)) }]
    },
  },

  'sql-join-three': {
    rounds: 2,
    text: `SELECT c.continent, count(*) AS n, avg(v.rating) AS rating FROM visits v JOIN places p ON p.id = v.place
      JOIN countries c ON c.code = p.country WHERE v.year = ? GROUP BY c.continent`,
    draw: (_tables, random) => [year(random)],
    expect(tables, [year]) {
      const continentOf = new Map(tables.countries.map(({ code, continent }) => [code, continent]))
      const groups = grouped(tables.visits.filter((visit) => visit.year === year), (visit) => continentOf.get(tables.placeOf(visit).country))
      return Array.from(groups, ([continent, visits]) => ({ continent, n: visits.length, rating: mean(visits) }))
    },
  },

  'sql-group': {
    rounds: 2,
    text: 'SELECT country, count(*) AS n, sum(population) AS people, max(population) AS most FROM places WHERE population > ? GROUP BY country',
    draw: ({ places }, random) => [Math.floor(random.of(places).population / 100)],
    expect: ({ places }, [least]) => Array.from(
      grouped(places.filter(({ population }) => population > least), ({ country }) => country),
      ([country, group]) => {
        const populations = group.map(({ population }) => population)
        return { country, n: group.length, people: populations.reduce((sum, each) => sum + each, 0), most: most(populations) }
      },
    ),
  },

  'sql-top': {
    rounds: 20,
    text: 'SELECT id, name, population FROM places WHERE population < ? ORDER BY population DESC, id LIMIT 20',
    ordered: true,
    draw: ({ places }, random) => [random.of(places).population],
    expect: ({ places }, [below]) => places.filter(({ population }) => population < below)
      .sort((a, b) => b.population - a.population || a.id - b.id).slice(0, 20)
      .map(({ id, name, population }) => ({ id, name, population })),
  },

  'sql-sort': {
    rounds: 2,
    text: 'SELECT id, place, rating FROM visits WHERE year <> ? ORDER BY rating DESC, id LIMIT 20',
    ordered: true,
    draw: (_tables, random) => [year(random)],
    expect: ({ visits }, [other]) => visits.filter(({ year }) => year !== other)
      .sort((a, b) => b.rating - a.rating || a.id - b.id).slice(0, 20)
      .map(({ id, place, rating }) => ({ id, place, rating })),
  },

  'sql-like': {
    rounds: 2,
    text: 'SELECT id, name FROM places WHERE text LIKE ?',
    draw: (_tables, random) => [`%${phrase(random)}%`],
    expect: ({ places }, [pattern]) => places.filter(({ text }) => text.includes(pattern.slice(1, -1))).map(({ id, name }) => ({ id, name })),
  },

  'sql-update': {
    rounds: 5,
    text: 'UPDATE visits SET rating = rating + 0.5 WHERE place BETWEEN ? AND ?',
    draw(tables, random) {
      const first = random.below(Math.max(1, tables.places.length - 1000)) + 1
      const changed = tables.places.slice(first - 1, first + 999)
      for (const visit of changed.flatMap((place) => tables.visitsTo(place))) visit.rating += 0.5
      return [first, first + 999]
    },
    expect: (tables) => [sumOf(tables.visits)],
    run: (store, text, values) => store.query(text, values),
    verify: (store) => store.query('SELECT count(*) AS n, sum(rating) AS sum FROM visits', []),
  },

  'sql-insert-10000': {
    rounds: 1,
    text: 'INSERT INTO visits',
    draw: (tables) => tables.moreVisits(10_000),
    expect: (tables, visits) => [sumOf([...tables.visits, ...visits])],
    run: (store, _text, visits) => store.insertMany('visits', visits),
    verify: (store) => store.query('SELECT count(*) AS n, sum(rating) AS sum FROM visits', []),
    after: (store, { visits }) => store.query('DELETE FROM visits WHERE id > ?', [visits.length]),
  },
}

/** Whether rows are those expected, in any order unless they have one. */
export function agree(answer, expected, ordered) {
  const close = (a, b) => typeof a === 'number' && typeof b === 'number' ? Math.abs(a - b) <= 1e-9 * Math.abs(b) : same(a, b)
  const inOrder = (rows) => ordered ? rows : rows.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  if (!Array.isArray(answer) || answer.length !== expected.length) return false
  const wanted = inOrder(expected)
  return inOrder(answer).every((row, i) => {
    const names = Object.keys(wanted[i])
    return names.length === Object.keys(row).length && names.every((name) => close(row[name], wanted[i][name]))
  })
}

/** What rows of one answer differ in. */
const keyOf = ({ id, continent, country }) => id ?? continent ?? country ?? 0

/** Two populations between which a share of the places lie. */
function share({ places }, random, part) {
  const ranked = places.map(({ population }) => population).sort((a, b) => a - b)
  const span = Math.max(1, Math.floor(ranked.length * part))
  const first = random.below(ranked.length - span + 1)
  return [ranked[first], ranked[first + span - 1]]
}

const sumOf = (visits) => ({ n: visits.length, sum: visits.reduce((sum, { rating }) => sum + rating, 0) })
const mean = (visits) => (visits.length === 0 ? null : sumOf(visits).sum / visits.length)
const most = (numbers) => (numbers.length === 0 ? null : numbers.reduce((a, b) => Math.max(a, b)))
