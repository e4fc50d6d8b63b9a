// A plugin of the bundler: what makes the page one that can be installed. It draws
// the icons, and writes the service worker with the list of all files and their version.

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { initWasm, Resvg } from '@resvg/resvg-wasm'

/** Sizes that browsers ask of an installed page. */
const sizes = [192, 512]

/** What the bundler takes along and this page never asks for: sources, and the engine that speaks SQL. */
const unused = /\.map$|stowage-sql/

const place = new URL('../', import.meta.url)

export function shell() {
  return {
    name: 'shell',
    apply: 'build',
    enforce: 'post',
    async buildStart() {
      await initWasm(readFileSync(createRequire(import.meta.url).resolve('@resvg/resvg-wasm/index_bg.wasm')))
      const icon = readFileSync(new URL('public/icon.svg', place), 'utf8')
      for (const width of sizes) {
        const source = new Resvg(icon, { fitTo: { mode: 'width', value: width } }).render().asPng()
        this.emitFile({ type: 'asset', fileName: `icon-${width}.png`, source })
      }
    },
    generateBundle(_, bundle) {
      const files = new Map()
      for (const [name, file] of Object.entries(bundle)) {
        if (!unused.test(name)) files.set(name, file.type === 'chunk' ? file.code : file.source)
      }
      const still = new URL('public/', place)
      for (const { name } of readdirSync(still, { withFileTypes: true }).filter((entry) => entry.isFile())) {
        files.set(name, readFileSync(new URL(name, still)))
      }
      const names = [...files.keys()].sort()
      const hash = createHash('sha256')
      for (const name of names) hash.update(`${name}\0`).update(files.get(name))
      const text = JSON.stringify({ version: hash.digest('hex').slice(0, 8), files: names })
      const worker = readFileSync(new URL('shell/offline.js', place), 'utf8')
      this.emitFile({ type: 'asset', fileName: 'offline.js', source: worker.replace('= SHELL', `= ${text}`) })
    },
  }
}
