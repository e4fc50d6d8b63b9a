import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Batch, Driver, DriverFactory } from 'stowage'

import { rejects } from './places.js'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (b: Uint8Array | undefined) => (b === undefined ? undefined : new TextDecoder().decode(b))
export const blob = (name: string, content: string) => ({ name, bytes: bytes(content) })

/** A batch with nothing in it but what is given. */
export const batch = (parts: Partial<Batch>): Batch => ({ put: [], add: [], root: undefined, remove: [], removeRange: undefined, durability: 'relaxed', ...parts })

const read = async (driver: Driver, ...names: string[]) => (await driver.read(names)).map(text)

/** Tests what every driver does. `counts` tells whether it knows how many blobs there are. */
export function conforms(kind: string, make: () => DriverFactory, counts = true): void {
  test(`${kind}: blobs are written, read in order, listed and removed`, async () => {
    const driver = await make().open('x')
    await driver.commit(batch({ put: [blob('p/1/a', 'one'), blob('p/1/b', ''), blob('p/2/a', 'three')], add: [blob('l/1', 'log')] }))
    assert.deepEqual(await read(driver, 'p/2/a', 'p/nowhere', 'p/1/a', 'p/1/b'), ['three', undefined, 'one', ''])
    assert.deepEqual(await driver.list('p/'), ['p/1/a', 'p/1/b', 'p/2/a'])
    assert.deepEqual(await driver.list(''), ['l/1', 'p/1/a', 'p/1/b', 'p/2/a'])
    assert.deepEqual(await driver.list('q'), [])
    const info = await driver.info(true)
    assert.deepEqual([info.blobs, info.bytes, info.maxBlob], [...(counts ? [4, 11] : [-1, info.bytes]), 65535])
    const { blobs, bytes } = info
    assert.deepEqual({ ...(await driver.info(false)), blobs, bytes }, info)
    await driver.commit(batch({ remove: ['p/1/a', 'p/never'], durability: 'strict' }))
    assert.deepEqual(await read(driver, 'p/1/a', 'p/1/b'), [undefined, ''])
    await driver.commit(batch({ add: [blob('l/2', 'x'), blob('l/3', 'y'), blob('l/4', 'z')] }))
    await driver.commit(batch({ removeRange: { from: 'l/1', to: 'l/3' } }))
    assert.deepEqual(await driver.list('l/'), ['l/4'])
    await driver.close()
  })

  test(`${kind}: a name that must be free and is not fails the batch`, async () => {
    const driver = await make().open('x')
    await driver.commit(batch({ add: [blob('l/1', 'first')] }))
    await rejects('conflict', driver.commit(batch({ put: [blob('p/1', 'x')], add: [blob('l/1', 'second')] })))
    assert.deepEqual(await read(driver, 'l/1', 'p/1'), ['first', undefined])
    await driver.close()
  })

  test(`${kind}: the root is replaced only where it is what was expected`, async () => {
    const driver = await make().open('x')
    const swap = (old: string | undefined, next: string, put = 'p/1') =>
      driver.commit(batch({ put: [blob(put, 'x')], root: { old: old === undefined ? undefined : bytes(old), new: bytes(next) } }))
    await rejects('conflict', swap('something', 'a'))
    await swap(undefined, 'a')
    await rejects('conflict', swap(undefined, 'b'))
    await rejects('conflict', swap('A', 'b', 'p/2'))
    await swap('a', 'b')
    assert.deepEqual(await read(driver, 'r', 'p/1', 'p/2'), ['b', 'x', undefined])
    await driver.close()
  })

  test(`${kind}: concurrent batches do not mix`, async () => {
    const driver = await make().open('x')
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) => driver.commit(batch({ add: [blob('l/1', `${i}`)], put: [blob(`p/${i}`, 'x')] }))),
    )
    assert.equal(results.filter(r => r.status === 'fulfilled').length, 1)
    assert.equal((await driver.list('p/')).length, 1)
    await driver.close()
  })

  test(`${kind}: it is one context's until it is closed, and keeps what it has`, async () => {
    const factory = make()
    const driver = await factory.open('x')
    await driver.commit(batch({ put: [blob('p/1', 'kept')] }))
    await rejects('locked', factory.open('x'))
    const other = await factory.open('y')
    assert.deepEqual(await other.list(''), [])
    await other.close()
    await driver.close()
    await driver.close()
    await rejects('closed', driver.read(['p/1']))
    await rejects('closed', driver.info(false))
    const again = await factory.open('x')
    assert.deepEqual(await read(again, 'p/1'), ['kept'])
    await again.close()
  })
}

/** Tests what every driver does whose contexts merge: `place` makes a place for blobs, and what that returns a driver of another context. */
export function merges(kind: string, place: () => () => Promise<Driver>): void {
  const failsWith = async (code: string, work: Promise<unknown>) => assert.equal(await work.catch(error => (error as { code: string }).code), code)

  test(`${kind}: contexts read, list and remove what any of them wrote`, async () => {
    const open = place()
    const [one, two] = [await open(), await open()]
    await one.commit(batch({ put: [blob('p/1/a', 'one'), blob('p/1/b', ''), blob('r', 'hint')], add: [blob('l/1', 'log')] }))
    assert.deepEqual(await read(two, 'p/nowhere', 'p/1/b', 'r', 'p/1/a', 'l/1'), [undefined, '', 'hint', 'one', 'log'])
    assert.deepEqual(await two.list('p/'), ['p/1/a', 'p/1/b'])
    assert.deepEqual(await two.list(''), ['l/1', 'p/1/a', 'p/1/b', 'r'])
    assert.deepEqual(await two.list('q'), [])
    await two.commit(batch({ remove: ['p/1/a', 'p/never', 'l/1'] }))
    const three = await open()
    assert.deepEqual(await read(three, 'p/1/a', 'p/1/b', 'l/1'), [undefined, '', undefined])
    assert.deepEqual(await three.list(''), ['p/1/b', 'r'])
  })

  test(`${kind}: records of every size are read, by their names and after a list, however large they are together`, async () => {
    const open = place()
    const writer = await open()
    const { maxBlob } = await writer.info(false)
    const records = [0, 1, 699, 700, 701, 65536, maxBlob, maxBlob].map((size, i) => ({ name: `l/${String(i).padStart(40, '0')}`, bytes: new Uint8Array(size).fill(0xf1 + i) }))
    for (const record of records) await writer.commit(batch({ add: [record] }))
    const names = records.map(({ name }) => name)
    const [named, listed] = [await open(), await open()]
    assert.deepEqual(await listed.list('l/'), names)
    for (const driver of [named, listed]) {
      const found = await driver.read([...names, `l/${'f'.repeat(40)}`])
      assert.equal(found[names.length], undefined)
      for (const [i, { bytes }] of records.entries()) assert.ok(found[i]?.length === bytes.length && isFilled(found[i], 0xf1 + i), `${bytes.length} bytes came back as ${found[i]?.length}`)
    }
  })

  test(`${kind}: what was written is written again, and of two hints the later stays`, async () => {
    const open = place()
    const [one, two] = [await open(), await open()]
    for (let n = 0; n < 2; n++) await one.commit(batch({ put: [blob('p/1', 'x')], add: [blob('l/1', 'y')] }))
    await one.commit(batch({ put: [blob('r', 'first')] }))
    await two.commit(batch({ put: [blob('r', 'second')] }))
    assert.deepEqual(await read(await open(), 'p/1', 'l/1', 'r'), ['x', 'y', 'second'])
  })

  test(`${kind}: what takes one writer is refused as a whole, and so is all once it is closed`, async () => {
    const driver = await place()()
    await driver.commit(batch({ put: [blob('p/1', 'x')] }))
    await failsWith('internal', driver.commit(batch({ put: [blob('p/2', 'x')], root: { old: undefined, new: bytes('r') } })))
    await failsWith('internal', driver.commit(batch({ put: [blob('p/2', 'x')], removeRange: { from: 'p/', to: 'q' } })))
    assert.deepEqual(await read(driver, 'p/1', 'p/2', 'r'), ['x', undefined, undefined])
    await driver.close()
    await driver.close()
    await failsWith('closed', driver.read(['p/1']))
    await failsWith('closed', driver.commit(batch({})))
  })
}

/** As Uint8Array.every, which takes a second for what is as large as this. */
function isFilled(bytes: Uint8Array, by: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== by) return false
  return true
}
