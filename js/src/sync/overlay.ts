/*
 * The overlay: changes that were made here and that the origin has not heard of, nor ever will. They lie beside the rows, in the table
 * `sync overlay`, are seen through a view, and outlive every pull. Go programs have the same in sync/overlay.go.
 */
import type { Database, Tables } from '../environment/environment.js'
import { table } from '../table/schema.js'
import type { RowKey } from './message.js'
import { nameOf } from './shape.js'
import type { Row } from './value.js'

/** A change that was made here. */
export interface LocalChange {
  readonly model: string
  readonly key: RowKey
  /** Of a row that the origin has, a new one, or that it is not to be seen. */
  readonly kind: 'changed' | 'added' | 'removed'
  /** Its columns that are other ones; all, of one that was added. */
  readonly row: Row
  /** When it was made, in milliseconds since 1970. */
  readonly at: number
}

export const overlayTable = 'sync overlay'

export const overlayTables: Tables = { [overlayTable]: table<LocalChange & { change: string }>({ key: 'change', indexes: ['model'], compress: 'none' }) }

export class Overlay {
  /** When the last change was made: each is later than those before. */
  private last = 0

  constructor(private readonly db: Database) {}

  /** Makes a change on top of what was changed already. */
  async make(model: string, key: RowKey, kind: LocalChange['kind'], row: Row): Promise<void> {
    const at = (this.last = Math.max(Date.now(), this.last + 1))
    await this.db.transaction(async tx => {
      const changes = tx.table(overlayTable)
      const change = changeOf(model, key)
      const before = (await changes.get(change)) as LocalChange | undefined
      if (before?.kind === 'added' && kind === 'removed') return void (await changes.delete(change))
      const kept = kind === 'changed' && before !== undefined && before.kind !== 'removed'
      await changes.put({ change, model, key, kind: kept ? before.kind : kind, row: kept ? { ...before.row, ...row } : row, at })
    })
  }

  /** The changes of all models, of one, or of one row, oldest first. */
  async list(model?: string, key?: RowKey): Promise<LocalChange[]> {
    const changes = this.db.table(overlayTable)
    if (model !== undefined && key !== undefined) return [await changes.get(changeOf(model, key))].flatMap(found => (found === undefined ? [] : [bare(found)]))
    const found = await changes.find(model === undefined ? {} : { model })
    return found.map(bare).sort((a, b) => a.at - b.at)
  }

  /** Takes changes back, and tells which. */
  async discard(model?: string, key?: RowKey): Promise<LocalChange[]> {
    const gone = await this.list(model, key)
    if (gone.length > 0) await this.db.table(overlayTable).deleteMany(gone.map(change => changeOf(change.model, change.key)))
    return gone
  }

  /** The changes of some rows, in their order. */
  async of(model: string, keys: readonly RowKey[]): Promise<(LocalChange | undefined)[]> {
    return keys.length === 0 ? [] : ((await this.db.table(overlayTable).getMany(keys.map(key => changeOf(model, key)))) as (LocalChange | undefined)[])
  }
}

/** A row as it is seen with a change on it. */
export function changed(row: Row | undefined, change: LocalChange | undefined): Row | undefined {
  if (change === undefined) return row
  if (change.kind === 'removed') return undefined
  return change.kind === 'added' ? { ...row, ...change.row } : row && { ...row, ...change.row }
}

const changeOf = (model: string, key: RowKey) => JSON.stringify([model, nameOf(key)])

function bare(found: object): LocalChange {
  const { change: _, ...rest } = found as LocalChange & { change: string }
  return rest
}
