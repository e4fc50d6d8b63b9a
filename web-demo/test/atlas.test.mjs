// The atlas from end to end, as a visitor uses it: pull and stop, search with
// keyboard and mouse, end the browser and come back, a second tab, no network.

import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { documentCount, populationsBeginning, populationsOf, shown } from './expected.mjs'
import { built, screenshot, serve, stage, visit, watchThread } from './stage.mjs'

const patience = { timeout: 60_000 }
const passphrase = 'norwegian wood'

const here = stage()
let page

const text = (selector) => page.locator(selector).innerText()
const numbers = (selector = '#list ol:last-of-type .number') => page.locator(selector).allTextContents()
const rowsAre = (count) => page.waitForFunction((n) => document.querySelectorAll('#list .row').length === n, count, patience)
const atlasShown = () => page.waitForSelector('#list .row', patience)
const factIs = (name, value) =>
  page.waitForFunction(([id, text]) => document.getElementById(id).textContent === text, [`fact-${name}`, value], patience)
const linkIs = (pattern, of = page) => of.waitForFunction((text) => new RegExp(text).test(document.querySelector('#link').textContent), pattern.source, patience)
const numberIn = (text) => Number(/[\d,]+/.exec(text)[0].replaceAll(',', ''))
const unlock = async (tab, passphrase) => {
  await tab.waitForSelector('#passphrase:enabled', patience)
  await tab.fill('#passphrase', passphrase)
  await tab.keyboard.press('Enter')
}
const settled = () => page.waitForSelector('#list[aria-busy="false"]', patience)

test('the first visit offers to pull the world', async () => {
  page = await visit(here.browser, here.server.url)
  await page.waitForSelector('#pull', patience)
  await screenshot(page, '1-start')
})

test('it can be installed', async () => {
  const devtools = await page.context().newCDPSession(page)
  const { errors, url } = await devtools.send('Page.getAppManifest')
  assert.deepEqual(errors, [])
  assert.match(url, /manifest\.webmanifest$/)
  const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors')
  assert.deepEqual(installabilityErrors, [])
  await devtools.detach()
})

test('a pull that is stopped half-way keeps what came', async () => {
  await page.click('#pull')
  await page.waitForFunction(() => document.querySelector('progress')?.value > 0.3, null, patience)
  here.server.stall()
  await page.click('#cancel')
  await page.waitForSelector('#stopped:not(:empty)', patience)
  assert.match(await text('#stopped'), /^[\d,]{6,} rows are here already/)
  assert.equal(await text('#pull'), 'Go on')
  assert.equal(await page.locator('#list .row').count(), 0)
  await screenshot(page, '2-stopped')
})

test('after a reload it goes on from there', async (t) => {
  const before = numberIn(await text('#stopped'))
  await page.reload() // the server says nothing: the page comes out of the browser
  await page.waitForSelector('#pulled', patience)
  const longTasks = await watchThread(page)
  await page.evaluate(() => {
    self.progress = []
    new MutationObserver(() => {
      const bar = document.querySelector('progress')
      if (bar && bar.position >= 0 && bar.value !== self.progress.at(-1)) self.progress.push(bar.value)
    }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true })
  })
  assert.ok(numberIn(await text('#pulled')) >= before, `${await text('#pulled')} after ${before}`)
  here.server.goOn()
  await page.waitForFunction(() => document.querySelector('progress')?.value > 0.6, null, patience)
  await screenshot(page, '3-pulling')
  await atlasShown()

  const progress = await page.evaluate(() => self.progress)
  assert.ok(progress.length > 5, `only ${progress.length} steps of progress were shown`)
  assert.deepEqual(progress, [...progress].sort((a, b) => a - b))
  await factIs('documents', documentCount)
  await page.waitForFunction(() => document.querySelector('#readings').textContent.includes('138,398 rows'), null, patience)
  t.diagnostic(`the pull: ${await longTasks()}`)
  await linkIs(/In step with the origin/)
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

test('no query angered the page', async (t) => {
  t.diagnostic(`the queries: ${await longTasks()}`)
  assert.deepEqual(page.complaints, [])
})

test('a second tab has the atlas as well, and keeps it when the first is closed', async () => {
  const first = page
  page = await visit(here.browser, here.server.url)
  await atlasShown()
  await screenshot(page, '8-second-tab')
  await first.close()
  await page.fill('#query', 'san')
  await page.waitForSelector('#list h2:has-text("san")', patience)
  await page.fill('#query', '')
})

test('the browser ends, starts again, and all of it is there', async (t) => {
  await here.browser.close()
  here.browser = await here.home.open()
  page = await visit(here.browser, here.server.url)
  await atlasShown()
  longTasks = await watchThread(page)
  assert.equal(await page.locator('#pull').count(), 0)
  assert.match(await text('#state'), /Ready in .* out of this browser/)
  await factIs('documents', documentCount)
  await page.waitForFunction(() => document.querySelector('#readings').textContent.includes('138,398 rows'), null, patience)

  await page.fill('#query', 'san')
  await page.waitForSelector('#list h2:has-text("san")', patience)
  assert.deepEqual(await numbers(), populationsBeginning('san').slice(0, 50).map(shown))

  await page.click('#check')
  await page.waitForFunction(() => /problem|;/.test(document.querySelector('#checked').textContent), null, patience)
  assert.match(await text('#checked'), /[\d,]+ pages and [\d,]+ entries read in .*: no problem\./)
  t.diagnostic(`the reopening: ${await longTasks()}`)
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

test('with the network cut by the browser and the page loaded again, all of it works', async () => {
  await page.setViewportSize({ width: 1280, height: 820 })
  await page.emulateMedia({ colorScheme: 'light' })
  await here.browser.setOffline(true)
  await page.reload()
  await atlasShown()
  await page.click('h1 a')
  await rowsAre(250)
  await linkIs(/No network/)
  assert.match(await text('#copy'), /^138,648 rows, whole, as of /)

  await page.click('a.row:has-text("Norway")')
  await rowsAre(50)
  assert.deepEqual(await numbers(), populationsOf('NO').slice(0, 50).map(shown))
  await page.fill('#query', 'ØRSTA')
  await page.click('button.row:has-text("Ørsta")')
  await page.waitForSelector('#card strong:has-text("Ørsta")', patience)
  await page.click('#read')
  await page.waitForFunction(() => /out of the atlas/.test(document.querySelector('#read-said').textContent), null, patience)
  await page.click('#check')
  await page.waitForFunction(() => /: no problem\.$/.test(document.querySelector('#checked').textContent), null, patience)
  await page.click('#refresh')
  await page.waitForFunction(() => /does not answer/.test(document.querySelector('#refreshed').textContent), null, patience)
  await screenshot(page, '12-no-network')
})

test('the mode says what is shown when the origin does not answer', async () => {
  const search = async (mode, prefix) => {
    await page.selectOption('#mode', mode)
    await page.fill('#query', prefix)
    await page.waitForFunction((text) => document.querySelector('#list h2')?.textContent.startsWith(text),
      mode === 'freshen' ? 'The origin does not answer' : `“${prefix}…”`, patience)
    await settled()
  }
  for (const mode of ['prefer-cache', 'offline-fallback', 'freshen', 'offline', 'cache-first']) await search(mode, `san ${mode[0]}`)
  await page.selectOption('#mode', 'freshen')
  await page.fill('#query', 'san')
  await page.waitForSelector('#list h2:has-text("does not answer")', patience)
  await screenshot(page, '13-freshen')
  await here.browser.setOffline(false)
  await linkIs(/In step with the origin/)
  await page.waitForSelector('#list h2:has-text("“san…”")', patience) // what was refused is shown
  await search('cache-first', 'sand')
  await page.fill('#query', '')
  await rowsAre(250)
  assert.deepEqual(page.complaints, [])
})

test('it opens without its server, after the browser was ended', async () => {
  await here.server.stop()
  await here.browser.close()
  here.browser = await here.home.open()
  page = await visit(here.browser, here.server.url)
  await atlasShown()
  await factIs('documents', documentCount)
  here.server = await serve(here.home.folder, { port: here.server.port })
})

test('a later version of the page is told of, and taken when it is wanted', async () => {
  const dist = join(here.home.folder, 'later')
  cpSync(built, dist, { recursive: true })
  const change = (file, from, to) => writeFileSync(join(dist, file), readFileSync(join(dist, file), 'utf8').replace(from, to))
  change('index.html', '<title>Atlas', '<title>Later')
  change('offline.js', /"version":"\w+"/, '"version":"later"')
  await here.server.stop()
  here.server = await serve(here.home.folder, { port: here.server.port, dist })
  await page.reload()
  await page.waitForSelector('#newer:not([hidden])', patience)
  assert.match(await page.title(), /^Atlas/)
  await screenshot(page, '14-later')
  await page.click('#take')
  await page.waitForFunction(() => document.title.startsWith('Later'), null, patience)
  await atlasShown()
  await page.waitForFunction(() => document.querySelector('#kept').textContent.endsWith('version later.'), null, patience)
})

test('it can be emptied, and pulled again under a passphrase', async () => {
  page.once('dialog', (dialog) => dialog.accept())
  await page.click('#empty')
  await page.waitForSelector('#pull', patience)
  const other = await visit(here.browser, here.server.url)
  await other.waitForSelector('#pull', patience)
  await page.bringToFront()
  await page.click('.choice summary')
  await page.fill('#new-passphrase', passphrase)
  await screenshot(page, '15-passphrase')
  await page.keyboard.press('Enter')
  await atlasShown()
  await factIs('documents', documentCount)
  assert.match(await text('#sealed'), /^Encrypted under your passphrase/)
  assert.deepEqual(page.complaints, [])

  await unlock(other, passphrase)
  await other.waitForSelector('#list .row', patience)
  await other.close()
})

test('it is locked in all tabs, and opens with the passphrase alone', async () => {
  const other = await visit(here.browser, here.server.url)
  await unlock(other, passphrase)
  await other.waitForSelector('#list .row', patience)
  await page.click('#lock')
  await Promise.all([page, other].map((tab) => tab.waitForSelector('#passphrase', patience)))
  assert.equal(await page.locator('#list .row').count(), 0)
  await unlock(page, 'not it')
  await page.waitForSelector('#notice.trouble:has-text("That is not the passphrase")', patience)
  await screenshot(page, '16-locked')
  await unlock(page, passphrase)
  await atlasShown()
  await page.click('#check')
  await page.waitForFunction(() => /: no problem\.$/.test(document.querySelector('#checked').textContent), null, patience)
  await other.close()
  await here.browser.close()
  here.browser = await here.home.open()
  page = await visit(here.browser, here.server.url)
  await unlock(page, passphrase)
  await atlasShown()
  await factIs('documents', documentCount)
  assert.deepEqual(page.complaints, [])
})

test('in a worker it is the same atlas', async () => {
  await page.close()
  await here.server.stop()
  here.server = await serve(here.home.folder)
  page = await visit(here.browser, `${here.server.url}/?worker`)
  await page.click('#pull', patience)
  await atlasShown()
  await factIs('documents', documentCount)
  assert.deepEqual(page.complaints, [])
})

test('of two tabs one pulls, and both show the atlas', async () => {
  page.once('dialog', (dialog) => dialog.accept())
  await page.click('#empty')
  await page.waitForSelector('#pull', patience)
  const other = await visit(here.browser, here.server.url)
  await other.waitForSelector('#pull', patience)
  await other.click('#pull')
  await Promise.all([page, other].map((tab) => tab.waitForSelector('#list .row', patience)))
  const told = await Promise.all([page, other].map((tab) => tab.waitForFunction(() => /^Pulled (by|in)/.exec(document.querySelector('#state').textContent)?.[0], null, patience)))
  assert.deepEqual((await Promise.all(told.map((word) => word.jsonValue()))).sort(), ['Pulled by', 'Pulled in']) // whichever was faster
  await other.close()
  await linkIs(/In step with the origin/)
  assert.deepEqual([...page.complaints, ...other.complaints], [])
})
