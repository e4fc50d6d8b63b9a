import sqlite3InitModule from '/node_modules/@sqlite.org/sqlite-wasm/dist/index.mjs'

let db
const prepared = new Map() // by text

const methods = {
  /** What was committed is as durable as elsewhere in the bench: the operating system has it. */
  async open(name, tables) {
    const sqlite3 = await sqlite3InitModule()
    const pool = await sqlite3.installOpfsSAHPoolVfs({})
    db = new pool.OpfsSAHPoolDb(`/${name}`)
    db.exec('PRAGMA synchronous = off')
    for (const [table, { columns, indexes }] of Object.entries(tables)) {
      const [key, ...others] = Object.entries(columns).map((column) => column.join(' '))
      db.exec(`CREATE TABLE ${table} (${[`${key} PRIMARY KEY`, ...others]})`)
      for (const index of indexes) db.exec(`CREATE INDEX ${table}_${index} ON ${table} (${index})`)
    }
  },

  tidy() {
    db.exec('ANALYZE')
  },

  query(text, values) {
    const statement = prepare(text)
    if (values.length > 0) statement.bind(values)
    const rows = []
    try {
      while (statement.step()) rows.push(statement.get({}))
    } finally {
      statement.reset()
    }
    return rows
  },

  insertMany(table, rows) {
    const columns = Object.keys(rows[0])
    const statement = prepare(`INSERT INTO ${table} (${columns}) VALUES (${columns.map(() => '?')})`)
    db.transaction(() => {
      for (const row of rows) statement.bind(columns.map((column) => row[column])).stepReset()
    })
  },
}

function prepare(text) {
  if (!prepared.has(text)) prepared.set(text, db.prepare(text))
  return prepared.get(text)
}

self.onmessage = async ({ data: [method, ...parameters] }) => {
  try {
    self.postMessage({ rows: await methods[method](...parameters) })
  } catch (error) {
    self.postMessage({ error: error.message })
  }
}
