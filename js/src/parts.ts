/*
 * The parts of the package that are loaded when they are first needed. A service
 * worker may load nothing once it runs: the entry 'stowage/service-worker' brings all of them.
 */
import { StowageError } from './errors.js'

export interface Parts {
  argon2: typeof import('./crypto/argon2.js')
  backup: typeof import('./backup.js')
  crypto: typeof import('./crypto/stage.js')
  live: typeof import('./live.js')
  opening: typeof import('./opening.js')
  rewrite: typeof import('./rewrite.js')
  sealing: typeof import('./sealing.js')
  zlib: typeof import('./zlib.js')
}

const loading: { [N in keyof Parts]: () => Promise<Parts[N]> } = {
  argon2: () => import('./crypto/argon2.js'),
  backup: () => import('./backup.js'),
  crypto: () => import('./crypto/stage.js'),
  live: () => import('./live.js'),
  opening: () => import('./opening.js'),
  rewrite: () => import('./rewrite.js'),
  sealing: () => import('./sealing.js'),
  zlib: () => import('./zlib.js'),
}

let brought: Partial<Parts> | undefined

/** Has parts at hand from now on, and no others. */
export function bring(parts: Partial<Parts>): void {
  brought = parts
}

export async function part<N extends keyof Parts>(name: N): Promise<Parts[N]> {
  try {
    return brought?.[name] ?? (await loading[name]())
  } catch (cause) {
    const inService = 'ServiceWorkerGlobalScope' in globalThis
    const remedy = inService ? "a service worker imports 'stowage/service-worker' instead" : 'is it beside index.js?'
    throw new StowageError('unsupported', `${name}.js could not be loaded: ${remedy}`, { cause })
  }
}
