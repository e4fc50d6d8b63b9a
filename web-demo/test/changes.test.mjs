// The page of changes: what is written into the origin's database comes back to every page
// that follows it, with what was there before.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { screenshot, stage, visit } from './stage.mjs'

const patience = { timeout: 60_000 }

const here = stage()
let page

/** The newest change, once it is one of this kind; the time it was told left out. */
async function newest(kind, name, on = page) {
  const line = on.locator('#changes li').first()
  await on.waitForFunction(([kind, name]) => {
    const first = document.querySelector('#changes li')
    return first?.className === kind && first.querySelector('strong').textContent === name
  }, [kind, name], patience)
  return (await line.locator('dl').innerText()).replaceAll(/\s+/g, ' ').trim()
}

const pick = (name) => page.click(`#cities .row:has(.name:text-is("${name}"))`, patience)
const said = (text, on = page) => on.waitForFunction((text) => document.getElementById('said').textContent.includes(text), text, patience)
const follows = (on = page) => on.waitForFunction(() => /following the origin/.test(document.getElementById('state').textContent), null, patience)

test('the cities of a country are pulled, and nothing has changed', async () => {
  page = await visit(here.browser, `${here.server.url}/changes.html`)
  await follows()
  await page.waitForSelector('#cities .row:has-text("Reykjavík")', patience)
  assert.equal(await page.locator('#changes li').count(), 0)
  assert.equal(await page.locator('#country').inputValue(), 'IS')
})

let other

test('an edit comes back through the origin, to every page that follows', async () => {
  other = await visit(here.browser, `${here.server.url}/changes.html`)
  await follows(other)
  await other.waitForSelector('#cities .row', patience)
  await pick('Reykjavík')
  await page.fill('#population', '140000')
  await page.click('#save')
  await said('Written into the database')
  assert.equal(await newest('changed', 'Reykjavík'), 'people 113,906 → 140,000')
  assert.equal(await newest('changed', 'Reykjavík', other), 'people 113,906 → 140,000')
})

test('rows that come, change and go are told with what they were', async () => {
  await page.fill('#name', 'Nýborg')
  await page.fill('#population', '1200')
  await page.click('#add')
  assert.equal(await newest('inserted', 'Nýborg'), 'name Nýborg people 1,200')
  await pick('Nýborg')
  await page.fill('#name', 'Nýibær')
  await page.fill('#population', '1300')
  await page.keyboard.press('Enter')
  assert.equal(await newest('changed', 'Nýibær'), 'name Nýborg → Nýibær people 1,200 → 1,300')
  await pick('Nýibær')
  await page.click('#remove')
  assert.equal(await newest('deleted', 'Nýibær'), 'name Nýibær people 1,300')
  assert.equal(await page.locator('#changes li').count(), 4)
  await screenshot(page, '30-changes')
})

test('what was changed while a page was closed is shown when it is opened again', async () => {
  await other.close()
  await page.close()
  const id = await here.browser.request.post(`${here.server.url}/edit/cities`, { data: { country: 'IS', name: 'Meanwhile', population: 7 } })
  assert.equal(id.status(), 201)
  page = await visit(here.browser, `${here.server.url}/changes.html`)
  assert.equal(await newest('inserted', 'Meanwhile'), 'name Meanwhile people 7')
  assert.equal(await page.locator('#changes li').count(), 1)
})

test('with no network the cities stay, and what changed is shown after it', async () => {
  const atlas = await visit(here.browser, here.server.url) // which has all pages kept
  await atlas.waitForFunction(() => document.getElementById('kept').textContent.includes('is kept'), null, patience)
  await atlas.close()
  await here.browser.setOffline(true)
  await page.reload()
  await pick('Meanwhile')
  await page.click('#remove')
  await said('The server does not answer')
  assert.ok((await page.locator('#cities .row').count()) > 20)
  await here.browser.setOffline(false)
  await page.click('#remove')
  await said('Written into the database')
  assert.equal(await newest('deleted', 'Meanwhile'), 'name Meanwhile people 7')
})

test('another country takes the place of the first', async () => {
  await page.selectOption('#country', 'NO')
  await page.waitForSelector('#cities .row:has-text("Oslo")', patience)
  await follows()
  assert.equal(await page.locator('#changes li').count(), 1, 'what came with it is no change')
  await page.setViewportSize({ width: 390, height: 780 })
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it scrolls sideways')
  await screenshot(page, '31-changes-narrow')
  assert.deepEqual(page.complaints.filter((complaint) => !/ERR_INTERNET_DISCONNECTED|ERR_NETWORK/.test(complaint)), [])
})
