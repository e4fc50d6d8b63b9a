import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

import { type DriverFactory, memory, open } from 'stowage'
import { directory } from 'stowage/drivers/fs'

import { openPlaces, place, placesFrom, type Places, rejects, tables } from '../places.js'

const scratch = mkdtempSync(join(tmpdir(), 'stowage-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

const count = 3000

/** An environment with documents, some of which were changed and deleted, and a large one. */
async function filled(driver?: DriverFactory): Promise<Places> {
  const db = await openPlaces(driver)
  await db.places.insertMany(placesFrom(0, count))
  await db.checkpoint()
  await db.places.update({ country: 'NO' }, { name: 'changed' })
  await db.places.deleteMany({ country: 'SE' })
  await db.notes.insert({ text: 'x'.repeat(300_000) })
  return db
}

async function expectFilled(db: Places): Promise<void> {
  assert.equal(await db.places.count(), (count * 3) / 4)
  assert.equal(await db.places.count({ country: 'NO', name: 'changed' }), count / 4)
  assert.deepEqual(await db.places.get(2), place(2))
  assert.equal((await db.places.find({ slug: 'place-42' }))[0]?.id, 42)
  assert.equal((await db.notes.get(1))?.text.length, 300_000)
  assert.deepEqual((await db.check()).problems, [])
}

const bytesOf = async (stream: ReadableStream<Uint8Array>) => new Uint8Array(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer())

/** A stream of bytes that fails, ends or stalls behind them. */
function streamOf(bytes: Uint8Array, then: 'end' | 'fail' | 'stall' = 'end'): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) return controller.enqueue(bytes.subarray(at, (at += 10_000)))
      if (then === 'end') return controller.close()
      if (then === 'fail') throw new RangeError('the line went dead')
      return new Promise<void>(() => {})
    },
  })
}

test('an export goes into any driver, and comes back', async () => {
  const db = await filled()
  const stored = await open('other', { driver: directory(scratch), tables })
  const progress: [number, number][] = []
  await stored.import(db.export(), { onProgress: (...p) => progress.push(p) })
  await expectFilled(stored)
  assert.equal(await stored.notes.insert({ text: 'next' }), 2, 'identities are counted on')
  await stored.notes.delete(2)
  assert.ok(progress.length > 2 && progress.at(-1)![0] > count, `progress: ${JSON.stringify(progress.slice(-2))}`)
  const back = await openPlaces()
  await back.import(new Blob([(await bytesOf(stored.export())) as Uint8Array<ArrayBuffer>]))
  await expectFilled(back)
  for (const each of [db, stored, back]) await each.close()
})

test('an export is one snapshot, read when it is wanted', async () => {
  const db = await filled()
  const stream = db.export()
  await db.places.insert(place(10_000)) // nobody has read yet
  const reader = stream.getReader()
  const first = await reader.read()
  await db.places.deleteMany({})
  await db.checkpoint()
  assert.equal(await db.places.count(), 0)
  const parts = [first.value!]
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    parts.push(value)
  }
  assert.ok(Math.max(...parts.map(part => part.length)) < 1 << 20)
  const into = await openPlaces()
  await into.import(new Blob(parts as Uint8Array<ArrayBuffer>[]))
  assert.equal(await into.places.count(), (count * 3) / 4 + 1)
  await into.close()
  await db.close()
})

test('an export that is not read to its end keeps nobody waiting', async () => {
  const db = await filled()
  const cancelled = db.export().getReader()
  await cancelled.read()
  await cancelled.cancel()

  const abort = new AbortController()
  const aborted = db.export({ signal: abort.signal }).getReader()
  await aborted.read()
  abort.abort()
  await rejects('aborted', aborted.read())
  await rejects('aborted', db.export({ signal: AbortSignal.abort() }).getReader().read())

  const left = db.export().getReader()
  await left.read()
  await db.places.insert(place(10_000))
  await db.checkpoint()
  await db.close()
  await rejects('closed', left.read())
  await rejects('closed', db.export().getReader().read())
})

test('an import is all or nothing', async () => {
  const db = await filled()
  const whole = await bytesOf(db.export())
  const into = await openPlaces()
  const empty = async () => assert.deepEqual([await into.places.count(), await into.notes.count(), (await into.check()).problems], [0, 0, []])
  for (const end of [0, 7, 8, 500, whole.length >> 1, whole.length - 1]) await rejects('corrupt', into.import(streamOf(whole.slice(0, end))))
  for (const at of [0, 9, whole.length >> 1, whole.length - 1]) {
    const damaged = whole.slice()
    damaged[at]! ^= 1
    await rejects('corrupt', into.import(streamOf(damaged)))
  }
  const failed = await rejects('backend_failed', into.import(streamOf(whole.slice(0, 20_000), 'fail')))
  assert.ok(failed.cause instanceof RangeError)
  await rejects('corrupt', into.import(new Blob([whole as Uint8Array<ArrayBuffer>, 'x'])))
  await rejects('invalid_argument', into.import(new ReadableStream({ start: c => c.enqueue('text') })))
  await rejects('invalid_argument', into.import('text' as unknown as Blob))
  await rejects('invalid_option', into.import(streamOf(whole), { merge: true } as object))
  await rejects('aborted', into.import(streamOf(whole), { signal: AbortSignal.abort() }))
  const abort = new AbortController()
  const stalled = into.import(streamOf(whole.slice(0, 50_000), 'stall'), { signal: abort.signal })
  setTimeout(() => abort.abort(), 20)
  await rejects('aborted', stalled)
  await empty()
  await into.import(streamOf(whole))
  await expectFilled(into)
  await rejects('not_empty', into.import(streamOf(whole)))
  await into.places.deleteMany({})
  await into.import(streamOf(whole), { replace: true })
  await expectFilled(into)
  await into.close()
  await db.close()
})

/** A driver whose n-th batch, from 0, is for `meddle` to let through. */
function meddled(inner: DriverFactory, at: number, meddle: () => Promise<void>): DriverFactory {
  let batches = 0
  return {
    id: `${inner.id} with a gate`,
    async open(name) {
      const driver = await inner.open(name)
      return {
        read: names => driver.read(names), list: prefix => driver.list(prefix), info: held => driver.info(held), close: () => driver.close(),
        async commit(batch) {
          if (batches++ === at) await meddle()
          return driver.commit(batch)
        },
      }
    },
  }
}

for (const compact of [false, true]) {
  test(`a copy${compact ? ', compacted,' : ''} is what there was when it began`, async () => {
    const db = await filled()
    const inner = directory(mkdtempSync(join(scratch, 'copy-')))
    const driver = meddled(inner, 0, async () => {
      await db.places.deleteMany({ country: 'FI' })
      await db.checkpoint()
    })
    await db.copy('copied', { driver, compact })
    assert.equal(await db.places.count(), count / 2)
    await rejects('not_empty', db.copy('copied', { driver, compact }))
    const copied = await openPlaces(inner, 'copied')
    await expectFilled(copied)
    await rejects('locked', db.copy('copied', { driver, compact }))
    await copied.close()
    await db.close()
  })
}

test('a copy that fails leaves nothing', async () => {
  const db = await filled()
  for (const compact of [false, true]) {
    const inner = memory()
    const failing = meddled(inner, 1, () => Promise.reject(new Error('no more')))
    await rejects('backend_failed', db.copy('copied', { driver: failing, compact }))
    const left = await inner.open('copied')
    assert.deepEqual(await left.list(''), [])
    await left.close()
    await rejects('aborted', db.copy('another', { driver: inner, compact, signal: AbortSignal.abort() }))
    await rejects('invalid_option', db.copy('another', { driver: {} as DriverFactory }))
  }
  await expectFilled(db)
  await db.close()
})

test('what is exported and imported at once does not stay in memory', { timeout: 120_000 }, async () => {
  const from = await openPlaces()
  for (let part = 0; part < 12; part++) {
    await from.notes.insertMany(Array.from({ length: 1000 }, () => ({ text: Array.from({ length: 60 }, () => Math.random().toString(36)).join('') })))
  }
  const into = await open('into', { driver: memory(), tables, cacheBytes: 1 << 20 })
  const before = (await into.stat()).memoryBytes
  let passed = 0
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      passed += chunk.length
      controller.enqueue(chunk)
    },
  })
  await into.import(from.export().pipeThrough(counting))
  const { memoryBytes } = await into.stat()
  assert.equal(await into.notes.count(), 12_000)
  assert.ok(passed > 6 << 20, `${passed} bytes passed`)
  assert.ok(memoryBytes - before < 64 << 20, `an import of ${passed} bytes took the memory from ${before} to ${memoryBytes}`)
  await from.close()
  await into.close()
})
