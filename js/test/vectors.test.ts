import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { memory, open, table, where } from 'stowage'

interface Vector {
  name: string
  docs: object[]
  filter: unknown
  matches: number[]
}

/** The filters that Go's tests match, here through the package: packed, in the module, with an index and without. */
const vectors = JSON.parse(readFileSync('../query/testdata/filters.json', 'utf8')) as Vector[]

test('every filter of query/testdata/filters.json matches what it is said to match', async () => {
  const Where = where('a').exists().constructor as new (ast: unknown) => ReturnType<ReturnType<typeof where>['exists']>
  const db = await open('vectors', {
    driver: memory(),
    tables: { plain: table({ key: '$place' }), indexed: table({ key: '$place', indexes: ['a', ['a', 'b'], 'd'] }), multi: table({ key: '$place', indexes: ['*a'] }) },
  })
  for (const { name, docs, filter, matches } of vectors) {
    for (const of of [db.plain, db.indexed, db.multi]) {
      await of.deleteMany({})
      await of.insertMany(docs.map((document, $place) => ({ ...document, $place })))
      const found = await of.find(new Where(filter))
      assert.deepEqual(found.map(document => document['$place']).sort((a, b) => a - b), matches, name)
    }
  }
  await db.close()
})
