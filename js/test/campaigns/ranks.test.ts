import assert from 'node:assert/strict'
import { test } from 'node:test'

import { memory, open } from 'stowage'
import { structures } from 'stowage/structures'

test('ranks in a set of many levels, against a sorted list', async () => {
  const db = await open('ranks', { driver: memory() })
  const s = structures(db, 'structures')
  const all = Array.from({ length: 3000 }, (_, i) => ({ member: `m${(i * 7919) % 3000}`, score: (i * 31) % 500 }))
  for (let i = 0; i < all.length; i += 500) await s.zAdd('set', ...all.slice(i, i + 500))
  all.sort((a, b) => a.score - b.score || (a.member < b.member ? -1 : 1))
  for (let i = 0; i < all.length; i += 97) {
    assert.equal(await s.zRank('set', all[i]!.member), i)
    assert.deepEqual(await s.zRange('set', i, i + 3), all.slice(i, i + 4))
    assert.deepEqual(await s.zRevRange('set', i, i + 3), all.toReversed().slice(i, i + 4))
  }
  assert.deepEqual(await s.zRangeByScore('set', { min: 100, minOpen: true, offset: 700, count: 2 }), all.filter(z => z.score > 100).slice(700, 702))
  assert.equal(await s.zRemRangeByRank('set', 5, -1), 2995)
  assert.equal(await db.store('structures').count(), 11)
  await db.close()
})
