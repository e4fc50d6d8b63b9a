// The origins that are none of the tests': what `stowage origin` serves and exports, CouchDB's protocol as express-pouchdb speaks it,
// and plain lists in pages.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

// @ts-expect-error: it has no types
import expressPouch from 'express-pouchdb'
// @ts-expect-error: it has no types
import memoryAdapter from 'pouchdb-adapter-memory'
// @ts-expect-error: it has no types
import PouchDB from 'pouchdb-core'
import { type Database, memory, open, table } from 'stowage'
import { couch, model, parent, pull, type Puller, many, rest, type Source, staticExport, view } from 'stowage/sync'

import { Served, sum } from '../served.js'

const folder = mkdtempSync(join(tmpdir(), 'stowage-sources-'))
const command = join(folder, 'origin')

before(() => execFileSync('go', ['build', '-o', command, './js/test/testdata/origin'], { cwd: '..', stdio: 'inherit' }))
after(() => {
  rmSync(folder, { recursive: true, force: true })
  // express-pouchdb may leave the heartbeat of a feed whose client has gone, which would keep this process for ever.
  setTimeout(() => process.exit(), 5000).unref()
})

let databases = 0
const openOne = (key = 'id') => open(`sources ${++databases}`, { driver: memory(), tables: { cities: table({ key }) } }) as unknown as Promise<Database>

function pulled(db: Database, source: string | Source, options: { live?: boolean; fetch?: typeof fetch } = {}): Promise<Puller> {
  return pull(db, { origin: source, shapes: { cities: 'cities' }, live: false, retry: { base: 1, most: 20 }, ...options })
}

/** Asks until there is what an origin has told: how many rows, and their sum. */
async function reach(db: Database, puller: Puller, wanted: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    await puller.refresh().catch(() => {}) // it may be starting anew
    const rows = (await db.table('cities').find()) as never[]
    const found = `${rows.length} ${rows.reduce((all, row) => all ^ sum(row), 0) >>> 0}`
    if (found === wanted) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  assert.fail(`it never was ${wanted}`)
}

async function listen(handler: RequestListener): Promise<{ url: string; stop: () => Promise<void> }> {
  const server = createServer(handler)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    stop: () => new Promise(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}

test('a real origin is pulled, followed live, and viewed', async () => {
  const origin = await Served.start(command, join(folder, 'one'), 3000)
  const db = await openOne()
  try {
    const puller = await pulled(db, origin.url, { live: true })
    await puller.complete()
    for (let seed = 1; seed <= 10; seed++) await reach(db, puller, await origin.do(`change ${seed}`))
    await reach(db, puller, await origin.do('forget'))
    await puller.close()

    interface City { id: number; name: string; country: string; population: number | bigint | null; lat: number }
    const seen = await view(await openOne(), {
      origin: origin.url,
      models: { cities: model<City>({ table: 'cities', key: 'id' }) },
      relations: { cities: { same: many('cities', 'country'), self: parent('cities', 'id') } },
    }).open()
    const some = await seen.cities.where('id <= $1 and country = $2', [50, 'NO'])
    assert.ok(some.length > 0 && some.every(city => city.id <= 50 && typeof city.lat === 'number'))
    assert.equal(await some[0]!.self, some[0])
    assert.equal(await seen.cities(999_999), undefined)
    await seen.cities.include(some, { self: true })
    assert.equal(seen.sent, 2, 'what was listed was loaded')
    await seen.close()
  } finally {
    await db.close()
    await origin.stop()
  }
})

test('static files are pulled, and what a later export adds', async () => {
  const origin = await Served.start(command, join(folder, 'two'), 2500)
  const exported = join(folder, 'exported')
  await origin.do(`export ${exported}`)
  let down = 0
  const files = await listen((request, response) => {
    try {
      const body = readFileSync(join(exported, new URL(request.url!, 'http://x').pathname))
      response.setHeader('content-type', 'application/json')
      down-- > 0 ? response.writeHead(503).end() : response.end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  const db = await openOne()
  try {
    const puller = await pulled(db, staticExport(files.url))
    await puller.complete()
    assert.equal(puller.progress['cities']!.rows, 2500)
    for (let seed = 1; seed <= 5; seed++) await origin.do(`change ${seed}`)
    await reach(db, puller, await origin.do(`export ${exported}`))
    await origin.do('forget') // it will have another handle
    await origin.do('change 6')
    down = 2
    await reach(db, puller, await origin.do(`export ${exported}`))
    assert.equal(puller.progress['cities']!.complete, true)
    await puller.close()
  } finally {
    await db.close()
    await files.stop()
    await origin.stop()
  }
})

test('a database of CouchDB is followed', async () => {
  const Pouch = PouchDB.plugin(memoryAdapter).defaults({ adapter: 'memory' })
  const server = await listen(expressPouch(Pouch, { mode: 'minimumForPouchDB', inMemoryConfig: true, logPath: join(folder, 'log.txt') }))
  const cities = new Pouch('cities')
  const name = (i: number) => ({ _id: `city/${i}`, name: `City ${i} ø`, size: i / 8, tags: ['a', i] })
  await cities.bulkDocs(Array.from({ length: 2300 }, (_, i) => name(i)))
  await cities.put({ _id: '_design/any', views: {} })
  const db = await openOne('_id')
  const puller = await pulled(db, couch(server.url), { live: true })
  try {
    await puller.complete()
    assert.equal(await db.table('cities').count(), 2300)
    const found = new Promise<void>(resolve => {
      const stop = puller.subscribe(({ cities }) => cities!.rows === 2299 && (queueMicrotask(() => stop()), resolve()))
    })
    await cities.put({ ...(await cities.get('city/1')), name: 'other' })
    await cities.remove(await cities.get('city/2'))
    await found
    await puller.refresh()
    assert.equal(await db.table('cities').get('city/2'), undefined)
    const { _rev, ...changed } = (await db.table('cities').get('city/1'))!
    assert.deepEqual([changed, typeof _rev], [{ ...name(1), name: 'other' }, 'string'])
    assert.equal(await db.table('cities').count(), 2299)
  } finally {
    await puller.close()
    await db.close()
    await server.stop()
    await cities.close()
  }
})

test('lists in pages are read as a whole each time', async () => {
  let rows = Array.from({ length: 25 }, (_, i) => ({ id: i + 1, name: `Row ${i + 1}` }))
  const asked: string[] = []
  const source = rest({
    limit: 10,
    page: ({ table }, last, limit) => `http://rest/${table}?limit=${limit}${last === undefined ? '' : `&after=${last}`}`,
    rows: (answer: { items: never[] }) => answer.items,
  })
  const fetch: typeof globalThis.fetch = async input => {
    const url = new URL(String(input))
    asked.push(url.search)
    const last = Number(url.searchParams.get('after') ?? 0)
    return Response.json({ items: rows.filter(({ id }) => id > last).slice(0, Number(url.searchParams.get('limit'))) })
  }
  const db = await openOne()
  const puller = await pulled(db, source, { fetch })
  await puller.complete()
  assert.deepEqual(asked.splice(0), ['?limit=10', '?limit=10&after=10', '?limit=10&after=20'])
  rows = rows.filter(({ id }) => id % 2 === 0).map(row => ({ ...row, name: 'other' }))
  await puller.refresh()
  assert.deepEqual(asked.splice(0), ['?limit=10', '?limit=10&after=20'])
  assert.deepEqual(await db.table('cities').find(), rows)
  await puller.close()
  await db.close()
})
