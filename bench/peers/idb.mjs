import { openDB, unwrap } from 'idb'

// IndexedDB as it comes, one record a document: the floor that everything else is
// a ratio of. Requests are issued without waiting for one another wherever one
// transaction holds several; a transaction is awaited as a whole and told to commit
// as soon as its last request is out, which takes a tenth off a single insert. A
// scan through getAll in batches was no faster than one getAll.

const relaxed = { durability: 'relaxed' }

// A result in descending order needs a cursor where the browser cannot reverse getAll.
const reversible = 'getAllRecords' in IDBIndex.prototype

export async function open(name) {
  const db = await openDB(name, 1, {
    upgrade(db) {
      db.createObjectStore('places', { keyPath: 'id' }).createIndex('population', 'population')
    },
  })
  return new Places(db)
}

/** The same documents as values of keys, without an index. */
export async function openKeys(name) {
  return new Keys(await openDB(name, 1, { upgrade: (db) => void db.createObjectStore('places') }))
}

class Keys {
  #db

  constructor(db) {
    this.#db = db
  }

  insertMany(documents) {
    return this.putMany(documents)
  }

  async putMany(documents) {
    const transaction = this.#db.transaction('places', 'readwrite', relaxed)
    const places = unwrap(transaction.store)
    for (const document of documents) places.put(document, document.id)
    transaction.commit()
    await transaction.done
  }

  getMany(ids) {
    const { store } = this.#db.transaction('places')
    return Promise.all(ids.map((id) => store.get(id)))
  }

  get(id) {
    return this.#db.get('places', id)
  }

  async memory() {}
}

class Places {
  #db
  #again // asks what is watched, if anything is

  constructor(db) {
    this.#db = db
  }

  insertMany(documents) {
    return this.#write((places) => {
      for (const document of documents) places.add(document)
    })
  }

  insert(document) {
    return this.#write((places) => void places.add(document))
  }

  get(id) {
    return this.#db.get('places', id)
  }

  getMany(ids) {
    const { store } = this.#db.transaction('places')
    return Promise.all(ids.map((id) => store.get(id)))
  }

  range(low, high) {
    return this.#db.getAllFromIndex('places', 'population', IDBKeyRange.bound(low, high))
  }

  async top(below, limit) {
    const index = this.#db.transaction('places').store.index('population')
    const query = IDBKeyRange.upperBound(below, true)
    if (reversible) return index.getAll({ query, count: limit, direction: 'prev' })
    const found = []
    for (let at = await index.openCursor(query, 'prev'); at && found.length < limit; at = await at.continue()) {
      found.push(at.value)
    }
    return found
  }

  async scan(phrase) {
    const documents = await this.#db.getAll('places')
    return documents.filter(({ text }) => text.includes(phrase))
  }

  count(low, high) {
    return this.#db.countFromIndex('places', 'population', IDBKeyRange.bound(low, high))
  }

  /** Ascending ids, here and in remove, because neighbours in the file are cheaper to find: a tenth. */
  update(ids, patch) {
    return this.#write(async (places, wrapped) => {
      const documents = await Promise.all(ids.toSorted(ascending).map((id) => wrapped.get(id)))
      for (const document of documents) places.put(Object.assign(document, patch))
    })
  }

  remove(ids) {
    return this.#write((places) => {
      for (const id of ids.toSorted(ascending)) places.delete(id)
    })
  }

  /** Nothing tells of a change: the page that makes it asks again. */
  async watch(below, limit, show) {
    this.#again = async () => show(await this.top(below, limit))
    await this.#again()
    return () => {
      this.#again = undefined
    }
  }

  async close() {
    this.#db.close()
  }

  async memory() {}

  /** A write asks for no event of its own: the transaction says whether all of them succeeded. */
  async #write(change) {
    const transaction = this.#db.transaction('places', 'readwrite', relaxed)
    await change(unwrap(transaction.store), transaction.store)
    transaction.commit()
    await transaction.done
    await this.#again?.()
  }
}

function ascending(a, b) {
  return a - b
}
