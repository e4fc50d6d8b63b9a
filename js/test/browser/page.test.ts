import assert from 'node:assert/strict'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'

import type * as Stowage from 'stowage'
import type * as Coders from 'stowage/coders'
import { build } from 'vite'

import { Browser } from './browser.js'

declare const stowage: typeof Stowage & typeof Coders

const project = resolve('build/vite-page')

let browser: Browser
before(async () => {
  await buildWithVite()
  browser = await Browser.start({ '/built/': join(project, 'out') })
})
after(() => browser.stop())

/** A project as Vite's users have it, with the package installed. */
async function buildWithVite(): Promise<void> {
  rmSync(project, { recursive: true, force: true })
  mkdirSync(join(project, 'node_modules'), { recursive: true })
  symlinkSync(resolve('.'), join(project, 'node_modules/stowage'))
  writeFileSync(join(project, 'index.html'), '<!doctype html><title>built</title><script type="module" src="/main.ts"></script>')
  writeFileSync(join(project, 'main.ts'), "import * as stowage from 'stowage'\nimport { coder } from 'stowage/coders'\nObject.assign(globalThis, { stowage: { ...stowage, coder } })\n")
  await build({ root: project, base: '/built/', logLevel: 'error', build: { outDir: 'out' } })
}

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
