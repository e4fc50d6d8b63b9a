import { Browser } from './browser.mjs'
import { bytes, duration } from './table.mjs'

/*
 * What the campaigns over very many documents share: a page that is driven batch
 * by batch, and rows that are printed as they come.
 */

/** Documents an insertMany. */
export const batch = 10_000

/** Starts a browser on a profile, runs work with calls into the importer that a module gives the page, and ends the browser. */
export async function inPage(browser, profile, server, work, module = '/importer.mjs') {
  const process = await Browser.start(browser, profile)
  try {
    const page = await process.page(server.url)
    await page.evaluate((module) => import(module), module)
    await work((method, ...parameters) => page.evaluate(
      ([method, parameters]) => globalThis.importer[method](...parameters),
      [method, parameters],
    ))
  } finally {
    await process.end()
  }
}

/** The rows of one run, printed as they come. */
export class Report {
  rows = []
  #peer
  #n
  #tenths = 0

  constructor(peer, n) {
    this.#peer = peer
    this.#n = n
    this.begin(`${batch.toLocaleString('en')} at a time`)
  }

  /** Heads the rows that follow. */
  begin(how) {
    console.log(`${this.#peer}: ${this.#n.toLocaleString('en')} documents, ${how}`)
  }

  add(work, value, { correct = true, show = duration, memory = null, least = value, most = value } = {}) {
    this.rows.push({
      work, n: this.#n, peer: this.#peer,
      median_ms: value, min_ms: least, max_ms: most, ratio_to_idb: null, correct,
    })
    const spread = least < most ? ` [${show(least)}–${show(most)}]` : ''
    console.log(`  ${work.padEnd(19)}  ${show(value)}${spread}${correct ? '' : ' WRONG'}${holding(memory)}`)
  }

  /** Adds how many long tasks there were in a stretch of work, and the longest of them. */
  async tasks(stretch, importer) {
    const { count, longest } = await importer('longTasks')
    this.add(`${stretch}-long-tasks`, count, { show: String })
    this.add(`${stretch}-longest-task`, longest)
  }

  fail(error) {
    const message = String(error.message).split('\n')[0]
    console.error(`  failed: ${message}`)
    this.rows.push({
      work: 'import', n: this.#n, peer: this.#peer,
      median_ms: null, min_ms: null, max_ms: null, ratio_to_idb: null, correct: false, error: message,
    })
  }

  progress(done, ms, memory) {
    const tenths = Math.floor((done / this.#n) * 10)
    if (tenths === this.#tenths) return
    this.#tenths = tenths
    console.log(`  ${tenths * 10} % after ${duration(ms)}${holding(memory)}`)
  }
}

function holding(memory) {
  return memory === null ? '' : `, ${bytes(memory)} of memory`
}
