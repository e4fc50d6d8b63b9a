import { packPlain } from '../document/document.js'
import { lookUp } from '../document/path.js'
import type { Table } from '../table/table.js'
import type { Key } from '../document/types.js'

/** What is remembered of a document. Times are counted in uses of the table. */
export interface Use {
  key: Key
  size: number
  /** When it was stored, when used last, and how often. */
  stored: number
  last: number
  count: number
}

/** Which documents of a table were used when, as far as this context knows. */
export class Uses<T> {
  private readonly byKey = new Map<string, Use>()
  private time = 0
  /** A transaction has changed what is remembered, and is not known to have been committed. */
  private unsure = false

  constructor(private readonly sizeOf: (document: T) => number) {}

  /** A document was handed out. */
  used(document: T, table: Table<T>): void {
    const use = this.byKey.get(text(keyOf(document, table)))
    if (use !== undefined) this.touch(use)
  }

  /** Documents were stored, in a transaction that is still to be committed. */
  async stored(table: Table<T>, keys: readonly Key[]): Promise<void> {
    const known = new Set(this.byKey.keys())
    for (const document of await table.getMany(keys)) if (document !== undefined) this.meet(document, table)
    if (this.unsure || (await table.count()) !== this.byKey.size) await this.meetAll(table)
    this.unsure = true
    for (const use of this.of(keys)) {
      this.touch(use)
      if (!known.has(text(use.key))) use.stored = this.time
    }
  }

  /** It has been committed. */
  kept(): void {
    this.unsure = false
  }

  /** Forgets what is over a bound, by rank and at last of what was just stored, and returns its identities. */
  over(most: number, fresh: readonly Key[], rank: (use: Use) => number): Key[] {
    let total = 0
    for (const use of this.byKey.values()) total += use.size
    if (total <= most) return []
    const last = new Set(this.of(fresh))
    const ranked = [...this.byKey.values()].filter(use => !last.has(use)).map(use => ({ use, rank: rank(use) }))
    ranked.sort((a, b) => a.rank - b.rank || a.use.last - b.use.last)
    const gone: Key[] = []
    for (const use of [...ranked.map(({ use }) => use), ...last]) {
      if (total <= most) break
      total -= use.size
      gone.push(use.key)
      this.byKey.delete(text(use.key))
    }
    return gone
  }

  private of(keys: readonly Key[]): Use[] {
    const uses = keys.map(key => this.byKey.get(text(key)))
    return [...new Set(uses)].filter(use => use !== undefined)
  }

  private touch(use: Use): void {
    use.last = ++this.time
    use.count++
  }

  private meet(document: T, table: Table<T>): void {
    const key = keyOf(document, table)
    const use = this.byKey.get(text(key)) ?? { key, size: 0, stored: 0, last: 0, count: 0 }
    use.size = this.sizeOf(document)
    this.byKey.set(text(key), use)
  }

  /** Others may have stored some, or a transaction that did have come to nothing. */
  private async meetAll(table: Table<T>): Promise<void> {
    const gone = new Set(this.byKey.keys())
    for await (const document of table.find()) {
      gone.delete(text(keyOf(document, table)))
      this.meet(document, table)
    }
    for (const name of gone) this.byKey.delete(name)
  }
}

/** Text that is the same for keys that are. */
const text = (key: unknown): string => String(packPlain(key))

function keyOf<T>(document: T, table: Table<T>): Key {
  return lookUp(document, table.made.schema.key) as Key
}
