import { Random } from './random.mjs'
import { agree, statements } from './statements.mjs'
import { same } from './reference.mjs'
import { Tables, tables } from './visits.mjs'

/** Rows of one call while the tables are filled. */
const batch = 10_000

/** ms after changes that are not timed, before those that are. */
const rest = 2000

/** How many times a row was passed through unmeasured, before its first repetition and before each. */
const practice = { first: 3, each: 1 }

/** The page's half of the campaign of SQL, for one peer; driven from Node through globalThis.asker. */
class Asker {
  #run // {peer, seed, n, profile}
  #rows
  #store

  /** Makes the rows, opens a database and fills it; nothing of this is timed. */
  async fill(run) {
    this.#run = run
    this.#rows = new Tables(run.seed, run.n)
    const { open } = await import(`./peers/sql/${run.peer}.mjs`)
    this.#store = await open('bench', tables)
    for (const table of Object.keys(tables)) {
      const rows = this.#rows[table]
      for (let i = 0; i < rows.length; i += batch) await this.#store.insertMany(table, rows.slice(i, i + batch))
    }
    await this.#store.tidy?.()
  }

  /** Runs one row's statement. @returns {Promise<import('./page.mjs').Reading>} the mean of its rounds, and whether every answer was right */
  async work(name, repetition) {
    if (name === 'live-sql') return this.#live(repetition)
    const statement = statements[name]
    const random = new Random(this.#run.seed, repetition, name)
    for (let pass = repetition === 0 ? 1 - practice.first : 0; pass < practice.each; pass++) await this.#rounds(statement, random)
    if (statement.verify) await new Promise((resolve) => setTimeout(resolve, rest)) // what writes is tidied up after
    return this.#rounds(statement, random, name)
  }

  /** One pass, timed and checked where it has a name. */
  async #rounds({ rounds, text, draw, expect, ordered, run = query, verify, after }, random, name) {
    const questions = Array.from({ length: rounds }, () => draw(this.#rows, random))
    const answers = []
    const ms = await this.#timed(name, async () => {
      for (const values of questions) answers.push(await run(this.#store, text, values))
    })
    let correct = true
    if (name && verify) correct = agree(await verify(this.#store), expect(this.#rows, questions.at(-1)), ordered)
    else if (name) correct = questions.every((values, i) => agree(answers[i], expect(this.#rows, values), ordered))
    await after?.(this.#store, this.#rows)
    return { ms: ms / rounds, correct }
  }

  /**
   * How long it takes from the change of a visit until a join that is watched tells it: from the call, what
   * stores it included. In between visits are changed that the join does not show, of which it must tell nothing.
   */
  async #live(repetition) {
    const random = new Random(this.#run.seed, repetition, 'live-sql')
    const watched = this.#rows.places.filter((place) => this.#rows.visitsTo(place).length > 0)
    const place = random.of(watched)
    const text = 'SELECT v.id, v.rating, p.name FROM visits v JOIN places p ON p.id = v.place WHERE v.place = ? ORDER BY v.id'
    const shown = () => this.#rows.visitsTo(place).map(({ id, rating }) => ({ id, rating, name: place.name }))
    let told = 0
    let rows
    let next = () => {}
    const stop = this.#store.watch(text, [place.id], (found) => {
      rows = found
      told++
      next()
    })
    const telling = (before) => new Promise((resolve) => {
      next = () => told > before && resolve()
      next()
    })
    await telling(0)
    let [ms, correct] = [0, same(rows, shown())]
    for (let i = 0; i < 10; i++) {
      const before = told
      const other = random.of(watched.filter(({ id }) => id !== place.id))
      await this.#change(this.#rows.visitsTo(other)[0])
      await new Promise((resolve) => setTimeout(resolve, 50)) // a page is not told twice in one frame
      correct &&= told === before
      const start = performance.now()
      void this.#change(this.#rows.visitsTo(place)[0])
      await telling(before)
      ms += performance.now() - start
      correct &&= told === before + 1 && same(rows, shown())
    }
    stop()
    return { ms: ms / 10, correct }
  }

  #change(visit) {
    visit.rating += 0.5
    return this.#store.query('UPDATE visits SET rating = ? WHERE id = ?', [visit.rating, visit.id])
  }

  /** Milliseconds that something takes, the collection of garbage before it apart. */
  async #timed(name, run) {
    globalThis.gc?.()
    const title = name && this.#run.profile && `${this.#run.peer}-${name}-${this.#run.n}`
    if (title) console.profile(title)
    const start = performance.now()
    await run()
    const ms = performance.now() - start
    if (title) console.profileEnd(title)
    return ms
  }
}

const query = (store, text, values) => store.query(text, values)

globalThis.asker = new Asker()
