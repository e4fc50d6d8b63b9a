// The three pages of the atlas: the countries, one country's cities, a search.
// Each asks the store, fills the list and draws its result on the map.

import { StowageError } from 'stowage'

import { type Atlas, beginning, citiesOf, type City, countriesOf, type Country, pageLength, pageOf, plan } from './atlas'
import { byId, element } from './element'
import { flagOf } from './flags'
import { fold } from './fold'
import type { WorldMap } from './map'
import type { Meter } from './meter'
import { showTrouble } from './notice'
import type { Origin } from './origin'
import { address, type Route } from './route'
import { cityRow, countryRow, fillCount } from './rows'
import { nextTurn } from './turn'
import { count, many, position } from './wording'

/** More dots than this are not drawn for one result. */
const mostDots = 20_000

/** So many warm counts take a few milliseconds; then it is the page's turn. */
const countsAtOnce = 10

/** A query whose result is told again whenever it has changed. */
interface Watched {
  subscribe(listener: { next: () => void; error: () => void }): () => void
}

export class Pages {
  #db: Atlas
  #origin: Origin
  #map: WorldMap
  #meter: Meter
  #list = byId('list')
  #card = byId('card')
  #countries = new Map<string, Country>()
  #counts = new Map<string, number>() // cities a country has
  #current = new AbortController()
  #route: Route = { page: 'countries', region: '' }
  #refused = false

  constructor(db: Atlas, origin: Origin, map: WorldMap, meter: Meter) {
    this.#db = db
    this.#origin = origin
    this.#map = map
    this.#meter = meter
  }

  /** Loads what every page needs: the countries. */
  async prepare(): Promise<void> {
    for (const country of await countriesOf(this.#db, '')) this.#countries.set(country.code, country)
  }

  /** Counts the cities of every country, and writes the numbers into the rows that are shown. */
  async countCities(): Promise<void> {
    const codes = [...this.#countries.keys()]
    await this.#meter.time(`${codes.length} × cities.count({ country })`, async () => {
      for (let i = 0; i < codes.length; i += countsAtOnce) {
        const part = codes.slice(i, i + countsAtOnce)
        const counts = await Promise.all(part.map((country) => this.#db.cities.count({ country })))
        part.forEach((code, at) => {
          this.#counts.set(code, counts[at]!)
          fillCount(this.#list, code, counts[at]!)
        })
        await nextTurn()
      }
      return codes
    }, async () => 'index country + population, counted without reading it')
  }

  /** Shows the page of a route. A page that is still loading gives way. */
  async show(route: Route): Promise<void> {
    this.#current.abort()
    const { signal } = (this.#current = new AbortController())
    this.#route = route
    this.#refused = false
    this.#list.setAttribute('aria-busy', 'true')
    this.#pick(undefined)
    try {
      await this.#origin.ready()
      if (signal.aborted) return
      if (route.page === 'country') await this.#showCountry(route.code, signal)
      else if (route.page === 'search') await this.#showSearch(route.text, signal)
      else await this.#showCountries(route.region, signal)
    } catch (error) {
      if (signal.aborted) return
      this.#refuse(error)
    }
    if (!signal.aborted) this.#list.setAttribute('aria-busy', 'false')
  }

  /** Shows nothing any more. */
  leave(): void {
    this.#current.abort()
  }

  /** Says why the mode shows nothing; throws what is not the mode's doing. */
  #refuse(error: unknown): void {
    if (!(error instanceof StowageError) || error.code !== 'origin_failed') throw error
    const here = (): Promise<void> => this.#origin.want({ mode: 'offline-fallback' }).then(() => this.again())
    this.#list.replaceChildren(
      element('h2', {}, 'The origin does not answer'),
      element('p', { class: 'none' }, `In the mode ${this.#origin.wish.mode} nothing is shown that may be old. Other modes show what is here.`),
      element('p', {}, element('button', { type: 'button', class: 'more', onclick: () => here().catch(showTrouble) }, 'Show what is here')))
    this.#map.show([])
    this.#legend('All cities')
    this.#refused = true
  }

  /** Shows the page once more if the origin was not heard when it was asked for. */
  async retry(): Promise<void> {
    if (this.#refused) await this.again()
  }

  /** Shows the page once more when what a query finds has changed: at the origin, or in another tab. */
  #follow(query: Watched, signal: AbortSignal): void {
    let known = false
    const next = (): void => {
      if (known) void this.again().catch(showTrouble)
      known = true
    }
    signal.addEventListener('abort', query.subscribe({ next, error: () => {} })) // who locks the atlas says so
  }

  /** Shows the page once more, and leaves the reader where they were. */
  async again(): Promise<void> {
    const rows = (): HTMLElement[] => [...this.#list.querySelectorAll<HTMLElement>('.row')]
    const top = this.#list.scrollTop
    const row = rows().indexOf(document.activeElement as HTMLElement)
    await this.prepare()
    await this.show(this.#route)
    this.#list.scrollTop = top
    rows()[row]?.focus({ preventScroll: true })
  }

  async #showCountries(region: string, signal: AbortSignal): Promise<void> {
    const query = countriesOf(this.#db, region)
    const shown = await this.#meter.time(
      `countries.find(${region && `{ region: '${region}' }`}).orderBy('name')`,
      async () => query,
      async () => plan(await query.explain()),
    )
    if (signal.aborted) return
    const regions = [...new Set([...this.#countries.values()].map((country) => country.region))].sort()
    const chip = (name: string): HTMLElement =>
      element('a', {
        class: 'chip', href: address({ page: 'countries', region: name }), 'aria-current': name === region && 'true',
      }, name || 'World')
    this.#list.replaceChildren(
      element('h2', {}, region || 'The world', element('small', {}, many(shown.length, 'country', 'countries'))),
      element('nav', { class: 'chips', 'aria-label': 'Regions' }, chip(''), ...regions.map(chip)),
      element('ol', { class: 'rows' }, ...shown.map((country) => countryRow(country, this.#counts.get(country.code)))),
    )
    this.#map.show([])
    this.#legend('All cities')
    this.#follow(query, signal)
  }

  async #showCountry(code: string, signal: AbortSignal): Promise<void> {
    const country = this.#countries.get(code)
    if (!country) {
      this.#list.replaceChildren(element('p', { class: 'none' }, `There is no country “${code}”.`))
      return
    }
    const total = await this.#db.cities.count({ country: code })
    if (signal.aborted) return
    this.#counts.set(code, total)
    const rows = element('ol', { class: 'rows ranked' })
    const more = element('button', { type: 'button', class: 'more' }, `Show ${pageLength} more`)
    this.#list.replaceChildren(
      element('a', { class: 'back', href: '#/' }, '← All countries'),
      element('h2', {}, flagOf(country), country.name, element('small', {}, many(total, 'city', 'cities'))),
      element('p', { class: 'about' }, about(country)),
      rows,
    )

    let last: City | undefined
    const load = async (): Promise<void> => {
      const query = pageOf(this.#db, code, signal, last)
      const label = `cities.find({ country: '${code}' }).orderBy('population', 'desc')${last ? '.after(last)' : ''}.limit(${pageLength})`
      const page = await this.#meter.time(label, async () => query, async () => plan(await query.explain()))
      if (signal.aborted) return
      rows.append(...page.map((city) => this.#row(city, undefined)))
      last = page.at(-1)
      if (rows.children.length < total) rows.after(more)
      else more.remove()
    }
    more.addEventListener('click', async () => {
      const shown = rows.children.length
      await load()
      rows.children[shown]?.querySelector('button')?.focus() // the keyboard goes on where the rows do
    })
    await load()
    await this.#drawAll(`for await (cities.find({ country: '${code}' }))`, citiesOf(this.#db, code, signal), signal, true)
    this.#legend(`${many(total, 'city', 'cities')} of ${country.name}`)
    this.#follow(pageOf(this.#db, code, signal), signal)
  }

  async #showSearch(text: string, signal: AbortSignal): Promise<void> {
    const prefix = fold(text.trim())
    const all = beginning(this.#db, prefix, signal)
    const largest = all.orderBy('population', 'desc').limit(pageLength)
    const found = await this.#meter.time(
      `cities.find(where('fold').startsWith('${prefix}')).orderBy('population', 'desc').limit(${pageLength})`,
      async () => largest,
      async () => plan(await largest.explain()),
    )
    if (signal.aborted) return
    const total = found.length < pageLength ? found.length : await all.count()
    if (signal.aborted) return
    const countries = [...this.#countries.values()].filter((country) => country.fold.startsWith(prefix)).slice(0, 3)
    this.#list.replaceChildren(
      element('h2', {}, `“${text}…”`, total === 0 ? undefined : element('small', {}, many(total, 'city', 'cities'))),
      countries.length === 0 ? '' : element('ol', { class: 'rows' },
        ...countries.map((country) => countryRow(country, this.#counts.get(country.code)))),
      found.length === 0
        ? element('p', { class: 'none' }, 'No city begins with that.')
        : element('ol', { class: 'rows' }, ...found.map((city) => this.#row(city, this.#countries.get(city.country)))),
      total > found.length ? element('p', { class: 'none' }, `The ${found.length} largest. Type on to narrow it down.`) : '',
    )
    await this.#drawAll(`for await (cities.find(where('fold').startsWith('${prefix}')))`, all, signal, false)
    this.#legend(`${total === 0 ? 'No cities' : many(total, 'city', 'cities')} beginning with “${text}”`)
    this.#follow(largest, signal)
  }

  #row(city: City, country: Country | undefined): HTMLElement {
    return cityRow(city, country, (picked) => void this.#open(picked.id), (pointed) => this.#map.mark(pointed))
  }

  /** Draws all a query finds, a slice at a time. */
  async #drawAll(label: string, query: AsyncIterable<City>, signal: AbortSignal, fit: boolean): Promise<void> {
    const cities = await this.#meter.time(label, async () => {
      const drawn: City[] = []
      for await (const city of query) {
        if (signal.aborted || drawn.push(city) === mostDots) break
      }
      return drawn
    })
    if (!signal.aborted) this.#map.show(cities, fit)
  }

  /** Opens a city by its identity: marks it and says what is known. */
  async #open(id: number): Promise<void> {
    const city = await this.#meter.time(`cities.get(${id})`, () => this.#db.cities.get(id), async () => 'by identity, 1 document seen')
    this.#pick(city)
  }

  /** pick is what the map calls when a dot is clicked. */
  open(city: City): void {
    void this.#open(city.id)
  }

  #pick(city: City | undefined): void {
    this.#map.mark(city)
    if (!city) return this.#card.replaceChildren()
    const country = this.#countries.get(city.country)
    this.#card.replaceChildren(
      element('strong', {}, city.name),
      element('span', {}, country ? flagOf(country) : undefined, country?.name ?? city.country),
      element('span', {}, city.population > 0 ? `${count(city.population)} people` : 'number of people unknown'),
      element('span', { class: 'position' }, position(city.lat, city.lon)),
    )
  }

  #legend(text: string): void {
    byId('legend').textContent = text
    byId('map').setAttribute('aria-label', `Map: ${text}`)
  }
}

function about(country: Country): string {
  return [
    country.subregion || country.region,
    country.capital && `capital ${country.capital}`,
    `${count(Math.round(country.area))} km²`,
  ].filter(Boolean).join(' · ')
}
