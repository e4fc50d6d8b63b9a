// The atlas from end to end, as a visitor uses it: import and cancel, search with
// keyboard and mouse, end the browser and come back, a second tab, no network.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { documentCount, populationsBeginning, populationsOf, shown } from './expected.mjs'
import { profile, screenshot, serve, visit, watchThread } from './stage.mjs'

const patience = { timeout: 60_000 }

let server
let home
let browser
let page

before(async () => {
  home = profile()
  server = await serve(home.folder)
  browser = await home.open()
})

after(async () => {
  await browser?.close()
  await server?.stop()
  home?.remove()
})

const text = (selector) => page.locator(selector).innerText()
const numbers = (selector = '#list ol:last-of-type .number') => page.locator(selector).allTextContents()
const rowsAre = (count) => page.waitForFunction((n) => document.querySelectorAll('#list .row').length === n, count, patience)
const atlasShown = () => page.waitForSelector('#list .row', patience)
const factIs = (name, value) =>
  page.waitForFunction(([id, text]) => document.getElementById(id).textContent === text, [`fact-${name}`, value], patience)
const settled = () => page.waitForSelector('#list[aria-busy="false"]', patience)

test('the first visit offers the import', async () => {
  page = await visit(browser, server.url)
  await page.waitForSelector('#import', patience)
  assert.equal(await text('#import'), 'Import 138,398 cities')
  await screenshot(page, '1-start')
})

test('an import that is cancelled leaves nothing', async () => {
  await page.route('**/data/cities-20.json', () => {}) // a network that stalls half-way
  await page.click('#import')
  await page.waitForFunction(() => document.querySelector('progress')?.value > 0.5, null, patience)
  await page.click('#cancel')
  await page.waitForSelector('#cancelled', patience)
  await screenshot(page, '2-cancelled')

  await page.unroute('**/data/cities-20.json')
  await page.reload()
  await page.waitForSelector('#import', patience)
  assert.equal(await page.locator('#list .row').count(), 0)
})

test('the import shows its progress and never holds the page up', async () => {
  const longTasks = await watchThread(page)
  await page.evaluate(() => {
    self.progress = []
    new MutationObserver(() => {
      const bar = document.querySelector('progress')
      if (bar && bar.value !== self.progress.at(-1)) self.progress.push(bar.value)
    }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true })
  })
  await page.keyboard.press('Enter') // the button has the focus
  await page.waitForFunction(() => document.querySelector('progress')?.value > 0.5, null, patience)
  await screenshot(page, '3-importing')
  await atlasShown()

  const progress = await page.evaluate(() => self.progress)
  assert.ok(progress.length > 10, `only ${progress.length} steps of progress were shown`)
  assert.deepEqual(progress, [...progress].sort((a, b) => a - b))
  assert.equal(progress.at(-1), 1)
  await factIs('documents', documentCount)
  await page.waitForFunction(() => document.querySelector('#readings').textContent.includes('138,398 rows'), null, patience)
  assert.deepEqual(await longTasks(), [])
  await screenshot(page, '4-world')
})

let longTasks

test('countries have their cities, by population, page after page', async () => {
  longTasks = await watchThread(page)
  const norway = populationsOf('NO')
  await page.click('a.row:has-text("Norway")')
  await rowsAre(50)
  assert.deepEqual(await numbers(), norway.slice(0, 50).map(shown))
  await page.click('#list .more')
  await rowsAre(100)
  assert.deepEqual(await numbers(), norway.slice(0, 100).map(shown))
  assert.match(await text('#readings'), /index country \+ population/)
  await settled()
  await screenshot(page, '5-country')
  await page.goBack()
  await rowsAre(250)
})

test('a region has its countries', async () => {
  await page.click('.chip:has-text("Oceania")')
  await page.waitForFunction(() => document.querySelector('#list h2')?.textContent.startsWith('Oceania'), null, patience)
  assert.ok((await page.locator('#list .row').count()) < 40)
  await page.click('h1 a')
  await rowsAre(250)
})

test('search as you type finds what begins so, by keyboard alone', async () => {
  await page.keyboard.press('/')
  for (const prefix of ['s', 'sa', 'san']) {
    await page.keyboard.type(prefix.at(-1))
    const found = populationsBeginning(prefix)
    await page.waitForFunction((title) => document.querySelector('#list h2')?.textContent.startsWith(title), `“${prefix}…”`, patience)
    assert.deepEqual(await numbers(), found.slice(0, 50).map(shown), prefix)
    assert.match(await text('#list h2'), new RegExp(`${found.length.toLocaleString('en')} cities`))
  }
  await settled()
  await screenshot(page, '6-search')

  await page.fill('#query', 'OREBRO')
  await page.waitForSelector('button.row:has-text("Örebro")', patience)
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.waitForSelector('#card strong', patience)
  assert.match(await text('#card'), /Örebro\s+Sweden\s+98,573 people\s+59\.27° N, 15\.21° E/)
  assert.match(await text('#readings'), /cities\.get\(\d+\)/)
  await screenshot(page, '7-city')
  await page.keyboard.press('Escape')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'query')

  await page.fill('#query', 'zzzz')
  await page.waitForSelector('.none:has-text("No city")', patience)
  await page.fill('#query', '')
  await rowsAre(250)
})

test('no query held the page up', async () => {
  assert.deepEqual(await longTasks(), [])
  assert.deepEqual(page.complaints, [])
})

test('a second tab has the atlas as well, and keeps it when the first is closed', async () => {
  const first = page
  page = await visit(browser, server.url)
  await atlasShown()
  await screenshot(page, '8-second-tab')
  await first.close()
  await page.fill('#query', 'san')
  await page.waitForSelector('#list h2:has-text("san")', patience)
  await page.fill('#query', '')
})

test('the browser ends, starts again, and all of it is there', async () => {
  await browser.close()
  browser = await home.open()
  page = await visit(browser, server.url)
  await atlasShown()
  longTasks = await watchThread(page)
  assert.equal(await page.locator('#import').count(), 0)
  assert.match(await text('#state'), /Ready in .* out of this browser/)
  await factIs('documents', documentCount)
  await page.waitForFunction(() => document.querySelector('#readings').textContent.includes('138,398 rows'), null, patience)

  await page.fill('#query', 'san')
  await page.waitForSelector('#list h2:has-text("san")', patience)
  assert.deepEqual(await numbers(), populationsBeginning('san').slice(0, 50).map(shown))

  await page.click('#check')
  await page.waitForFunction(() => /problem|;/.test(document.querySelector('#checked').textContent), null, patience)
  assert.match(await text('#checked'), /[\d,]+ pages and [\d,]+ entries read in .*: no problem\./)
  assert.deepEqual(await longTasks(), [])
  assert.deepEqual(page.complaints, [])
})

test('it is fit for a telephone and for the night', async () => {
  await page.emulateMedia({ colorScheme: 'dark' })
  await settled()
  await screenshot(page, '9-dark')
  await page.setViewportSize({ width: 390, height: 844 })
  await page.waitForTimeout(200)
  await screenshot(page, '10-narrow')
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  assert.ok(overflow <= 0, `the page is ${overflow} px wider than the screen`)
})

test('a memory stands in front of the atlas, and breakers before both', async () => {
  const read = async (pattern) => {
    await page.locator('#read-said').evaluate((said) => { said.textContent = '' })
    await page.click('#read')
    await page.waitForFunction(() => document.querySelector('#read-said').textContent !== '', null, patience)
    assert.match(await text('#read-said'), pattern)
  }
  const reads = async (times, pattern) => { for (let n = 0; n < times; n++) await read(pattern) }
  const breakers = async () => [await text('#breaker-fast'), await text('#breaker-fallback')]
  await reads(5, /out of the atlas/)
  await reads(5, /out of the memory/)
  await page.uncheck('#answers-fast')
  await reads(3, /out of the atlas/)
  assert.deepEqual(await breakers(), ['open', 'closed'])
  await page.uncheck('#answers-fallback')
  await reads(3, /No answer: unavailable/)
  assert.deepEqual(await breakers(), ['open', 'open'])
  await screenshot(page, '11-breakers')
  await page.check('#answers-fast')
  await page.check('#answers-fallback')
  await page.waitForFunction(() => {
    document.querySelector('#read').click()
    return document.querySelector('#breaker-fast').textContent === 'closed'
  }, null, { ...patience, polling: 500 })
  await reads(5, /out of the memory/)
})

test('it opens without its server', async () => {
  await page.evaluate(() => navigator.serviceWorker.ready)
  await page.waitForFunction(async () => (await (await caches.open('atlas-page')).keys()).length >= 4, null, patience)
  await page.close()
  await server.stop()
  page = await visit(browser, server.url)
  await atlasShown()
  await factIs('documents', documentCount)
})

test('in a worker it is the same atlas', async () => {
  server = await serve(home.folder)
  await page.close()
  page = await visit(browser, `${server.url}/?worker`)
  await page.waitForSelector('#import', patience)
  await page.click('#import')
  await atlasShown()
  await factIs('documents', documentCount)
  assert.deepEqual(page.complaints, [])
})

test('it can be emptied', async () => {
  page.once('dialog', (dialog) => dialog.accept())
  await page.click('#empty')
  await page.waitForSelector('#import', patience)
  assert.deepEqual(page.complaints, [])
})

test('a tab that offers the import shows the atlas once another one has imported it', async () => {
  const other = await visit(browser, server.url)
  await other.waitForSelector('#import', patience)
  await page.bringToFront()
  await page.click('#import')
  await atlasShown()
  await other.waitForSelector('#list .row', patience)
  assert.equal(await other.locator('#state').innerText(), 'Imported in another tab')
  assert.deepEqual([...page.complaints, ...other.complaints], [])
})
