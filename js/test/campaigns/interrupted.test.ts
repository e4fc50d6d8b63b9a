import assert from 'node:assert/strict'
import { test } from 'node:test'

import { compress, type Database, type Driver, type DriverFactory, encrypt, memory, modifier, open, StowageError } from 'stowage'

import { unpack } from '../../src/document/document.js'
import { place, placesFrom, rejects, tables } from '../places.js'
import { byKey, type Chained, key, randomKey, stored, unlocking } from '../sealed.js'

const rows = 400

/** How the calls of a driver end from the n-th on: that one fails, or none of them is ever answered. */
type How = 'fails' | 'stops'

/** A driver over another one that is interrupted at a call, and counts them. */
function interrupted(inner: DriverFactory, how: How, at: number) {
  const state = { calls: 0, reached: Promise.resolve(), armed: false, driver: undefined as Driver | undefined }
  let reach = () => {}
  state.reached = new Promise<void>(resolve => {
    reach = resolve
  })
  const call = async <R>(f: () => Promise<R>): Promise<R> => {
    if (!state.armed) return f()
    state.calls++
    if (how === 'fails' ? state.calls !== at : state.calls < at) return f()
    reach()
    if (how === 'stops') return new Promise<R>(() => {})
    throw new Error(`call ${at} fails`)
  }
  const driver: DriverFactory = {
    id: `${inner.id} interrupted`,
    async open(name) {
      const opened = (state.driver = await inner.open(name))
      return {
        read: names => call(() => opened.read(names)),
        commit: batch => call(() => opened.commit(batch)),
        list: prefix => call(() => opened.list(prefix)),
        info: held => call(() => opened.info(held)),
        close: () => opened.close(),
      }
    },
  }
  return { driver, state }
}

/** As after a crash: the engine is gone with what it was about to do, and the driver is free. */
async function crash(db: unknown, driver: Driver): Promise<void> {
  const { session } = db as { session: { engine?: { discard(why: Error): void } } }
  session.engine?.discard(new StowageError('engine_lost', 'it has crashed'))
  await driver.close()
}

async function filled(driver: DriverFactory, { from, notes }: Change): Promise<void> {
  const db = await open('places', { driver, tables, ...from })
  await db.places.insertMany(placesFrom(1, rows))
  await db.notes.insertMany(Array.from({ length: notes }, (_, i) => ({ text: `canary ${i} `.repeat(30_000) })))
  await db.checkpoint()
  await db.places.insert(place(5000))
  await db.close()
}

async function isWhole(db: Database<typeof tables>, { notes }: Change, what: string): Promise<void> {
  assert.equal(await db.places.count(), rows + 1, what)
  assert.deepEqual(await db.places.find({ id: { $in: [1, rows, 5000] } }).orderBy('id'), [1, rows, 5000].map(place), what)
  for (const { id, text } of await db.notes.find()) assert.equal(text, `canary ${id - 1} `.repeat(30_000), what)
  assert.equal(await db.notes.count(), notes, what)
  assert.deepEqual((await db.check()).problems, [], what)
}

async function opensWhole(driver: DriverFactory, change: Change, what: string): Promise<void> {
  const db = await open('places', { driver, tables, ...change.to })
  await isWhole(db, change, what).finally(() => db.close())
}

/** The stages that blobs have passed, and the epochs that they are sealed in, each once. */
async function sealedBy(driver: DriverFactory): Promise<{ stages: Set<string>; epochs: Set<number> }> {
  const stages = new Set<string>()
  const epochs = new Set<number>()
  for (const [name, bytes] of await stored(driver)) {
    if (name.startsWith('k/')) continue
    const envelope = unpack(bytes, 0, bytes.length) as [version: number, kind: number, stages: Uint8Array, ...rest: Uint8Array[]]
    const passed = Buffer.from(envelope[2])
    for (let at = 0; at < passed.length; at += 2) {
      stages.add(`${passed[at]},${passed[at + 1]}`)
      if (passed[at] === 3) epochs.add(Buffer.from(envelope.at(-1) as Uint8Array).readUInt32BE(0))
    }
  }
  return { stages, epochs }
}

interface Change {
  from: Chained
  /** What opens it while the change is half done, and afterwards. */
  both: Chained
  to: Chained
  /** With what it fails to open after the change, and how. */
  not: [code: string, options: Chained][]
  /** So many notes are large: with many of them what is sealed anew at once is not all of it. */
  notes: number
  run(db: Database<typeof tables>): Promise<void>
}

const plain: Chained = { modifiers: [compress('none')] }
const invert = (bytes: Uint8Array) => bytes.map(byte => ~byte)
const own = modifier(9, { seal: invert, open: invert })
const [s2Key, deflateKey] = [[compress(), encrypt({ key })], [compress('deflate'), encrypt({ key })]].map(modifiers => ({ modifiers })) as [Chained, Chained]
const wrong: [string, Chained][] = [['wrong_key', unlocking({ key: randomKey() })], ['key_required', { modifiers: [] }]]
const rechain = (to: Chained) => (db: Database<typeof tables>) => db.rechain(to.modifiers)

const changes: Record<string, Change> = {
  'rotated': { from: byKey, both: byKey, to: byKey, not: wrong, notes: 14, run: db => db.rotateKey() },
  'encrypted': { from: plain, both: byKey, to: byKey, not: wrong, notes: 1, run: rechain(byKey) },
  'decrypted': { from: byKey, both: byKey, to: plain, not: [['not_encrypted', byKey]], notes: 1, run: rechain(plain) },
  'compressed otherwise': { from: s2Key, both: { modifiers: [compress(), ...deflateKey.modifiers] }, to: deflateKey, not: [...wrong, ['missing_modifier', byKey]], notes: 14, run: rechain(deflateKey) },
  'given a stage': { from: plain, both: { modifiers: [compress('none'), own] }, to: { modifiers: [compress('none'), own] }, not: [['missing_modifier', plain]], notes: 1, run: rechain({ modifiers: [compress('none'), own] }) },
}

for (const [name, change] of Object.entries(changes)) {
  for (const how of ['fails', 'stops'] as const) {
    test(`${name}, and interrupted at every call of the driver, which ${how}: it is whole, and opens with its keys alone`, { timeout: 300_000 }, async () => {
      for (let at = 1; ; at++) {
        const inner = memory()
        await filled(inner, change)
        const { driver, state } = interrupted(inner, how, at)
        const db = await open('places', { driver, tables, ...change.from })
        state.armed = true
        const what = `call ${at}`
        const running = change.run(db).then(
          () => undefined,
          (error: StowageError) => error,
        )
        const error = await Promise.race([running, state.reached.then(() => (how === 'stops' ? 'stopped' : running))])
        state.armed = false
        const over = state.calls < at
        if (error instanceof StowageError) {
          assert.equal(error.code, 'backend_failed', what)
          await isWhole(db, change, what)
        }
        if (over) assert.equal(error, undefined, what)
        if (error === 'stopped') {
          await crash(db, state.driver!)
          assert.equal((await running)?.code, 'engine_lost', what)
        } else {
          await db.close()
        }
        if (!over) await resume(inner, change, what)
        await opensWhole(inner, change, what)
        for (const [code, options] of change.not) await rejects(code, open('places', { driver: inner, tables, ...options }), what)
        const by = await sealedBy(inner)
        assert.ok(by.epochs.size <= 1, `${what}: sealed in epochs ${[...by.epochs]}`)
        for (const { kind, id } of change.from.modifiers.filter(m => m.method !== 'none' && !change.to.modifiers.some(to => to.kind === m.kind && to.id === m.id))) {
          assert.ok(!by.stages.has(`${kind},${id}`), `${what}: stage ${kind},${id} is left`)
        }
        if (over) {
          assert.ok(at > 5, `there were ${at - 1} calls to interrupt`)
          return
        }
      }
    })
  }
}

/** Opens what was interrupted, finds it whole, and goes on with the change to its end. */
async function resume(driver: DriverFactory, change: Change, what: string): Promise<void> {
  const { from, both, to, run } = change
  let db: Database<typeof tables> | undefined
  for (const options of [both, from, to]) {
    try {
      db = await open('places', { driver, tables, ...options })
      break
    } catch (error) {
      assert.ok(['not_encrypted', 'key_required', 'missing_modifier'].includes((error as StowageError).code), `${what}: ${String(error)}`)
    }
  }
  assert.ok(db, `${what}: nothing opens it`)
  await isWhole(db, change, what)
  await run(db)
  await isWhole(db, change, what)
  await db.close()
}
