import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Browser, diskBytes } from './browser.mjs'
import { rows, worksOf } from './options.mjs'
import { keepProfiles } from './profiles.mjs'
import { serve } from './server.mjs'

// ms between two works: what a store does behind its answers should not fall on its
// neighbour. LevelDB goes on compacting for longer after a bulk insert than after others.
const pause = 300
const pauseInBulk = 2000
const idle = 3000 // ms of quiet before bytes on disk are counted
const patience = 600_000 // ms after which a work counts as failed

/**
 * One repetition for one number of documents, on a new profile, in up to
 * 2 + peers browser processes, one after the other:
 *
 *     import   every peer opens an empty store and fills it
 *     reopen   a process for each peer, which opens the store and gets one document
 *     use      a process in which every peer opens its store again, rests, and does the other works
 *
 * and in one more, on a profile apart, in which every peer practises and then
 * does the bulk insert that counts.
 *
 * Within a process, each work is done by every peer before the next work starts,
 * and the order of peers moves on by one with every repetition. A peer that fails
 * goes on to the next work; its readings say what happened.
 */
export class Repetition {
  #options
  #run // {n, repetition}
  #profile
  #servers = new Map() // by peer
  #peers // in the order of this repetition

  /** @type {Sample[]} */
  samples = []

  /** The browser's version, known once one ran. */
  version = ''

  constructor(options, run) {
    this.#options = options
    this.#run = run
    const { peers } = options
    this.#peers = peers.map((_, i) => peers[(i + run.repetition) % peers.length])
  }

  async measure() {
    for (const peer of this.#peers) this.#servers.set(peer, await serve(this.#options.package.folder))
    try {
      if (this.#wants('bulk-insert')) await this.#onNewProfile(() => this.#bulk())
      if (this.#wants(...rows.filter((row) => row !== 'bulk-insert'))) await this.#onNewProfile(() => this.#wholeLife())
    } finally {
      await Promise.all(Array.from(this.#servers.values(), (server) => server.close()))
    }
  }

  async #onNewProfile(run) {
    this.#profile = await mkdtemp(join(tmpdir(), 'stowage-bench-'))
    try {
      await run()
    } finally {
      await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 })
    }
  }

  #bulk() {
    return this.#session(async (pages) => {
      await this.#each(pages, undefined, call('practise'))
      await this.#each(pages, undefined, call('open'))
      await this.#each(pages, 'bulk-insert', call('work', 'bulk-insert'), pauseInBulk)
    })
  }

  async #wholeLife() {
    await this.#import()
    if (this.#wants('cold-reopen')) await this.#reopen()
    if (this.#wants('disk-bytes', 'wasm-memory', ...worksOf('use', this.#options))) await this.#use()
  }

  #import() {
    return this.#session(async (pages) => {
      await this.#each(pages, 'empty-open', call('open'))
      await this.#each(pages, 'cold-bulk-insert', call('work', 'cold-bulk-insert'))
      await this.#each(pages, 'wasm-memory', memory)
    })
  }

  async #reopen() {
    for (const peer of this.#peers) {
      await this.#session((pages) => this.#each(pages, 'cold-reopen', call('reopen')), [peer])
    }
  }

  #use() {
    return this.#session(async (pages) => {
      await this.#each(pages, undefined, call('open'))
      if (this.#wants('disk-bytes')) {
        await rest(idle)
        await this.#each(pages, 'disk-bytes', async (page, peer) => ({
          ms: await diskBytes(this.#profile, this.#servers.get(peer).port),
          ...(await call('stored')(page)),
        }))
      }
      for (const name of worksOf('use', this.#options)) await this.#each(pages, name, call('work', name))
      await this.#each(pages, 'wasm-memory', memory)
    })
  }

  /** Starts a browser, loads the page of each peer, runs, and ends the browser. */
  async #session(run, peers = this.#peers) {
    const browser = await Browser.start(this.#options.browser, this.#profile)
    try {
      this.version = browser.version()
      const pages = new Map()
      for (const peer of peers) {
        const page = await browser.page(this.#servers.get(peer).url)
        pages.set(peer, page)
        if (this.#options.profile) await keepProfiles(page)
        const { seed, profile } = this.#options
        const prepare = call('prepare', { peer, seed, profile, ...this.#run })
        await this.#attempt(undefined, peer, () => prepare(page))
      }
      await run(pages)
      if (this.#options.profile) await rest(1000) // the last profile is still on its way
    } finally {
      await browser.end()
    }
  }

  /** Lets every peer do one work and keeps its reading, if that row was asked for. */
  async #each(pages, work, read, before = pause) {
    for (const [peer, page] of pages) {
      await page.bringToFront()
      await rest(before)
      await this.#attempt(work, peer, () => read(page, peer))
    }
  }

  async #attempt(work, peer, read) {
    const reading = await withinPatience(read()).catch((error) => ({ correct: false, error: firstLine(error) }))
    if (reading?.error) console.error(`${peer}, ${work ?? 'open'}: ${reading.error}`)
    if (reading && work && this.#wants(work)) this.#keep({ work, peer, ...this.#run, ...reading })
  }

  /** A work that is read in two sessions, as wasm-memory is, counts with its higher reading. */
  #keep(sample) {
    const earlier = this.samples.find(({ work, peer }) => work === sample.work && peer === sample.peer)
    if (earlier === undefined) this.samples.push(sample)
    else if (!(sample.ms <= earlier.ms)) Object.assign(earlier, sample)
  }

  #wants(...names) {
    return names.some((name) => this.#options.work.includes(name))
  }
}

/**
 * @typedef {object} Sample
 * @property {string} work
 * @property {string} peer
 * @property {number} n
 * @property {number} repetition
 * @property {number} [ms]       bytes, for disk-bytes and wasm-memory; absent where the peer failed
 * @property {number} [estimate] bytes the browser believes are stored, disk-bytes only
 * @property {boolean} correct
 * @property {string} [error]    what a failed peer said
 */

/** A method of the page's half of the bench, as a function of the page. */
function call(method, ...parameters) {
  return (page) => page.evaluate(
    ([method, parameters]) => globalThis.bench[method](...parameters),
    [method, parameters],
  )
}

/** A peer without WebAssembly has no reading at all. */
async function memory(page) {
  const bytes = await call('memory')(page)
  return bytes === null ? undefined : { ms: bytes, correct: true }
}

function rest(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function withinPatience(reading) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${patience / 1000} s`)), patience)
  })
  return Promise.race([reading, late]).finally(() => clearTimeout(timer))
}

/** Playwright puts the page's stack below the message; the message is what a table has room for. */
export function firstLine(error) {
  return String(error.message ?? error).split('\n')[0].replace(/^page\.evaluate: (Error: )?/, '')
}
