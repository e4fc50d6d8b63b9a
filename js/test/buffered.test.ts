import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type Batch, type Driver, type DriverFactory, memory, open, StowageError, table } from 'stowage'

interface Note {
  id: number
  text: string
}

const tables = { notes: table<Note>({ key: 'id' }) }

/** A memory driver that counts batches, and fails them while told to. */
function watched(): DriverFactory & { commits: number; broken: boolean } {
  const inner = memory()
  const watching = {
    ...inner,
    commits: 0,
    broken: false,
    worker: undefined,
    async open(name: string): Promise<Driver> {
      const driver = await inner.open(name)
      const commit = driver.commit.bind(driver)
      driver.commit = async (batch: Batch) => {
        if (watching.broken) throw new StowageError('quota', 'there is no room')
        watching.commits++
        return commit(batch)
      }
      return driver
    },
  }
  return watching
}

test('a buffered commit is seen at once and written with others', async () => {
  const driver = watched()
  const db = await open('buffered', { driver, tables, durability: 'buffered' })
  await db.flush()
  const before = driver.commits
  for (let id = 0; id < 50; id++) {
    await db.notes.insert({ id, text: 'x' })
    assert.equal((await db.notes.get(id))?.text, 'x')
  }
  assert.equal(await db.notes.count(), 50)
  await db.flush()
  assert.ok(driver.commits - before < 25, `${driver.commits - before} batches for 50 commits`)
  await db.close()
})

test('what is buffered is written after so many bytes, or so long', async () => {
  const driver = watched()
  const bounded = (bufferBytes: number, bufferMilliseconds: number) =>
    open('bounded', { driver, tables, durability: 'buffered', bufferBytes, bufferMilliseconds })
  const written = async (before: number) => {
    while (driver.commits === before) await new Promise(resolve => setTimeout(resolve, 1))
  }
  let db = await bounded(10_000, 60_000)
  await db.flush()
  let before = driver.commits
  await db.notes.insert({ id: 1, text: 'x' })
  await new Promise(resolve => setTimeout(resolve, 200)) // longer than the time that holds unless it is given
  assert.equal(driver.commits, before)
  await db.notes.insert({ id: 2, text: 'x'.repeat(10_000) })
  await written(before)
  await db.close()
  db = await bounded(10_000, 1)
  await db.flush()
  before = driver.commits
  await db.notes.insert({ id: 3, text: 'x' })
  await written(before)
  await db.close()
  for (const wrong of [{ bufferBytes: 0 }, { bufferMilliseconds: 0.5 }]) {
    await assert.rejects(open('bounded', { driver, ...wrong }), { code: 'invalid_option' })
  }
})

test('a transaction chooses to be buffered, and close writes what is left', async () => {
  const driver = watched()
  const db = await open('chosen', { driver, tables })
  const before = driver.commits
  await db.transaction(tx => tx.notes.insert({ id: 1, text: 'later' }), { durability: 'buffered' })
  assert.equal(driver.commits, before)
  await db.close()
  const again = await open('chosen', { driver, tables })
  assert.equal((await again.notes.get(1))?.text, 'later')
  await again.close()
})

test('a buffered commit that comes to nothing is told of, once', async () => {
  const driver = watched()
  const told: StowageError[] = []
  const db = await open('lost', { driver, tables, durability: 'buffered', onLost: error => told.push(error) })
  await db.notes.insert({ id: 1, text: 'kept' })
  await db.flush()
  driver.broken = true
  await db.notes.insert({ id: 2, text: 'lost' })
  await assert.rejects(db.flush(), { code: 'quota' })
  driver.broken = false
  await db.flush()
  assert.deepEqual(await db.notes.getMany([1, 2]), [{ id: 1, text: 'kept' }, undefined])
  await db.notes.insert({ id: 3, text: 'after' })
  while (told.length === 0) await new Promise(resolve => setTimeout(resolve, 1))
  await db.close()
  assert.deepEqual(told.map(({ code }) => code), ['quota'])
})
