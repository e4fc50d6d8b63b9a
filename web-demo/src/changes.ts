// The page of changes from the first line to the last: the cities of one country are
// followed, a form edits them in the origin's database, and what comes back is told.

import type { Phase } from 'stowage/sync'

import { differences, showDifferences } from './changesfeed'
import { type Cities, type City, openCities, openStore, type Store } from './changesview'
import { byId, element } from './element'
import { count, many } from './wording'

/** Where the country that is followed is kept, so that a page which is opened again knows what has changed since. */
const setting = 'atlas changes'

/** How often it is told how far the shape is, in milliseconds. */
const toldEvery = 500

/** So many cities can be edited. */
const citiesShown = 100

const state = byId('state')
const said = byId('said')
const list = byId('cities')
const field = { name: byId<HTMLInputElement>('name'), population: byId<HTMLInputElement>('population') }
const country = byId<HTMLSelectElement>('country')
const buttons = { save: byId<HTMLButtonElement>('save'), remove: byId<HTMLButtonElement>('remove'), add: byId<HTMLButtonElement>('add') }

/** How a shape is at the origin, where it is not being asked for. */
const phaseWords: Partial<Record<Phase, string>> = {
  live: 'following the origin', elsewhere: 'following the origin', retrying: 'the origin is not heard', failed: 'the origin is not heard', paused: 'not asking',
}

class Page {
  #view: Cities | undefined
  #stop = () => {}
  #rows: ReadonlyMap<number, City> | undefined // as they were told last
  #picked: City | undefined

  constructor(private readonly db: Store) {}

  /** Follows the cities of a country. What was here of them is shown first, and what has changed since after it. */
  async follow(code: string): Promise<void> {
    localStorage.setItem(setting, code)
    this.#stop()
    this.#pick(undefined)
    this.#rows = undefined
    list.scrollTop = 0
    await this.#view?.close()
    const view = (this.#view = await openCities(this.db, code))
    if (!view.progress['cities']?.complete) await this.#ask(view)
    await new Promise<void>((resolve) => {
      this.#stop = this.db.cities.find().orderBy('population', 'desc').subscribe((cities) => (this.#tell(cities), resolve()))
    })
    view.mode = 'cache-first' // which follows, network or not
    await this.#listCountries(view, code)
  }

  /** Waits for the whole shape. */
  async #ask(view: Cities): Promise<void> {
    view.mode = 'freshen'
    await view.cities.get(0).catch(() => {}) // the puller goes on, and its state is told
  }

  async #listCountries(view: Cities, code: string): Promise<void> {
    const countries = await view.countries.where('code <> $1', [''], { mode: 'prefer-cache' }).catch(() => [])
    if (countries.length === 0) return
    const sorted = [...countries].sort((a, b) => a.name.localeCompare(b.name))
    country.replaceChildren(...sorted.map((one) => element('option', { value: one.code, selected: one.code === code }, one.name)))
  }

  #tell(cities: readonly City[]): void {
    const rows = new Map(cities.map((city) => [city.id, city]))
    if (this.#rows !== undefined) showDifferences(differences(this.#rows, rows))
    this.#rows = rows
    if (this.#picked !== undefined && !rows.has(this.#picked.id)) this.#pick(undefined)
    list.replaceChildren(...cities.slice(0, citiesShown).map((city) => this.#row(city)))
  }

  #row(city: City): HTMLElement {
    const pressed = this.#picked?.id === city.id
    return element('li', {},
      element('button', { type: 'button', class: 'row', 'aria-pressed': String(pressed), onclick: () => this.#pick(city) },
        element('span', { class: 'name' }, city.name),
        element('span', { class: 'number', title: 'people' }, count(city.population))))
  }

  #pick(city: City | undefined): void {
    this.#picked = city
    if (city !== undefined) {
      field.name.value = city.name
      field.population.value = String(city.population)
    }
    buttons.save.disabled = buttons.remove.disabled = city === undefined
    for (const row of list.querySelectorAll('.row')) row.setAttribute('aria-pressed', String(row.querySelector('.name')?.textContent === city?.name))
  }

  async save(): Promise<void> {
    if (this.#picked !== undefined) await send('PATCH', `/${this.#picked.id}`, this.#written())
  }

  async remove(): Promise<void> {
    if (this.#picked !== undefined) await send('DELETE', `/${this.#picked.id}`)
  }

  async add(): Promise<void> {
    await send('POST', '', { country: country.value, ...this.#written() })
  }

  #written(): { name: string; population: number } {
    return { name: field.name.value, population: field.population.valueAsNumber }
  }

  tellState(): void {
    const { phase, rows, total, complete } = this.#view?.progress['cities'] ?? {}
    if (phase === undefined) return
    const words = navigator.onLine ? (phaseWords[phase] ?? 'asking the origin') : 'no network'
    state.textContent = complete ? `${many(rows ?? 0, 'city', 'cities')} here, ${words}` : `${count(rows ?? 0)} of ${total === undefined ? '…' : count(total)} cities`
  }
}

/** Has the server change its database; says what came of it. */
async function send(method: string, path: string, body?: object): Promise<void> {
  say('')
  try {
    const answer = await fetch(`edit/cities${path}`, { method, ...(body && { body: JSON.stringify(body) }) })
    if (answer.ok) say('Written into the database.')
    else say((await answer.text()).trim(), true)
  } catch {
    say('The server does not answer: its database is edited with a network only.', true)
  }
}

function say(text: string, refused = false): void {
  said.textContent = text
  said.classList.toggle('refused', refused)
}

async function start(): Promise<void> {
  const page = new Page(await openStore())
  country.addEventListener('change', () => void page.follow(country.value).catch(trouble))
  byId('city').addEventListener('submit', (event) => {
    event.preventDefault()
    void page.save()
  })
  buttons.remove.addEventListener('click', () => void page.remove())
  buttons.add.addEventListener('click', () => {
    if (byId<HTMLFormElement>('city').reportValidity()) void page.add()
  })
  setInterval(() => page.tellState(), toldEvery)
  await page.follow(localStorage.getItem(setting) ?? 'IS')
}

function trouble(error: unknown): void {
  state.textContent = `Something went wrong: ${error instanceof Error ? error.message : String(error)}`
  throw error
}

start().catch(trouble)
