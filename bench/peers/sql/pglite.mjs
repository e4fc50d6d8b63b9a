import { PGlite } from '/node_modules/@electric-sql/pglite/dist/index.js'

/** Postgres on the page's thread, its files in IndexedDB, and answers that do not wait for them to be written: `relaxedDurability`. */
export async function open(name, tables) {
  const db = await PGlite.create(`idb://${name}`, { relaxedDurability: true })
  for (const [table, { columns, indexes }] of Object.entries(tables)) {
    const [key, ...others] = Object.entries(columns).map((column) => column.join(' '))
    await db.exec(`CREATE TABLE ${table} (${[`${key} PRIMARY KEY`, ...others]})`)
    for (const index of indexes) await db.exec(`CREATE INDEX ON ${table} (${index})`)
  }
  return new Database(db)
}

class Database {
  #db
  #texts = new Map() // with $1 for the first ?

  constructor(db) {
    this.#db = db
  }

  async query(text, values) {
    if (!this.#texts.has(text)) {
      let number = 0
      this.#texts.set(text, text.replace(/\?/g, () => `$${++number}`))
    }
    const { rows } = await this.#db.query(this.#texts.get(text), values)
    return rows
  }

  /** As one value of JSON, which Postgres takes apart. */
  insertMany(table, rows) {
    return this.#db.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1)`, [rows])
  }

  tidy() {
    return this.#db.exec('ANALYZE')
  }
}
