import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type * as Stowage from 'stowage'

import { Browser } from './browser.js'

declare const stowage: typeof Stowage

let browser: Browser
before(async () => {
  browser = await Browser.start()
})
after(() => browser.stop())

for (const worker of [false, true]) {
  test(`${worker ? 'in a worker' : 'in the page'}: export, import and copy`, async () => {
    const page = await browser.page()
    const seen = await page.evaluate(async worker => {
      const tables = { t: stowage.table<{ id: number; a: number; text: string }>({ key: 'id', indexes: ['a'] }) }
      const db = await stowage.open(`backup ${worker}`, { worker, tables })
      await db.t.insertMany(Array.from({ length: 5000 }, (_, id) => ({ id, a: id % 7, text: `text ${id * 7919}`.repeat(10) })))
      const code = (work: Promise<unknown>) => work.then(() => 'done', error => (error as Stowage.StowageError).code)
      const look = async (name: string) => {
        const opened = await stowage.open(name, { worker, tables })
        const found = [await opened.t.count(), await opened.t.count({ a: 3 }), (await opened.check()).problems.length]
        await opened.close()
        return found
      }

      const blob = await new Response(db.export() as ReadableStream<Uint8Array<ArrayBuffer>>).blob()
      const into = await stowage.open(`imported ${worker}`, { worker, tables })
      const progress: number[] = []
      const codes = [
        await code(into.import(blob.slice(0, blob.size - 1))),
        await code(into.import(new ReadableStream({ pull: () => Promise.reject(new Error('dead')) }))),
        await code(into.import(blob, { onProgress: done => progress.push(done) })),
        await code(into.import(blob)),
      ]
      const abort = new AbortController()
      const stalled = code(into.import(new ReadableStream({ pull: () => new Promise<void>(() => {}) }), { replace: true, signal: abort.signal }))
      setTimeout(() => abort.abort(), 20)
      codes.push(await stalled)
      await into.close()

      const reader = db.export().getReader()
      await reader.read()
      await reader.cancel()
      await db.copy(`copied ${worker}`)
      codes.push(await code(db.copy(`copied ${worker}`)))
      await db.copy(`compact ${worker}`, { compact: true })
      await db.close()
      return { codes, last: progress.at(-1), found: [await look(`imported ${worker}`), await look(`copied ${worker}`), await look(`compact ${worker}`)] }
    }, worker)
    assert.deepEqual(seen.codes, ['corrupt', 'backend_failed', 'done', 'not_empty', 'aborted', 'not_empty'])
    assert.equal(seen.last, 10_000)
    assert.deepEqual(seen.found, Array(3).fill([5000, 714, 0]))
    assert.deepEqual(page.failures, [])
    await page.close()
  })
}
