import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'

import { indexeddb, open, StowageError } from 'stowage'

import { type FaultKind, install, Origin } from '../model/indexeddb.js'
import { rules } from '../model/rules.js'
import { place, type Places, rejects, tables, work } from '../places.js'

for (const rule of rules) {
  test(`the model: ${rule.name}`, async () => {
    install(new Origin())
    assert.deepEqual(await rule.run(), rule.sees)
  })
}

/** Opens the tables as a process of its own does: with an engine that is shared with nobody. */
const openModel = (process: string): Promise<Places> =>
  open('places', { driver: { ...indexeddb(), id: `indexeddb of ${process}` }, tables })

/** What calls fail with when the platform fails in a way. */
const codes: Record<FaultKind, string> = { lost: 'backend_failed', closed: 'backend_failed', quota: 'quota', hang: 'backend_failed', mute: 'backend_failed' }

/** Lets the seconds pass that the driver waits, whenever the model has come to rest and so nothing more will be answered. */
function passTime(t: TestContext): void {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const pass = () => {
    if ((indexedDB as unknown as Origin).idle) t.mock.timers.tick(1000)
    clock = setTimeout(pass, 1)
  }
  let clock = setTimeout(pass, 1)
  t.after(() => clearTimeout(clock))
}

for (const [kind, code] of Object.entries(codes) as [FaultKind, string][]) {
  test(`whichever call of IndexedDB fails (${kind}), nothing promised is lost, and the store heals`, { timeout: 120_000 }, async t => {
    passTime(t)
    let hung = 0
    for (let at = 1; ; at++) {
      const origin = new Origin()
      install(origin)
      Object.assign(origin.fault, { at, kind })
      const promised = new Set<number>()
      const told: string[] = []
      const failed = (error: unknown) => {
        assert.ok(error instanceof StowageError && error.code === code, `fault ${at}: ${String(error)}`)
        told.push(error.code)
      }
      const db = await openModel(`${kind} ${at}`).catch(error => (failed(error), openModel(`${kind} ${at}`)))
      await work(db, promised, 100, failed)
      const { calls } = origin.fault
      origin.fault.at = 0
      hung += origin.fault.hung
      const unsure = kind === 'mute' && told.length > 0 // what has failed may have happened all the same
      if (unsure) promised.delete(3)
      for (const id of promised) assert.deepEqual(await db.places.get(id), place(id), `fault ${at}: ${id} is lost`)
      await db.places.put(place(7777))
      assert.deepEqual((await db.check()).problems, [], `fault ${at}`)
      const left = origin.crashed()
      await db.close()
      install(left)
      const again = await openModel(`${kind} ${at}, again`)
      if (!unsure) assert.equal(await again.places.get(3).then(p => p !== undefined), promised.has(3), `fault ${at}: what was deleted is back`)
      for (const id of promised) assert.deepEqual(await again.places.get(id), place(id), `fault ${at}, after a crash: ${id} is lost`)
      assert.deepEqual(await again.places.get(7777), place(7777))
      await again.close()
      if (calls < at) {
        assert.deepEqual(told, [])
        assert.ok(at > 50, 'there were calls to fail')
        if (kind === 'hang' || kind === 'mute') assert.ok(hung > 50, `${hung} of them were never answered`) // to begin a transaction always is
        return
      }
    }
  })
}

for (const kind of ['hang', 'mute'] as const) {
  test(`what only reads is done again when it is never answered (${kind}), three times at most`, { timeout: 60_000 }, async t => {
    passTime(t)
    const origin = new Origin()
    install(origin)
    const driver = await indexeddb().open('read')
    const blob = Uint8Array.of(1)
    await driver.commit({ put: [{ name: 'a', bytes: blob }], add: [], root: undefined, remove: [], removeRange: undefined, durability: 'relaxed' })
    Object.assign(origin.fault, { calls: 0, at: 2, kind })
    assert.deepEqual(await driver.read(['a']), [blob])
    Object.assign(origin.fault, { calls: 0, at: 2, kind, every: 3 }) // beginning, reading, and opening again
    await rejects('backend_failed', driver.read(['a']))
    assert.equal(origin.fault.hung, 1 + 4)
    origin.fault.at = 0
    assert.deepEqual(await driver.read(['a']), [blob])
    await driver.close()
  })
}

test('an open that IndexedDB never answers fails, and the next one is another', { timeout: 60_000 }, async () => {
  const origin = new Origin()
  install(origin)
  Object.assign(origin.fault, { at: 1, kind: 'hang' })
  await rejects('backend_failed', openModel('hung'))
  assert.equal(origin.fault.hung, 1)
  const db = await openModel('hung')
  await db.places.insert(place(1))
  await db.close()
})

test('a power cut loses the last relaxed commits at most, and leaves no holes', { timeout: 60_000 }, async () => {
  for (let kept = 0; ; kept++) {
    const origin = new Origin()
    install(origin)
    const db = await openModel(`cut ${kept}`)
    for (let id = 1; id <= 12; id++) await db.places.insert(place(id))
    const all = origin.databases.get('stowage:places')!.relaxed.length
    const left = origin.crashed(kept)
    await db.close()
    install(left)
    const again = await openModel(`cut ${kept}, again`)
    const ids = (await again.places.find()).map(p => p.id)
    assert.deepEqual(ids, Array.from({ length: ids.length }, (_, i) => i + 1), `${kept} of ${all} kept: there is a hole`)
    assert.deepEqual((await again.check()).problems, [])
    await again.close()
    if (kept === all) {
      assert.equal(ids.length, 12)
      return
    }
  }
})
