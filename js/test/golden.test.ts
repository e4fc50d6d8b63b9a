import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

import { compress, type DriverFactory, encrypt, memory, open, table, type Unlocker } from 'stowage'
import { coder } from 'stowage/coders'

import { unpack } from '../src/document/document.js'

/** What was encrypted once stays readable: written and described by store/encrypt/golden_test.go. */
const folder = '../store/encrypt/testdata'
const versions = readdirSync(folder)
const tables = { places: table<{ id: number; country: string }>({ key: 'id', indexes: ['country'] }) }
const key = new Uint8Array(32).fill(7)
const chain = (unlocker: Unlocker) => ({ tables, modifiers: [compress('s2'), encrypt(unlocker)] })

async function loaded(file: string): Promise<DriverFactory> {
  const bytes = readFileSync(file)
  const blobs = Object.entries(unpack(bytes, 0, bytes.length) as Record<string, Uint8Array>)
  const factory = memory()
  const driver = await factory.open('golden')
  const root = blobs.find(([name]) => name === 'r')!
  const put = blobs.filter(blob => blob !== root).map(([name, bytes]) => ({ name, bytes }))
  await driver.commit({ put, add: [], remove: [], root: { old: undefined, new: root[1] }, durability: 'relaxed' })
  await driver.close()
  return factory
}

type Golden = Awaited<ReturnType<typeof open<typeof tables>>>

async function isGolden(db: Golden): Promise<void> {
  assert.equal(await db.places.count({ country: 'NO' }), 150)
  assert.deepEqual(await db.places.get(7), { id: 7, country: 'FI' })
  const secrets = db.store('secrets', { key: coder.string, value: coder.string, compress: 'none', create: false })
  assert.equal(await secrets.get('secret'), 's'.repeat(17 << 10))
  assert.deepEqual((await db.check()).problems, [])
}

for (const version of versions) {
  for (const name of ['whole', 'half']) {
    for (const [by, unlocker] of Object.entries({ passphrase: { passphrase: 'A\u030angstro\u0308m, correct horse' }, key: { key } })) {
      test(`what Go has encrypted in ${version} opens, and rotates: ${name}, by ${by}`, async () => {
        const driver = await loaded(`${folder}/${version}/${name}.blobs`)
        const db = await open('golden', { driver, ...chain(unlocker) })
        await isGolden(db)
        await db.rotateKey()
        await isGolden(db)
        await db.close()
        const again = await open('golden', { driver, ...chain(unlocker) })
        await isGolden(again)
        await again.close()
      })
    }
  }

  test(`an encrypted export of ${version} is imported`, async () => {
    const db = await open('imported', { driver: memory(), tables })
    const stream = new Blob([readFileSync(`${folder}/${version}/export.stowage`)]).stream()
    await db.import(stream, { modifiers: chain({ key }).modifiers })
    await isGolden(db)
    await db.close()
  })
}
