/**
 * What a store must answer, computed from the documents themselves: a Map and
 * a sorted list. Every peer's answers are held against it.
 */
export class Reference {
  #byId
  #ids // undefined after a change
  #ranked // documents by population, ascending; undefined after a change

  /** @param {import('./documents.mjs').Place[]} documents */
  constructor(documents) {
    this.#byId = new Map(documents.map((document) => [document.id, document]))
  }

  get size() {
    return this.#byId.size
  }

  /** The highest id. New documents go behind it. */
  get lastId() {
    return this.ids().reduce((last, id) => Math.max(last, id), 0)
  }

  ids() {
    this.#ids ??= Array.from(this.#byId.keys())
    return this.#ids
  }

  all() {
    return Array.from(this.#byId.values())
  }

  get(id) {
    return this.#byId.get(id)
  }

  /** Documents with a population from low to high, both included, ascending. */
  range(low, high) {
    return this.ranked().filter(({ population }) => population >= low && population <= high)
  }

  /** The most populous documents below a population, descending. */
  top(below, limit) {
    return this.ranked().filter(({ population }) => population < below).slice(-limit).reverse()
  }

  /** Documents whose text contains the phrase. */
  scan(phrase) {
    return this.all().filter(({ text }) => text.includes(phrase))
  }

  insert(documents) {
    for (const document of documents) this.#byId.set(document.id, document)
    this.#changed()
  }

  update(ids, patch) {
    for (const id of ids) this.#byId.set(id, { ...this.#byId.get(id), ...patch })
    this.#changed()
  }

  remove(ids) {
    for (const id of ids) this.#byId.delete(id)
    this.#changed()
  }

  /** All documents by population, ascending. */
  ranked() {
    this.#ranked ??= this.all().sort((a, b) => a.population - b.population)
    return this.#ranked
  }

  #changed() {
    this.#ids = undefined
    this.#ranked = undefined
  }
}

/** Whether two JSON values are equal, whatever the order of their keys. */
export function same(a, b) {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]))
}

/** Whether two lists hold the same documents, in any order. */
export function sameSet(answer, expected) {
  if (!Array.isArray(answer) || answer.length !== expected.length) return false
  const byId = new Map(answer.map((document) => [document?.id, document]))
  return byId.size === expected.length && expected.every((document) => same(byId.get(document.id), document))
}

/**
 * Whether a list is the documents that were expected, ordered by population;
 * documents of one population may stand in any order, so that each is looked
 * up in the reference instead of compared by position.
 */
export function sameOrder(answer, expected, reference) {
  return (
    Array.isArray(answer) &&
    answer.length === expected.length &&
    new Set(answer.map(({ id }) => id)).size === answer.length &&
    answer.every((document, i) =>
      document.population === expected[i].population && same(document, reference.get(document.id)))
  )
}
