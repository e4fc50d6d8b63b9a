import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import type { Miniflare } from 'miniflare'

import { ask, bundle, start } from './workerd.js'

let workerd: Miniflare
before(async () => {
  workerd = start(await bundle('test/edge/worker/compacting.ts'), {
    kvNamespaces: ['STORE'],
    queueProducers: { QUEUE: 'compacting' },
    queueConsumers: { compacting: { maxBatchTimeout: 0 } },
    durableObjects: { WAKING: { className: 'Waking', useSQLite: true } },
  })
})
after(() => workerd?.dispose())

const wake: Record<string, () => Promise<unknown>> = {
  cron: async () => (await workerd.getWorker()).scheduled({ cron: '*/5 * * * *' }),
  queue: () => ask(workerd, '/queue/queue'),
  alarm: () => ask(workerd, '/alarm/alarm'),
}

for (const [name, woken] of Object.entries(wake)) {
  test(`${name}: compacts what was committed`, async () => {
    await ask(workerd, `/${name}/fill`)
    const store = await workerd.getKVNamespace('STORE')
    const snapshots = async () => (await store.list({ prefix: `${name}/c/` })).keys.length
    assert.equal(await snapshots(), 0)
    await woken()
    while ((await snapshots()) === 0) await pause(50)
    assert.equal(await ask(workerd, `/${name}/count`), 5)
  })
}
