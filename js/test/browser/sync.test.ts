// Pulling and viewing in real pages: of several tabs one pulls, a hidden one rests, and with the network cut by the browser
// itself the page is loaded again and goes on.

import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'

import type { Page } from 'playwright-core'
import type * as Stowage from 'stowage'
import type * as Sync from 'stowage/sync'

import { Origin } from '../origin.js'
import { Browser, until } from './browser.js'

declare const stowage: typeof Stowage & typeof Sync

interface Country { code: string; name: string }
interface City { id: number; country: string; name: string }

/** What the functions below leave in a page. */
declare const db: Stowage.Database<{ countries: Stowage.TableSpec<Country> }>
declare const puller: Sync.Puller
declare const atlas: Awaited<ReturnType<typeof view>>

const page = `<!doctype html><title>offline</title><script type="module">
import * as stowage from '/dist/index.js'
import * as sync from '/dist/sync.js'
globalThis.stowage = { ...stowage, ...sync }
</script>`

/** Keeps the page and the package, and answers from what it keeps. */
const worker = (files: string[]) => `
addEventListener('install', event => event.waitUntil(caches.open('page').then(cache => cache.addAll(${JSON.stringify(files)})).then(() => skipWaiting())))
addEventListener('activate', event => event.waitUntil(clients.claim()))
addEventListener('fetch', event => event.respondWith(caches.match(event.request).then(found => found ?? fetch(event.request))))
`

/** An origin on a port of its own, which pages of others may ask. */
function serve(origin: Origin): Promise<Server> {
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('access-control-allow-headers', 'content-type')
    response.setHeader('access-control-expose-headers', '*')
    if (request.method === 'OPTIONS') return void response.writeHead(204).end()
    const left = new AbortController()
    response.on('close', () => left.abort())
    try {
      const body = parts.length > 0 && { body: Buffer.concat(parts).toString() }
      const answer = await origin.fetch(`http://origin${request.url}`, { method: request.method!, ...body, signal: left.signal })
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()))
    } catch {
      response.destroy()
    }
  })
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(server)))
}

const origin = new Origin()
let browser: Browser
let server: Server
let url: string

before(async () => {
  origin.table('countries', { code: 'text', name: 'text' }, ['code'], [{ code: 'NO', name: 'Norway' }, { code: 'SE', name: 'Sweden' }])
  origin.table('cities', { id: 'int8', country: 'text', name: 'text' }, ['id'], [{ id: 1, country: 'NO', name: 'Oslo' }, { id: 2, country: 'NO', name: 'Bergen' }, { id: 3, country: 'SE', name: 'Lund' }])
  server = await serve(origin)
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/shape`
  const files = readdirSync('dist', { recursive: true }).map(String).filter(name => /\.(js|wasm)$/.test(name))
  mkdirSync('build/offline', { recursive: true })
  writeFileSync('build/offline/page.html', page)
  writeFileSync('build/offline/worker.js', worker(['/offline/page.html', ...files.map(name => `/dist/${name}`)]))
  browser = await Browser.start({ '/offline/': 'build/offline' })
})
after(async () => {
  await browser.stop()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

/** Opens an environment that is encrypted, and pulls into it. */
async function open([name, url]: [string, string]): Promise<void> {
  const { open, table, encrypt, pull } = stowage
  const db = await open(name, { tables: { countries: table<Country>({ key: 'code' }) }, modifiers: [encrypt({ key: new Uint8Array(32) })] })
  const puller = await pull(db, { origin: url, shapes: { countries: 'countries' }, retry: { base: 5, most: 50 } })
  Object.assign(globalThis, { db, puller })
}

/** A view of cities that are loaded when they are asked for, and of countries that are pulled. */
function view([name, url]: [string, string]) {
  const { open, encrypt, view, model, many, parent } = stowage
  return open(name, { modifiers: [encrypt({ key: new Uint8Array(32) })] }).then(db =>
    view(db, {
      origin: url,
      models: { countries: model<Country>({ table: 'countries', key: 'code', pulled: true }), cities: model<City>({ table: 'cities', key: 'id' }) },
      relations: { countries: { cities: many('cities', 'country') }, cities: { land: parent('countries', 'country') } },
      mode: 'offline-fallback',
      retry: { base: 5, most: 50 },
    }).open(),
  )
}

const names = (tab: Page) => tab.evaluate(async () => (await db.countries.find().orderBy('code')).map(({ name }) => name).join())
const shows = (tab: Page, expected: string) =>
  until(tab, async expected => (await db.countries.find().orderBy('code')).map(({ name }) => name).join() === expected, expected)
const phase = (tab: Page, expected: string) => tab.waitForFunction(expected => puller.progress['countries']!.phase === expected, expected)

test('of two tabs one pulls, both show it, and the other one goes on', async () => {
  origin.count()
  const one = await browser.page('/offline/page.html')
  await one.evaluate(open, ['tabs', url] as [string, string])
  await one.evaluate(() => puller.complete())
  const two = await browser.page('/offline/page.html')
  await two.evaluate(open, ['tabs', url] as [string, string])
  await two.evaluate(() => puller.complete())
  assert.equal(await names(two), 'Norway,Sweden')
  await Promise.all([phase(one, 'live'), phase(two, 'elsewhere')])
  assert.equal(origin.asked.filter(asked => asked.includes('offset=-1')).length, 1)
  origin.write('countries', [{ code: 'SE', name: 'Sverige' }])
  await Promise.all([shows(one, 'Norway,Sverige'), shows(two, 'Norway,Sverige')])
  await two.evaluate(() => puller.refresh())
  await one.close()
  await phase(two, 'live')
  origin.write('countries', [{ code: 'NO', name: 'Norge' }])
  await shows(two, 'Norge,Sverige')
  assert.equal(origin.asked.filter(asked => asked.includes('offset=-1')).length, 1)

  const visible = (state: string) =>
    two.evaluate(state => {
      Object.defineProperty(document, 'visibilityState', { value: state, configurable: true })
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
    }, state)
  await visible('hidden')
  await phase(two, 'paused')
  origin.count()
  origin.write('countries', [{ code: 'NO', name: 'Norway' }, { code: 'SE', name: 'Sweden' }])
  assert.equal(await names(two), 'Norge,Sverige')
  assert.equal(origin.count(), 0, 'a hidden page asks nothing')
  await visible('visible')
  await shows(two, 'Norway,Sweden')
  await two.close()
})

test('a network that is back, and needs a moment more, is tried again soon', async () => {
  const tab = await browser.page('/offline/page.html')
  await tab.evaluate(async ([name, url]) => {
    const { open, table, pull } = stowage
    const network = { cut: true, asked: 0 }
    const fetch = (...request: Parameters<typeof globalThis.fetch>) => (network.asked++, network.cut ? Promise.reject(new TypeError('cut')) : globalThis.fetch(...request))
    const db = await open(name!, { tables: { countries: table<Country>({ key: 'code' }) } })
    const puller = await pull(db, { origin: url!, shapes: { countries: 'countries' }, retry: { base: 50, most: 2 ** 30 }, fetch })
    // Were each of these one more failure in a row, the next try would be in a week.
    for (let times = 0; times < 30; times++) {
      for (const before = network.asked; network.asked === before; await new Promise(resolve => setTimeout(resolve, 5))) dispatchEvent(new Event('online'))
    }
    network.cut = false
    await puller.complete()
    await puller.close()
    await db.close()
  }, ['moment', url])
  await tab.close()
})

test('a tab that rests gives way to one that does not', async () => {
  const [one, two] = [await browser.page('/offline/page.html'), await browser.page('/offline/page.html')]
  await one.evaluate(async ([name, url]) => {
    const { open, table, view, model } = stowage
    const db = await open(name!, { tables: { countries: table<Country>({ key: 'code' }) } })
    const atlas = await view(db, { origin: url!, models: { countries: model<Country>({ table: 'countries', key: 'code', pulled: true }) }, mode: 'offline', live: true }).open()
    Object.assign(globalThis, { db, puller: atlas, atlas })
  }, ['rests', url])
  await phase(one, 'paused')
  await two.evaluate(async ([name, url]) => {
    const { open, table, pull } = stowage
    const db = await open(name!, { tables: { countries: table<Country>({ key: 'code' }) } })
    const puller = await pull(db, { origin: url!, shapes: { countries: 'countries' } })
    Object.assign(globalThis, { db, puller })
  }, ['rests', url])
  await two.evaluate(() => puller.complete())
  await Promise.all([phase(one, 'elsewhere'), phase(two, 'live'), shows(one, 'Norway,Sweden')])

  await one.evaluate(() => { (atlas as { mode: string }).mode = 'cache-first' })
  await two.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
  })
  await Promise.all([phase(one, 'live'), phase(two, 'elsewhere')])
  origin.write('countries', [{ code: 'SE', name: 'Sverige' }])
  await Promise.all([shows(one, 'Norway,Sverige'), shows(two, 'Norway,Sverige')])
  await two.close()
  await phase(one, 'live')
  await one.close()
  origin.write('countries', [{ code: 'SE', name: 'Sweden' }])
})

test('with the network cut and the page loaded again, everything goes on', { timeout: 120_000 }, async () => {
  const tab = await browser.page('/offline/page.html')
  await tab.evaluate(async () => {
    await navigator.serviceWorker.register('/offline/worker.js')
    await navigator.serviceWorker.ready
    if (navigator.serviceWorker.controller === null) await new Promise(resolve => navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }))
  })
  const script = `(${view.toString()})(${JSON.stringify(['offline', url])}).then(atlas => Object.assign(globalThis, { atlas })).then(() => 0)`
  await tab.evaluate(script)
  const before = await tab.evaluate(async () => {
    const no = (await atlas.countries('NO'))!
    await no.cities
    await atlas.cities.change(2, { name: 'Bjørgvin' })
    return (await no.cities).map(({ name }) => name).join()
  })
  assert.equal(before, 'Oslo,Bjørgvin')

  await tab.context().setOffline(true)
  origin.count()
  await tab.reload()
  await tab.waitForFunction(() => 'stowage' in globalThis)
  await tab.evaluate(script)
  const offline = await tab.evaluate(async () => {
    const no = (await atlas.countries('NO'))!
    const [oslo, bergen] = await no.cities
    const code = (work: PromiseLike<unknown>) => Promise.resolve(work).then(() => 'none', error => (error as Stowage.StowageError).code)
    const found = {
      onLine: navigator.onLine,
      countries: (await Promise.all(['NO', 'SE'].map(code => atlas.countries(code)))).map(country => country?.name),
      cities: [oslo!.name, bergen!.name],
      same: (await oslo!.land) === no,
      about: atlas.about(oslo!).source,
      never: await code((await atlas.countries('SE'))!.cities),
      refresh: await code(atlas.refresh(oslo!)),
    }
    await atlas.cities.add({ id: 9, country: 'NO', name: 'Ny' })
    const added = (await no.cities).map(({ name }) => name)
    const taken = await atlas.discard()
    return { ...found, added, taken, then: (await no.cities).map(({ name }) => name) }
  })
  assert.deepEqual(offline, {
    onLine: false, countries: ['Norway', 'Sweden'], cities: ['Oslo', 'Bjørgvin'], same: true, about: 'cache', never: 'offline', refresh: 'origin_failed',
    added: ['Oslo', 'Bjørgvin', 'Ny'], taken: 2, then: ['Oslo', 'Bergen'],
  })
  assert.equal(origin.count(), 0, 'nothing reaches the origin')

  origin.write('cities', [{ id: 1, country: 'NO', name: 'Kristiania' }], [{ id: 2 }])
  await tab.context().setOffline(false)
  await tab.waitForFunction(() => navigator.onLine)
  const after = await tab.evaluate(async () => {
    await atlas.refreshAll()
    return (await (await atlas.countries('NO'))!.cities).map(({ name }) => name)
  })
  assert.deepEqual(after, ['Kristiania'])
  await tab.close()
})
