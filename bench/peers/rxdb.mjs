import { createRxDatabase, getRxStorageDexie } from 'rxdb'

export const schema = {
  version: 0,
  primaryKey: 'key',
  type: 'object',
  properties: {
    key: { type: 'string', maxLength: 12 },
    population: { type: 'number', minimum: 0, maximum: 100_000_000, multipleOf: 1 },
  },
  required: ['key', 'population'],
  additionalProperties: true,
  indexes: ['population'],
}

export const storage = () => getRxStorageDexie({ chromeTransactionDurability: 'relaxed' })

export async function open(name) {
  return new Places(await collect({ name, storage: storage() }, schema))
}

/** A database with one collection. */
export async function collect(settings, schema) {
  const db = await createRxDatabase({ multiInstance: false, ...settings })
  await db.addCollections({ places: { schema } })
  return db
}

/** RxDB's identities are text: they stand beside the id, under a name of their own. */
const keyOf = (id) => String(id)
const keyed = (document) => ({ ...document, key: keyOf(document.id) })

/** A document as it was put in. */
function plain(found) {
  const { key, ...document } = found.toJSON()
  return document
}

export class Places {
  #db
  #places

  constructor(db) {
    this.#db = db
    this.#places = db.places
  }

  async insertMany(documents) {
    check(await this.#places.bulkInsert(documents.map(keyed)))
  }

  insert(document) {
    return this.#places.insert(keyed(document))
  }

  async get(id) {
    const found = await this.#places.findOne(keyOf(id)).exec()
    return found === null ? undefined : plain(found)
  }

  async getMany(ids) {
    const found = await this.#places.findByIds(ids.map(keyOf)).exec()
    return ids.map((id) => found.get(keyOf(id))).map((document) => document && plain(document))
  }

  range(low, high) {
    return this.find({ selector: { population: { $gte: low, $lte: high } }, index: ['population'] })
  }

  top(below, limit) {
    return this.find(topmost(below, limit))
  }

  scan(phrase) {
    return this.find({ selector: { text: { $regex: phrase } } })
  }

  count(low, high) {
    return this.#places.count({ selector: { population: { $gte: low, $lte: high } }, index: ['population'] }).exec()
  }

  async update(ids, patch) {
    const found = await this.#places.findByIds(ids.map(keyOf)).exec()
    check(await this.#places.bulkUpsert(Array.from(found.values(), (document) => ({ ...document.toJSON(), ...patch }))))
  }

  async remove(ids) {
    check(await this.#places.bulkRemove(ids.map(keyOf)))
  }

  watch(below, limit, show) {
    const watching = this.#places.find(topmost(below, limit)).$.subscribe((found) => show(found.map(plain)))
    return () => watching.unsubscribe()
  }

  async close() {
    await this.#db.close()
  }

  async memory() {}

  async find(query) {
    return (await this.#places.find(query).exec()).map(plain)
  }
}

const topmost = (below, limit) => ({ selector: { population: { $lt: below } }, sort: [{ population: 'desc' }], limit, index: ['population'] })

/** What a bulk call could not do it tells in its answer. */
function check({ error }) {
  if (error.length > 0) throw new Error(`${error.length} documents were refused, the first with ${error[0].status}`)
}
