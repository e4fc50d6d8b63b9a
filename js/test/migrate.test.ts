import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { type DriverFactory, type Former, memory, type Migrations, open, table, where } from 'stowage'

import { drivers, worker } from './drivers.js'
import { rejects } from './places.js'

interface Named {
  id: number
  name: string
}

interface Person {
  id: number
  first: string
  last: string
}

const before = { people: table<Named>({ key: 'id', indexes: ['name'] }) }
const people = table<Person>({ key: 'id', indexes: ['&last'] })
const counts = table<{ of: string; count: number }>({ key: 'of' })
const after = { people, counts }

const named = (count: number): Named[] => Array.from({ length: count }, (_, id) => ({ id, name: `Ada ${String(id).padStart(4, '0')}` }))

/** An environment from before there were versions. */
async function begin(name: string, driver: DriverFactory, count = 300): Promise<void> {
  const db = await open(name, { driver, worker, tables: before })
  await db.people.insertMany(named(count))
  await db.close()
}

const split = (document: { name?: string }): void => {
  const [first, last] = document.name!.split(' ')
  Object.assign(document, { first, last })
  delete document.name
}

const migrate: Migrations<typeof after> = {
  2: async tx => void (await tx.people.update({}, split as never)),
  3: async tx => void (await tx.counts.insert({ of: 'people', count: await tx.people.count() })),
}

const newest = (name: string, driver: DriverFactory, steps = migrate) => open(name, { driver, worker, tables: after, version: 3, migrate: steps })

for (const [place, driver] of drivers) {
  test(`data is brought to a version step by step, and indexes with it (${place})`, async () => {
    const given = driver()
    await begin('steps', given)
    let db = await newest('steps', given)
    assert.deepEqual(await db.people.get(7), { id: 7, first: 'Ada', last: '0007' })
    assert.deepEqual(await db.counts.get('people'), { of: 'people', count: 300 })
    assert.equal((await db.people.find({ last: '0009' }).explain()).index, 'last')
    await rejects('duplicate_key', db.people.insert({ id: 1000, first: 'Bob', last: '0007' }))
    assert.deepEqual((await db.check()).problems, [])
    const { entries } = await db.stat()
    await db.close()
    db = await newest('steps', given, { 2: () => assert.fail('again') })
    assert.equal(await db.people.count(), 300)
    assert.equal((await db.stat()).entries, entries)
    await db.close()
    await rejects('newer_schema', open('steps', { driver: given, worker, tables: after, version: 2 }))
    const unversioned = await open('steps', { driver: given, worker, tables: { people: table<Person>({ key: 'id' }) } })
    assert.equal(await unversioned.people.count(), 300)
    await unversioned.close()
  })

  test(`a step that fails leaves nothing, and the version before is usable (${place})`, async () => {
    const given = driver()
    await begin('fails', given)
    const failure = new Error('no')
    const steps = { ...migrate, 3: async (tx: never) => { await migrate[3]!(tx, undefined as never); throw failure } }
    await assert.rejects(newest('fails', given, steps), error => error === failure)
    const old = await open('fails', { driver: given, worker, version: 2, tables: { people: table<Person>({ key: 'id' }), counts } })
    assert.deepEqual(await old.people.get(3), { id: 3, first: 'Ada', last: '0003' })
    assert.equal(await old.counts.count(), 0)
    await old.people.insert({ id: 500, first: 'Eve', last: '0500' })
    await old.close()
    const db = await newest('fails', given)
    assert.deepEqual(await db.counts.get('people'), { of: 'people', count: 301 })
    assert.deepEqual((await db.check()).problems, [])
    await db.close()
  })

  test(`a table gets another identity (${place})`, async () => {
    const given = driver()
    await begin('identity', given, 20)
    const byName = table<Named>({ key: 'name' })
    const rename = async (_: unknown, former: Former) => {
      const old = await former('people', before.people)
      const documents = await old.all()
      await old.drop()
      await (await former('people', byName)).insertMany(documents)
    }
    const db = await open('identity', { driver: given, worker, version: 1, migrate: { 1: rename }, tables: { people: byName } })
    assert.deepEqual(await db.people.get('Ada 0004'), { id: 4, name: 'Ada 0004' })
    assert.equal(await db.people.count(), 20)
    assert.deepEqual((await db.check()).problems, [])
    await db.close()
  })
}

for (const [place, driver] of drivers) {
  test(`an index is built in slices, and gone on with (${place})`, async () => {
    const given = driver()
    await begin('slices', given, 3500)
    const indexed = { people: table<Named & { age?: number }>({ key: 'id', indexes: ['name', 'age'] }) }
    const giveUp = new AbortController()
    await rejects('aborted', open('slices', { driver: given, worker, tables: indexed, signal: giveUp.signal, onProgress: () => giveUp.abort() }))

    let db = await open('slices', { driver: given, worker, tables: { people: table<Named & { age?: number }>({ key: 'id', indexes: ['name'] }) } })
    const explained = await db.people.find({ age: 7 }).explain()
    assert.deepEqual([explained.index, explained.results], ['', 0])
    await db.people.update(where('id').in([3, 3400]), { age: 7 })
    await db.people.delete(5)
    await db.close()

    const reports: number[] = []
    db = await open('slices', { driver: given, worker, tables: indexed, onProgress: done => reports.push(done) })
    assert.ok(reports[0]! > 1000 && reports.at(-1) === 3499, `progress ${reports}`)
    assert.deepEqual((await db.people.find({ age: 7 })).map(({ id }) => id), [3, 3400])
    assert.equal((await db.people.find({ age: 7 }).explain()).index, 'age')
    assert.equal(await db.people.find().orderBy('age').count(), 3499)
    assert.deepEqual((await db.check()).problems, [])
    await db.close()
  })
}

test('an environment that holds nothing has the version at once', async () => {
  const driver = memory()
  const db = await newest('new', driver, { 2: () => assert.fail('a step'), 3: () => assert.fail('a step') })
  await db.people.insert({ id: 1, first: 'Ada', last: 'Lovelace' })
  await rejects('schema_mismatch', open('new', { driver, version: 4 }))
  await db.close()
  await rejects('newer_schema', open('new', { driver, version: 1 }))
})

test('a later version is known again after the engine was lost', async () => {
  const driver = memory()
  await begin('lost', driver)
  const db = await newest('lost', driver)
  const session = (db as unknown as { session: { engine: { discard(why: Error): void } } }).session
  session.engine.discard(new Error('gone'))
  assert.equal(await db.people.count({}), 300)
  await db.close()
})

test('indexes are removed where that is asked for', async () => {
  const driver = memory()
  await begin('indexes', driver)
  const where = async (options: { dropIndexes?: boolean }, indexes: ('name' | '&name')[]) => {
    const db = await open('indexes', { driver, ...options, tables: { people: table<Named>({ key: 'id', indexes }) } })
    const { index } = await db.people.find({ name: 'Ada 0003' }).explain()
    assert.deepEqual((await db.check()).problems, [])
    await db.close()
    return index
  }
  assert.equal(await where({}, []), 'name')
  assert.notEqual(await where({ dropIndexes: true }, []), 'name')
  assert.equal(await where({}, ['name']), 'name')
  await rejects('schema_mismatch', where({}, ['&name']))
  assert.equal(await where({ dropIndexes: true }, ['&name']), 'name')
})

test('versions and steps that make no sense are refused', async () => {
  const driver = memory()
  const steps = { 2: async () => {} }
  for (const options of [{ version: 0 }, { version: 1.5 }, { migrate: steps }, { version: 1, migrate: steps }, { version: 2, migrate: { 2: 5 } }, { version: 2, migrate: { x: steps[2] } }]) {
    await rejects('invalid_option', open('x', { driver, ...options } as never))
  }
})

test('the example of README.md does what it says', async () => {
  const [, example] = /## Versions\n[^]*?```js\n([^]*?)```/.exec(readFileSync('README.md', 'utf8'))!
  const driver = memory()
  await begin('crew', driver, 3)
  const AsyncFunction = (async () => {}).constructor as new (...code: string[]) => (...given: unknown[]) => Promise<void>
  await new AsyncFunction('open', 'table', example!)((name: string, options: object) => open(name, { ...options, driver }), table)
  const db = await open('crew', { driver, version: 2, tables: { people } })
  assert.deepEqual(await db.people.find({ last: '0002' }), [{ id: 2, first: 'Ada', last: '0002' }])
  await db.close()
})
