import { existsSync } from 'node:fs'
import { readdir, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** The browser to use: the one that was named, or the first of the usual places. */
export function findBrowser(named) {
  const found = named || places.find((path) => existsSync(path))
  if (!found) throw new Error('no Chromium or Chrome found: set CHROMIUM to its path')
  return found
}

/** One browser process on one profile directory, and the pages in it. */
export class Browser {
  #context
  #process

  /** Starts the browser on a profile, which is made where it does not exist. */
  static async start(executablePath, profile) {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--js-flags=--expose-gc'],
    })
    return new Browser(context, await processOf(profile))
  }

  constructor(context, process) {
    this.#context = context
    this.#process = process
  }

  version() {
    return this.#context.browser()?.version() ?? 'unknown'
  }

  /** Opens a page of its own and waits until the bench in it is there. */
  async page(url) {
    const page = await this.#context.newPage()
    page.on('console', (message) => message.type() === 'error' && console.error(`page: ${message.text()}`))
    page.on('pageerror', (error) => console.error(`page: ${error.message}`))
    await page.goto(url)
    await page.waitForFunction(() => globalThis.bench)
    return page
  }

  /** Ends the browser and waits until its process is gone. Its pages are closed first: of the browser's own end no page hears. */
  async end() {
    for (const page of this.#context.pages()) await page.close()
    await this.#context.close()
    for (let tries = 0; alive(this.#process); tries++) {
      if (tries === 200) throw new Error(`the browser (process ${this.#process}) did not end in 10 s`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** Chromium names its process in the profile it has taken, as host-number. */
async function processOf(profile) {
  const owner = await readlink(join(profile, 'SingletonLock'))
  return Number(owner.slice(owner.lastIndexOf('-') + 1))
}

function alive(process_) {
  try {
    return process.kill(process_, 0)
  } catch {
    return false
  }
}

/** Bytes of the files in which a profile keeps the IndexedDB data of one origin. */
export async function diskBytes(profile, port) {
  const root = join(profile, 'Default', 'IndexedDB')
  const folders = (await readdir(root)).filter((name) => name.startsWith(`http_127.0.0.1_${port}.`))
  const sizes = await Promise.all(folders.map((name) => bytesIn(join(root, name))))
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function bytesIn(folder) {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(files.filter((file) => file.isFile()).map(sizeOf))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** A file may go between the listing and the look at it: the browser tidies up. */
async function sizeOf(file) {
  const found = await stat(join(file.parentPath ?? file.path, file.name)).catch(() => undefined)
  return found?.size ?? 0
}
