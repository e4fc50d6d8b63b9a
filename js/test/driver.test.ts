import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { type Batch, type Driver, type DriverFactory, memory } from 'stowage'
import { directory } from 'stowage/drivers/fs'

import { rejects } from './places.js'

const scratch = mkdtempSync(join(tmpdir(), 'stowage-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (b: Uint8Array | undefined) => (b === undefined ? undefined : new TextDecoder().decode(b))
const blob = (name: string, content: string) => ({ name, bytes: bytes(content) })

/** A batch with nothing in it but what is given. */
const batch = (parts: Partial<Batch>): Batch => ({ put: [], add: [], root: undefined, remove: [], removeRange: undefined, durability: 'relaxed', ...parts })

const read = async (driver: Driver, ...names: string[]) => (await driver.read(names)).map(text)

for (const [kind, make] of Object.entries({
  memory,
  directory: () => directory(mkdtempSync(join(scratch, 'd-'))),
} satisfies Record<string, () => DriverFactory>)) {
  test(`${kind}: blobs are written, read in order, listed and removed`, async () => {
    const driver = await make().open('x')
    await driver.commit(batch({ put: [blob('p/1/a', 'one'), blob('p/1/b', ''), blob('p/2/a', 'three')], add: [blob('l/1', 'log')] }))
    assert.deepEqual(await read(driver, 'p/2/a', 'p/nowhere', 'p/1/a', 'p/1/b'), ['three', undefined, 'one', ''])
    assert.deepEqual(await driver.list('p/'), ['p/1/a', 'p/1/b', 'p/2/a'])
    assert.deepEqual(await driver.list(''), ['l/1', 'p/1/a', 'p/1/b', 'p/2/a'])
    assert.deepEqual(await driver.list('q'), [])
    const info = await driver.info()
    assert.deepEqual([info.blobs, info.bytes, info.maxBlob], [4, 11, 65535])
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
    const again = await factory.open('x')
    assert.deepEqual(await read(again, 'p/1'), ['kept'])
    await again.close()
  })
}

test('directory: of many who find an abandoned lock one gets it', { timeout: 60_000 }, async () => {
  for (let round = 0; round < 40; round++) {
    const root = mkdtempSync(join(scratch, 'd-'))
    mkdirSync(join(root, 'x'))
    writeFileSync(join(root, 'x', 'lock'), '999999999')
    const opened = await Promise.allSettled(
      Array.from({ length: 12 }, async () => {
        await sleep(Math.random() * 4) // the race is in the steps of one against those of another
        return directory(root).open('x')
      }),
    )
    const drivers = opened.filter(o => o.status === 'fulfilled')
    assert.equal(drivers.length, 1)
    for (const { value } of drivers) await value.close()
  }
})

test('directory: a lock on the lock, left by a crash, is in the way once', async () => {
  const root = mkdtempSync(join(scratch, 'd-'))
  mkdirSync(join(root, 'x'))
  for (const name of ['lock', 'lock.tmp']) writeFileSync(join(root, 'x', name), '999999999')
  await rejects('locked', directory(root).open('x'))
  await (await directory(root).open('x')).close()
})

test('directory: what a crash left behind is removed', async () => {
  const root = mkdtempSync(join(scratch, 'd-'))
  const driver = await directory(root).open('x')
  await driver.commit(batch({ put: [blob('p/1/1', 'kept')] }))
  await driver.close()
  const torn = [join(root, 'x', 'r.tmp'), join(root, 'x', 'p', '1', '2.tmp')]
  for (const file of torn) writeFileSync(file, 'torn')
  mkdirSync(join(root, 'x', 'p', '2'))
  const again = await directory(root).open('x')
  assert.deepEqual(await again.list(''), ['p/1/1'])
  assert.deepEqual([...torn, join(root, 'x', 'p', '2')].filter(existsSync), [])
  await again.close()
})

test('directory: what others keep there is left alone', async () => {
  const root = mkdtempSync(join(scratch, 'd-'))
  mkdirSync(join(root, 'x', 'theirs', 'empty'), { recursive: true })
  const theirs = [join(root, 'x', 'draft.tmp'), join(root, 'x', 'theirs', 'draft.tmp')]
  for (const file of theirs) writeFileSync(file, 'theirs')
  await (await directory(root).open('x')).close()
  assert.deepEqual([...theirs, join(root, 'x', 'theirs', 'empty')].filter(file => !existsSync(file)), [])
})

test('directory: what is no blob is corrupt, and read by nobody', async () => {
  const root = mkdtempSync(join(scratch, 'd-'))
  const driver = await directory(root).open('x')
  await driver.commit(batch({ put: [blob('p/1/1', 'x')] }))
  const path = (name: string) => join(root, 'x', 'p', '1', name)
  writeFileSync(path('2'), '')
  truncateSync(path('2'), 1 << 30)
  mkdirSync(path('3'))
  if (process.platform !== 'win32') execFileSync('mkfifo', [path('4')])
  for (const name of ['p/1/2', 'p/1/3', ...(existsSync(path('4')) ? ['p/1/4'] : [])]) await rejects('corrupt', driver.read([name]), name)
  await driver.close()
})

test('directory: failures have codes', async () => {
  const root = mkdtempSync(join(scratch, 'd-'))
  writeFileSync(join(root, 'plain'), '')
  await rejects('backend_failed', directory(join(root, 'plain')).open('below'))
  const driver = await directory(root).open('x')
  mkdirSync(join(root, 'x', 'p', '1', '1'), { recursive: true })
  await rejects('backend_failed', driver.commit(batch({ put: [blob('p/1/1', 'x')] })))
  assert.deepEqual(await driver.list(''), [])
  await driver.close()
})
