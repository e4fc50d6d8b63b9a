import { Dexie, liveQuery } from 'dexie'

export async function open(name) {
  const db = new Dexie(name, { chromeTransactionDurability: 'relaxed' })
  db.version(1).stores({ places: 'id, population' })
  await db.open()
  return new Places(db)
}

class Places {
  #db
  #places

  constructor(db) {
    this.#db = db
    this.#places = db.table('places')
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
    const watching = liveQuery(() => this.top(below, limit)).subscribe(show)
    return () => watching.unsubscribe()
  }

  async close() {
    this.#db.close()
  }

  async memory() {}
}
