import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { after } from 'node:test'

import { build, type Plugin } from 'esbuild'
import { Miniflare, type MiniflareOptions } from 'miniflare'
import { build as buildWithVite } from 'vite'

/** Where the package is, as who installs it has it, and what is made with it. */
const project = mkdtempSync(join(tmpdir(), 'stowage-workers-'))
const installed = join(project, 'node_modules/stowage')
after(() => rmSync(project, { recursive: true, force: true }))

mkdirSync(installed, { recursive: true })
execFileSync('tar', ['-xzf', resolve('../.build/stowage.tgz'), '-C', installed, '--strip-components=1'])

/** Copies a program to where the package is installed, with the types of Workers, and returns its folder. */
export function program(folder: string): string {
  const copy = join(project, basename(folder))
  cpSync(folder, copy, { recursive: true })
  mkdirSync(join(project, 'node_modules/@cloudflare'))
  symlinkSync(resolve('node_modules/@cloudflare/workers-types'), join(project, 'node_modules/@cloudflare/workers-types'))
  return copy
}

/** Modules stay beside the bundle that imports them, as wrangler leaves them. */
const resolving = (replaced: Record<string, string>): Plugin => ({
  name: 'resolving',
  setup(b) {
    b.onResolve({ filter: /\.wasm$/ }, () => ({ path: './edge.wasm', external: true }))
    // What package.json says of the package's side effects would be taken for the tests too.
    b.onResolve({ filter: /\.test\.js$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path.replace(/js$/, 'ts')), sideEffects: true }))
    b.onResolve({ filter: /./ }, ({ path, resolveDir, kind }) => {
      const other = replaced[path] ?? path
      if (other.startsWith('test/')) return { path: resolve(other) }
      return other.startsWith('stowage') && resolveDir !== project ? b.resolve(other, { resolveDir: project, kind }) : undefined
    })
  },
})

/** Bundles a worker, with imports that are replaced by others, and returns the folder of it. */
export async function bundle(entry: string, replaced: Record<string, string> = {}): Promise<string> {
  const out = join(project, basename(entry))
  await build({
    entryPoints: [entry],
    outfile: join(out, 'worker.js'),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*'],
    logLevel: 'error',
    plugins: [resolving(replaced)],
  })
  copyFileSync(join(installed, 'dist/edge.wasm'), join(out, 'edge.wasm'))
  return out
}

/** Builds a worker as a project of Vite does that has the package installed, by the configuration in EDGE.md, and returns the folder of it. */
export async function builtByVite(entry: string): Promise<string> {
  const root = join(project, 'with-vite')
  cpSync(dirname(entry), join(root, 'src'), { recursive: true })
  const config = /```js\n(\/\/ vite\.config\.js\n.*?)```/s.exec(readFileSync('EDGE.md', 'utf8'))![1]!
  writeFileSync(join(root, 'vite.config.mjs'), config.replace('src/index.ts', `src/${basename(entry)}`))
  symlinkSync(resolve('node_modules/vite'), join(project, 'node_modules/vite'))
  await buildWithVite({ root, configFile: join(root, 'vite.config.mjs'), logLevel: 'error' })
  return join(root, 'dist')
}

/** What miniflare is told of the worker of a folder: all modules there, that which begins with `main` first. */
export function worker(folder: string, main = 'worker') {
  const modules = readdirSync(folder)
    .filter(name => /\.(js|mjs|wasm)$/.test(name))
    .sort((a, b) => Number(b.startsWith(main)) - Number(a.startsWith(main)))
    .map(name => ({ type: name.endsWith('.wasm') ? ('CompiledWasm' as const) : ('ESModule' as const), path: join(folder, name) }))
  return { modulesRoot: folder, modules, compatibilityDate: '2026-07-01' }
}

const local = { host: '127.0.0.1', port: 0, cf: false, telemetry: { enabled: false } } as const

/** Starts workerd on 127.0.0.1 with the worker of a folder. */
export const start = (folder: string, options: Partial<MiniflareOptions> = {}): Miniflare => new Miniflare({ ...local, ...worker(folder), ...options } as MiniflareOptions)

/** Starts one workerd with several workers, which have names; requests go to the first. `hears` gets what it complains of. */
export const startAll = (workers: ({ name: string } & ReturnType<typeof worker> & Record<string, unknown>)[], hears?: (text: string) => void): Miniflare =>
  new Miniflare({ ...local, workers, ...(hears && { handleRuntimeStdio: hearing(hears) }) } as MiniflareOptions)

const hearing = (hears: (text: string) => void) => (told: Readable, complained: Readable) => {
  told.pipe(process.stdout, { end: false })
  complained.on('data', text => hears(String(text)))
}

/** Asks a worker for something, and returns what it has answered; what it could not do is an error here. */
export async function ask<R>(workerd: Miniflare, path: string, init?: { method?: string; body?: string }): Promise<R> {
  const response = await workerd.dispatchFetch(`http://worker${path}`, init)
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return JSON.parse(text) as R
}

/** Asks a worker for something, and goes away so many milliseconds later. */
export async function abandon(workerd: Miniflare, path: string, milliseconds: number, { method = 'GET', body = '' } = {}): Promise<void> {
  const url = new URL(path, await workerd.ready)
  await new Promise<void>(resolve => {
    const asked = request(url, { method }, response => response.resume())
    asked.on('error', () => {}) // that it went away
    asked.on('close', resolve)
    asked.end(body)
    setTimeout(() => asked.destroy(), milliseconds)
  })
}
