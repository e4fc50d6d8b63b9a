import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { Miniflare } from 'miniflare'
import type { Page } from 'playwright-core'
import type * as Stowage from 'stowage'

import { Browser } from '../browser/browser.js'
import { ask, bundle, start } from './workerd.js'

declare const stowage: typeof Stowage

let workerd: Miniflare
let browser: Browser
before(async () => {
  workerd = start(await bundle('test/edge/worker/kv.ts'), { kvNamespaces: ['STORE'] })
  browser = await Browser.start()
})
after(async () => {
  await browser?.stop()
  await workerd?.dispose()
})

interface Place {
  id: number
  country: string
}

/** Does something with an environment in a page, encrypted by the key of the worker if so; bytes go in and out as base64. */
const inPage = (page: Page, what: 'fill' | 'export' | 'read', name: string, sealed: boolean, bytes = '') =>
  page.evaluate(
    async ({ what, name, sealed, bytes }) => {
      const modifiers = sealed ? [stowage.encrypt({ key: new Uint8Array(32).fill(7) })] : []
      const db = await stowage.open(name, { modifiers, tables: { places: stowage.table<Place>({ key: 'id', indexes: ['country'] }) } })
      try {
        if (what === 'read') {
          await db.import(new Blob([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))]), { modifiers })
          const found = [await db.places.count(), await db.places.count({ country: 'SE' }), (await db.check()).problems.length, (await db.store('records').get(new Uint8Array([1])))?.length]
          return JSON.stringify(found)
        }
        await db.places.insertMany(Array.from({ length: 3000 }, (_, id) => ({ id, country: ['NO', 'SE', 'DK', 'FI'][id % 4]!, text: `place ${id} `.repeat(20) })))
        const exported = new Uint8Array(await new Response(db.export()).arrayBuffer())
        return btoa(Array.from(exported, byte => String.fromCharCode(byte)).join(''))
      } finally {
        await db.close()
      }
    },
    { what, name, sealed, bytes },
  )

for (const kind of ['Plain', 'RawKey']) {
  test(`${kind}: what a browser exported is published to KV and opened there, and back`, async () => {
    const sealed = kind === 'RawKey'
    const page = await browser.page()
    const exported = Buffer.from(await inPage(page, 'fill', `from-${kind}`, sealed), 'base64')
    const at = `/${kind}/moved-${kind}`
    const imported = await workerd.dispatchFetch(`http://worker${at}/import?found${sealed ? '&sealed' : ''}`, { method: 'POST', body: exported })
    assert.equal(await imported.text(), '"nothing"') // that failed
    while (!(await ask(workerd, `${at}/compact`)));
    assert.equal(await ask(workerd, `${at}/count?context=2`), 3000)
    assert.deepEqual(await ask(workerd, `${at}/find?context=2`), [0, 4, 8])
    await ask(workerd, `${at}/insert?id=3001&context=2`)
    assert.deepEqual(await ask(workerd, `${at}/list?id=1&context=2`), ['records'])
    assert.deepEqual(await ask(workerd, `${at}/check?context=2`), [])
    const back = await workerd.dispatchFetch(`http://worker${at}/export?context=2`)
    const bytes = Buffer.from(await back.arrayBuffer()).toString('base64')
    assert.equal(await inPage(page, 'read', `back-${kind}`, sealed, bytes), JSON.stringify([3001, 751, 0, 1]))
    assert.deepEqual(page.failures, [])
    await page.close()
  })
}
