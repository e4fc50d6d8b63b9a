import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type Database, type DriverFactory, open, type Store, type Tables } from 'stowage'
import { coder } from 'stowage/coders'

import { drivers, worker } from './drivers.js'
import { place, rejects, tables } from './places.js'

/* In Node these run in memory and over files; test/browser/shared.test.ts runs them over IndexedDB, with and without a worker. */

let environments = 0

/** A test of stores over every driver there is. */
function onStores(name: string, body: (db: Database<Tables>) => Promise<void>): void {
  for (const [place, driver] of drivers) {
    test(`${name} (${place})`, async () => body(await open(`stores ${worker} ${environments++}`, { driver: driver(), worker })))
  }
}

/** A test of stores beside tables, over every driver there is. */
function withPlaces(name: string, body: (db: Awaited<ReturnType<typeof openedWithPlaces>>) => Promise<void>): void {
  for (const [place, driver] of drivers) test(`${name} (${place})`, async () => body(await openedWithPlaces(driver())))
}

const openedWithPlaces = (driver: DriverFactory) => open(`places ${worker} ${environments++}`, { driver, worker, tables })

/** A store of text. */
const texts = (db: { store: Database<Tables>['store'] }, name = 'texts'): Store<string, string> =>
  db.store(name, { key: coder.string, value: coder.string })

onStores('scenario 37: coders have the bytes of their table, and a store sees values through them', async db => {
  const bytes = (...values: number[]) => Uint8Array.from(values)
  assert.deepEqual(coder.uint16.encode(65535), bytes(0xff, 0xff))
  assert.deepEqual(coder.uint16.encode(100), bytes(0x00, 0x64))
  await rejects('invalid_argument', () => coder.uint16.encode(65536))
  assert.deepEqual(coder.uint64.encode(2n ** 64n - 1n), new Uint8Array(8).fill(0xff))
  assert.equal(new TextDecoder().decode(coder.json.encode({ key: 'value' })), '{"key": "value"}')
  const records = db.store('records', { key: coder.uint16, value: coder.json })
  assert.equal(await records.put(65535, { key: 'value' }), true)
  assert.deepEqual(await records.get(65535), { key: 'value' })
  const packed = records.with({ value: coder.json.compressed(9) })
  await packed.put(1, { key: 'value'.repeat(1000) })
  assert.deepEqual(await packed.get(1), { key: 'value'.repeat(1000) })
  const raw = db.store('records')
  assert.deepEqual(await raw.get(bytes(0xff, 0xff)), new TextEncoder().encode('{"key": "value"}'))
  assert.ok((await raw.get(bytes(0, 1)))!.length < 100, 'it is stored compressed')
  await rejects('undecodable', packed.get(65535))
  await rejects('invalid_argument', records.put(65536, {}))
  await rejects('invalid_argument', records.get(-1))
  await db.close()
})

onStores('scenario 38: get, put, replace, pop and delete tell what was there', async db => {
  const store = texts(db)
  assert.equal(await store.get('a'), undefined)
  assert.equal(await store.get('a', 'default'), 'default')
  assert.equal(await store.put('a', 'first'), true)
  assert.equal(await store.put('a', 'second', { overwrite: false }), false)
  assert.equal(await store.get('a', 'default'), 'first')
  assert.deepEqual([await store.replace('r', ''), await store.replace('r', 'x'), await store.replace('r', 'y'), await store.get('r')], [undefined, '', 'x', 'y'])
  assert.deepEqual([await store.pop('r'), await store.pop('r'), await store.has('r')], ['y', undefined, false])
  assert.deepEqual([await store.delete('a'), await store.delete('a')], [true, false])
  await store.put('b', 'b')
  await store.empty()
  await store.empty()
  assert.equal(await store.count(), 0)
  await store.put('b', 'b')
  await store.drop()
  await rejects('not_found', store.get('b'))
  assert.deepEqual(await db.stores(), [])
  assert.equal(await texts(db).get('b'), undefined)
  await rejects('invalid_key', store.with({}).put('', 'x').catch(() => texts(db).put('', 'x')))
  await db.close()
})

onStores('scenario 39: putMulti is all or nothing and tells how many it took', async db => {
  const store = texts(db)
  const twice = [['a', '1'], ['a', '1']] as [string, string][]
  assert.deepEqual(await store.putMulti(twice), { consumed: 2, added: 2 })
  await store.empty()
  assert.deepEqual(await store.putMulti(twice, { overwrite: false }), { consumed: 2, added: 1 })
  await store.empty()
  await rejects('invalid_argument', store.putMulti([['a', '1'], ['b']] as never))
  await rejects('invalid_argument', store.putMulti([['a', '1'], 'bc'] as never))
  await rejects('invalid_key', store.putMulti([['a', '1'], ['', '2']]))
  assert.equal(await store.count(), 0)
  await rejects(
    'invalid_argument',
    db.transaction(async tx => {
      await texts(tx).put('before', '1')
      await texts(tx).putMulti([['a', '1'], 5] as never)
    }),
  )
  assert.equal(await store.count(), 0)
  const many = Array.from({ length: 20_000 }, (_, i) => [`k${i}`, `v${i}`] as [string, string])
  let told = 0
  assert.deepEqual(await store.putMulti(many, { onProgress: done => (told = done) }), { consumed: 20_000, added: 20_000 })
  assert.ok(told >= 20_000)
  const keys = ['k7', 'none', 'k19999']
  assert.deepEqual(await store.getMulti(keys), new Map([['k7', 'v7'], ['none', undefined], ['k19999', 'v19999']]))
  assert.equal((await store.getMulti(many.map(([key]) => key))).get('k12345'), 'v12345')
  assert.deepEqual(await store.deleteMulti(keys), new Map([['k7', true], ['none', false], ['k19999', true]]))
  assert.equal([...(await store.deleteMulti(many.map(([key]) => key))).values()].filter(found => found).length, 19_998)
  assert.equal(await store.count(), 0)
  await db.close()
})

onStores('scenario 40: a transaction shows all or nothing, and a child all or nothing to its parent', async db => {
  const store = texts(db)
  await assert.rejects(
    db.transaction(async tx => {
      await texts(tx).put('a', 'a')
      throw new Error('mine')
    }),
    /mine/,
  )
  assert.equal(await store.get('a'), undefined)
  await db.transaction(async tx => {
    const seen = texts(tx)
    await seen.put('a', 'a')
    await tx.transaction(async child => {
      await texts(child).put('a', 'b')
      assert.equal(await texts(child).get('a'), 'b')
      await rejects('tx_busy', seen.get('a'))
      throw new Error('mine')
    }).catch(error => assert.equal(error.message, 'mine'))
    assert.equal(await seen.get('a'), 'a')
    const told = await tx.transaction(async child => {
      await child.transaction(inner => texts(inner).put('inner', 'i'))
      await texts(child).put('a', 'b')
      return 'told'
    })
    assert.deepEqual([told, await seen.get('a'), await seen.get('inner')], ['told', 'b', 'i'])
  })
  assert.equal(await store.get('a'), 'b')
  const both = (fails: boolean) =>
    db.transaction(async tx => {
      await texts(tx, 'one').put('k', '1')
      await texts(tx, 'two').put('k', '2')
      if (fails) throw new Error('mine')
    })
  await assert.rejects(both(true))
  assert.deepEqual([await texts(db, 'one').get('k'), await texts(db, 'two').get('k')], [undefined, undefined])
  await both(false)
  assert.deepEqual([await texts(db, 'one').get('k'), await texts(db, 'two').get('k')], ['1', '2'])
  assert.deepEqual(await db.stores(), ['one', 'texts', 'two'])
  assert.equal(await db.run(tx => texts(tx).get('a')), 'b')
  await rejects('read_only', db.run(tx => texts(tx).put('a', 'c'), { write: false }))
  await db.run(tx => texts(tx).put('a', 'c'), { write: true, durability: 'strict' })
  assert.equal(await store.get('a'), 'c')
  await rejects('invalid_option', db.run(async () => {}, { writable: true } as never))
  await db.close()
})

onStores('scenario 41: a cursor goes where it is told and tells whether it got there', async db => {
  for (const key of ['a', 'b', 'baa', 'd']) await texts(db).put(key, key.toUpperCase())
  await db.transaction(async tx => {
    const c = await texts(tx).cursor()
    assert.deepEqual([await c.seek('ba'), c.key, c.value], [true, 'baa', 'BAA'])
    assert.deepEqual([await c.seek('x'), c.key, c.value], [false, undefined, undefined])
    assert.deepEqual([await c.seekExact('ba'), c.key], [false, undefined])
    assert.deepEqual([await c.seekFloor('ba'), c.key, await c.seekBelow('b'), c.key], [true, 'b', true, 'a'])
    const walked = async (entries: AsyncIterable<[string, string]>) => {
      const keys: string[] = []
      for await (const [key] of entries) keys.push(key)
      return keys
    }
    await c.seekExact('baa')
    assert.deepEqual(await walked(c.backward()), ['baa', 'b', 'a'])
    assert.equal(c.key, undefined)
    assert.deepEqual(await walked(c.forward()), ['a', 'b', 'baa', 'd'])
    assert.deepEqual(await walked(c.backward()), ['d', 'baa', 'b', 'a'])
    assert.deepEqual([await c.next(), c.key, await c.prev(), c.key, await c.prev(), c.key], [true, 'a', false, undefined, true, 'd'])
    await c.first()
    const deleted: string[] = []
    while (c.key !== undefined) {
      deleted.push(c.key)
      assert.equal(await c.delete(), true)
    }
    assert.deepEqual(deleted, ['a', 'b', 'baa', 'd'])
    assert.deepEqual([await c.delete(), await c.first()], [false, false])
  })
  assert.equal(await texts(db).count(), 0)
  await db.close()
})

onStores('a cursor writes where it stands, and its iterations meet what is written', async db => {
  await db.transaction(async tx => {
    const c = await texts(tx).cursor()
    await c.put('b', '1')
    assert.deepEqual([c.key, c.value], ['b', '1'])
    assert.deepEqual([await c.replace('b', '2'), c.value], ['1', '2'])
    assert.deepEqual([await c.replace('c', '3'), c.key], [undefined, 'c'])
    assert.deepEqual([await c.pop('b'), c.key], ['2', 'c'])
    assert.deepEqual([await c.pop('b'), c.key], [undefined, undefined])
    for (const key of ['a', 'b', 'c', 'd']) await texts(tx).put(key, key)
    const met: string[] = []
    for await (const [key] of c) {
      met.push(key)
      if (key === 'b') await c.delete()
      if (key === 'c') await texts(tx).put('cc', 'new')
    }
    assert.deepEqual(met, ['a', 'b', 'c', 'cc', 'd'])
    const bounded = await texts(tx).cursor({ gt: 'a', lt: 'd' })
    assert.deepEqual([await bounded.first(), bounded.key, await bounded.last(), bounded.key, await bounded.seek('d')], [true, 'c', true, 'cc', false])
    await rejects('invalid_argument', bounded.put('z', 'z'))
    await bounded.close()
    await rejects('tx_ended', bounded.first())
  })
  assert.deepEqual(await texts(db).range({ values: false }), ['a', 'c', 'cc', 'd'])
  await rejects('invalid_argument', texts(db).cursor())
  await db.close()
})

onStores('a key with several values keeps them sorted, and a cursor goes from one to the next', async db => {
  const store = db.store('dup', { key: coder.string, value: coder.string, flags: { dupSort: true } })
  await store.putMulti([['a', '2'], ['a', '1'], ['b', '9'], ['a', '3'], ['a', '1']])
  assert.deepEqual(await store.range(), [['a', '1'], ['a', '2'], ['a', '3'], ['b', '9']])
  assert.deepEqual([await store.put('a', '1', { duplicate: false }), await store.put('a', '0', { overwrite: false }), await store.get('a')], [false, false, '1'])
  assert.deepEqual([await store.delete('a', '2'), await store.delete('a', '2'), await store.count(), await store.count({ lt: 'b' })], [true, false, 3, 2])
  await db.transaction(async tx => {
    const c = await tx.store<string, string>('dup', { key: coder.string, value: coder.string }).cursor()
    const at = async (moved: Promise<boolean>) => [await moved, c.key, c.value]
    assert.deepEqual(await at(c.seekExact('a')), [true, 'a', '1'])
    assert.equal(await c.count(), 2)
    assert.deepEqual(await at(c.nextDup()), [true, 'a', '3'])
    assert.deepEqual(await at(c.firstDup()), [true, 'a', '1'])
    assert.deepEqual(await at(c.lastDup()), [true, 'a', '3'])
    assert.deepEqual(await at(c.prevDup()), [true, 'a', '1'])
    assert.deepEqual(await at(c.nextNoDup()), [true, 'b', '9'])
    assert.deepEqual(await at(c.prevNoDup()), [true, 'a', '3'])
    assert.deepEqual(await at(c.seekPair('a', '2')), [true, 'a', '3'])
    assert.deepEqual(await at(c.seekExactPair('a', '2')), [false, undefined, undefined])
    assert.deepEqual(await at(c.seekExactPair('a', '1')), [true, 'a', '1'])
    assert.equal(await c.deleteKey(), true)
    assert.deepEqual([c.key, c.value], ['b', '9'])
  })
  assert.deepEqual(await store.flags(), { dupSort: true, reverseKey: false })
  await rejects('schema_mismatch', db.store('dup', { flags: { reverseKey: true } }).count())
  await rejects('schema_mismatch', db.store('dup', { flags: { dupSort: false } }).count())
  assert.equal(await db.store('dup', { flags: {} }).count(), await store.count())
  await rejects('invalid_option', () => db.store('x', { value: coder.json.compressed(), flags: { dupSort: true } }))
  await rejects('invalid_option', () => store.with({ value: coder.json.compressed() }))
  await rejects('invalid_option', () => db.store('x', { flags: { integerKey: true } as never }))
  await db.close()
})

onStores('a range has bounds, a direction, a limit and parts, awaited or iterated, in a transaction or not', async db => {
  const numbers = db.store('numbers', { key: coder.int, value: coder.string })
  await numbers.putMulti(Array.from({ length: 5000 }, (_, i) => [i - 2500, 'x'.repeat(100) + i] as [number, string]))
  const check = async (store: typeof numbers) => {
    const keys = async (range: AsyncIterable<number> & PromiseLike<number[]>) => {
      const iterated: number[] = []
      for await (const key of range) iterated.push(key)
      const awaited = await range
      assert.deepEqual(iterated, awaited)
      return awaited
    }
    assert.deepEqual(await keys(store.range({ gte: -2, lt: 3, values: false })), [-2, -1, 0, 1, 2])
    assert.deepEqual(await keys(store.range({ gt: -2, lte: 3, values: false })), [-1, 0, 1, 2, 3])
    assert.deepEqual(await keys(store.range({ gt: 2495, reverse: true, values: false })), [2499, 2498, 2497, 2496])
    assert.deepEqual(await keys(store.range({ limit: 3, values: false })), [-2500, -2499, -2498])
    assert.deepEqual(await keys(store.range({ limit: 0, values: false })), [])
    assert.deepEqual(await keys(store.range({ offset: 4000, limit: 2, values: false })), [1500, 1501])
    assert.deepEqual(await keys(store.range({ offset: 4000, limit: 2, reverse: true, values: false })), [-1501, -1502])
    assert.deepEqual(await keys(store.range({ gte: 2400, offset: 99, values: false })), [2499])
    assert.deepEqual(await keys(store.range({ gte: 2400, offset: 100, values: false })), [])
    assert.equal((await keys(store.range({ values: false }))).length, 5000)
    assert.deepEqual(await store.range({ gte: 2499, keys: false }), ['x'.repeat(100) + '4999'])
    assert.deepEqual(await store.range({ gte: 2499 }), [[2499, 'x'.repeat(100) + '4999']])
    for await (const [key] of store.range({ gte: 5 })) {
      assert.equal(key, 5)
      break
    }
    await rejects('invalid_option', store.range({ gt: 1, gte: 2 }))
    await rejects('invalid_option', store.range({ keys: false, values: false } as never))
    await rejects('invalid_option', store.range({ from: 5 } as never))
  }
  await check(numbers)
  await db.transaction(tx => check(tx.store('numbers', { key: coder.int, value: coder.string })))
  await texts(db).putMulti([['ab', '1'], ['abc', '2'], ['ac', '3'], ['b', '4']])
  assert.deepEqual(await texts(db).range({ prefix: 'ab', keys: false }), ['1', '2'])
  const tuples = db.store('tuples', { key: coder.tuple, value: coder.string })
  await tuples.putMulti([[['NO', 5], 'a'], [['NO', 10], 'b'], [['SE', 1], 'c']])
  assert.deepEqual(await tuples.range({ prefix: ['NO'] }), [[['NO', 5], 'a'], [['NO', 10], 'b']])
  const backwards = db.store('backwards', { key: coder.string, value: coder.string, flags: { reverseKey: true } })
  await backwards.putMulti([['az', '1'], ['b', '2'], ['zb', '3'], ['ab', '4']])
  assert.deepEqual(await backwards.range({ values: false }), ['b', 'ab', 'zb', 'az'])
  assert.deepEqual(await backwards.range({ prefix: 'b', values: false }), ['b', 'ab', 'zb'])
  assert.deepEqual(await backwards.range({ gt: 'b', lte: 'zb', values: false }), ['ab', 'zb'])
  await db.close()
})

onStores('iterating a range is one snapshot, and the loop can write', async db => {
  const store = db.store('n', { key: coder.uint32, value: coder.identity })
  await store.putMulti(Array.from({ length: 4000 }, (_, i) => [i, new Uint8Array(1000)] as [number, Uint8Array]))
  let met = 0
  for await (const [key] of store.range()) {
    met++
    if (key === 0) await store.empty()
  }
  assert.equal(met, 4000)
  assert.equal(await store.count(), 0)
  await store.putMulti(Array.from({ length: 1000 }, (_, i) => [i, new Uint8Array(1000)] as [number, Uint8Array]))
  await db.transaction(async tx => {
    const within = tx.store('n', { key: coder.uint32, value: coder.identity })
    for await (const key of within.range({ values: false })) await within.delete(key)
  })
  assert.equal(await store.count(), 0)
  await db.close()
})

withPlaces('an explicit transaction ends when it is told to, or by itself', async db => {
  const tx = await db.begin({ write: true })
  const before = tx.id
  await tx.places.insert(place(1))
  await texts(tx).put('a', 'a')
  assert.equal(await db.places.count(), 0)
  await tx.commit()
  assert.ok(tx.id > before, 'ids grow')
  assert.deepEqual([await db.places.count(), await texts(db).get('a')], [1, 'a'])
  await rejects('tx_ended', texts(tx).get('a'))
  await rejects('tx_ended', tx.commit())
  await tx.abort()
  {
    const left = await db.begin({ write: true })
    await texts(left).put('a', 'b')
    await left[Symbol.asyncDispose]()
  }
  assert.equal(await texts(db).get('a'), 'a')
  const reading = await db.begin()
  assert.ok(reading.id >= tx.id)
  await rejects('read_only', texts(reading).put('a', 'c'))
  await texts(db).put('a', 'd')
  assert.equal(await texts(reading).get('a'), 'a')
  await reading.abort()
  const loser = await db.begin({ write: true })
  await texts(loser).get('a')
  await texts(loser).put('b', 'b')
  await texts(db).put('a', 'e')
  await rejects('conflict', loser.commit())
  assert.equal(await texts(db).get('b'), undefined)
  const parent = await db.begin({ write: true })
  await texts(parent).put('p', 'p')
  const open = parent.transaction(async () => {
    await rejects('tx_busy', parent.commit())
    await parent.abort()
  })
  await rejects('tx_ended', open)
  assert.equal(await texts(db).get('p'), undefined)
  await rejects('invalid_option', db.begin({ writable: true } as never))
  await db.close()
})

onStores('calls take effect in the order in which they are made, also where values are compressed', async db => {
  const large = Array.from({ length: 2000 }, (_, i) => i)
  for (const value of [coder.json, coder.json.compressed()]) {
    const options = { key: coder.string, value }
    const store = db.store('ordered', options)
    const written = [store.put('a', large), store.put('a', 1), store.delete('a'), store.put('b', large), store.pop('b'), store.put('c', large), store.replace('c', 2)]
    await Promise.all(written)
    assert.deepEqual(await store.range(), [['c', 2]])
    assert.deepEqual(await db.transaction(tx => {
      const within = tx.store('ordered', options)
      return Promise.all([within.put('d', large), tx.store('ordered', options).get('d', 0), within.putMulti([['d', 3]]), within.get('d'), within.delete('d'), within.has('d')])
    }), [true, large, { consumed: 1, added: 1 }, 3, true, false])
    await store.putMulti([['d', large], ['e', 5]])
    await db.transaction(async tx => {
      const c = await tx.store('ordered', options).cursor()
      assert.deepEqual(await Promise.all([c.next(), c.next(), c.put('cc', large), c.next(), c.next(), c.next()]), [true, true, undefined, true, true, false])
      assert.deepEqual([c.key, c.value], [undefined, undefined])
    })
    await store.drop()
  }
  await db.close()
})

onStores('a refused argument does not spoil a transaction', async db => {
  await db.transaction(async tx => {
    await texts(tx).put('a', 'a')
    await rejects('invalid_key', texts(tx).put('', 'x'))
    await rejects('too_large', texts(tx).put('k'.repeat(5000), 'x'))
  })
  assert.equal(await texts(db).get('a'), 'a')
  await db.run(async tx => {
    const c = await texts(tx).cursor()
    await c.first()
    for (const call of [texts(tx).delete('a'), texts(tx).empty(), c.put('b', 'b'), c.delete()]) await rejects('read_only', call)
  })
  await db.close()
})

onStores('an environment tells which it is, and a store how long keys may be', async db => {
  assert.deepEqual(await db.info(), { id: '', generation: 0, lastId: 0 })
  const store = db.store('keys')
  await store.put(new Uint8Array(store.maxKeySize), Uint8Array.of(1))
  await rejects('too_large', store.put(new Uint8Array(store.maxKeySize + 1), Uint8Array.of(1)))
  const info = await db.info()
  assert.match(info.id, /^[0-9a-f]{32}$/)
  await using tx = await db.begin()
  assert.deepEqual([info.lastId, (await db.info()).id], [tx.id, info.id])
  await tx.abort()
  await db.close()
  await rejects('closed', db.info())
})

withPlaces('a store without a name is always there, and names of tables are free for stores', async db => {
  await db.places.insert(place(1))
  const places = texts(db, 'places')
  await places.put('a', 'a')
  const unnamed = db.store('', { key: coder.string, value: coder.string })
  await unnamed.put('x', 'y')
  assert.deepEqual([await db.places.count(), await places.count(), await unnamed.get('x')], [1, 1, 'y'])
  assert.deepEqual(await db.stores(), ['places'])
  assert.deepEqual(await db.store().get(Uint8Array.of(0x78)), Uint8Array.of(0x79))
  await rejects('invalid_argument', unnamed.drop())
  await rejects('not_found', db.store('missing', { create: false }).get(Uint8Array.of(1)))
  await rejects('not_found', db.store('missing', { create: false }).put(Uint8Array.of(1), Uint8Array.of(1)))
  assert.equal(await db.store('missing').get(Uint8Array.of(1)), undefined)
  const report = await db.check()
  assert.deepEqual(report.problems, [])
  await db.close()
  await rejects('closed', places.get('a'))
  await rejects('closed', db.stores())
})

onStores('what a coder throws rejects the call and leaves the store as it was', async db => {
  const odd = coder.custom<number>({
    encode: n => {
      if (n % 2 === 0) throw new Error('even')
      return Uint8Array.of(n)
    },
    decode: bytes => bytes[0]!,
  })
  const store = db.store('odd', { key: odd, value: odd.compressed(6) })
  await store.put(1, 3)
  assert.equal(await store.get(1), 3)
  await rejects('invalid_argument', store.putMulti([[3, 5], [5, 2]]))
  await rejects('invalid_argument', store.put(2, 1))
  assert.equal(await store.count(), 1)
  await rejects('invalid_option', () => db.store('odd', { key: coder.string.compressed() as never }))
  await rejects('invalid_option', () => db.store('odd', { value: {} as never }))
  await db.close()
})

onStores('bytes that the caller goes on using are those they were at the call', async db => {
  const store = db.store('bytes')
  const [key, value] = [new Uint8Array(1), new Uint8Array(1)]
  const calls: Promise<unknown>[] = []
  const each = (call: () => Promise<unknown>) => {
    for (const n of [1, 2, 3]) {
      key[0] = n
      value[0] += n
      calls.push(call())
    }
  }
  each(() => store.put(key, value))
  assert.deepEqual(await Promise.all(calls.splice(0)), [true, true, true])
  assert.deepEqual((await store.range()).map(pair => pair.map(bytes => bytes[0])), [[1, 1], [2, 3], [3, 6]])
  each(() => store.replace(key, value))
  assert.deepEqual(await Promise.all(calls.splice(0)), [1, 3, 6].map(n => Uint8Array.of(n)))
  const scratch = coder.custom<number>({ encode: n => key.fill(n), decode: bytes => bytes[0]! })
  const seen = store.with({ key: scratch, value: scratch.compressed(1) })
  await seen.putMulti([[7, 8], [9, 10]])
  assert.deepEqual(await seen.range({ gte: 7 }), [[7, 8], [9, 10]])
  each(() => store.delete(key))
  assert.deepEqual(await Promise.all(calls.splice(0)), [true, true, true])
  await db.close()
})

onStores('a coder without a name is held to its word like any other', async db => {
  const bytes = { encode: () => Uint8Array.of(1), decode: (b: Uint8Array) => b }
  const silent = { encode: () => 'no bytes' as never, decode: () => null }
  const loud = {
    encode: () => { throw new TypeError('mine') },
    decode: () => { throw new TypeError('mine') },
  }
  for (const broken of [silent, loud]) {
    await rejects('invalid_argument', db.store('odd', { key: broken, value: bytes }).put(1 as never, bytes.encode()))
    await rejects('invalid_argument', db.store('odd', { key: bytes, value: broken }).put(bytes.encode(), 1 as never))
    await rejects('invalid_argument', db.store('odd', { key: broken }).get(1 as never))
    await rejects('invalid_argument', () => db.store('odd', { key: broken }).range({ gt: 1 as never }))
  }
  await db.store('odd').put(bytes.encode(), bytes.encode())
  const error = await rejects('undecodable', db.store('odd', { value: loud }).get(bytes.encode()))
  assert.ok(error.cause instanceof TypeError)
  assert.equal(await db.store('odd').count(), 1)
  await db.close()
})
