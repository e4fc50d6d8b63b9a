// The atlas from the first line to the last: open the store, fill it if it is
// empty, show it, and look after it.

import { openAtlas } from './atlas'
import { byId } from './element'
import { WorldMap } from './map'
import { Meter } from './meter'
import { navigate } from './navigation'
import { clearNotice, importAtlas, showTrouble } from './notice'
import { keepPage } from './offline'
import { Pages } from './pages'
import { tend } from './tending'
import { showTiers } from './tiers'
import { duration } from './wording'

// ?worker runs the engine in a worker of its own; without it, on the page's thread.
const worker = new URLSearchParams(location.search).has('worker')

start().catch(showTrouble)

async function start(): Promise<void> {
  const meter = new Meter()
  const began = performance.now()
  const db = await openAtlas(worker)
  meter.fact('opened', duration(performance.now() - began))

  const filled = (await db.cities.count()) > 0
  const word = filled ? undefined : await importAtlas(db)

  const map = new WorldMap(byId<HTMLCanvasElement>('map'))
  const pages = new Pages(db, map, meter)
  map.onPick = (city) => pages.open(city)
  await pages.prepare()
  clearNotice()
  await navigate(pages)
  byId('state').textContent = word ?? `Ready in ${duration(performance.now())}, out of this browser`

  await pages.countCities()
  tend(db, map, meter)
  showTiers(db)
  if (import.meta.env.PROD) await keepPage()
}
