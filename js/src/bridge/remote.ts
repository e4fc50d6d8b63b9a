import type { DriverFactory } from '../drivers/driver.js'
import { holdLock } from '../drivers/weblock.js'
import { type Decode, type Engine, type Exchange, nothing } from './engine.js'
import { aborted, asStowageError, StowageError } from '../errors.js'
import { LocalHost } from './local.js'
import { isOwn, type KeyChange, type Modifier } from '../modifier/modifier.js'
import { compile, type WasmSource } from './module.js'
import type { Host } from '../environment/session.js'
import { readFailure, unreadable } from './task.js'
import { whenAborted } from './signal.js'
import { together } from './waits.js'
import { FrameWriter, Op } from './wire.js'

/** What is sent to the worker. */
export type ToWorker =
  | { type: 'start'; name: string; life: string; driver: { module: string; options?: unknown }; wasm: string | WebAssembly.Module; cacheBytes: number; modifiers: readonly Modifier[] }
  | { type: 'call'; call: number; frame: Uint8Array; rows: boolean; progress: boolean; feed: boolean; ask: boolean }
  | { type: 'more'; call: number; wanted: boolean }
  | { type: 'fed'; call: number; bytes: Uint8Array | undefined; failed: boolean }
  | { type: 'squeeze'; call: number; values: Uint8Array[]; level: number | undefined }
  | { type: 'amend'; call: number; change: KeyChange }
  | { type: 'extend'; call: number; modifiers: readonly Modifier[]; set: number }
  | { type: 'dismiss'; set: number }
  | { type: 'cancel'; call: number }
  | { type: 'stop' }

/** What the worker answers. Frames cross as the engine wrote them. */
export type FromWorker =
  | { type: 'started' }
  | { type: 'stopped' }
  | { type: 'published' }
  | { type: 'failed'; frame: Uint8Array }
  | { type: 'done'; call: number; frame: Uint8Array; memoryBytes: number }
  | { type: 'error'; call: number; frame: Uint8Array }
  | { type: 'squeezed'; call: number; values: Uint8Array[] }
  | { type: 'amended'; call: number; told: unknown }
  | { type: 'rows'; call: number; frame: Uint8Array }
  | { type: 'progress'; call: number; done: number; total: number }
  | { type: 'feed'; call: number }
  | { type: 'ask'; call: number; frame: Uint8Array }
  | { type: 'lost' }
  | { type: 'forgone'; frame: Uint8Array }

/** Starts engines in a dedicated worker, a new worker for each: its lock ends with it. */
export class RemoteHost implements Host {
  readonly waits = together
  private engine: RemoteEngine | undefined

  constructor(
    private readonly name: string,
    private readonly factory: DriverFactory,
    private readonly wasm: WasmSource,
    private readonly cacheBytes: number,
    private readonly modifiers: readonly Modifier[],
  ) {}

  async start(published: () => void): Promise<Engine> {
    const driver = this.factory.worker
    if (typeof Worker === 'undefined') throw new StowageError('unsupported', 'there are no dedicated workers here')
    if (driver === undefined) throw new StowageError('unsupported', 'this driver cannot run in a worker')
    const { wasm, modifiers } = this
    if (modifiers.some(isOwn)) throw ownStage()
    const module = typeof wasm === 'string' || wasm instanceof URL ? String(wasm) : await compile(wasm)
    let engine: RemoteEngine | undefined
    try {
      const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: `stowage:${this.name}` })
      engine = new RemoteEngine(worker, published)
      await engine.start({ type: 'start', name: this.name, life: `stowage worker ${Math.random()}`, driver, wasm: module, cacheBytes: this.cacheBytes, modifiers })
    } catch (cause) {
      const error = asStowageError(cause, 'unsupported', 'the worker could not be started: it is of another site, or what it needs cannot be sent to it')
      engine?.discard(error)
      throw error
    }
    this.engine = engine
    return engine
  }

  sibling(name: string, driver = this.factory, modifiers = this.modifiers): Host {
    const Kind = driver.worker === undefined ? LocalHost : RemoteHost
    return new Kind(name, driver, this.wasm, this.cacheBytes, modifiers)
  }

  async release(): Promise<void> {
    await this.engine?.stop()
    this.engine = undefined
  }
}

function ownStage(): StowageError {
  return new StowageError('unsupported', 'a stage of your own cannot run in a worker')
}

/** One call on its way. */
interface Call {
  decode: Decode<unknown>
  exchange: Exchange | undefined
  resolve: (value: never) => void
  reject: (error: Error) => void
}

/** An engine in a worker: the frames are the same, and decoded on this side. */
export class RemoteEngine implements Engine {
  lost: StowageError | undefined
  ending: StowageError | undefined
  onLost: ((error: StowageError) => void) | undefined
  memoryBytes = 0

  private readonly writer = new FrameWriter()
  private readonly calls = new Map<number, Call>()
  private nextCall = 1
  private started: { resolve: () => void; reject: (error: Error) => void } | undefined
  private stopped: (() => void) | undefined

  constructor(
    private readonly worker: Worker,
    private readonly published: () => void,
  ) {
    worker.onmessage = event => this.receive(event.data as FromWorker)
    worker.onerror = event => {
      event.preventDefault()
      this.lose(new Error(event.message))
    }
  }

  /** Starts the engine. As long as it lives the worker holds the lock `life`: whoever gets that learns that it has died. */
  async start(message: Extract<ToWorker, { type: 'start' }>): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.started = { resolve, reject }
      this.post(message)
    })
    const died = (release: () => void) => {
      release()
      this.lose()
    }
    void holdLock(message.life, 'exclusive').then(died, () => {}) // without locks nobody tells
  }

  request(op: Op, length: number, transaction: number, table: number): FrameWriter {
    return this.writer.reset().array(length).uint(op).uint(transaction).uint(table)
  }

  run<T>(frame: FrameWriter, decode: Decode<T>, exchange?: Exchange): Promise<T> {
    if (this.lost !== undefined) return Promise.reject(this.lost)
    if (exchange?.signal?.aborted) return Promise.reject(aborted(exchange.signal))
    const call = this.nextCall++
    const bytes = frame.frame().slice()
    const promise = this.expect<T>(call, decode, exchange)
    const { onRows, onProgress, onFeed, onAsk } = exchange ?? {}
    this.post(
      {
        type: 'call',
        call,
        frame: bytes,
        rows: onRows !== undefined,
        progress: onProgress !== undefined,
        feed: onFeed !== undefined,
        ask: onAsk !== undefined,
      },
      [bytes.buffer],
    )
    const { signal } = exchange ?? {}
    if (signal === undefined) return promise
    const cancel = () => this.post({ type: 'cancel', call })
    return promise.finally(whenAborted(signal, cancel))
  }

  get<T>(table: number, key: unknown, decode: Decode<T>): Promise<T> {
    try {
      return this.run(this.request(Op.Get, 4, 0, table).key(key), decode)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  squeeze(values: Uint8Array[], level: number | undefined): Promise<Uint8Array[]> {
    return this.send(call => ({ type: 'squeeze', call, values, level }))
  }

  amend(change: KeyChange): Promise<unknown> {
    return this.send(call => ({ type: 'amend', call, change }))
  }

  async extend(modifiers: readonly Modifier[], set = 0): Promise<void> {
    if (modifiers.some(isOwn)) throw ownStage()
    return this.send(call => ({ type: 'extend', call, modifiers, set }))
  }

  dismiss(set: number): void {
    this.post({ type: 'dismiss', set })
  }

  /** Sends what is no request to the engine. */
  private send<T>(message: (call: number) => ToWorker): Promise<T> {
    if (this.lost !== undefined) return Promise.reject(this.lost)
    const call = this.nextCall++
    const promise = this.expect<T>(call, nothing as Decode<never>)
    this.post(message(call))
    return promise
  }

  discard(why: StowageError): void {
    this.end(why)
  }

  private expect<T>(call: number, decode: Decode<T>, exchange?: Exchange): Promise<T> {
    return new Promise((resolve, reject) => {
      this.calls.set(call, { decode, exchange, resolve: resolve as (value: never) => void, reject })
    })
  }

  /** Ends the worker once its driver has been closed. */
  async stop(): Promise<void> {
    await new Promise<void>(resolve => {
      this.stopped = resolve
      if (this.lost === undefined) this.post({ type: 'stop' })
      else resolve()
    })
    this.worker.terminate()
  }

  private receive(message: FromWorker): void {
    switch (message.type) {
      case 'started':
        return this.started?.resolve()
      case 'failed':
        return this.started?.reject(readFailure(message.frame, 0, message.frame.length))
      case 'stopped':
        return this.stopped?.()
      case 'published':
        return this.published()
      case 'lost':
        return this.lose()
      case 'forgone':
        return this.onLost?.(readFailure(message.frame, 0, message.frame.length))
      default:
        return this.answer(message.call, message)
    }
  }

  private answer(number: number, message: Extract<FromWorker, { call: number }>): void {
    const call = this.calls.get(number)
    if (call === undefined) return
    switch (message.type) {
      case 'progress':
        return call.exchange?.onProgress?.(message.done, message.total)
      case 'rows':
        return this.rows(number, call, message.frame)
      case 'feed':
        return void this.feed(number, async () => call.exchange?.onFeed?.())
      case 'ask':
        return void this.feed(number, async () => call.exchange?.onAsk?.(message.frame, 0, message.frame.length))
      case 'error':
        this.calls.delete(number)
        return call.reject(readFailure(message.frame, 0, message.frame.length, this.ending))
      case 'amended':
        this.calls.delete(number)
        return call.resolve(message.told as never)
      case 'squeezed':
        this.calls.delete(number)
        return call.resolve(message.values as never)
      case 'done':
        this.calls.delete(number)
        this.memoryBytes = message.memoryBytes
        return this.finish(call, message.frame)
    }
  }

  private finish(call: Call, frame: Uint8Array): void {
    try {
      // An operation that was not wanted to its end has no result.
      call.resolve((frame.length === 0 ? undefined : call.decode(frame, 0, frame.length)) as never)
    } catch (error) {
      call.reject(unreadable(error))
    }
  }

  private rows(number: number, call: Call, frame: Uint8Array): void {
    try {
      const more = call.exchange?.onRows?.(frame, 0, frame.length) ?? true
      if (more === true) return this.post({ type: 'more', call: number, wanted: true })
      void more.then(wanted => this.post({ type: 'more', call: number, wanted }))
    } catch (error) {
      this.calls.delete(number)
      this.post({ type: 'more', call: number, wanted: false })
      call.reject(unreadable(error))
    }
  }

  /** Gives the worker what it wants. A failure is told without its cause, which whoever feeds knows. */
  private async feed(number: number, next: () => Promise<Uint8Array | undefined>): Promise<void> {
    try {
      this.post({ type: 'fed', call: number, bytes: await next(), failed: false })
    } catch {
      this.post({ type: 'fed', call: number, bytes: undefined, failed: true })
    }
  }

  private lose(cause?: Error): void {
    this.end(new StowageError('engine_lost', 'the engine stopped; the next call starts a new one', { cause }))
  }

  private end(why: StowageError): void {
    if (this.lost !== undefined) return
    this.lost = why
    this.worker.terminate()
    this.started?.reject(this.lost)
    this.stopped?.()
    for (const call of this.calls.values()) call.reject(this.lost)
    this.calls.clear()
  }

  private post(message: ToWorker, transfer: Transferable[] = []): void {
    this.worker.postMessage(message, transfer)
  }
}

