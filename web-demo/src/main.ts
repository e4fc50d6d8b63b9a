// The atlas from the first line to the last: open the store, fill it if it is
// empty, then follow the address from page to page.

import { type Atlas, openAtlas } from './atlas'
import { byId } from './element'
import { WorldMap } from './map'
import { Meter } from './meter'
import { clearNotice, importAtlas, showTrouble } from './notice'
import { keepPage } from './offline'
import { Pages } from './pages'
import { address, currentRoute } from './route'
import { walkRows } from './rows'
import { tend } from './tending'
import { nextTurn } from './turn'
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
  await showAtlas(db, meter)
  byId('state').textContent = word ?? `Ready ${duration(performance.now())} after the click, from this browser`
}

/** Shows the filled atlas, and from then on whatever the address says. */
async function showAtlas(db: Atlas, meter: Meter): Promise<void> {
  const map = new WorldMap(byId<HTMLCanvasElement>('map'))
  const pages = new Pages(db, map, meter)
  map.onPick = (city) => pages.open(city)
  await pages.prepare()

  const field = byId<HTMLInputElement>('query')
  const follow = async (): Promise<void> => {
    const route = currentRoute()
    const text = route.page === 'search' ? route.text : ''
    if (field.value.trim() !== text) field.value = text
    await pages.show(route).catch(showTrouble)
  }
  clearNotice()
  await follow()

  addEventListener('hashchange', follow)
  field.addEventListener('input', () => {
    const text = field.value.trim()
    const next = address(text ? { page: 'search', text } : { page: 'countries', region: '' })
    // One step back leaves a search, however many letters it took.
    if (currentRoute().page === 'search') history.replaceState(null, '', next)
    else history.pushState(null, '', next)
    void follow()
  })
  byId('search').addEventListener('submit', (event) => event.preventDefault())
  addEventListener('keydown', (event) => {
    if (event.key !== '/' || document.activeElement === field) return
    event.preventDefault()
    field.select()
    field.focus()
  })
  walkRows(byId('list'), field)
  await nextTurn() // the list is laid out first
  field.focus({ preventScroll: true })
  await nextTurn()
  tend(db, map, meter)
  if (import.meta.env.PROD) await keepPage()
}
