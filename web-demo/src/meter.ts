// The panel: what each query took and how it was answered, and what the store uses.

import { byId, element } from './element'
import { count, duration } from './wording'

/** One line of the panel. */
export interface Reading {
  label: string // the query as it is written in code
  ms: number
  rows: number
  plan?: string // how it was answered
}

const linesShown = 7

export class Meter {
  #lines = byId('readings')
  #tasks = 0

  constructor() {
    if (!PerformanceObserver.supportedEntryTypes.includes('longtask')) return
    new PerformanceObserver((list) => {
      this.#tasks += list.getEntries().length
      this.fact('tasks', count(this.#tasks))
    }).observe({ type: 'longtask', buffered: true })
    this.fact('tasks', '0')
  }

  /**
   * Runs a query and records how long it took until its rows were there. explain
   * is asked afterwards, so that the plan costs the query nothing.
   */
  async time<T>(label: string, run: () => Promise<T>, explain?: () => Promise<string>): Promise<T> {
    const start = performance.now()
    const rows = await run()
    const ms = performance.now() - start
    const reading: Reading = { label, ms, rows: Array.isArray(rows) ? rows.length : 1 }
    const line = this.add(reading)
    if (explain) line.plan(await explain())
    return rows
  }

  /** Adds a reading on top of the list; plan fills in how it was answered. */
  add(reading: Reading): { plan(text: string): void } {
    const plan = element('span', { class: 'plan' }, reading.plan ?? '')
    this.#lines.prepend(
      element('li', {},
        element('code', {}, reading.label),
        element('span', { class: 'took' }, duration(reading.ms)),
        plan,
        element('span', { class: 'rows' }, `${count(reading.rows)} ${reading.rows === 1 ? 'row' : 'rows'}`),
      ),
    )
    while (this.#lines.children.length > linesShown) this.#lines.lastElementChild?.remove()
    return { plan: (text) => { plan.textContent = text } }
  }

  /** Shows a figure in the tile with this name. */
  fact(name: string, value: string): void {
    byId(`fact-${name}`).textContent = value
  }
}
