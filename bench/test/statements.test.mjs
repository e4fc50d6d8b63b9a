import assert from 'node:assert/strict'
import { test } from 'node:test'
import sqlite3InitModule from '@sqlite.org/sqlite-wasm'
import { Random } from '../random.mjs'
import { agree, statements } from '../statements.mjs'
import { Tables, tables } from '../visits.mjs'

/** A database of SQLite in memory, filled with the rows. */
async function filled(rows) {
  const sqlite3 = await sqlite3InitModule()
  const db = new sqlite3.oo1.DB()
  const query = (text, values) => db.exec(text, { ...(values.length > 0 && { bind: values }), rowMode: 'object', returnValue: 'resultRows' })
  const insertMany = (table, rows) => db.transaction(() => {
    for (const row of rows) query(`INSERT INTO ${table} VALUES (${Object.keys(row).map(() => '?')})`, Object.values(row))
  })
  for (const [table, { columns }] of Object.entries(tables)) {
    query(`CREATE TABLE ${table} (${Object.entries(columns).map((column) => column.join(' '))})`, [])
    insertMany(table, rows[table])
  }
  return { query, insertMany }
}

test('what statements are expected to answer is what SQLite answers', async () => {
  const rows = new Tables(1, 500)
  const store = await filled(rows)
  for (const [name, { text, draw, expect, ordered, run, verify, after }] of Object.entries(statements)) {
    const random = new Random(1, name)
    for (let i = 0; i < 5; i++) {
      const values = draw(rows, random)
      let answer = await (run ?? query)(store, text, values)
      if (verify) answer = await verify(store)
      assert.ok(agree(answer, expect(rows, values), ordered), `${name} of ${JSON.stringify(values).slice(0, 100)}`)
      await after?.(store, rows)
    }
  }
})

const query = (store, text, values) => store.query(text, values)

test('rows agree in any order, or in theirs', () => {
  const [a, b] = [{ id: 1, rating: 0.5 }, { id: 2, rating: 1.5 }]
  assert.ok(agree([b, a], [a, b]))
  assert.ok(!agree([b, a], [a, b], true))
  assert.ok(!agree([a], [a, b]))
  assert.ok(!agree([a, { ...b, rating: 1.6 }], [a, b]))
  assert.ok(!agree([a, { ...b, more: 1 }], [a, b]))
})
