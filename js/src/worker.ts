/*
 * The worker that holds engine and driver for `open(name, { worker: true })`.
 * It passes frames between the page and its own LocalEngine; neither end can tell the difference.
 */
import type { DriverFactory } from './drivers/driver.js'
import { indexeddb } from './drivers/indexeddb.js'
import { memory } from './drivers/memory.js'
import { holdLock } from './drivers/weblock.js'
import type { Engine } from './bridge/engine.js'
import { asStowageError, StowageError, wordsOf } from './errors.js'
import { LocalHost } from './bridge/local.js'
import type { FromWorker, ToWorker } from './bridge/remote.js'
import { FrameWriter } from './bridge/wire.js'

/** What this file needs of a dedicated worker's global object. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null
  postMessage(message: FromWorker, transfer?: Transferable[]): void
}

const page = globalThis as unknown as WorkerScope
const running = new Map<number, AbortController>()
const paused = new Map<number, (wanted: boolean) => void>()
const hungry = new Map<number, (fed: Extract<ToWorker, { type: 'fed' }>) => void>()
let host: LocalHost | undefined
let engine: Engine | undefined

page.onmessage = event => {
  const message = event.data
  switch (message.type) {
    case 'start':
      return void start(message)
    case 'call':
      return void call(message)
    case 'squeeze':
      return void squeeze(message)
    case 'amend':
      return void beside(message.call, engine => engine.amend(message.change))
    case 'extend':
      return void beside(message.call, engine => engine.extend(message.modifiers, message.set))
    case 'dismiss':
      return engine?.dismiss(message.set)
    case 'cancel':
      return running.get(message.call)?.abort()
    case 'more':
      paused.get(message.call)?.(message.wanted)
      paused.delete(message.call)
      return
    case 'fed':
      hungry.get(message.call)?.(message)
      hungry.delete(message.call)
      return
    case 'stop':
      return void stop()
  }
}

async function start(message: Extract<ToWorker, { type: 'start' }>): Promise<void> {
  try {
    await holdLock(message.life, 'exclusive').catch(() => {})
    host = new LocalHost(message.name, await findDriver(message.driver), message.wasm, message.cacheBytes, message.modifiers)
    engine = await host.start(() => page.postMessage({ type: 'published' }))
    engine.onLost = error => page.postMessage({ type: 'forgone', frame: failureFrame(error) })
    page.postMessage({ type: 'started' })
  } catch (error) {
    page.postMessage({ type: 'failed', frame: failureFrame(error) })
  }
}

/** A driver that is built in, by its name, or a user's, by the URL of its module. */
async function findDriver({ module, options }: { module: string; options?: unknown }): Promise<DriverFactory> {
  if (module === 'indexeddb') return indexeddb()
  if (module === 'memory') return memory()
  const loaded = (await import(/* @vite-ignore */ module)) as { driver: (options: unknown) => DriverFactory }
  return loaded.driver(options)
}

async function call(message: Extract<ToWorker, { type: 'call' }>): Promise<void> {
  const number = message.call
  const abort = new AbortController()
  running.set(number, abort)
  try {
    const target = engine as Engine
    const frame = new FrameWriter(0).lay(message.frame, 0, message.frame.length)
    frame.at = message.frame.length
    const result = await target.run(frame, copy, {
      signal: abort.signal,
      onRows: message.rows ? (bytes, from, to) => sendRows(number, copy(bytes, from, to)) : undefined,
      onFeed: message.feed ? () => fedBy({ type: 'feed', call: number }) : undefined,
      onAsk: message.ask ? (bytes, from, to) => fedBy({ type: 'ask', call: number, frame: copy(bytes, from, to) }) : undefined,
      onProgress: message.progress ? (done, total) => page.postMessage({ type: 'progress', call: number, done, total }) : undefined,
    })
    const bytes = result ?? new Uint8Array(0)
    page.postMessage({ type: 'done', call: number, frame: bytes, memoryBytes: target.memoryBytes }, [bytes.buffer])
  } catch (error) {
    if (engine?.lost !== undefined) page.postMessage({ type: 'lost' })
    else page.postMessage({ type: 'error', call: number, frame: failureFrame(error) })
  } finally {
    running.delete(number)
  }
}

async function squeeze({ call, values, level }: Extract<ToWorker, { type: 'squeeze' }>): Promise<void> {
  try {
    page.postMessage({ type: 'squeezed', call, values: await (engine as Engine).squeeze(values, level) })
  } catch (error) {
    page.postMessage({ type: 'error', call, frame: failureFrame(error) })
  }
}

/** Does what is no request to the engine. */
async function beside(call: number, work: (engine: Engine) => Promise<unknown>): Promise<void> {
  try {
    page.postMessage({ type: 'amended', call, told: await work(engine as Engine) })
  } catch (error) {
    page.postMessage({ type: 'error', call, frame: failureFrame(error) })
  }
}

/** Sends a part of a result, and waits for the page to want the next one. */
function sendRows(number: number, frame: Uint8Array<ArrayBuffer>): Promise<boolean> {
  page.postMessage({ type: 'rows', call: number, frame }, [frame.buffer])
  return new Promise(resolve => paused.set(number, resolve))
}

/** Asks the page for what a call cannot go on without: the next bytes of a stream, or answers of functions. */
async function fedBy(want: Extract<FromWorker, { type: 'feed' | 'ask' }>): Promise<Uint8Array | undefined> {
  page.postMessage(want)
  const { bytes, failed } = await new Promise<Extract<ToWorker, { type: 'fed' }>>(resolve => hungry.set(want.call, resolve))
  if (failed) throw new Error('the page could not tell')
  return bytes
}

async function stop(): Promise<void> {
  await host?.release().catch(() => {})
  page.postMessage({ type: 'stopped' })
}

/** Takes a frame out of the engine's memory, which the next call overwrites. */
function copy(bytes: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
  return bytes.slice(start, end) as Uint8Array<ArrayBuffer>
}

/** [code, message], as the engine writes it. */
function failureFrame(error: unknown): Uint8Array {
  const { code, message }: StowageError = asStowageError(error, 'internal', `the worker failed: ${wordsOf(error)}`)
  return new FrameWriter().array(2).string(code).string(message).frame().slice()
}
