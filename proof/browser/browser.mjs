/*
 * What campaigns in a real browser have in common: a server of the built package
 * and one page, browsers on a profile that are killed or told to end, and chance
 * that can be repeated.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const patience = 60_000 // ms until a browser that says nothing counts as failed

const chromium = process.env.CHROMIUM ||
  ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable',
    '/Applications/Chromium.app/Contents/MacOS/Chromium', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'].find(existsSync)

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' }
const dist = fileURLToPath(new URL('../../js/dist/', import.meta.url))
const plain = '<!doctype html><title>proof</title><script type="module" src="/page.mjs"></script>'

/** What browsers are started with: nothing that a campaign does not need. */
export const switches = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--disable-breakpad', '--disable-crash-reporter']

/**
 * A server whose page runs a script of the folder above; what that posts goes to `told`, and is
 * answered once that has returned.
 */
export async function serve(script, told) {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, 'http://x').pathname)
    if (request.method === 'POST') {
      let body = ''
      request.on('data', (part) => (body += part))
      request.on('end', async () => {
        await told(path, JSON.parse(body))
        response.writeHead(204).end()
      })
      return
    }
    if (path === '/') return void response.writeHead(200, { 'content-type': types['.html'] }).end(plain)
    const file = path === '/page.mjs' ? new URL(`../${script}`, import.meta.url) : join(dist, path)
    if (!existsSync(file)) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' }).end(readFileSync(file))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** The path of the browser, or an error that says what to do. */
export function found() {
  if (!chromium) throw new Error('no Chromium or Chrome found: set CHROMIUM to its path')
  return chromium
}

/** Starts a browser on a page. */
export function start(profile, url) {
  const arguments_ = ['--headless=new', ...switches, `--user-data-dir=${profile}`, url]
  const child = spawn(found(), arguments_, { detached: true, stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  return {
    /** What the page says, or an error where it says nothing. */
    async hear(said) {
      let watchdog
      try {
        return await Promise.race([
          said,
          new Promise((_, reject) => {
            watchdog = setTimeout(() => reject(new Error(`the page said nothing for ${patience / 1000} s`)), patience)
            child.once('error', reject)
          }),
          ended.then(() => Promise.reject(new Error('the browser ended by itself'))),
        ])
      } finally {
        clearTimeout(watchdog)
      }
    },
    /** Kills all processes of the browser. */
    async kill() {
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {}
      await ended
    },
    /** Lets the browser put its files in order. */
    async end() {
      child.kill('SIGTERM')
      await ended
      await this.kill() // what a process may have left
    },
  }
}

/** A promise, and how it is fulfilled from outside. */
export function promise() {
  let resolve
  return { said: new Promise((r) => (resolve = r)), say: resolve }
}

/** Numbers from 0 to 1 that follow from the seed. */
export function randomFrom(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

export function rest(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
