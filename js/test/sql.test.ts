import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { memory, op, open, StowageError, table } from 'stowage'
import { bounded, TableHooks, timestamps, validated } from 'stowage/policies'

import { rejects } from './places.js'

interface City {
  id: number
  name: string
  country: string
  population: number
}

const schema = table<City>({ key: 'id', indexes: ['country'] })

async function openCities() {
  const db = await open('sql', { driver: memory(), sql: true, tables: { cities: schema } })
  await db.cities.insertMany([
    { id: 1, name: 'Oslo', country: 'NO', population: 709_037 },
    { id: 2, name: 'Bergen', country: 'NO', population: 291_940 },
    { id: 3, name: 'Uppsala', country: 'SE', population: 177_074 },
  ])
  return db
}

test('statements read what tables hold, and tables what statements write', async () => {
  const db = await openCities()
  const country = 'NO'
  const rows = await db.sql<Pick<City, 'name'>>`SELECT name FROM cities WHERE country = ${country} ORDER BY name`
  assert.deepEqual(rows, [{ name: 'Bergen' }, { name: 'Oslo' }])
  assert.deepEqual(await db.sql<City>`SELECT * FROM cities WHERE id = ${3}`.first(), { id: 3, name: 'Uppsala', country: 'SE', population: 177_074 })
  assert.equal(await db.sql`SELECT * FROM cities WHERE id = ${9}`.first(), undefined)
  assert.equal(await db.sql`UPDATE cities SET population = population + 1 WHERE country = 'NO'`.run(), 2)
  assert.equal((await db.cities.get(1))?.population, 709_038)
  assert.deepEqual(await db.sql('INSERT INTO cities (id, name, country) VALUES (?, ?, ?) RETURNING id', 4, 'Lund', 'SE'), [{ id: 4 }])
  assert.equal(await db.cities.count({ country: 'SE' }), 2)
  await db.close()
})

test('values are bound, whatever they are', async () => {
  const db = await openCities()
  const bytes = Uint8Array.of(1, 2)
  const [row] = await db.sql`SELECT ${null} a, ${undefined} b, ${true} c, ${1.5} d, ${"'; DROP TABLE cities"} e, ${bytes} f, ${new Date(0)} g, ${{ x: [1] }} ->> '$.x[0]' h, ${2n ** 60n} i`
  assert.deepEqual(row, { a: null, b: null, c: 1, d: 1.5, e: "'; DROP TABLE cities", f: bytes, g: '1970-01-01T00:00:00.000Z', h: 1, i: 2n ** 60n })
  await db.close()
})

test('a transaction runs statements on its snapshot, and keeps nothing of those that fail', async () => {
  const db = await openCities()
  await db.transaction(async tx => {
    await tx.sql`DELETE FROM cities WHERE id = 1`
    await rejects('duplicate_key', tx.sql`INSERT INTO cities (id, name) VALUES (7, 'Rome'), (2, 'Bergen')`.run())
    assert.deepEqual(await tx.sql`SELECT id FROM cities ORDER BY id`, [{ id: 2 }, { id: 3 }])
    assert.equal(await db.cities.count(), 3, 'nobody else sees it yet')
    assert.throws(() => tx.sql`SELECT 1`.subscribe(() => {}), { code: 'invalid_option' })
  })
  assert.equal(await db.cities.count(), 2)
  await db.close()
})

test('rows come in parts while they are iterated', async () => {
  const db = await openCities()
  await db.sql`CREATE TABLE numbers (n INTEGER PRIMARY KEY, text TEXT)`
  await db.sql`INSERT INTO numbers WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 30000) SELECT n, ${'x'.repeat(100)} FROM up`
  let sum = 0
  for await (const { n } of db.sql<{ n: number }>`SELECT n, text FROM numbers`) {
    sum += n
    if (n === 20_000) break
  }
  assert.equal(sum, 200_010_000)
  assert.equal((await db.sql`SELECT n, text FROM numbers`).length, 30_000)
  assert.deepEqual(await db.sql`SELECT n FROM numbers, (SELECT zeroblob(100)) z ORDER BY n DESC`.first(), { n: 30_000 })
  await db.close()
})

test('a statement tells what is wrong with it', async () => {
  const db = await openCities()
  await rejects('syntax', db.sql`SELEC 1`.all())
  await rejects('unknown_table', db.sql`SELECT * FROM towns`.all())
  await rejects('unknown_function', db.sql`SELECT nonsense(1)`.all())
  await rejects('wrong_arguments', db.sql('SELECT ?, ?', 1).all())
  assert.deepEqual(await db.sql`WITH a (n) AS (SELECT ${1}) SELECT n, ${2} AS m FROM a`, [{ n: 1, m: 2 }])
  await rejects('unsupported', db.sql`BEGIN`.all())
  const ended = new AbortController()
  ended.abort()
  await rejects('aborted', db.sql`SELECT 1`.all({ signal: ended.signal }))
  const running = new AbortController()
  const endless = db.sql`WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up) SELECT max(n) FROM up`.all({ signal: running.signal })
  setTimeout(() => running.abort(), 20)
  await rejects('aborted', endless)
  const without = await open('without', { driver: memory() })
  await rejects('unsupported', without.sql`SELECT 1`.all())
  await without.close()
  await db.close()
})

test('a live statement is asked again when what it read has changed', async () => {
  const db = await openCities()
  const told: string[][] = []
  let arrived = () => {}
  const stop = db.sql<City>`SELECT a.id, a.name || '+' || b.name AS name FROM cities a JOIN cities b ON b.country = a.country AND b.id > a.id`.subscribe(rows => {
    told.push(rows.map(row => row.name))
    arrived()
  })
  const next = (n: number) => new Promise<void>(resolve => {
    arrived = () => told.length >= n && resolve()
    arrived()
  })
  await next(1)
  await db.sql`INSERT INTO cities (id, name, country) VALUES (4, 'Lund', 'SE')`
  await next(2)
  await db.cities.delete(2)
  await next(3)
  stop()
  assert.deepEqual(told, [['Oslo+Bergen'], ['Oslo+Bergen', 'Uppsala+Lund'], ['Uppsala+Lund']])
  await db.close()
})

test('a plan can be looked at', async () => {
  const db = await openCities()
  const steps = await db.sql`SELECT name FROM cities WHERE id = ${1}`.explain()
  assert.match(steps.map(step => step.detail).join(), /cities/)
  assert.equal(await db.cities.count(), 3)
  await db.close()
})

const page = readFileSync('SQL.md', 'utf8')

/** The statements of blocks of a kind, one a line, with what stands behind -- as what they come to. */
function lines(kind: string): [text: string, expected: string | undefined][] {
  const blocks = [...page.matchAll(new RegExp(`\`\`\`${kind}\n(.*?)\`\`\``, 'gs'))].map(([, text]) => text!)
  return blocks.join('').split('\n').filter(line => line !== '').map(line => {
    const [text, expected] = line.split(/ +-- /)
    return [text!, expected]
  })
}

test('every line of SQL.md comes to what it says', async () => {
  const db = await openCities()
  for (const [text, expected] of lines('sql')) {
    const rows = await db.sql(text).all().catch((error: StowageError) => assert.fail(`${text}: ${error.message}`))
    if (expected !== undefined) assert.equal(JSON.stringify(rows.map(row => Object.values(row))), JSON.stringify(JSON.parse(expected)), text)
  }
  const refused = lines('refused')
  for (const [text, code] of refused) await rejects(code as 'unsupported', db.sql(text).all(), text)
  assert.ok(refused.length > 0)
  await db.close()
})

/** A table whose hooks note what they are told, and change what is stored. */
function noted(log: string[]) {
  const on = new TableHooks<City & { slug?: string; changes?: number }>()
  on.hook('create', city => {
    city.slug = city.name.toLowerCase()
    log.push(`create ${city.id}`)
  })
  on.hook('update', async city => {
    city.changes = (city.changes ?? 0) + 1
    log.push(`update ${city.id}`)
  })
  on.hook('delete', city => void log.push(`delete ${city.id}`))
  return table<City & { slug?: string; changes?: number }>({ key: 'id', policies: [on] })
}

test('hooks see what statements write as if the tables had written it', async () => {
  const [byTable, byStatement]: [string[], string[]] = [[], []]
  const db = await open('hooked', { driver: memory(), sql: true, tables: { a: noted(byTable), b: noted(byStatement), plain: schema } })
  const city = (id: number, name: string) => ({ id, name, country: 'NO', population: id })
  const { a, sql } = db

  await a.insertMany([city(1, 'Oslo'), city(2, 'Bergen'), city(3, 'Hamar')])
  await sql`INSERT INTO plain (id, name, country, population) VALUES (3, 'Hamar', 'NO', 3)`
  assert.deepEqual(await sql`INSERT INTO b (id, name, country, population) VALUES (1, 'Oslo', 'NO', 1), (2, 'Bergen', 'NO', 2) RETURNING id`, [{ id: 1 }, { id: 2 }])
  assert.equal(await sql`INSERT INTO b (id, name, country, population) SELECT id, name, country, population FROM plain`.run(), 1)

  await a.update({ population: { $gt: 1 } }, op.add('population', 10))
  assert.deepEqual(await sql`UPDATE b SET population = population + 10 WHERE population > 1 RETURNING name`.first(), { name: 'Bergen' })

  await a.upsert({ id: 1, population: 5 })
  await sql`INSERT INTO b (id, name) VALUES (1, 'X') ON CONFLICT (id) DO UPDATE SET population = 5`.run()

  await a.put(city(2, 'Lund'))
  await sql`INSERT OR REPLACE INTO b (id, name, country, population) VALUES (2, 'Lund', 'NO', 2)`

  await a.delete(1)
  await a.insert({ ...(await a.get(3))!, id: 4 })
  await a.delete(3)
  for await (const _ of sql`DELETE FROM b WHERE id = 1 RETURNING id`) byStatement.push('told')
  await sql`UPDATE b SET id = 4 WHERE id = 3`

  assert.deepEqual(await db.b.find(), await a.find())
  assert.equal((await db.b.get(2))!.changes, 1)
  assert.deepEqual(byStatement.filter(line => line !== 'told').sort(), byTable.sort())
  assert.equal(byStatement.length, byTable.length + 1)
  assert.deepEqual(await sql`SELECT slug FROM b WHERE id = 4`, [{ slug: 'hamar' }])
  await db.close()
})

test('what a hook throws at a statement leaves nothing of it', async () => {
  const on = new TableHooks<City>()
  const thrown = new RangeError('no')
  on.hook('update', () => { throw thrown })
  const db = await open('throwing', { driver: memory(), sql: true, tables: { cities: table<City>({ key: 'id', policies: [on] }), plain: schema } })
  await db.sql`INSERT INTO cities (id, name) VALUES (1, 'Oslo'), (2, 'Bergen')`
  const refused = (work: PromiseLike<unknown>) => assert.rejects(async () => work, error => error === thrown)
  await refused(db.sql`UPDATE cities SET name = 'x'`.run())
  assert.deepEqual(await db.cities.find().select('name'), [{ name: 'Oslo' }, { name: 'Bergen' }])
  await db.transaction(async tx => {
    await tx.sql`INSERT INTO cities (id, name) VALUES (3, 'Lund')`
    await refused(tx.sql`UPDATE cities SET name = 'x'`.all())
    await rejects('duplicate_key', tx.sql`INSERT INTO cities (id) VALUES (4), (1)`.run())
    await tx.sql`DELETE FROM cities WHERE id = 1`
    await tx.sql`INSERT INTO plain (id, name) SELECT id, name FROM cities`
  })
  assert.deepEqual(await db.sql`SELECT id, name FROM plain ORDER BY id`, [{ id: 2, name: 'Bergen' }, { id: 3, name: 'Lund' }])
  assert.deepEqual(await db.cities.find().select('id'), [{ id: 2 }, { id: 3 }])
  await db.close()
})

test('the transaction around a statement is busy for its hooks', async () => {
  const on = new TableHooks<City>()
  const db = await open('around', { driver: memory(), sql: true, tables: { cities: table<City>({ key: 'id', policies: [on] }) } })
  const tx = await db.begin({ write: true })
  const insert = (id: number) => tx.sql`INSERT INTO cities (id, name) VALUES (${id}, 'Oslo')`.run()
  for (const meanwhile of [() => tx.cities.count(), () => tx.commit()]) {
    const busy = on.hook('create', async () => void (await meanwhile()))
    await rejects('tx_busy', insert(1))
    on.unhook('create', busy)
    assert.equal(await tx.cities.count(), 0)
  }
  on.hook('create', async (city, cities) => { city.population = await cities.count() })
  await insert(2)
  await tx.cities.insert({ id: 3, name: 'Hamar', country: 'NO', population: 0 })
  await tx.commit()
  assert.deepEqual(await db.cities.find().select('id', 'population'), [{ id: 2, population: 1 }, { id: 3, population: 1 }])

  const half = await db.begin({ write: true }) // of what a table writes the hooks are in the transaction itself, which nobody can end
  on.hook('create', () => half.commit())
  await rejects('tx_busy', half.cities.insert({ id: 4, name: 'Lund', country: 'SE', population: 0 }))
  await rejects('tx_busy', half.commit())
  assert.equal(await db.cities.count(), 2)
  await db.close()
})

test('policies keep their promises to what statements write', async () => {
  const positive = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ((value as City).population < 0 ? { issues: [{ message: 'negative' }] } : { value: value as City }) } } as const
  const db = await open('policies', {
    driver: memory(),
    sql: true,
    tables: {
      few: table<City & { created?: Date }>({ key: 'id', policies: [timestamps({ modified: false, clock: () => 5 }), bounded({ kind: 'fifo', max: 2 })] }),
      checked: table<City>({ key: 'id', policies: [validated(positive)] }),
    },
  })
  await db.sql`INSERT INTO few (id) VALUES (1), (2)`
  await db.sql`INSERT INTO few (id) VALUES (3)`
  assert.deepEqual(await db.few.find(), [2, 3].map(id => ({ id, created: new Date(5) })))
  await rejects('invalid_document', db.sql`INSERT INTO checked (id, population) VALUES (1, 5), (2, -1)`.run())
  assert.equal(await db.checked.count(), 0)
  await db.close()
})

const endless = 'WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up) SELECT count(*) AS n FROM up'

test('a statement ends where its work or its caller does', async () => {
  const db = await openCities()
  await rejects('work_limit', db.sql(endless).all({ work: 1000 }))
  await rejects('work_limit', db.sql(endless).with({ work: 1000 }).first())
  await rejects('work_limit', async () => { for await (const _ of db.sql(endless).with({ work: 1000 })) assert.fail() })
  await rejects('work_limit', db.sql(`UPDATE cities SET population = (${endless})`).run({ work: 1000 }))
  assert.equal((await db.sql`SELECT name FROM cities`.all({ work: 1000 })).length, 3)
  const ending = new AbortController()
  setTimeout(() => ending.abort(), 5)
  await rejects('aborted', db.sql(endless).all({ signal: ending.signal }))
  await rejects('aborted', db.sql(endless).with({ signal: ending.signal }).run())
  await rejects('invalid_option', () => db.sql(endless).with({ work: 0 }))
  await db.close()
})
