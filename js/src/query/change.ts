import { lookUp } from '../document/path.js'

/** What has become of a result since it was told before, by the identities of its documents. */
export class Change<T> {
  private sorted: { added: T[]; updated: [now: T, before: T][]; removed: T[] } | undefined

  /** @internal Documents that have not changed are the same objects in both. */
  constructor(
    private readonly now: readonly T[],
    private readonly before: readonly T[],
    private readonly key: (string | number)[],
    /** How many documents there are without limit, skip and after, where that was asked for. */
    readonly total: number | undefined,
  ) {}

  /** Documents that came into the result. */
  get added(): readonly T[] {
    return this.sort().added
  }

  /** Documents that are in it still and have other members now. */
  get updated(): readonly [now: T, before: T][] {
    return this.sort().updated
  }

  /** Documents that are not in it any more. */
  get removed(): readonly T[] {
    return this.sort().removed
  }

  private sort() {
    if (this.sorted !== undefined) return this.sorted
    const gone = new Map<unknown, T>()
    const kept = new Set(this.now)
    for (const document of this.before) if (!kept.has(document)) gone.set(this.name(document), document)
    const had = new Set(this.before)
    const added: T[] = []
    const updated: [now: T, before: T][] = []
    for (const document of this.now) {
      if (had.has(document)) continue
      const name = this.name(document)
      const before = gone.get(name)
      if (before === undefined) {
        added.push(document)
      } else {
        gone.delete(name)
        updated.push([document, before])
      }
    }
    return (this.sorted = { added, updated, removed: [...gone.values()] })
  }

  /** What is another for every identity; a document without, as some ask for, is its own. */
  private name(document: T): unknown {
    const identity = lookUp(document, this.key)
    return identity === undefined ? document : identityText(identity)
  }
}

function identityText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(identityText).join()}]`
  if (value instanceof Date) return `d${value.getTime()}`
  if (value instanceof Uint8Array) return `b${value.join()}`
  if (typeof value === 'string') return JSON.stringify(value)
  return String(value) // 1 and 1n are one identity
}
