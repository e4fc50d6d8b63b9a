import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import type { Miniflare } from 'miniflare'

import { abandon, ask, bundle, start } from './workerd.js'

const persisted = mkdtempSync(join(tmpdir(), 'stowage-objects-'))
const kinds = ['Plain', 'RawKey', 'SameKey']
let folder: string
let workerd: Miniflare

const startObjects = () =>
  start(folder, {
    durableObjects: Object.fromEntries(kinds.map(className => [className, { className, useSQLite: true }])),
    durableObjectsPersist: persisted,
    kvNamespaces: ['STORE'],
  })

before(async () => {
  folder = await bundle('test/edge/worker/object.ts')
  workerd = startObjects()
})
after(async () => {
  await workerd?.dispose()
  rmSync(persisted, { recursive: true, force: true })
})

const range = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)

for (const kind of kinds) {
  test(`${kind}: documents are put, read, found and listed, over a restart too`, async () => {
    const at = `/${kind}/kept`
    for (const id of range(12)) assert.equal((await ask<{ id: number }>(workerd, `${at}/insert?id=${id}`)).id, id)
    assert.deepEqual(await ask(workerd, `${at}/list?id=1`), ['records'])
    await workerd.dispose()
    workerd = startObjects()
    assert.deepEqual(await ask(workerd, `${at}/find`), [0, 4, 8])
    assert.deepEqual(await ask(workerd, `${at}/checkpoint`), null)
    await ask(workerd, `${at}/insert?id=12`)
    await workerd.dispose()
    workerd = startObjects()
    assert.equal(await ask(workerd, `${at}/count`), 13)
    assert.deepEqual(await ask(workerd, `${at}/get?id=99`), null)
    assert.deepEqual(await ask(workerd, `${at}/check`), [])
  })
}

test('requests at once are all kept, of equals one, and transactions follow one another', async () => {
  const at = '/Plain/busy'
  const inserted = await Promise.all(range(24).map(id => ask<{ id: number }>(workerd, `${at}/insert?id=${id}`)))
  assert.deepEqual(inserted.map(({ id }) => id), range(24))
  const same = await Promise.all(range(20, 100).map(id => ask<{ code: string } | number>(workerd, `${at}/same?id=${id}`)))
  assert.equal(same.filter(told => typeof told === 'object' && told.code === 'duplicate_key').length, 19)
  await Promise.all(range(20).map(() => ask(workerd, `${at}/increment?id=1000`)))
  assert.equal((await ask<{ text: string }>(workerd, `${at}/get?id=1000`)).text, '20')
  assert.equal(await ask(workerd, `${at}/count`), 26)
})

for (const kind of ['Plain', 'RawKey']) {
  test(`${kind}: what an object publishes is read in KV, is what it was at the last time, and is only read`, async () => {
    const at = `/${kind}/source`
    for (const id of range(12)) await ask(workerd, `${at}/insert?id=${id}`)
    await ask(workerd, `${at}/publish`)
    await ask(workerd, `${at}/insert?id=12`)
    assert.equal(await ask(workerd, `${at}/published/count`), 12)
    assert.deepEqual(await ask(workerd, `${at}/published/find`), [0, 4, 8])
    await ask(workerd, `${at}/delete?id=4`)
    for (let n = 0; n < 2; n++) await ask(workerd, `${at}/publish`)
    assert.equal(await ask(workerd, `${at}/published/count`), 12)
    assert.deepEqual(await ask(workerd, `${at}/published/find`), [0, 8, 12])
    assert.deepEqual(await ask(workerd, `${at}/published/check`), [])
    for (const what of ['insert?id=50', 'delete?id=8', 'list?id=1']) assert.deepEqual(await ask(workerd, `${at}/published/${what}`), { code: 'read_only' })
    assert.equal(await ask(workerd, `${at}/published/count`), 12)
  })
}

test('clients that go away in the middle harm nobody', async () => {
  const at = '/Plain/left'
  await ask(workerd, `${at}/count`)
  await Promise.all([...range(12).map(id => abandon(workerd, `${at}/insert?id=${id}`, id)), ...range(12, 100).map(id => ask(workerd, `${at}/insert?id=${id}`))])
  for (const id of range(12, 100)) assert.equal((await ask<{ id: number }>(workerd, `${at}/get?id=${id}`)).id, id)
  assert.deepEqual(await ask(workerd, `${at}/check`), [])
})

test('a hundred thousand documents need less than 64 MiB', async () => {
  const at = '/Plain/large'
  await ask(workerd, `${at}/many?id=100000`)
  assert.equal(await ask(workerd, `${at}/count`), 100_000)
  assert.deepEqual(await ask(workerd, `${at}/find`), [0, 4, 8])
  const { memoryBytes } = await ask<{ memoryBytes: number }>(workerd, `${at}/stat`)
  assert.ok(memoryBytes < 64 << 20, `${memoryBytes} bytes`)
})

test('whoever calls an object is told the code of what failed there', async () => {
  assert.deepEqual(await ask(workerd, '/Plain/kept/misread'), ['StowageError', 'invalid_key'])
})

test('passphrases are refused wherever one can be given, and keys are not', async () => {
  assert.deepEqual(await ask(workerd, '/passphrase'), ['unsupported'])
  assert.deepEqual(await ask(workerd, '/RawKey/slots/passphrases'), [...Array<string>(5).fill('unsupported'), 'nothing', 'nothing'])
})
