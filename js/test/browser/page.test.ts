import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { after, before, test } from 'node:test'

import type * as Stowage from 'stowage'
import type * as Coders from 'stowage/coders'

import { Browser } from './browser.js'
import { buildWithVite } from './vite.js'

declare const stowage: typeof Stowage & typeof Coders

let browser: Browser
before(async () => {
  browser = await Browser.start({ '/built/': await buildWithVite(resolve('build/vite-page')) })
})
after(() => browser.stop())

for (const [kind, path] of [['plain', '/plain.html'], ['built', '/built/index.html']]) {
  for (const worker of [false, true]) {
    test(`the ${kind} page stores and finds${worker ? ' through a worker' : ''}, and leaves nothing in the global object`, async () => {
      const page = await browser.page(path)
      const seen = await page.evaluate(
        async ([kind, worker]) => {
          const before = Object.getOwnPropertyNames(globalThis)
          const db = await stowage.open(`${kind} ${worker}`, { worker: worker as boolean, tables: { t: stowage.table({ key: 'id' }) } })
          await db.t.insert({ id: 1, text: 'here' })
          const text = (await db.t.get(1))?.text
          const packed = db.store('packed', { key: stowage.coder.string, value: stowage.coder.string.compressed(9) })
          await packed.put('text', 'packed')
          const unpacked = await packed.get('text')
          await db.close()
          return [text, unpacked, Object.getOwnPropertyNames(globalThis).filter(name => !before.includes(name))]
        },
        [kind, worker] as const,
      )
      assert.deepEqual(seen, ['here', 'packed', []])
      assert.deepEqual(page.failures, [])
      await page.close()
    })
  }
}

for (const [kind, path] of [['plain', '/plain.html'], ['built', '/built/index.html']]) {
  for (const worker of [false, true]) {
    test(`the ${kind} page runs SQL${worker ? ' through a worker' : ''}, with the module that has it`, async () => {
      const page = await browser.page(path)
      const seen = await page.evaluate(
        async ([kind, worker]) => {
          const db = await stowage.open(`sql ${kind} ${worker}`, { worker: worker as boolean, sql: true, tables: { t: stowage.table({ key: 'id' }) } })
          const told = new Promise(resolve => db.sql`SELECT count(*) AS n FROM t`.subscribe(([row]) => row?.['n'] === 2 && resolve(row)))
          await db.t.insert({ id: 1, text: 'here' })
          await db.sql`INSERT INTO t (id, text) VALUES (${2}, ${'there'})`
          const rows = await db.sql`SELECT a.text AS text FROM t a JOIN t b ON b.id = a.id + 1`
          const live = await told
          await db.close()
          return [rows, live]
        },
        [kind, worker] as const,
      )
      assert.deepEqual(seen, [[{ text: 'here' }], { n: 2 }])
      assert.deepEqual(page.failures, [])
      await page.close()
    })
  }
}

test('the engine works within a policy that forbids eval', async () => {
  const page = await browser.page()
  await page.route('**/plain.html?csp', async route => {
    const response = await route.fetch()
    await route.fulfill({ response, headers: { ...response.headers(), 'content-security-policy': "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'" } })
  })
  await page.goto(`${browser.origin}/plain.html?csp`)
  await page.waitForFunction(() => 'stowage' in globalThis)
  const text = await page.evaluate(async () => {
    const db = await stowage.open('csp', { tables: { t: stowage.table({ key: 'id' }) } })
    await db.t.insert({ id: 1, text: 'here' })
    return (await db.t.get(1))?.text
  })
  assert.equal(text, 'here')
  await page.close()
})
