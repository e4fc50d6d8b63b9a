// The page of relations: each request is counted, by the page and by the network, and
// what was loaded is there with no network too.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countriesIn, largeCitiesOf, neighboursOf } from './expected.mjs'
import { screenshot, stage, visit } from './stage.mjs'

const patience = { timeout: 60_000 }

const here = stage()
let page
let asked = [] // statements that the network was seen to carry

let lines = 0 // of the ledger, that were looked at

/** What the newest line of the ledger says, once it is another one than the last time, and that of this code. */
async function line(code) {
  const newest = page.locator('#entries li').first()
  lines = await (await page.waitForFunction(([code, lines]) => {
    const all = document.querySelectorAll('#entries li')
    return all.length > lines && all[0].querySelector('code').textContent.includes(code) && all.length
  }, [code, lines], patience)).jsonValue()
  const said = async (part) => (await newest.locator(part).innerText()).trim()
  return `${await said('.sent')}; ${await said('.found')}`
}

const quiet = () => page.waitForFunction(() => !document.querySelector('#tree [aria-busy=true]'), null, patience)
const opened = (...path) => page.locator(`//*[@id='roots']/${path.map((name) => `li/details[summary[contains(., '${name}')]]`).join('/ol/')}`)
const open = async (...path) => {
  await opened(...path).locator(':scope > summary').click(patience)
  await opened(...path).locator(':scope > ol > li').first().waitFor(patience) // that it is busy is said a moment after the click
  await quiet()
}
const names = (...path) => opened(...path).locator(':scope > ol > li > details > summary, :scope > ol > li > span:first-child').allInnerTexts()
const firstLine = (text) => text.trim().split('\n')[0]

/** The requests since the last time. */
const carried = () => asked.splice(0).length

test('a region is one request, and each relation one when it is opened', async () => {
  here.browser.on('request', (request) => {
    if (request.url().endsWith('/v1/query')) asked.push(request.postDataJSON().sql)
  })
  page = await visit(here.browser, `${here.server.url}/relations.html`)
  await quiet()
  assert.equal(await line('countries.where'), `1 request; ${countriesIn('Europe')} rows`)
  assert.equal(carried(), 1)

  await open('Norway')
  assert.equal(carried(), 0, 'opening a country asks for nothing yet')
  await open('Norway', 'Neighbours')
  assert.equal(await line('await norway.neighbours'), '1 request; 3 rows, all of them objects that were there')
  assert.deepEqual((await names('Norway', 'Neighbours')).map(firstLine), neighboursOf('NO'))
  await open('Norway', 'Large cities')
  assert.match(await line('await norway.cities'), /^1 request; \d+ rows?$/)
  assert.deepEqual((await names('Norway', 'Large cities')).map(firstLine), largeCitiesOf('NO'))
  assert.equal(carried(), 2)
})

test('a city leads to the very object that led to it, and asks for nothing', async () => {
  await page.click('button[aria-label="Country of Oslo"]')
  assert.equal(await line('await oslo.of'), 'no request; 1 row, an object that was there')
  await page.waitForSelector('small:has-text("=== norway, the very same object")', patience)
  assert.equal(carried(), 0)
})

test('what was opened elsewhere is no request', async () => {
  await open('Norway', 'Neighbours', 'Sweden')
  await open('Norway', 'Neighbours', 'Sweden', 'Neighbours')
  assert.match(await line('await sweden.neighbours'), /^1 request; 2 rows, all of them objects/)
  carried()
  await open('Sweden')
  await open('Sweden', 'Neighbours')
  assert.match(await line('await sweden.neighbours'), /^no request; 2 rows/)
  assert.equal(carried(), 0)
  await screenshot(page, '20-relations')
})

test('a region with its relations is four requests, and nothing in it is another', async () => {
  await page.check('#preload')
  assert.match(await line("['Europe'], { include"), /^3 requests; /, 'the countries are here, and the neighbours are found by two')
  carried()
  await page.click('#regions button:has-text("Africa")')
  assert.equal(await line("['Africa'], { include"), `4 requests; ${countriesIn('Africa')} rows`)
  await quiet()
  assert.equal(carried(), 4)
  await open('Egypt')
  await open('Egypt', 'Neighbours')
  assert.match(await line('await egypt.neighbours'), /^no request; 4 rows/)
  await open('Egypt', 'Large cities')
  assert.deepEqual((await names('Egypt', 'Large cities')).map(firstLine), largeCitiesOf('EG'))
  assert.equal(carried(), 0)
  await screenshot(page, '21-included')
})

test('the mode decides, and what was never loaded is not empty', async () => {
  await page.uncheck('#preload')
  assert.match(await line("['Africa']"), /^no request; /)
  await page.selectOption('#mode', 'offline')
  carried()
  await page.click('#regions button:has-text("Asia")')
  assert.equal(await line("['Asia']"), 'no request; offline: never loaded, and the mode asks for nothing')
  await page.selectOption('#mode', 'freshen')
  await page.click('#regions button:has-text("Europe")')
  assert.match(await line("['Europe']"), /^no request; /, 'it has come since the view was opened')
  await page.click('#reopen')
  assert.match(await line("['Europe']"), new RegExp(`^1 request; ${countriesIn('Europe')} rows$`))
  assert.equal(carried(), 1)
})

test('a page with no network shows what was loaded', async () => {
  await page.selectOption('#mode', 'prefer-cache')
  const atlas = await visit(here.browser, here.server.url) // which has all pages kept
  await atlas.waitForFunction(() => document.getElementById('kept').textContent.includes('is kept'), null, patience)
  await atlas.close()
  await here.browser.setOffline(true)
  await page.reload()
  lines = 0
  assert.match(await line("['Europe']"), /^no request; /)
  await open('Norway')
  await open('Norway', 'Neighbours')
  assert.match(await line('await norway.neighbours'), /^no request; 3 rows/)
  await page.click('#regions button:has-text("Oceania")')
  assert.match(await line("['Oceania']"), /origin_failed: the origin does not answer$/)
  await here.browser.setOffline(false)
  await page.click('#regions button:has-text("Americas")')
  assert.equal(await line("['Americas']"), `1 request; ${countriesIn('Americas')} rows`)
  await page.click('#regions button:has-text("Europe")')
  assert.match(await line("['Europe']"), /^no request; /)
})

test('what is forgotten is asked for again', async () => {
  carried()
  await page.click('#forget')
  assert.equal(await line("['Europe']"), `1 request; ${countriesIn('Europe')} rows`)
  assert.equal(carried(), 1)
})

test('a narrow page has one column', async () => {
  await page.setViewportSize({ width: 390, height: 780 })
  await open('Norway')
  await open('Norway', 'Neighbours')
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it scrolls sideways')
  await screenshot(page, '22-relations-narrow')
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.setViewportSize({ width: 1280, height: 820 })
  await screenshot(page, '23-relations-dark')
  assert.deepEqual(page.complaints.filter((complaint) => !complaint.includes('ERR_INTERNET_DISCONNECTED')), [])
})
