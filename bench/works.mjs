import { phrase, places } from './documents.mjs'
import { same, sameOrder, sameSet } from './reference.mjs'

/** Bounds that hold every population. */
export const everything = [0, Number.MAX_SAFE_INTEGER]

const bulkInsert = {
  rounds: 1,
  warm: 0,
  draw: (reference) => reference.all(),
  ask: (store, documents) => store.insertMany(documents),
  async verify(reference, documents, _answer, store) {
    const every = Math.max(1, Math.floor(documents.length / 1000))
    const sample = documents.filter((_, i) => i % every === 0)
    return (await store.count(...everything)) === documents.length && holds(store, sample)
  },
}

/**
 * The rows that are timed in the page, in the order in which they run. A work
 * is a question that is asked `rounds` times, each time about something else,
 * one after the other; its time is the mean of a round.
 *
 *     rounds    how often it is asked
 *     session   the browser process it belongs to: 'import' fills an empty
 *               profile, 'use' finds that profile filled, 'bulk' is apart
 *     warm      how many unmeasured passes, with other questions, go before
 *     draw      (reference, random) → a question; a change is made in the reference at once
 *     ask       (store, question) → a Promise of the answer; only this is timed. An
 *               answer that tells its own milliseconds, as ms, counts as these
 *     verify    (reference, question, answer, store) → whether the answer, or
 *               what the change left in the store, is right
 *
 * @type {Record<string, Work>}
 */
export const works = {
  'cold-bulk-insert': { ...bulkInsert, session: 'import' },

  'bulk-insert': { ...bulkInsert, session: 'bulk' },

  'warm-get': {
    rounds: 2000,
    session: 'use',
    warm: 5,
    draw: (reference, random) => random.of(reference.ids()),
    ask: (store, id) => store.get(id),
    verify: (reference, id, answer) => same(answer, reference.get(id)),
  },

  'batch-get': {
    rounds: 20,
    session: 'use',
    warm: 5,
    draw: (reference, random) => Array.from({ length: 100 }, () => random.of(reference.ids())),
    ask: (store, ids) => store.getMany(ids),
    verify: (reference, ids, answer) => same(answer, ids.map((id) => reference.get(id))),
  },

  'indexed-range': {
    rounds: 5,
    session: 'use',
    warm: 3,
    draw: eightPercent,
    ask: (store, { low, high }) => store.range(low, high),
    verify: (reference, { low, high }, answer) => sameSet(answer, reference.range(low, high)),
  },

  'ordered-limit': {
    rounds: 20,
    session: 'use',
    warm: 5,
    draw: (reference, random) => random.of(reference.ranked()).population,
    ask: (store, below) => store.top(below, 20),
    verify: (reference, below, answer) => sameOrder(answer, reference.top(below, 20), reference),
  },

  scan: {
    rounds: 3,
    session: 'use',
    warm: 3,
    draw: (_reference, random) => phrase(random),
    ask: (store, text) => store.scan(text),
    verify: (reference, text, answer) => sameSet(answer, reference.scan(text)),
  },

  'indexed-count': {
    rounds: 20,
    session: 'use',
    warm: 5,
    draw: eightPercent,
    ask: (store, { low, high }) => store.count(low, high),
    verify: (reference, { low, high }, answer) => answer === reference.range(low, high).length,
  },

  'single-insert': {
    rounds: 200,
    session: 'use',
    warm: 2,
    draw(reference, random, { seed }) {
      const [document] = places(seed, reference.lastId + 1, 1)
      reference.insert([document])
      return document
    },
    ask: (store, document) => store.insert(document),
    verify: async (_reference, document, _answer, store) => same(await store.get(document.id), document),
  },

  'update-1000': {
    rounds: 3,
    session: 'use',
    warm: 1,
    draw(reference, random) {
      const change = { ids: thousand(reference, random), patch: { visited: random.below(1e9) } }
      reference.update(change.ids, change.patch)
      return change
    },
    ask: (store, { ids, patch }) => store.update(ids, patch),
    verify: async (reference, { ids }, _answer, store) =>
      (await store.count(...everything)) === reference.size && holds(store, ids.map((id) => reference.get(id))),
  },

  'live-update': {
    rounds: 10,
    session: 'use',
    warm: 3,
    draw(reference, random) {
      const { population } = random.of(reference.ranked().slice(1))
      const { id } = reference.top(population, 1)[0] ?? reference.ranked()[0]
      const change = { below: population, id, patch: { visited: random.below(1e9) } }
      reference.update([id], change.patch)
      return change
    },
    ask: follow,
    verify: (reference, { below, id, patch }, { documents }) =>
      same(documents.map(({ population }) => population), reference.top(below, 20).map(({ population }) => population)) &&
      documents.some((document) => document.id === id && document.visited === patch.visited),
  },

  'delete-1000': {
    rounds: 3,
    session: 'use',
    warm: 1,
    draw(reference, random) {
      const ids = thousand(reference, random)
      reference.remove(ids)
      return ids
    },
    ask: (store, ids) => store.remove(ids),
    verify: async (reference, ids, _answer, store) =>
      (await store.count(...everything)) === reference.size &&
      (await store.getMany(ids)).every((document) => document === undefined),
  },
}

/**
 * @typedef {object} Work
 * @property {number} rounds
 * @property {'import' | 'bulk' | 'use'} session
 * @property {number} warm
 * @property {(reference: import('./reference.mjs').Reference, random: import('./random.mjs').Random, run: {seed: number}) => unknown} draw
 * @property {(store: object, question: any) => Promise<unknown>} ask
 * @property {(reference: import('./reference.mjs').Reference, question: any, answer: any, store: object) => boolean | Promise<boolean>} verify
 */

/** Two populations between which 8 % of the documents lie. */
function eightPercent(reference, random) {
  const ranked = reference.ranked()
  const span = Math.max(1, Math.floor(ranked.length * 0.08))
  const first = random.below(ranked.length - span + 1)
  return { low: ranked[first].population, high: ranked[first + span - 1].population }
}

/** 1,000 different ids, or a quarter of what there is where that is less. */
function thousand(reference, random) {
  return random.some(reference.ids(), Math.min(1000, reference.size >> 2))
}

async function holds(store, documents) {
  return same(await store.getMany(documents.map(({ id }) => id)), documents)
}

/** How long it takes until the change of a document is shown by a query that watches the 20 documents it is among. */
async function follow(store, { below, id, patch }) {
  let shown = () => {}
  let documents
  const until = (holds) =>
    new Promise((resolve) => {
      shown = () => documents !== undefined && holds() && resolve()
      shown()
    })
  const stop = await store.watch(below, 20, (found) => {
    documents = found
    shown()
  })
  await until(() => true)
  await new Promise((resolve) => setTimeout(resolve, 50)) // a page is not told twice in one frame
  const start = performance.now()
  await store.update([id], patch)
  await until(() => documents.some((document) => document.id === id && document.visited === patch.visited))
  const ms = performance.now() - start
  stop()
  return { ms, documents }
}
