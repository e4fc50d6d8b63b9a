import { phrase, place } from './documents.mjs'
import { Random } from './random.mjs'
import { same } from './reference.mjs'

const slice = 500 // documents made or checked before the page gets to breathe
const asked = 1000 // documents a range is asked for

/**
 * The page's half of the import of very many documents, driven batch by batch
 * from Node. It keeps eight bytes a document to check answers by and makes the
 * documents themselves anew, so that what the page holds stays small, and it
 * works in slices, so that a long task is the store's and not the bench's.
 */
class Importer {
  #store
  #seed
  #populations // by id; ids start at 1
  #phrase
  #withPhrase = [] // ids
  #longTasks = [] // ms
  #observer = new PerformanceObserver((list) => this.#note(list.getEntries()))
  #drawn // ids to be overwritten, in their order
  #questions

  constructor() {
    this.#observer.observe({ type: 'longtask' })
  }

  async open({ peer, seed, n, keys = false }) {
    const { open, openKeys } = await import(`./peers/${peer}.mjs`)
    this.#seed = seed
    this.#populations ??= new Float64Array(n + 1)
    this.#phrase = phrase(new Random(seed, 'import'))
    const start = performance.now()
    this.#store = await (keys ? openKeys : open)('import')
    return performance.now() - start
  }

  /** Inserts the documents with ids from first on, in one call. @returns {Promise<number>} milliseconds */
  async insert(first, count) {
    const documents = []
    for (let id = first; id < first + count; id++) {
      const document = place(this.#seed, id)
      documents.push(document)
      this.#populations[id] = document.population
      if (document.text.includes(this.#phrase)) this.#withPhrase.push(id)
      if (documents.length % slice === 0) await breathe()
    }
    const start = performance.now()
    await this.#store.insertMany(documents)
    return performance.now() - start
  }

  /**
   * Overwrites documents drawn at random, each with another one, in one call: those
   * from place `first` on in the order of the draw. @returns {Promise<number>} milliseconds
   */
  async overwrite(first, count) {
    this.#drawn ??= new Random(this.#seed, 'overwrite').some(Array.from({ length: this.#populations.length - 1 }, (_, i) => i + 1), (this.#populations.length - 1) / 10 | 0 || 1)
    const ids = this.#drawn.slice(first, first + count)
    const documents = ids.map((id) => place(this.#seed + 1, id))
    const start = performance.now()
    await this.#store.putMany(documents)
    return performance.now() - start
  }

  /** Whether what was overwritten is there, and what was not as well, of a sample. */
  async overwritten() {
    const changed = new Set(this.#drawn)
    const random = new Random(this.#seed, 'sample')
    const ids = Array.from({ length: 2 * asked }, (_, i) => i % 2 === 0 ? random.of(this.#drawn) : random.below(this.#populations.length - 1) + 1)
    const found = await this.#store.getMany(ids)
    return ids.every((id, i) => same(found[i], place(changed.has(id) ? this.#seed + 1 : this.#seed, id)))
  }

  /** Lets the store bring itself into its best shape. @returns {Promise<number>} milliseconds */
  async tidy() {
    const start = performance.now()
    await this.#store.tidy?.()
    return performance.now() - start
  }

  /** What the store has written since it was opened, and what it holds; null where it does not tell. */
  async written() {
    return (await this.#store.written?.()) ?? null
  }

  /** Gets one document, the first answer of a store that was opened again. @returns {Promise<{ms: number, correct: boolean}>} */
  first(n) {
    const id = new Random(this.#seed, 'first').below(n) + 1
    return this.#ask('first', () => this.#store.get(id), (found) => [0, 1].some((more) => same(found, place(this.#seed + more, id))))
  }

  /** Draws the questions that are asked. That holds the thread, and is not the store's doing: the long tasks so far are forgotten. */
  async think() {
    const random = new Random(this.#seed, 'use')
    const sorted = this.#populations.slice(1).sort()
    const first = random.below(Math.max(1, sorted.length - asked))
    const [low, high] = [sorted[first], sorted[Math.min(first + asked, sorted.length) - 1]]
    const ids = random.some(Array.from({ length: sorted.length }, (_, i) => i + 1), Math.min(asked, sorted.length))
    this.#questions = { sorted, low, high, ids }
    await this.longTasks()
  }

  /** Asks one question of each kind. @returns {Promise<{work: string, ms: number, correct: boolean}[]>} */
  async use() {
    const { sorted, low, high, ids } = this.#questions
    return [
      await this.#ask('batch-get', () => this.#store.getMany(ids), (found) => this.#holds(found, ids)),
      await this.#ask('indexed-range', () => this.#store.range(low, high), (found) => this.#holds(found, this.#between(low, high))),
      await this.#ask('ordered-limit', () => this.#store.top(high, 20), (found) => this.#isTop(found, sorted, high)),
      await this.#ask('indexed-count', () => this.#store.count(low, high), (count) => count === this.#between(low, high).length),
      await this.#ask('scan', () => this.#store.scan(this.#phrase), (found) => this.#holds(found, this.#withPhrase)),
      await this.#ask('count-all', () => this.#store.count(0, Number.MAX_SAFE_INTEGER), (count) => count === sorted.length),
    ]
  }

  /** Tasks longer than 50 ms since the last call: how many, and the longest, milliseconds. */
  async longTasks() {
    await breathe()
    this.#note(this.#observer.takeRecords())
    const tasks = this.#longTasks.splice(0)
    return { count: tasks.length, longest: Math.max(0, ...tasks) }
  }

  #note(entries) {
    this.#longTasks.push(...entries.map(({ duration }) => duration))
  }

  async memory() {
    return (await this.#store.memory()) ?? null
  }

  async #ask(work, question, isRight) {
    const start = performance.now()
    const answer = await question()
    const ms = performance.now() - start
    return { work, ms, correct: await isRight(answer), memory: await this.memory() }
  }

  #between(low, high) {
    const ids = []
    for (let id = 1; id < this.#populations.length; id++) {
      if (this.#populations[id] >= low && this.#populations[id] <= high) ids.push(id)
    }
    return ids
  }

  /** Whether these are the documents with these ids, in any order. */
  async #holds(found, ids) {
    const byId = new Map(found.map((document) => [document?.id, document]))
    if (found.length !== ids.length || byId.size !== ids.length) return false
    for (const [i, id] of ids.entries()) {
      if (!same(byId.get(id), place(this.#seed, id))) return false
      if (i % slice === slice - 1) await breathe()
    }
    return true
  }

  async #isTop(found, sorted, below) {
    const expected = sorted.filter((population) => population < below).slice(-found.length).reverse()
    return found.length === Math.min(20, sorted.length) &&
      found.every(({ population }, i) => population === expected[i]) &&
      this.#holds(found, found.map(({ id }) => id))
  }
}

function breathe() {
  return new Promise((resolve) => setTimeout(resolve))
}

globalThis.importer = new Importer()
