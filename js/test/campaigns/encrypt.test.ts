import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { type DriverFactory, compress, encrypt, memory, open, type Unlocker } from 'stowage'
import { directory } from 'stowage/drivers/fs'

import { place, placesFrom, rejects, tables } from '../places.js'
import { byKey, byPassphrase, cheap, counting, everything, filled, isWhole, key, passphrase, stored, unlocking } from '../sealed.js'

for (const [name, options] of Object.entries({ 'a key': byKey, 'a passphrase, deflated': byPassphrase })) {
  test(`what was encrypted comes back, and nothing of it stands in what is stored: ${name}`, async () => {
    const driver = memory()
    await (await filled(driver, options)).close()
    const bytes = await everything(driver)
    for (const canary of ['Place 2999', 'place-5000', 'country', 'slug', 'places', 'SE']) {
      if (canary.length > 2) assert.equal(bytes.indexOf(canary), -1, canary)
    }
    const db = await open('places', { driver, tables, ...options })
    await isWhole(db)
    await db.close()
  })
}

test('locking, unlocking and closing wait for one another', async () => {
  const driver = memory()
  let db = await open('places', { driver, tables, durability: 'buffered', ...byKey })
  for (let id = 1; id <= 5; id++) {
    await db.places.insert(place(id))
    await Promise.all([db.lock(), db.lock(), db.unlock({ key })])
    assert.deepEqual(await db.places.get(id), place(id))
  }
  await db.places.insert(place(6))
  const [, , unlocked] = await Promise.allSettled([db.lock(), db.close(), db.unlock({ key })])
  assert.equal(unlocked.status === 'rejected' && unlocked.reason.code, 'closed')
  db = await open('places', { driver, tables, ...byKey })
  assert.equal(await db.places.count(), 6)
  await db.close()
})

test('an empty environment is encrypted from its first commit', async () => {
  const driver = memory()
  let db = await open('places', { driver, ...byKey })
  await db.close()
  db = await open('places', { driver, tables, ...byKey })
  await db.close()
  assert.equal((await everything(driver)).indexOf('places'), -1)
})

test('what does not open is a typed error, and nothing is written', async () => {
  const { driver, commits } = counting(memory())
  await (await filled(driver, byKey)).close()
  const clear = memory()
  await (await open('places', { driver: clear, tables })).close()
  const before = await stored(driver)
  const written = commits()
  const other = crypto.getRandomValues(new Uint8Array(32))
  await rejects('wrong_key', open('places', { driver, tables, ...unlocking({ key: other }) }))
  await rejects('wrong_key', open('places', { driver, tables, ...unlocking({ passphrase }) }))
  await rejects('key_required', open('places', { driver, tables }))
  await rejects('not_encrypted', open('places', { driver: clear, tables, ...byKey }))
  assert.equal(commits(), written)
  assert.deepEqual(await stored(driver), before)
  const db = await open('places', { driver, tables, ...byKey })
  await isWhole(db)
  await db.close()
})

test('what was changed or stands elsewhere is tampered with', async () => {
  const inner = memory()
  await (await filled(inner, byKey)).close()
  const blobs = await stored(inner)
  const pages = [...blobs.keys()].filter(name => name.startsWith('p/'))
  assert.ok(pages.length > 2)
  /** A driver that shows other bytes under some names. */
  const showing = (change: Map<string, Buffer>): DriverFactory => ({
    id: `${inner.id} changed`,
    async open(name) {
      const driver = await inner.open(name)
      const read = async (names: string[]) => (await driver.read(names)).map((blob, i) => change.get(names[i]!) ?? blob)
      return { read, list: p => driver.list(p), info: held => driver.info(held), close: () => driver.close(), commit: b => driver.commit(b) }
    },
  })
  const swapped = new Map([[pages[0]!, blobs.get(pages[1]!)!], [pages[1]!, blobs.get(pages[0]!)!]])
  const outcome = async (change: Map<string, Buffer>) => {
    const db = await open('places', { driver: showing(change), tables, ...byKey })
    try {
      return (await db.check()).problems.length
    } finally {
      await db.close()
    }
  }
  assert.ok((await outcome(swapped).catch(() => 1)) > 0)
  assert.equal(await outcome(new Map()), 0)
})

test('locked, everything is key_required, and unlocked it goes on', async () => {
  const driver = memory()
  const db = await filled(driver, byPassphrase)
  const tx = await db.begin({ write: true })
  await tx.places.insert(place(7000))
  await db.lock()
  await db.lock()
  for (const call of [() => db.places.get(1), () => db.places.count(), () => db.places.insert(place(9)), () => db.stat(), () => db.slots(), () => tx.commit(), () => db.transaction(async () => {})]) {
    await rejects('key_required', call)
  }
  await rejects('wrong_key', db.unlock({ passphrase: 'incorrect' }))
  await rejects('key_required', db.places.get(1))
  await rejects('invalid_option', db.unlock({ passphrase: '' }))
  await db.unlock({ passphrase })
  await isWhole(db)
  await db.unlock({ passphrase })
  await rejects('wrong_key', db.unlock({ passphrase: 'incorrect' }))
  await isWhole(db)
  await db.close()
  await rejects('closed', db.lock())
  const clear = await open('clear', { driver: memory() })
  await rejects('not_encrypted', clear.lock())
  await rejects('not_encrypted', clear.slots())
  await clear.close()
})

test('who opens what is open needs the key as well', async () => {
  const driver = memory()
  const db = await filled(driver, byKey)
  await rejects('wrong_key', open('places', { driver, tables, ...unlocking({ key: new Uint8Array(32) }) }))
  await rejects('key_required', open('places', { driver, tables }))
  await db.lock()
  const second = await open('places', { driver, tables, ...byKey })
  await isWhole(second)
  await second.close()
  await isWhole(db)
  await db.close()
  const clear = await open('clear', { driver })
  await rejects('not_encrypted', open('clear', { driver, ...byKey }))
  await clear.close()
})

test('it is locked after a while without a call', async () => {
  const db = await open('places', { driver: memory(), tables, ...byKey, lockAfter: 300 })
  await db.places.insert(place(1))
  for (;;) {
    await new Promise(resolve => setTimeout(resolve, 600))
    const failed = await db.places.get(1).then(() => undefined, error => error.code)
    if (failed !== undefined) {
      assert.equal(failed, 'key_required')
      break
    }
  }
  await db.unlock({ key })
  assert.deepEqual(await db.places.get(1), place(1))
  await db.close()
})

test('slots are added, changed and removed', async () => {
  const driver = memory()
  const opens = async (unlocker: Unlocker) => {
    const again = await open('places', { driver, tables, ...unlocking(unlocker) })
    await isWhole(again)
    await again.close()
  }
  let db = await filled(driver, unlocking({ passphrase }))
  const id = await db.addSlot({ key })
  assert.deepEqual(await db.slots(), [{ id: 1, kind: 'passphrase', current: true }, { id, kind: 'key', current: false }])
  await rejects('wrong_key', db.changePassphrase('incorrect', { passphrase: 'new', ...cheap }))
  await db.changePassphrase(passphrase, { passphrase: 'new', ...cheap })
  await isWhole(db)
  await db.lock()
  await rejects('wrong_key', db.unlock({ passphrase }))
  await db.unlock({ passphrase: 'new' })
  await db.close()
  await opens({ key })
  await opens({ passphrase: 'new' })
  await rejects('wrong_key', opens({ passphrase }))
  db = await open('places', { driver, tables, ...unlocking({ key }) })
  await db.removeSlot(1)
  await rejects('not_found', db.removeSlot(1))
  await rejects('not_found', db.removeSlot(id))
  await db.close()
  await rejects('wrong_key', opens({ passphrase: 'new' }))
  await opens({ key })
})

test('the data key is rotated, and what is stored opens with the newest only', async () => {
  const driver = memory()
  await (await filled(driver, byPassphrase)).close()
  const before = await stored(driver)
  const db = await open('places', { driver, tables, ...byPassphrase })
  const progress: number[] = []
  await db.rotateKey({ onProgress: (done, total) => progress.push(done, total) })
  assert.ok(progress.length > 0)
  await isWhole(db)
  await db.close()
  const after = await stored(driver)
  for (const [name, blob] of before) if (name.startsWith('p/')) assert.ok(!after.get(name)?.equals(blob), `${name} stays`)
  const again = await open('places', { driver, tables, ...byPassphrase })
  await isWhole(again)
  await again.rotateKey()
  await isWhole(again)
  await again.close()
})

test('a living environment is encrypted, compressed otherwise, and decrypted', async () => {
  const driver = memory()
  const db = await open('places', { driver, tables })
  await db.places.insertMany(placesFrom(1, 3000))
  await db.checkpoint()
  await db.places.insert(place(5000))
  await db.rechain([compress('none'), encrypt({ key })])
  await isWhole(db)
  await db.lock()
  await db.unlock({ key })
  await db.close()
  const bytes = await everything(driver)
  assert.equal(bytes.indexOf('Place 2999'), -1)
  await rejects('key_required', open('places', { driver, tables }))
  const sealed = await open('places', { driver, tables, modifiers: [compress('none'), encrypt({ key })] })
  await rejects('wrong_key', sealed.rechain([compress('deflate'), encrypt({ key: new Uint8Array(32) })]))
  await sealed.rechain([compress('deflate'), encrypt({ key })])
  await isWhole(sealed)
  await rejects('aborted', sealed.rechain([], { signal: AbortSignal.abort() }))
  await sealed.rechain([])
  await isWhole(sealed)
  await sealed.close()
  const clear = await open('places', { driver, tables })
  await isWhole(clear)
  await clear.close()
})

test('chains that are asked for at once follow one another', async () => {
  const driver = memory()
  const db = await open('places', { driver, tables })
  await db.places.insertMany(placesFrom(1, 3000))
  await db.places.insert(place(5000))
  await Promise.all([db.rechain([compress('deflate')]), rejects('aborted', db.rechain([], { signal: AbortSignal.abort() })), db.rechain([encrypt({ key })]), db.rechain([compress('none'), encrypt({ key })])])
  await isWhole(db)
  await db.close()
  await rejects('key_required', open('places', { driver, tables }))
  const again = await open('places', { driver, tables, modifiers: [compress('none'), encrypt({ key })] })
  await isWhole(again)
  await again.close()
})

test('shredded, nothing opens it any more', async () => {
  const driver = memory()
  const db = await filled(driver, byKey)
  await db.shred()
  await rejects('key_required', db.places.get(1))
  await rejects('corrupt_header', db.unlock({ key }))
  await db.close()
  await rejects('corrupt_header', open('places', { driver, tables, ...byKey }))
})

test('a passphrase is the same however its characters are composed', async () => {
  const driver = memory()
  await (await filled(driver, unlocking({ passphrase: 'Ångström' }))).close()
  const db = await open('places', { driver, tables, ...unlocking({ passphrase: 'A\u030angstro\u0308m' }) })
  await isWhole(db)
  await db.close()
})

test('keys and passphrases of another form are refused', () => {
  const wrong: unknown[] = [{}, { passphrase: '' }, { passphrase: '\ud800' }, { key: 'text' }, { key: new Uint8Array(31) }, { passphrase: 'a', key }, { passphrase: 'a', pbkdf2: 1000 }]
  for (const options of [...wrong, { passphrase: 'a', argon2id: { memory: 1024 } }, { passphrase: 'a', argon2id: { passes: 3 } }, undefined]) {
    assert.throws(() => encrypt(options as never), { code: 'invalid_option' })
  }
})

test('a CryptoKey that cannot be read out opens it, and PBKDF2 does', async () => {
  const kept = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt'])
  const driver = memory()
  const db = await filled(driver, byKey)
  await db.addSlot({ passphrase, pbkdf2: 600_000 })
  await db.close()
  for (const unlocker of [{ key: kept }, { passphrase }]) {
    const again = await open('places', { driver, tables, ...unlocking(unlocker) })
    await isWhole(again)
    await again.close()
  }
})

for (const file of ['README.md', '../README.md']) {
  test(`the example of encryption in ${file} does what it says`, async () => {
    const [, example] = /## Encrypt[^]*?```ts\n([^]*?)```/.exec(readFileSync(file, 'utf8'))!
    const driver = memory()
    const theirs = 'the passphrase of a backup'
    const backup = await new Response((await filled(memory(), unlocking({ passphrase: theirs }))).export()).blob()
    const told: unknown[] = []
    const opening = (name: string, options: object) => open(name, { driver, ...options })
    const scope = { open: opening, encrypt, passphrase, key, old: passphrase, now: passphrase, theirs, backup, onProgress: (done: number) => told.push(done) }
    const AsyncFunction = (async () => {}).constructor as new (...code: string[]) => (...given: unknown[]) => Promise<void>
    await new AsyncFunction(...Object.keys(scope), example!.replace(/^import .*\n/, ''))(...Object.values(scope))
    if (file !== 'README.md') return
    assert.ok(told.length > 0)
    await rejects('corrupt_header', open('notes', { driver, ...unlocking({ passphrase }) }))
  })
}

test('an engine that is lost is followed by one that has the keys', async () => {
  const db = await filled(memory(), byPassphrase)
  const { session } = db as unknown as { session: { engine: { discard(why: Error): void; run(...args: unknown[]): Promise<unknown>; request(...args: unknown[]): { string(text: string): unknown } } } }
  const { engine } = session
  await rejects('engine_lost', engine.run(engine.request(127, 4, 0, 0).string('exit'), () => undefined) as Promise<unknown>)
  await isWhole(db)
  await db.close()
})

test('a directory is as encrypted', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stowage-'))
  try {
    const driver = directory(folder)
    await (await filled(driver, byKey)).close()
    const found = execFileSync('sh', ['-c', `grep -rlE 'Place 2999|country|places' "${folder}" | wc -l`], { encoding: 'utf8' })
    assert.equal(Number(found), 0)
    const db = await open('places', { driver, tables, ...byKey })
    await isWhole(db)
    await db.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
})
