import { open } from 'stowage'
import { structures } from 'stowage/structures'
import { Random } from './random.mjs'

/** A cache that holds all of a million members. */
const cacheBytes = 512 << 20

/** As sorted/main.go makes them. */
const memberOf = (i) => `member ${String(i).padStart(8, '0')}`
const step = 15_485_863

/** What is asked of a sorted set: see works.mjs. Adds come last, for ranks are held against the set as it was filled. */
const works = {
  'sorted-rank': {
    draw: ({ order }, random) => random.below(order.length),
    ask: ({ s, order }, rank) => s.zRank('set', order[rank].member),
    verify: (_set, rank, answer) => answer === rank,
  },
  'sorted-range': {
    draw: ({ order }, random) => random.below(order.length - 10),
    ask: ({ s }, first) => s.zRange('set', first, first + 9),
    verify: ({ order }, first, answer) => JSON.stringify(answer) === JSON.stringify(order.slice(first, first + 10)),
  },
  'sorted-count': {
    draw: ({ order }, random) => random.below(order.length - (order.length >> 2)),
    ask: ({ s, order }, first) => s.zCount('set', { min: order[first].score, max: order[first + (order.length >> 2)].score, maxOpen: true }),
    verify: ({ order }, _first, answer) => answer === order.length >> 2,
  },
  'sorted-add': {
    draw({ order, added }, random) {
      const z = { member: memberOf(random.below(2 * order.length)), score: random.fraction() } // new, half of them
      added.set(z.member, z.score)
      return z
    },
    ask: ({ s }, z) => s.zAdd('set', z),
    verify: async ({ s, added }, { member }) => (await s.zScore('set', member)) === added.get(member),
  },
}

/** The half of sorted.mjs that runs in the browser: sorted sets by their sizes, each in an environment of its own. */
class Sorter {
  #sets = new Map()

  async open(n, seed) {
    const db = await open(`sorted ${n}`, { cacheBytes })
    await db.import((await fetch(`/made/${n}.stowage`)).body, { modifiers: [] })
    const order = []
    for (let i = 0; i < n; i++) order[(i * step) % n] = { member: memberOf(2 * i), score: (i * step) % n }
    this.#sets.set(n, { s: structures(db, 'structures'), order, random: new Random(seed, n), added: new Map() })
  }

  /** Asks a work so many times in a row. @returns {Promise<import('./page.mjs').Reading>} the mean */
  async run(name, n, calls) {
    const set = this.#sets.get(n)
    const { draw, ask, verify } = works[name]
    const questions = Array.from({ length: calls }, () => draw(set, set.random))
    const answers = []
    globalThis.gc?.()
    const start = performance.now()
    for (const question of questions) answers.push(await ask(set, question))
    const ms = (performance.now() - start) / calls
    let correct = true
    for (const [i, question] of questions.entries()) correct &&= await verify(set, question, answers[i])
    return { ms, correct }
  }
}

globalThis.importer = new Sorter()
