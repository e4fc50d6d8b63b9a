// What goes on beside the pages: drawing every city below them, the figures of
// the panel, and its two buttons.

import type { Atlas, City } from './atlas'
import { byId } from './element'
import type { WorldMap } from './map'
import type { Meter } from './meter'
import { showTrouble } from './notice'
import type { Origin } from './origin'
import type { Pages } from './pages'
import { count, duration, many, size } from './wording'

/** The map is painted anew each time so many cities have arrived. */
const cityBatch = 8000

/** How often the figures are read again, in milliseconds. */
const figuresEvery = 2000

/** Has the buttons do what they say. */
export function listen(db: Atlas, origin: Origin, pages: Pages): void {
  byId('check').addEventListener('click', () => check(db).catch(showTrouble))
  byId('empty').addEventListener('click', () => empty(db, origin, pages).catch(showTrouble))
}

/** Starts what goes on by itself. */
export function tend(db: Atlas, map: WorldMap, meter: Meter): void {
  drawAllCities(db, map, meter).catch(showTrouble)
  readFigures(db, meter).catch(showTrouble)
  setInterval(() => readFigures(db, meter).catch(() => {}), figuresEvery)
}

/** Reads every document once: the outlines of the continents are nothing but cities. */
async function drawAllCities(db: Atlas, map: WorldMap, meter: Meter): Promise<void> {
  const start = performance.now()
  let rows = 0
  let batch: City[] = []
  for await (const city of db.cities.find()) {
    rows++
    if (batch.push(city) < cityBatch) continue
    map.addBase(batch)
    batch = []
  }
  map.addBase(batch)
  meter.add({ label: 'for await (const city of cities.find())', ms: performance.now() - start, rows }).plan('all documents, drawn as they come')
}

async function readFigures(db: Atlas, meter: Meter): Promise<void> {
  const [cities, countries, stat] = await Promise.all([db.cities.count(), db.countries.count(), db.stat()])
  meter.fact('documents', count(cities + countries))
  meter.fact('stored', stat.storedBytes < 0 ? '–' : size(stat.storedBytes))
  meter.fact('memory', size(stat.memoryBytes))
}

/** Has the store verify every page, order and checksum it holds. */
async function check(db: Atlas): Promise<void> {
  const said = byId('checked')
  said.textContent = 'Checking…'
  const start = performance.now()
  const report = await db.check()
  const found = report.problems.length === 0 ? 'no problem' : report.problems.join('; ')
  said.textContent = `${many(report.pages, 'page', 'pages')} and ${count(report.entries)} entries read in ${duration(performance.now() - start)}: ${found}.`
}

/** Deletes every document and starts over. Nobody is to pull them again before that is asked for. */
async function empty(db: Atlas, origin: Origin, pages: Pages): Promise<void> {
  if (!confirm('Delete every city and country from this browser?')) return
  pages.leave()
  origin.forget()
  byId('checked').textContent = 'Emptying…'
  await db.transaction(async (tx) => {
    await tx.cities.truncate()
    await tx.countries.truncate()
  })
  location.assign(location.pathname + location.search)
}
