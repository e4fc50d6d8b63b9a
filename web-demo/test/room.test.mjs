// A browser without room for the atlas: it says so, keeps what came, and goes on once there is room.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { screenshot, stage, visit } from './stage.mjs'

const patience = { timeout: 60_000 }

const here = stage()

test('without room for all of it, the pull says so and waits', async () => {
  // Chromium goes on for half a minute with the room that it last found: there is little from the beginning.
  const blank = await here.browser.newPage()
  const devtools = await here.browser.newCDPSession(blank)
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: here.server.url, quotaSize: 16e6 })
  const page = await visit(here.browser, here.server.url)
  await page.click('#pull', patience)
  await page.waitForFunction(() => /no more space/.test(document.querySelector('#pulling')?.textContent), null, patience)
  await screenshot(page, 'no-room')
  await page.click('#cancel')
  await page.waitForFunction(() => /rows are here already/.test(document.querySelector('#stopped')?.textContent), null, patience)
  assert.deepEqual(page.complaints, [])
})

test('with room it goes on from there by itself', async () => {
  await here.browser.close()
  here.browser = await here.home.open()
  const page = await visit(here.browser, here.server.url)
  await page.waitForSelector('#list .row', patience)
  await page.waitForFunction(() => document.querySelector('#copy').textContent.startsWith('138,648 rows, whole'), null, patience)
  assert.deepEqual(page.complaints, [])
})
