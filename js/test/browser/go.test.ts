import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import type { Page } from 'playwright-core'
import type * as Stowage from 'stowage'

import { Browser } from './browser.js'

declare const stowage: typeof Stowage

/** What wasm_exec.js, which comes with Go, adds to a page. */
declare const Go: new () => { argv: string[]; env: Record<string, string>; exit: (code: number) => void; importObject: WebAssembly.Imports; run(instance: WebAssembly.Instance): Promise<void> }

let browser: Browser
const programs = mkdtempSync(join(tmpdir(), 'stowage-go-'))

before(async () => {
  const go = (...args: string[]) => execFileSync('go', args, { cwd: '..', env: { ...process.env, GOOS: 'js', GOARCH: 'wasm' }, encoding: 'utf8' })
  go('test', '-c', '-o', join(programs, 'tests.wasm'), './store/indexeddb')
  go('test', '-c', '-o', join(programs, 'scenarios.wasm'), './store')
  go('build', '-o', join(programs, 'program.wasm'), './js/test/testdata/indexeddb')
  copyFileSync(join(go('env', 'GOROOT').trim(), 'lib/wasm/wasm_exec.js'), join(programs, 'wasm_exec.js'))
  browser = await Browser.start({ '/go/': programs })
})
after(async () => {
  await browser?.stop()
  rmSync(programs, { recursive: true, force: true })
})

/** Runs a Go program in a page until it exits. */
async function run(page: Page, program: string, ...args: string[]): Promise<{ code: number; output: string }> {
  if (!(await page.evaluate(() => 'Go' in globalThis))) await page.addScriptTag({ url: '/go/wasm_exec.js' })
  return page.evaluate(
    async ({ program, args }) => {
      let output = ''
      const log = console.log // wasm_exec.js prints there, line by line
      console.log = (...line: unknown[]) => {
        output += `${line.join(' ')}\n`
      }
      try {
        const go = new Go()
        go.argv = [program, ...args]
        let code = -1
        go.exit = exit => {
          code = exit
        }
        const { instance } = await WebAssembly.instantiateStreaming(fetch(`/go/${program}.wasm`), go.importObject)
        await go.run(instance)
        return { code, output }
      } finally {
        console.log = log
      }
    },
    { program, args },
  )
}

test('store/indexeddb passes what every backend passes', { timeout: 300_000 }, async () => {
  const page = await browser.page()
  const { code, output } = await run(page, 'tests', '-test.v')
  assert.equal(code, 0, output)
  assert.match(output, /--- PASS: TestConformance\/CarriesAnEnvironment/)
  assert.doesNotMatch(output, /--- (FAIL|SKIP)/)
  await page.close()
})

test('the scenarios of the engine pass over IndexedDB', { timeout: 300_000 }, async () => {
  const page = await browser.page()
  const { code, output } = await run(page, 'scenarios', '-test.v', '-test.short', '-test.run', '^TestScenario')
  assert.equal(code, 0, output)
  // Coders, which 37 is about, and what stands behind 41 are packages of their own.
  const all = Array.from({ length: 41 }, (_, i) => i + 1).filter(number => number !== 37)
  for (const place of ['memory', 'indexeddb']) {
    const passed = new Set([...output.matchAll(new RegExp(`--- PASS: TestScenario(\\d+)_\\w+/${place}`, 'g'))].map(([, number]) => Number(number)))
    assert.deepEqual([...passed].sort((a, b) => a - b), all, place)
  }
  assert.doesNotMatch(output, /--- (FAIL|SKIP)/)
  await page.close()
})

test('Go and JavaScript open what the other wrote, one at a time', async () => {
  const page = await browser.page()
  const open = async () =>
    stowage.open('shared', { tables: { places: stowage.table<{ id: number; country: string }>({ key: 'id', indexes: ['country'] }) } })
  const script = `(${open.toString()})()`
  assert.deepEqual(await run(page, 'program', 'write', 'shared'), { code: 0, output: '' })
  const found = await page.evaluate(async script => {
    const db = (globalThis as { db?: Awaited<ReturnType<typeof open>> }).db = await (0, eval)(script) as Awaited<ReturnType<typeof open>>
    await db.places.insert({ id: 5000, country: 'IS' })
    return [await db.places.count(), await db.places.count({ country: 'SE' }), (await db.check()).problems.length]
  }, script)
  assert.deepEqual(found, [2001, 500, 0])
  const refused = await run(page, 'program', 'read', 'shared')
  assert.equal(refused.code, 1)
  assert.match(refused.output, /^locked /)
  await page.evaluate(() => (globalThis as unknown as { db: { close(): Promise<void> } }).db.close())
  assert.deepEqual(await run(page, 'program', 'read', 'shared'), { code: 0, output: '2001 0\n' })
  assert.deepEqual(page.failures, [])
  await page.close()
})

test('a full disk is quota in Go too, and what was stored stays readable', async () => {
  // Chromium goes on for half a minute with what it last found free: the origin has to be a new one.
  const full = await Browser.start({ '/go/': programs })
  try {
    const page = await full.page()
    const session = await page.context().newCDPSession(page)
    await session.send('Storage.overrideQuotaForOrigin', { origin: full.origin, quotaSize: 6 << 20 })
    assert.deepEqual(await run(page, 'program', 'fill', 'full'), { code: 0, output: 'quota\n' })
  } finally {
    await full.stop()
  }
})
