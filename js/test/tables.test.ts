import assert from 'node:assert/strict'
import { test } from 'node:test'

import { custom, type DriverFactory, op, open, table, where } from 'stowage'

import { drivers, worker } from './drivers.js'
import { rejects } from './places.js'

/* In Node these run in memory and over files; test/browser/shared.test.ts runs them over IndexedDB, with and without a worker. */

interface Item {
  id: number
  int?: number
  char?: string
  [member: string]: unknown
}

const tables = {
  items: table<Item, 'id'>({ key: '++id', indexes: ['char'] }),
  others: table<Item, 'id'>({ key: '++id' }),
  one: table<Item, 'id'>({ key: '++id', cache: 1 }),
  none: table<Item, 'id'>({ key: '++id', cache: 0 }),
  all: table<Item, 'id'>({ key: '++id', cache: Infinity }),
}

type Opened = Awaited<ReturnType<typeof opened>>

const opened = (name: string, driver: DriverFactory) => open(name, { driver, worker, tables })

let environments = 0

/** A test of tables over every driver there is. `again` closes what is open and opens it anew, `another` opens another environment. */
function onTables(name: string, body: (db: Opened, again: () => Promise<Opened>, another: () => Promise<Opened>) => Promise<void>): void {
  for (const [place, driver] of drivers) {
    test(`${name} (${place})`, async () => {
      const environment = `tables ${worker} ${environments++}`
      const given = driver()
      let db = await opened(environment, given)
      const again = async () => {
        await db.close()
        db = await opened(environment, given)
        return db
      }
      await body(db, again, () => opened(`${environment} another`, driver()))
      assert.deepEqual((await db.check()).problems, [])
      await db.close()
    })
  }
}

/** The three documents of most scenarios. */
const three = () => ['a', 'b', 'c'].map(char => ({ int: 1, char }))

onTables('scenario 1: documents without identity are counted from 1', async db => {
  assert.deepEqual(await db.items.insertMany(three()), [1, 2, 3])
  assert.equal(await db.items.count({ int: 1 }), 3)
  assert.equal(await db.items.count({ char: 'a' }), 1)
})

onTables('scenario 2: identities go on behind the greatest', async db => {
  assert.equal(await db.items.insert({ int: 1 }), 1)
  assert.deepEqual(await db.items.insertMany([{ id: 12 }, { id: 77 }]), [12, 77])
  assert.equal(await db.items.insert({ int: 1 }), 78)
})

onTables('scenario 3: an identity that exists is refused', async db => {
  await db.items.insert({ id: 5, char: 'a' })
  await rejects('duplicate_key', db.items.insert({ id: 5, char: 'b' }))
  assert.deepEqual(await db.items.all(), [{ id: 5, char: 'a' }])
})

onTables('scenario 4: what is no document is refused', async db => {
  for (const wrong of [[1, 2], new Set(['x']), 'text', 5, null, new Date()]) await rejects('invalid_document', db.items.insert(wrong as never))
  assert.equal(await db.items.insert({ int: 1 }), 1)
})

onTables('scenario 5: deleting tells which, and needs a selector', async db => {
  await db.items.insertMany(three())
  assert.deepEqual(await db.items.deleteMany({ char: 'b' }, { returning: 'ids' }), [2])
  assert.equal(await db.items.count(), 2)
  await rejects('invalid_argument', db.items.deleteMany(undefined as never))
  assert.deepEqual(await db.items.deleteMany([3, 99], { returning: 'ids' }), [3])
  assert.equal(await db.items.deleteMany({ int: 1 }), 1)
  assert.equal(await db.items.count(), 0)
})

onTables('scenario 6: updating tells which, and an empty filter means all', async db => {
  await db.items.insertMany(three())
  assert.deepEqual(await db.items.update({ char: 'a' }, { int: 2 }, { returning: 'ids' }), [1])
  assert.equal(await db.items.count({ int: 2 }), 1)
  assert.equal(await db.items.update({}, { newField: true }), 3)
  assert.equal(await db.items.count({ newField: true }), 3)
  await rejects('invalid_argument', db.items.update(undefined as never, { int: 3 }, { returning: 'ids' }))
})

onTables('scenario 7: pairs of changes and filters', async db => {
  await db.items.insertMany(three())
  assert.deepEqual(await db.items.updateMany([[{ int: 2 }, { char: 'a' }], [{ int: 4 }, { char: 'b' }]]), [1, 2])
  for (const int of [1, 2, 4]) assert.equal(await db.items.count({ int }), 1)
  assert.deepEqual(await db.items.updateMany([[op.add('int', 1), { int: 4 }], [item => void (item.char = 'z'), { int: 5 }]]), [2, 2])
  assert.deepEqual(await db.items.get(2), { id: 2, int: 5, char: 'z' })
  await rejects('invalid_document', db.items.updateMany([[{ int: 9 }, {}], [op.increment('none'), {}]]))
  assert.equal(await db.items.count({ int: 9 }), 0)
})

onTables('scenario 8: upsert updates or inserts', async db => {
  await db.items.insertMany(three())
  assert.deepEqual(await db.items.upsert({ int: 5 }, { char: 'a' }), [1])
  assert.deepEqual(await db.items.upsert({ int: 9, char: 'x' }, { char: 'x' }), [4])
  assert.deepEqual(await db.items.upsert({ id: 5, int: 5, char: 'w' }), [5])
  assert.equal(await db.items.insert({ int: 0 }), 6)
  assert.deepEqual(await db.items.upsert({ id: 5, int: 6 }), [5])
  assert.deepEqual(await db.items.get(5), { id: 5, int: 6, char: 'w' })
  const error = await rejects('invalid_argument', db.items.upsert({ int: 5 }))
  assert.ok(/filter/.test(error.message) && /identity/.test(error.message), error.message)
  await rejects('duplicate_key', db.items.upsert({ id: 5 }, { char: 'none' }))
})

onTables('scenario 9: identities and conditions together', async db => {
  await db.items.insertMany(three())
  const of = (ids: number[]) => where('id').in(ids).and(where('int').eq(1))
  assert.equal((await db.items.search(of([1, 2]))).length, 2)
  assert.equal((await db.items.search(of([]))).length, 0)
  assert.equal((await db.items.find({ int: 1 }).limit(2)).length, 2)
  await rejects('invalid_query', () => db.items.find().limit(-2))
  assert.equal(await db.items.find(where('id').eq(3).and(where('int').eq('0'))).first(), undefined)
  assert.deepEqual(await db.items.find(of([3])).first(), { id: 3, int: 1, char: 'c' })
  assert.equal(await db.items.contains(3), true)
  assert.equal(await db.items.contains(4), false)
  assert.equal(await db.items.contains({ char: 'c' }), true)
  await rejects('invalid_argument', db.items.contains(undefined as never))
})

onTables('scenario 10: operations', async db => {
  const after = async (...operations: Parameters<typeof db.items.update>[1][]) => {
    await db.items.put({ id: 1, int: 1, char: 'a' })
    assert.equal(await db.items.update({ id: 1 }, operations as never), 1)
    const { id, ...rest } = (await db.items.get(1))!
    return rest
  }
  assert.deepEqual(await after(op.add('int', 5)), { int: 6, char: 'a' })
  assert.deepEqual(await after(op.subtract('int', 5)), { int: -4, char: 'a' })
  assert.deepEqual(await after(op.increment('int')), { int: 2, char: 'a' })
  assert.deepEqual(await after(op.decrement('int')), { int: 0, char: 'a' })
  assert.deepEqual(await after(op.add('char', 'xyz')), { int: 1, char: 'axyz' })
  assert.deepEqual(await after(op.set('char', 'xyz')), { int: 1, char: 'xyz' })
  assert.deepEqual(await after(op.delete('int')), { char: 'a' })
  assert.deepEqual(await after(op.push('l', 1, 2, 1), op.pull('l', 1), op.set('l.1', 'x')), { int: 1, char: 'a', l: [2, 'x'] })
  assert.deepEqual(await after(op.insert('l.0', 'b'), op.insert('l.0', 'a'), op.insert('l.2', 'c')), { int: 1, char: 'a', l: ['a', 'b', 'c'] })
  assert.deepEqual(await after(op.merge('m', { a: { b: 1 } }), op.increment('m.a.b'), op.rename('m.a', 'c')), { int: 1, char: 'a', m: { c: { b: 2 } } })
  assert.deepEqual(await after(op.min('int', 0), op.max('char', 'b')), { int: 0, char: 'b' })
  await rejects('invalid_document', db.items.update(1, [op.set('int', 50), op.increment('none')]))
  await rejects('invalid_document', db.items.update(1, op.set('id', 2)))
  await rejects('invalid_argument', db.items.update(1, [] as never))
  assert.deepEqual(await db.items.get(1), { id: 1, int: 0, char: 'b' })
})

onTables('scenario 11: identities go on after opening anew', async (first, again) => {
  await first.items.insertMany(Array.from({ length: 100 }, (_, int) => ({ int })))
  let db = await again()
  assert.equal(await db.items.insert({ int: 0 }), 101)
  const ids = await db.items.insertMany(Array.from({ length: 5 }, (_, int) => ({ int })))
  await db.items.delete(ids.at(-1)!)
  db = await again()
  assert.equal(await db.items.insert({ int: 0 }), 107, 'not one that was deleted')
  assert.equal(await db.items.count(), 106)
})

onTables('scenario 12: tables of one name in two environments count for themselves', async (one, _, another) => {
  const other = await another()
  await one.items.insertMany(three())
  assert.equal(await other.items.insert({ char: 'other' }), 1)
  assert.equal(await one.items.insert({ char: 'd' }), 4)
  assert.deepEqual((await one.items.all()).map(({ char }) => char), ['a', 'b', 'c', 'd'])
  assert.deepEqual(await other.items.all(), [{ id: 1, char: 'other' }])
  await other.close()
})

onTables('scenario 13: a low identity does not set the count back', async (first, again) => {
  await first.items.insertMany([1, 3, 4, 5].map(id => ({ id })))
  const db = await again()
  await db.items.insert({ id: 2 })
  assert.equal(await db.items.insert({ int: 1 }), 6)
  assert.equal(await db.items.count(), 6)
})

onTables('scenario 14: documents with and without identity in one batch', async db => {
  await db.items.insert({ int: 0 })
  assert.deepEqual(await db.items.insertMany([{ id: 2 }, { int: 1 }]), [2, 3])
  assert.equal(await db.items.count(), 3)
})

onTables('scenario 15: concurrent inserts into two tables are all there', async (first, again) => {
  await Promise.all(Array.from({ length: 20 }, (_, int) => (int % 2 === 0 ? first.items : first.others).insert({ int })))
  const db = await again()
  assert.equal(await db.items.count(), 10)
  assert.equal(await db.others.count(), 10)
})

onTables('scenario 16: an update that fails on the second document changes none', async (first, again) => {
  await first.items.insertMany([{ int: 1 }, { int: 2 }, { char: 'c' }])
  const failing = (item: Item) => {
    item.int = 100
    if (item.id === 2) throw new Error('mine')
  }
  await assert.rejects(first.items.update({}, failing), /mine/)
  await rejects('invalid_document', first.items.update({}, op.add('int', 100)))
  await rejects('invalid_document', first.items.update({}, item => ({ ...item, id: item.id + 1 })))
  const untouched = [{ id: 1, int: 1 }, { id: 2, int: 2 }, { id: 3, char: 'c' }]
  assert.deepEqual(await first.items.all(), untouched)
  const db = await again()
  assert.deepEqual(await db.items.all(), untouched)
  assert.equal(await db.items.update({ int: { $exists: true } }, async item => void (item.int! += 1)), 2)
  assert.equal(await db.items.update(3, () => ({ id: 3, int: 9 })), 1)
  assert.deepEqual(await db.items.all(), [{ id: 1, int: 2 }, { id: 2, int: 3 }, { id: 3, int: 9 }])
})

onTables('scenario 17: what cannot be stored changes nothing', async db => {
  await db.items.insertMany(three())
  await rejects('invalid_document', db.items.insert({ f: () => 1 }))
  await rejects('invalid_document', db.items.insertMany([{ int: 5 }, { p: Promise.resolve() }]))
  assert.equal(await db.items.count(), 3)
  assert.equal(await db.items.insert({ int: 1 }), 4)
})

onTables('scenario 27: a table keeps the answers to its last queries', async db => {
  const cached = async (items: typeof db.items, int: number) => (await items.find({ int }).explain()).cached
  for (const items of [db.one, db.none, db.all, db.items]) await items.insertMany(three())
  await db.one.find({ int: 1 })
  assert.equal(await cached(db.one, 1), true)
  assert.equal((await db.one.find({ int: 1 })).length, 3)
  await db.one.find({ int: 2 })
  assert.equal(await cached(db.one, 1), false, 'one answer is kept, the last')
  await db.one.insert({ int: 1 })
  assert.equal(await cached(db.one, 1), false, 'a write makes it useless')
  assert.equal((await db.one.find({ int: 1 })).length, 4)
  await db.one.clearCache()
  assert.equal(await cached(db.one, 1), false)

  await db.none.find({ int: 1 })
  assert.equal(await cached(db.none, 1), false)
  for (let int = 0; int < 20; int++) await Promise.all([db.all.find({ int }), db.items.find({ int })])
  assert.equal(await cached(db.all, 0), true)
  assert.equal(await cached(db.items, 0), false, 'ten are kept unless told otherwise')
  assert.equal(await cached(db.items, 19), true)
  const own = (x: Item) => x.int === 1
  await db.all.find(custom(own))
  assert.equal((await db.all.find(custom(own)).explain()).cached, false, 'a function has no identity')
})

onTables('scenario 28: documents handed in and out are copies', async db => {
  const given = { inner: { list: [1, 2, 3] } }
  await db.items.insert(given)
  given.inner.list.push(4)
  const handed = (await db.items.get(1))! as unknown as typeof given
  assert.deepEqual(handed.inner.list, [1, 2, 3])
  handed.inner.list.push(4)
  assert.deepEqual(await db.items.get(1), { id: 1, inner: { list: [1, 2, 3] } })
})

onTables('scenario 29: what is closed says so', async (db, again) => {
  await again()
  await db.close()
  const { items } = db
  for (const call of [db.tables(), db.dropTable('items'), db.dropTables(), items.get(1), items.insert({ int: 1 }), items.update({}, { int: 1 }), items.truncate(), items.drop(), items.all(), db.store().get(new Uint8Array(1))]) {
    await rejects('closed', call)
  }
})

onTables('tables are listed, emptied and removed', async (db, again) => {
  await db.items.insertMany(three())
  await db.others.insertMany(three())
  assert.deepEqual(await db.tables(), ['all', 'items', 'none', 'one', 'others'])
  await db.items.truncate()
  assert.deepEqual([await db.items.count(), await db.items.find({ char: 'a' }).count(), await db.others.count()], [0, 0, 3])
  assert.equal(await db.items.insert({ char: 'a' }), 1)
  await db.others.drop()
  await rejects('not_found', db.others.get(1))
  await rejects('not_found', db.others.insert({ int: 1 }))
  await rejects('not_found', db.others.find())
  assert.deepEqual(await db.tables(), ['all', 'items', 'none', 'one'])
  assert.deepEqual([await db.dropTable('others'), await db.dropTable('items')], [false, true])
  const anew = await again()
  assert.deepEqual([await anew.items.count(), await anew.others.insert({ int: 1 })], [0, 1])
  await anew.dropTables()
  assert.deepEqual(await anew.tables(), [])
  await again()
})

onTables('a signal ends an iteration before its next document', async db => {
  await db.items.insertMany(three())
  const end = new AbortController()
  const met: number[] = []
  await rejects('aborted', (async () => {
    for await (const { id } of db.items.find({}, { signal: end.signal })) {
      met.push(id)
      if (id === 2) end.abort()
    }
  })())
  assert.deepEqual(met, [1, 2])
})

onTables('a document takes the place of one that is there', async db => {
  await rejects('not_found', db.items.replace({ id: 1, int: 1 }))
  await db.items.insert({ int: 1, char: 'a' })
  assert.equal(await db.items.replace({ id: 1, int: 2 }), 1)
  assert.deepEqual(await db.items.get(1), { id: 1, int: 2 })
})

class City {
  constructor(
    readonly id: string,
    readonly name: string,
  ) {}

  get shout() {
    return this.name.toUpperCase()
  }
}

for (const [place, driver] of drivers) {
  test(`tables make identities, and instances of classes (${place})`, async () => {
    const counted = { last: 0, next: () => `n${++counted.last}`, accepts: (key: unknown) => typeof key === 'string' }
    const described = {
      uuids: table({ key: 'id', ids: 'uuid' }),
      ulids: table({ key: 'id', ids: 'ulid' }),
      strings: table({ key: 'id', ids: 'string' }),
      mine: table({ key: 'id', ids: counted }),
      cities: table<City>({ key: 'id', class: City }),
      _default: table({ key: '++id' }),
    }
    const name = `identities ${worker} ${place}`
    const given = driver()
    const db = await open(name, { driver: given, worker, tables: described })
    const text = { text: 'x' }
    assert.ok(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test((await db.uuids.insert(text)) as string))
    assert.deepEqual(text, { text: 'x' })
    const ulids = (await db.ulids.insertMany(Array.from({ length: 500 }, () => ({})))) as string[]
    assert.deepEqual([...ulids].sort(), ulids)
    assert.equal(new Set(ulids).size, 500)
    assert.ok(ulids.every(id => /^[0-7][\dA-HJKMNP-TV-Z]{25}$/.test(id)))
    assert.ok(/^[\da-f]{32}$/.test((await db.strings.insert({})) as string))
    assert.equal(await db.strings.insert({ id: 'any text' }), 'any text')
    assert.deepEqual(await db.mine.insertMany([{}, { id: 'own' }, {}]), ['n1', 'own', 'n2'])
    for (const [of, id] of [[db.uuids, 'x'], [db.ulids, ulids[0]!.toLowerCase()], [db.strings, 5], [db.mine, 5]] as const) {
      await rejects('invalid_key', of.insert({ id }))
      await rejects('invalid_key', of.putMany([{ id }]))
    }

    await db.cities.insert(new City('osl', 'Oslo'))
    const city = (await db.cities.get('osl'))!
    assert.ok(city instanceof City && city.shout === 'OSLO')
    assert.ok((await db.cities.find())[0] instanceof City && (await db.cities.getMany(['osl']))[0] instanceof City)
    for await (const one of db.cities.find()) assert.ok(one instanceof City)
    await db.cities.update('osl', one => new City(one.id, 'Bergen'))
    assert.equal((await db.cities.get('osl'))!.shout, 'BERGEN')

    assert.ok(db.table('cities') === db.cities)
    assert.equal(await db.table().insert({ int: 1 }), 1)
    await rejects('schema_mismatch', open(name, { driver: given, worker, tables: { cities: table({ key: 'name' }) } }))
    await rejects('schema_mismatch', open(name, { driver: given, worker, tables: { cities: table<City>({ key: 'id', class: class extends City {} }) } }))
    await rejects('schema_mismatch', open(name, { driver: given, worker, tables: { uuids: table({ key: 'id', ids: 'ulid' }) } }))
    await rejects('invalid_option', () => table({ key: '++id', ids: 'uuid' }))
    await rejects('invalid_option', () => table({ key: 'id', ids: 'snowflake' as never }))
    await db.close()
  })
}
