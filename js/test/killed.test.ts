import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { memory, open } from 'stowage'
import { directory } from 'stowage/drivers/fs'
import { geo, hash, over, sortedSet } from 'stowage/repositories'
import { structures } from 'stowage/structures'

import { rejects } from './places.js'

/** The directory that another process, which is this file again, adds entities to until it is killed. */
const given = process.env.STOWAGE_TEST_DIRECTORY

/** What a process keeps in files: repositories with a fast tier in memory. */
async function shelf(folder: string, sweepEvery?: number) {
  const db = await open('shelf', { driver: directory(folder) })
  const s = structures(db, 'fallback', sweepEvery === undefined ? {} : { sweepEvery })
  const fast = over(structures(await open('fast', { driver: memory() }), 'fast'))
  const config = (name: string) => ({ name, fast, fallback: over(s), fallbackTimeout: 60_000 })
  return {
    db, s,
    people: hash<{ id: string; version: number }>({ ...config('person'), attributes: { id: 'text', version: 'number' } }),
    ladders: sortedSet(config('ladder')),
    shops: geo(config('shop')),
  }
}

type Shelf = Awaited<ReturnType<typeof shelf>>

/** Adds to every repository at once, has sets grow and go, and tells how often it has. */
async function addForever({ people, ladders, shops, s }: Shelf): Promise<never> {
  for (let n = 0; ; n++) {
    await Promise.all([
      people.add({ id: 'ada', version: n }, { id: 'bo', version: n }),
      ladders.add({ id: 'chess', members: [{ member: `${n}`, score: n % 7 }, { member: `${-n - 1}`, score: 3 }] }),
      shops.addWith([{ id: 'tea', members: [{ member: `${n}`, longitude: 0, latitude: 0 }] }], { fallbackExpiry: 1 }),
      n % 4 === 3 ? s.del('large') : s.zAdd('large', ...Array.from({ length: 40 }, (_, i) => ({ member: `${n} ${i}`, score: i }))),
    ])
    process.stdout.write(`${n}\n`)
  }
}

/** Has a process add so often, kills it, and tells how often it said it had. */
async function killed(folder: string, after: number): Promise<number> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url)], { env: { ...env, STOWAGE_TEST_DIRECTORY: folder }, stdio: ['ignore', 'pipe', 'inherit'] })
  let said = -1
  for await (const line of createInterface(child.stdout)) {
    said = Number(line)
    if (said >= after) child.kill('SIGKILL') // and what it had told before counts as well
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return said
}

/** Holds a shelf against what a killed process said that it had added. */
async function holds({ db, s, people, ladders, shops }: Shelf, said: number): Promise<void> {
  const [ada, bo] = [await people.query('ada').entity(), await people.query('bo').entity()]
  assert.ok(ada.version === bo.version && ada.version >= said, `${ada.version} and ${bo.version} where ${said} had been added`)
  const chess = await ladders.query('chess').entity()
  assert.equal(chess.members.length, chess.size)
  assert.ok(chess.size % 2 === 0 && chess.size >= 2 * (said + 1), `${chess.size} members where ${said} had been added`)
  await new Promise(resolve => setTimeout(resolve, 2))
  await rejects('not_found', shops.query('tea', { longitude: 0, latitude: 0, distance: 1 }).entity())
  for (const key of ['ladder:chess', 'large']) {
    for (const [i, { member }] of (await s.zRange(key, 0, -1)).entries()) assert.equal(await s.zRank(key, member), i, member)
  }
  await s.sweep()
  assert.deepEqual((await db.check()).problems, [])
}

if (given !== undefined) {
  await addForever(await shelf(given, 2))
} else {
  test('what a killed process had added to files is there, and what it added together is there together', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stowage-'))
    const said = await killed(folder, 4)
    const opened = await shelf(folder)
    await rejects('locked', directory(folder).open('shelf'))
    await holds(opened, said)
    await opened.db.close()
    rmSync(folder, { recursive: true })
  })
}
