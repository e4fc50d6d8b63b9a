import type { FromKeeper, ToKeeper } from '../keeper.js'
import { later, latest, parseTrace, type Trace } from './trace.js'
import { keepHere } from './tracefile.js'

/** Of the names in localStorage. */
const prefix = 'stowage:'

/** A worker that has not answered by then is not waited for. */
const patience = 3000

/**
 * Remembers of an environment what its own storage could lose: in a file that a
 * worker flushes, where there can be one, and in localStorage, which is quick and may lag behind by
 * seconds after a crash. Outside of browsers there is neither.
 */
export class Sentinel {
  /** Where it can remember; told by the last read or write. */
  kind: 'file' | 'local' | 'none' = 'none'

  private worker: Worker | undefined
  private readonly calls = new Map<number, (answer: FromKeeper) => void>()
  private nextCall = 1

  constructor(private readonly name: string) {}

  /** The latest trace; `damaged` where there was one and it cannot be read. */
  async read(): Promise<Trace | 'damaged' | undefined> {
    const local = parseTrace(this.local())
    const kept = await this.look()
    if (kept === 'damaged' || kept === undefined) return local ?? kept
    const last = latest(kept, local) as Trace
    // A page that goes can say so in localStorage only.
    return { ...last, clean: last.clean || (local?.clean === true && !later(last, local)) }
  }

  /** Writes a trace, unless a later one is there. Fulfilled when it is on the disk, as far as there is a place for it. */
  async write(trace: Trace): Promise<void> {
    this.note(trace)
    await this.ask(trace)
  }

  /** Writes a trace to localStorage, unless a later one is there: all that a page can do when it goes. */
  note(trace: Trace, name = this.name): void {
    const before = parseTrace(this.local(undefined, name))
    if (before === undefined || !later(before, trace)) this.local(JSON.stringify(trace), name)
  }

  /** The other environments of the site that had no clean end, or have none yet, as far as localStorage knows. */
  uncleanOthers(): Map<string, Trace> {
    const found = new Map<string, Trace>()
    try {
      for (const [key, text] of Object.entries(localStorage)) {
        const trace = key.startsWith(prefix) && key !== prefix + this.name ? parseTrace(text as string) : undefined
        if (trace?.clean === false) found.set(key.slice(prefix.length), trace)
      }
    } catch {
      // As below.
    }
    return found
  }

  close(): void {
    this.worker?.terminate()
    this.worker = undefined
  }

  /** Reads the copy in localStorage, or replaces it. Its absence proves nothing. */
  private local(text?: string, name = this.name): string | null {
    const key = prefix + name
    try {
      if (text !== undefined) localStorage.setItem(key, text)
      const held = localStorage.getItem(key)
      if (this.kind === 'none') this.kind = 'local'
      return held
    } catch {
      return null // there is none in a worker, or the user does not allow it
    }
  }

  /**
   * Reads the file. A worker takes longer to start than all the rest of an opening, so it is asked only where the file cannot
   * be read from here, or nothing in it is whole: somebody may just be writing it, and the worker waits for its turn.
   */
  private async look(): Promise<Trace | 'damaged' | undefined> {
    const kept = await this.keep(undefined)
    return kept === 'damaged' || this.kind !== 'file' ? this.ask(undefined) : kept
  }

  private async ask(trace: Trace | undefined): Promise<Trace | 'damaged' | undefined> {
    if (typeof Worker === 'undefined') return this.keep(trace)
    let watchdog: ReturnType<typeof setTimeout> | undefined
    try {
      const call = this.nextCall++
      const answer = await new Promise<FromKeeper>((resolve, reject) => {
        this.calls.set(call, resolve)
        watchdog = setTimeout(reject, patience)
        this.start(reject).postMessage({ call, name: this.name, trace } satisfies ToKeeper)
      })
      this.calls.delete(call)
      if (!answer.failed) this.kind = 'file'
      return answer.trace
    } catch {
      this.calls.clear()
      this.close()
      return undefined
    } finally {
      clearTimeout(watchdog)
    }
  }

  private async keep(trace: Trace | undefined): Promise<Trace | 'damaged' | undefined> {
    try {
      const kept = await keepHere(this.name, trace)
      this.kind = 'file'
      return kept
    } catch {
      return undefined // there is no such place here
    }
  }

  private start(failed: (reason: unknown) => void): Worker {
    if (this.worker !== undefined) return this.worker
    const worker = new Worker(new URL('./keeper.js', import.meta.url), { type: 'module', name: `stowage:sentinel:${this.name}` })
    worker.onmessage = ({ data }: MessageEvent<FromKeeper>) => this.calls.get(data.call)?.(data)
    worker.onerror = event => {
      event.preventDefault()
      failed(event)
    }
    this.worker = worker
    return worker
  }
}
