import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'

import type { Miniflare } from 'miniflare'

import { ask, bundle, program, start } from './workerd.js'

const example = program('examples/worker')

let workerd: Miniflare
before(async () => {
  const config = readFileSync(`${example}/wrangler.jsonc`, 'utf8').replace(/\/\/.*/g, '')
  const { main, compatibility_date: compatibilityDate, durable_objects: objects } = JSON.parse(config) as {
    main: string
    compatibility_date: string
    durable_objects: { bindings: { name: string; class_name: string }[] }
  }
  const durableObjects = Object.fromEntries(objects.bindings.map(({ name, class_name: className }) => [name, { className, useSQLite: true }]))
  workerd = start(await bundle(`${example}/${main}`), { compatibilityDate, durableObjects })
})
after(() => workerd?.dispose())

test('the example compiles', () => {
  execFileSync('npx', ['tsc', '-p', example], { stdio: 'inherit' })
})

const note = (about: string, text: string) => JSON.stringify({ about, text })

test('the example keeps the notes of each user', async () => {
  assert.deepEqual(await ask(workerd, '/ann/7', { method: 'PUT', body: note('shopping', 'milk') }), { id: 7, about: 'shopping', text: 'milk' })
  await ask(workerd, '/ann/8', { method: 'PUT', body: note('work', 'report') })
  await ask(workerd, '/ben/7', { method: 'PUT', body: note('shopping', 'wine') })
  assert.deepEqual(await ask(workerd, '/ann/7'), { id: 7, about: 'shopping', text: 'milk' })
  assert.deepEqual(await ask(workerd, '/ben'), [{ id: 7, about: 'shopping', text: 'wine' }])
  assert.deepEqual(await ask(workerd, '/ann?about=work'), [{ id: 8, about: 'work', text: 'report' }])
  assert.equal(await ask(workerd, '/ann/8', { method: 'DELETE' }), null)
  assert.deepEqual((await ask<{ id: number }[]>(workerd, '/ann')).map(({ id }) => id), [7])
})

test('the example says what it cannot do', async () => {
  const asked: [path: string, status: number, init?: { method: string; body?: string }][] = [
    ['/ann/9', 404],
    ['/ann/9', 404, { method: 'DELETE' }],
    ['/ann/seven', 404],
    ['/', 404],
    ['/ann', 405, { method: 'PUT', body: note('shopping', 'milk') }],
    ['/ann/7', 405, { method: 'POST', body: '' }],
    ['/ann/7', 413, { method: 'PUT', body: note('x'.repeat(100_000), 'milk') }],
    ['/ann/7', 413, { method: 'PUT', body: note('shopping', 'x'.repeat(20_000_000)) }],
    ...['', 'milk', 'null', '[]', '{"about":1,"text":""}'].map(body => ['/ann/7', 400, { method: 'PUT', body }] as [string, number, { method: string; body: string }]),
  ]
  for (const [path, status, init] of asked) {
    const response = await workerd.dispatchFetch(`http://worker${path}`, init)
    assert.equal(response.status, status, `${path} ${JSON.stringify(init)}`)
    assert.equal(typeof ((await response.json()) as { error: string }).error, 'string')
  }
})
