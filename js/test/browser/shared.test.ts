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
    ['stowage/repositories', { path: '/dist/repositories.js', external: true }],
    ['stowage/structures', { path: '/dist/structures.js', external: true }],
    ['node:test', { path: resolve('test/browser/collect.ts') }],
    ['node:assert/strict', { path: resolve('test/browser/assert.ts') }],
    ['./drivers.js', { path: resolve('test/browser/drivers.ts') }],
  ])
  await build({
    entryPoints: ['test/store.test.ts', 'test/query.test.ts', 'test/policy.test.ts', 'test/tables.test.ts', 'test/repositories.test.ts', 'test/repositorylive.test.ts'],
    outdir: 'build/pages',
    bundle: true,
    format: 'esm',
    logLevel: 'error',
    plugins: [{ name: 'for-a-page', setup: b => void b.onResolve({ filter: /^(stowage(\/.*)?|node:.*|\.\/drivers\.js)$/ }, ({ path }) => replaced.get(path)) }],
  })
}

/** The numbers of the scenarios that were run. */
const scenarios = new Map<string, number[]>([['page', []], ['worker', []]])

/** Runs the tests of a file in a page, and returns it. */
async function run(t: TestContext, file: string, where: string) {
  const page = await browser.page(`/plain.html?${where}`)
  await page.evaluate(path => import(path), `/pages/${file}.test.js`)
  const names = await page.evaluate(() => [...tests.keys()])
  for (const name of names) {
    await t.test(name, () => page.evaluate(name => tests.get(name)!(), name))
    const [, scenario] = /^scenario (\d+): /.exec(name) ?? []
    if (scenario !== undefined) scenarios.get(where)!.push(Number(scenario))
  }
  return page
}

for (const where of ['page', 'worker']) {
  test(`the tests of queries, over IndexedDB, the engine in the ${where}`, async t => {
    const page = await run(t, 'query', where)
    assert.deepEqual(page.failures, [])
    await page.close()
  })

  test(`the tests of tables, over IndexedDB, the engine in the ${where}`, async t => {
    const page = await run(t, 'tables', where)
    assert.deepEqual(page.failures, [])
    await page.close()
  })

  test(`the tests of policies, over IndexedDB, the engine in the ${where}`, async t => {
    const page = await run(t, 'policy', where)
    assert.deepEqual(page.failures, [])
    await page.close()
  })

  test(`the tests of repositories, memory over IndexedDB, the engine in the ${where}`, async t => {
    const page = await run(t, 'repositories', where)
    assert.deepEqual(page.failures, [])
    await page.close()
  })

  test(`services over tiers that fail, hang and flap, as time passes, memory over IndexedDB, the engine in the ${where}`, async t => {
    const page = await run(t, 'repositorylive', where)
    assert.deepEqual(page.failures, [])
    await page.close()
  })

  test(`the tests of stores, over IndexedDB, the engine in the ${where}`, async t => {
    const page = await run(t, 'store', where)
    const loaded = await page.evaluate(() => performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/zlib.js')))
    assert.equal(loaded, where === 'page', 'values are compressed where the engine runs')
    assert.deepEqual(page.failures, [])
    await page.close()
  })
}

test('no scenario is left out', () => {
  const numbers = Array.from({ length: 51 }, (_, i) => i + 1)
  const inOrder = (where: string) => scenarios.get(where)!.sort((a, b) => a - b)
  assert.deepEqual(inOrder('page'), numbers)
  assert.deepEqual(inOrder('worker'), numbers.filter(number => number !== 32), 'no worker can be sent the functions of hooks')
})
