import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { openPlaces, place, placesFrom, rejects } from './places.js'

test('a transaction survives whatever is awaited in it', async () => {
  const db = await openPlaces()
  await db.places.insert(place(1))
  const result = await db.transaction(async tx => {
    const found = await tx.places.get(1)
    await sleep(20)
    await tx.places.put({ ...found!, name: 'Later' })
    assert.equal((await tx.places.get(1))?.name, 'Later')
    assert.equal((await db.places.get(1))?.name, 'Place 1', 'nobody else sees it yet')
    await tx.notes.insert({ text: 'changed' })
    return 'result'
  })
  assert.equal(result, 'result')
  assert.equal((await db.places.get(1))?.name, 'Later')
  assert.equal(await db.notes.count(), 1)
  await db.close()
})

test('an error leaves nothing', async () => {
  const db = await openPlaces()
  await assert.rejects(
    db.transaction(async tx => {
      await tx.places.insertMany(placesFrom(1, 5000))
      assert.equal(await tx.places.count(), 5000)
      throw new Error('mine')
    }),
    /mine/,
  )
  assert.equal(await db.places.count(), 0)
  await db.close()
})

test('overlapping writers both land', async () => {
  const db = await openPlaces()
  await db.places.insert({ ...place(1), population: 0 })
  let runs = 0
  const increment = () =>
    db.transaction(async tx => {
      runs++
      const found = (await tx.places.get(1))!
      await sleep(5)
      await tx.places.put({ ...found, population: found.population + 1 })
    })
  await Promise.all(Array.from({ length: 5 }, increment))
  assert.equal((await db.places.get(1))?.population, 5)
  assert.ok(runs > 5, 'those that lost ran again')
  await db.close()
})

test('a plain write beside a transaction does not wait for it', async () => {
  const db = await openPlaces()
  await db.transaction(async tx => {
    await tx.places.insert(place(1))
    await db.places.put(place(2))
    assert.deepEqual(await db.places.get(2), place(2))
    assert.equal(await db.places.get(1), undefined)
  })
  assert.equal(await db.places.count(), 2)
  await db.close()
})

test('its operations may be asked for at once', async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 3000))
  const sizes = await db.transaction(async tx =>
    Promise.all([tx.places.find().then(all => all.length), tx.places.insert(place(5000)), tx.places.count(), tx.places.delete(1)]),
  )
  assert.equal(sizes[1], 5000)
  assert.equal(await db.places.count(), 3000)
  await db.close()
})

test('a loop over a large result can use the transaction meanwhile', async () => {
  const db = await openPlaces()
  await db.places.insertMany(placesFrom(1, 10_000).map(one => ({ ...one, name: one.name.repeat(50) })))
  const met = await db.transaction(async tx => {
    let met = 0
    for await (const found of tx.places.find()) {
      if (met++ % 1000 === 0) await tx.places.put({ ...found, name: 'seen' })
    }
    return met
  })
  assert.equal(met, 10_000)
  assert.equal(await db.places.count({ name: 'seen' }), 10)
  for await (const found of db.places.find()) {
    assert.equal(found.id, 1)
    break
  }
  await db.close()
})

test('what failed in it cannot be committed', async () => {
  const db = await openPlaces()
  await db.places.insert(place(1))
  await rejects(
    'duplicate_key',
    db.transaction(async tx => {
      await tx.places.insert(place(2))
      await tx.places.insertMany([place(3), place(1)]).catch(() => {})
    }),
  )
  assert.equal(await db.places.count(), 1)
  await db.close()
})

test('a bulk write that stopped half-way cannot be committed', async () => {
  const db = await openPlaces()
  const abort = new AbortController()
  const stops: [string, () => Promise<unknown>][] = [
    ['aborted', () => db.transaction(tx => tx.places.insertMany(placesFrom(1, 20_000), { signal: abort.signal, onProgress: () => abort.abort() }).catch(() => {}))],
    ['invalid_document', () => db.transaction(tx => tx.places.insertMany([...placesFrom(1, 20_000), (() => 1) as never]).catch(() => {}))],
    ['invalid_key', () => db.transaction(tx => tx.places.deleteMany([...Array(5000).keys(), NaN]).catch(() => {}))],
  ]
  for (const [code, stop] of stops) await rejects(code, stop)
  assert.equal(await db.places.count(), 0)
  await db.close()
})

test('an abort before its commit ends it', { timeout: 30_000 }, async () => {
  const db = await openPlaces()
  const abort = new AbortController()
  const { signal } = abort
  const onProgress = (done: number, total: number) => done === total && abort.abort()
  await rejects('aborted', db.places.insertMany(placesFrom(1, 20_000), { signal, onProgress }))
  await db.places.put(place(1)) // would wait for ever behind a transaction that nobody ends
  assert.equal(await db.places.count(), 1)
  await db.close()
})

test('a reading transaction is one snapshot, and writes nothing', async () => {
  const db = await openPlaces()
  await db.places.insert(place(1))
  await db.transaction(
    async tx => {
      assert.equal(await tx.places.count(), 1)
      await db.places.insert(place(2))
      assert.equal(await tx.places.count(), 1)
      await rejects('read_only', tx.places.insert(place(3)))
    },
    { readOnly: true },
  ).catch(error => assert.equal(error.code, 'read_only'))
  assert.equal(await db.places.count(), 2)
  await db.close()
})

test('it is over when its function returns', async () => {
  const db = await openPlaces()
  const kept = await db.transaction(async tx => [tx] as const)
  await rejects('tx_ended', kept[0].places.get(1))
  await rejects('invalid_option', db.transaction(async () => {}, { readonly: true } as never))
  await db.close()
})

test('it cannot be committed while one of its writes is half done', async () => {
  const db = await openPlaces()
  let late: Promise<unknown> = Promise.resolve()
  const forgotten = db.transaction(async tx => {
    late = tx.places.insertMany(placesFrom(1, 20_000)).catch(error => error.code)
    await tx.places.insert(place(30_000))
  })
  await rejects('tx_busy', forgotten)
  assert.equal(await late, 'tx_ended')
  assert.equal(await db.places.count(), 0)

  const tx = await db.begin({ write: true })
  const awaited = tx.places.insertMany(placesFrom(1, 20_000))
  await rejects('tx_busy', tx.commit())
  await awaited
  await tx.commit()
  assert.equal(await db.places.count(), 20_000)
  await db.close()
})

test('its signal ends it whatever its function awaits', { timeout: 30_000 }, async () => {
  const db = await openPlaces()
  await db.places.insert(place(1))
  const never = new Promise<never>(() => {})
  const calls: ((signal: AbortSignal) => Promise<unknown>)[] = [
    signal => db.transaction(async tx => {
      await tx.places.insert(place(2))
      await never
    }, { signal }),
    signal => db.transaction(async tx => {
      await tx.places.insert(place(2))
      await tx.transaction(() => never)
    }, { signal }),
    signal => db.places.update({}, () => never, { signal }),
  ]
  for (const call of calls) {
    const abort = new AbortController()
    const ended = call(abort.signal)
    await sleep(20)
    abort.abort(new Error('enough'))
    assert.match(String((await rejects('aborted', ended)).cause), /enough/)
  }
  await rejects('aborted', db.transaction(async () => {}, { signal: AbortSignal.abort() }))
  assert.deepEqual(await db.places.find(), [place(1)])
  await db.places.insert(place(2))
  await db.close()
})
