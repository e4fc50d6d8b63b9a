import assert from 'node:assert/strict'

import { compress, type Database, type DriverFactory, encrypt, type HashOptions, type Modifier, open, type Unlocker } from 'stowage'

import { place, placesFrom, tables } from './places.js'

export const key = crypto.getRandomValues(new Uint8Array(32))
export const passphrase = 'correct horse battery staple'
/** The least that is allowed: tests need not wait for more. */
export const cheap: HashOptions = { argon2id: { memory: 19 << 10, time: 2 } }

/** The part of `open`'s options that says what blobs pass. */
export interface Chained {
  modifiers: readonly Modifier[]
}

export const byKey: Chained = { modifiers: [encrypt({ key })] }
export const byPassphrase: Chained = { modifiers: [compress('deflate'), encrypt({ passphrase, ...cheap })] }

export const unlocking = (unlocker: Unlocker): Chained => ({ modifiers: [encrypt('passphrase' in unlocker ? ({ ...unlocker, ...cheap } as Unlocker) : unlocker)] })

export const randomKey = () => crypto.getRandomValues(new Uint8Array(32))

/** An environment with documents in pages and in the log. */
export async function filled(driver: DriverFactory, options: Chained, name = 'places'): Promise<Database<typeof tables>> {
  const db = await open(name, { driver, tables, ...options })
  await db.places.insertMany(placesFrom(1, 3000))
  await db.checkpoint()
  await db.places.insert(place(5000))
  return db
}

export async function isWhole(db: Database<typeof tables>): Promise<void> {
  assert.equal(await db.places.count(), 3001)
  assert.deepEqual(await db.places.get(2999), place(2999))
  assert.deepEqual(await db.places.get(5000), place(5000))
  assert.deepEqual((await db.check()).problems, [])
}

/** Opens it, and finds it whole. */
export async function opensWhole(driver: DriverFactory, options: Chained, name = 'places'): Promise<void> {
  const db = await open(name, { driver, tables, ...options })
  await isWhole(db).finally(() => db.close())
}

/** The blobs that a driver holds, by name. */
export async function stored(factory: DriverFactory, name = 'places'): Promise<Map<string, Buffer>> {
  const driver = await factory.open(name)
  const names = await driver.list('')
  const blobs = await driver.read(names)
  await driver.close()
  return new Map(names.map((blob, i) => [blob, Buffer.from(blobs[i]!)]))
}

/** All that a driver holds, one after the other. */
export async function everything(factory: DriverFactory, name?: string): Promise<Buffer> {
  return Buffer.concat([...(await stored(factory, name)).values()])
}

/** A driver over another one that counts what is written. */
export function counting(inner: DriverFactory): { driver: DriverFactory; commits: () => number } {
  let commits = 0
  const driver: DriverFactory = {
    id: inner.id,
    async open(name) {
      const opened = await inner.open(name)
      return { read: b => opened.read(b), list: p => opened.list(p), info: held => opened.info(held), close: () => opened.close(), commit: b => (commits++, opened.commit(b)) }
    },
  }
  return { driver, commits: () => commits }
}
