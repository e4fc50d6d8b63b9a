import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { build } from 'vite'

/**
 * Makes a project as Vite's users have it, with the package installed, and returns the folder of what Vite has
 * built, for a server that calls it `/built/`.
 */
export async function buildWithVite(project: string): Promise<string> {
  rmSync(project, { recursive: true, force: true })
  mkdirSync(join(project, 'node_modules'), { recursive: true })
  symlinkSync(resolve('.'), join(project, 'node_modules/stowage'))
  writeFileSync(join(project, 'index.html'), '<!doctype html><title>built</title><script type="module" src="/main.ts"></script>')
  writeFileSync(join(project, 'main.ts'), "import * as stowage from 'stowage'\nimport { coder } from 'stowage/coders'\nObject.assign(globalThis, { stowage: { ...stowage, coder } })\n")
  await build({ root: project, base: '/built/', logLevel: 'error', build: { outDir: 'out' } })
  return join(project, 'out')
}
