/*
 * Follows relations, from one object or from many at once. Go programs have the same in sync/relation.go.
 */
import type { Database } from '../environment/environment.js'
import { StowageError } from '../errors.js'
import { Options } from '../options.js'
import type { LoadOptions, Preload, Related } from './declared.js'
import type { Ensurer, How } from './ensure.js'
import type { Held } from './item.js'
import type { Links } from './link.js'
import { type Batched, grouped, type Loader, typed, type Wanted } from './load.js'
import { type Loaded, loadedTable, recordOf } from './loaded.js'
import type { RowKey } from './message.js'
import { least, type Mode, modes } from './mode.js'
import { identity, type ReadModel } from './model.js'
import { type Many, modelsOf, type One, type Query, type Relation, type Through } from './relation.js'
import { nameOf } from './shape.js'
import type { Shown } from './shown.js'
import type { Row } from './value.js'

/** What is asked of the view itself. */
interface Lives {
  readonly mode: Mode
  /** Throws where it is not open, or may not ask. */
  live(): void
  mayAsk(): void
  heldOf(item: object): Held
}

export class Leads {
  constructor(
    private readonly view: Lives,
    private readonly db: Database,
    private readonly models: Readonly<Record<string, ReadModel>>,
    private readonly relations: Readonly<Record<string, Readonly<Record<string, Relation>>>>,
    private readonly loader: Loader,
    private readonly ensurer: Ensurer,
    private readonly shown: Shown,
    private readonly links: Links,
  ) {}

  /** What awaits a relation of an object. */
  of(held: Held, name: string): object | undefined {
    const relation = this.relations[held.model]?.[name]
    return relation && new Lead(options => this.follow(held, name, relation, options), () => this.followAnew(held, name, relation))
  }

  private async follow(held: Held, name: string, relation: Relation, options: LoadOptions<unknown> | undefined): Promise<unknown> {
    this.view.live()
    const { how, include } = readLoad(name, options)
    const { mode = relation.mode, maxAge = relation.maxAge, fallback = relation.fallback } = how
    return orFallback({ fallback }, async () => {
      await this.load([held], name, relation, { mode: least(mode ?? this.view.mode, relation.mode), maxAge })
      const found = await this.led(held, name, relation)
      if (include !== undefined) await this.include([found].flat() as object[], include)
      return found
    })
  }

  private async followAnew(held: Held, name: string, relation: Relation): Promise<unknown> {
    this.view.live()
    this.view.mayAsk()
    if (relation.kind === 'parent') {
      const key = parentOf(held, relation.column)
      if (key !== undefined) await this.ensurer.askRows(relation.model, [key])
    } else if (this.ensurer.isPulled(relation.model)) {
      for (const model of modelsOf(relation)) await this.ensurer.refreshShape(model)
    } else await this.askRelation(relation, [this.wanted(held, name, relation)])
    if (relation.kind === 'through') await this.loadLinked([held], relation, {})
    return this.led(held, name, relation)
  }

  /** Has a relation of several objects of one model be here. */
  private async load(owners: readonly Held[], name: string, relation: Relation, how: How): Promise<void> {
    if (relation.kind === 'parent') {
      const keys = new Map(owners.flatMap(held => parentOf(held, relation.column) ?? []).map(key => [nameOf(key), key]))
      await this.shown.get(relation.model, [...keys.values()], how)
      return
    }
    const wanted = new Map(owners.map(held => this.wanted(held, name, relation)).map(one => [one.record, one]))
    await this.ensurer.ensure([...wanted.values()], how, some => this.askRelation(relation, some))
    if (relation.kind === 'through') await this.loadLinked(owners, relation, how)
  }

  /** Has what links lead to be here that were changed here. */
  private async loadLinked(owners: readonly Held[], relation: Through, how: How): Promise<void> {
    const led = await this.links.load(relation, owners.map(({ key }) => key), how)
    if (led.length > 0) await this.shown.get(relation.model, led, how)
  }

  private async askRelation(relation: Exclude<Relation, { kind: 'parent' }>, wanted: readonly Wanted[]): Promise<void> {
    if (relation.kind === 'query') for (const one of wanted) await this.loader.where(one)
    else await this.loader.related(relation as Batched, wanted)
  }

  /** Loads what a record tells of once more. */
  async reload(field: string, found: readonly Loaded[]): Promise<void> {
    const [model, name] = JSON.parse(field) as [string, string]
    const relation = this.relations[model]?.[name]
    if (found[0]!.where !== '') for (const one of found) await (one.model in this.models ? this.loader.where(one) : undefined)
    else if (relation !== undefined && relation.kind !== 'parent') await this.askRelation(relation, found)
  }

  private wanted(held: Held, name: string, relation: Exclude<Relation, { kind: 'parent' }>): Wanted {
    if (relation.kind === 'query') return wantedWhere(relation.model, relation.tag, relation.where, relation.params(held.row))
    const field = JSON.stringify([held.model, name])
    return { record: recordOf(relation.model, field, held.key), model: relation.model, field, owner: held.key, where: '', params: [] }
  }

  /** What a relation leads to, out of what is here. */
  private async led(held: Held, name: string, relation: Relation): Promise<unknown> {
    if (relation.kind === 'parent') {
      const key = parentOf(held, relation.column)
      return key === undefined ? undefined : (await this.shown.show(relation.model, [key]))[0]
    }
    const keys = await this.keysOf(held, name, relation)
    const fits = relation.kind === 'many' || relation.kind === 'one' ? (row: Row) => nameOf(row[relation.column] as RowKey) === nameOf(held.key) : undefined
    const found = await this.shown.list(relation.model, keys, fits)
    return relation.kind === 'one' ? found[0] : found
  }

  private async keysOf(held: Held, name: string, relation: Exclude<Relation, { kind: 'parent' }>): Promise<RowKey[]> {
    const pulled = this.ensurer.isPulled(relation.model)
    if (relation.kind === 'through') return this.links.led(relation, held.key, pulled ? undefined : await this.listed(this.wanted(held, name, relation)))
    return pulled ? this.foundIn(held, relation) : this.listed(this.wanted(held, name, relation), localFilter(held, relation))
  }

  /** The identities of the rows of a shape that a relation leads to. */
  private async foundIn(held: Held, relation: Many | One | Query): Promise<RowKey[]> {
    const member = identity(this.models[relation.model]!)
    const filter = relation.kind === 'query' ? relation.local!(held.row) : { [relation.column]: held.key }
    return ((await this.db.table(relation.model).find(filter as Row)) as Row[]).map(row => row[member] as RowKey)
  }

  /** The identities that a record lists, of those that a filter takes. */
  private async listed(one: Wanted, filter?: object): Promise<RowKey[]> {
    const { rows = [] } = ((await this.db.table(loadedTable).get(one.record)) ?? {}) as Partial<Loaded>
    if (filter === undefined || rows.length === 0) return rows
    const of = this.db.table(one.model)
    const found = (await of.find(of.of(rows, filter as Row))) as Row[]
    const taken = new Set(found.map(row => nameOf(row[identity(this.models[one.model]!)] as RowKey)))
    return rows.filter(key => taken.has(nameOf(key)))
  }

  /** Has relations of objects be here, each of them for all at once, and those of what they lead to. */
  async include(items: readonly (object | undefined)[], plan: Preload): Promise<void> {
    this.view.live()
    for (const [model, owners] of grouped(items.flatMap(item => (item === undefined ? [] : this.view.heldOf(item))), held => held.model)) {
      for (const [name, deeper] of Object.entries(plan)) {
        const relation = this.relations[model]?.[name]
        if (relation === undefined) throw new StowageError('invalid_option', `"${model}" has no relation "${name}"`)
        await this.load(owners, name, relation, { mode: relation.mode, maxAge: relation.maxAge })
        if (deeper === true) continue
        const found = await Promise.all(owners.map(held => this.led(held, name, relation)))
        await this.include(found.flat() as object[], deeper as Preload)
      }
    }
  }

  /** What a condition finds. */
  async where(model: string, where: string, params: readonly unknown[], options: LoadOptions<unknown> | undefined): Promise<unknown> {
    this.view.live()
    if (this.ensurer.isPulled(model)) throw new StowageError('unsupported', `"${model}" is pulled: ask its table`)
    const { how, include } = readLoad('where', options)
    return orFallback(how, async () => {
      const one = wantedWhere(model, 'where', where, params)
      await this.ensurer.ensure([one], how, () => this.loader.where(one))
      const found = await this.shown.list(model, await this.listed(one), undefined)
      if (include !== undefined) await this.include(found, include)
      return found
    })
  }
}

/** What leads from an object to others: it is awaited, or told how. */
export class Lead implements Related<unknown> {
  constructor(
    readonly get: (options?: LoadOptions<unknown>) => Promise<unknown>,
    readonly refresh: () => Promise<unknown>,
  ) {}

  // biome-ignore lint: a relation is awaited
  then<A, B>(done?: ((value: unknown) => A | PromiseLike<A>) | null, failed?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<A | B> {
    return this.get().then(done as never, failed as never)
  }
}

/** Reads how something is to be loaded. */
export function readLoad(call: string, options: LoadOptions<unknown> | undefined): { how: How; include: Preload | undefined } {
  const o = new Options(call, options)
  const mode = o.oneOf('mode', modes)
  const maxAge = o.integer('maxAge')
  const fallback = o.any('fallback')
  const include = o.any('include') as Preload | undefined
  o.done()
  return { how: { mode, maxAge, ...(options !== undefined && 'fallback' in options && { fallback: [fallback] as const }) }, include }
}

/** Does something, or takes what is given for where it is not here. */
export async function orFallback({ fallback = [] }: How, body: () => Promise<unknown>): Promise<unknown> {
  try {
    return await body()
  } catch (error) {
    if (fallback.length === 1 && error instanceof StowageError && (error.code === 'offline' || error.code === 'incomplete')) return fallback[0]
    throw error
  }
}

function wantedWhere(model: string, tag: string, where: string, params: readonly unknown[]): Wanted {
  const plain = where.trim().replace(/\s+/g, ' ')
  const field = JSON.stringify(['', tag])
  return { record: recordOf(model, field, JSON.stringify([plain, typed(params)])), model, field, owner: null, where: plain, params }
}

function parentOf({ row }: Held, column: string): RowKey | undefined {
  return (row[column] as RowKey | null | undefined) ?? undefined
}

const localFilter = (held: Held, relation: Relation) => ((relation as Query).kind === 'query' ? (relation as Query).local?.(held.row) : undefined)
