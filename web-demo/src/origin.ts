// The origin that the atlas is pulled from: how much of it is wanted, how far
// the copy has come, and how old it is. Which of the tabs pulls is not decided
// here; what the visitor chooses holds in all of them.

import { type Mode, model, modes, type Progress, view, type View } from 'stowage/sync'

import type { Atlas, City, Country } from './atlas'

const models = {
  countries: model<Country>({ table: 'countries', key: 'code', pulled: true }),
  cities: model<City>({ table: 'cities', key: 'id', pulled: true }),
}

/** How far the copy is, both shapes together. */
export interface Standing {
  whole: boolean
  rows: number
  of: number | undefined // once the origin has told
  asOf: number // when it was last all there was, in milliseconds since 1970; 0 for never
  phase: Progress['phase']
  error: Progress['error']
  requests: number // sent by this tab
  bytes: number // of JSON, that came into this tab
}

/** What the visitor wants; kept beside the store, for the page needs it before that is open. */
export interface Wish {
  mode: Mode
  follow: boolean // what changes at the origin, as it happens
}

/** Of two shapes, the standing is that which comes first here. */
const phases: Progress['phase'][] = ['failed', 'needs token', 'retrying', 'pulling', 'waiting', 'elsewhere', 'live', 'paused']

const setting = 'atlas wish'

/** There while a copy is wanted at all: from the first pull until the atlas is emptied. */
const wanting = 'atlas wanted'

export class Origin {
  #db: Atlas
  #view!: View<typeof models>
  #wish = readWish()
  #stopped = true
  #bytes = 0 // of views that were closed
  #requests = 0

  private constructor(db: Atlas) {
    this.#db = db
    addEventListener('storage', ({ key }) => {
      if (key === setting) void this.#become(readWish())
      if (key === wanting && !this.wanted) location.reload() // it is emptied
    })
  }

  /** Opens the copy. The origin is asked for nothing until start. */
  static async open(db: Atlas): Promise<Origin> {
    const origin = new Origin(db)
    await origin.#open()
    return origin
  }

  get standing(): Standing {
    const shapes = Object.values(this.#view.progress)
    const totals = shapes.map(({ total }) => total)
    return {
      whole: shapes.every(({ complete }) => complete),
      rows: sum(shapes.map(({ rows }) => rows)),
      of: totals.includes(undefined) ? undefined : sum(totals as number[]),
      asOf: Math.min(...shapes.map(({ fetchedAt }) => fetchedAt)),
      phase: phases.find((phase) => shapes.some((shape) => shape.phase === phase))!,
      error: shapes.find(({ error }) => error)?.error,
      requests: this.#requests + this.#view.sent,
      bytes: this.#bytes + sum(shapes.map(({ bytes }) => bytes)),
    }
  }

  get wish(): Wish {
    return this.#wish
  }

  /** Changes what is wanted, here and in the other tabs. */
  async want(wish: Partial<Wish>): Promise<void> {
    const next = { ...this.#wish, ...wish }
    localStorage.setItem(setting, JSON.stringify(next))
    await this.#become(next)
  }

  /** Whether the visitor has asked for a copy, in whichever tab. */
  get wanted(): boolean {
    return localStorage.getItem(wanting) !== null
  }

  /** Fulfilled when a copy is asked for in another tab, unless the signal is aborted before. */
  wantedElsewhere(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      addEventListener('storage', ({ key }) => {
        if (key === wanting && this.wanted) resolve()
      }, { signal })
    })
  }

  /** Has no tab ask for a copy any more. */
  forget(): void {
    localStorage.removeItem(wanting)
    this.stop()
  }

  /** Has the origin asked as the visitor wishes. */
  start(): void {
    localStorage.setItem(wanting, 'yes')
    this.#stopped = false
    this.#view.mode = this.#wish.mode
  }

  /** Has this tab ask for nothing. What has arrived stays. */
  stop(): void {
    this.#stopped = true
    this.#view.mode = 'offline'
  }

  /** Has the copy be as new as the mode wants it; fails where the mode says so. */
  async ready(): Promise<void> {
    const view = this.#view
    try {
      // A row that is pulled comes with its shape, even if there is none of that identity.
      await Promise.all([view.countries.get(''), view.cities.get(0)])
    } catch (error) {
      if (view === this.#view) throw error
      await this.ready() // of the view that took its place
    }
  }

  /** Asks for what is new, in any mode but offline. */
  async refresh(): Promise<void> {
    await this.#view.refreshAll()
  }

  async #open(): Promise<void> {
    this.#view = await view(this.#db, { origin: 'v1/shape', models, mode: 'offline', live: this.#wish.follow }).open()
  }

  /** Whether a view follows is settled when it is opened. */
  async #become(wish: Wish): Promise<void> {
    const { follow } = this.#wish
    this.#wish = wish
    if (wish.follow !== follow) {
      const [before, { bytes, requests }] = [this.#view, this.standing]
      await this.#open()
      this.#bytes = bytes
      this.#requests = requests
      await before.close()
    }
    if (!this.#stopped) this.start()
  }
}

function readWish(): Wish {
  const { mode, follow } = JSON.parse(localStorage.getItem(setting) ?? '{}') as Partial<Wish>
  return { mode: mode && modes.includes(mode) ? mode : 'cache-first', follow: follow ?? true }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0)
