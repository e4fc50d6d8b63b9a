import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { rules } from '../model/rules.js'
import { Browser } from './browser.js'

let browser: Browser
before(async () => {
  browser = await Browser.start({ '/model/': 'build/model' })
})
after(() => browser.stop())

test('a real IndexedDB keeps every rule that the model keeps', async () => {
  const page = await browser.page()
  const seen = await page.evaluate(async module => {
    const { rules } = await import(module)
    const seen: [string, string[]][] = []
    for (const rule of rules) seen.push([rule.name, await rule.run()])
    return seen
  }, '/model/rules.js')
  assert.deepEqual(seen, rules.map(rule => [rule.name, rule.sees]))
  assert.deepEqual(page.failures, [])
})
