/*
 * The files of traces, in the origin's private file system. Dedicated workers
 * flush them (keeper.ts); a service worker, which can have none, replaces them as here.
 */
import { holdLock } from '../drivers/weblock.js'
import { later, readSlots, type Trace, writeSlot } from './trace.js'

/** Another context has a file for a few milliseconds at a time. */
const attempts = 100
const pauseMilliseconds = 10

/** Finds the file of an environment; undefined where there is none and none is to be made. */
export async function findFile(name: string, create: boolean): Promise<FileSystemFileHandle | undefined> {
  const root = await navigator.storage.getDirectory()
  try {
    const folder = await root.getDirectoryHandle('stowage', { create })
    return await folder.getFileHandle(encodeURIComponent(name), { create })
  } catch (error) {
    if ((error as DOMException).name === 'NotFoundError') return undefined
    throw error
  }
}

/** Opens a file that another context may have, as soon as that has given it back. */
export async function inTurn<A>(open: () => Promise<A>): Promise<A> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open()
    } catch (error) {
      if ((error as DOMException).name !== 'NoModificationAllowedError' || attempt === attempts) throw error
      await new Promise(resolve => setTimeout(resolve, pauseMilliseconds))
    }
  }
}

/**
 * Does what the keeper does, without a worker: reads the trace of an environment, or writes one unless a later one is there.
 * The browser, not a flush, decides when it is on the disk.
 */
export async function keepHere(name: string, trace: Trace | undefined): Promise<Trace | 'damaged' | undefined> {
  const file = await findFile(name, trace !== undefined)
  if (file === undefined) return undefined
  const read = async () => readSlots(new Uint8Array(await (await file.getFile()).arrayBuffer()))
  if (trace === undefined) return (await read()).trace ?? 'damaged'
  const release = await holdLock(`stowage/trace:${name}`, 'exclusive')
  try {
    // From here on no keeper has the file, so what is read stays true until it is replaced.
    const replacing = await inTurn(() => file.createWritable({ keepExistingData: true }))
    const { trace: before, next } = await read()
    if (before !== undefined && later(before, trace)) {
      await replacing.abort()
      return before
    }
    await replacing.write({ type: 'write', position: next, data: writeSlot(trace) as Uint8Array<ArrayBuffer> })
    await replacing.close()
    return trace
  } finally {
    release()
  }
}
