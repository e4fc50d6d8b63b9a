import { StowageError } from '../errors.js'

/** Where the engine's module comes from: a URL, its bytes, or compiled already. */
export type WasmSource = string | URL | BufferSource | WebAssembly.Module

/** Modules compiled in this context, by URL: an engine that is booted again costs no compilation. */
const compiled = new Map<string, Promise<WebAssembly.Module>>()

/** The module beside this file in the package: with SQL it is another one, a third larger. */
export function builtIn(sql?: boolean): URL {
  return sql ? new URL('./stowage-sql.wasm', import.meta.url) : new URL('./stowage.wasm', import.meta.url)
}

/** Compiles the engine's module, once a context for each URL. */
export async function compile(source: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source
  if (typeof source !== 'string' && !(source instanceof URL)) return loaded('the bytes given', () => WebAssembly.compile(source))
  const url = String(source)
  let module = compiled.get(url)
  if (module === undefined) {
    module = load(url)
    compiled.set(url, module)
    module.catch(() => compiled.delete(url))
  }
  return module
}

function load(url: string): Promise<WebAssembly.Module> {
  return loaded(url, async () => (url.startsWith('file:') ? WebAssembly.compile(await readFile(url)) : stream(url)))
}

async function loaded(from: string, compiling: () => Promise<WebAssembly.Module>): Promise<WebAssembly.Module> {
  try {
    return await compiling()
  } catch (error) {
    throw new StowageError('unsupported', `the engine's module could not be loaded from ${from}`, { cause: error })
  }
}

/** Compiles while the bytes arrive, where the server names the type that this takes. */
async function stream(url: string): Promise<WebAssembly.Module> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`HTTP status ${response.status}`)
  if (response.headers.get('content-type')?.startsWith('application/wasm')) return WebAssembly.compileStreaming(response)
  return WebAssembly.compile(await response.arrayBuffer())
}

/** Node has no fetch for files. The name is kept from bundlers and minifiers, which would look for it. */
async function readFile(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const name = ['node:fs', 'promises'].join('/')
  const fs = (await import(/* @vite-ignore */ name)) as typeof import('node:fs/promises')
  return new Uint8Array(await fs.readFile(new URL(url)))
}
