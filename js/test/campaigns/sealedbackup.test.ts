import assert from 'node:assert/strict'
import { test } from 'node:test'

import { compress, encrypt, memory, modifier, open, type Unlocker } from 'stowage'
import { salvage } from 'stowage/salvage'

import { place, rejects, tables } from '../places.js'
import { byKey, byPassphrase, type Chained, cheap, counting, everything, filled, isWhole, key, opensWhole, passphrase, randomKey, stored, unlocking } from '../sealed.js'

/** What is stored in clear, so that it is found. */
const plain: Chained = { modifiers: [compress('none')] }

async function exported(options: Chained): Promise<Blob> {
  const db = await filled(memory(), options)
  const backup = await new Response(db.export()).blob()
  await db.close()
  return backup
}

test('an export is as encrypted as what it is of, and so is what is salvaged', async () => {
  const driver = memory()
  const db = await filled(driver, byKey)
  const backup = await new Response(db.export()).blob()
  assert.equal(Buffer.from(await backup.arrayBuffer()).indexOf('Place 2999'), -1)
  await db.close()
  const { left, whole } = await salvage('places', { driver, ...byKey })
  assert.ok(whole)
  assert.equal(Buffer.from(await left.arrayBuffer()).indexOf('Place 2999'), -1)
  await rejects('wrong_key', salvage('places', { driver, ...unlocking({ key: randomKey() }) }))
  const back = await open('places', { driver, tables, ...byKey })
  for (const stream of [backup, left]) {
    await back.import(stream, { replace: true })
    await isWhole(back)
  }
  await back.close()
})

/** What an environment is opened with, and what an export has passed. */
const chains: Record<string, Chained> = { 'nothing': plain, 'a key': byKey, 'a passphrase, deflated': byPassphrase }

for (const [name, from] of Object.entries(chains)) {
  test(`an export that has passed ${name} goes into environments with other keys, and is sealed under these`, async () => {
    const backup = await exported(from)
    for (const into of [plain, { modifiers: [compress('deflate')] }, unlocking({ key: randomKey() }), unlocking({ passphrase })]) {
      const driver = memory()
      const db = await open('places', { driver, tables, ...into })
      await db.import(backup, from)
      await isWhole(db)
      await db.close()
      await opensWhole(driver, into)
      const bytes = await everything(driver)
      assert.equal(bytes.indexOf('Place 2999') < 0, into !== plain)
    }
  })
}

test('an export that is not opened is a typed error, and changes nothing', async () => {
  const [clear, sealed] = [await exported(plain), await exported(byKey)]
  const cut = sealed.slice(0, sealed.size - 1)
  const refused: [code: string, into: Chained, backup: Blob, from?: Chained][] = [
    ['key_required', plain, sealed],
    ['key_required', byKey, sealed], // keys are those of one environment, whatever unlocks them
    ['key_required', byPassphrase, sealed],
    ['wrong_key', plain, sealed, unlocking({ key: randomKey() })],
    ['wrong_key', byKey, sealed, unlocking({ passphrase })],
    ['key_required', byKey, sealed, plain],
    ['not_encrypted', plain, clear, byKey],
    ['missing_modifier', plain, await exported(byPassphrase), unlocking({ passphrase })],
    ['corrupt', plain, cut, byKey],
  ]
  for (const [n, [code, into, backup, from]] of refused.entries()) {
    const { driver, commits } = counting(memory())
    const db = await open('places', { driver, tables, ...into })
    await db.places.insert(place(1))
    const [before, written] = [await db.places.find(), commits()]
    await rejects(code, db.import(backup, { replace: true, ...from }), `case ${n}:`)
    assert.deepEqual(await db.places.find(), before, `case ${n}`)
    assert.equal(commits(), written, `case ${n} has written`)
    await db.import(clear, { replace: true, ...plain })
    await db.import(sealed, { replace: true, ...byKey })
    await isWhole(db)
    await db.close()
    await opensWhole(driver, into)
  }
})

test('stages of one’s own that an export has passed', async () => {
  const turn = (bytes: Uint8Array) => bytes.map(byte => ~byte)
  const own: Chained = { modifiers: [modifier(9, { seal: turn, open: turn }), encrypt({ key })] }
  const backup = await exported(own)
  const db = await open('places', { driver: memory(), tables, ...byPassphrase })
  await rejects('missing_modifier', db.import(backup, byKey))
  await rejects('undecodable', db.import(backup, { modifiers: [modifier(9, { seal: turn, open: () => Promise.reject(new Error('blind')) }), encrypt({ key })] }))
  await db.import(backup, own)
  await isWhole(db)
  await db.close()
})

test('a copy has the keys of its original, its own, or other ones', async () => {
  const from = memory()
  const db = await filled(from, byKey)
  await db.addSlot({ passphrase, ...cheap })
  const other = unlocking({ key: randomKey() })
  const copies: [how: { compact?: boolean; modifiers?: Chained['modifiers'] }, opens: Chained[], not: Chained[]][] = [
    [{}, [byKey, unlocking({ passphrase })], [other]],
    [{ compact: true }, [byKey], [other, unlocking({ passphrase })]],
    [{ modifiers: other.modifiers }, [other], [byKey]],
    [{ modifiers: plain.modifiers }, [plain], []],
  ]
  for (const [how, opens, not] of copies) {
    const driver = memory()
    await db.copy('places', { driver, ...how })
    for (const options of opens) await opensWhole(driver, options)
    for (const options of not) await rejects('wrong_key', open('places', { driver, tables, ...options }))
    assert.equal((await everything(driver)).indexOf('Place 2999') < 0, opens[0] !== plain)
  }
  await isWhole(db)
  await db.close()
  await opensWhole(from, byKey)
})

test('a compact copy after the slot was removed that has opened the original', async () => {
  const from = memory()
  const db = await filled(from, byKey)
  await db.addSlot({ passphrase, ...cheap })
  await db.removeSlot((await db.slots()).find(slot => slot.current)!.id)
  const driver = memory()
  for (const how of [{ compact: true }, { modifiers: plain.modifiers }]) await rejects('key_required', db.copy('places', { driver, ...how }))
  await rejects('wrong_key', db.copy('places', { driver, ...byKey }))
  assert.deepEqual([...(await stored(driver))], [])
  const remaining = unlocking({ passphrase })
  await db.copy('places', { driver, ...remaining })
  await opensWhole(driver, remaining)
  await rejects('wrong_key', open('places', { driver, tables, ...byKey }))
  await isWhole(db)
  await db.close()
  await opensWhole(from, remaining)
})

test('a copy after another slot than the one that has opened the original was changed, and removed', async () => {
  const db = await filled(memory(), byKey)
  const others = [1, 2].map(byte => ({ key: new Uint8Array(32).fill(byte) })) as [Unlocker, Unlocker]
  await db.addSlot(others[0])
  await db.changePassphrase(...others)
  await db.removeSlot((await db.slots()).find(slot => !slot.current)!.id)
  const driver = memory()
  await db.copy('places', { driver, compact: true })
  await opensWhole(driver, byKey)
  await db.close()
})

test('a copy after the keys were changed or locked', async () => {
  const db = await filled(memory(), unlocking({ passphrase: 'first' }))
  await db.changePassphrase('first', { passphrase, ...cheap })
  const driver = memory()
  await db.copy('places', { driver, compact: true })
  await opensWhole(driver, unlocking({ passphrase }))
  await rejects('wrong_key', open('places', { driver, tables, ...unlocking({ passphrase: 'first' }) }))
  await db.lock()
  const nowhere = memory()
  for (const how of [{}, { compact: true }, byKey]) await rejects('key_required', db.copy('places', { driver: nowhere, ...how }))
  assert.deepEqual([...(await stored(nowhere))], [])
  await db.unlock({ passphrase } satisfies Unlocker)
  await db.copy('places', { driver: nowhere })
  await opensWhole(nowhere, unlocking({ passphrase }))
  await db.close()
})
