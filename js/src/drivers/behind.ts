import type { Batch, Contexts, Driver, DriverInfo } from './driver.js'

/** So many batches may be on their way at once: what they hold stays in memory until then. */
const maxPending = 4

/** A batch on its way, or one that failed. */
interface Pending {
  batch: Batch
  /** Fulfilled when it has been written or has failed. */
  settled: Promise<void>
  failed: boolean
}

/**
 * Lets the engine go on while blobs are being written that nothing refers to
 * yet: a batch of nothing else is done as soon as it is on its way. What
 * publishes them, any other batch, waits until all of them are written, so no
 * reference can become durable before what it names.
 *
 * A batch that failed is written again before the next one that publishes, and
 * fails that one when it fails again; it is forgotten for names that are removed.
 */
export class WriteBehind implements Driver {
  private pending: Pending[] = []
  /** The blobs of pending batches, which are read from here. */
  private readonly held = new Map<string, Uint8Array>()

  constructor(
    private readonly inner: Driver,
    /** Told of every batch that was written and published something. */
    private readonly published: () => void,
  ) {}

  get contexts(): Contexts | undefined {
    return this.inner.contexts
  }

  async read(names: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    if (this.held.size === 0) return this.inner.read(names)
    const missing = names.filter(name => !this.held.has(name))
    if (missing.length === names.length) return this.inner.read(names)
    const blobs = new Map(names.map(name => [name, this.held.get(name)]))
    const found = missing.length === 0 ? [] : await this.inner.read(missing)
    missing.forEach((name, i) => blobs.set(name, found[i]))
    return names.map(name => blobs.get(name))
  }

  commit(batch: Batch): Promise<void> {
    const { put, add, root, remove } = batch
    const publishes = add.length > 0 || root !== undefined || remove.length > 0 || put.length === 0
    return publishes ? this.publish(batch).then(this.published) : this.send(batch)
  }

  async list(prefix: string): Promise<string[]> {
    await this.settle()
    return this.inner.list(prefix)
  }

  async info(held: boolean): Promise<DriverInfo> {
    await this.settle()
    return this.inner.info(held)
  }

  async close(): Promise<void> {
    await this.settle()
    await this.inner.close()
  }

  /** Puts a batch on its way; waits only where too many are. */
  private async send(batch: Batch): Promise<void> {
    for (const { name, bytes } of batch.put) this.held.set(name, bytes)
    const entry: Pending = { batch, failed: false, settled: Promise.resolve() }
    entry.settled = this.inner.commit(batch).then(
      () => this.forget(entry),
      () => {
        entry.failed = true
      },
    )
    this.pending.push(entry)
    const underWay = this.pending.filter(p => !p.failed)
    if (underWay.length > maxPending) await Promise.race(underWay.map(p => p.settled))
  }

  private publish(batch: Batch): Promise<void> {
    return this.pending.length === 0 ? this.inner.commit(batch) : this.publishAfter(batch)
  }

  private async publishAfter(batch: Batch): Promise<void> {
    await this.settle()
    for (const name of batch.remove) this.held.delete(name)
    for (const entry of [...this.pending]) {
      if (!entry.failed) continue
      entry.batch.put = entry.batch.put.filter(({ name }) => this.held.has(name))
      if (entry.batch.put.length > 0) await this.inner.commit(entry.batch)
      this.forget(entry)
    }
    await this.inner.commit(batch)
  }

  /** Waits for all that is on its way. */
  private async settle(): Promise<void> {
    await Promise.all(this.pending.map(p => p.settled))
  }

  private forget(entry: Pending): void {
    this.pending = this.pending.filter(p => p !== entry)
    for (const { name } of entry.batch.put) this.held.delete(name)
  }
}
