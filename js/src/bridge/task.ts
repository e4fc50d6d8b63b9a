import { Among } from './among.js'
import { unpack } from '../document/document.js'
import type { Driver } from '../drivers/driver.js'
import { type Decode, type Engine, type Exchange, nothing } from './engine.js'
import { aborted, asStowageError, readCode, StowageError, wordsOf } from '../errors.js'
import type { Instance } from './instance.js'
import { type Answer, answerBytes, ask, done, feed, perform, writeAnswer } from './io.js'
import { isHosted, type KeyChange, type Modifier } from '../modifier/modifier.js'
import { part } from '../parts.js'
import type { AmendRequest, LoadRequest, Sealing, SealRequest } from '../sealing.js'
import { squeeze } from '../coder/squeeze.js'
import { whenAborted } from './signal.js'
import { turn } from './turn.js'
import { type Lives, together, type Waits } from './waits.js'
import { type FrameWriter, Op, type Sign, Status } from './wire.js'

/**
 * The engine in this context. An operation that finds all it needs in memory is
 * over when begin returns. Any other becomes a task: it yields what it wants of
 * the outside, that is awaited here, and the task is stepped with the answer.
 */
export class LocalEngine implements Engine {
  /** Tasks that wait for another one. */
  private readonly waiting = new Map<number, () => void>()
  /** How to reject what is pending. */
  private readonly pending = new Set<(error: Error) => void>()
  private readonly lives: Lives | undefined
  private readonly among: Among | undefined
  /** The stages of the environment are set 0. */
  private readonly sealings = new Map<number, Sealing>()

  ending: StowageError | undefined
  onLost: ((error: StowageError) => void) | undefined

  constructor(
    private readonly instance: Instance,
    private readonly driver: Driver,
    sealing: Sealing | undefined,
    private readonly waits: Waits = together,
  ) {
    if (sealing !== undefined) this.sealings.set(0, sealing)
    this.lives = waits.lives?.(task => {
      this.waiting.delete(task)
      this.drop(task)
    })
    const { contexts } = driver
    this.among = contexts && new Among(contexts, sign => this.hear(sign))
  }

  get lost(): StowageError | undefined {
    return this.instance.lost
  }

  /** The bytes of the engine's memory, which never shrinks. */
  get memoryBytes(): number {
    return this.instance.memoryBytes
  }

  request(op: Op, length: number, transaction: number, table: number, bytes?: number): FrameWriter {
    const frame = this.instance.writer(bytes)
    frame.array(length)
    frame.uint(op)
    frame.uint(transaction)
    frame.uint(table)
    return frame
  }

  run<T>(frame: FrameWriter, decode: Decode<T>, exchange?: Exchange): Promise<T> {
    if (exchange?.signal?.aborted) return Promise.reject(aborted(exchange.signal))
    const { instance } = this
    try {
      this.lives?.dropAbandoned()
      const status = instance.begin(frame)
      this.takeReady(exchange)
      if (status === Status.Done) return Promise.resolve(decode(instance.heap, instance.payload, instance.payloadEnd))
      if (status === Status.Failed) return Promise.reject(this.failure())
      return this.watch(this.drive(instance.task, status, decode, exchange))
    } catch (error) {
      return Promise.reject(this.explain(error))
    }
  }

  get<T>(table: number, key: unknown, decode: Decode<T>, exchange?: Exchange): Promise<T> {
    const { instance } = this
    try {
      const status = instance.get(table, instance.writer().bareKey(key))
      if (status === Status.Done) return Promise.resolve(decode(instance.heap, instance.payload, instance.payloadEnd))
      return this.run(this.request(Op.Get, 4, 0, table).key(key), decode, exchange)
    } catch (error) {
      return Promise.reject(this.explain(error))
    }
  }

  squeeze(values: Uint8Array[], level: number | undefined): Promise<Uint8Array[]> {
    return squeeze(values, level)
  }

  async extend(chain: readonly Modifier[], set = 0): Promise<void> {
    const hosted = chain.filter(isHosted)
    const sealing = this.sealings.get(set)
    if (sealing !== undefined) return sealing.add(hosted)
    if (hosted.length > 0) this.sealings.set(set, await (await part('sealing')).Sealing.begin(hosted))
  }

  dismiss(set: number): void {
    this.sealings.get(set)?.forget()
    this.sealings.delete(set)
  }

  async amend(change: KeyChange): Promise<unknown> {
    return this.sealings.get(0)!.amend(change, number => this.run(this.request(Op.Amend, 4, 0, 0).uint(number), nothing))
  }

  discard(why: StowageError): void {
    this.instance.end(why)
    this.rejectAll(why)
  }

  /** Lets a promise be rejected when the engine dies, whatever it waits for. */
  private watch<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const settled = () => this.pending.delete(reject)
      this.pending.add(reject)
      this.waits.keep(work)
      work.then(
        value => {
          settled()
          resolve(value)
        },
        error => {
          settled()
          reject(this.explain(error))
        },
      )
    })
  }

  /** Serves one task to its end; status is what its last step came to. */
  private async drive<T>(task: number, status: Status, decode: Decode<T>, exchange?: Exchange): Promise<T> {
    const { instance } = this
    const cancel = () => this.cancel(task)
    let over = false
    const deaf = whenAborted(exchange?.signal, cancel)
    try {
      for (;;) {
        over = status === Status.Done || status === Status.Failed
        if (status === Status.Done) return decode(instance.heap, instance.payload, instance.payloadEnd)
        if (status === Status.Failed) throw this.failure()
        this.lives?.note(task)
        const served = this.serve(status, task, exchange)
        const answer = served instanceof Promise ? await served : served
        if (instance.lost !== undefined) throw instance.lost
        this.lives?.check(task)
        if (answer === undefined) return undefined as T
        status = instance.step(task, writeAnswer(instance.writer(answerBytes(answer)), answer))
        this.takeReady(exchange)
      }
    } finally {
      deaf()
      if (this.lives?.ended(task) !== false && !over) this.drop(task)
    }
  }

  /** Ends a task that will not be stepped again: it was not wanted to its end, or could not be served. */
  private drop(task: number): void {
    if (this.lost !== undefined) return
    this.instance.drop(task)
    this.takeReady()
  }

  /**
   * Does what a task asked for; undefined when it shall not go on. The request
   * lies in the engine's memory and is read before this returns.
   */
  private serve(status: Status, task: number, exchange?: Exchange): Answer | undefined | Promise<Answer | undefined> {
    const { heap, payload, payloadEnd } = this.instance
    switch (status) {
      case Status.Breathe:
        return turn.over() ? turn.next().then(() => done) : done
      case Status.Wait:
        return this.wait(task)
      case Status.Rows: {
        const more = exchange?.onRows?.(heap, payload, payloadEnd) ?? true
        return more === true ? done : more.then(wanted => (wanted ? done : undefined))
      }
      case Status.Feed:
        return feed(exchange?.onFeed)
      case Status.Ask:
        return ask(() => exchange?.onAsk?.(heap, payload, payloadEnd))
      case Status.Seal: {
        const request = unpack(heap, payload, payloadEnd) as SealRequest
        return this.sealings.get(request[0])!.perform(request)
      }
      case Status.Load: {
        const request = unpack(heap, payload, payloadEnd) as LoadRequest
        return this.sealings.get(request[0])!.load(request)
      }
      case Status.Amend:
        return this.sealings.get(0)!.change(unpack(heap, payload, payloadEnd) as AmendRequest)
      case Status.Sleep: {
        const milliseconds = unpack(heap, payload, payloadEnd) as number
        return new Promise(resolve => sleep(milliseconds, () => resolve(done)))
      }
      case Status.Progress: {
        const [finished, total] = unpack(heap, payload, payloadEnd) as [number, number]
        exchange?.onProgress?.(finished, total)
        return done
      }
      default:
        return perform(this.driverFor(exchange), this.among, status, payload === payloadEnd ? undefined : unpack(heap, payload, payloadEnd))
    }
  }

  private driverFor(exchange?: Exchange): Driver {
    const { driver } = this
    return exchange?.usage === undefined ? driver : (driver.counting?.(exchange.usage) ?? driver)
  }

  /** Waits until another task has made this one ready. */
  private wait(task: number): Promise<Answer> {
    const told = new Promise<Answer>(resolve => this.waiting.set(task, () => resolve(done)))
    return this.lives?.until(task, () => !this.waiting.has(task) || this.lost !== undefined).then(() => done) ?? told
  }

  /** Tells the engine what was heard of other contexts; it does what is to be done by itself. */
  private hear(sign: Sign): void {
    if (this.lost === undefined) void this.run(this.request(Op.Heard, 4, 0, 0).uint(sign), nothing).catch(() => {})
  }

  private cancel(task: number): void {
    if (this.lost !== undefined) return
    try {
      this.instance.cancel(task)
      this.takeReady()
    } catch (error) {
      this.explain(error)
    }
  }

  /** Wakes the tasks that the last call made ready, and adopts those it started, which are counted to it. */
  private takeReady(exchange?: Exchange): void {
    for (const task of this.instance.ready()) {
      const wake = this.waiting.get(task)
      if (wake === undefined) {
        this.waits.keep(this.adopt(task, exchange?.usage))
      } else {
        this.waiting.delete(task)
        wake()
      }
    }
  }

  /**
   * Runs a task that the engine started for itself. It reports its failures where they
   * matter, in later calls; one that fails all the same is the end of a buffered commit. Where a request may end
   * before its timers do, it begins at once: others may wait for what it writes, and it is counted before the request is answered.
   */
  private async adopt(task: number, usage: unknown): Promise<void> {
    try {
      this.lives?.note(task)
      await (this.lives === undefined ? turn.next() : undefined)
      const status = this.instance.step(task, writeAnswer(this.instance.writer(), done))
      this.takeReady({ usage })
      await this.drive(task, status, () => undefined, { usage })
    } catch (error) {
      const explained = this.explain(error)
      if (this.lost === undefined) this.onLost?.(explained)
    }
  }

  /** The error that the last call ended in. */
  private failure(): StowageError {
    return readFailure(this.instance.heap, this.instance.payload, this.instance.payloadEnd, this.ending)
  }

  /** Gives an error its code; where it is the death of the instance, everything pending learns of it. */
  private explain(error: unknown): StowageError {
    const { lost } = this.instance
    if (lost !== undefined) this.rejectAll(lost)
    return lost ?? unreadable(error)
  }

  private rejectAll(lost: StowageError): void {
    this.waiting.clear()
    for (const reject of this.pending) reject(lost)
    this.pending.clear()
  }
}

/** Calls back once some time has passed; where there is nothing else to do, the host need not stay for it. */
function sleep(milliseconds: number, then: () => void): void {
  const timer = setTimeout(then, milliseconds) as unknown as { unref?: () => void }
  timer.unref?.()
}

/** Reads [code, message], of an engine that may be ending. */
export function readFailure(bytes: Uint8Array, start: number, end: number, ending?: StowageError): StowageError {
  const [code, message] = unpack(bytes, start, end) as [string, string]
  if (code === 'closed' && ending !== undefined) return ending
  return new StowageError(readCode(code), message)
}

/** The error of a call whose result could not be decoded. */
export function unreadable(error: unknown): StowageError {
  return asStowageError(error, 'internal', `an answer could not be read: ${wordsOf(error)}`)
}
