import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import type { Miniflare } from 'miniflare'
import type { KVUsage } from 'stowage/edge'

import { abandon, ask, bundle, start } from './workerd.js'

const persisted = mkdtempSync(join(tmpdir(), 'stowage-kv-'))
let folder: string
let workerd: Miniflare

const startStore = () => start(folder, { kvNamespaces: ['STORE'], kvPersist: persisted })

before(async () => {
  folder = await bundle('test/edge/worker/kv.ts')
  workerd = startStore()
})
after(async () => {
  await workerd?.dispose()
  rmSync(persisted, { recursive: true, force: true })
})

const sum = (all: KVUsage[]) => {
  const total: KVUsage = { operations: 0, reads: 0, lists: 0, writes: 0, deletes: 0, bytesRead: 0, bytesWritten: 0 }
  for (const used of all) for (const what of Object.keys(total) as (keyof KVUsage)[]) total[what] += used[what]
  return total
}

const range = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)

for (const kind of ['Plain', 'RawKey', 'SameKey']) {
  test(`${kind}: documents are put, read, found and listed, over a restart and a snapshot too`, async () => {
    const at = `/${kind}/kept-${kind}`
    if (kind !== 'Plain') assert.deepEqual(await ask(workerd, `${at}/count`), { code: 'not_found' }) // nobody was told to make keys
    for (const id of range(12)) assert.equal((await ask<{ id: number }>(workerd, `${at}/insert?id=${id}&found`)).id, id)
    assert.deepEqual(await ask(workerd, `${at}/list?id=1`), ['records'])
    await workerd.dispose()
    workerd = startStore()
    assert.deepEqual(await ask(workerd, `${at}/find`), [0, 4, 8])
    for (let calls = 0; !(await ask(workerd, `${at}/compact?budget=2`)); calls++) assert.ok(calls < 20, 'compacting does not get on')
    await ask(workerd, `${at}/insert?id=12`)
    await workerd.dispose()
    workerd = startStore()
    assert.equal(await ask(workerd, `${at}/count`), 13)
    assert.deepEqual(await ask(workerd, `${at}/get?id=99`), null)
    assert.deepEqual(await ask(workerd, `${at}/check`), [])
  })
}

/** All that KV has of an environment: names, metadata as it is and out of base64, and values. */
async function held(name: string): Promise<Buffer> {
  const store = await workerd.getKVNamespace('STORE')
  const { keys } = await store.list<Record<string, unknown>>({ prefix: name })
  assert.ok(keys.length > 1, `${name}: ${keys.length} keys`)
  const parts = await Promise.all(keys.map(async ({ name, metadata }) => {
    const strings = [metadata].flatMap(m => (typeof m === 'object' && m !== null ? Object.values(m) : [m])).filter(value => typeof value === 'string')
    return [Buffer.from(name + JSON.stringify(metadata ?? '')), ...strings.map(text => Buffer.from(text, 'base64')), Buffer.from((await store.get(name, 'arrayBuffer'))!)]
  }))
  return Buffer.concat(parts.flat())
}

test('of what is encrypted no word stands in KV, in a snapshot or in a record', async () => {
  const words = ['places', 'place-', 'records', 'country', 'slug']
  for (const [kind, expected] of [['Plain', words], ['RawKey', []]] as const) {
    const at = `/${kind}/searched-${kind}`
    for (const id of range(30)) await ask(workerd, `${at}/insert?id=${id}&found`)
    await ask(workerd, `${at}/list?id=1`)
    const recorded = await held(`searched-${kind}`)
    assert.deepEqual(words.filter(word => recorded.includes(word)), expected)
    for (let calls = 0; !(await ask(workerd, `${at}/compact?budget=50`)); calls++) assert.ok(calls < 20, 'compacting does not get on')
    await ask(workerd, `${at}/insert?id=30`)
    const compacted = await held(`searched-${kind}`)
    assert.deepEqual(words.filter(word => compacted.includes(word)), expected)
  }
})

test('of an environment that expires every key does, in a snapshot too, and in the last minute it is only read', async () => {
  const store = await workerd.getKVNamespace('STORE')
  const query = (ms: number) => `expires=${new Date(Date.now() + ms).toISOString()}&found`
  for (const kind of ['Plain', 'RawKey']) {
    const at = `/${kind}/lasting-${kind}`
    const hour = query(3600_000)
    for (const id of range(3)) await ask(workerd, `${at}/insert?id=${id}&${hour}`)
    await ask(workerd, `${at}/put?id=3&${hour}`) // its record is no metadata
    while (!(await ask(workerd, `${at}/compact?${hour}`)));
    assert.deepEqual([await ask(workerd, `${at}/count?${hour}&context=2`), await ask(workerd, `${at}/count?found`)], [4, 0])
    const { keys } = await store.list({ prefix: `lasting-${kind}%t` })
    for (const part of ['l', 'p', 'c', 'r']) assert.ok(keys.some(({ name }) => name.split('/')[1] === part), `${part} of ${keys.map(({ name }) => name)}`)
    const second = Math.ceil(Date.parse(/expires=([^&]+)/.exec(hour)![1]!) / 1000)
    assert.deepEqual(new Set(keys.map(({ expiration }) => expiration)), new Set([second]))
    assert.ok(keys.every(({ name }) => name.startsWith(`lasting-${kind}%t${second}/`)))
  }
  const soon = query(59_000)
  assert.equal(await ask(workerd, `/Plain/soon/count?${soon}`).then(answer => (answer as { code?: string }).code ?? answer), 'closed') // it would make the table
  assert.deepEqual(await ask(workerd, `/Plain/soon/count?${query(-1000)}`), { code: 'closed' })
})

test('requests at once are all kept, with one write or less for each', async () => {
  const at = '/Plain/busy'
  await ask(workerd, `${at}/count`)
  const before = await ask<KVUsage>(workerd, `${at}/usage`)
  const inserted = await Promise.all(range(24).map(id => ask<{ id: number }>(workerd, `${at}/insert?id=${id}`)))
  assert.deepEqual(inserted.map(({ id }) => id), range(24))
  const after = await ask<KVUsage>(workerd, `${at}/usage`)
  assert.ok(after.writes - before.writes <= 24, `${after.writes - before.writes} writes`)
  assert.equal(await ask(workerd, `${at}/count?context=2`), 24)
})

test('each of 24 requests at once is told what it alone has asked of KV', async () => {
  const at = '/Plain/counted'
  const opening = await ask<KVUsage>(workerd, `${at}/get?id=0&counted`)
  assert.ok(opening.reads > 0 && opening.lists > 0 && opening.writes === 1, JSON.stringify(opening)) // it makes the table
  const alone = await ask<KVUsage>(workerd, `${at}/put?id=0&counted`)
  assert.deepEqual({ ...alone, bytesWritten: 0 }, { operations: 1, reads: 0, lists: 0, writes: 1, deletes: 0, bytesRead: 0, bytesWritten: 0 })
  const before = await ask<KVUsage>(workerd, `${at}/usage`)
  assert.deepEqual(before, sum([opening, alone]))
  const kinds = ['insert', 'put', 'get', 'sync']
  const used = await Promise.all(range(24).map(id => ask<KVUsage>(workerd, `${at}/${kinds[id % 4]}?id=${id % 4 === 2 ? 0 : id + 1}&counted`)))
  assert.deepEqual(await ask(workerd, `${at}/usage`), sum([before, ...used]))
  const of = (kind: string) => used.filter((_, id) => kinds[id % 4] === kind)
  assert.deepEqual(sum(of('get')), sum([]))
  for (const { lists, reads } of [...of('insert'), ...of('put')]) assert.ok(lists === 0 && reads === 0)
  for (const { lists } of of('sync')) assert.ok(lists > 0)
  const { writes } = sum(used)
  assert.ok(writes > 0 && writes <= 12, `${writes} writes`)
})

test('what is written in one place is read in another, by token at once', async () => {
  const at = '/Plain/places'
  await ask(workerd, `${at}/count?context=1`)
  await ask(workerd, `${at}/count?context=2`)
  await Promise.all([...range(20).map(id => ask(workerd, `${at}/insert?id=${id}&context=1`)), ...range(20, 100).map(id => ask(workerd, `${at}/insert?id=${id}&context=2`))])
  const token = await ask<string>(workerd, `${at}/token?context=1`)
  await ask(workerd, `${at}/sync?context=2&after=${token}`)
  await ask(workerd, `${at}/sync?context=1`)
  for (const context of [1, 2, 3]) {
    assert.equal(await ask(workerd, `${at}/count?context=${context}`), 40)
    assert.deepEqual(await ask(workerd, `${at}/check?context=${context}`), [])
  }
})

test('what one request has opened and kept serves others at once, until it is closed', async () => {
  const at = '/Plain/kept'
  await ask(workerd, `${at}/insert?id=0&kept`)
  await Promise.all(range(12, 1).map(id => ask(workerd, `${at}/${id % 3 === 0 ? 'find' : `insert?id=${id}`}${id % 3 === 0 ? '?' : '&'}kept`)))
  assert.equal(await ask(workerd, `${at}/count?kept`), 9)
  assert.deepEqual(await ask(workerd, `${at}/check?kept`), [])
  await ask(workerd, `${at}/close?kept`)
  assert.deepEqual(await ask(workerd, `${at}/count?kept`), { code: 'closed' })
  assert.equal(await ask(workerd, `${at}/count`), 9)
})

test('a snapshot is opened with four operations and what has come since', async () => {
  const at = '/Plain/cold'
  for (const id of range(5)) await ask(workerd, `${at}/put?id=${id}`)
  while (!(await ask(workerd, `${at}/compact`)));
  await ask(workerd, `${at}/insert?id=9`)
  await ask(workerd, `${at}/count?context=new`)
  const { reads, lists, writes } = await ask<KVUsage>(workerd, `${at}/usage?context=new`)
  assert.equal(writes, 0)
  assert.ok(lists <= 2 && reads <= 3, `${lists} lists, ${reads} reads`)
})

test('clients that go away in the middle harm nobody', async () => {
  const at = '/Plain/left'
  await ask(workerd, `${at}/count`)
  await Promise.all([...range(12).map(id => abandon(workerd, `${at}/insert?id=${id}`, id)), ...range(12, 100).map(id => ask(workerd, `${at}/insert?id=${id}`))])
  for (const id of range(12, 100)) assert.equal((await ask<{ id: number }>(workerd, `${at}/get?id=${id}`)).id, id)
  assert.deepEqual(await ask(workerd, `${at}/check`), [])
})

test('what takes one place for all writers is refused, and told where there is one', async () => {
  assert.equal(await ask(workerd, '/RawKey/refused-keys/rotate?found'), 'unsupported')
  for (const what of ['unique', 'increment', 'transaction']) assert.equal(await ask(workerd, `/Plain/refused/${what}`), 'unsupported')
})

test('a put is one write, and what it takes beside a direct one is told', async t => {
  const at = '/Plain/measured'
  const took: Record<string, number[]> = { put: [], direct: [], get: [], nothing: [] }
  const paths: Record<string, (id: number) => string> = { put: id => `put?id=${id}`, direct: id => `direct?id=${id}`, get: () => 'get?id=0', nothing: () => 'nothing' }
  await ask(workerd, `${at}/put?id=0`)
  const before = await ask<KVUsage>(workerd, `${at}/usage`)
  for (const id of range(80)) {
    for (const [what, path] of Object.entries(paths)) {
      const began = performance.now()
      await ask(workerd, `${at}/${path(id)}`)
      took[what]!.push(performance.now() - began)
    }
  }
  const after = await ask<KVUsage>(workerd, `${at}/usage`)
  assert.equal(after.writes - before.writes, 80)
  assert.equal(after.reads, before.reads)
  const median = (what: string) => took[what]!.sort((a, b) => a - b)[40]!
  const told = Object.keys(took).map(what => `${what} ${median(what).toFixed(2)} ms`)
  t.diagnostic(`${told.join(', ')}: a put takes ${(median('put') / median('direct')).toFixed(2)} times a direct one, a warm get ${(median('get') / median('nothing')).toFixed(2)} times nothing`)
})

test('a worker with an engine answers its first request; what it takes beside a plain one is told', async t => {
  const folders: Record<string, string> = { engine: folder, plain: await bundle('test/edge/worker/plain.ts') }
  const took: Record<string, number[]> = { engine: [], plain: [] }
  for (let round = 0; round < 5; round++) {
    for (const [what, at] of Object.entries(folders)) {
      const began = performance.now()
      const started = start(at, { kvNamespaces: ['STORE'] })
      assert.equal(await ask(started, '/Plain/first/count').then(answer => answer ?? 0), 0)
      took[what]!.push(performance.now() - began)
      await started.dispose()
    }
  }
  const median = (what: string) => took[what]!.sort((a, b) => a - b)[2]!
  t.diagnostic(`engine ${median('engine').toFixed(0)} ms, plain ${median('plain').toFixed(0)} ms to the first response: ${(median('engine') / median('plain')).toFixed(2)} times`)
})

test('a hundred thousand documents need less than 64 MiB', async () => {
  const at = '/Plain/large'
  assert.equal(await ask(workerd, `${at}/many?id=100000`), null)
  while (!(await ask(workerd, `${at}/compact?budget=900`)));
  assert.equal(await ask(workerd, `${at}/count?context=new`), 100_000)
  assert.deepEqual(await ask(workerd, `${at}/find?context=new`), [0, 4, 8])
  for (const context of ['1', 'new']) {
    const { memoryBytes } = await ask<{ memoryBytes: number }>(workerd, `${at}/stat?context=${context}`)
    assert.ok(memoryBytes < 64 << 20, `${memoryBytes} bytes`)
  }
})
