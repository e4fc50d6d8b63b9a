import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'

import type * as Stowage from 'stowage'

import { Browser } from './browser.js'

declare const stowage: typeof Stowage

/** A driver of somebody else's, as a worker finds it: by the URL of its module. */
const custom = `import { memory } from '/dist/index.js'
export function driver({ prefix }) {
  const inner = memory()
  return { id: 'custom', open: name => inner.open(prefix + name) }
}`

let browser: Browser
before(async () => {
  mkdirSync('build/extra', { recursive: true })
  writeFileSync('build/extra/custom.js', custom)
  browser = await Browser.start({ '/extra/': 'build/extra' })
})
after(() => browser.stop())

test('a driver of one’s own runs in the worker', async () => {
  const page = await browser.page()
  const seen = await page.evaluate(async () => {
    const driver: Stowage.DriverFactory = {
      id: 'custom',
      open: () => Promise.reject(new Error('not in the page')),
      worker: { module: new URL('/extra/custom.js', location.href).href, options: { prefix: 'x-' } },
    }
    const db = await stowage.open('custom', { driver, worker: true, tables: { t: stowage.table({ key: 'id' }) } })
    await db.t.insert({ id: 1, text: 'there' })
    const found = (await db.t.get(1))?.text
    await db.close()
    const without = await stowage.open('without', { driver: { id: 'x', open: driver.open }, worker: true }).catch(error => error.code)
    return [found, without]
  })
  assert.deepEqual(seen, ['there', 'unsupported'])
  await page.close()
})

test('an engine that dies in its worker is lost, and the next call starts another', async () => {
  const page = await browser.page()
  const seen = await page.evaluate(async () => {
    const db = await stowage.open('dies', { worker: true, tables: { t: stowage.table({ key: 'id' }) } })
    await db.t.insert({ id: 1, text: 'kept' })
    const { session } = db as unknown as { session: { ready(): Promise<any> } }
    const engine = await session.ready()
    const code = (work: Promise<unknown>) => work.then(() => 'done', error => error.code as string)
    const dying = code(engine.run(engine.request(127, 4, 0, 0).string('exit'), () => {}))
    const beside = code(db.t.count())
    const codes = [await dying, await beside]
    const result = [codes, (await db.t.get(1))?.text, await db.t.insert({ id: 2 }), await db.t.count()]
    await db.close()
    return result
  })
  assert.deepEqual(seen, [['engine_lost', 'engine_lost'], 'kept', 2, 2])
  await page.close()
})

test('errors of opening come out of the worker', async () => {
  const page = await browser.page()
  const code = await page.evaluate(() => stowage.open('x', { worker: true, wasm: '/nowhere.wasm' }).catch(error => error.code as string))
  assert.equal(code, 'unsupported')
  await page.close()
})
