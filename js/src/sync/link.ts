/*
 * Links: the rows of the third model that lead from many to many. Those that were added, moved or removed here lead elsewhere
 * than the origin knows. Go programs have the same in sync/link.go.
 */
import type { Database } from '../environment/environment.js'
import type { Ensurer, How } from './ensure.js'
import { type Loader, wantedRow } from './load.js'
import type { RowKey } from './message.js'
import { least } from './mode.js'
import { identity, type ReadModel } from './model.js'
import { changed, type Overlay } from './overlay.js'
import type { Through } from './relation.js'
import { nameOf } from './shape.js'
import type { Row } from './value.js'

/** A link that was changed here, as the origin has it and as it is seen: undefined where it does not. */
interface ChangedLink {
  readonly key: RowKey
  readonly before: Row | undefined
  readonly after: Row | undefined
}

export class Links {
  constructor(
    private readonly db: Database,
    private readonly models: Readonly<Record<string, ReadModel>>,
    private readonly overlay: Overlay,
    private readonly loader: Loader,
    private readonly ensurer: Ensurer,
  ) {}

  /**
   * Has the links be here that are pulled; of others, those that were changed here and do not tell by their identity where
   * they led. Returns what links that were changed here lead to from some rows.
   */
  async load(relation: Through, owners: readonly RowKey[], how: How): Promise<RowKey[]> {
    const { link, from, to } = relation
    if (this.ensurer.isPulled(link)) await this.ensurer.ensure([wantedRow(link, '')], how, async () => {})
    else if (!this.tells(relation)) {
      const untold = (await this.overlay.list(link)).filter(({ kind }) => kind !== 'added').map(({ key }) => wantedRow(link, key))
      await this.ensurer.ensure(untold, { ...how, mode: least('prefer-cache', how.mode) }, some => this.loader.rows(link, some.map(({ owner }) => owner!)))
    }
    const names = new Set(owners.map(nameOf))
    return distinct(ends((await this.changed(relation)).map(({ after }) => after), to, row => names.has(nameOf(row[from] as RowKey))))
  }

  /**
   * What links lead to from a row: `listed`, or what those lead to that are pulled, with what was changed here. What a link
   * led to that is gone here stays where another one leads to it; of links that are not pulled, only those are known that were changed.
   */
  async led(relation: Through, owner: RowKey, listed: readonly RowKey[] | undefined): Promise<RowKey[]> {
    const { from, to } = relation
    const own = (row: Row) => nameOf(row[from] as RowKey) === nameOf(owner)
    const changes = await this.changed(relation)
    const pulled = listed === undefined ? await this.pulled(relation, owner) : []
    const other = new Set(changes.map(({ key }) => nameOf(key)))
    const now = ends(changes.map(({ after }) => after), to, own)
    const still = new Set([...now, ...pulled.flatMap(({ key, end }) => (other.has(nameOf(key)) ? [] : [end]))].map(nameOf))
    const left = new Set(ends(changes.map(({ before }) => before), to, own).map(nameOf).filter(name => !still.has(name)))
    const all = listed ?? pulled.map(({ end }) => end)
    return distinct([...all.filter(end => !left.has(nameOf(end))), ...now])
  }

  /** The links of a row that are pulled, and where they end. */
  private async pulled({ link, from, to }: Through, owner: RowKey): Promise<{ key: RowKey; end: RowKey }[]> {
    const member = identity(this.models[link]!)
    const rows = (await this.db.table(link).find({ [from]: owner })) as Row[]
    return rows.flatMap(row => (row[to] == null ? [] : [{ key: row[member] as RowKey, end: row[to] as RowKey }]))
  }

  private async changed(relation: Through): Promise<ChangedLink[]> {
    const changes = await this.overlay.list(relation.link)
    if (changes.length === 0) return []
    const rows = (await this.db.table(relation.link).getMany(changes.map(({ key }) => key))) as (Row | undefined)[]
    return changes.map((change, i) => {
      const { key, kind } = change
      const told = kind === 'removed' && this.tells(relation) ? parts(this.models[relation.link]!, key) : undefined
      const before = rows[i] ?? told
      return { key, before, after: changed(before, change) }
    })
  }

  /** Whether the identity of a link tells where it leads. */
  private tells({ link, from, to }: Through): boolean {
    const { keys } = this.models[link]!
    return keys.includes(from) && keys.includes(to)
  }
}

function parts({ keys }: ReadModel, key: RowKey): Row {
  return Object.fromEntries(keys.map((name, i) => [name, (key as readonly unknown[])[i]])) as Row
}

/** Where links end, of those that are some. */
function ends(links: readonly (Row | undefined)[], to: string, some: (row: Row) => boolean): RowKey[] {
  return links.flatMap(row => (row !== undefined && some(row) && row[to] != null ? [row[to] as RowKey] : []))
}

function distinct(keys: readonly RowKey[]): RowKey[] {
  return [...new Map(keys.map(key => [nameOf(key), key])).values()]
}
