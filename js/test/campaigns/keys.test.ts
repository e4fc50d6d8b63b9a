import assert from 'node:assert/strict'
import { test } from 'node:test'

import { memory, open } from 'stowage'

import { rejects, tables } from '../places.js'
import { byPassphrase, counting, filled, isWhole, key, opensWhole, passphrase, randomKey, stored, unlocking } from '../sealed.js'

for (const [name, secrets] of Object.entries({
  'keys': Array.from({ length: 900 }, () => ({ key: randomKey() })),
  'passphrases': Array.from({ length: 100 }, (_, n) => ({ passphrase: `${passphrase}${n}` })),
})) {
  test(`${secrets.length} wrong ${name}: a typed error, and no write`, { timeout: 240_000 }, async () => {
    const { driver, commits } = counting(memory())
    const right = unlocking(name === 'keys' ? { key } : { passphrase })
    const db = await filled(driver, right)
    for (const secret of secrets.slice(0, 5)) await rejects('wrong_key', db.unlock(secret))
    await db.lock()
    const [before, written] = [await stored(driver), commits()]
    for (const secret of secrets.slice(5, 10)) await rejects('wrong_key', db.unlock(secret))
    await rejects('key_required', db.places.get(1))
    await db.close()
    for (const secret of secrets.slice(10)) {
      const error = await rejects('wrong_key', open('places', { driver, tables, ...unlocking(secret) }))
      assert.ok(!error.message.includes('horse'))
    }
    assert.equal(commits(), written)
    assert.deepEqual(await stored(driver), before)
    await opensWhole(driver, right)
  })
}

test('a rotation that is interrupted loses nothing, whatever is changed before it goes on', async () => {
  for (const between of ['nothing', 'keys', 'chain']) {
    const driver = memory()
    const db = await filled(driver, byPassphrase)
    await db.notes.insertMany(Array.from({ length: 3000 }, (_, i) => ({ text: `note ${i} `.repeat(100) })))
    const controller = new AbortController()
    await rejects('aborted', db.rotateKey({ signal: controller.signal, onProgress: () => controller.abort() }))
    await isWhole(db)
    await db.close()
    const again = await open('places', { driver, tables, ...byPassphrase })
    await isWhole(again)
    if (between === 'keys') await again.addSlot({ key })
    if (between === 'chain') await again.rechain([byPassphrase.modifiers[1]!])
    await again.rotateKey()
    await isWhole(again)
    await again.close()
    const modifiers = between === 'chain' ? [byPassphrase.modifiers[1]!] : byPassphrase.modifiers
    const whole = await open('places', { driver, tables, modifiers })
    await isWhole(whole)
    assert.equal(await whole.notes.count(), 3000)
    await whole.close()
  }
})
