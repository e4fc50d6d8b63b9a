import { type Batch, type Blob, type Contexts, type Driver, type DriverInfo, rootName } from '../drivers/driver.js'

type Turn = (bytes: Uint8Array, name: string) => Promise<Uint8Array>

/** So many bytes may the hooks add to a blob before it is larger than the driver would like. */
const grown = 1024

/** A driver whose blobs go through hooks, out of the engine and back. */
export class HookedDriver implements Driver {
  /** The root as the engine knows it and as it is stored: hooks need not write the same bytes twice. */
  private root: { plain: Uint8Array; stored: Uint8Array } | undefined

  constructor(
    private readonly inner: Driver,
    private readonly write: Turn,
    private readonly turnBack: Turn,
  ) {}

  get contexts(): Contexts | undefined {
    return this.inner.contexts
  }

  counting(own: unknown): Driver {
    const inner = this.inner.counting?.(own)
    return inner === undefined ? this : new HookedDriver(inner, this.write, this.turnBack)
  }

  async read(names: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    const blobs = await this.inner.read(names)
    return Promise.all(
      blobs.map(async (stored, i) => {
        if (stored === undefined) return undefined
        const plain = await this.turnBack(stored.slice(), names[i]!)
        if (names[i] === rootName) this.root = { plain: plain.slice(), stored }
        return plain
      }),
    )
  }

  async commit(batch: Batch): Promise<void> {
    const all = (blobs: Blob[]) => Promise.all(blobs.map(async ({ name, bytes }) => ({ name, bytes: await this.write(bytes, name) })))
    const { put, add, root } = batch
    if (root === undefined) return this.inner.commit({ ...batch, put: await all(put), add: await all(add) })
    const plain = root.new.slice()
    const stored = await this.write(root.new, rootName)
    const old = root.old && (same(root.old, this.root?.plain) ? this.root!.stored : await this.write(root.old, rootName))
    await this.inner.commit({ ...batch, put: await all(put), add: await all(add), root: { old, new: stored.slice() } })
    this.root = { plain, stored }
  }

  list(prefix: string): Promise<string[]> {
    return this.inner.list(prefix)
  }

  async info(held: boolean): Promise<DriverInfo> {
    const info = await this.inner.info(held)
    return { ...info, maxBlob: info.maxBlob - grown }
  }

  close(): Promise<void> {
    return this.inner.close()
  }
}

function same(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return a.length === b?.length && a.every((byte, i) => byte === b[i])
}
