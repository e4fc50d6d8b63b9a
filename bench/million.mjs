import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diskBytes } from './browser.mjs'
import { batch, inPage, Report } from './large.mjs'
import { serve } from './server.mjs'
import { median } from './statistics.mjs'
import { bytes } from './table.mjs'

/**
 * Imports a million documents, or as many as N says, batch by batch; asks a
 * question of each kind; ends the browser and asks again. Says what it took, the
 * peak of the WebAssembly memory and how often the page's thread was held.
 *
 * Every store has a profile of its own. When all are filled they are opened again, in a new process each
 * time and in turns: a slow minute of the machine falls on every number of documents.
 *
 * @returns {Promise<import('./statistics.mjs').Row[]>} rows of this one run, without ratios to others
 */
export async function importMillion(options) {
  const stores = []
  try {
    for (const peer of options.peers) {
      for (const n of options.n) {
        const store = await Stored.make(peer, n, options)
        stores.push(store)
        await store.fill()
      }
    }
    for (let round = 0; round < options.reps; round++) {
      for (const i of stores.keys()) await stores[(i + round) % stores.length].reopen()
    }
    for (const store of stores) await store.tell()
  } finally {
    for (const store of stores) await store.remove()
  }
  const rows = stores.flatMap((store) => store.rows)
  for (const row of rows) if (row.work === 'cold-reopen') row.ratio_to_least = row.median_ms / leastOf(row, rows)
  return rows
}

/** The median of the number of documents for which a peer is the quickest. */
function leastOf({ work, peer }, rows) {
  return Math.min(...rows.filter((row) => row.work === work && row.peer === peer).map(({ median_ms }) => median_ms))
}

/** A store in a profile of its own, and its rows. Once something of it has failed, nothing more is done with it. */
class Stored {
  #profile
  #server
  #browser
  #run // {peer, seed, n}
  #report
  #failed = false
  #reopened = [] // ms
  #right = true

  static async make(peer, n, { package: { folder }, browser, seed }) {
    const store = new Stored()
    store.#profile = await mkdtemp(join(tmpdir(), 'stowage-bench-'))
    store.#server = await serve(folder)
    store.#browser = browser
    store.#run = { peer, seed, n }
    store.#report = new Report(peer, n)
    return store
  }

  get rows() {
    return this.#report.rows
  }

  fill() {
    const [{ n }, report] = [this.#run, this.#report]
    return this.#inPage(async (importer) => {
      await importer('open', this.#run)
      await report.tasks('open', importer)
      let ms = 0
      for (let first = 1; first <= n; first += batch) {
        ms += await importer('insert', first, Math.min(batch, n - first + 1))
        report.progress(Math.min(first + batch - 1, n), ms, await importer('memory'))
      }
      report.add('import', ms)
      await report.tasks('import', importer)
      await importer('think')
      for (const { work, ms, correct, memory } of await importer('use')) report.add(work, ms, { correct, memory })
      await report.tasks('use', importer)
      const memory = await importer('memory')
      if (memory !== null) report.add('wasm-memory', memory, { show: bytes })
    })
  }

  /** Opens the store in a new process, up to the first document. */
  reopen() {
    return this.#inPage(async (importer) => {
      const opened = await importer('open', this.#run)
      const { ms, correct } = await importer('first', this.#run.n)
      this.#reopened.push(opened + ms)
      this.#right &&= correct
    })
  }

  /** Says what the reopenings came to, and what the files take. */
  tell() {
    return this.#attempt(async () => {
      const [taken, report] = [this.#reopened, this.#report]
      report.begin(`opened ${taken.length} times in a new process`)
      report.add('cold-reopen', median(taken), { correct: this.#right, least: Math.min(...taken), most: Math.max(...taken) })
      report.add('disk-bytes', await diskBytes(this.#profile, this.#server.port), { show: bytes })
    })
  }

  async remove() {
    await this.#server.close()
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }

  #inPage(work) {
    return this.#attempt(() => inPage(this.#browser, this.#profile, this.#server, work))
  }

  async #attempt(work) {
    if (this.#failed) return
    try {
      await work()
    } catch (error) {
      this.#failed = true
      this.#report.fail(error)
    }
  }
}
