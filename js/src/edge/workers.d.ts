/** What the package uses of Workers. Programs have all of it from @cloudflare/workers-types. */
declare module 'cloudflare:workers' {
  export function waitUntil(promise: Promise<unknown>): void
  export abstract class DurableObject<Env = unknown> {
    protected ctx: DurableObjectState
    protected env: Env
    constructor(ctx: DurableObjectState, env: Env)
  }
}

declare module '*.wasm' {
  const module: WebAssembly.Module
  export default module
}

interface DurableObjectState {
  readonly storage: import('../drivers/durable.js').DurableStorage & {
    getAlarm(): Promise<number | null>
    setAlarm(time: number): Promise<void>
  }
  blockConcurrencyWhile<R>(callback: () => Promise<R>): Promise<R>
}
