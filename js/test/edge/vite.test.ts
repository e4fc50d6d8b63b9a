import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ask, builtByVite, start } from './workerd.js'

test('a worker that Vite has built runs', async () => {
  const workerd = start(await builtByVite('test/edge/worker/kv.ts'), { kvNamespaces: ['STORE'] })
  try {
    for (let id = 0; id < 3; id++) await ask(workerd, `/RawKey/built/insert?id=${id}&found`)
    assert.equal(await ask(workerd, '/RawKey/built/count?context=2'), 3)
  } finally {
    await workerd.dispose()
  }
})
