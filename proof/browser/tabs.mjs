/*
 * Tabs of one browser, each with the process that runs it: SIGSTOP and SIGKILL do to a
 * tab what may happen to it, without anybody being told.
 */
import { createRequire } from 'node:module'

import { found, switches } from './browser.mjs'

const { chromium } = createRequire(new URL('../../js/package.json', import.meta.url))('playwright-core')

// Else tabs of one site may share a process.
const ownProcess = '--disable-features=ProcessPerSiteUpToMainFrameThreshold'

/** A browser whose tabs show the page of a server, see serve(). */
export class Tabs {
  constructor(context, processes, origin) {
    Object.assign(this, { context, processes, origin, all: [] })
  }

  static async start(profile, origin) {
    const context = await chromium.launchPersistentContext(profile, { executablePath: found(), headless: true, args: [...switches, ownProcess] })
    return new Tabs(context, await context.browser().newBrowserCDPSession(), origin)
  }

  /** So many tabs: those that are alive, and new ones in place of others. */
  async some(count) {
    this.all = this.all.filter((tab) => !tab.gone)
    while (this.all.length < count) this.all.push(await this.open())
    return this.all.slice(0, count)
  }

  async open() {
    const page = await this.context.newPage()
    await page.goto(this.origin)
    await page.waitForFunction(() => 'tab' in globalThis)
    const tab = new Tab(page)
    tab.pid = await this.processOf(tab)
    return tab
  }

  /** The process behind a tab is the one that works while the tab does, and does so again. */
  async processOf(tab) {
    for (let last; ; ) {
      const before = await this.worked()
      await tab.call('spin', 100)
      const after = await this.worked()
      const [pid] = [...after].map(([id, seconds]) => [id, seconds - (before.get(id) ?? 0)]).reduce((a, b) => (b[1] > a[1] ? b : a))
      if (pid !== last) last = pid
      else if (this.all.some((other) => other.pid === pid && !other.gone)) throw new Error('two tabs share a process')
      else return pid
    }
  }

  /** The seconds that each renderer has worked. */
  async worked() {
    const { processInfo } = await this.processes.send('SystemInfo.getProcessInfo')
    return new Map(processInfo.filter(({ type }) => type === 'renderer').map(({ id, cpuTime }) => [id, cpuTime]))
  }

  async end() {
    for (const tab of this.all) if (!tab.gone) tab.goOn()
    await this.context.close()
  }
}

class Tab {
  gone = false

  constructor(page) {
    this.page = page
  }

  /** Calls what the page offers as globalThis.tab. */
  call(name, ...given) {
    return this.page.evaluate(([name, given]) => globalThis.tab[name](...given), [name, given])
  }

  stop() {
    process.kill(this.pid, 'SIGSTOP')
  }

  goOn() {
    process.kill(this.pid, 'SIGCONT')
  }

  kill() {
    this.gone = true
    process.kill(this.pid, 'SIGKILL')
  }

  async close() {
    this.gone = true
    await this.page.close({ runBeforeUnload: false })
  }
}
