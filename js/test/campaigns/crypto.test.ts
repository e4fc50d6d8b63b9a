import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import * as argon2 from '../../src/crypto/argon2.js'
import { Opener, Sealer } from '../../src/crypto/blob.js'
import { type KDF, Kind, makeKEK, parameters, readKDF, readSecret } from '../../src/crypto/kdf.js'
import { Keys } from '../../src/crypto/keys.js'
import { headerOf, readRing } from '../../src/crypto/ring.js'
import { epochsKey, newEpoch, newSlot, openEpoch, openSlot } from '../../src/crypto/slot.js'
import { type Bytes, importKey } from '../../src/crypto/wrap.js'
import { bring } from '../../src/parts.js'
import { stride } from '../stride.js'

bring({ argon2 } as never)

const hex = (text = ''): Bytes => Uint8Array.from(Buffer.from(text, 'hex'))
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** The vectors that Go has written, and holds to itself. */
function vectors<T>(file: string): T[] {
  const all = JSON.parse(readFileSync(`../crypto/testdata/${file}`, 'utf8')) as T[]
  assert.ok(all.length > 0)
  return all
}

interface Unlocking {
  passphrase?: string
  key?: string
}

const secretOf = ({ passphrase, key }: Unlocking) => readSecret(key === undefined ? { passphrase } : { key: hex(key) })

const importAES = (raw: Bytes) => crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt'])

/** Bytes of which one is another. */
const altered = (bytes: Uint8Array, at: number, mask = 1) => Uint8Array.from(bytes, (byte, i) => (i === at ? byte ^ mask : byte))

for (const v of vectors<Unlocking & { name: string; kind: number; parameters: string; kek: string }>('kdf.json')) {
  test(`a KEK as Go makes it: ${v.name}`, async () => {
    const kdf = readKDF(v.kind, hex(v.parameters))!
    assert.equal(toHex(parameters(kdf)), v.parameters)
    const made = await makeKEK(kdf, await secretOf(v))
    assert.equal(made.extractable, false)
    // It cannot be read: what it seals, the vector's key opens.
    const [iv, plain] = [crypto.getRandomValues(new Uint8Array(12)), Uint8Array.of(1, 2, 3)]
    const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, made, plain)
    const opened = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, await importAES(hex(v.kek)), sealed)
    assert.deepEqual(new Uint8Array(opened), plain)
  })
}

test('the cost of a KDF has bounds', () => {
  const cost = (memory: number, time: number, parallel: number) => parameters({ kind: Kind.Argon2id, memory, time, parallel, salt: new Uint8Array(16) })
  for (const [memory, time, parallel] of [[19 << 10, 2, 1], [1 << 20, 16, 16]] as const) assert.ok(readKDF(2, cost(memory, time, parallel)))
  for (const [memory, time, parallel] of [[(19 << 10) - 1, 2, 1], [19 << 10, 1, 1], [19 << 10, 2, 0], [(1 << 20) + 1, 2, 1], [19 << 10, 17, 1], [19 << 10, 2, 17]] as const) {
    assert.equal(readKDF(2, cost(memory, time, parallel)), undefined)
  }
  const rounds = (iterations: number): KDF => ({ kind: Kind.PBKDF2, iterations, salt: new Uint8Array(16) })
  assert.ok(readKDF(3, parameters(rounds(600_000))))
  for (const iterations of [599_999, 10_000_001]) assert.equal(readKDF(3, parameters(rounds(iterations))), undefined)
  for (const [kind, length] of [[0, 0], [1, 1], [2, 24], [3, 21], [4, 0]] as const) assert.equal(readKDF(kind, new Uint8Array(length)), undefined)
})

interface Wrapping {
  env: string
  id: number
  kind: number
  parameters?: string
  under: string
  holds: string
  random: string
  wrapped: string
}

test('slots and epochs as Go wraps them', async () => {
  for (const v of vectors<Wrapping>('slots.json')) {
    const kdf = readKDF(v.kind, hex(v.parameters))!
    const kek = await importAES(hex(v.under))
    const slot = await newSlot(hex(v.env), v.id, kdf, kek, hex(v.holds), hex(v.random))
    assert.equal(toHex(slot.wrapped), v.wrapped)
    assert.equal(toHex((await openSlot(hex(v.env), slot, kek))!), v.holds)
    assert.equal(await openSlot(hex(v.env), { ...slot, id: v.id + 1 }, kek), undefined)
  }
  for (const v of vectors<Wrapping>('epochs.json')) {
    const under = await epochsKey(hex(v.env), await importKey(hex(v.under)))
    const epoch = await newEpoch(hex(v.env), v.id, under, hex(v.holds), hex(v.random))
    assert.equal(toHex(epoch.wrapped), v.wrapped)
    assert.equal(toHex((await openEpoch(hex(v.env), epoch, under))!), v.holds)
    assert.equal(await openEpoch(hex(v.env), { ...epoch, number: v.id + 1 }, under), undefined)
  }
})

/** Errors of rings by the name that the vectors have for them. */
const codes: Record<string, string> = { header: 'corrupt_header', newer: 'newer_format', key: 'wrong_key', tampered: 'tampered' }

for (const v of vectors<Unlocking & { name: string; env: string; header: string; error?: string; slot?: number; epochs?: { number: number; data: string }[] }>('rings.json')) {
  test(`a ring as Go reads it: ${v.name}`, async () => {
    const unlock = async () => Keys.unlock(hex(v.env), readRing(hex(v.header)), await secretOf(v))
    if (v.error !== undefined) return assert.rejects(unlock, { code: codes[v.error] })
    const keys = await unlock()
    assert.equal(toHex(keys.header), v.header)
    assert.equal(await keys.slot(), v.slot)
    assert.deepEqual([...keys.data.keys()], v.epochs!.map(epoch => epoch.number))
  })
}

test('a ring with a bit turned over, or cut, is no ring', async () => {
  const { header } = vectors<{ header: string }>('rings.json')[0]!
  const bytes = hex(header)
  for (let bit = 0; bit < bytes.length * 8; bit++) assert.throws(() => readRing(altered(bytes, bit >> 3, 1 << (bit & 7)) as Bytes), { code: 'corrupt_header' })
  for (let end = 0; end < bytes.length; end++) assert.throws(() => readRing(bytes.slice(0, end)), { code: 'corrupt_header' })
  assert.equal(toHex(headerOf(readRing(bytes))), header)
})

interface Sealed {
  env: string
  epoch: number
  data: string
  random: string
  kind: number
  name: string
  before: string
  plain: string
  blob: string
}

test('blobs as Go seals them, and nothing else', async () => {
  for (const v of vectors<Sealed>('blobs.json')) {
    const data = new Map([[v.epoch, await importKey(hex(v.data))]])
    const keys = { env: hex(v.env), epoch: v.epoch, data } as never
    const random = hex(v.random)
    let drawn = 0
    const label = { kind: v.kind, name: v.name, before: hex(v.before) }
    const sealer = new Sealer(keys, length => random.slice(drawn, (drawn += length)))
    assert.equal(toHex(Buffer.concat(await sealer.seal(label, hex(v.plain)))), v.blob)
    const opener = new Opener(keys)
    const blob = hex(v.blob)
    assert.equal(toHex((await opener.open(label, blob))!), v.plain)
    for (let bit = 32; bit < Math.min(blob.length * 8, 2000); bit += stride) {
      await assert.rejects(opener.open(label, altered(blob, bit >> 3, 1 << (bit & 7))), { code: 'tampered' })
    }
    assert.equal(await opener.open(label, altered(blob, 3, 0x80)), undefined, 'an epoch that is not known')
    for (let end = 4; end < Math.min(blob.length, 200); end += stride) await assert.rejects(opener.open(label, blob.subarray(0, end)), { code: 'tampered' })
    const others = [{ ...label, kind: v.kind + 1 }, { ...label, name: `${v.name}0` }, { ...label, before: Uint8Array.of(...label.before, 2, 1) }]
    for (const other of others) await assert.rejects(opener.open(other, blob), { code: 'tampered' })
  }
})

/** Where the vectors of the Wycheproof project are: a test dependency of the Go module. */
const wycheproof = execFileSync('go', ['list', '-m', '-f', '{{.Dir}}', 'github.com/c2sp/wycheproof'], { cwd: '..', encoding: 'utf8' }).trim()

interface Group<T> {
  ivSize?: number
  keySize?: number
  tagSize?: number
  tests: ({ tcId: number; result: 'valid' | 'invalid' | 'acceptable' } & T)[]
}

const groups = <T>(file: string) => (JSON.parse(readFileSync(`${wycheproof}/testvectors_v1/${file}`, 'utf8')) as { testGroups: Group<T>[] }).testGroups

test('AES-GCM of the host passes the vectors of Wycheproof', async () => {
  let count = 0
  for (const group of groups<{ key: string; iv: string; aad: string; msg: string; ct: string; tag: string }>('aes_gcm_test.json')) {
    if (group.ivSize !== 96 || group.keySize !== 256 || group.tagSize !== 128) continue // no others are used
    for (const v of group.tests) {
      const open = async () => crypto.subtle.decrypt({ name: 'AES-GCM', iv: hex(v.iv), additionalData: hex(v.aad) }, await importAES(hex(v.key)), hex(v.ct + v.tag))
      if (v.result === 'valid') assert.equal(toHex(new Uint8Array(await open())), v.msg, `test ${v.tcId}`)
      else await assert.rejects(open, `test ${v.tcId}`)
      count++
    }
  }
  assert.ok(count > 30, `${count} vectors`)
})

test('HKDF of the host passes the vectors of Wycheproof', async () => {
  let count = 0
  for (const group of groups<{ ikm: string; salt: string; info: string; size: number; okm: string }>('hkdf_sha256_test.json')) {
    for (const v of group.tests) {
      if (v.size > 255 * 32) continue
      const base = await crypto.subtle.importKey('raw', hex(v.ikm), 'HKDF', false, ['deriveBits'])
      const made = await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: hex(v.salt), info: hex(v.info) }, base, v.size * 8)
      assert.equal(toHex(new Uint8Array(made)), v.okm, `test ${v.tcId}`)
      count++
    }
  }
  assert.ok(count > 30, `${count} vectors`)
})

test('keys cannot be read out of a context', async () => {
  const kek = { kdf: { kind: Kind.Key } as KDF, key: await importAES(new Uint8Array(32)) }
  const keys = await Keys.create(new Uint8Array(16), kek)
  for (const key of keys.data.values()) await assert.rejects(crypto.subtle.exportKey('raw', key))
})
