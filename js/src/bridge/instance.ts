import { StowageError } from '../errors.js'
import { type Go, loadGo } from '../wasm_exec.js'
import { turn } from './turn.js'
import { FrameWriter, Header, Status } from './wire.js'

/** What the module exports beside Go's own. Addresses and lengths are unsigned. */
interface Exports {
  mem: WebAssembly.Memory
  header(): number
  alloc(length: number): number
  begin(length: number): void
  get(table: number, length: number): void
  step(task: number, length: number): void
  cancel(task: number): void
  drop(task: number): void
}

/**
 * One running engine: linear memory, and calls into it. Frames go in through an
 * inbox whose address alloc returns, results come out where the header says,
 * and are overwritten by the next call. None of the calls ever waits.
 */
export class Instance {
  /** The whole memory. A new object after every call in which it grew. */
  heap!: Uint8Array
  /** Set once the instance is of no use any more. */
  lost: StowageError | undefined

  private words!: Uint32Array
  private inbox = 0
  private inboxLength = 0
  private readonly frame = new FrameWriter(0)

  private constructor(
    private readonly go: Go,
    private readonly exports: Exports,
    private readonly output: () => string,
  ) {
    this.view()
    this.reserve(smallFrame)
  }

  /**
   * Starts an engine that keeps its memory near `memoryBytes`. To instantiate the module, to start Go and the first request,
   * all of it code that has never run, take some ten milliseconds each: together they would keep the thread for too long.
   */
  static async boot(module: WebAssembly.Module, memoryBytes: number): Promise<Instance> {
    const { go, output } = prepare(memoryBytes)
    const instance = await WebAssembly.instantiate(module, go.importObject)
    await turn.next()
    const booted = Instance.run(go, output, instance)
    await turn.next()
    return booted
  }

  /** The same at once, which a page's thread may not do. What is in `scope` Go sees in place of what is global. */
  static bootNow(module: WebAssembly.Module, memoryBytes: number, scope: object): Instance {
    const { go, output } = prepare(memoryBytes, scope)
    return Instance.run(go, output, new WebAssembly.Instance(module, go.importObject))
  }

  private static run(go: Go, output: () => string, instance: WebAssembly.Instance): Instance {
    go.run(instance).catch(() => {}) // what is wrong with it shows in the first call
    return new Instance(go, instance.exports as unknown as Exports, output)
  }

  get task(): number {
    return this.words[Header.Task]!
  }

  get payload(): number {
    return this.words[Header.Payload]!
  }

  get payloadEnd(): number {
    return this.words[Header.Payload]! + this.words[Header.PayloadLength]!
  }

  /** The bytes of linear memory, which never shrinks. */
  get memoryBytes(): number {
    return this.heap.length
  }

  /** The tasks that the last call made ready to be stepped; most often none. */
  ready(): number[] {
    const count = this.words[Header.ReadyCount]!
    if (count === 0) return none
    const at = this.words[Header.Ready]! / 4
    const all = new Uint32Array(this.heap.buffer)
    return Array.from(all.subarray(at, at + count))
  }

  /** A writer over the inbox, with room for at least `bytes`. */
  writer(bytes = smallFrame): FrameWriter {
    if (bytes > this.inboxLength) this.reserve(bytes)
    return this.frame.lay(this.heap, this.inbox, this.inboxLength)
  }

  begin(frame: FrameWriter): Status {
    this.deliver(frame)
    return this.call(this.exports.begin, frame.length, 0)
  }

  /** Reads a document by the key in the frame, which is nothing but that. */
  get(table: number, frame: FrameWriter): Status {
    this.deliver(frame)
    return this.call(this.exports.get, table, frame.length)
  }

  step(task: number, frame: FrameWriter): Status {
    this.deliver(frame)
    return this.call(this.exports.step, task, frame.length)
  }

  cancel(task: number): void {
    this.call(this.exports.cancel, task, 0)
  }

  drop(task: number): void {
    this.call(this.exports.drop, task, 0)
  }

  /** Declares the instance dead. */
  lose(cause?: unknown): StowageError {
    const said = this.output()
    const words = said === '' ? undefined : new Error(said)
    return this.end(new StowageError('engine_lost', 'the engine stopped; the next call starts a new one', { cause: cause ?? words }))
  }

  /** Ends the use of the instance, for the first reason that is given, and lets go of its memory. */
  end(why: StowageError): StowageError {
    this.lost ??= why
    this.heap = new Uint8Array(0)
    return this.lost
  }

  /** Puts a frame into the inbox, unless it was written there. */
  private deliver(frame: FrameWriter): void {
    if (frame.bytes === this.heap && frame.start === this.inbox) return
    if (frame.length > this.inboxLength) this.reserve(frame.length)
    this.heap.set(frame.frame(), this.inbox)
  }

  private reserve(bytes: number): void {
    if (this.lost !== undefined) throw this.lost
    if (bytes > largestFrame) throw new StowageError('too_large', `${bytes} bytes are too many for one call`)
    try {
      this.inbox = this.exports.alloc(bytes) >>> 0
    } catch (error) {
      throw this.lose(error)
    }
    if (this.inbox === 0) throw this.lose()
    this.inboxLength = bytes
    if (this.heap.length === 0) this.view()
  }

  /** Calls an export that answers in the header. A header that stayed empty is no answer. */
  private call(f: (a: number, b: number) => void, a: number, b: number): Status {
    if (this.lost !== undefined) throw this.lost
    this.words[Header.Status] = Status.None
    try {
      f(a, b)
    } catch (error) {
      throw this.lose(error)
    }
    if (this.heap.length === 0) this.view()
    const status = this.words[Header.Status]!
    if (status === Status.None || this.go.exited) throw this.lose()
    return status
  }

  /** Makes the views anew: memory that grew has another buffer. */
  private view(): void {
    this.heap = new Uint8Array(this.exports.mem.buffer)
    this.words = new Uint32Array(this.exports.mem.buffer, this.exports.header() >>> 0, Header.Words)
  }
}

const none: number[] = []

/** No frame is larger, for memory that was grown for one stays: twice what a document may have at most. */
const largestFrame = 128 << 20

/** The inbox is never smaller than this. */
const smallFrame = 1 << 16

/** Go before it runs, and what it will have written by the time it is asked. */
function prepare(memoryBytes: number, scope?: object): { go: Go; output: () => string } {
  let output = ''
  const fs = hostFiles(text => (output = (output + text).slice(-4000)))
  const go = new (loadGo({ ...hostScope(fs), ...scope }, fs))()
  go.env = { GOMEMLIMIT: String(memoryBytes), GOGC: '100', GODEBUG: 'gcshrinkstackoff=1' }
  go.exit = () => {}
  return { go, output: () => output }
}

/** Takes what Go writes to its standard output and error: the last words of a dying instance. */
function hostFiles(write: (text: string) => void): object {
  const decoder = new TextDecoder()
  const refuse = (...args: unknown[]) => {
    const callback = args[args.length - 1] as (error: Error) => void
    callback(Object.assign(new Error('not implemented'), { code: 'ENOSYS' }))
  }
  const files: Record<string, unknown> = {
    constants: { O_WRONLY: -1, O_RDWR: -1, O_CREAT: -1, O_TRUNC: -1, O_APPEND: -1, O_EXCL: -1, O_DIRECTORY: -1 },
    writeSync(_file: number, bytes: Uint8Array) {
      write(decoder.decode(bytes))
      return bytes.length
    },
    write(_file: number, bytes: Uint8Array, _offset: number, length: number, _at: unknown, callback: (e: null, n: number) => void) {
      write(decoder.decode(bytes))
      callback(null, length)
    },
  }
  return new Proxy(files, { get: (target, name) => target[name as string] ?? refuse })
}

/**
 * What Go sees as the global object: the little that its runtime asks for.
 * crypto and performance are wrapped, for their methods insist on their own receiver.
 */
function hostScope(fs: object): object {
  return {
    fs,
    Array,
    Object,
    Uint8Array,
    Date,
    TextEncoder,
    TextDecoder,
    crypto: { getRandomValues: (bytes: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(bytes) },
    performance: { now: () => performance.now() },
  }
}
