/**
 * SQLite's own build, in a worker of the page, on a pool of files with
 * synchronous access (the VFS opfs-sahpool): the quicker one of its two ways to
 * OPFS, and the one that a page can have without being cross-origin isolated.
 */
export async function open(name, tables) {
  const database = new Database(new Worker('/peers/sql/sqlite-worker.mjs', { type: 'module' }))
  await database.call('open', name, tables)
  return database
}

class Database {
  #worker
  #waiting = [] // in the order in which the worker answers

  constructor(worker) {
    this.#worker = worker
    worker.onmessage = ({ data: { rows, error } }) => {
      const { resolve, reject } = this.#waiting.shift()
      if (error) reject(new Error(error))
      else resolve(rows)
    }
    worker.onerror = ({ message }) => this.#waiting.shift()?.reject(new Error(message))
  }

  query(text, values) {
    return this.call('query', text, values)
  }

  insertMany(table, rows) {
    return this.call('insertMany', table, rows)
  }

  tidy() {
    return this.call('tidy')
  }

  call(...message) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#worker.postMessage(message)
    })
  }
}
