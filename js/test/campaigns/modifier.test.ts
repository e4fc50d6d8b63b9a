import assert from 'node:assert/strict'
import { mock, test } from 'node:test'

import { compress, memory, modifier, open, StowageError, table } from 'stowage'
import { coder } from 'stowage/coders'
import { salvage } from 'stowage/salvage'

import { deflate, inflate } from '../../src/modifier/deflate.js'
import { place, placesFrom, rejects, tables } from '../places.js'
import { counting, everything, filled, isWhole, opensWhole, stored } from '../sealed.js'

/** A stage that turns all bits over, and counts what it does. */
function inverting(id = 200, before = false) {
  const calls = { seal: 0, open: 0 }
  const invert = (bytes: Uint8Array) => bytes.map(byte => byte ^ 0xff)
  const stage = modifier(id, {
    seal: async bytes => (calls.seal++, invert(bytes)),
    open: bytes => (calls.open++, invert(bytes)),
    before,
  })
  return { stage, calls }
}

for (const [name, chain] of Object.entries({
  none: [compress('none')],
  s2: [compress()],
  deflate: [compress('deflate')],
  own: [inverting().stage],
  'deflate and own, before and after': [inverting(1).stage, compress('deflate'), inverting(1, true).stage],
})) {
  test(`what has passed a chain comes back: ${name}`, async () => {
    const driver = memory()
    await (await filled(driver, { modifiers: chain })).close()
    const db = await open('places', { driver, tables, modifiers: chain.toReversed() })
    await isWhole(db)
    await db.close()
  })
}

test('nothing is stored that has not passed a stage', async () => {
  const driver = memory()
  const { stage, calls } = inverting()
  await (await filled(driver, { modifiers: [compress('none'), stage] })).close()
  assert.ok(calls.seal > 10, `${calls.seal} blobs`)
  const bytes = await everything(driver)
  for (const canary of ['Place 2999', 'place-5000', 'country']) assert.equal(bytes.indexOf(canary), -1, canary)
  const clear = memory()
  await (await filled(clear, { modifiers: [compress('none')] })).close()
  assert.notEqual((await everything(clear)).indexOf('Place 2999'), -1, 'it would be found')
})

test('what is not to be compressed is in no blob that is', async () => {
  const driver = memory()
  const secret = 'a secret that repeats itself, '.repeat(200)
  const common = 'whatever else there is to say, '.repeat(200)
  const tables = {
    secrets: table<{ id: number; text: string }>({ key: 'id', indexes: ['text'], compress: 'none' }),
    others: table<{ id: number; text: string }>({ key: 'id' }),
  }
  const db = await open('both', { driver, tables })
  const byName = { key: coder.string, value: coder.string }
  for (let id = 0; id < 20; id++) {
    await db.secrets.insert({ id, text: `${id}${secret.slice(0, 3000)}` })
    await db.others.insert({ id, text: common })
    await db.store('secrets', { ...byName, compress: 'none' }).put(`key ${id}`, secret)
    await db.store('others', byName).put(`key ${id}`, common)
  }
  await db.checkpoint()
  assert.equal(await db.secrets.count({ text: `7${secret.slice(0, 3000)}` }), 1)
  await rejects('schema_mismatch', db.store('others', { compress: 'none' }).count())
  await rejects('invalid_option', () => db.store('x', { compress: 's2' as never }))
  await rejects('invalid_option', () => db.store('x', { compress: 'none', value: coder.json.compressed() }))
  await rejects('invalid_option', () => table({ key: 'id', compress: 'deflate' as never }))
  await db.close()
  const kept = (await everything(driver, 'both')).toString('latin1')
  // Documents, entries of the index and values. A page that they share with others is not compressed.
  assert.ok(kept.split('a secret that repeats itself').length > 20 * (95 + 95 + 199))
  assert.ok(kept.split('whatever else there is to say').length < 20 * 200)
  const again = await open('both', { driver, tables: { secrets: table({ key: 'id' }), others: tables.others } })
  assert.equal(await again.secrets.count(), 20) // it is as it was made
  await again.close()
  await rejects('schema_mismatch', open('both', { driver, tables: { others: table({ key: 'id', compress: 'none' }) } }))
})

test('another chain than that of the environment is a typed error, and writes nothing', async () => {
  const driver = memory()
  await (await filled(driver, { modifiers: [inverting().stage] })).close()
  const before = await stored(driver)
  for (const modifiers of [undefined, [], [compress('none'), inverting().stage], [inverting(201).stage]]) {
    await rejects('missing_modifier', open('places', { driver, tables, ...(modifiers && { modifiers }) }))
  }
  assert.deepEqual(await stored(driver), before)
  await open('places', { driver, tables, modifiers: [inverting().stage] }).then(isWhole)
})

test('a stage that fails is the failure of the call, and nothing is half-applied', async () => {
  const driver = memory()
  let failure: unknown
  const stage = modifier(9, {
    seal: bytes => {
      if (failure !== undefined) throw failure
      return bytes.slice()
    },
    open: bytes => bytes.slice(),
  })
  const db = await open('places', { driver, tables, modifiers: [stage] })
  await db.places.insert(place(1))
  failure = new Error('no strength left')
  await rejects('backend_failed', db.places.insert(place(2)))
  await rejects('backend_failed', db.places.insertMany(placesFrom(10, 3000)))
  failure = new StowageError('denied', 'not today')
  await rejects('denied', db.places.insert(place(2)))
  failure = undefined
  assert.equal(await db.places.count(), 1)
  await db.places.insert(place(3))
  await db.close()
  const again = await open('places', { driver, tables, modifiers: [stage] })
  assert.deepEqual((await again.places.find()).map(p => p.id), [1, 3])
  await again.close()

  const blind = modifier(9, { seal: bytes => bytes, open: () => Promise.reject(new Error('blind')) })
  await rejects('undecodable', open('places', { driver, tables, modifiers: [blind] }))
  const wrong = modifier(9, { seal: bytes => bytes, open: () => 'text' as never })
  await rejects('invalid_argument', open('places', { driver, tables, modifiers: [wrong] }))
})

test('a stage that answers with something else, or spoils what it is given, is a typed error and changes nothing', async () => {
  const right = inverting(9).stage
  const { driver, commits } = counting(memory())
  await (await filled(driver, { modifiers: [right] })).close()
  const before = await stored(driver)
  const opens = (change: (bytes: Uint8Array) => unknown) => open('places', { driver, tables, modifiers: [modifier(9, { seal: b => b, open: change as never })] })
  let written = commits()
  for (const answer of ['text', null, undefined, 7, [1, 2], new ArrayBuffer(8)]) await rejects('invalid_argument', opens(() => answer), String(answer))
  for (const garbage of [() => new Uint8Array(0), (b: Uint8Array) => b, (b: Uint8Array) => crypto.getRandomValues(new Uint8Array(b.length)), (b: Uint8Array) => b.map(byte => byte ^ 0xff).subarray(1)]) {
    await rejects('corrupt', opens(garbage), garbage.toString())
  }
  assert.equal(commits(), written)
  assert.deepEqual(await stored(driver), before)

  let wrong: ((bytes: Uint8Array) => unknown) | undefined
  const fickle = modifier(9, { seal: b => (wrong === undefined ? b.map(byte => byte ^ 0xff) : (wrong(b) as Uint8Array)), open: b => b.map(byte => byte ^ 0xff) })
  const db = await open('places', { driver, tables, modifiers: [fickle] })
  written = commits()
  for (const answer of ['text', undefined, new ArrayBuffer(8)]) {
    wrong = () => answer
    await rejects('invalid_argument', db.places.insert(place(6000)))
    await rejects('invalid_argument', db.places.insertMany(placesFrom(6000, 2000)))
  }
  wrong = bytes => {
    bytes.fill(0)
    throw new Error('spoilt')
  }
  await rejects('backend_failed', db.places.update(1, { name: 'other' }))
  wrong = undefined
  assert.equal(commits(), written)
  await isWhole(db)
  await db.close()
  await opensWhole(driver, { modifiers: [right] })
})

test('a stage that never answers is a typed error after a minute', async () => {
  let hanging = ''
  const hang = (what: string, bytes: Uint8Array) => {
    if (hanging !== what) return bytes.slice()
    hanging = ''
    mock.timers.enable({ apis: ['setTimeout'] }) // for the clock that starts now
    setImmediate(() => {
      mock.timers.tick(60_000)
      mock.timers.reset()
    })
    return new Promise<Uint8Array>(() => {})
  }
  const stage = modifier(9, { seal: bytes => hang('seal', bytes), open: bytes => hang('open', bytes) })
  const driver = memory()
  const db = await filled(driver, { modifiers: [stage] })
  hanging = 'seal'
  await rejects('backend_failed', db.places.insert(place(6000)))
  await isWhole(db)
  await db.close()
  hanging = 'open'
  await rejects('undecodable', open('places', { driver, tables, modifiers: [stage] }))
  await opensWhole(driver, { modifiers: [stage] })
})

test('backups pass the chain', async () => {
  const driver = memory()
  const modifiers = [compress('deflate'), inverting().stage]
  const db = await filled(driver, { modifiers })
  const backup = await new Response(db.export()).blob()
  for (const compact of [false, true]) {
    const to = memory()
    await db.copy('copy', { driver: to, compact })
    const copy = await open('copy', { driver: to, tables, modifiers })
    await isWhole(copy)
    await copy.close()
  }
  await db.close()
  const same = await open('same', { driver: memory(), modifiers })
  await same.import(backup)
  await same.close()
  const { left, whole } = await salvage('places', { driver, modifiers })
  assert.ok(whole)
  const rescued = await open('rescued', { driver: memory(), tables, modifiers })
  await rescued.import(left)
  await isWhole(rescued)
  await rescued.close()
})

test('chains that make no sense are refused', async () => {
  const { stage } = inverting()
  for (const modifiers of [[stage, stage], [compress('s2'), compress('s2')], [{}], [undefined], 'deflate', Array.from({ length: 8 }, (_, i) => inverting(i).stage)]) {
    await rejects('invalid_option', open('x', { driver: memory(), modifiers: modifiers as never }))
  }
  await rejects('invalid_option', () => compress('brotli' as never))
  await rejects('invalid_option', () => modifier(256, { seal: bytes => bytes, open: bytes => bytes }))
  await rejects('invalid_option', () => modifier(1, { seal: (bytes: Uint8Array) => bytes } as never))
})

/** As in a browser, which has streams and no node:zlib. */
async function streamed(Kind: typeof CompressionStream | typeof DecompressionStream, bytes: Uint8Array): Promise<Uint8Array> {
  return new Response(new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new Kind('deflate-raw' as never))).bytes()
}

test('deflate is that of CompressionStream, within bounds', async () => {
  const plain = new TextEncoder().encode('Oslo, '.repeat(2000))
  const packed = (await deflate(plain))!
  assert.ok(packed.length < 200)
  assert.deepEqual(await streamed(DecompressionStream, packed), plain)
  assert.deepEqual(new Uint8Array(await inflate(await streamed(CompressionStream, plain))), plain)
  assert.equal(await deflate(crypto.getRandomValues(new Uint8Array(5000))), undefined)
  for (const bad of [packed.subarray(0, -1), Buffer.concat([packed, Buffer.of(0)]), packed.map((byte, i) => (i === 0 ? byte ^ 7 : byte)), new Uint8Array(0)]) {
    await assert.rejects(inflate(bad), { code: 'corrupt' })
  }
  for (const size of [64 << 10, 1 << 20, 32 << 20]) {
    const zeros = new Uint8Array(size)
    const own = await deflate(zeros)
    assert.ok(size > 64 << 10 ? own === undefined : own !== undefined, `${size} zeros`)
    if (own !== undefined) assert.deepEqual(new Uint8Array(await inflate(own)), zeros)
    else await assert.rejects(inflate(await streamed(CompressionStream, zeros)), { code: 'corrupt' })
  }
})
