import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { memory } from 'stowage'
import { directory } from 'stowage/drivers/fs'

import { batch, blob, conforms } from './conformance.js'
import { rejects } from './places.js'

const scratch = mkdtempSync(join(tmpdir(), 'stowage-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

conforms('memory', memory)
conforms('directory', () => directory(mkdtempSync(join(scratch, 'd-'))))

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

test('directory: a lock that could not be removed is in nobody’s way', async t => {
  const root = mkdtempSync(join(scratch, 'd-'))
  const driver = await directory(root).open('x')
  t.mock.method(promises, 'rm', async () => Promise.reject(Object.assign(new Error('read-only'), { code: 'EROFS' })), { times: 1 })
  syncBuiltinESMExports()
  await rejects('denied', driver.close())
  t.mock.restoreAll()
  syncBuiltinESMExports()
  const again = await directory(root).open('x')
  await rejects('locked', directory(root).open('x'))
  await again.close()
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
