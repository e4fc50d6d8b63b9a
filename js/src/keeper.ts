/*
 * The worker that keeps traces in the origin's private file system, where only a
 * worker can flush a file. A file is taken for as long as it is read and written,
 * so tabs take turns, and none puts an older trace over a later one.
 */
import { later, readSlots, type Trace, writeSlot } from './sentinel/trace.js'
import { findFile, inTurn } from './sentinel/tracefile.js'

/** What the page asks: to read the trace of an environment, or to write it. */
export interface ToKeeper {
  call: number
  name: string
  trace: Trace | undefined
}

/** What is in the file afterwards: `damaged` where there is one, and nothing in it is whole. */
export interface FromKeeper {
  call: number
  trace?: Trace | 'damaged' | undefined
  failed?: boolean
}

/** A file that one context has. The type is known to TypeScript for workers only. */
interface SyncAccess {
  getSize(): number
  read(bytes: Uint8Array): number
  write(bytes: Uint8Array, options: { at: number }): number
  flush(): void
  close(): void
}

const page = globalThis as unknown as {
  onmessage: ((event: MessageEvent<ToKeeper>) => void) | null
  postMessage(message: FromKeeper): void
}

page.onmessage = async ({ data: { call, name, trace } }) => {
  try {
    page.postMessage({ call, trace: await keep(name, trace) })
  } catch {
    page.postMessage({ call, failed: true })
  }
}

async function keep(name: string, trace: Trace | undefined): Promise<Trace | 'damaged' | undefined> {
  const access = await take(name, trace !== undefined)
  if (access === undefined) return undefined
  try {
    const file = new Uint8Array(access.getSize())
    access.read(file)
    const { trace: before, next } = readSlots(file)
    if (trace === undefined || (before !== undefined && later(before, trace))) return before ?? 'damaged'
    access.write(writeSlot(trace), { at: next })
    access.flush()
    return trace
  } finally {
    access.close()
  }
}

/** Takes the file of an environment; undefined where there is none and none is to be made. */
async function take(name: string, create: boolean): Promise<SyncAccess | undefined> {
  const file = await findFile(name, create)
  return file && inTurn(() => (file as unknown as { createSyncAccessHandle(): Promise<SyncAccess> }).createSyncAccessHandle())
}
