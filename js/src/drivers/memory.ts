import { StowageError } from '../errors.js'
import { type Batch, type Driver, type DriverFactory, type DriverInfo, inRange, rootName } from './driver.js'

/** That of IndexedDB, so that an environment can move between them. */
const maxBlob = 64 * 1024 - 1

let made = 0

/**
 * A driver that keeps everything in memory, for tests and for caches. What it
 * keeps lasts as long as the returned object: opened through it again, an environment is as
 * it was closed; another call of memory() starts with nothing.
 */
export function memory(): DriverFactory {
  const environments = new Map<string, Map<string, Uint8Array>>()
  const opened = new Set<string>()
  return {
    id: `memory:${made++}`,
    worker: { module: 'memory' },
    async open(name) {
      if (opened.has(name)) throw new StowageError('locked', `"${name}" is open already`)
      opened.add(name)
      let blobs = environments.get(name)
      if (blobs === undefined) environments.set(name, (blobs = new Map()))
      return new MemoryDriver(blobs, () => opened.delete(name))
    },
  }
}

class MemoryDriver implements Driver {
  private closed = false

  constructor(
    private readonly blobs: Map<string, Uint8Array>,
    private readonly unlock: () => void,
  ) {}

  async read(names: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    this.check()
    return names.map(name => this.blobs.get(name))
  }

  async commit(batch: Batch): Promise<void> {
    this.check()
    if (batch.add.some(({ name }) => this.blobs.has(name))) throw new StowageError('conflict', 'the name of a new blob is taken')
    if (batch.root !== undefined && !equalBytes(this.blobs.get(rootName), batch.root.old)) {
      throw new StowageError('conflict', 'the root was replaced meanwhile')
    }
    for (const { name, bytes } of batch.put) this.blobs.set(name, bytes)
    for (const { name, bytes } of batch.add) this.blobs.set(name, bytes)
    if (batch.root !== undefined) this.blobs.set(rootName, batch.root.new)
    for (const name of batch.remove) this.blobs.delete(name)
    for (const name of inRange(this.blobs.keys(), batch.removeRange)) this.blobs.delete(name)
  }

  async list(prefix: string): Promise<string[]> {
    this.check()
    return [...this.blobs.keys()].filter(name => name.startsWith(prefix)).sort()
  }

  async info(): Promise<DriverInfo> {
    this.check()
    let bytes = 0
    for (const blob of this.blobs.values()) bytes += blob.length
    return { atomic: true, prefixDurable: true, maxBlob, blobs: this.blobs.size, bytes }
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.unlock()
  }

  private check(): void {
    if (this.closed) throw new StowageError('closed', 'the driver is closed')
  }
}

/** Whether two blobs, or two absences, are the same. */
export function equalBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
