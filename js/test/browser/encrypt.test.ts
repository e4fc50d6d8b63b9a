import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import type { Page } from 'playwright-core'
import type * as Stowage from 'stowage'
import type * as Sync from 'stowage/sync'

import { Browser } from './browser.js'

declare const stowage: typeof Stowage
/** What the functions below leave in a page. */
declare const db: Stowage.Database & Record<string, Stowage.Table>

let browser: Browser
before(async () => {
  browser = await Browser.start()
})
after(() => browser.stop())

/** Words that stand nowhere else, and where each is put. */
const canaries = { key: 'canarykeyqx', value: 'canaryvaluewz', term: 'canarytermvy', table: 'canarytableuj', store: 'canarystorekk', bytes: 'canarybytesjj', changed: 'canarychangedlo' }

/**
 * How often each word stands in the files of a folder, in the encodings that a browser writes. Where a file is gone before
 * it is read, for processes of a browser outlive a kill by a moment, it looks again at all of them.
 */
function search(folder: string): Record<string, number> {
  for (;;) {
    try {
      return searchOnce(folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

function searchOnce(folder: string): Record<string, number> {
  const found = Object.fromEntries(Object.keys(canaries).map(name => [name, 0]))
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const bytes = readFileSync(join(entry.parentPath, entry.name))
    for (const [name, word] of Object.entries(canaries)) {
      if (bytes.includes(word) || bytes.includes(Buffer.from(word, 'utf16le'))) found[name]!++
    }
  }
  return found
}

interface Opening {
  name: string
  passphrase?: string
  worker: boolean
  durability?: 'buffered'
  canaries: typeof canaries
}

async function open({ name, passphrase, worker, durability, canaries }: Opening): Promise<void> {
  const modifiers = passphrase === undefined ? [stowage.compress('none')] : [stowage.compress('deflate'), stowage.encrypt({ passphrase, argon2id: { memory: 19456, time: 2 } })]
  const tables = { [canaries.table]: stowage.table({ key: 'id', indexes: ['term'] }) }
  Object.assign(globalThis, { db: await stowage.open(name, { worker, modifiers, tables: tables as never, ...(durability && { durability }) }) })
}

/** Puts the words everywhere, into pages and into the log. */
async function fill({ key, value, term, table, store, bytes, changed }: typeof canaries): Promise<void> {
  const text = new TextEncoder()
  const rows = Array.from({ length: 2000 }, (_, i) => ({ id: `${key} ${i}`, term: `${term} ${i}`, text: `${value} ${i}` }))
  await db[table]!.insertMany(rows)
  await db.store(store).put(text.encode(bytes), text.encode(bytes))
  const place = '/dist/sync.js'
  const { model, view }: typeof Sync = await import(place)
  const shown = await view(db, { models: { notes: model<{ id: number; text: string }>({ table: 'notes', key: 'id' }) }, mode: 'offline' }).open()
  await shown.notes.add({ id: 1, text: changed })
  await db.checkpoint()
  await shown.notes.change(1, { text: `${changed} again` })
  await shown.close()
  await db[table]!.insert({ id: `${key} last`, term, text: value })
  await db.store(store).put(text.encode(`${bytes} last`), text.encode(bytes))
}

/** Writes over what there is, one change after the other: into the log, or into a buffer of which some is flushed and some is not. */
async function change([{ table, key, value, term, store, bytes }, flush]: readonly [typeof canaries, boolean]): Promise<void> {
  const text = new TextEncoder()
  for (let i = 0; i < 200; i++) {
    await db[table]!.put({ id: `${key} ${i}`, term: `${term} ${i}`, text: `${value} again` })
    await db.store(store).put(text.encode(bytes), text.encode(`${bytes} ${i}`))
    if (flush && i === 150) await db.flush()
  }
}

/** Whether all that fill has written is there. */
async function isWhole({ table, key, value, term, store }: typeof canaries): Promise<unknown[]> {
  const last = (await db[table]!.get(`${key} last`)) as { text: string } | undefined
  const problems = (await db.check()).problems.length
  return [await db[table]!.count(), last?.text === value, await db[table]!.count({ term: `${term} 7` } as never), await db.store(store).count(), problems]
}

const whole = [2001, true, 1, 2, 0]

async function inPage(f: (page: Page) => Promise<void>): Promise<void> {
  const page = await browser.page()
  await f(page)
  assert.deepEqual(page.failures, [])
  await page.close()
}

test('the search finds what is not encrypted', async () => {
  await inPage(async page => {
    await page.evaluate(open, { name: 'clear', worker: false, canaries })
    await page.evaluate(fill, canaries)
    await page.evaluate(() => db.close())
  })
  const found = await browser.stopped(search)
  for (const [name, count] of Object.entries(found)) assert.ok(count > 0, `${name}: ${count} files`)
  await browser.stop()
  browser = await Browser.start() // a profile that holds none of it
})

for (const worker of [false, true]) {
  const name = worker ? 'in a worker' : 'in the page'
  const passphrase = `a passphrase ${name}`

  test(`encrypted ${name}, no word stands in the profile, after closing and after a kill`, async () => {
    await inPage(async page => {
      await page.evaluate(open, { name, passphrase, worker, canaries })
      await page.evaluate(fill, canaries)
      await page.evaluate(() => db.close())
    })
    const none = Object.fromEntries(Object.keys(canaries).map(word => [word, 0]))
    assert.deepEqual(await browser.stopped(search), none)
    for (const durability of [undefined, 'buffered'] as const) {
      const page = await browser.page()
      await page.evaluate(open, { name, passphrase, worker, canaries, ...(durability && { durability }) })
      assert.deepEqual(await page.evaluate(isWhole, canaries), whole)
      await page.evaluate(change, [canaries, durability === 'buffered'] as const)
      assert.deepEqual(await browser.killed(search), none)
    }
    await inPage(async page => {
      await page.evaluate(open, { name, passphrase, worker, canaries })
      assert.deepEqual(await page.evaluate(isWhole, canaries), whole)
      await page.evaluate(() => db.close())
    })
  })

  test(`locked and unlocked ${name}; a wrong passphrase opens nothing`, () =>
    inPage(async page => {
      const seen = await page.evaluate(
        async ([name, passphrase, worker]) => {
          const code = (work: Promise<unknown>) => work.then(() => 'done', error => error.code as string)
          const how = { argon2id: { memory: 19456, time: 2 } }
          const open = (passphrase: string) => stowage.open(name, { worker, modifiers: [stowage.encrypt({ passphrase, ...how })], tables: { t: stowage.table({ key: 'id' }) } })
          const db = await open(passphrase)
          await db.t.insert({ id: 1 })
          const ended = new Promise<string>(resolve => {
            db.t.find().subscribe({ next: () => void db.lock(), error: error => resolve(error.code) })
          })
          const watched = await ended
          await db.lock()
          const codes = [await code(db.t.get(1)), await code(db.unlock({ passphrase: 'wrong' })), await code(db.t.insert({ id: 2 }))]
          await db.unlock({ passphrase })
          codes.push(await code(db.t.get(1)), await code(db.changePassphrase(passphrase, { passphrase: 'another', ...how })))
          await db.lock()
          codes.push(await code(db.unlock({ passphrase })), await code(db.unlock({ passphrase: 'another' })))
          await db.close()
          codes.push(await code(open(passphrase)), await code(stowage.open(name, { worker })))
          const again = await open('another')
          const count = await again.t.count()
          await again.close()
          return [codes, count, watched]
        },
        [`lock ${name}`, passphrase, worker] as const,
      )
      assert.deepEqual(seen, [['key_required', 'wrong_key', 'key_required', 'done', 'done', 'wrong_key', 'done', 'wrong_key', 'key_required'], 1, 'key_required'])
    }))
}

test('a tab learns of keys that another has changed', async () => {
  const tabs = await Promise.all([browser.page(), browser.page()])
  const opening = { name: 'tabs', passphrase: 'first', worker: false, canaries }
  for (const tab of tabs) await tab.evaluate(open, opening)
  await tabs[0]!.evaluate(fill, canaries)
  await tabs[0]!.evaluate(() => db.changePassphrase('first', { passphrase: 'second', argon2id: { memory: 19456, time: 2 } }))
  const id = await tabs[1]!.evaluate(() => db.addSlot({ key: new Uint8Array(32) }))
  assert.equal(id, 2)
  await tabs[1]!.evaluate(({ table, key, value, term }) => db[table]!.put({ id: `${key} last`, term, text: value }), canaries)
  assert.deepEqual(await tabs[0]!.evaluate(isWhole, canaries), whole)
  for (const tab of tabs) {
    await tab.evaluate(() => db.lock())
    assert.equal(await tab.evaluate(() => db.unlock({ passphrase: 'first' }).catch(error => error.code)), 'wrong_key')
    await tab.evaluate(() => db.unlock({ passphrase: 'second' }))
    assert.deepEqual(await tab.evaluate(isWhole, canaries), whole)
    await tab.evaluate(() => db.close())
    await tab.close()
  }
})

test('a page without WebCrypto is refused, and a stage of one’s own in a worker', () =>
  inPage(async page => {
    const seen = await page.evaluate(async () => {
      const code = (work: Promise<unknown>) => work.then(() => 'done', error => error.code as string)
      const own = stowage.modifier(7, { seal: bytes => bytes, open: bytes => bytes })
      const refused = await code(stowage.open('own', { worker: true, modifiers: [own] }))
      Object.defineProperty(crypto, 'subtle', { value: undefined })
      return [refused, await code(stowage.open('insecure', { modifiers: [stowage.encrypt({ passphrase: 'any' })] }))]
    })
    assert.deepEqual(seen, ['unsupported', 'unsupported'])
  }))
