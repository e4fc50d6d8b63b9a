import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import * as stowage from 'stowage'
import * as policies from 'stowage/policies'

import { rejects } from './places.js'
import { everything, key, passphrase } from './sealed.js'

const page = readFileSync('MODIFIERS.md', 'utf8')

test('the example of MODIFIERS.md does what it says', async () => {
  const [, example] = /```js\n([^]*?)```/.exec(page)!
  const driver = stowage.memory()
  const tables = { notes: stowage.table<{ id: number }>({ key: 'id' }) }
  const open = (name: string, options: object) => stowage.open(name, { driver, ...options })
  const scope = { ...stowage, open, tables, key, passphrase }
  const AsyncFunction = (async () => {}).constructor as new (...code: string[]) => (...given: unknown[]) => Promise<unknown>
  const note = await new AsyncFunction(...Object.keys(scope), example!)(...Object.values(scope))
  assert.deepEqual(note, { id: 1, text: 'the treasure is under the oak', seen: new Date(0) })
  assert.equal((await everything(driver, 'notes')).indexOf('treasure'), -1)
  await rejects('missing_modifier', stowage.open('notes', { driver, modifiers: [stowage.compress('deflate'), stowage.encrypt({ passphrase })] }))
})

test('what MODIFIERS.md calls in JavaScript is there', async () => {
  const db = await stowage.open('empty', { driver: stowage.memory() })
  const names = page.split('\n').filter(line => line.startsWith('| ')).slice(2).map(line => line.split(' | ')[1]!)
  let calls = 0
  for (const [, on, name] of names.join('\n').matchAll(/(db\.)?(\w+)\(/g)) {
    const where = on === undefined ? { ...stowage, ...policies } : db
    assert.equal(typeof (where as unknown as Record<string, unknown>)[name!], 'function', name)
    calls++
  }
  assert.ok(calls > 12, `${calls} calls`)
  await db.close()
})
