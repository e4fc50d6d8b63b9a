/*
 * Kills a real browser with SIGKILL while a page commits, starts it again on the
 * same profile, and looks what is there.
 *
 *     node proof/kills.mjs            KILLS=40 SEED=… CHROMIUM=…
 *
 * A page writes to an environment, strict and relaxed commits in turn, each of two
 * documents, and beside it to a database of its own in raw IndexedDB, strictly too:
 * the canary. Whatever it has been promised it reports to this process. After each kill
 * the next page tells what it finds. It fails when
 *
 *   - a strict commit that was acknowledged is gone, although the canary is whole,
 *   - a commit is there in part, or one is missing among later ones,
 *   - check() finds a problem, or opening fails for no reason that has a name,
 *   - the browser lost data (the canary is not whole) and opening did not say so.
 *
 * It prints a line for people and, last, one line of JSON: campaign, count,
 * failures, seed, seconds.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const kills = Number(process.env.KILLS ?? 40)
const seed = Number(process.env.SEED || Date.now() % 1_000_000_000)
const patience = 60_000 // ms until a browser that says nothing counts as failed

const chromium = process.env.CHROMIUM ||
  ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable',
    '/Applications/Chromium.app/Contents/MacOS/Chromium', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'].find(existsSync)

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' }
const dist = fileURLToPath(new URL('../js/dist/', import.meta.url))
const page = '<!doctype html><title>kills</title><script type="module" src="/page.mjs"></script>'

/** What the page has been promised, over all rounds. */
const promised = { strict: 0, relaxed: 0, canary: 0 }
const outcome = { kills: 0, failures: 0, losses: 0, relaxed: 0, commits: 0 }

let told // resolves with what the page found
function reply(request, body) {
  const { pathname } = new URL(request.url, 'http://x')
  if (pathname === '/found') told(JSON.parse(body))
  if (pathname === '/done') {
    const { kind, number } = JSON.parse(body)
    promised[kind] = Math.max(promised[kind], number)
    outcome.commits++
  }
}

const server = createServer((request, response) => {
  if (request.method === 'POST') {
    let body = ''
    request.on('data', (part) => (body += part))
    request.on('end', () => {
      reply(request, body)
      response.writeHead(204).end()
    })
    return
  }
  const path = normalize(new URL(request.url, 'http://x').pathname)
  if (path === '/') return void response.writeHead(200, { 'content-type': types['.html'] }).end(page)
  const file = path === '/page.mjs' ? new URL('./kills-page.mjs', import.meta.url) : join(dist, path)
  if (!existsSync(file)) return void response.writeHead(404).end()
  response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' }).end(readFileSync(file))
})

async function main() {
  if (!chromium) throw new Error('no Chromium or Chrome found: set CHROMIUM to its path')
  const began = Date.now()
  const profile = mkdtempSync(join(tmpdir(), 'stowage-kills-'))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const random = randomFrom(seed)
  try {
    for (let round = 0; round <= kills; round++) {
      const browser = start(profile, `http://127.0.0.1:${server.address().port}/?from=${next()}`)
      try {
        judge(await browser.found, round)
        if (round < kills) await rest(30 + Math.floor(random() * 500))
      } finally {
        await browser.kill()
      }
      if (round < kills) outcome.kills++
    }
  } finally {
    server.closeAllConnections()
    server.close()
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  }
  const seconds = (Date.now() - began) / 1000
  console.log(`kills: ${outcome.kills} kills, ${outcome.commits} commits acknowledged, ${outcome.losses} losses by the browser, ` +
    `${outcome.relaxed} relaxed commits lost, ${outcome.failures} failures, seed ${seed}`)
  console.log(JSON.stringify({ campaign: 'kills', count: outcome.kills, failures: outcome.failures, seed, seconds }))
  process.exitCode = outcome.failures > 0 || outcome.kills < kills ? 1 : 0
}

/** The number no commit has had yet, so that what one round lost is not written again by the next. */
function next() {
  return Math.max(promised.strict, promised.relaxed, promised.canary) + 1000
}

/** Starts a browser on the page. `found` is what the page finds before it begins to write. */
function start(profile, url) {
  const arguments_ = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--disable-breakpad', '--disable-crash-reporter', `--user-data-dir=${profile}`, url]
  const child = spawn(chromium, arguments_, { detached: true, stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const found = new Promise((resolve, reject) => {
    told = resolve
    setTimeout(() => reject(new Error(`the page said nothing for ${patience / 1000} s`)), patience).unref()
    child.once('error', reject)
    ended.then(() => reject(new Error('the browser ended by itself')))
  })
  found.catch(() => {})
  return {
    found,
    async kill() {
      try {
        process.kill(-child.pid, 'SIGKILL') // the whole group: all processes of the browser
      } catch {}
      await ended
    },
  }
}

/** Holds what a page found against what its predecessors were promised. */
function judge(found, round) {
  const wrong = []
  const whole = found.canary >= promised.canary
  if (!whole) {
    outcome.losses++
    if (found.state === 'fresh' || found.state === 'ok') wrong.push(`the browser lost data and opening said ${found.state}`)
  } else {
    if (found.error) wrong.push(`opening failed: ${found.error}`)
    if (found.strict < promised.strict) wrong.push(`strict commit ${promised.strict} was acknowledged, the last there is ${found.strict}`)
    if (found.relaxed < promised.relaxed) outcome.relaxed++
  }
  wrong.push(...found.problems)
  for (const what of wrong) console.error(`kills: round ${round}, seed ${seed}: ${what}`)
  outcome.failures += wrong.length
  if (!whole || found.error) Object.assign(promised, { strict: 0, relaxed: 0, canary: 0 }) // begin anew on what there is
}

function randomFrom(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

function rest(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

main().catch((error) => {
  console.error(`kills: ${error.stack}`)
  console.log(JSON.stringify({ campaign: 'kills', count: outcome.kills, failures: outcome.failures + 1, seed, seconds: 0 }))
  process.exitCode = 1
})
