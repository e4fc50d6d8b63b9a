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

test('the example keeps the notes of each user', async () => {
  assert.deepEqual(await ask(workerd, '/ann/7', { method: 'PUT', body: 'milk' }), { id: 7, text: 'milk' })
  await ask(workerd, '/ben/7', { method: 'PUT', body: 'wine' })
  assert.deepEqual(await ask(workerd, '/ann/7'), { id: 7, text: 'milk' })
  assert.deepEqual(await ask(workerd, '/ben'), [{ id: 7, text: 'wine' }])
  assert.equal(await ask(workerd, '/ann/8'), null)
})
