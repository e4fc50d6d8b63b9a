import { open as openStowage, table, where } from 'stowage'
import { coder } from 'stowage/coders'

export async function open(name, modifiers = []) {
  return new Places(await openStowage(name, { modifiers, tables: { places: table({ key: 'id', indexes: ['population'] }) } }))
}

/** The same documents as values of keys, which nothing is known about. */
export async function openKeys(name) {
  return new Keys(await openStowage(name))
}

class Keys {
  #db
  #store

  constructor(db) {
    this.#db = db
    this.#store = db.store('places', { key: coder.uint32, value: coder.messagePack })
  }

  insertMany(documents) {
    return this.putMany(documents)
  }

  putMany(documents) {
    return this.#store.putMulti(documents.map((document) => [document.id, document]))
  }

  async getMany(ids) {
    const found = await this.#store.getMulti(ids)
    return ids.map((id) => found.get(id))
  }

  get(id) {
    return this.#store.get(id)
  }

  tidy() {
    return this.#db.checkpoint()
  }

  async written() {
    const { writtenBytes, blobs } = await this.#db.stat()
    return { bytes: writtenBytes, blobs }
  }

  async memory() {
    const { memoryBytes } = await this.#db.stat()
    return memoryBytes
  }
}

class Places {
  #db
  #places

  constructor(db) {
    this.#db = db
    this.#places = db.places
  }

  insertMany(documents) {
    return this.#places.insertMany(documents)
  }

  insert(document) {
    return this.#places.insert(document)
  }

  get(id) {
    return this.#places.get(id)
  }

  getMany(ids) {
    return this.#places.getMany(ids)
  }

  range(low, high) {
    return this.#places.find(where('population').between(low, high))
  }

  top(below, limit) {
    return this.#places.find(where('population').lt(below)).orderBy('population', 'desc').limit(limit)
  }

  scan(phrase) {
    return this.#places.find(where('text').contains(phrase))
  }

  count(low, high) {
    return this.#places.count(where('population').between(low, high))
  }

  update(ids, patch) {
    return this.#places.update(where('id').in(ids), patch)
  }

  remove(ids) {
    return this.#places.deleteMany(ids)
  }

  watch(below, limit, show) {
    return this.top(below, limit).subscribe(show)
  }

  close() {
    return this.#db.close()
  }

  async memory() {
    const { memoryBytes } = await this.#db.stat()
    return memoryBytes
  }
}
