import assert from 'node:assert/strict'
import { execFileSync, execSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { after, before, test } from 'node:test'

import type { Miniflare } from 'miniflare'

import { failed, type Lapse, Notes, unsteady } from './unsteady.js'
import { abandon, ask, bundle, start, startAll, worker } from './workerd.js'

const example = resolve('../wasm/examples/go-worker')
const { main, build } = JSON.parse(readFileSync(join(example, 'wrangler.jsonc'), 'utf8').replace(/\/\/ .*/g, '')) as { main: string; build: { command: string } }

const programs = mkdtempSync(join(tmpdir(), 'stowage-go-workers-'))
after(() => rmSync(programs, { recursive: true, force: true }))

test('store/kv passes what every backend passes that merges', async () => {
  const go = (...args: string[]) => execFileSync('go', args, { cwd: '..', env: { ...process.env, GOOS: 'js', GOARCH: 'wasm' }, encoding: 'utf8' })
  go('test', '-c', '-o', join(programs, 'tests.wasm'), './store/kv')
  copyFileSync(join(go('env', 'GOROOT').trim(), 'lib/wasm/wasm_exec.js'), join(programs, 'wasm_exec.js'))
  copyFileSync('test/edge/worker/go.mjs', join(programs, 'worker.mjs'))
  const workerd = start(programs, { kvNamespaces: ['STORE'] })
  try {
    const { code, output } = await ask<{ code: number; output: string }>(workerd, '/')
    assert.equal(code, 0, output)
    assert.match(output, /--- PASS: TestConformance\/CarriesSeveralContexts/)
    assert.doesNotMatch(output, /--- (FAIL|SKIP)/)
  } finally {
    await workerd.dispose()
  }
})

interface Answer<R> {
  status: number
  body: R
  token: string
}

let inGo: string
let inJavaScript: string
before(async () => {
  execSync(build.command, { cwd: example, stdio: 'pipe' })
  inGo = dirname(join(example, main))
  inJavaScript = await bundle('test/edge/worker/notes.ts')
})

const bindings = { kvNamespaces: { NOTES: 'notes' } }

/** Both workers in one workerd, over one namespace. */
async function both(): Promise<{ workerd: Miniflare; go: Asks; js: Asks }> {
  const workerd = startAll([
    { name: 'go', ...worker(inGo), ...bindings },
    { name: 'js', ...worker(inJavaScript), ...bindings },
  ])
  const asking = async (name: string): Promise<Asks> => {
    const { fetch } = await workerd.getWorker(name)
    return async (path, { method = 'GET', body, token = '' } = {}) => {
      const response = await fetch(`http://worker${path}`, { method, headers: { token }, body: body === undefined ? null : JSON.stringify(body) })
      return { status: response.status, body: (await response.json()) as never, token: response.headers.get('token') ?? '' }
    }
  }
  return { workerd, go: await asking('go'), js: await asking('js') }
}

type Asks = <R>(path: string, init?: { method?: string; body?: unknown; token?: string }) => Promise<Answer<R>>

const put = (author: string, text: string) => ({ method: 'PUT', body: { author, text } })

test('the Go example and a JavaScript worker serve the same notes', async t => {
  const { workerd, go, js } = await both()
  try {
    await t.test('Go stores, reads, finds and deletes them', async () => {
      assert.deepEqual((await go('/notes')).body, [])
      assert.deepEqual((await go('/notes/1', put('ann', 'milk'))).body, { id: 1, author: 'ann', text: 'milk' })
      await go('/notes/2', put('ben', 'wine'))
      assert.deepEqual((await go('/notes/1')).body, { id: 1, author: 'ann', text: 'milk' })
      assert.deepEqual((await go('/notes?author=ben')).body, [{ id: 2, author: 'ben', text: 'wine' }])
      assert.equal((await go('/notes/2', { method: 'DELETE' })).status, 200)
      for (const method of ['GET', 'DELETE']) assert.equal((await go('/notes/2', { method })).status, 404)
      assert.equal((await go('/notes/two')).status, 400)
      for (const body of [null, {}, { author: 'ann' }, { author: 1, text: 'milk' }]) assert.equal((await go('/notes/5', { method: 'PUT', body })).status, 400)
      for (const note of [put('x'.repeat(100_000), 'milk'), put('ann', 'x'.repeat(20_000_000))]) assert.deepEqual(await go('/notes/5', note).then(({ status, body }) => [status, (body as { code: string }).code]), [413, 'too_large'])
      assert.equal((await go('/notes', { token: 'none' })).status, 400)
    })

    await t.test('each reads what the other wrote, by its token', async () => {
      const { token } = await go('/notes/3', put('cay', 'from Go, and so long that it is no metadata: '.repeat(40)))
      const text = 'from Go, and so long that it is no metadata: '.repeat(40)
      assert.deepEqual((await js('/notes?author=cay', { token })).body, [{ id: 3, author: 'cay', text }])
      const answer = await js('/notes/4', put('cay', 'from JavaScript'))
      assert.deepEqual((await go('/notes?author=cay', { token: answer.token })).body, [{ id: 3, author: 'cay', text }, { id: 4, author: 'cay', text: 'from JavaScript' }])
      const { token: later } = await go('/notes/4', put('dot', 'by the later'))
      assert.deepEqual((await js('/notes?author=dot', { token: later })).body, [{ id: 4, author: 'dot', text: 'by the later' }])
    })

    await t.test('what both write at once is kept', async () => {
      const tokens = await Promise.all(Array.from({ length: 20 }, async (_, i) => (await (i % 2 === 0 ? go : js)(`/notes/${100 + i}`, put('all', String(i)))).token))
      for (const ask of [go, js]) {
        const { body } = await ask<{ id: number }[]>('/notes?author=all', { token: tokens.join('') })
        assert.deepEqual(body.map(({ id }) => id), Array.from({ length: 20 }, (_, i) => 100 + i))
      }
    })

    await t.test('each opens the snapshot that the other published', async () => {
      const before = (await go<unknown[]>('/notes')).body
      assert.equal((await js('/compact')).body, true)
      assert.deepEqual((await go('/notes')).body, before)
      await go('/notes/5', put('eve', 'after the snapshot'))
      assert.equal((await (await workerd.getWorker('go')).scheduled({ cron: '*/5 * * * *' })).outcome, 'ok')
      const { token } = await go('/notes/6', put('eve', 'after Go compacted'))
      const { body } = await js<{ id: number }[]>('/notes?author=eve', { token })
      assert.deepEqual(body.map(({ id }) => id), [5, 6])
      assert.deepEqual((await js('/check')).body, [])
      const names = (await (await workerd.getKVNamespace('NOTES', 'js')).list({ prefix: 'notes/c/' })).keys
      assert.equal(names.length, 2)
    })
  } finally {
    await workerd.dispose()
  }
})

const range = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)

const unsteadily: Record<string, () => ReturnType<typeof worker>> = { Go: () => unsteady(inGo, 'worker.mjs'), JavaScript: () => unsteady(inJavaScript, 'worker.js') }

test('where KV lapses, what is acknowledged is kept once, and what is not is told', { concurrency: true }, async t => {
  const served = Object.entries(unsteadily).map(([language, program]) => t.test(language, async t => {
    let complaints = ''
    const workerd = startAll([
      { name: 'unsteady', ...program(), ...bindings },
      { name: 'steady', ...worker(inJavaScript), ...bindings },
    ], text => (complaints += text))
    const notes = new Notes(workerd)
    const namespace = () => workerd.getKVNamespace('NOTES', 'steady')
    const records = async () => (await (await namespace()).list({ prefix: 'notes/l/' })).keys.length
    let texts = 0
    const text = () => `text ${texts++} `.repeat(texts % 3 === 0 ? 100 : 1) // some are no metadata
    try {
      await notes.put(0, text())

      await t.test('a call that lapses is made again, and writes one key', async () => {
        const lapses: Lapse[] = ['lost', 'thrown', 'refused', 'hidden', 'silent', 'late']
        const asked = [['get', 'lost'], ['get', 'thrown'], ['list', 'refused'], ['list', 'hidden'], ...lapses.map(lapse => ['put', lapse] as const)] as const
        for (const [of, lapse] of asked) {
          const before = await records()
          await notes.lapse(of, 1, lapse, 8)
          assert.ok(await notes.put(1, text()), `${of} ${lapse}`)
          assert.equal(await records(), before + 1, `${of} ${lapse}`)
        }
        await notes.steady()
        await notes.check()
      })

      await t.test('a KV that lapses for good is told, and what is written once it does not is kept', async () => {
        const asked = [['all', 'lost'], ['put', 'refused'], ['put', 'hidden'], ['all', 'silent'], ['put', 'late']] as const
        for (const [of, lapse] of asked) {
          await notes.put(0, text())
          await notes.lapse(of, 1e6, lapse, 64)
          const answers = await Promise.all([notes.put(2, text()), notes.put(3, text()), notes.delete(0)])
          assert.deepEqual(answers, [false, false, false], `${of} ${lapse}`)
          if (of === 'all') failed(await notes.ask('/notes?author=ann'))
          await notes.steady()
          await notes.check()
          assert.ok(await notes.put(2, text()), `after ${of} ${lapse}`)
        }
        await notes.check()
      })

      await t.test('of requests at once all are kept', async () => {
        await notes.lapse('put', 4, 'hidden', 8)
        assert.ok((await Promise.all(range(24, 100).map(id => notes.put(id, text())))).every(Boolean))
        await notes.check()
      })

      await t.test('clients that go away in the middle harm nobody', async () => {
        await notes.lapse('all', 4, 'lost', 8)
        const left = range(12, 200).map(id => {
          const body = { author: 'ann', text: text() }
          notes.expect(id, body.text)
          return abandon(workerd, `/notes/${id}`, id - 198, { method: 'PUT', body: JSON.stringify(body) })
        })
        const kept = await Promise.all(range(12, 300).map(id => notes.put(id, text())))
        await Promise.all(left)
        assert.ok(kept.every(Boolean))
        await notes.steady()
        for (let id = 0; id < 12; id++) await abandon(workerd, '/notes?author=ann', id * 3) // while it is answered
        await notes.check()
        assert.doesNotMatch(complaints, /reading 'exports'/) // of a callback into a program that has ended
      })

      const { fetch } = await workerd.getWorker('steady')
      assert.deepEqual(await (await fetch('http://worker/check')).json(), [])
    } finally {
      await workerd.dispose()
    }
  }))
  await Promise.all(served)
})
