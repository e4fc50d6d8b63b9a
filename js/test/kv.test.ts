import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'

import { type KVPutOptions, type KVStore, kv } from '../src/drivers/kv.js'
import { batch, blob, merges } from './conformance.js'

/** The driver is bundled here: its errors are of another class than the package's. */
const rejects = (code: string, work: Promise<unknown>) => assert.rejects(work, { code })

/** A namespace whose next calls fail as they are told to, after they were carried out if so. */
class Namespace implements KVStore {
  readonly keys = new Map<string, { value: string | Uint8Array; metadata: unknown; expiration: number | undefined }>()
  readonly calls: string[] = []
  readonly failures: { error: string; after: boolean }[] = []
  most = 0
  private open = 0

  get(key: string): Promise<ArrayBuffer | null> {
    return this.call(`get ${key}`, () => {
      const value = this.keys.get(key)?.value
      return value === undefined ? null : (value as Uint8Array).slice().buffer as ArrayBuffer
    })
  }

  getWithMetadata(keys: string[]): Promise<Map<string, { value: string | null; metadata: unknown }>> {
    assert.ok(keys.length <= 100)
    if (keys.reduce((sum, key) => sum + (this.keys.get(key)?.value.length ?? 0), 0) > 25 << 20) this.failures.unshift({ error: 'KV GET_BULK failed: 413 Total size of request exceeds the limit of 25MB', after: false })
    return this.call(`bulk ${keys.length}`, () => new Map(keys.map(key => [key, { value: (this.keys.get(key)?.value as string) ?? null, metadata: this.keys.get(key)?.metadata ?? null }])))
  }

  put(key: string, value: string | Uint8Array, { metadata, expiration }: KVPutOptions = {}): Promise<void> {
    assert.ok(expiration === undefined || expiration >= Date.now() / 1000 + 60)
    assert.ok(JSON.stringify(metadata ?? null).length <= 1024)
    return this.call(`put ${key} ${value.length} ${JSON.stringify(metadata)}`, () => void this.keys.set(key, { value, metadata, expiration }))
  }

  delete(key: string): Promise<void> {
    return this.call(`delete ${key}`, () => void this.keys.delete(key))
  }

  list({ prefix, cursor = '' }: { prefix: string; cursor?: string | undefined }): Promise<{ keys: { name: string; metadata?: unknown }[]; list_complete: boolean; cursor?: string }> {
    return this.call(`list ${prefix}`, () => {
      const names = [...this.keys.keys()].filter(name => name.startsWith(prefix) && name > cursor).sort()
      const keys = names.slice(0, 2).map(name => ({ name, metadata: this.keys.get(name)!.metadata }))
      return names.length > 2 ? { keys, list_complete: false, cursor: names[1]! } : { keys, list_complete: true }
    })
  }

  private async call<R>(what: string, work: () => R): Promise<R> {
    this.calls.push(what)
    this.most = Math.max(this.most, ++this.open)
    await new Promise(resolve => setImmediate(resolve))
    this.open--
    const failure = this.failures.shift()
    if (failure !== undefined && !failure.after) throw new Error(failure.error)
    const result = work()
    if (failure !== undefined) throw new Error(failure.error)
    return result
  }
}

/** How long an answer is waited for, in milliseconds. */
const patience = 8000

/** Has nobody wait between calls, nor for an answer if so, and returns how long they would have between them, in milliseconds. */
function withoutPauses(t: TestContext, answered = true): number[] {
  const pauses: number[] = []
  t.mock.method(globalThis, 'setTimeout', (resolve: (given: unknown) => void, pause: number, given: unknown) => {
    if (pause !== patience) pauses.push(pause)
    else if (answered) return
    queueMicrotask(() => resolve(given))
  })
  return pauses
}

merges('kv', () => {
  const store = new Namespace()
  return () => kv(store).open('x')
})

const record = (seq: number) => `l/${'0'.repeat(39)}${seq}`

test('short records come with the list, long ones a hundred at once', async () => {
  const store = new Namespace()
  const driver = await kv(store).open('x')
  for (const seq of [1, 2, 3, 4, 5]) await driver.commit(batch({ add: [blob(record(seq), 'y'.repeat(seq < 4 ? seq : 5000))] }))
  const other = await kv(store).open('x')
  store.calls.length = 0
  const names = await other.list('l/')
  assert.deepEqual(names, [1, 2, 3, 4, 5].map(record))
  const lengths = (await other.read(names)).map(bytes => bytes?.length)
  assert.deepEqual(lengths, [1, 2, 3, 5000, 5000])
  assert.deepEqual(store.calls, ['list x/l/', 'list x/l/', 'list x/l/', 'bulk 2'])
  // By name it is had as well.
  assert.deepEqual((await (await kv(store).open('x')).read([record(1), record(9)])).map(bytes => bytes?.length), [1, undefined])
})

test('pages are read six at once', async () => {
  const store = new Namespace()
  const driver = await kv(store).open('x')
  const names = Array.from({ length: 40 }, (_, i) => `p/${i}`)
  await driver.commit(batch({ put: names.map(name => blob(name, name)) }))
  assert.deepEqual((await driver.read([...names, 'p/none'])).map(bytes => bytes && new TextDecoder().decode(bytes)), [...names, undefined])
  assert.equal(store.most, 6)
})

test('what failed is done again, with the same key and bytes, whether it was carried out or not', async t => {
  const pauses = withoutPauses(t)
  const store = new Namespace()
  const driver = await kv(store).open('x')
  for (const failure of [{ error: '429 Too Many Requests', after: false }, { error: 'network connection lost', after: true }]) {
    store.failures.push(failure)
    store.calls.length = 0
    const name = record(store.keys.size + 1)
    await driver.commit(batch({ add: [blob(name, 'content')] }))
    assert.equal(store.calls.length, 2)
    assert.equal(store.calls[0], store.calls[1])
    if (failure.error.includes('429')) assert.ok(pauses.pop()! >= 1000) // what KV asks for
    assert.equal(new TextDecoder().decode((await driver.read([name]))[0]), 'content')
  }
})

test('what KV would never take fails at once, and the rest after a while', async t => {
  withoutPauses(t)
  const store = new Namespace()
  const driver = await kv(store).open('x')
  store.failures.push({ error: 'KV PUT failed: 413 Value length exceeds limit', after: false })
  await rejects('backend_failed', driver.commit(batch({ put: [blob('p/1', 'x')] })))
  assert.equal(store.calls.length, 1)
  for (let i = 0; i < 6; i++) store.failures.push({ error: 'KV PUT failed: 500', after: false })
  await rejects('backend_failed', driver.commit(batch({ put: [blob('p/1', 'x')] })))
  assert.equal(store.calls.length, 7)
  await driver.close()
  await rejects('closed', driver.list(''))
})

test('what is not answered counts as two that failed', async t => {
  const pauses = withoutPauses(t, false)
  const store = new Namespace()
  store.list = () => {
    store.calls.push('list')
    return new Promise(() => {})
  }
  await rejects('backend_failed', (await kv(store).open('x')).list(''))
  assert.equal(store.calls.length, 3)
  assert.ok(3 * patience + pauses.reduce((sum, pause) => sum + pause, 0) < 30_000)
})

test('what expires does so as one, and is another environment than what does not', async t => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_900_000_000_000 })
  const store = new Namespace()
  const expires = new Date(Date.now() + 119_001)
  const open = (options = {}) => kv(store, options).open('a%')
  const driver = await open({ expires })
  const names = [record(1), record(2), 'p/1', 'r']
  await driver.commit(batch({ put: names.slice(2).map(name => blob(name, name)), add: [blob(record(1), 'short'), blob(record(2), 'long'.repeat(500))] }))
  assert.deepEqual([...store.keys].map(([key, { expiration }]) => [key, expiration]).sort(), names.map(name => [`a%25%t1900000120/${name}`, 1_900_000_120]))
  for (const options of [{}, { expires: new Date(expires.getTime() + 1000) }]) assert.deepEqual(await (await open(options)).list(''), [])
  t.mock.timers.tick(60_500) // KV takes no key that lasts less than a minute
  await rejects('closed', driver.commit(batch({ add: [blob(record(3), 'late')] })))
  assert.equal((await driver.read([record(2), 'p/1'])).filter(bytes => bytes !== undefined).length, 2)
  assert.equal(store.keys.size, names.length)
  t.mock.timers.tick(60_000)
  for (const late of [driver, await open({ expires })]) await rejects('closed', late.list(''))
  for (const wrong of [new Date(NaN), new Date('2038-02-01'), 60, '2030-01-01']) assert.throws(() => kv(store, { expires: wrong as Date }), { code: 'invalid_option' })
})
