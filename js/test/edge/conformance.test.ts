import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { Miniflare } from 'miniflare'

import { ask, bundle, start } from './workerd.js'

let workerd: Miniflare
before(async () => {
  const folder = await bundle('test/edge/worker/conformance.ts', {
    stowage: 'stowage/edge',
    'node:test': 'test/browser/collect.ts',
    'node:assert/strict': 'test/browser/assert.ts',
    './drivers.js': 'test/edge/worker/drivers.ts',
  })
  workerd = start(folder, { kvNamespaces: ['STORE'], durableObjects: { TESTS: { className: 'Tests', useSQLite: true } } })
})
after(() => workerd?.dispose())

test('in workerd, what every driver does and what runs over them', async t => {
  const names = await ask<string[]>(workerd, '/')
  assert.equal(names.filter(name => name.startsWith('durable: ')).length, 5)
  assert.equal(names.filter(name => name.startsWith('kv: ')).length, 4)
  assert.equal(names.filter(name => name.startsWith('scenario ')).length, 44)
  for (const name of names) await t.test(name, () => ask(workerd, `/?name=${encodeURIComponent(name)}`))
  const { keys } = await (await workerd.getKVNamespace('STORE')).list({ prefix: 'records ' })
  assert.ok(keys.length > 0, 'the fast tier of a repository was in KV')
})
