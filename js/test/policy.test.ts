import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as v from 'valibot'
import * as z from 'zod'

import { compress, encrypt, memory, op, open, table, where } from 'stowage'
import { bounded, type BoundedOptions, expiring, StorageHooks, TableHooks, timestamps, validated } from 'stowage/policies'

import { drivers, worker } from './drivers.js'
import { rejects } from './places.js'

/** Runs a test over every driver. */
function over(name: string, body: (driver: ReturnType<(typeof drivers)[number][1]>, of: string) => Promise<void>): void {
  for (const [kind, driver] of drivers) test(`${name}, over ${kind}`, () => body(driver(), `${name} ${kind} ${String(worker)}`))
}

interface Thing {
  id: number
  n?: number
  tags?: string[]
  expires?: Date
  [name: string]: unknown
}

/** A table of things with policies. */
const things = (...policies: NonNullable<Parameters<typeof table>[0]['policies']>) => ({ things: table<Thing>({ key: 'id', indexes: ['n', 'expires'], policies }) })

/** The identities of all documents there are. */
const ids = async (from: PromiseLike<Thing[]>) => (await from).map(({ id }) => id)

over('scenario 30: what is buffered is seen at once and stored by flush and close', async (driver, name) => {
  const db = await open(name, { driver, worker, tables: things(), durability: 'buffered' })
  await db.things.insert({ id: 1 })
  await db.things.insert({ id: 2 })
  assert.deepEqual(await ids(db.things.find()), [1, 2])
  await db.flush()
  await db.things.insert({ id: 3 })
  await db.close()
  await rejects('closed', db.things.insert({ id: 4 }))
  const again = await open(name, { driver, worker, tables: things() })
  assert.deepEqual(await ids(again.things.find()), [1, 2, 3])
  await again.close()
})

over('scenario 31: hooks of all documents that are stored and read', async (driver, name) => {
  const on = new StorageHooks()
  const closed: string[] = []
  const double = on.hook('write.pre', async (thing: Thing, of) => ({ ...thing, n: thing.n! * 2, of }))
  on.hook('read.post', (thing: Thing) => ({ ...thing, n: thing.n! - 2 }))
  on.hook('close', of => void closed.push(of))
  const nothing = () => {}
  on.hook('write.pre', nothing)
  on.hook('read.post', nothing)
  const db = await open(name, { driver, worker, hooks: on, tables: things() })
  await db.things.insert({ id: 1, n: 42 })
  assert.equal((await db.things.get(1))!.n, 82, 'stored as 84')
  assert.deepEqual((await db.things.find({ n: 84 })).map(({ n, of }) => [n, of]), [[82, 'things']], 'filters see what is stored')
  assert.equal((await db.things.find().first())!.n, 82)
  for await (const thing of db.things.find()) assert.equal(thing.n, 82)

  // A change is made to what is handed out, whatever is stored.
  assert.equal(await db.things.update(1, { tags: ['x'] }), 1)
  assert.deepEqual(await db.things.get(1), { id: 1, n: 162, of: 'things', tags: ['x'] })
  await rejects('unsupported', () => db.things.find().subscribe(nothing))

  // Hooks replaced by one that returns nothing leave data as it is.
  on.clear('read.post')
  on.hook('read.post', nothing)
  assert.equal(on.unhook('write.pre', double), true)
  assert.equal(on.unhook('write.pre', double), false)
  assert.deepEqual(on.list('write.pre'), [nothing])
  await db.things.put({ id: 2, n: 5 })
  assert.deepEqual(await db.things.getMany([2, 3]), [{ id: 2, n: 5 }, undefined])
  await rejects('invalid_argument', () => on.hook('write' as 'write.pre', nothing))
  await rejects('invalid_argument', () => on.clear('writes' as 'write.pre'))
  assert.deepEqual(on.events, ['write.pre', 'write.post', 'read.pre', 'read.post', 'close'])

  // One that throws aborts its transaction, and what it throws is handed on.
  on.hook('write.pre', (thing: Thing) => { if (thing.n === 0) throw new RangeError('no') })
  await assert.rejects(db.things.insertMany([{ id: 3, n: 1 }, { id: 4, n: 0 }]), /RangeError: no/)
  await assert.rejects(db.transaction(async tx => {
    await tx.things.insert({ id: 3, n: 1 })
    await tx.things.insert({ id: 4, n: 0 }).catch(nothing)
  }), /RangeError: no/)
  assert.deepEqual(await ids(db.things.find()), [1, 2])
  assert.deepEqual(closed, [])
  await db.close()
  assert.deepEqual(closed, [name])
})

if (!worker) {
  over('scenario 32: hooks of blobs run in order on writing and in reverse on reading', async (driver, name) => {
    const hooked = () => {
      const on = new StorageHooks()
      const calls: string[] = []
      for (const letter of ['A', 'B']) {
        on.hook('write.post', async bytes => (calls.push(letter), Uint8Array.of(...bytes, letter.charCodeAt(0), calls.length & 255)))
        on.hook('read.pre', bytes => {
          assert.equal(String.fromCharCode(bytes.at(-2)!), letter)
          return bytes.slice(0, -2)
        })
      }
      return { on, calls }
    }
    const { on, calls } = hooked()
    const db = await open(name, { driver, hooks: on, tables: things() })
    await db.things.insertMany(Array.from({ length: 2000 }, (_, id) => ({ id, n: id % 7 })))
    await db.checkpoint()
    await db.things.put({ id: 1, n: 100 })
    assert.equal(calls.filter(letter => letter === 'A').length, calls.filter(letter => letter === 'B').length)
    await db.close()
    const again = await open(name, { driver, hooks: hooked().on, tables: things() })
    assert.equal(await again.things.count(), 2000)
    assert.equal((await again.things.get(1))!.n, 100)
    assert.deepEqual((await again.check()).problems, [])
    await again.close()
    await rejects('corrupt', open(name, { driver, tables: things() }))
    await rejects('unsupported', open(name, { driver: memory(), worker: true, hooks: hooked().on, tables: things() }))
  })
}

over('scenario 33: hooks of a table', async (driver, name) => {
  const on = new TableHooks<Thing>()
  const told: string[] = []
  for (const event of ['create', 'update', 'delete', 'read'] as const) on.hook(event, ({ id, n }) => void told.push(`${event} ${id} ${n}`))
  on.hook('truncate', () => void told.push('truncate'))
  const expect = (...expected: string[]) => assert.deepEqual(told.splice(0), expected)
  const db = await open(name, { driver, worker, tables: things(on) })

  on.hook('create', async thing => { thing['added'] = { by: 'hook' } })
  const given = { id: 1, n: 1 }
  assert.equal(await db.things.insert(given), 1)
  assert.deepEqual(given, { id: 1, n: 1 }, 'the caller keeps its own')
  await db.things.putMany([{ id: 1, n: 2 }, { id: 2, n: 2 }])
  expect('create 1 1', 'update 1 2', 'create 2 2')
  assert.deepEqual(await db.things.get(2), { id: 2, n: 2, added: { by: 'hook' } })
  expect('read 2 2')
  on.hook('update', thing => { thing['changed'] = true })
  assert.equal(await db.things.update({ n: 2 }, { n: 3 }), 2)
  expect('update 1 3', 'update 2 3')
  assert.equal(await db.things.count({ n: 3, changed: true }), 2)

  // What is read is a copy that hooks may change.
  const mark = on.hook('read', thing => { thing['seen'] = true })
  assert.deepEqual(await db.things.find().orderBy('id').limit(1), [{ id: 1, n: 3, changed: true, seen: true }])
  on.unhook('read', mark)
  assert.equal((await db.things.get(1))!['seen'], undefined)
  expect('read 1 3', 'read 1 3')

  assert.equal(await db.things.delete(1), 1)
  assert.equal(await db.things.delete(1), 0)
  expect('delete 1 3')

  // A hook may use the transaction it runs in; one that throws ends it, and nothing of it stays.
  on.hook('delete', () => { throw new Error('kept') })
  await assert.rejects(db.things.deleteMany({ n: 3 }), /kept/)
  await assert.rejects(db.things.remove({ n: 3 }), /kept/)
  await assert.rejects(db.transaction(tx => tx.things.delete(2)), /kept/)
  assert.equal(await db.things.count(), 1)
  on.clear('delete')
  on.hook('create', async (thing, table) => { if (thing.n === 7) await table.put({ id: 70 }) })
  await db.things.insert({ id: 7, n: 7 })
  assert.deepEqual(await ids(db.things.find()), [2, 7, 70])
  told.length = 0
  await rejects('invalid_document', db.things.update(2, { id: 3 }))
  on.hook('update', thing => { thing.id = 99 })
  await rejects('invalid_document', db.things.update(2, { n: 1 }))
  on.clear('update')

  await db.things.truncate()
  assert.equal(await db.things.count(), 0)
  assert.deepEqual(told.filter(line => /truncate|delete/.test(line)), ['truncate'])
  on.clear()
  assert.deepEqual(on.list('create'), [])
  await rejects('invalid_argument', () => on.hook('drop' as 'create', () => {}))
  await db.close()
})

test('a write that runs again gives its hooks what it was given', async () => {
  const on = new TableHooks<Thing>()
  const driver = memory()
  const db = await open('again', { driver, tables: things(on) })
  let runs = 0
  on.hook('create', async thing => {
    runs++
    thing.n = thing.n! * 2
    if (runs === 1) await db.transaction(async tx => void (await tx.things.put({ id: 1, n: 0 })))
  })
  await db.things.put({ id: 1, n: 21 })
  assert.ok(runs > 1)
  assert.equal((await db.things.get(1))!.n, 21, 'in the end it replaces what the hook has put')
  await db.things.put({ id: 2, n: 21 })
  assert.equal((await db.things.get(2))!.n, 42)
  await db.close()
})

test('every way to write goes through hooks', async () => {
  const on = new TableHooks<Thing>()
  const told: string[] = []
  for (const event of ['create', 'update', 'delete'] as const) on.hook(event, ({ id, n }) => void told.push(`${event} ${id} ${n}`))
  const db = await open('verbs', { driver: memory(), tables: things(on) })
  const expect = async (work: PromiseLike<unknown>, ...expected: string[]) => {
    await work
    assert.deepEqual(told.splice(0), expected)
  }
  await expect(db.things.upsert({ id: 1, n: 1 }), 'create 1 1')
  await expect(db.things.upsert({ id: 1, n: 2 }), 'update 1 2')
  await expect(db.things.replace({ id: 1, n: 3 }), 'update 1 3')
  await expect(db.things.update(1, op.increment('n')), 'update 1 4')
  await expect(db.things.update({ n: 4 }, thing => ({ ...thing, n: 5 })), 'update 1 5')
  await expect(db.things.updateMany([[{ n: 6 }, { n: 5 }], [{ n: 7 }, { n: 6 }]]), 'update 1 6', 'update 1 7')
  await expect(db.things.insertMany([{ id: 2 }, { id: 3 }]), 'create 2 undefined', 'create 3 undefined')
  await expect(db.transaction(tx => tx.table('things').put({ id: 2, n: 1 })), 'update 2 1')
  await expect(db.transaction(tx => tx.transaction(child => child.things.delete(2))), 'delete 2 1')
  assert.deepEqual(await db.things.deleteMany({ n: 7 }, { returning: 'ids' }), [1])
  assert.deepEqual(told.splice(0), ['delete 1 7'])
  assert.equal(await db.things.contains(3), true)
  assert.deepEqual(await ids(db.things.all()), [3])
  await db.close()
})

test('timestamps, in every format', async () => {
  let now = Date.UTC(2020, 0, 1)
  const clock = () => now
  const open1 = (options: Parameters<typeof timestamps>[0]) => open('stamped', { driver: memory(), tables: things(timestamps({ clock, ...options })) })
  const db = await open1({})
  await db.things.insert({ id: 1 })
  now += 1000
  await db.things.update(1, { n: 1 })
  assert.deepEqual(await db.things.get(1), { id: 1, created: new Date(now - 1000), modified: new Date(now), n: 1 })
  await db.things.put({ id: 1, n: 2 })
  assert.deepEqual((await db.things.get(1))!['created'], new Date(now - 1000))
  await db.close()
  const other = await open1({ created: 'born', modified: false, accessed: 'seen', format: 'iso' })
  await other.things.insert({ id: 2 })
  now += 1000
  assert.deepEqual(await other.things.get(2), { id: 2, born: new Date(now - 1000).toISOString(), seen: new Date(now).toISOString() })
  assert.equal(await other.things.count(where('seen').exists() as never), 0)
  await other.close()
  for (const [format, expected] of [['number', now], [(time: Date) => time.getUTCFullYear(), 2020]] as const) {
    const one = await open1({ format })
    await one.things.insert({ id: 3 })
    assert.equal((await one.things.get(3))!['created'], expected)
    await one.close()
  }
  await rejects('invalid_option', () => timestamps({ format: 'xml' as 'iso' }))
  await rejects('invalid_option', () => timestamps({ moved: 'x' } as never))
})

for (const [library, schema] of [
  ['zod', z.object({ id: z.number(), name: z.string().min(2), size: z.number().default(7), at: z.object({ lat: z.number() }).optional() })],
  ['valibot', v.object({ id: v.number(), name: v.pipe(v.string(), v.minLength(2)), size: v.optional(v.number(), 7), at: v.optional(v.object({ lat: v.number() })) })],
] as const) {
  test(`a schema of ${library} decides what is stored`, async () => {
    const db = await open('checked', { driver: memory(), tables: { cities: table({ key: 'id', policies: [validated(schema)] }) } })
    await db.cities.insert({ id: 1, name: 'Oslo' })
    assert.deepEqual(await db.cities.get(1), { id: 1, name: 'Oslo', size: 7 })
    const wrong = await rejects('invalid_document', db.cities.insertMany([{ id: 2, name: 'Bergen' }, { id: 3, name: 'X', at: { lat: 'secret' } }]))
    assert.match(wrong.message, /"name", "at\.lat"/)
    assert.doesNotMatch(wrong.message, /secret/)
    assert.ok(Array.isArray(wrong.cause))
    await rejects('invalid_document', db.cities.update(1, { size: 'big' }))
    assert.deepEqual(await db.cities.find(), [{ id: 1, name: 'Oslo', size: 7 }])
    await rejects('invalid_option', () => validated({} as never))
    await db.close()
  })
}

over('scenario 36: bounded tables delete what is too much', async (driver, name) => {
  let now = 1000
  const clock = () => now
  const kept = async (options: BoundedOptions<Thing>, expected: number[]) => {
    const on = new TableHooks<Thing>()
    const gone: number[] = []
    on.hook('delete', ({ id }) => void gone.push(id))
    const db = await open(`${name} ${options.kind}`, { driver, worker, tables: things(bounded<Thing>(options), on) })
    await db.things.insert({ id: 1 })
    await db.things.insert({ id: 2 })
    await db.things.insert({ id: 3 })
    if (options.kind === 'lru') assert.deepEqual(await ids(db.things.find()), [2, 3], '1 is gone')
    await db.things.get(2)
    await db.things.get(2)
    await db.things.insert({ id: 4 })
    const left = await ids(db.things.find())
    assert.deepEqual(left, expected, options.kind)
    assert.deepEqual([...gone, ...left].sort(), [1, 2, 3, 4], 'other policies hear of it')
    // What is taken back comes back.
    await assert.rejects(db.transaction(async tx => {
      await tx.things.insertMany([{ id: 5 }, { id: 6 }, { id: 7 }])
      assert.deepEqual(await ids(tx.things.find()), [6, 7])
      throw new Error('no')
    }), /no/)
    assert.deepEqual(await ids(db.things.find()), expected)
    await db.things.insert({ id: 8 })
    assert.equal(await db.things.count(), 2)
    await db.close()
  }
  await kept({ kind: 'lru', max: 2 }, [2, 4])
  await kept({ kind: 'fifo', max: 2 }, [3, 4])
  await kept({ kind: 'lfu', max: 2 }, [2, 4])
  await kept({ kind: 'mru', max: 2 }, [1, 4])
  await kept({ kind: 'rr', max: 2, random: (i => () => ++i)(0) }, [3, 4])

  const sized = await open(`${name} sized`, { driver, worker, tables: things(bounded<Thing>({ kind: 'fifo', max: 10, size: ({ n }) => n! })) })
  await sized.things.insertMany([{ id: 1, n: 4 }, { id: 2, n: 4 }])
  await sized.things.insert({ id: 3, n: 5 })
  assert.deepEqual(await ids(sized.things.find()), [2, 3])
  await rejects('too_large', sized.things.insert({ id: 4, n: 11 }))
  assert.deepEqual(await ids(sized.things.find()), [2, 3])
  await sized.close()

  const none = await open(`${name} none`, { driver, worker, tables: things(bounded<Thing>({ kind: 'lru', max: 0 })) })
  await rejects('too_large', none.things.insert({ id: 1 }))
  await none.close()

  // A policy that two tables share bounds each of them.
  const spec = table<Thing>({ key: 'id', policies: [bounded<Thing>({ kind: 'lru', max: 2 })] })
  const both = await open(`${name} both`, { driver, worker, tables: { a: spec, b: spec } })
  await both.a.insertMany([{ id: 1 }, { id: 2 }])
  await both.b.putMany([{ id: 3 }, { id: 3 }, { id: 4 }, { id: 5 }])
  assert.deepEqual([await ids(both.a.find()), await ids(both.b.find())], [[1, 2], [4, 5]])
  await both.close()

  // ttl, tlru, and each document's own time.
  for (const [kind, policy] of [
    ['ttl', bounded<Thing>({ kind: 'ttl', max: 3, ttl: 100, clock })],
    ['tlru', bounded<Thing>({ kind: 'tlru', max: 3, ttu: ({ id }, at) => (id === 9 ? undefined : new Date(at + 100)), clock })],
    ['expiring', expiring<Thing>({ ttl: 100, clock })],
  ] as const) {
    const db = await open(`${name} ${kind}`, { driver, worker, tables: things(policy) })
    await db.things.insertMany([{ id: 1 }, { id: 2, expires: new Date(now + 50) }])
    now += 60
    assert.equal(await db.things.get(2), undefined)
    assert.deepEqual(await ids(db.things.find()), [1])
    assert.equal(await db.things.count(), 1)
    await db.things.insert({ id: 2 })
    now += 60
    assert.deepEqual(await ids(db.things.find()), [2])
    await db.things.insert({ id: 3 })
    assert.equal(await db.things.delete(1), 0, 'deleted by the write before')
    await db.close()
  }
  for (const wrong of [{ kind: 'lru' }, { kind: 'old', max: 1 }, { kind: 'ttl', max: 1 }, { kind: 'tlru', max: 1 }, { kind: 'lru', max: 1, ttl: 5 }]) {
    await rejects('invalid_option', () => bounded(wrong as never))
  }
})

class Duration { constructor(readonly seconds: number) {} }
class Complex { constructor(readonly re: number, readonly im: number) {} }
class Token { constructor(readonly text: string) {} }

const types = [
  { name: 'duration', class: Duration, encode: (d: Duration) => d.seconds, decode: (seconds: number) => new Duration(seconds) },
  { name: 'complex', class: Complex, encode: ({ re, im }: Complex) => [re, im], decode: ([re, im]: [number, number]) => new Complex(re, im) },
  { name: 'token', class: Token, encode: ({ text }: Token) => ({ text }) },
]

over('scenario 34: what is encrypted opens with its key alone', async (driver, name) => {
  const key = crypto.getRandomValues(new Uint8Array(32))
  const sealed = (key: Uint8Array) => ({ driver, worker, tables: things(), modifiers: [compress('deflate'), encrypt({ key })] })
  await rejects('invalid_option', () => open(name, sealed(key.slice(0, 16)))) // 32 bytes are a key
  let db = await open(name, sealed(key))
  await db.things.insert({ id: 1, char: 'plaintext canary' })
  await db.close()

  await rejects('key_required', open(name, { driver, tables: things() }))
  await rejects('wrong_key', open(name, sealed(new Uint8Array(32).fill(1))))
  const kept = await driver.open(name)
  const blobs = await kept.read(await kept.list(''))
  await kept.close()
  const bytes = blobs.map(blob => new TextDecoder('latin1').decode(blob)).join('')
  assert.ok(bytes.length > 0)
  for (const plain of ['canary', 'things', 'char']) assert.ok(!bytes.includes(plain), plain)

  db = await open(name, sealed(key.slice()))
  assert.deepEqual(await db.things.get(1), { id: 1, char: 'plaintext canary' })
  await db.close()
})

over('scenario 35: extended types', async (driver, name) => {
  const tables = { things: table<{ id: number; [name: string]: unknown }>({ key: 'id', indexes: ['value'] }) }
  const db = await open(name, { driver, worker, types, tables })
  const whole = {
    id: 1,
    value: new Set(['a', 1]),
    nested: {
      date: new Date(1700000000123), bytes: Uint8Array.of(1, 2), wide: 2n ** 70n, absent: undefined, expression: /a+/gi,
      url: new URL('https://host.example/x?y'), numbers: Float32Array.of(0.5),
      list: [new Map<unknown, unknown>([['key', { deep: new Set([new Duration(90)]) }], [new Date(0), 1n]]), new Complex(1, -2)],
    },
    marked: { $set: [1, 2], $date: '2020', y: 3 },
  }
  await db.things.insert(whole)
  assert.deepEqual(await db.things.get(1), whole)
  assert.deepEqual(await db.things.find(), [whole])

  // A value that was changed after it was handed out is not the one that is stored.
  const handed = (await db.things.get(1))!['value'] as Set<unknown>
  handed.add('b')
  assert.deepEqual((await db.things.get(1))!['value'], new Set(['a', 1]))

  // They equal what is stored alike, and have their place in every order: the last one.
  await db.things.insertMany([{ id: 2, value: 5 }, { id: 3, value: new Map([[1, 2]]) }, { id: 4, value: 'x' }])
  for (const filter of [where('value').eq(new Set(['a', 1])), { value: new Set(['a', 1]) }, where('nested.url').eq(new URL('https://host.example/x?y'))]) {
    assert.deepEqual((await db.things.find(filter as never)).map(({ id }) => id), [1])
  }
  assert.deepEqual((await db.things.find().orderBy('value')).map(({ id }) => id), [2, 4, 1, 3])
  assert.equal(await db.things.count(where('value').gt(0) as never), 1)

  // What cannot be stored changes nothing, nor does what contains itself.
  const circle = new Map<string, unknown>()
  circle.set('itself', { circle })
  for (const value of [() => 1, new Set([Promise.resolve()]), circle]) await rejects('invalid_document', db.things.insert({ id: 9, value }))
  for (const key of [new Set(), new URL('x:'), /x/] as never[]) await rejects('invalid_key', db.things.insert({ id: key }))
  assert.equal(await db.things.count(), 4)

  // A type without decode is read as it was stored; of two classes under one name the second is refused.
  await db.things.insert({ id: 5, token: new Token('t') })
  assert.deepEqual(await db.things.get(5), { id: 5, token: { text: 't' } })
  const other = { ...types[0]!, class: Token }
  await rejects('invalid_option', open(name, { driver, worker, types: [other] as never, tables }))
  await db.close()
})

over('a hook of blobs that answers with something else, or not at all, is a typed error and nothing is stored', async (driver, name) => {
  if (worker) return
  const on = new StorageHooks()
  let answer: (() => unknown) | undefined
  const turn = () => {
    const once = answer
    answer = undefined
    return once?.() as undefined
  }
  on.hook('write.post', turn)
  on.hook('read.pre', turn)
  const opened = () => open(name, { driver, hooks: on, tables: things() })
  const never = () => {
    const { setTimeout } = globalThis
    const shortly = (f: () => void, milliseconds?: number) => {
      if (milliseconds === 60_000) globalThis.setTimeout = setTimeout
      return setTimeout(f, milliseconds === 60_000 ? 0 : milliseconds)
    }
    globalThis.setTimeout = shortly as typeof setTimeout // for the clock that starts now
    return new Promise(() => {})
  }
  let db = await opened()
  await db.things.insert({ id: 1 })
  const failing: [string, string, () => unknown][] = [
    ['invalid_argument', 'invalid_argument', () => 'text'],
    ['invalid_argument', 'invalid_argument', () => new ArrayBuffer(8)],
    ['backend_failed', 'undecodable', () => { throw new TypeError('mine') }],
    ['backend_failed', 'undecodable', never],
  ]
  for (const [written, read, fails] of failing) {
    answer = fails
    await rejects(written, db.things.insert({ id: 2 }), fails.toString())
    await db.close()
    answer = fails
    await rejects(read, opened(), fails.toString())
    db = await opened()
    assert.deepEqual(await ids(db.things.find()), [1])
  }
  await db.close()
})

over('what a policy cannot go by is a typed error, not guessed at', async (driver, name) => {
  const schema = (validate: () => unknown) => validated({ '~standard': { version: 1, vendor: 'test', validate: validate as never } })
  const refused: [string, Parameters<typeof things>[0], Partial<Thing>][] = [
    ...[5, undefined, {}, { value: null }, { value: 'text' }].map((made): (typeof refused)[number] => ['invalid_document', schema(() => made), {}]),
    ...[-1, NaN, '3', undefined].map((size): (typeof refused)[number] => ['invalid_argument', bounded({ kind: 'lru', max: 10, size: () => size as number }), {}]),
    ...[5, new Date(NaN), 'tomorrow'].map((until): (typeof refused)[number] => ['invalid_argument', expiring({ ttu: () => until as Date }), {}]),
  ]
  let number = 0
  for (const [code, policy, thing] of refused) {
    const db = await open(`${name} ${number++}`, { driver, worker, tables: things(policy) })
    await rejects(code, db.things.insert({ id: 1, ...thing }), String(number))
    assert.equal(await db.things.count(), 0)
    await db.close()
  }
  const on = new TableHooks<Thing>()
  const db = await open(name, { driver, worker, tables: things(on) })
  await db.things.insertMany([{ id: 1, n: 1 }, { id: 2, n: 2 }])
  const wrong = { returning: 'all', sgnal: 1, onProgress: 5 }
  for (const [option, value] of Object.entries(wrong)) {
    const options = { [option]: value } as never
    await rejects('invalid_option', db.things.insertMany([{ id: 3 }], options))
    await rejects('invalid_option', db.things.putMany([{ id: 3 }], options))
    await rejects('invalid_option', db.things.update(1, { n: 3 }, options))
    await rejects('invalid_option', db.things.deleteMany([1], options))
  }
  const moved = on.hook('update', thing => { thing.id = 9 })
  await rejects('invalid_document', db.things.update(1, { n: 3 }))
  await rejects('invalid_document', db.things.put({ id: 1, n: 3 }))
  on.unhook('update', moved)
  assert.deepEqual(await db.things.find(), [{ id: 1, n: 1 }, { id: 2, n: 2 }])
  await db.close()
})
