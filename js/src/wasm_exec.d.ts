/**
 * Go's own support code, as the building toolchain ships it, wrapped so that it
 * sees `globalThis` and `fs` as given and leaves nothing behind in the real
 * global object. Written by build.mjs.
 */
export function loadGo(globalThis: object, fs: object): new () => Go

export interface Go {
  env: Record<string, string>
  exit: (code: number) => void
  exited: boolean
  importObject: WebAssembly.Imports
  run(instance: WebAssembly.Instance): Promise<void>
}
