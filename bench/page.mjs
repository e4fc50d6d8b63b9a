import { places } from './documents.mjs'
import { Random } from './random.mjs'
import { Reference, same } from './reference.mjs'
import { works } from './works.mjs'

/**
 * The half of the bench that runs in the browser: one store of one peer, held
 * beside a reference, driven from Node one call at a time through
 * globalThis.bench. What fails here rejects; Node writes it down.
 */
class Bench {
  #module // of the peer
  #store
  #reference
  #run // {peer, seed, n, repetition}

  /** Loads a peer's code and makes the documents; nothing of this is timed. */
  async prepare(run) {
    this.#run = run
    this.#module = await import(`./peers/${run.peer}.mjs`)
    this.#reference = new Reference(places(run.seed, 1, run.n))
  }

  /** Opens the store. @returns {Promise<Reading>} how long it took until it was ready */
  async open() {
    collect()
    const start = performance.now()
    this.#store = await this.#module.open('bench')
    return { ms: performance.now() - start, correct: true }
  }

  /** Opens the store and gets one document of it. @returns {Promise<Reading>} how long the two took */
  async reopen() {
    const id = this.#random('cold-reopen').of(this.#reference.ids())
    collect()
    const start = performance.now()
    this.#store = await this.#module.open('bench')
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

  /** What the browser believes this origin stores, bytes. */
  async estimate() {
    return (await navigator.storage.estimate()).usage
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
