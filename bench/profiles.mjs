import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('./results/profiles/', import.meta.url))

/**
 * Writes every profile that the page takes of itself, with console.profile(), as
 * a .cpuprofile under its title, replacing an older one. Chromium's developer
 * tools open it and hot.mjs sums it up. Sampling slows a work down: the times of
 * a profiled run are not for the table.
 */
export async function keepProfiles(page) {
  const session = await page.context().newCDPSession(page)
  await session.send('Profiler.enable')
  await session.send('Profiler.setSamplingInterval', { interval: 100 })
  await mkdir(folder, { recursive: true })
  session.on('Profiler.consoleProfileFinished', ({ title, profile }) => {
    void writeFile(`${folder}${title}.cpuprofile`, JSON.stringify(profile))
  })
}
