import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { after, before, test } from 'node:test'

import type { Page } from 'playwright-core'
import type * as Stowage from 'stowage'

import { Browser } from './browser.js'
import { buildWithVite } from './vite.js'

declare const stowage: typeof Stowage
/** What `arm` leaves in a page. */
declare const hostile: ReturnType<typeof tools>

let browser: Browser
before(async () => {
  browser = await Browser.start({ '/built/': await buildWithVite(resolve('build/vite-hostile')) })
})
after(() => browser.stop())

interface Doc {
  id: number
  name: string
  [member: string]: unknown
}

/** What an attacker has in a page: built there, for it refers to nothing outside of it. */
function tools() {
  const settled = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }))
  const count = 2000
  const tables = { docs: stowage.table<Doc>({ key: 'id', indexes: ['&name'] }) }
  type Open = Stowage.OpenOptions<typeof tables>
  const self = {
    open: (name: string, options: Open = {}) => stowage.open(name, { tables, ...options }),

    /** An environment whose documents are in pages and, the last one, in the log. */
    async filled(name: string, options: Open = {}) {
      const db = await self.open(name, options)
      await db.docs.insertMany(Array.from({ length: count }, (_, id) => ({ id, name: `document ${id}`, digits: Math.random().toString(36) })))
      await db.checkpoint()
      await db.docs.insert({ id: count, name: `document ${count}` })
      return db
    },

    /** What is wrong with it, if anything; it takes a write and a checkpoint for that. */
    async wrong(db: Awaited<ReturnType<typeof self.filled>>) {
      const found = await db.docs.find({ name: { $startsWith: 'document ' } } as never).orderBy('id')
      const intact = found.length === count + 1 && found.every(({ id, name }, i) => id === i && name === `document ${i}`)
      await db.docs.put({ id: -1, name: 'another' })
      await db.docs.delete(-1)
      await db.checkpoint()
      const { problems } = await db.check()
      return [...(intact ? [] : [`${found.length} documents`]), ...problems]
    },

    /** The code that a call fails with; of an error that is no StowageError, that. */
    code: (work: () => unknown) =>
      (async () => work())().then(
        () => 'done',
        (error: Error) => (error instanceof stowage.StowageError ? error.code : `raw ${error}`),
      ),

    /** The blobs of an environment, read and written behind the engine's back. */
    async blobs(name: string, change?: (blobs: Map<string, Uint8Array>) => unknown): Promise<Map<string, Uint8Array>> {
      const db = await settled(indexedDB.open(`stowage:${name}`))
      const store = db.transaction('blobs', 'readwrite').objectStore('blobs')
      const [names, values] = [settled(store.getAllKeys()), settled(store.getAll())]
      const blobs = new Map((await names).map((key, i) => [key as string, values.then(all => all[i] as Uint8Array)]))
      const read = new Map<string, Uint8Array>()
      for (const [key, value] of blobs) read.set(key, await value)
      change?.(read)
      if (change !== undefined) {
        store.clear()
        for (const [key, value] of read) store.put(value, key)
      }
      await settled(store.count())
      db.close()
      return read
    },
  }
  return self
}

/** A page, plain or as Vite builds it, with the tools in it. What fails in it unseen is a failure. */
async function armed(path: string, f: (page: Page) => Promise<void>): Promise<void> {
  const page = await browser.page(path)
  await page.evaluate(`globalThis.hostile = (${tools})()`)
  await f(page)
  assert.deepEqual(page.failures, [])
  await page.close()
}

for (const [kind, path] of [['plain', '/plain.html'], ['built', '/built/index.html']] as const) {
  for (const worker of [false, true]) {
    const where = `${kind} page${worker ? ', through a worker' : ''}`

    test(`${where}: what cannot be is refused, and changes nothing`, () =>
      armed(path, async page => {
        const seen = await page.evaluate(async name => {
          const { open, filled, wrong, code } = hostile
          const worker = name.includes('worker')
          const db = await filled(name, { worker })
          const docs = db.docs as Stowage.Table<any>
          const circle: Record<string, unknown> = { id: 9000 }
          circle['itself'] = [circle]
          let deep: unknown = 1
          for (let i = 0; i < 300; i++) deep = [deep]
          const calls: [code: string, call: () => unknown][] = [
            ['invalid_option', () => open(name, { worker, cachebytes: 5 } as never)],
            ['invalid_option', () => docs.insertMany([{ id: 9000 }], { onProgres: () => {} } as never)],
            ['invalid_option', () => docs.find().subscribe(() => {}, { totl: true } as never)],
            ['unknown_operator', () => docs.find({ name: { $near: 5 } })],
            ['unknown_operator', () => docs.deleteMany({ $nor: [{ name: { $close: 5 } }] })],
            ['invalid_path', () => docs.find().orderBy('a..b')],
            ['invalid_path', () => stowage.table({ key: 'id', indexes: ['a.'] })],
            ['invalid_document', () => docs.update({}, stowage.op.increment('name.length'))],
            ['duplicate_key', () => docs.insert({ id: 5, name: 'new' })],
            ['duplicate_key', () => docs.insertMany([{ id: 9000, name: 'new' }, { id: 9001, name: 'document 7' }])],
            ['invalid_document', () => docs.insert(5)],
            ['invalid_document', () => docs.insertMany([{ id: 9000, name: 'new' }, [1]])],
            ['invalid_document', () => docs.put(new Date())],
            ['invalid_document', () => docs.insert(circle)],
            ['invalid_document', () => docs.insertMany([{ id: 9000, name: 'new' }, circle])],
            ['invalid_document', () => docs.insert({ id: 9000, name: () => 1 })],
            ['invalid_key', () => docs.insert({ id: NaN, name: 'new' })],
            ['invalid_key', () => docs.get(NaN)],
            ['too_deep', () => docs.insert({ id: 9000, name: 'new', deep })],
            ['too_deep', () => docs.find({ name: deep })],
            ['too_large', () => db.transaction(async tx => {
              await tx.docs.insert({ id: 9000, name: 'new' })
              await tx.docs.put({ id: 1, name: 'x'.repeat(100e6) })
            })],
            ['too_large', () => db.store('s').put(new Uint8Array(5000), new Uint8Array(1))],
            ['invalid_argument', () => db.store('s').put('key' as never, 'value' as never)],
            ['schema_mismatch', () => stowage.open(name, { worker, tables: { docs: stowage.table({ key: 'other' }) } })],
            ['corrupt', () => db.import(new Blob(['no export']), { replace: true })],
          ]
          const otherwise: string[] = []
          for (const [expected, call] of calls) {
            const got = await code(call)
            if (got !== expected) otherwise.push(`${call}: ${got}`)
          }
          otherwise.push(...(await wrong(db)))
          await db.close()
          return otherwise
        }, where)
        assert.deepEqual(seen, [])
      }))
  }
}

for (const worker of [false, true]) {
  test(`${worker ? 'in a worker' : 'in the page'}: an engine that panics goes on, one that dies is followed by another`, () =>
    armed('/plain.html', async page => {
      const seen = await page.evaluate(async worker => {
        const { filled, wrong, code } = hostile
        const db = await filled(`dying ${worker}`, { worker })
        const { session } = db as unknown as { session: { ready(): Promise<any> } }
        const fault = async (how: string) => {
          const engine = await session.ready()
          return engine.run(engine.request(127, 4, 0, 0).string(how), () => {})
        }
        const codes: unknown[] = []
        for (const how of ['panic', 'exit', 'hang']) {
          const transaction = code(() => db.transaction(async tx => {
            await tx.docs.put({ id: 1, name: 'never' })
            codes.push(await code(() => fault(how)))
            await tx.docs.get(2)
            throw new stowage.StowageError('aborted', 'nothing of it stays')
          }))
          codes.push(await transaction, await wrong(db))
        }
        Object.assign(globalThis, { db })
        return codes
      }, worker)
      assert.deepEqual(seen, ['internal', 'aborted', [], 'engine_lost', 'engine_lost', [], 'engine_lost', 'engine_lost', []])
    }))
}

test('a worker that ends by itself: what was asked of it fails, and another one is started', () =>
  armed('/plain.html', async page => {
    await page.evaluate(async () => Object.assign(globalThis, { db: await hostile.filled('ended', { worker: true }) }))
    const worker = page.workers().find(worker => worker.url().endsWith('/worker.js')) // not the sentinel's
    const pending = page.evaluate(async () => {
      const { db } = globalThis as unknown as { db: Awaited<ReturnType<typeof hostile.filled>> }
      const { code, wrong } = hostile
      const endless = db.transaction(async tx => {
        for (;;) await tx.docs.get(1)
      })
      const seen = [await code(() => endless), await wrong(db)]
      await db.close()
      return seen
    })
    await worker!.evaluate(() => close())
    assert.deepEqual(await pending, ['engine_lost', []])
  }))

test('a worker that cannot be had, or be told what it needs', () =>
  armed('/plain.html', async page => {
    const seen = await page.evaluate(async () => {
      const { open, code } = hostile
      const driver = { id: 'x', open: stowage.memory().open, worker: { module: '/nowhere.js', options: { f: () => 1 } } }
      const codes = [await code(() => open('untold', { worker: true, driver }))]
      const { Worker } = globalThis
      globalThis.Worker = class {
        constructor() {
          throw new DOMException('of another site', 'SecurityError')
        }
      } as never
      codes.push(await code(() => open('foreign', { worker: true })))
      globalThis.Worker = Worker
      codes.push(await code(async () => (await open('untold', { worker: true })).close()))
      return codes
    })
    assert.deepEqual(seen, ['unsupported', 'unsupported', 'done'])
  }))

test('blobs that somebody has changed are named for what they are, and left alone', () =>
  armed('/plain.html', async page => {
    const seen = await page.evaluate(async () => {
      const { open, filled, blobs } = hostile
      await (await filled('changed')).close()
      const whole = await blobs('changed')
      type Change = (blobs: Map<string, any>) => void
      const each = (prefix: string, f: (bytes: Uint8Array) => unknown): Change => blobs => {
        for (const [name, bytes] of blobs) if (name.startsWith(prefix)) blobs.set(name, f(bytes.slice()))
      }
      const changes: [state: string, what: string, change: Change][] = [
        ['ok', 'nothing', () => {}],
        ['rolled-back', 'the last record gone', blobs => void blobs.delete([...blobs.keys()].filter(name => name.startsWith('l/')).at(-1)!)],
        ['corrupt', 'the root gone', blobs => void blobs.delete('r')],
        ['corrupt', 'a page gone', blobs => void blobs.delete([...blobs.keys()].find(name => name.startsWith('p/'))!)],
        ['corrupt', 'pages in one another’s place', blobs => {
          const names = [...blobs.keys()].filter(name => name.startsWith('p/'))
          const values = names.map(name => blobs.get(name))
          names.forEach((name, i) => blobs.set(name, values[(i + 1) % names.length]))
        }],
      ]
      for (const prefix of ['r', 'l/', 'p/']) {
        changes.push(
          ['corrupt', `${prefix} a bit`, each(prefix, bytes => ((bytes[bytes.length >> 1]! ^= 1), bytes))],
          ['corrupt', `${prefix} cut`, each(prefix, bytes => bytes.slice(0, bytes.length >> 1))],
          ['corrupt', `${prefix} empty`, each(prefix, () => new Uint8Array(0))],
          ['newer_format', `${prefix} of a later version`, each(prefix, bytes => ((bytes[1]! += 1), bytes))],
          ['corrupt', `${prefix} of another kind`, each(prefix, bytes => ((bytes[2]! += 1), bytes))],
          ['corrupt', `${prefix} text`, each(prefix, () => 'text')],
          ['corrupt', `${prefix} a number`, each(prefix, () => 5)],
          ['corrupt', `${prefix} an ArrayBuffer`, each(prefix, bytes => bytes.buffer)],
        )
      }
      const otherwise: string[] = []
      for (const [expected, what, change] of changes) {
        const before = await blobs('changed', blobs => (blobs.clear(), whole.forEach((bytes, name) => blobs.set(name, bytes)), change(blobs)))
        let got = ''
        try {
          const db = await open('changed', { onState: state => (got = state) })
          await db.docs.find()
          await db.close()
        } catch (error) {
          got = (error as Stowage.StowageError).code ?? `raw ${error}`
        }
        const after = await blobs('changed')
        const alone = after.size === before.size && [...before].every(([name, value]) => String(after.get(name)) === String(value))
        if (got !== expected || !alone) otherwise.push(`${what}: ${got}${alone ? '' : ', and it was written to'}`)
      }
      return otherwise
    })
    assert.deepEqual(seen, [])
  }))

test('encrypted blobs that somebody has changed, and given the right checksum, open for nobody', () =>
  armed('/plain.html', async page => {
    const seen = await page.evaluate(async () => {
      const { open, filled, blobs, code } = hostile
      const [key, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
      const by = (key: Uint8Array) => ({ modifiers: [stowage.encrypt({ key })] })
      for (const name of ['sealed', 'another']) await (await filled(name, by(key))).close()
      await (await filled('clear')).close()
      const older = await blobs('sealed')
      const db = await open('sealed', by(key))
      await db.addSlot({ key: other })
      await db.docs.update({}, { again: true })
      await db.checkpoint()
      await db.docs.put({ id: 0, name: 'document 0' })
      await db.close()
      const [whole, another, clear] = [await blobs('sealed'), await blobs('another'), await blobs('clear')]
      const of = (blobs: Map<string, Uint8Array>, prefix: string) => [...blobs.keys()].filter(name => name.startsWith(prefix))

      /** CRC-32C. */
      const sum = (...parts: (Uint8Array | number[])[]) => {
        let crc = ~0
        for (const part of parts) {
          for (const byte of part) {
            crc ^= byte
            for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
          }
        }
        return ~crc >>> 0
      }
      /** The blob as it would stand under a name: see "Envelope" of FORMAT.md. Members are 5, or 6 with a header. */
      const forged = (name: string, blob: Uint8Array, change: (payload: Uint8Array) => void = () => {}, header: (header: Uint8Array) => void = () => {}) => {
        const bytes = blob.slice()
        const view = new DataView(bytes.buffer)
        const stages = bytes.subarray(5, 5 + bytes[4]!)
        const checksum = 5 + stages.length
        let at = checksum + 5
        const members = Array.from({ length: (bytes[0]! & 15) - 4 }, () => {
          const size = bytes[at] === 0xc4 ? 1 : bytes[at] === 0xc5 ? 2 : 4
          const length = size === 1 ? bytes[at + 1]! : size === 2 ? view.getUint16(at + 1) : view.getUint32(at + 1)
          at += 1 + size + length
          return bytes.subarray(at - length, at)
        })
        const payload = members.at(-1)!
        change(payload)
        if (members.length > 1) {
          const keys = members[0]!
          header(keys)
          view.setUint32(keys.byteOffset + keys.length - 4, sum(keys.subarray(0, -4)))
        }
        view.setUint32(checksum + 1, sum(new TextEncoder().encode(name), [bytes[2]!], stages, ...members))
        return bytes
      }
      const flip = (bytes: Uint8Array) => void (bytes[bytes.length >> 1]! ^= 1)
      /** Puts other blobs in the place of those with a prefix. */
      const instead = (prefix: string, blob: (name: string, i: number) => Uint8Array) => (blobs: Map<string, Uint8Array>) =>
        of(blobs, prefix).forEach((name, i) => blobs.set(name, forged(name, blob(name, i))))
      const changes: [outcome: string, what: string, change: (blobs: Map<string, Uint8Array>) => unknown][] = [
        ['ok', 'nothing', () => {}],
        ['ok', 'checksums made anew', blobs => ['r', 'l/', 'p/'].map(prefix => instead(prefix, name => whole.get(name)!)(blobs))],
        ['ok', 'the copy of the keys gone', blobs => of(blobs, 'k/').map(name => blobs.delete(name))],
        ['tampered', 'pages in one another’s place', instead('p/', (_, i) => whole.get(of(whole, 'p/').at(i - 1)!)!)],
        ['tampered', 'a record under another position', blobs => instead('l/', () => older.get(of(older, 'l/')[0]!)!)(blobs)],
        ['tampered', 'pages of another environment', instead('p/', (_, i) => another.get(of(another, 'p/').at(i % of(another, 'p/').length)!)!)],
        ['tampered', 'records of another environment', instead('l/', () => another.get(of(another, 'l/')[0]!)!)],
        ['tampered', 'pages that are not encrypted', instead('p/', (_, i) => clear.get(of(clear, 'p/').at(i % of(clear, 'p/').length)!)!)],
        ['tampered', 'a record that is not encrypted', instead('l/', () => clear.get(of(clear, 'l/')[0]!)!)],
        ['tampered', 'the root of another environment', blobs => blobs.set('r', another.get('r')!)],
        ['not_encrypted', 'a root that is not encrypted', blobs => blobs.set('r', clear.get('r')!)],
        ['not_encrypted', 'all of an environment that is not', blobs => (blobs.clear(), clear.forEach((bytes, name) => blobs.set(name, bytes)))],
        ['corrupt', 'the older root', blobs => blobs.set('r', older.get('r')!)],
        ['rolled-back', 'all of an older state', blobs => (blobs.clear(), older.forEach((bytes, name) => blobs.set(name, bytes)))],
        ['corrupt', 'no root', blobs => blobs.delete('r')],
        ['tampered', 'a bit of the root', blobs => blobs.set('r', forged('r', whole.get('r')!, flip))],
        ['tampered', 'a bit of pages', blobs => of(blobs, 'p/').map(name => blobs.set(name, forged(name, whole.get(name)!, flip)))],
        ['corrupt_header', 'a bit of the keys', blobs => blobs.set('r', forged('r', whole.get('r')!, undefined, flip))],
        ['wrong_key', 'another environment’s id beside the keys', blobs => blobs.set('r', forged('r', whole.get('r')!, undefined, header => header.set([1, 2, 3])))],
      ]
      const otherwise: string[] = []
      for (const [expected, what, change] of changes) {
        const before = await blobs('sealed', blobs => (blobs.clear(), whole.forEach((bytes, name) => blobs.set(name, bytes)), change(blobs)))
        let got = ''
        const outcome = await code(async () => {
          const db = await open('sealed', { ...by(key), onState: state => (got = state) })
          try {
            await db.docs.find()
          } finally {
            await db.close()
          }
        })
        if (outcome !== 'done') got = outcome
        const after = await blobs('sealed')
        const alone = after.size === before.size && [...before].every(([name, value]) => String(after.get(name)) === String(value))
        if (got !== expected || !alone) otherwise.push(`${what}: ${got}${alone ? '' : ', and it was written to'}`)
      }
      await blobs('sealed', blobs => (blobs.clear(), whole.forEach((bytes, name) => blobs.set(name, bytes))))
      otherwise.push(await code(() => open('sealed')), await code(() => open('sealed', { modifiers: [stowage.compress('deflate')] })))
      otherwise.push(await code(() => open('sealed', by(new Uint8Array(32)))), await code(() => open('sealed', { modifiers: [...by(key).modifiers, ...by(other).modifiers] })))
      // Who has opened it by a slot that is removed goes on; then nothing but the last one opens it, and that stays.
      const last = await open('sealed', by(key))
      otherwise.push(await code(() => last.removeSlot(1)), await code(() => last.removeSlot(2)), await code(() => last.docs.find()))
      await last.close()
      otherwise.push(await code(() => open('sealed', by(key))), await code(async () => (await open('sealed', by(other))).close()))
      return otherwise
    })
    assert.deepEqual(seen, ['key_required', 'key_required', 'wrong_key', 'invalid_option', 'done', 'not_found', 'done', 'wrong_key', 'done'])
  }))
