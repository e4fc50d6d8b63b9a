import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import * as stowage from 'stowage'
import { hash, identity } from 'stowage/identity'

import { Condition } from '../src/query/where.js'

const page = readFileSync('QUERIES.md', 'utf8')

/** The blocks of code of one language. */
function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, text]) => text!)
}

test('every example of QUERIES.md finds what it says', async () => {
  const documents = JSON.parse(blocks('json')[0]!) as { id: string }[]
  const db = await stowage.open('examples', {
    driver: stowage.memory(),
    tables: {
      plain: stowage.table({ key: 'id' }),
      indexed: stowage.table({ key: 'id', indexes: ['country', 'name', 'population', 'twin', '*tags', ['country', 'population'], 'land'] }),
    },
  })
  await db.plain.insertMany(documents)
  await db.indexed.insertMany(documents)
  const order = documents.map(({ id }) => id)
  const { where, field, custom, and, or, not, noop } = stowage
  const scope = { where, field, custom, and, or, not, noop }
  let examples = 0
  for (const line of blocks('ts').join('').trim().split('\n')) {
    const [, source, expected] = /^(.*?) *\/\/ ?(.*)$/.exec(line)!
    const filter = new Function(...Object.keys(scope), `return (${source})`)(...Object.values(scope)) as never
    for (const of of [db.plain, db.indexed]) {
      const found = (await of.find(filter)).map(document => document['id'] as string)
      assert.equal(found.sort((a, b) => order.indexOf(a) - order.indexOf(b)).join(' '), expected, source)
      assert.equal(await of.count(filter), found.length, source)
    }
    examples++
  }
  assert.ok(examples > 80, `${examples} examples`)
  await db.close()
})

test('every two filters that QUERIES.md says to be the same have one identity', () => {
  const { where, and, or } = stowage
  const scope = { where, and, or }
  const filter = (source: string) => new Function(...Object.keys(scope), `return (${source})`)(...Object.values(scope)) as object
  const lines = blocks('same').join('').trim().split('\n').map(line => line.split('//') as [string, string])
  for (const [one, other] of lines) {
    assert.equal(identity(filter(one)), identity(filter(other)), one)
    assert.equal(hash(filter(one)), hash(filter(other)), one)
  }
  assert.equal(new Set(lines.map(([one]) => identity(filter(one)))).size, 5)
})

test('every result of QUERIES.md is what it says', async () => {
  const documents = JSON.parse(blocks('json')[0]!) as { id: string }[]
  const indexes = ['country', 'name', ['country', 'name'], 'land', ['country', 'land']]
  const tables = { plain: stowage.table({ key: 'id' }), indexed: stowage.table({ key: 'id', indexes }) }
  const db = await stowage.open('results', { driver: stowage.memory(), tables })
  const { count, sum, avg, min, max, first, last } = stowage
  const asked = new Set<string>()
  for (const cities of [db.plain, db.indexed]) {
    await cities.insertMany(documents)
    for (const line of blocks('js').join('').trim().split('\n')) {
      const [, source, expected] = /^(.*?) *\/\/ (.*)$/.exec(line)!
      const scope = { cities, count, sum, avg, min, max, first, last }
      const result = await new Function(...Object.keys(scope), `return ${source}`)(...Object.values(scope))
      assert.deepEqual(result, JSON.parse(expected!), source)
      for (const [, name] of source!.matchAll(/(\w+)\(/g)) asked.add(name!)
    }
  }
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(db.plain.find()))) {
    const elsewhere = ['constructor', 'then', 'explain', 'subscribe', 'identity', 'run', 'rows', 'only', 'execute', 'with', 'revived', 'packed']
    assert.ok(elsewhere.includes(name) || asked.has(name), `there is no example of ${name}`)
  }
  for (const name of ['count', 'sum', 'avg', 'min', 'max', 'first', 'last']) assert.ok(asked.has(name))
  await db.close()
})

test('QUERIES.md has an example of every operator', () => {
  const examples = blocks('ts').join('')
  const inner = new Set(['constructor', 'compare', 'pattern', 'is'])
  for (const name of Object.getOwnPropertyNames(Condition.prototype)) {
    assert.ok(inner.has(name) || examples.includes(`.${name}(`), `there is no example of ${name}`)
  }
  const written = readFileSync('src/query/match.ts', 'utf8')
  for (const [, name] of written.matchAll(/case '(\$\w+)'/g)) assert.ok(examples.includes(name!), `there is no example of ${name}`)
  for (const name of /plain = new Set\(\[(.*)\]\)/.exec(written)![1]!.matchAll(/'(\w+)'/g)) {
    assert.ok(examples.includes(`$${name[1]}:`), `there is no example of $${name[1]}`)
  }
})
