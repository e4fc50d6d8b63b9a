/*
 * The objects of rows as they are here, with what was changed here on them. Go programs have the same in sync/item.go.
 */
import type { Database } from '../environment/environment.js'
import type { Ensurer, How } from './ensure.js'
import type { Items } from './item.js'
import { type Loader, wantedRow } from './load.js'
import type { RowKey } from './message.js'
import { changed, type Overlay } from './overlay.js'
import { nameOf } from './shape.js'
import type { Row } from './value.js'

export class Shown {
  constructor(
    private readonly db: Database,
    private readonly items: Items,
    private readonly overlay: Overlay,
    private readonly loader: Loader,
    private readonly ensurer: Ensurer,
    /** Throws once the view is closed. */
    private readonly live: () => void,
    private readonly listeners: ReadonlySet<() => void>,
  ) {}

  /** The objects of rows, in the order of their identities; undefined for those that do not exist. */
  async get(model: string, keys: readonly RowKey[], how: How): Promise<(object | undefined)[]> {
    const made = await this.overlay.of(model, keys)
    const asked = keys.filter((_, i) => made[i]?.kind !== 'added' && made[i]?.kind !== 'removed').map(key => wantedRow(model, key))
    if (asked.length > 0) await this.ensurer.ensure(asked, how, some => this.loader.rows(model, some.map(({ owner }) => owner!)))
    return this.show(model, keys)
  }

  /** The objects of rows as they are here, with what was changed here on them. */
  async show(model: string, keys: readonly RowKey[]): Promise<(object | undefined)[]> {
    if (keys.length === 0) return []
    const rows = (await this.db.table(model).getMany(keys)) as (Row | undefined)[]
    const changes = await this.overlay.of(model, keys)
    const abouts = await this.ensurer.abouts(model, keys)
    this.live()
    let other = false
    const shown = keys.map((key, i) => {
      const row = changed(rows[i], changes[i])
      if (row === undefined) return undefined
      const about = changes[i] === undefined ? abouts[i]! : { ...abouts[i]!, source: 'overlay' as const }
      return this.items.show(model, key, row, about, () => (other = true))
    })
    if (other) this.changed()
    return shown
  }

  /** The objects of a list. Of what was changed here, it has what fits. */
  async list(model: string, keys: readonly RowKey[], fits: ((row: Row) => boolean) | undefined): Promise<object[]> {
    const listed = new Set(keys.map(nameOf))
    const made = fits === undefined ? [] : (await this.overlay.list(model)).filter(one => one.kind !== 'removed' && !listed.has(nameOf(one.key)))
    const shown = await this.show(model, [...keys, ...made.map(one => one.key)])
    return shown.filter(item => item !== undefined && (fits === undefined || fits(this.items.of(item)!.row))) as object[]
  }

  /** Has the objects of a model that somebody holds show what is here now. */
  async again(model: string): Promise<void> {
    await this.show(model, this.items.keys(model))
  }

  private changed(): void {
    for (const listener of this.listeners) {
      try {
        listener()
      } catch (error) {
        void Promise.reject(error)
      }
    }
  }
}
