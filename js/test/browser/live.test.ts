import assert from 'node:assert/strict'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'

import type * as Stowage from 'stowage'
import { build } from 'vite'

import { Browser } from './browser.js'

declare const stowage: typeof Stowage

const project = resolve('build/react-page')

/** A list of what is found, for a country that can be changed. */
const reactPage = `
import { createElement, StrictMode, useState } from 'react'
import { createRoot, hydrateRoot } from 'react-dom/client'
import * as stowage from 'stowage'
import { useLive } from 'stowage/react'

const db = await stowage.open('react', { tables: { t: stowage.table({ key: 'id', indexes: ['country'] }) } })
await db.t.insertMany([{ id: 1, country: 'NO' }, { id: 2, country: 'SE' }])
let renders = 0
function List({ id = 'list' }) {
  const [country, setCountry] = useState('NO')
  const { documents, pending } = useLive(() => db.t.find({ country }).orderBy('id'), [country])
  renders++
  return createElement('button', { id, onClick: () => setCountry('SE') }, pending ? '…' : documents.map(d => d.id).join())
}
function Broken() {
  const { error } = useLive(() => db.t.find(stowage.where('id').test(() => { throw new Error('no') })), [])
  return createElement('p', { id: 'broken' }, error?.code)
}
const root = createRoot(document.querySelector('#root'))
root.render(createElement(StrictMode, null, createElement(List), createElement(Broken)))
hydrateRoot(document.querySelector('#rendered'), createElement(List, { id: 'hydrated' }))
Object.assign(globalThis, { stowage, db, root, renders: () => renders })
`

let browser: Browser
before(async () => {
  await buildWithReact()
  browser = await Browser.start({ '/react/': join(project, 'out') })
})
after(() => browser.stop())

/** What the functions below leave in a page. */
declare const db: Stowage.Database & { t: Stowage.Table<{ id: number; country: string }> }
declare const told: number[][]

for (const worker of [false, true]) {
  test(`a live query tells what another tab has committed${worker ? ', the engines in workers' : ''}`, async () => {
    const tabs = await Promise.all([browser.page(), browser.page()])
    for (const tab of tabs) {
      await tab.evaluate(
        async ([name, worker]) => {
          const tables = { t: stowage.table({ key: 'id', indexes: ['country'] }) }
          Object.assign(globalThis, { db: await stowage.open(name, { worker, tables }), told: [] })
        },
        [`live ${worker}`, worker] as const,
      )
    }
    const [one, other] = tabs as [(typeof tabs)[0], (typeof tabs)[0]]
    await one.evaluate(() => {
      const find = db.t.find({ country: 'NO' }).orderBy('id') as Stowage.Find<{ id: number; country: string }>
      find.subscribe(documents => told.push(documents.map(({ id }) => id)))
    })
    await one.waitForFunction(() => told.length === 1)
    await other.evaluate(() => db.t.insertMany([{ id: 1, country: 'NO' }, { id: 2, country: 'SE' }]))
    await one.waitForFunction(() => told.length === 2)
    await other.evaluate(() => db.t.insert({ id: 3, country: 'SE' }))
    await other.evaluate(() => db.t.insert({ id: 4, country: 'NO' }))
    await one.waitForFunction(() => told.length === 3)
    assert.deepEqual(await one.evaluate(() => told), [[], [1], [1, 4]])
    for (const tab of tabs) {
      await tab.evaluate(() => db.close())
      assert.deepEqual(tab.failures, [])
      await tab.close()
    }
  })
}

test('a live query is asked again while IndexedDB writes, not before it has the batch', async () => {
  const tab = await browser.page()
  const events = await tab.evaluate(async () => {
    const db = await stowage.open('live order', { tables: { t: stowage.table<{ id: number; country: string }>({ key: 'id' }) } })
    await db.t.insert({ id: 1, country: 'NO' })
    const events: string[] = []
    const { transaction } = IDBDatabase.prototype
    IDBDatabase.prototype.transaction = function (...args) {
      if (args[1] === 'readwrite') events.push('written')
      return transaction.apply(this, args)
    }
    const asked = (country: string) => events.push('asked') > 0 && country === 'SE'
    const told = new Promise<void>(resolve => {
      db.t.find(stowage.where<{ id: number; country: string }>('country').test(asked)).subscribe(documents => {
        if (documents.length === 1) resolve()
        else {
          events.length = 0
          void db.t.put({ id: 1, country: 'SE' })
        }
      })
    })
    await told
    IDBDatabase.prototype.transaction = transaction
    await db.close()
    return events
  })
  assert.deepEqual(events, ['written', 'asked'])
  assert.deepEqual(tab.failures, [])
  await tab.close()
})

/** A project as users of React have it, with the package installed. */
async function buildWithReact(): Promise<void> {
  rmSync(project, { recursive: true, force: true })
  mkdirSync(join(project, 'node_modules'), { recursive: true })
  symlinkSync(resolve('.'), join(project, 'node_modules/stowage'))
  for (const name of ['react', 'react-dom']) symlinkSync(resolve('node_modules', name), join(project, 'node_modules', name))
  writeFileSync(join(project, 'index.html'), '<!doctype html><title>react</title><div id="root"></div><div id="rendered"><button id="hydrated">…</button></div><script type="module" src="/main.js"></script>')
  writeFileSync(join(project, 'main.js'), reactPage)
  await build({ root: project, base: '/react/', logLevel: 'error', build: { outDir: 'out' } })
}

test('a component shows a live query as long as it is mounted', async () => {
  const page = await browser.page('/react/index.html')
  const shows = (text: string, id = 'list') =>
    page.waitForFunction(([text, id]) => document.querySelector(`#${id}`)?.textContent === text, [text, id] as const)
  await shows('1')
  await shows('1', 'hydrated') // what a server has rendered
  await shows('invalid_query', 'broken')
  await page.evaluate(() => db.t.insert({ id: 3, country: 'NO' }))
  await shows('1,3')
  await page.click('#list')
  await shows('2')
  await page.evaluate(() => db.t.insert({ id: 4, country: 'SE' }))
  await shows('2,4')
  const rendered = await page.evaluate(async () => {
    const { root, renders } = globalThis as unknown as { root: { unmount(): void }; renders(): number }
    root.unmount()
    const before = renders()
    await db.t.insert({ id: 5, country: 'SE' })
    await new Promise(resolve => setTimeout(resolve, 60))
    return renders() - before
  })
  assert.equal(rendered, 0)

  // The environment may be closed below a component: that goes on to show what it has.
  const left = await page.evaluate(async () => {
    const shown = document.querySelector('#hydrated')!
    const before = shown.textContent
    await db.close()
    await new Promise(resolve => setTimeout(resolve, 60))
    return [before !== '', shown.textContent === before]
  })
  assert.deepEqual(left, [true, true])
  assert.deepEqual(page.failures, [])
  await page.close()
})
