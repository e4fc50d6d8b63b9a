import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type DriverFactory, memory, open } from 'stowage'
import { salvage } from 'stowage/salvage'

import { openPlaces, place, placesFrom, rejects, tables } from '../places.js'
import { stride } from '../stride.js'

/** Takes one blob away. */
async function lose(driver: DriverFactory, name: string): Promise<void> {
  const open = await driver.open('places')
  await open.commit({ put: [], add: [], root: undefined, remove: [name], removeRange: undefined, durability: 'strict' })
  await open.close()
}

async function filled(): Promise<DriverFactory> {
  const driver = memory()
  const db = await openPlaces(driver)
  await db.places.insertMany(placesFrom(0, 3000))
  await db.checkpoint()
  await db.close()
  return driver
}

test('salvage: without a root all of it comes out, and it is said that it may be older', async () => {
  const driver = await filled()
  await lose(driver, 'r')
  await rejects('corrupt', openPlaces(driver))
  const found = await salvage('places', { driver })
  assert.deepEqual([found.whole, found.rootLost], [false, true])
  const db = await open('rescued', { driver: memory(), tables })
  await db.import(found.left)
  await db.close()
})

test('salvage: each page that is lost is told, and the rest comes out as it was', async () => {
  const names = await (await (await filled()).open('places')).list('p/')
  assert.ok(names.length > 2)
  for (let i = 0; i < names.length; i += stride) {
    const driver = await filled()
    const inner = await driver.open('places')
    const lost = (await inner.list('p/'))[i]!
    await inner.close()
    await lose(driver, lost)
    const { left, whole, entries } = await salvage('places', { driver })
    const there = memory()
    const empty = await open('places', { driver: there })
    await empty.import(left)
    await empty.close()
    const db = await openPlaces(there)
    const found = await db.places.find().orderBy('id')
    for (const document of found) assert.deepEqual(document, place(document.id))
    assert.ok(entries >= found.length)
    assert.ok(found.length === 3000 || !whole, `${3000 - found.length} documents are gone without a word`)
    assert.equal((await db.places.find({ country: 'NO' })).length, found.filter(({ country }) => country === 'NO').length)
    await db.close()
  }
})

test('salvage: what it cannot take', async () => {
  await rejects('not_found', salvage('nothing', { driver: memory() }))
  await rejects('invalid_argument', salvage(''))
  await rejects('invalid_option', salvage('places', { drivers: memory() } as object))
  await rejects('aborted', salvage('places', { driver: await filled(), signal: AbortSignal.abort() }))
})
