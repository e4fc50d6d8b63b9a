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
  #run // {peer, seed, n, repetition, profile}
  #reference
  #module // of the peer
  #opened // undefined before open and after an open that failed

  /** Makes the documents and loads a peer's code; nothing of this is timed. */
  async prepare(run) {
    this.#run = run
    this.#reference = new Reference(places(run.seed, 1, run.n))
    this.#module = await import(`./peers/${run.peer}.mjs`)
  }

  /** Opens the store. @returns {Promise<Reading>} how long it took until it was ready */
  async open() {
    return { ms: await this.#timed('empty-open', () => this.#open()), correct: true }
  }

  /**
   * Fills two stores of up to 10,000 documents each and closes them: browsers run
   * code slowly at first, JavaScript and WebAssembly alike, and compile it better
   * while it runs.
   */
  async practise() {
    const { seed, n } = this.#run
    for (const name of ['practice-1', 'practice-2']) {
      const store = await this.#module.open(name)
      await store.insertMany(places(seed, 1, Math.min(n, 10_000)))
      await store.close()
    }
  }

  /** Opens the store and gets one document of it. @returns {Promise<Reading>} how long the two took */
  async reopen() {
    const id = this.#random('cold-reopen').of(this.#reference.ids())
    let answer
    const ms = await this.#timed('cold-reopen', async () => {
      await this.#open()
      answer = await this.#store.get(id)
    })
    return { ms, correct: same(answer, this.#reference.get(id)) }
  }

  /** Does one work of works.mjs. @returns {Promise<Reading>} the mean of its rounds, and whether every answer was right */
  async work(name) {
    const work = works[name]
    const random = this.#random(name)
    for (let pass = 0; pass < work.warm; pass++) await this.#ask(work, this.#draw(work, random), [])
    const questions = this.#draw(work, random)
    const answers = []
    const whole = await this.#timed(name, () => this.#ask(work, questions, answers))
    const ms = answers.every((answer) => answer?.ms !== undefined) ? answers.reduce((sum, answer) => sum + answer.ms, 0) : whole
    return { ms: ms / work.rounds, correct: await this.#verify(work, questions, answers) }
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

  async #ask(work, questions, answers) {
    for (const question of questions) answers.push(await work.ask(this.#store, question))
  }

  /**
   * Milliseconds that something takes. Garbage is collected before it, outside its
   * time, so that no work pays for the one before; the bench's browser exposes gc.
   */
  async #timed(name, run) {
    const { profile, peer, n } = this.#run
    globalThis.gc?.()
    const title = `${peer}-${name}-${n}`
    if (profile) console.profile(title)
    const start = performance.now()
    await run()
    const ms = performance.now() - start
    if (profile) console.profileEnd(title)
    return ms
  }

  async #verify(work, questions, answers) {
    for (const [i, question] of questions.entries()) {
      if (!(await work.verify(this.#reference, question, answers[i], this.#store))) return false
    }
    return true
  }
}

/** @typedef {{ms: number, correct: boolean}} Reading */

globalThis.bench = new Bench()
