import { encrypt, open, table } from 'stowage'
import { pull } from 'stowage/sync'

/** What a page does in the campaign of pull.mjs. Answers never come out of a cache. */
const fetched = (input, init) => fetch(input, { ...init, cache: 'no-store' })

globalThis.importer = {
  /** Fetches a shape chunk by chunk and parses it. */
  async fetched(url) {
    const start = performance.now()
    let count = 0
    let at = 'offset=-1'
    for (let last = false; !last; ) {
      const answer = await fetched(`${url}?table=cities&${at}`)
      for (const { headers } of JSON.parse(await answer.text())) if (headers.operation !== undefined) count++
      last = answer.headers.has('electric-up-to-date')
      at = `handle=${answer.headers.get('electric-handle')}&offset=${answer.headers.get('electric-offset')}`
    }
    return { ms: performance.now() - start, count }
  },

  /** Pulls it into an environment of its own, which is open. */
  async pulled(url, round) {
    const db = await open(`pull ${round}`, { tables: { cities: table({ key: 'id' }) }, modifiers: [encrypt({ key: new Uint8Array(32).fill(7) })] })
    const start = performance.now()
    const puller = await pull(db, { origin: url, shapes: { cities: 'cities' }, live: false, fetch: fetched })
    await puller.complete()
    const ms = performance.now() - start
    await puller.close()
    const count = await db.cities.count()
    await db.close()
    return { ms, count }
  },
}
