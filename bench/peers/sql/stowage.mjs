import { open as openStowage, table } from 'stowage'

/** Tables that the program describes, as documents; the engine runs on the page's thread. */
export async function open(name, tables) {
  const described = Object.entries(tables).map(([name, { columns, indexes }]) => [name, table({ key: Object.keys(columns)[0], indexes })])
  return new Database(await openStowage(name, { sql: true, tables: Object.fromEntries(described) }))
}

/** Rows of one INSERT. */
const together = 500

class Database {
  #db

  constructor(db) {
    this.#db = db
  }

  query(text, values) {
    return this.#db.sql(text, ...values).all()
  }

  insertMany(table, rows) {
    const columns = Object.keys(rows[0])
    return this.#db.transaction(async (tx) => {
      for (let i = 0; i < rows.length; i += together) {
        const some = rows.slice(i, i + together)
        const places = some.map(() => `(${columns.map(() => '?')})`)
        await tx.sql(`INSERT INTO ${table} (${columns}) VALUES ${places}`, ...some.flatMap((row) => columns.map((column) => row[column]))).run()
      }
    })
  }

  watch(text, values, show) {
    return this.#db.sql(text, ...values).subscribe(show)
  }
}
