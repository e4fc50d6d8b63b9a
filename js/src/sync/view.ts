/*
 * A view of an origin: its rows as objects with relations, out of the tables that hold what was pulled or loaded, with as much of
 * the network as the mode says; see VIEW.md. Go programs have the same in sync/view.go.
 */
import type { Database, Environment, Tables } from '../environment.js'
import { StowageError } from '../errors.js'
import { Options } from '../options.js'
import { table } from '../schema.js'
import { Backoff, type RetryOptions } from './backoff.js'
import { Breaker } from './breaker.js'
import { electric } from './electric.js'
import { type About, type Held, Items } from './item.js'
import { type Batched, checkKey, Loader, type Wanted, wantedRow } from './load.js'
import { type Loaded, loadedTable, loadedTables, recordOf } from './loaded.js'
import type { RowKey } from './message.js'
import { doing, least, type Mode, modes, shows, type State } from './mode.js'
import { identity, type ReadModel } from './model.js'
import { changed, type LocalChange, Overlay, overlayTables } from './overlay.js'
import { type Progress, Puller } from './pull.js'
import type { Query, Relation } from './relation.js'
import { Requests } from './request.js'
import { nameOf } from './shape.js'
import type { Source } from './source.js'
import { Token, type TokenSource } from './token.js'
import type { LoadOptions, ModelView, Models, Preload, Related, Relations, ViewOptions } from './declared.js'
import type { Row } from './value.js'

/** Where the origin may not answer, it is waited for this long unless `deadline` says otherwise; in milliseconds. */
const deadline = 3000

/** A view, with a member for each model. */
export type View<M extends Models = Models, R extends Relations<M> = Relations<M>> = OriginView & { readonly [N in keyof M]: ModelView<M, R, N> }

/**
 * Makes a view, which is opened before it is used.
 *
 *     const music = await view(db, {
 *       origin: '/v1/shape',
 *       models: { artists: model<Artist>({ table: 'artists', key: 'id' }), albums: model<Album>({ table: 'albums', key: 'id' }) },
 *       relations: { artists: { albums: many('albums', 'artistId') }, albums: { artist: parent('artists', 'artistId') } },
 *     }).open()
 *     const artist = await music.artists(1)
 *     for (const album of await artist!.albums) console.log(album.title, (await album.artist) === artist)
 */
export function view<const M extends Models, const R extends Relations<M> = {}>(db: Environment<any>, options: ViewOptions<M, R>): View<M, R> {
  return new OriginView(db, options as unknown as ViewOptions<Models, Relations<Models>>) as unknown as View<M, R>
}

/** How something is obtained. */
interface How {
  mode?: Mode | undefined
  maxAge?: number | undefined
  fallback?: readonly [] | readonly [unknown]
}

/** The members of a view that are not models. */
export class OriginView {
  private readonly models: Record<string, ReadModel> = {}
  private readonly relations: Record<string, Record<string, Relation>>
  private readonly items = new Items(() => this.live(), (held, name) => this.relation(held, name))
  private readonly listeners = new Set<() => void>()
  private readonly ending = new AbortController()
  /** Shapes that were asked for news since the view was opened. */
  private readonly refreshed = new Set<string>()
  private readonly source: Source | undefined
  private readonly place: string
  private readonly requests: Requests
  private readonly retry: { base: number; most: number }
  private readonly follows: boolean
  private readonly maxAge: number
  private readonly deadline: number
  private current: Mode
  private stage: 'made' | 'opening' | 'open' | 'closed' = 'made'
  private db!: Database
  private loader!: Loader
  private overlay!: Overlay
  private puller: Puller | undefined

  /** @internal */
  constructor(
    private readonly environment: Environment<any>,
    options: ViewOptions<Models, Relations<Models>>,
  ) {
    const o = new Options('view', options)
    const source = o.any('origin') as string | Source | undefined
    const models = (o.any('models') ?? {}) as Models
    this.relations = (o.any('relations') ?? {}) as Record<string, Record<string, Relation>>
    this.current = o.oneOf('mode', modes) ?? 'freshen'
    this.maxAge = o.integer('maxAge') ?? Infinity
    this.deadline = o.integer('deadline') ?? deadline
    this.follows = o.boolean('live') ?? false
    this.retry = Backoff.read(o.any('retry') as RetryOptions | undefined)
    const token = new Token(o.function<TokenSource>('token'))
    const fetch = o.function<typeof globalThis.fetch>('fetch') ?? globalThis.fetch?.bind(globalThis)
    o.done()
    if (source !== undefined && typeof source !== 'string' && typeof source?.next !== 'function') throw o.wrong('origin', 'a URL or a source')
    this.place = typeof source === 'string' ? source : ''
    this.source = typeof source === 'string' ? electric(source) : source
    this.requests = new Requests(fetch, token, new Breaker(this.retry.most))
    for (const [name, { spec }] of Object.entries(models)) this.declare(name, spec)
    for (const [name, relations] of Object.entries(this.relations)) this.checkRelations(name, relations)
  }

  /** Opens the view. It is done once: a view that was closed is made anew. */
  async open(): Promise<this> {
    if (this.stage !== 'made') throw new StowageError('not_live', 'a view is opened once')
    this.stage = 'opening'
    try {
      const rows = Object.fromEntries(Object.entries(this.models).map(([name, one]) => [name, table({ key: identity(one) })]))
      this.db = await this.environment.beside({ ...rows, ...loadedTables, ...overlayTables } as Tables)
      this.loader = new Loader(this.db, this.models, statement => this.query(statement))
      this.overlay = new Overlay(this.db)
      await this.startPuller()
      this.stage = 'open'
    } catch (error) {
      this.stage = 'closed'
      await this.db?.close()
      throw error
    }
    return this
  }

  /** Ends the view: it and everything it has handed out is `not_live` from then on. What was loaded stays. */
  async close(): Promise<void> {
    if (this.stage !== 'open') {
      this.stage = 'closed'
      return
    }
    this.stage = 'closed'
    this.ending.abort()
    await this.puller?.close()
    await this.db.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** How much of the origin is wanted, from now on where it is set. */
  get mode(): Mode {
    return this.current
  }

  set mode(mode: Mode) {
    if (!modes.includes(mode)) throw new StowageError('invalid_option', `view: mode must be one of ${modes.join(', ')}`)
    this.current = mode
    this.puller?.nudge()
  }

  /** Whether what was handed out now shows something else: told after every change that was seen. Returns what ends that. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** How far the shapes of models that are pulled are. */
  get progress(): Readonly<Record<string, Progress>> {
    return this.puller?.progress ?? {}
  }

  /** How many requests were sent. */
  get sent(): number {
    return this.requests.count
  }

  /** Where an object comes from, and how old it is. */
  about(item: object): About {
    return this.heldOf(item).about
  }

  /** Loads an object, or what a relation leads to, from the origin once more. `offline` in that mode, `origin_failed` without an answer. */
  async refresh(what: object): Promise<void> {
    if (what instanceof Lead) return void (await what.refresh())
    const { model, key } = this.heldOf(what)
    this.mayAsk()
    await this.askRows(model, [key])
    await this.show(model, [key])
  }

  /** Loads everything once more that was ever loaded, and asks for what is new in shapes. */
  async refreshAll(): Promise<void> {
    this.live()
    this.mayAsk()
    this.loader.forget()
    const pulled = Object.keys(this.models).filter(name => this.isPulled(name))
    await Promise.all(pulled.map(name => this.refreshShape(name)))
    const records = (await this.db.table(loadedTable).find({})) as unknown as Loaded[]
    for (const [name, found] of grouped(records.filter(({ field }) => field === '-'), ({ model }) => model)) {
      if (name in this.models) await this.loader.rows(name, found.map(({ owner }) => owner!))
    }
    for (const [field, found] of grouped(records.filter(one => one.field !== '-'), one => one.field)) await this.reload(field, found)
    for (const name in this.models) await this.showAgain(name)
  }

  /** The changes that were made here, oldest first. */
  async changes(): Promise<LocalChange[]> {
    this.live()
    return this.overlay.list()
  }

  /** Takes back the changes of all models, of one, or of one row; tells how many. */
  async discard(model?: string, key?: RowKey): Promise<number> {
    this.live()
    const gone = await this.overlay.discard(model, key)
    for (const [name, changes] of grouped(gone, one => one.model)) await this.show(name, changes.map(one => one.key))
    return gone.length
  }

  // Models

  private declare(name: string, spec: ReadModel): void {
    if (name in this || name === 'then') throw new StowageError('invalid_option', `view: a model cannot be called "${name}"`)
    if (this.source !== undefined && this.source.query === undefined && spec.pulled === undefined) throw new StowageError('invalid_option', `view: the source answers no statements, so that "${name}" must be pulled`)
    this.models[name] = spec
    const get = (key: RowKey, options?: LoadOptions<unknown>) => this.get(name, key, options)
    const members = {
      get,
      where: (where: string, params: readonly unknown[] = [], options?: LoadOptions<unknown>) => this.where(name, where, params, options),
      include: (items: object | readonly (object | undefined)[], plan: Preload) => this.include(Array.isArray(items) ? items : [items], plan),
      change: (key: RowKey, row: Row) => this.change(name, checkKey(name, key, spec), 'changed', row),
      add: (row: Row) => this.add(name, row),
      remove: (key: RowKey) => this.change(name, checkKey(name, key, spec), 'removed', {}),
    }
    Object.defineProperty(this, name, { value: Object.assign((key: RowKey, options?: LoadOptions<unknown>) => get(key, options), members), enumerable: true })
  }

  private checkRelations(name: string, relations: Record<string, Relation>): void {
    if (!(name in this.models)) throw new StowageError('invalid_option', `view: relations of "${name}", which is no model`)
    for (const [field, relation] of Object.entries(relations)) {
      const others = relation.kind === 'through' ? [relation.model, relation.link] : [relation.model]
      const wrong = (what: string) => new StowageError('invalid_option', `view: the relation "${name}.${field}" ${what}`)
      if (others.some(other => !(other in this.models))) throw wrong('leads to what is no model')
      if (new Set(others.map(other => this.isPulled(other))).size > 1) throw wrong('goes through a model that must be pulled as well, or neither')
      if (relation.kind === 'query' && this.isPulled(relation.model) && relation.local === undefined) throw wrong('leads to a model that is pulled, and needs local')
      if (relation.kind !== 'parent' && relation.kind !== 'query' && this.models[name]!.keys.length > 1) throw wrong('needs an identity of one column')
    }
  }

  private async get(model: string, given: RowKey, options: LoadOptions<unknown> | undefined): Promise<object | undefined> {
    this.live()
    const { how, include } = this.readLoad('get', options)
    const key = checkKey(model, given, this.models[model]!)
    const found = await this.orFallback(how, async () => (await this.keys(model, [key], how))[0])
    if (found !== undefined && include !== undefined) await this.include([found as object], include)
    return found as object | undefined
  }

  private async where(model: string, where: string, params: readonly unknown[], options: LoadOptions<unknown> | undefined): Promise<unknown> {
    this.live()
    if (this.isPulled(model)) throw new StowageError('unsupported', `"${model}" is pulled: ask its table`)
    const { how, include } = this.readLoad('where', options)
    const found = await this.orFallback(how, async () => {
      const one = wantedWhere(model, 'where', where, params)
      await this.ensure([one], how, () => this.loader.where(one))
      return this.listItems(model, await this.listed(one), undefined)
    })
    if (include !== undefined) await this.include(found as object[], include)
    return found
  }

  /** The objects of rows, in the order of their identities; undefined for those that do not exist. */
  private async keys(model: string, keys: readonly RowKey[], how: How): Promise<(object | undefined)[]> {
    const made = await this.overlay.of(model, keys)
    const asked = keys.filter((_, i) => made[i]?.kind !== 'added' && made[i]?.kind !== 'removed').map(key => wantedRow(model, key))
    if (asked.length > 0) await this.ensure(asked, how, some => this.loader.rows(model, some.map(({ owner }) => owner!)))
    return this.show(model, keys)
  }

  // Relations

  /** @internal What awaits a relation of an object. */
  private relation(held: Held, name: string): object | undefined {
    const relation = this.relations[held.model]?.[name]
    return relation && new Lead(options => this.follow(held, name, relation, options), () => this.followAnew(held, name, relation))
  }

  private async follow(held: Held, name: string, relation: Relation, options: LoadOptions<unknown> | undefined): Promise<unknown> {
    this.live()
    const { how, include } = this.readLoad(name, options)
    const { mode = relation.mode, maxAge = relation.maxAge, fallback = relation.fallback } = how
    const found = await this.orFallback({ fallback }, async () => {
      await this.load([held], name, relation, { mode: least(mode ?? this.current, relation.mode), maxAge })
      return this.led(held, name, relation)
    })
    if (include !== undefined) await this.include([found].flat() as object[], include)
    return found
  }

  private async followAnew(held: Held, name: string, relation: Relation): Promise<unknown> {
    this.live()
    this.mayAsk()
    if (relation.kind === 'parent') {
      const key = parentOf(held, relation.column)
      if (key !== undefined) await this.askRows(relation.model, [key])
    } else if (this.isPulled(relation.model)) await this.refreshShape(relation.model)
    else await this.askRelation(relation, [this.wanted(held, name, relation)])
    return this.led(held, name, relation)
  }

  /** Has a relation of several objects of one model be here. */
  private async load(owners: readonly Held[], name: string, relation: Relation, how: How): Promise<void> {
    if (relation.kind === 'parent') {
      const keys = new Map(owners.flatMap(held => parentOf(held, relation.column) ?? []).map(key => [nameOf(key), key]))
      await this.keys(relation.model, [...keys.values()], how)
      return
    }
    const wanted = new Map(owners.map(held => this.wanted(held, name, relation)).map(one => [one.record, one]))
    await this.ensure([...wanted.values()], how, some => this.askRelation(relation, some))
  }

  private async askRelation(relation: Exclude<Relation, { kind: 'parent' }>, wanted: readonly Wanted[]): Promise<void> {
    if (relation.kind === 'query') for (const one of wanted) await this.loader.where(one)
    else await this.loader.related(relation as Batched, wanted)
  }

  /** Loads what a record tells of once more. */
  private async reload(field: string, found: readonly Loaded[]): Promise<void> {
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
      return key === undefined ? undefined : (await this.show(relation.model, [key]))[0]
    }
    const keys = this.isPulled(relation.model) ? await this.foundIn(held, relation) : await this.listed(this.wanted(held, name, relation), localFilter(held, relation))
    const fits = relation.kind === 'many' || relation.kind === 'one' ? (row: Row) => nameOf(row[relation.column] as RowKey) === nameOf(held.key) : undefined
    const found = await this.listItems(relation.model, keys, fits)
    return relation.kind === 'one' ? found[0] : found
  }

  /** The identities of the rows of a shape that a relation leads to. */
  private async foundIn(held: Held, relation: Exclude<Relation, { kind: 'parent' }>): Promise<RowKey[]> {
    if (relation.kind === 'through') {
      const links = (await this.db.table(relation.link).find({ [relation.from]: held.key })) as Row[]
      return links.map(row => row[relation.to] as RowKey)
    }
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
  private async include(items: readonly (object | undefined)[], plan: Preload): Promise<void> {
    this.live()
    for (const [model, owners] of grouped(items.flatMap(item => (item === undefined ? [] : this.heldOf(item))), held => held.model)) {
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

  // What is here, and what is asked for

  /** Has things be here as the mode says. All of them are of one model. */
  private async ensure(wanted: readonly Wanted[], how: How, load: (wanted: readonly Wanted[]) => Promise<void>): Promise<void> {
    if (wanted.length === 0) return
    const { model } = wanted[0]!
    const mode = least(how.mode ?? this.current, this.current, this.models[model]!.mode)
    const states = await this.states(wanted, how)
    const ask: Wanted[] = []
    const behind: Wanted[] = []
    let tried: State | undefined
    wanted.forEach((one, i) => {
      const state = states[i]!
      const what = doing(mode, state)
      if (what === 'refuse') throw missing(model, state)
      if (what === 'ask' || what === 'try') ask.push(one)
      if (what === 'behind') behind.push(one)
      if (what === 'try' && (tried === undefined || shows(tried))) tried = state
    })
    if (behind.length > 0) this.behind(model, behind, load)
    if (ask.length === 0) return
    if (tried === undefined) await this.ask(model, ask, load)
    else await this.attempt(model, tried, this.ask(model, ask, load))
  }

  private async states(wanted: readonly Wanted[], how: How): Promise<State[]> {
    const { model } = wanted[0]!
    const maxAge = how.maxAge ?? this.models[model]!.maxAge ?? this.maxAge
    if (this.isPulled(model)) {
      const state = await this.shapeState(model, maxAge)
      return wanted.map(() => state)
    }
    return (await this.loader.states(wanted, () => maxAge)).map(({ state }) => state)
  }

  private async shapeState(model: string, maxAge: number): Promise<State> {
    const { complete, rows, chunks, fetchedAt, error } = await this.puller!.look(model)
    if (!complete) return rows > 0 ? 'partial' : 'evicted'
    if (Date.now() - fetchedAt > maxAge) return 'stale'
    return (chunks > 0 && error === undefined) || this.refreshed.has(model) ? 'fresh' : 'complete'
  }

  private ask(model: string, wanted: readonly Wanted[], load: (wanted: readonly Wanted[]) => Promise<void>): Promise<void> {
    return this.isPulled(model) ? this.loader.once([{ ...wantedRow(model, ''), record: model }], () => this.refreshShape(model)) : this.loader.once(wanted, load)
  }

  /** Asks for the next time, and has what is shown change when it comes. */
  private behind(model: string, wanted: readonly Wanted[], load: (wanted: readonly Wanted[]) => Promise<void>): void {
    this.ask(model, wanted, load)
      .then(() => this.showAgain(model))
      .catch(() => {}) // what is here is shown
  }

  /** Waits for an answer for a while, and does without one where something whole is here. */
  private async attempt(model: string, state: State, asked: Promise<void>): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new StowageError('origin_failed', 'the origin took too long')), this.deadline)
    })
    try {
      await Promise.race([asked, late])
    } catch (error) {
      if (!(error instanceof StowageError) || !unanswered.has(error.code)) throw error
      if (!shows(state)) throw missing(model, state, error)
    } finally {
      clearTimeout(timer)
    }
  }

  private async refreshShape(model: string): Promise<void> {
    await this.puller!.refresh(model)
    this.refreshed.add(model)
  }

  private async askRows(model: string, keys: readonly RowKey[]): Promise<void> {
    await this.ask(model, keys.map(key => wantedRow(model, key)), some => this.loader.rows(model, some.map(({ owner }) => owner!)))
  }

  private async query(statement: { sql: string; params: unknown[] }): Promise<Row[]> {
    if (this.source?.query === undefined) throw new StowageError('origin_failed', 'the view has no origin')
    return this.source.query(statement, { requests: this.requests, signal: this.ending.signal })
  }

  private async startPuller(): Promise<void> {
    const pulled = Object.entries(this.models).filter(([, { pulled }]) => pulled !== undefined)
    if (pulled.length === 0) return
    const specs = pulled.map(([name, { table, columns, pulled }]) => [name, { table, ...(columns && { columns }), ...pulled }] as const)
    const { requests, retry, follows: live } = this
    const source: Source = this.source ?? { live: false, next: () => Promise.reject(new StowageError('origin_failed', 'the view has no origin')) }
    const held = (complete: boolean) => this.current === 'offline' || this.source === undefined || (complete && !live)
    const keys = Object.fromEntries(pulled.map(([name, one]) => [name, identity(one)]))
    this.puller = await Puller.start(this.environment, this.place, { source, requests, retry, live, every: 60_000, held }, [...specs], keys)
  }

  // Objects

  /** The objects of rows as they are here, with what was changed here on them. */
  private async show(model: string, keys: readonly RowKey[]): Promise<(object | undefined)[]> {
    if (keys.length === 0) return []
    const rows = (await this.db.table(model).getMany(keys)) as (Row | undefined)[]
    const changes = await this.overlay.of(model, keys)
    const abouts = await this.abouts(model, keys)
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

  private async abouts(model: string, keys: readonly RowKey[]): Promise<About[]> {
    const maxAge = this.models[model]!.maxAge ?? this.maxAge
    if (this.isPulled(model)) {
      const state = await this.shapeState(model, maxAge)
      const { fetchedAt } = this.puller!.progress[model]!
      return keys.map(() => ({ source: state === 'fresh' ? 'origin' : 'cache', fetchedAt, stale: state === 'stale' }))
    }
    const found = await this.loader.states(keys.map(key => wantedRow(model, key)), () => maxAge)
    return found.map(({ state, at }) => ({ source: state === 'fresh' ? 'origin' : 'cache', fetchedAt: at, stale: state === 'stale' || state === 'partial' }))
  }

  /** The objects of a list. Of what was changed here, it has what fits. */
  private async listItems(model: string, keys: readonly RowKey[], fits: ((row: Row) => boolean) | undefined): Promise<object[]> {
    const listed = new Set(keys.map(nameOf))
    const made = fits === undefined ? [] : (await this.overlay.list(model)).filter(one => one.kind !== 'removed' && !listed.has(nameOf(one.key)))
    const shown = await this.show(model, [...keys, ...made.map(one => one.key)])
    return shown.filter(item => item !== undefined && (fits === undefined || fits(this.heldOf(item).row))) as object[]
  }

  private async showAgain(model: string): Promise<void> {
    const keys = this.items.keys(model)
    if (this.stage === 'open') await this.show(model, keys)
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

  // The overlay

  private async add(model: string, row: Row): Promise<object> {
    this.live()
    const { keys } = this.models[model]!
    const key = checkKey(model, keys.length === 1 ? row[keys[0]!] : keys.map(name => row[name]), this.models[model]!)
    await this.overlay.make(model, key, 'added', row)
    return (await this.show(model, [key]))[0]!
  }

  private async change(model: string, key: RowKey, kind: 'changed' | 'removed', row: Row): Promise<object | undefined> {
    this.live()
    const { keys } = this.models[model]!
    if (keys.some(name => name in row)) throw new StowageError('invalid_argument', 'the identity of a row stays')
    if (kind === 'changed' && (await this.keys(model, [key], { mode: 'prefer-cache' }))[0] === undefined) throw new StowageError('not_found', `there is no such row of "${model}"`)
    await this.overlay.make(model, key, kind, row)
    return (await this.show(model, [key]))[0]
  }

  // Lifetime

  private live(): void {
    if (this.stage !== 'open') throw new StowageError('not_live', this.stage === 'closed' ? 'the view is closed' : 'the view is not open')
  }

  private mayAsk(): void {
    if (this.current === 'offline') throw new StowageError('offline', 'the view is offline')
  }

  private isPulled(model: string): boolean {
    return this.models[model]!.pulled !== undefined
  }

  private heldOf(item: object): Held {
    this.live()
    const held = this.items.of(item)
    if (held === undefined) throw new StowageError('invalid_argument', 'this is no object of the view')
    return held
  }

  private readLoad(call: string, options: LoadOptions<unknown> | undefined): { how: How; include: Preload | undefined } {
    const o = new Options(call, options)
    const mode = o.oneOf('mode', modes)
    const maxAge = o.integer('maxAge')
    const fallback = o.any('fallback')
    const include = o.any('include') as Preload | undefined
    o.done()
    return { how: { mode, maxAge, ...(options !== undefined && 'fallback' in options && { fallback: [fallback] as const }) }, include }
  }

  /** Does something, or takes what is given for where it is not here. */
  private async orFallback({ fallback = [] }: How, body: () => Promise<unknown>): Promise<unknown> {
    try {
      return await body()
    } catch (error) {
      if (fallback.length === 1 && error instanceof StowageError && (error.code === 'offline' || error.code === 'incomplete')) return fallback[0]
      throw error
    }
  }
}

/** What leads from an object to others: it is awaited, or told how. */
class Lead implements Related<unknown> {
  constructor(
    readonly get: (options?: LoadOptions<unknown>) => Promise<unknown>,
    readonly refresh: () => Promise<unknown>,
  ) {}

  // biome-ignore lint: a relation is awaited
  then<A, B>(done?: ((value: unknown) => A | PromiseLike<A>) | null, failed?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<A | B> {
    return this.get().then(done as never, failed as never)
  }
}

/** Failures of an origin that a view can do without. */
const unanswered = new Set(['origin_failed', 'denied'])

function missing(model: string, state: State, cause?: unknown): StowageError {
  const code = state === 'partial' ? 'incomplete' : 'offline'
  return new StowageError(code, state === 'partial' ? `of "${model}" only a part is here` : `what was asked of "${model}" is not here`, { cause })
}

function wantedWhere(model: string, tag: string, where: string, params: readonly unknown[]): Wanted {
  const plain = where.trim().replace(/\s+/g, ' ')
  const typed = params.map(value => [typeof value, String(value)])
  const field = JSON.stringify(['', tag])
  return { record: recordOf(model, field, JSON.stringify([plain, typed])), model, field, owner: null, where: plain, params }
}

function parentOf({ row }: Held, column: string): RowKey | undefined {
  return (row[column] as RowKey | null | undefined) ?? undefined
}

const localFilter = (held: Held, relation: Relation) => ((relation as Query).kind === 'query' ? (relation as Query).local?.(held.row) : undefined)

function grouped<T>(list: readonly T[], by: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const one of list) {
    const name = by(one)
    groups.get(name)?.push(one) ?? groups.set(name, [one])
  }
  return groups
}
