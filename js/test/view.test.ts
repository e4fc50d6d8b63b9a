import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type Database, type DriverFactory, memory, open, table } from 'stowage'
import { many, model, modes, one, parent, query, through, view, type Mode } from 'stowage/sync'

import { Loader, wantedRow } from '../src/sync/load.js'
import { Origin } from './origin.js'
import { rejects } from './places.js'

interface A { id: number; name: string }
interface B { id: number; aId: number | null; name: string }
interface C { id: number; bId: number; name: string }
interface Tag { id: string; text: string }
interface Tagging { bId: number; tagId: string }

/** Two rows of a; of the first two of b and of the second one; of b3 no c. Tags of b1: x, y; of b2: y. */
function originOf(): Origin {
  const origin = new Origin()
  origin.table('a', { id: 'int8', name: 'text' }, ['id'], [{ id: 1, name: 'a1' }, { id: 2, name: 'a2' }])
  origin.table('b', { id: 'int8', aId: 'int8', name: 'text' }, ['id'], [{ id: 1, aId: 1, name: 'b1' }, { id: 2, aId: 1, name: 'b2' }, { id: 3, aId: 2, name: 'b3' }, { id: 4, aId: null, name: 'b4' }])
  origin.table('c', { id: 'int8', bId: 'int8', name: 'text' }, ['id'], [{ id: 1, bId: 1, name: 'c1' }, { id: 2, bId: 1, name: 'c2' }, { id: 3, bId: 2, name: 'c3' }])
  origin.table('tags', { id: 'text', text: 'text' }, ['id'], [{ id: 'x', text: 'X' }, { id: 'y', text: 'Y' }])
  origin.table('taggings', { bId: 'int8', tagId: 'text' }, ['bId', 'tagId'], [{ bId: 1, tagId: 'x' }, { bId: 1, tagId: 'y' }, { bId: 2, tagId: 'y' }])
  return origin
}

const models = {
  a: model<A>({ table: 'main.a', key: 'id' }),
  b: model<B>({ table: 'b', key: 'id', columns: ['id', 'aId', 'name'] }),
  c: model<C>({ table: 'c', key: 'id' }),
  tags: model<Tag>({ table: 'tags', key: 'id' }),
  taggings: model<Tagging>({ table: 'taggings', key: ['bId', 'tagId'] }),
}

const relations = {
  a: {
    bs: many('b', 'aId'),
    only: one('b', 'aId', { fallback: undefined }),
    maybe: many('b', 'aId', { fallback: [] }),
    lasting: many('b', 'aId', { mode: 'prefer-cache' }),
  },
  b: {
    a: parent('a', 'aId'),
    cs: many('c', 'bId'),
    cOfAll: query('c', { tag: 'of all', where: 'bId > $1', params: () => [0], local: ({ id }: B) => ({ bId: id }) }),
    tags: through('tags', 'taggings', 'bId', 'tagId'),
  },
} as const

let databases = 0

/** An environment of its own, or the one that a driver has. */
const openOne = (driver: DriverFactory = memory(), name = `view ${++databases}`): Promise<Database> => open(name, { driver }) as Promise<Database>

function made(db: Database, origin: Origin | undefined, mode: Mode = 'freshen') {
  return view(db, { models, relations, mode, retry: { base: 1, most: 4 }, ...(origin && { origin: 'http://origin/v1/shape', fetch: origin.fetch }) })
}

const opened = (db: Database, origin: Origin | undefined, mode?: Mode) => made(db, origin, mode).open()

test('scenario 52: objects and their relations are asked for once, and never by those who need not', async () => {
  const origin = originOf()
  const db = await openOne()
  const fresh = await opened(db, origin)
  const a = (await fresh.a(1))!
  assert.deepEqual([{ ...a }, origin.asked.length], [{ id: 1, name: 'a1' }, 1])
  const bs = await a.bs
  assert.deepEqual([bs.map(b => b.name), origin.asked.length], [['b1', 'b2'], 2])
  assert.equal(await bs[0]!.a, a)
  assert.equal(await bs[1]!.a, a)
  assert.deepEqual(await a.bs, bs)
  assert.equal((await a.bs)[0], bs[0])
  assert.equal(await fresh.a.get(1), a)
  assert.equal(await fresh.b(2), bs[1])
  assert.equal(origin.count(), 2)
  await fresh.close()
  for (const mode of ['prefer-cache', 'offline'] as const) {
    const later = await opened(db, origin, mode)
    const again = (await later.a(1))!
    assert.notEqual(again, a)
    assert.equal(await (await again.bs)[0]!.a, again)
    assert.equal(origin.count(), 0, mode)
    await later.close()
  }
  const third = await opened(db, origin)
  await (await third.a(1))!.bs
  assert.equal(origin.count(), 2, 'a new view asks again')
  await third.close()
  await db.close()
})

test('scenario 53: what is empty is not what was never loaded', async () => {
  const origin = originOf()
  const db = await openOne()
  const nothing = await opened(db, origin, 'offline')
  await rejects('offline', nothing.a(1))
  await rejects('offline', nothing.b.where('aId = $1', [1]))
  assert.equal(await nothing.a(1, { fallback: undefined }), undefined)
  assert.equal(await nothing.a(1, { fallback: 7 }), 7)
  await nothing.close()

  const loading = await opened(db, origin)
  await loading.a(1)
  const b4 = (await loading.b(4))!
  const b3 = (await loading.b(3))!
  assert.deepEqual([await b3.cs, await b4.a, await b3.tags], [[], undefined, []])
  assert.equal(await loading.a(77), undefined)
  assert.deepEqual(await loading.b.where('aId = $1', [99]), [])
  await loading.close()
  origin.count()

  const later = await opened(db, undefined, 'offline')
  const again = (await later.a(1))!
  assert.deepEqual({ ...again }, { ...{ id: 1, name: 'a1' } })
  await rejects('offline', Promise.resolve(again.bs))
  assert.deepEqual(await again.maybe, [])
  assert.equal(await again.only, undefined)
  assert.deepEqual(await again.bs.get({ fallback: 'none' }), 'none')
  assert.deepEqual([await (await later.b(3))!.cs, await (await later.b(4))!.a], [[], undefined])
  assert.equal(await later.a(77), undefined, 'that there is none is known')
  assert.deepEqual(await later.b.where(' aId  = $1', [99]), [])
  await rejects('offline', later.b.where('aId = $1', ['99']))
  await rejects('offline', later.a(2))
  await later.close()
  await db.close()
})

test('scenario 54: what has changed at the origin is seen by those who freshen, and then by all', async () => {
  const origin = originOf()
  const db = await openOne()
  const read = async (mode: Mode) => {
    await using seen = await opened(db, origin, mode)
    const b = (await seen.b(1))!
    return [b.name, (await b.a)!.name, (await b.cs).length]
  }
  assert.deepEqual(await read('freshen'), ['b1', 'a1', 2])
  origin.write('b', [{ id: 1, aId: 2, name: 'changed' }])
  origin.write('c', [{ id: 4, bId: 1, name: 'c4' }])
  assert.deepEqual(await read('prefer-cache'), ['b1', 'a1', 2])
  assert.deepEqual(await read('offline'), ['b1', 'a1', 2])
  assert.deepEqual(await read('freshen'), ['changed', 'a2', 3])
  assert.deepEqual(await read('prefer-cache'), ['changed', 'a2', 3])
  assert.deepEqual(await read('offline'), ['changed', 'a2', 3])
  await db.close()
})

test('scenario 55: a view lives from when it is opened until it is closed', async () => {
  const origin = originOf()
  const db = await openOne()
  const one = made(db, origin)
  await rejects('not_live', one.a(1))
  await rejects('not_live', () => one.changes())
  await one.open()
  const a = (await one.a(1))!
  const { bs } = a
  await one.close()
  await one.close()
  await rejects('not_live', one.a(1))
  await rejects('not_live', () => a.name)
  await rejects('not_live', () => a.bs)
  await rejects('not_live', Promise.resolve(bs))
  await rejects('not_live', () => one.about(a))
  await rejects('not_live', one.open())
  const never = made(db, origin)
  await never.close()
  await rejects('not_live', never.open())
  await db.close()
})

test('scenario 56: ten at once ask once', async () => {
  const origin = originOf()
  const db = await openOne()
  const seen = await opened(db, origin)
  const ten = await Promise.all(Array.from({ length: 10 }, () => seen.a(1)))
  assert.deepEqual([ten.every(a => a === ten[0] && a?.name === 'a1'), origin.count()], [true, 1])
  const lists = await Promise.all(Array.from({ length: 10 }, () => ten[0]!.bs.get()))
  assert.deepEqual([lists.every(list => list[0] === lists[0]![0]), origin.count()], [true, 1])
  await seen.close()
  await db.close()
})

test('who looks before an answer lands, and asks after, shares it', async () => {
  const db = await openOne()
  const loader = new Loader(db, {}, () => Promise.resolve([]))
  const wanted = [wantedRow('a', 1)]
  let asked = 0
  const ask = async (since: number) => loader.once(wanted, since, () => Promise.resolve(void asked++))
  const looked = loader.answers
  await Promise.all([ask(looked), ask(looked)])
  await ask(looked)
  assert.equal(asked, 1)
  await ask(loader.answers)
  assert.equal(asked, 2)
  await db.close()
})

test('relations lead by one, by many, by a third table and by a condition', async () => {
  const origin = originOf()
  const db = await openOne()
  const seen = await opened(db, origin)
  const [b1, b2] = [(await seen.b(1))!, (await seen.b(2))!]
  assert.deepEqual((await b1.tags).map(tag => tag.text), ['X', 'Y'])
  assert.deepEqual((await b2.tags).map(tag => tag.text), ['Y'])
  assert.equal((await b2.tags)[0], await seen.tags('y'))
  assert.equal((await (await seen.a(2))!.only)!.name, 'b3')
  origin.count()
  assert.deepEqual((await b1.cOfAll).map(c => c.name), ['c1', 'c2'])
  assert.deepEqual((await b2.cOfAll).map(c => c.name), ['c3'], 'the answer is shared')
  assert.equal(origin.count(), 1)
  assert.deepEqual({ ...(await seen.taggings([1, 'y']))! }, { bId: 1, tagId: 'y', _key: [1, 'y'] })
  assert.equal(await seen.taggings([2, 'x']), undefined)
  await rejects('invalid_key', seen.taggings(1))
  await rejects('invalid_key', seen.a({} as never))
  await seen.close()
  await db.close()
})

test('preloaded relations are one request each, or two by a third table', async () => {
  const origin = originOf()
  const db = await openOne()
  const seen = await opened(db, origin)
  const as = await seen.a.where('id > $1', [0], { include: { bs: { cs: true, tags: true, a: true } } })
  assert.deepEqual(origin.asked.map(asked => asked.split(' from ')[1]!.split(' where ')[0]), ['main.a', 'b', 'c', 'tags', 'taggings'])
  origin.count()
  const found = await Promise.all(as.map(async a => Promise.all((await a.bs).map(async b => [b.name, (await b.cs).length, (await b.tags).length, (await b.a) === a]))))
  assert.deepEqual(found, [[['b1', 2, 2, true], ['b2', 1, 1, true]], [['b3', 0, 0, true]]])
  assert.equal(origin.count(), 0)
  await rejects('invalid_option', seen.a.include(as, { none: true } as never))
  await seen.close()
  await db.close()
})

test('what is deleted at the origin disappears, and refreshing shows it in the objects there are', async () => {
  const origin = originOf()
  const db = await openOne()
  const seen = await opened(db, origin)
  const a = (await seen.a(1))!
  const bs = await a.bs
  let told = 0
  seen.subscribe(() => told++)
  origin.write('a', [{ id: 1, name: 'other' }])
  origin.write('b', [], [{ id: 2 }])
  await seen.refresh(a)
  assert.deepEqual([a.name, told], ['other', 1])
  assert.equal((await a.bs).length, 2)
  assert.deepEqual((await a.bs.refresh()).map(b => b.name), ['b1'])
  assert.equal((await a.bs).length, 1)
  assert.equal(await seen.b(2), undefined, 'it is asked for, as it may be elsewhere')
  assert.equal(bs[1]!.name, 'b2', 'who holds it has what was loaded last')
  origin.write('b', [{ id: 1, aId: 1, name: 'once more' }])
  origin.count()
  await seen.refreshAll()
  assert.equal(bs[0]!.name, 'once more')
  assert.deepEqual((await a.bs).map(b => b.name), ['once more'])
  assert.equal(origin.count(), 3, 'rows of a, rows of b, and the bs of a')
  seen.mode = 'offline'
  await rejects('offline', seen.refresh(a))
  await rejects('offline', seen.refreshAll())
  await seen.close()
  await db.close()
})

test('a relation asks no more than it may, and the mode can be changed', async () => {
  const origin = originOf()
  const db = await openOne()
  const seen = await opened(db, origin)
  const a = (await seen.a(1))!
  await a.lasting
  await seen.close()
  origin.count()
  const later = await opened(db, origin)
  const again = (await later.a(1, { mode: 'prefer-cache' }))!
  await again.lasting
  await again.lasting.get({ mode: 'freshen' })
  assert.equal(origin.count(), 0)
  later.mode = 'offline'
  await rejects('offline', later.a(2))
  later.mode = 'offline-fallback'
  assert.equal((await later.a(2))!.name, 'a2')
  await rejects('invalid_option', () => void (later.mode = 'never' as never))
  await later.close()
  await db.close()
})

test('local changes are seen, listed, taken back, outlive what is loaded, and are sent nowhere', async () => {
  const origin = originOf()
  const driver = memory()
  const db = await openOne(driver, 'overlay')
  const seen = await opened(db, origin)
  const a = (await seen.a(1))!
  await a.bs
  assert.equal((await seen.a.change(1, { name: 'mine' })), a)
  assert.deepEqual([a.name, seen.about(a).source], ['mine', 'overlay'])
  await seen.b.add({ id: 9, aId: 1, name: 'b9' })
  await seen.b.remove(1)
  await seen.b.change(2, { aId: 2 })
  assert.deepEqual((await a.bs).map(b => b.name), ['b9'])
  assert.deepEqual([(await seen.b(9))!.name, await seen.b(1)], ['b9', undefined])
  await seen.refresh(a)
  await a.bs.refresh()
  assert.equal(a.name, 'mine')
  await rejects('not_found', seen.b.change(77, { name: '' }))
  await rejects('invalid_argument', seen.b.change(2, { id: 5 }))
  await seen.close()

  const later = await opened(db, origin)
  const again = (await later.a(1))!
  assert.deepEqual([again.name, (await again.bs).map(b => b.id)], ['mine', [9]])
  assert.deepEqual((await later.changes()).map(({ model, key, kind, row }) => [model, key, kind, row]), [
    ['a', 1, 'changed', { name: 'mine' }],
    ['b', 9, 'added', { id: 9, aId: 1, name: 'b9' }],
    ['b', 1, 'removed', {}],
    ['b', 2, 'changed', { aId: 2 }],
  ])
  assert.equal(await later.discard('b', 1), 1)
  assert.deepEqual((await again.bs).map(b => b.id), [1, 9])
  assert.equal(await later.discard(), 3)
  assert.deepEqual([again.name, (await again.bs).map(b => b.id), await later.changes()], ['a1', [1, 2], []])
  assert.ok(origin.asked.every(asked => asked.startsWith('select ')))
  await later.close()
  await db.close()
  const tables = { 'sync overlay': table({ key: 'change', compress: 'none' }), 'sync loaded': table({ key: 'record', compress: 'none' }) }
  await (await open('overlay', { driver, tables })).close() // no schema_mismatch
})

test('views that are described wrongly', async () => {
  const db = await openOne()
  const wrong = (options: object) => rejects('invalid_option', () => void view(db, { models, ...options } as never))
  await wrong({ origin: 5 })
  await wrong({ mode: 'online' })
  await wrong({ models: { open: models.a } })
  await wrong({ relations: { none: {} } })
  await wrong({ relations: { a: { bs: many('none', 'aId') } } })
  await wrong({ origin: { live: false, next: () => {} } })
  await wrong({ models: { ...models, b: model<B>({ table: 'b', key: 'id', pulled: true }) }, relations: { a: { bs: query('b', { tag: '', where: '' }) } } })
  await rejects('invalid_option', () => model<A>({ table: 'a', key: [] }))
  await rejects('invalid_option', () => model<A>({ table: 'a', key: 'id', columns: ['name'] }))
  assert.deepEqual([...modes], ['offline', 'prefer-cache', 'cache-first', 'offline-fallback', 'freshen'])
  await db.close()
})

const pulled = { a: model<A>({ table: 'a', key: 'id', pulled: true }), b: model<B>({ table: 'b', key: 'id', pulled: true }), c: models.c, taggings: models.taggings }

async function reading(driver: DriverFactory, origin: Origin, mode: Mode) {
  const db = await open('view by statements', { driver, sql: true })
  const seen = await view(db, { models: pulled, mode, origin: 'http://origin/v1/shape', fetch: origin.fetch, retry: { base: 1, most: 4 } }).open()
  /** Until the shapes are here. */
  const whole = async () => {
    while (!Object.values(seen.progress).every(one => one.complete)) await new Promise(resolve => setTimeout(resolve, 2))
    origin.asked = []
  }
  const close = async () => (await seen.close(), await db.close())
  return { db, seen, whole, close }
}

test('statements read models that are here as a whole, and name those that are not', async () => {
  const origin = originOf()
  const driver = memory()
  const none = await reading(driver, origin, 'offline')
  const error = await rejects('incomplete', none.seen.sql`SELECT * FROM a, b`)
  assert.match(error.message, /: a, b /)
  await none.close()
  const { db, seen, whole } = await reading(driver, origin, 'freshen')
  await whole()
  const joined = await seen.sql<{ a: string; b: string }>`SELECT a.name AS a, b.name AS b FROM a JOIN b ON b.aId = a.id WHERE a.id = ${2}`
  assert.deepEqual(joined, [{ a: 'a2', b: 'b3' }])
  await rejects('read_only', seen.sql`DELETE FROM a`)
  seen.mode = 'offline'
  assert.deepEqual(await seen.sql('SELECT count(*) AS n FROM b WHERE id > ?', 1), [{ n: 3 }])
  await seen.close()
  await rejects('not_live', seen.sql`SELECT 1`)
  await db.close()
})

test('statements over what is not here are asked of the origin, as the mode says, and once', async () => {
  const origin = originOf()
  const driver = memory()
  const some = async (of: typeof opened, id = 1) => (await of.seen.sql<C>`select id, name from c where id > ${id}`).map(({ name }) => name)
  let opened = await reading(driver, origin, 'freshen')
  await opened.whole()
  assert.deepEqual(await Promise.all([some(opened), some(opened)]), [['c2', 'c3'], ['c2', 'c3']])
  assert.deepEqual(origin.asked.splice(0), ['select id, name from c as "c" where id > $1'])
  assert.deepEqual([await some(opened), origin.count()], [['c2', 'c3'], 0])
  assert.deepEqual([await some(opened, 2), origin.count()], [['c3'], 1])
  assert.deepEqual([await opened.seen.sql`select name from a`, origin.count()], [[{ name: 'a1' }, { name: 'a2' }], 0])
  await opened.close()

  opened = await reading(driver, origin, 'prefer-cache')
  assert.deepEqual([await some(opened), origin.count()], [['c2', 'c3'], 0])
  opened.seen.mode = 'offline'
  assert.deepEqual(await some(opened), ['c2', 'c3'])
  assert.match((await rejects('incomplete', some(opened, 0))).message, /: c /)
  await opened.close()

  const statuses: number[] = []
  origin.through = async (_url, answer) => {
    const response = await answer()
    statuses.push(response.status)
    return response
  }
  opened = await reading(driver, origin, 'freshen')
  assert.deepEqual([await some(opened), statuses.splice(0).filter(status => status === 304)], [['c2', 'c3'], [304]])
  await opened.close()
  origin.write('c', [], [{ id: 3, bId: 2, name: 'c3' }])
  opened = await reading(driver, origin, 'offline-fallback')
  assert.deepEqual(await some(opened), ['c2'])
  await opened.close()

  origin.reachable = false
  opened = await reading(driver, origin, 'offline-fallback')
  assert.deepEqual(await some(opened), ['c2'])
  await rejects('incomplete', some(opened, 0))
  opened.seen.mode = 'cache-first'
  assert.deepEqual(await some(opened), ['c2'])
  opened.seen.mode = 'freshen'
  await rejects('origin_failed', some(opened))
  await opened.close()
})

test('what the origin does not understand waits for the shapes', async () => {
  const origin = originOf()
  const { seen, close } = await reading(memory(), origin, 'freshen')
  assert.deepEqual(await seen.sql`with of as (select aId from b where aId = ${1}) select count(*) AS n from of`, [{ n: 2 }])
  await rejects('origin_failed', seen.sql`with some as (select id from c) select count(*) from some`)
  await close()
})

test('statements see what was changed here, and leave the rows as they are', async () => {
  const origin = originOf()
  const { db, seen, whole, close } = await reading(memory(), origin, 'freshen')
  await whole()
  const names = async () => (await seen.sql<A>`SELECT name FROM a ORDER BY id`).map(({ name }) => name)
  await seen.a.change(1, { name: 'mine' })
  await seen.a.add({ id: 3, name: 'new' })
  await seen.a.remove(2)
  assert.deepEqual(await names(), ['mine', 'new'])
  seen.mode = 'offline'
  assert.deepEqual(await Promise.all([names(), names(), names()]), Array(3).fill(['mine', 'new']))
  assert.deepEqual((await db.sql`SELECT name FROM a`), [{ name: 'a1' }, { name: 'a2' }])
  await rejects('unknown_column', seen.sql`SELECT absent.name FROM a`)
  await seen.discard('a')
  assert.deepEqual(await names(), ['a1', 'a2'])
  await close()
})

test('of answers no more are kept than are said, and none whose shapes have changed', async () => {
  const origin = originOf()
  const { db, seen, whole, close } = await reading(memory(), origin, 'prefer-cache')
  await whole()
  for (let id = 0; id < 70; id++) await seen.sql`select name from c where id > ${id}`
  const kept = async () => (await db.sql<{ n: number }>`SELECT count(*) AS n FROM "sync answers"`)[0]!.n
  assert.equal(await kept(), 64)
  await close()
})
