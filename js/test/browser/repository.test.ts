import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type * as Stowage from 'stowage'
import type * as Repositories from 'stowage/repositories'
import type * as Structures from 'stowage/structures'

import { Browser, until } from './browser.js'

declare const stowage: typeof Stowage

interface Person {
  id: string
  name: string
}

/** What a tab keeps: a service that shares its changes, and one that does not. */
declare const people: Repositories.Service<Person, Repositories.HashOptions<Person>>
declare const deaf: typeof people

let browser: Browser
before(async () => {
  browser = await Browser.start()
})
after(() => browser.stop())

async function serve(): Promise<void> {
  const built = (name: string) => import(`/dist/${name}.js`)
  const { structures } = (await built('structures')) as typeof Structures
  const { hash, over, service } = (await built('repositories')) as typeof Repositories
  const db = await stowage.open('people')
  const repository = hash<Person>({
    name: 'person',
    attributes: { id: 'text', name: 'text' },
    fast: over(structures(db, 'fast')),
    fallback: over(structures(db, 'entities')),
  })
  const cache = { entries: 100 }
  Object.assign(globalThis, { people: service(repository, { cache, share: true }), deaf: service(repository, { cache }) })
}

test('what a tab adds or deletes is forgotten by services in the others', async () => {
  const [here, there] = await Promise.all([browser.page(), browser.page()])
  await here.evaluate(serve)
  await here.evaluate(() => people.add({ id: '1', name: 'Ada' }))
  await there.evaluate(serve)
  const names = () => there.evaluate(async () => [(await people.getOne('1')).name, (await deaf.getOne('1')).name])
  assert.deepEqual(await names(), ['Ada', 'Ada'])
  await here.evaluate(() => people.add({ id: '1', name: 'Augusta' }))
  await until(there, async () => (await people.getOne('1')).name === 'Augusta')
  assert.deepEqual(await names(), ['Augusta', 'Ada']) // who does not share has what it had
  await here.evaluate(() => people.delete('1'))
  await until(there, () => people.getOne('1').then(() => false, error => error.code === 'not_found'))
  assert.deepEqual([here.failures, there.failures], [[], []])
})
