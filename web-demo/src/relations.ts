// The page of relations from the first line to the last: a view of the origin, a region
// of whose countries is shown, and whose relations are asked for when they are opened.

import type { Database } from 'stowage'
import { type Mode, modes } from 'stowage/sync'

import { byId, element } from './element'
import { Ledger } from './relationsledger'
import { countryNode } from './relationstree'
import { openStore, openWorld, type World } from './relationsview'

const regions = ['Europe', 'Africa', 'Americas', 'Asia', 'Oceania']

/** What each mode does about what is not fresh. */
const means: Record<Mode, string> = {
  'offline': 'asks for nothing',
  'prefer-cache': 'asks for what is not here',
  'cache-first': 'shows what is here, and asks behind',
  'offline-fallback': 'asks, and shows what is here where there is no answer',
  'freshen': 'asks for everything once',
}

const state = byId('state')
const modeField = byId<HTMLSelectElement>('mode')
const preload = byId<HTMLInputElement>('preload')

async function start(): Promise<void> {
  const page = await Page.open()
  modeField.append(...modes.map((mode) => element('option', { value: mode, selected: mode === 'prefer-cache' }, mode)))
  modeField.addEventListener('change', () => page.setMode(modeField.value as Mode))
  byId('reopen').addEventListener('click', () => void page.reopen(false).catch(trouble))
  byId('forget').addEventListener('click', () => void page.reopen(true).catch(trouble))
  preload.addEventListener('change', () => void page.show().catch(trouble))
  page.setMode('prefer-cache')
  await page.show()
}

class Page {
  #world: World
  #region = regions[0]!
  #ledger = new Ledger(() => this.#world.sent)

  static async open(): Promise<Page> {
    const db = await openStore()
    return new Page(db, await openWorld(db, 'prefer-cache'))
  }

  private constructor(private readonly db: Database, world: World) {
    this.#world = world
  }

  setMode(mode: Mode): void {
    this.#world.mode = mode
    byId('mode-means').textContent = means[mode]
  }

  /** Closes the view, forgets what it has loaded where that is wanted, and opens another. */
  async reopen(forget: boolean): Promise<void> {
    const { mode } = this.#world
    await this.#world.close()
    if (forget) await this.db.dropTables()
    this.#world = await openWorld(this.db, mode)
    this.#ledger.forget()
    await this.show()
  }

  async show(): Promise<void> {
    const region = this.#region
    byId('regions').replaceChildren(...regions.map((name) =>
      element('button', { type: 'button', class: 'chip', 'aria-current': name === region && 'true', onclick: () => this.#choose(name) }, name)))
    const roots = byId('roots')
    roots.setAttribute('aria-busy', 'true')
    const include = preload.checked ? { include: { neighbours: true, cities: true } } as const : {}
    const shown = preload.checked ? `, { include: { neighbours: true, cities: true } }` : ''
    const found = await this.#ledger.run(`await countries.where('region = $1', ['${region}']${shown})`, () => this.#world.countries.where('region = $1', [region], include))
    if (region !== this.#region) return
    const countries = [...(found ?? [])].sort((a, b) => a.name.localeCompare(b.name))
    roots.replaceChildren(...countries.map((country) => countryNode(country, this.#ledger)))
    if (found === undefined) roots.append(element('li', { class: 'none' }, 'Not here.'))
    roots.setAttribute('aria-busy', 'false')
    state.textContent = `${region}: ${countries.length} countries`
  }

  #choose(region: string): void {
    this.#region = region
    void this.show().catch(trouble)
  }
}

function trouble(error: unknown): void {
  state.textContent = `Something went wrong: ${error instanceof Error ? error.message : String(error)}`
  throw error
}

start().catch(trouble)
