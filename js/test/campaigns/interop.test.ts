import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { compress, encrypt, memory, open, table } from 'stowage'
import { directory } from 'stowage/drivers/fs'

import { packDocument } from '../../src/document/document.js'
import { rejects } from '../places.js'

/** Only what both sides declare; the Go side stands in testdata/interop. */
const tables = { places: table<{ id: number; country: string }>({ key: 'id', indexes: ['country'] }) }

function interop(what: 'read' | 'write' | 'inflate', dir: string, ...passphrase: string[]): string {
  return execFileSync('go', ['run', './js/test/testdata/interop', what, dir, ...passphrase], { cwd: '..', encoding: 'utf8' }).trim()
}

async function inDirectory(f: (dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'stowage-'))
  try {
    await f(dir)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

test('Go reads what the Node driver wrote', () =>
  inDirectory(async dir => {
    const db = await open('atlas', { driver: directory(dir), tables })
    await db.places.insertMany(Array.from({ length: 3000 }, (_, id) => ({ id, country: ['NO', 'SE', 'DK'][id % 3]! })))
    await db.places.put({ id: 4, country: 'NO' })
    await db.close()
    const document = Buffer.from(packDocument({ id: 4, country: 'NO' })).toString('hex')
    assert.equal(interop('read', join(dir, 'atlas')), `3000 1001 ${document}`)
  }))

test('the Node driver reads what Go wrote', () =>
  inDirectory(async dir => {
    interop('write', join(dir, 'atlas'))
    const db = await open('atlas', { driver: directory(dir), tables })
    assert.equal(await db.places.count(), 2000)
    assert.equal(await db.places.count({ country: 'SE' }), 500)
    assert.deepEqual(await db.places.get(1999), { id: 1999, country: 'FI' })
    await db.places.insert({ id: 5000, country: 'IS' })
    assert.deepEqual((await db.check()).problems, [])
    await db.close()
    assert.match(interop('read', join(dir, 'atlas')), /^2001 500 /)
  }))

test('what either has encrypted the other opens, with the passphrase', () =>
  inDirectory(async dir => {
    const passphrase = 'Ångström, correct horse'
    const modifiers = [encrypt({ passphrase, argon2id: { memory: 19 << 10, time: 2 } })]
    interop('write', join(dir, 'go'), passphrase)
    let db = await open('go', { driver: directory(dir), tables, modifiers })
    assert.equal(await db.places.count({ country: 'SE' }), 500)
    await db.places.insert({ id: 5000, country: 'NO' })
    await db.rotateKey()
    assert.deepEqual((await db.check()).problems, [])
    await db.close()
    assert.match(interop('read', join(dir, 'go'), passphrase), /^2001 501 /)
    await rejects('key_required', open('go', { driver: directory(dir), tables }))
    db = await open('js', { driver: directory(dir), tables, modifiers })
    await db.places.insertMany(Array.from({ length: 3000 }, (_, id) => ({ id, country: 'NO' })))
    await db.close()
    assert.match(interop('read', join(dir, 'js'), passphrase), /^3000 3000 /)
    assert.throws(() => interop('read', join(dir, 'js'), 'another'), /wrong_key/)
    assert.throws(() => interop('read', join(dir, 'js')), /key_required/)
  }))

test('Go undoes the deflate of the host', () =>
  inDirectory(async dir => {
    const db = await open('js', { driver: directory(dir), tables, modifiers: [compress('deflate')] })
    await db.places.insertMany(Array.from({ length: 3000 }, (_, id) => ({ id, country: 'NO' })))
    await db.close()
    assert.match(interop('inflate', join(dir, 'js')), /^3000 3000 /)
    assert.throws(() => interop('read', join(dir, 'js')), /missing_modifier/)
  }))

test('a directory that is open is locked, until its process is gone', () =>
  inDirectory(async dir => {
    const db = await open('atlas', { driver: directory(dir), tables })
    assert.throws(() => interop('read', join(dir, 'atlas')), /locked/)
    await rejects('locked', open('atlas', { driver: { ...directory(dir), id: 'another way to it' } }))
    await db.close()
    writeFileSync(join(dir, 'atlas', 'lock'), '999999999')
    const again = await open('atlas', { driver: directory(dir), tables })
    await again.close()
    await rejects('invalid_argument', open('../x', { driver: directory(dir) }))
  }))

test('the command restores what JavaScript exports, and the other way round', () =>
  inDirectory(async dir => {
    const command = (...args: string[]) => execFileSync('go', ['run', './cmd/stowage', ...args], { cwd: '..', encoding: 'utf8' })
    const file = join(dir, 'exported.stowage')
    const db = await open('interop', { driver: memory(), tables })
    await db.places.insertMany(Array.from({ length: 3000 }, (_, id) => ({ id, country: ['NO', 'SE', 'DK'][id % 3]! })))
    writeFileSync(file, new Uint8Array(await new Response(db.export() as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer()))
    command('restore', join(dir, 'atlas'), file)
    assert.match(command('list', join(dir, 'atlas')), /^table +3000 +places\n$/)
    assert.deepEqual(JSON.parse(command('get', '-t', join(dir, 'atlas'), 'places', '4')), { id: 4, country: 'SE' })
    command('delete', '-t', join(dir, 'atlas'), 'places', '4')
    command('dump', join(dir, 'atlas'), file)
    await db.import(new Blob([readFileSync(file)]), { replace: true })
    assert.deepEqual([await db.places.count(), await db.places.count({ country: 'SE' })], [2999, 999])
    await db.close()
  }))
