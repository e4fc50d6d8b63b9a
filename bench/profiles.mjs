import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('./results/profiles/', import.meta.url))

/**
 * Records what a page's thread does during a work, where that was asked for, as
 * a .cpuprofile that Chromium's developer tools open and hot.mjs sums up. Sampling
 * slows the work down: the times of a profiled run are not for the table.
 */
export class Profiler {
  #on

  constructor(on) {
    this.#on = on
  }

  /** Runs read and writes the profile of it under a name, replacing an older one. */
  async around(page, name, read) {
    if (!this.#on) return read()
    const session = await page.context().newCDPSession(page)
    await session.send('Profiler.enable')
    await session.send('Profiler.setSamplingInterval', { interval: 100 })
    await session.send('Profiler.start')
    try {
      return await read()
    } finally {
      const { profile } = await session.send('Profiler.stop')
      await session.detach()
      await mkdir(folder, { recursive: true })
      await writeFile(`${folder}${name}.cpuprofile`, JSON.stringify(profile))
    }
  }
}
