import { places } from './documents.mjs'
import { Random } from './random.mjs'
import { Reference, same } from './reference.mjs'
import { everything, works } from './works.mjs'

/**
 * The half of the bench that runs in the browser: one store of one peer, held
 * beside a reference, driven from Node one call at a time through
 * globalThis.bench. What fails here rejects; Node writes it down.
 */
class Bench {
  #run // {peer, seed, n, repetition}
  #reference
  #module // of the peer
  #opened // undefined before open and after an open that failed

  /** Calls a method and gives a failure the code that the peer gave it: only a message gets across to Node. */
  async call(method, ...parameters) {
    try {
      return await this[method](...parameters)
    } catch (error) {
      throw new Error(error?.code ? `${error.code}: ${error.message}` : (error?.message ?? String(error)))
    }
  }

  /** Makes the documents and loads a peer's code; nothing of this is timed. */
  async prepare(run) {
    this.#run = run
    this.#reference = new Reference(places(run.seed, 1, run.n))
    this.#module = await import(`./peers/${run.peer}.mjs`)
  }

  /** Opens the store. @returns {Promise<Reading>} how long it took until it was ready */
  async open() {
    collect()
    const start = performance.now()
    await this.#open()
    return { ms: performance.now() - start, correct: true }
  }

  /** Opens the store and gets one document of it. @returns {Promise<Reading>} how long the two took */
  async reopen() {
    const id = this.#random('cold-reopen').of(this.#reference.ids())
    collect()
    const start = performance.now()
    await this.#open()
    const answer = await this.#store.get(id)
    return { ms: performance.now() - start, correct: same(answer, this.#reference.get(id)) }
  }

  /** Does one work of works.mjs. @returns {Promise<Reading>} the mean of its rounds, and whether every answer was right */
  async work(name) {
    const work = works[name]
    const random = this.#random(name)
    if (work.warm) await this.#ask(work, this.#draw(work, random))
    const questions = this.#draw(work, random)
    collect()
    const start = performance.now()
    const answers = await this.#ask(work, questions)
    const ms = (performance.now() - start) / work.rounds
    return { ms, correct: await this.#verify(work, questions, answers) }
  }

  /** Bytes of WebAssembly memory the peer holds, null where it has none. The memory never shrinks: this is its peak. */
  async memory() {
    return (await this.#store.memory()) ?? null
  }

  /** What the browser believes this origin stores, bytes, and whether every document is among it. */
  async stored() {
    const { usage } = await navigator.storage.estimate()
    return { estimate: usage, correct: (await this.#store.count(...everything)) === this.#reference.size }
  }

  async #open() {
    if (!this.#module) throw new Error('its code could not be loaded')
    this.#opened = await this.#module.open('bench')
  }

  get #store() {
    if (!this.#opened) throw new Error('its store could not be opened')
    return this.#opened
  }

  #random(work) {
    return new Random(this.#run.seed, this.#run.repetition, work)
  }

  #draw(work, random) {
    return Array.from({ length: work.rounds }, () => work.draw(this.#reference, random, this.#run))
  }

  async #ask(work, questions) {
    const answers = []
    for (const question of questions) answers.push(await work.ask(this.#store, question))
    return answers
  }

  async #verify(work, questions, answers) {
    for (const [i, question] of questions.entries()) {
      if (!(await work.verify(this.#reference, question, answers[i], this.#store))) return false
    }
    return true
  }
}

/** @typedef {{ms: number, correct: boolean}} Reading */

/** Collects garbage, so that a work does not pay for the one before; the bench's browser exposes this. */
function collect() {
  globalThis.gc?.()
}

globalThis.bench = new Bench()
