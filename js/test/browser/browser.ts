import { mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { type BrowserContext, chromium, type Page } from 'playwright-core'

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
}

/** A page that has the package and its coders as a global `stowage`, as a plain module script makes it. */
const plainPage = `<!doctype html><title>plain</title><script type="module">
import * as stowage from '/dist/index.js'
import { coder } from '/dist/coders.js'
globalThis.stowage = { ...stowage, coder }
</script>`

/**
 * Waits until a function that a page runs answers true, by a promise as well: `waitForFunction` takes any promise for an answer,
 * whatever becomes of it.
 */
export async function until<A>(page: Page, holds: (arg: A) => Promise<boolean>, arg?: A): Promise<void> {
  for (const end = Date.now() + patience; !(await page.evaluate(holds as (arg: unknown) => Promise<boolean>, arg)); await pause(20)) {
    if (Date.now() > end) throw new Error(`not so within ${patience} ms: ${holds}`)
  }
}

/** In milliseconds. */
const patience = 30_000

/**
 * A browser with a profile of its own, and a server on 127.0.0.1 for the built
 * package and the page above. The profile outlives the browser's process, the
 * rest does not.
 */
export class Browser {
  /** Ends the answers that `/hang` waits for: a page that asks for it synchronously stands still until then. */
  waken: (() => void)[] = []

  private constructor(
    private readonly server: Server,
    private readonly profile: string,
    private context: BrowserContext,
    readonly origin: string,
  ) {}

  static async start(roots: Record<string, string> = {}): Promise<Browser> {
    const waken: (() => void)[] = []
    const server = createServer((request, response) => {
      if (request.url === '/hang') return void waken.push(() => response.end())
      const path = normalize(new URL(request.url ?? '/', 'http://x').pathname)
      const content = read(path, { '/dist/': 'dist', ...roots })
      if (content === undefined) return void response.writeHead(path === '/favicon.ico' ? 204 : 404).end()
      response.writeHead(200, { 'content-type': types[extname(path)] ?? types['.html']! }).end(content)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const profile = mkdtempSync(join(tmpdir(), 'stowage-profile-'))
    const browser = new Browser(server, profile, await launch(profile), `http://127.0.0.1:${port}`)
    browser.waken = waken
    return browser
  }

  /** A new page, once its scripts have run. What goes wrong in it is an error of `failures`. */
  async page(path = '/plain.html'): Promise<Page & { failures: string[] }> {
    const page = await this.context.newPage()
    const failures: string[] = []
    page.on('pageerror', error => failures.push(error.message))
    page.on('console', message => message.type() === 'error' && failures.push(message.text()))
    await page.goto(this.origin + path)
    await page.waitForFunction(() => 'stowage' in globalThis)
    return Object.assign(page, { failures })
  }

  /** Ends the browser's process and starts another one on the same profile. */
  restart(): Promise<void> {
    return this.stopped(() => {})
  }

  /** Does something to the profile between one browser's process and the next. */
  async stopped<R>(meanwhile: (profile: string) => R): Promise<R> {
    await this.context.close()
    const result = meanwhile(this.profile)
    this.context = await launch(this.profile)
    return result
  }

  /** Kills the browser's process, and does something to the profile that it leaves. */
  async killed<R>(meanwhile: (profile: string) => R): Promise<R> {
    // Chromium names its process in the profile it has taken, as host-number.
    const owner = readlinkSync(join(this.profile, 'SingletonLock'))
    const gone = new Promise(resolve => this.context.once('close', resolve))
    process.kill(Number(owner.slice(owner.lastIndexOf('-') + 1)), 'SIGKILL')
    await gone
    const result = meanwhile(this.profile)
    this.context = await launch(this.profile)
    return result
  }

  async stop(): Promise<void> {
    await this.context.close()
    this.server.closeAllConnections()
    await new Promise(resolve => this.server.close(resolve))
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

function read(path: string, roots: Record<string, string>): Buffer | string | undefined {
  if (path === '/plain.html') return plainPage
  const prefix = Object.keys(roots).find(p => path.startsWith(p))
  if (prefix === undefined || path.includes('..')) return undefined
  try {
    return readFileSync(join(roots[prefix]!, path.slice(prefix.length)))
  } catch {
    return undefined
  }
}

function launch(profile: string): Promise<BrowserContext> {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run', '--disable-component-update', '--disable-sync']
  return chromium.launchPersistentContext(profile, { executablePath, headless: true, args })
}
