import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'

import type { Page, Worker } from 'playwright-core'
import type * as Stowage from 'stowage'

import { Browser } from './browser.js'

declare const stowage: typeof Stowage

/** Service workers have no use for a page's globals: each imports the package itself. */
const entries = { whole: 'service-worker.js', bare: 'index.js' }

let browser: Browser
before(async () => {
  for (const [folder, entry] of Object.entries(entries)) {
    mkdirSync(`build/service/${folder}`, { recursive: true })
    writeFileSync(`build/service/${folder}/worker.js`, `import * as stowage from '/dist/${entry}'\nglobalThis.stowage = stowage\n`)
  }
  browser = await Browser.start({ '/service/': 'build/service' })
})
after(() => browser.stop())

/** Registers a service worker, or finds it running, and waits until it is active. */
async function serve(page: Page, entry: keyof typeof entries): Promise<Worker> {
  const ours = (worker: Worker) => worker.url().includes(`/${entry}/`)
  const running = page.context().serviceWorkers().find(ours)
  if (running !== undefined) return running
  const started = page.context().waitForEvent('serviceworker', ours)
  await page.evaluate(async url => {
    const { installing, active } = await navigator.serviceWorker.register(url, { type: 'module' })
    const worker = installing ?? active!
    while (worker.state !== 'activated') await new Promise(resolve => worker.addEventListener('statechange', resolve, { once: true }))
  }, `/service/${entry}/worker.js`)
  return started
}

interface City {
  id: number
  by: string
}

test('a service worker and a page write to one environment, and watch one another', async () => {
  const page = await browser.page()
  const service = await serve(page, 'whole')
  const open = async () => {
    const db = await stowage.open('served', { tables: { cities: stowage.table<City>({ key: 'id' }) }, durability: 'strict' })
    const seen: number[] = []
    db.cities.find().orderBy('id').subscribe(cities => seen.splice(0, Infinity, ...cities.map(({ id }) => id)))
    Object.assign(globalThis, { db, seen })
  }
  const script = `(${open.toString()})()`
  await page.evaluate(script)
  await service.evaluate(script)

  await page.evaluate(`Promise.all([1, 3, 5, 7].map(id => db.cities.insert({ id, by: 'page' })))`)
  await service.evaluate(`Promise.all([2, 4, 6, 8].map(id => db.cities.insert({ id, by: 'service' })))`)
  const until = `new Promise(resolve => setInterval(() => seen.join() === '1,2,3,4,5,6,7,8' && resolve(seen.length), 5))`
  assert.deepEqual(await Promise.all([page.evaluate(until), service.evaluate(until)]), [8, 8])

  const increment = `(async () => { for (let i = 0; i < 40; i++) await db.transaction(async tx => {
    const city = await tx.cities.get(9) ?? { id: 9, by: 0 }
    await tx.cities.put({ ...city, by: city.by + 1 })
  }) })()`
  await Promise.all([page.evaluate(increment), service.evaluate(increment)])
  const look = `(async () => [(await db.cities.get(9, { latest: true })).by, (await db.check()).problems])()`
  assert.deepEqual(await page.evaluate(look), [80, []])
  assert.deepEqual(await service.evaluate(look), [80, []])
  assert.deepEqual(page.failures, [])
  await service.evaluate('db.close()')
  await page.close()
})

test('what a service worker finds and commits is held against the sentinel', async () => {
  const page = await browser.page()
  const service = await serve(page, 'whole')
  const run = async (inserted: number) => {
    const told: [string, number][] = []
    const db = await stowage.open('watched', { tables: { t: stowage.table<{ id: number }>({ key: '++id' }) }, onState: (state, lost) => told.push([state, lost]) })
    for (let i = 0; i < inserted; i++) await db.t.insert({} as { id: number })
    const { sentinel, setAside } = await db.health()
    const count = await db.t.count()
    await db.close()
    return { told, sentinel, setAside, count }
  }
  assert.deepEqual(await service.evaluate(run, 3), { told: [['fresh', 0]], sentinel: 'file', setAside: [], count: 3 })
  assert.deepEqual((await page.evaluate(run, 2)).told, [['ok', 0]])
  assert.deepEqual((await service.evaluate(run, 1)), { told: [['ok', 0]], sentinel: 'file', setAside: [], count: 6 })
  await page.evaluate(() => localStorage.clear()) // so that the file is what is known
  for (const place of [service, page as Pick<Worker, 'evaluate'>]) { // who finds nothing makes the table anew, and with that goes on
    await page.evaluate(() => new Promise(resolve => (indexedDB.deleteDatabase('stowage:watched').onsuccess = resolve)))
    const [[state, lost]] = (await place.evaluate(run, 0)).told as [[string, number]]
    assert.equal(state, 'evicted')
    assert.ok(lost > 0)
  }
  await page.close()
})

test('what a service worker can do: change by function, export and copy; dedicated workers it has none of', async () => {
  const page = await browser.page()
  const service = await serve(page, 'whole')
  const seen = await service.evaluate(async () => {
    const code = (work: Promise<unknown>) => work.then(() => 'done', (error: Stowage.StowageError) => error.code)
    const db = await stowage.open('able', { tables: { t: stowage.table<{ id: number; n: number }>({ key: 'id' }) } })
    await db.t.insert({ id: 1, n: 1 })
    await db.t.update({ id: 1 }, document => void document.n++)
    const bytes = await new Response(db.export()).arrayBuffer()
    await db.copy('able too')
    const result = { n: (await db.t.get(1))?.n, exported: bytes.byteLength > 100, worker: await code(stowage.open('none', { worker: true })) }
    await db.close()
    return result
  })
  assert.deepEqual(seen, { n: 2, exported: true, worker: 'unsupported' })
  await page.close()
})

test('with the page’s entry a service worker reads and writes; what would have to be loaded is refused with a reason', async () => {
  const page = await browser.page()
  const service = await serve(page, 'bare')
  const seen = await service.evaluate(async () => {
    const db = await stowage.open('bare', { tables: { t: stowage.table<{ id: number }>({ key: 'id' }) } })
    await db.t.insert({ id: 1 })
    const reason = (work: Promise<unknown>) => work.then(() => 'done', ({ code, message }: Stowage.StowageError) => `${code} ${message.includes('stowage/service-worker')}`)
    const watched = new Promise((_, error) => db.t.find().subscribe({ error }))
    const result = [await db.t.count(), await reason(db.health()), await reason(watched)]
    await db.close()
    return result
  })
  assert.deepEqual(seen, [1, 'unsupported true', 'unsupported true'])
  await page.close()
})
