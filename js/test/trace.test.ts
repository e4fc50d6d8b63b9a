import assert from 'node:assert/strict'
import { test } from 'node:test'

import { judge } from '../src/opening.js'
import { blank, later, latest, parseTrace, readSlots, type Trace, writeSlot } from '../src/sentinel/trace.js'

const at = (position: number, life = 0): Trace => ({ ...blank, id: 'a'.repeat(32), life, position, clean: false })

test('a later trace is one of a later life, or further on in the same', () => {
  assert.ok(later(at(2), at(1)))
  assert.ok(!later(at(1), at(1)))
  assert.ok(later(at(1, 1), at(9)))
  assert.deepEqual(latest(undefined, at(1), at(3), at(2)), at(3))
  assert.equal(latest(undefined, undefined), undefined)
})

test('the older slot is overwritten, and one that is torn leaves the other', () => {
  const file = new Uint8Array(512)
  for (let position = 1; position <= 5; position++) {
    const { next } = readSlots(file)
    const torn = file.slice()
    const slot = writeSlot(at(position))
    torn.set(slot.subarray(0, 100), next)
    if (position > 1) assert.deepEqual(readSlots(torn).trace, at(position - 1))
    file.set(slot, next)
    assert.deepEqual(readSlots(file).trace, at(position))
  }
  for (let i = 0; i < file.length; i++) {
    const flipped = file.slice()
    flipped[i]! ^= 1
    assert.ok([4, 5].includes(readSlots(flipped).trace!.position), `byte ${i}`)
  }
  assert.equal(readSlots(new Uint8Array(0)).trace, undefined)
  assert.equal(readSlots(new Uint8Array(512)).trace, undefined)
})

test('a slot has room for the largest numbers', () => {
  const large: Trace = { id: 'f'.repeat(32), life: 2 ** 53 - 1, generation: 2 ** 53 - 1, position: 2 ** 53 - 1, clean: false, aside: 9 }
  const slot = writeSlot(large)
  assert.equal(slot.length, 256)
  assert.deepEqual(readSlots(slot).trace, large)
})

test('a text that is no trace is none', () => {
  for (const text of [null, '', '{', 'null', '[]', '{"id":1}', JSON.stringify({ ...blank, position: -1 })]) assert.equal(parseTrace(text), undefined)
})

test('what is there is held against what is remembered', () => {
  const there = (id: string, position: number) => ({ id, generation: 1, position })
  const { id } = at(0)
  assert.equal(judge(blank, there('', 0)), 'fresh')
  assert.equal(judge(blank, there(id, 5)), 'ok')
  assert.equal(judge(at(5), there(id, 5)), 'ok')
  assert.equal(judge(at(5), there(id, 6)), 'ok')
  assert.equal(judge(at(5), there(id, 4)), 'rolled-back')
  assert.equal(judge(at(5), there('', 0)), 'evicted')
  assert.equal(judge(at(5), there('b'.repeat(32), 9)), 'evicted')
})
