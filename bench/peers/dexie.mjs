import { Dexie, liveQuery } from 'dexie'

export function open(name) {
  return prepare(new Dexie(name, { chromeTransactionDurability: 'relaxed' }), liveQuery)
}

/** The store in a database of any Dexie, with that one's liveQuery. */
export async function prepare(db, liveQuery) {
  db.version(1).stores({ places: 'id, population' })
  await db.open()
  return new Places(db, liveQuery)
}

class Places {
  #db
  #places
  #liveQuery

  constructor(db, liveQuery) {
    this.#db = db
    this.#places = db.table('places')
    this.#liveQuery = liveQuery
  }

  insertMany(documents) {
    return this.#places.bulkAdd(documents)
  }

  insert(document) {
    return this.#places.add(document)
  }

  get(id) {
    return this.#places.get(id)
  }

  getMany(ids) {
    return this.#places.bulkGet(ids)
  }

  range(low, high) {
    return this.#places.where('population').between(low, high, true, true).toArray()
  }

  top(below, limit) {
    return this.#places.where('population').below(below).reverse().limit(limit).toArray()
  }

  scan(phrase) {
    return this.#places.filter(({ text }) => text.includes(phrase)).toArray()
  }

  count(low, high) {
    return this.#places.where('population').between(low, high, true, true).count()
  }

  update(ids, patch) {
    return this.#places.bulkUpdate(ids.map((key) => ({ key, changes: patch })))
  }

  remove(ids) {
    return this.#places.bulkDelete(ids)
  }

  watch(below, limit, show) {
    const watching = this.#liveQuery(() => this.top(below, limit)).subscribe(show)
    return () => watching.unsubscribe()
  }

  async close() {
    this.#db.close()
  }

  async memory() {}
}
