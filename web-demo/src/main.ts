// The atlas from the first line to the last: open the store, pull the world if
// it is not here, show it, and look after it.

import { byId } from './element'
import { WorldMap } from './map'
import { Meter } from './meter'
import { navigate } from './navigation'
import { clearNotice, showTrouble } from './notice'
import { keepPage } from './offline'
import { unlockAtlas } from './opening'
import { Origin } from './origin'
import { Pages } from './pages'
import { havePulled } from './pulling'
import { showStanding } from './standing'
import { listen, tend } from './tending'
import { showTiers } from './tiers'
import { duration } from './wording'

// ?worker runs the engine in a worker of its own; without it, on the page's thread.
const worker = new URLSearchParams(location.search).has('worker')

if (import.meta.env.PROD) keepPage().catch(showTrouble)
start().catch(showTrouble)

async function start(): Promise<void> {
  const meter = new Meter()
  const { db, sealed, took } = await unlockAtlas(worker)
  meter.fact('opened', duration(took))

  const origin = await Origin.open(db)
  const pulled = await havePulled(db, origin)
  origin.start()

  const map = new WorldMap(byId<HTMLCanvasElement>('map'))
  const pages = new Pages(db, origin, map, meter)
  map.onPick = (city) => pages.open(city)
  await pages.prepare()
  clearNotice()
  listen(db, origin, pages)
  showTiers(db)
  showStanding(db, origin, pages, sealed || pulled.sealed)
  await navigate(pages)
  byId('state').textContent = pulled.word || `Ready in ${duration(performance.now())}, out of this browser`

  await pages.countCities()
  tend(db, map, meter)
}
