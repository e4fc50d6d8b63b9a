import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'

import { build } from 'esbuild'

import { Browser } from './browser.js'

declare const tests: Map<string, () => Promise<void>>

let browser: Browser
before(async () => {
  await bundle()
  browser = await Browser.start({ '/pages/': 'build/pages' })
})
after(() => browser.stop())

/** The tests that Node runs, for a page: over the same package, with other ways to assert and to collect. */
async function bundle(): Promise<void> {
  const replaced = new Map([
    ['stowage', { path: '/dist/index.js', external: true }],
    ['stowage/coders', { path: '/dist/coders.js', external: true }],
    ['stowage/policies', { path: '/dist/policies.js', external: true }],
    ['node:test', { path: resolve('test/browser/collect.ts') }],
    ['node:assert/strict', { path: resolve('test/browser/assert.ts') }],
    ['./drivers.js', { path: resolve('test/browser/drivers.ts') }],
  ])
  await build({
    entryPoints: ['test/store.test.ts', 'test/query.test.ts', 'test/policy.test.ts', 'test/tables.test.ts'],
    outdir: 'build/pages',
    bundle: true,
    format: 'esm',
    logLevel: 'error',
    plugins: [{ name: 'for-a-page', setup: b => void b.onResolve({ filter: /^(stowage|stowage\/coders|stowage\/policies|node:.*|\.\/drivers\.js)$/ }, ({ path }) => replaced.get(path)) }],
  })
}

/** Runs the tests of a file in a page, and returns it. */
async function run(t: TestContext, file: string, where: string, scenarios: number) {
  const page = await browser.page(`/plain.html?${where}`)
  await page.evaluate(path => import(path), `/pages/${file}.test.js`)
  const names = await page.evaluate(() => [...tests.keys()])
  assert.equal(names.filter(name => name.startsWith('scenario ')).length, scenarios, 'all scenarios')
  for (const name of names) {
    await t.test(name, () => page.evaluate(name => tests.get(name)!(), name))
  }
  return page
}

for (const where of ['page', 'worker']) {
  test(`the tests of queries, over IndexedDB, the engine in the ${where}`, async t => {
    const page = await run(t, 'query', where, 9)
    assert.deepEqual(page.failures, [])
    await page.close()
  })

  test(`the tests of tables, over IndexedDB, the engine in the ${where}`, async t => {
    const page = await run(t, 'tables', where, 20)
    assert.deepEqual(page.failures, [])
    await page.close()
  })

  test(`the tests of policies, over IndexedDB, the engine in the ${where}`, async t => {
    const page = await run(t, 'policy', where, where === 'page' ? 7 : 6)
    assert.deepEqual(page.failures, [])
    await page.close()
  })

  test(`the tests of stores, over IndexedDB, the engine in the ${where}`, async t => {
    const page = await run(t, 'store', where, 5)
    const loaded = await page.evaluate(() => performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/zlib.js')))
    assert.equal(loaded, where === 'page', 'values are compressed where the engine runs')
    assert.deepEqual(page.failures, [])
    await page.close()
  })
}
