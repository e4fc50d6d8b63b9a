import assert from 'node:assert/strict'
import { appendFileSync, cpSync, readdirSync, rmSync } from 'node:fs'
import { after, before, test } from 'node:test'

import type { Page } from 'playwright-core'
import type * as Stowage from 'stowage'
import type * as Salvage from 'stowage/salvage'

import { Browser } from './browser.js'

declare const stowage: typeof Stowage

let browser: Browser
before(async () => {
  browser = await Browser.start()
})
after(() => browser.stop())

interface Seen {
  told: [string, number][]
  health: Stowage.Health
  count: number
}

/** Opens an environment, tells what it found, and then inserts so many documents, strictly. */
function visit(page: Page, name: string, insert: number, options: { onDamage?: 'set-aside'; worker?: boolean } = {}): Promise<Seen> {
  return page.evaluate(
    async ([name, insert, options]) => {
      const told: [string, number][] = []
      const tables = { t: stowage.table<{ id: number }>({ key: '++id' }) }
      const db = await stowage.open(name, { ...options, tables, durability: 'strict', onState: (state, lost) => told.push([state, lost]) })
      const count = await db.t.count()
      for (let i = 0; i < insert; i++) await db.t.insert({} as { id: number })
      const health = await db.health()
      await db.close()
      return { told, health, count }
    },
    [name, insert, options] as const,
  )
}

/** Changes what is stored, without the engine knowing. */
function tamper(page: Page, name: string, how: 'delete' | 'damage'): Promise<void> {
  return page.evaluate(
    async ([name, how]) => {
      const settled = <T>(request: IDBRequest<T>) =>
        new Promise<T>((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }))
      if (how === 'delete') return void (await settled(indexedDB.deleteDatabase(`stowage:${name}`)))
      const db = await settled(indexedDB.open(`stowage:${name}`))
      const blobs = db.transaction('blobs', 'readwrite').objectStore('blobs')
      const root = (await settled(blobs.get('r'))) as Uint8Array
      root[root.length >> 1]! ^= 1
      await settled(blobs.put(root, 'r'))
      db.close()
    },
    [name, how] as const,
  )
}

/** Brings what is left of a damaged environment into another one. */
function rescue(page: Page, name: string, damaged: string): Promise<{ rootLost: boolean; count: number }> {
  return page.evaluate(
    async ([name, damaged, path]) => {
      const { salvage } = (await import(path)) as typeof Salvage
      const { left, rootLost } = await salvage(damaged)
      const db = await stowage.open(name, { tables: { t: stowage.table<{ id: number }>({ key: '++id' }) } })
      await db.import(left, { replace: true })
      const count = await db.t.count()
      await db.close()
      return { rootLost, count }
    },
    [name, damaged, '/dist/salvage.js'] as const,
  )
}

test('an environment that committed nothing is closed without a worker of the sentinel', async () => {
  const page = await browser.page()
  const keepers: string[] = []
  page.on('worker', worker => void (worker.url().endsWith('/keeper.js') && keepers.push(worker.url())))
  await visit(page, 'idle', 3, {})
  assert.equal(keepers.length, 1)
  const again = await visit(page, 'idle', 0, {})
  assert.deepEqual([again.told, again.count, keepers.length], [[['ok', 0]], 3, 1])
})

for (const worker of [false, true]) {
  const where = worker ? 'in a worker' : 'in the page'

  test(`${where}: fresh, then ok, also in another browser`, async () => {
    const name = `ok ${worker}`
    const page = await browser.page()
    const first = await visit(page, name, 3, { worker })
    assert.deepEqual(first.told, [['fresh', 0]])
    assert.equal(first.health.sentinel, 'file')
    assert.ok(first.health.quota! > first.health.usage!)
    assert.deepEqual((await visit(page, name, 0, { worker })).told, [['ok', 0]])
    await browser.restart()
    const again = await visit(await browser.page(), name, 0, { worker })
    assert.deepEqual(again.told, [['ok', 0]])
    assert.equal(again.count, 3)
  })

  test(`${where}: deleted under it: evicted, until something is committed`, async () => {
    const name = `evicted ${worker}`
    const page = await browser.page()
    await visit(page, name, 3, { worker })
    await tamper(page, name, 'delete')
    await browser.restart()
    const again = await browser.page()
    const seen = await visit(again, name, 1, { worker })
    assert.equal(seen.told[0]![0], 'evicted')
    assert.ok(seen.told[0]![1] >= 3, `${seen.told[0]![1]} commits are missing`)
    assert.equal(seen.health.state, 'evicted')
    assert.deepEqual((await visit(again, name, 0, { worker })).told, [['ok', 0]])
    await again.close()
  })
}

test('an older copy of the profile: rolled back, and by how much', async () => {
  const page = await browser.page()
  await visit(page, 'rolled', 3)
  const stored = await browser.stopped(profile => {
    const folder = `${profile}/Default/IndexedDB`
    cpSync(folder, `${profile}/older`, { recursive: true })
    return folder
  })
  await visit(await browser.page(), 'rolled', 5)
  await browser.stopped(profile => {
    rmSync(stored, { recursive: true })
    cpSync(`${profile}/older`, stored, { recursive: true })
  })
  const again = await browser.page()
  const seen = await visit(again, 'rolled', 0)
  assert.deepEqual([seen.told, seen.count], [[['rolled-back', 5]], 3])
  assert.deepEqual((await visit(again, 'rolled', 1)).told, [['rolled-back', 5]], 'nobody has gone on from there')
  assert.deepEqual((await visit(again, 'rolled', 0)).told, [['ok', 0]])
  await again.close()
})

test('all of IndexedDB taken from the profile: evicted', async () => {
  await visit(await browser.page(), 'wiped', 3)
  await browser.stopped(profile => rmSync(`${profile}/Default/IndexedDB`, { recursive: true }))
  const page = await browser.page()
  assert.equal((await visit(page, 'wiped', 0)).told[0]![0], 'evicted')
  await page.close()
})

test('damage: rejected, or set aside for another database that is found again', async () => {
  const page = await browser.page()
  await visit(page, 'damaged', 3)
  await tamper(page, 'damaged', 'damage')
  const code = await page.evaluate(() => stowage.open('damaged').then(() => 'opened', (error: Stowage.StowageError) => error.code))
  assert.equal(code, 'corrupt')
  const aside = await visit(page, 'damaged', 2, { onDamage: 'set-aside' })
  assert.deepEqual([aside.told, aside.count, aside.health.setAside], [[['corrupt', 0]], 0, ['damaged']])
  const names = await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))
  assert.ok(names.includes('stowage:damaged') && names.includes('stowage:damaged~2'))
  await browser.restart()
  const again = await browser.page()
  const found = await visit(again, 'damaged', 0)
  assert.deepEqual([found.told, found.count, found.health.setAside], [[['ok', 0]], 2, ['damaged']])
  assert.deepEqual(await rescue(again, 'rescued', found.health.setAside[0]!), { rootLost: true, count: 3 })
  await again.close()
})

test('tabs that write to the memory at once: the latest of it stays', async () => {
  const tabs = await Promise.all(Array.from({ length: 4 }, () => browser.page()))
  const [reader, ...writers] = tabs as [Page, ...Page[]]
  let writing = true
  const written = Promise.all(writers.map(tab => visit(tab, 'at once', 40))).finally(() => {
    writing = false
  })
  const states = new Set<string>()
  while (writing) states.add((await visit(reader, 'at once', 0)).told[0]![0])
  await written
  states.delete('fresh') // before the first commit
  assert.deepEqual([...states].filter(state => state !== 'ok'), [])
  assert.deepEqual((await visit(reader, 'at once', 0)).told, [['ok', 0]])
  await tamper(reader, 'at once', 'delete')
  const [[state, lost]] = (await visit(reader, 'at once', 0)).told as [[string, number]]
  assert.equal(state, 'evicted')
  assert.ok(lost >= 120, `${lost} of 120 commits and more are known to be missing`)
  await Promise.all(tabs.map(tab => tab.close()))
})

/** The log that LevelDB writes to. */
function logOf(profile: string): string {
  const folder = `${profile}/Default/IndexedDB`
  const leveldb = `${folder}/${readdirSync(folder).find(file => file.endsWith('.leveldb'))}`
  return `${leveldb}/${readdirSync(leveldb).filter(file => file.endsWith('.log')).sort().at(-1)}`
}

/** Inserts five documents, strictly, until it is remembered that they are there, and leaves the environment open. */
function stay(page: Page, name: string): Promise<void> {
  return page.evaluate(async name => {
    const db = await stowage.open(name, { tables: { t: stowage.table<{ id: number }>({ key: '++id' }) }, durability: 'strict' })
    for (let i = 0; i < 5; i++) await db.t.insert({} as { id: number })
    const trace = () => JSON.parse(localStorage.getItem(`stowage:${name}`) ?? '{"clean":true}') as { clean: boolean }
    while (trace().clean) await new Promise(resolve => setTimeout(resolve, 10))
  }, name)
}

/** Waits until another page of the site knows that an environment ended clean, ten seconds at most. */
function told(page: Page, name: string): Promise<void> {
  return page.evaluate(async name => {
    for (let i = 0; i < 1000; i++) {
      if ((JSON.parse(localStorage.getItem(`stowage:${name}`)!) as { clean: boolean }).clean) return
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }, name)
}

test('a log with a torn end is left before the first write; after a clean end it is kept', async () => {
  const own = await Browser.start()
  try {
    await visit(await own.page(), 'torn', 20)
    const log = await own.stopped(logOf)
    const left = await own.page()
    await visit(left, 'torn', 20)
    assert.equal(await own.stopped(logOf), log, 'it ended clean')

    const killed = await own.page()
    await killed.evaluate(() => addEventListener('pagehide', event => event.stopImmediatePropagation())) // of a kill no page hears
    await stay(killed, 'torn')
    await own.stopped(profile => appendFileSync(logOf(profile), Uint8Array.of(1, 2, 3))) // less than the header of a record
    const page = await own.page()
    const seen = await visit(page, 'torn', 20)
    assert.deepEqual([seen.told, seen.count], [[['ok', 0]], 45])
    assert.deepEqual(await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name)), ['stowage:torn'])
    assert.notEqual(await own.stopped(logOf), log)
    const again = await visit(await own.page(), 'torn', 0)
    assert.deepEqual([again.told, again.count], [[['ok', 0]], 65])
  } finally {
    await own.stop()
  }
})

test('a log that another environment of the site has torn is left too, once', async () => {
  const own = await Browser.start()
  try {
    await visit(await own.page(), 'next', 20)
    const killed = await own.page()
    await killed.evaluate(() => addEventListener('pagehide', event => event.stopImmediatePropagation()))
    await stay(killed, 'torn')
    const log = await own.stopped(logOf)
    await visit(await own.page(), 'next', 20)
    const another = await own.stopped(logOf)
    assert.notEqual(another, log)
    assert.equal((await visit(await own.page(), 'next', 20)).count, 40)
    assert.equal(await own.stopped(logOf), another)
  } finally {
    await own.stop()
  }
})

for (const [how, go] of [
  ['goes elsewhere', (page: Page) => page.goto('about:blank')],
  ['is closed', (page: Page) => page.close()],
] as const) {
  test(`a page that ${how} without close() ends clean`, async () => {
    const own = await Browser.start()
    try {
      const page = await own.page()
      await stay(page, 'left')
      const beside = await own.page()
      await go(page)
      await told(beside, 'left') // what a page says as it goes is under way for a moment, which a browser that ends does not wait for
      const log = await own.stopped(logOf)
      const seen = await visit(await own.page(), 'left', 20)
      assert.deepEqual([seen.told, seen.count], [[['ok', 0]], 5])
      assert.equal(await own.stopped(logOf), log)
    } finally {
      await own.stop()
    }
  })
}

test('a page that comes back is unclean with its next commit', async () => {
  const page = await browser.page()
  await stay(page, 'back')
  const clean = await page.evaluate(async () => {
    const clean = () => (JSON.parse(localStorage.getItem('stowage:back')!) as { clean: boolean }).clean
    dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))
    const gone = clean()
    dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))
    const db = await stowage.open('back', { tables: { t: stowage.table<{ id: number }>({ key: '++id' }) } })
    await db.t.insert({} as { id: number })
    while (clean()) await new Promise(resolve => setTimeout(resolve, 10))
    return [gone, clean(), await db.t.count()]
  })
  assert.deepEqual(clean, [true, false, 6])
  await page.close()
})

test('where nobody listens the console is told', async () => {
  const page = await browser.page()
  await visit(page, 'unheard', 1)
  await tamper(page, 'unheard', 'delete')
  const warned = page.waitForEvent('console', message => message.type() === 'warning')
  await page.evaluate(async () => (await stowage.open('unheard')).close())
  assert.match((await warned).text(), /"unheard" was opened evicted/)
  await page.close()
})

test('without room: quota, at the first opening too; what is there can be read, and with a little room deleted', async () => {
  let page = await browser.page()
  const insert = (name: string, bytes: number) =>
    page.evaluate(
      async ([name, bytes]) => {
        const db = await stowage.open(name, { tables: { t: stowage.table<{ id: number; text: string }>({ key: '++id' }) } })
        const text = Array.from({ length: bytes / 12 }, () => Math.random().toString(36).padEnd(14, '0').slice(2, 14)).join('')
        const outcome = await db.t.insert({ text } as never).then(() => 'done', (error: Stowage.StowageError) => error.code)
        const seen = { outcome, count: await db.t.count(), first: (await db.t.get(1))?.text.length }
        await db.close()
        return seen
      },
      [name, bytes] as const,
    )
  await insert('full', 1200)
  await browser.restart() // for a while it would go on with the room that it had
  page = await browser.page()
  const usage = await page.evaluate(async () => (await navigator.storage.estimate()).usage!)
  const chromium = await page.context().newCDPSession(page)
  const room = (quotaSize?: number) => chromium.send('Storage.overrideQuotaForOrigin', { origin: browser.origin, ...(quotaSize !== undefined && { quotaSize }) })

  await room(1)
  const code = await page.evaluate(() => stowage.open('no room', { tables: { t: stowage.table({ key: 'id' }) } }).then(() => 'opened', (error: Stowage.StowageError) => error.code))
  assert.equal(code, 'quota')
  assert.deepEqual(await insert('full', 1200), { outcome: 'quota', count: 1, first: 1200 })

  await room(usage + 400_000)
  assert.deepEqual(await insert('full', 1_200_000), { outcome: 'quota', count: 1, first: 1200 })
  const deleted = await page.evaluate(async () => {
    const db = await stowage.open('full', { tables: { t: stowage.table<{ id: number }>({ key: '++id' }) } })
    const outcome = await db.t.delete(1).catch((error: Stowage.StowageError) => error.code)
    const seen = { outcome, count: await db.t.count(), problems: (await db.check()).problems }
    await db.close()
    return seen
  })
  assert.deepEqual(deleted, { outcome: 1, count: 0, problems: [] })

  await room()
  assert.equal((await insert('full', 1_200_000)).outcome, 'done')
  assert.equal((await insert('no room', 1200)).outcome, 'done')
  await page.close()
})
