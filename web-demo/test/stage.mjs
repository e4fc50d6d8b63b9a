// What the test plays on: the atlas's server, and a real Chromium with a profile
// of its own that outlives its process.

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const project = fileURLToPath(new URL('../..', import.meta.url))
/** The page as it was built. */
export const built = fileURLToPath(new URL('../dist', import.meta.url))
const screenshots = fileURLToPath(new URL('screenshots/', import.meta.url))

/** Flags that keep Chromium to itself: no sandbox (there is none for root), no calls home. */
const flags = [
  '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-quic',
]

/** What the tests of a file play on: a server, and a browser with a profile. It is there before the first and gone after the last. */
export function stage() {
  const here = {}
  before(async () => {
    here.home = profile()
    here.server = await serve(here.home.folder)
    here.browser = await here.home.open()
  })
  after(async () => {
    await here.browser?.close()
    await here.server?.stop()
    here.home?.remove()
  })
  return here
}

/** Starts the server that `make demo` starts, on a free port, with a world of its own in a folder. */
export async function serve(folder, { port = 0, dist = built } = {}) {
  const server = spawn(join(project, '.build/atlas'), [
    '-addr', `127.0.0.1:${port}`, '-dir', dist,
    '-data', join(project, 'web-demo/data/world'), '-db', join(folder, 'atlas.sqlite'),
  ])
  const url = await new Promise((resolve, reject) => {
    let said = ''
    const listen = (text) => {
      said += text
      const found = /http:\/\/\S+/.exec(said)
      if (found) resolve(found[0])
    }
    server.stdout.on('data', listen)
    server.stderr.on('data', listen)
    server.on('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)))
    server.on('error', reject)
  })
  const ended = new Promise((resolve) => server.on('exit', resolve))
  return {
    url,
    port: Number(new URL(url).port),
    stall: () => server.kill('SIGSTOP'), // what is asked of it stays without an answer
    goOn: () => server.kill('SIGCONT'),
    stop: () => (server.kill('SIGCONT'), server.kill('SIGTERM'), ended),
  }
}

/** Makes a folder for a browser's profile, and what else a test keeps; open() starts a browser on it, as often as one likes. */
export function profile() {
  const folder = mkdtempSync(join(tmpdir(), 'atlas-profile-'))
  mkdirSync(screenshots, { recursive: true })
  return {
    folder,
    open() {
      return chromium.launchPersistentContext(folder, {
        executablePath: process.env.CHROMIUM || process.env.CHROME || '/usr/bin/chromium',
        args: flags,
        viewport: { width: 1280, height: 820 },
      })
    },
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
  }
}

/** What Chromium itself says of a network that is not there, or of a server. */
const noNetwork = /^Failed to load resource: net::ERR_(INTERNET_DISCONNECTED|CONNECTION_\w+|EMPTY_RESPONSE|NETWORK_CHANGED)/

/** Opens a page of browser; whatever it says in anger is kept in page.complaints. */
export async function visit(browser, url) {
  const page = await browser.newPage()
  page.complaints = []
  page.on('pageerror', (error) => page.complaints.push(String(error)))
  page.on('console', (message) => {
    if (noNetwork.test(message.text())) return
    if (message.type() === 'error' || message.type() === 'warning') page.complaints.push(message.text())
  })
  await page.goto(url)
  return page
}

/**
 * Watches the page's thread; the function returned ends that and tells of the tasks
 * that kept it for over 50 ms. No test fails by them, for they are the machine's as
 * well: `make bench` has rows that do. What counts is the processor time a task took, as
 * Chromium traces it: the long-task observer, which goes by the clock, blames the
 * page for whatever else the machine was busy with. The processor time of a thread
 * jumps ahead on virtual machines, tasks of 3 ms having had 19 ms of it: so the lesser counts.
 */
export async function watchThread(page) {
  const devtools = await page.context().newCDPSession(page)
  const events = []
  devtools.on('Tracing.dataCollected', ({ value }) => events.push(...value))
  const traceConfig = { includedCategories: ['toplevel'], excludedCategories: ['*'] }
  await devtools.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig })
  return async function longTasks() {
    const complete = new Promise((resolve) => devtools.once('Tracing.tracingComplete', resolve))
    await devtools.send('Tracing.end')
    await complete
    await devtools.detach()
    const name = ({ pid, tid }) => `${pid}/${tid}`
    const mains = new Set(events.filter((e) => e.name === 'thread_name' && e.args.name === 'CrRendererMain').map(name))
    const tasks = events.filter((e) => e.name.endsWith('RunTask') && mains.has(name(e)))
    // Chromium keeps a spare process ready, whose start is none of the page's work.
    const threads = [...mains].map((main) => tasks.filter((e) => name(e) === main))
    const [busiest = []] = threads.sort((a, b) => b.length - a.length)
    if (busiest.length === 0) throw new Error('the trace holds no task of the page')
    const long = busiest.map((e) => Math.min(e.dur, e.tdur) / 1000).filter((ms) => ms > 50)
    return long.length === 0 ? 'no task over 50 ms' : `${long.length} tasks over 50 ms, the longest of ${Math.round(Math.max(...long))} ms`
  }
}

export const screenshot = (page, name) => page.screenshot({ path: join(screenshots, `${name}.png`) })
