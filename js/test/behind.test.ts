import assert from 'node:assert/strict'
import { test } from 'node:test'

import { WriteBehind } from '../src/drivers/behind.js'
import type { Batch, Driver } from '../src/drivers/driver.js'
import { memory } from '../src/drivers/memory.js'

const batch = (parts: Partial<Batch>): Batch => ({ put: [], add: [], root: undefined, remove: [], durability: 'relaxed', ...parts })
const put = (...names: string[]) => batch({ put: names.map(name => ({ name, bytes: new TextEncoder().encode(name) })) })
const add = (name: string) => batch({ add: [{ name, bytes: Uint8Array.of(1) }] })

/** A driver whose commits wait, or fail, as they are told, with a log of what was written. */
async function controlled() {
  const inner = await memory().open('x')
  const written: string[] = []
  const waiting: (() => void)[] = []
  const state = { hold: false, failing: false }
  const driver: Driver = {
    read: names => inner.read(names),
    list: prefix => inner.list(prefix),
    info: held => inner.info(held),
    close: () => inner.close(),
    async commit(b) {
      if (state.hold) await new Promise<void>(resolve => waiting.push(resolve))
      if (state.failing) throw new Error('no space')
      written.push([...b.put, ...b.add].map(blob => blob.name).join())
      return inner.commit(b)
    },
  }
  const release = () => {
    state.hold = false
    for (const resume of waiting.splice(0)) resume()
  }
  return { behind: new WriteBehind(driver, () => {}), written, state, release }
}

const settledWithin = async (work: Promise<unknown>) =>
  Promise.race([work.then(() => true), new Promise<boolean>(resolve => setTimeout(resolve, 10, false))])

test('what nothing refers to is not waited for, what publishes it is', async () => {
  const { behind, written, state, release } = await controlled()
  state.hold = true
  await behind.commit(put('p/1', 'p/2'))
  await behind.commit(put('p/3'))
  assert.deepEqual((await behind.read(['p/2', 'r', 'p/3'])).map(b => b && new TextDecoder().decode(b)), ['p/2', undefined, 'p/3'])
  const published = behind.commit(add('l/1'))
  assert.equal(await settledWithin(published), false)
  release()
  await published
  assert.deepEqual(written, ['p/1,p/2', 'p/3', 'l/1'])
  assert.deepEqual(await behind.list(''), ['l/1', 'p/1', 'p/2', 'p/3'])
  await behind.close()
})

test('only so many are on their way at once', async () => {
  const { behind, state, release } = await controlled()
  state.hold = true
  for (let i = 0; i < 4; i++) assert.equal(await settledWithin(behind.commit(put(`p/${i}`))), true)
  const tooMany = behind.commit(put('p/4'))
  assert.equal(await settledWithin(tooMany), false)
  release()
  await tooMany
  await behind.close()
})

test('what failed is written again before anything is published, and fails that', async () => {
  const { behind, written, state } = await controlled()
  state.failing = true
  await behind.commit(put('p/1'))
  await assert.rejects(behind.commit(add('l/1')), /no space/)
  await assert.rejects(behind.commit(add('l/1')), /no space/)
  assert.equal((await behind.read(['p/1']))[0]?.length, 3)
  state.failing = false
  await behind.commit(add('l/1'))
  assert.deepEqual(written, ['p/1', 'l/1'])
  await behind.close()
})

test('what failed and is given up does not come back', async () => {
  const { behind, written, state } = await controlled()
  state.failing = true
  await behind.commit(put('p/1', 'p/2'))
  await behind.commit(put('p/3'))
  await new Promise(resolve => setTimeout(resolve))
  state.failing = false
  await behind.commit(batch({ remove: ['p/1', 'p/3'] }))
  assert.deepEqual(written, ['p/2', ''])
  assert.deepEqual(await behind.list('p/'), ['p/2'])
  await behind.close()
})
