/*
 * A view of an origin: its rows as objects with relations, out of the tables that hold what was pulled or loaded, with as much of
 * the network as the mode says; see VIEW.md. Go programs have the same in sync/view.go.
 */
import type { Database, Environment, Tables } from '../environment/environment.js'
import { StowageError } from '../errors.js'
import { Options } from '../options.js'
import { table } from '../table/schema.js'
import type { Doc } from '../document/types.js'
import { Backoff, type RetryOptions } from './backoff.js'
import { Breaker } from './breaker.js'
import type { LoadOptions, Models, ModelView, Preload, Relations, ViewOptions } from './declared.js'
import { electric } from './electric.js'
import { Ensurer, type Wish } from './ensure.js'
import { type About, type Held, Items } from './item.js'
import { Lead, Leads, orFallback, readLoad } from './lead.js'
import { Links } from './link.js'
import { checkKey, grouped, Loader } from './load.js'
import { type Loaded, loadedTable, loadedTables } from './loaded.js'
import type { RowKey } from './message.js'
import { type Mode, modes } from './mode.js'
import { identity, type ReadModel, type Statement } from './model.js'
import { type LocalChange, Overlay, overlayTables } from './overlay.js'
import { type Progress, Puller } from './pull.js'
import { modelsOf, type Relation } from './relation.js'
import { Requests } from './request.js'
import { Shown } from './shown.js'
import { type Found, named, type Source } from './source.js'
import { Statements, statementTables } from './sql.js'
import { Token, type TokenSource } from './token.js'
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

/** The members of a view that are not models. */
export class OriginView {
  private readonly models: Record<string, ReadModel> = {}
  private readonly relations: Record<string, Record<string, Relation>>
  private readonly items = new Items(() => this.live(), (held, name) => this.leads.of(held, name))
  private readonly listeners = new Set<() => void>()
  private readonly ending = new AbortController()
  private readonly source: Source | undefined
  private readonly place: string
  private readonly requests: Requests
  private readonly retry: { base: number; most: number }
  private readonly follows: boolean
  private readonly wish: Wish
  private stage: 'made' | 'opening' | 'open' | 'closed' = 'made'
  private db!: Database
  private loader!: Loader
  private overlay!: Overlay
  private ensurer!: Ensurer
  private shown!: Shown
  private leads!: Leads
  private statements!: Statements
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
    this.wish = { mode: o.oneOf('mode', modes) ?? 'freshen', maxAge: o.integer('maxAge') ?? Infinity, deadline: o.integer('deadline') ?? deadline }
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
      this.db = await this.environment.beside({ ...rows, ...loadedTables, ...overlayTables, ...statementTables } as Tables)
      this.loader = new Loader(this.db, this.models, async statement => named((await this.query(statement))!))
      this.overlay = new Overlay(this.db)
      this.puller = await this.startPuller()
      if ((this.stage as string) === 'closed') throw new StowageError('not_live', 'the view was closed')
      this.ensurer = new Ensurer(this.models, this.loader, this.puller, this.wish, model => this.shown.again(model))
      this.shown = new Shown(this.db, this.items, this.overlay, this.loader, this.ensurer, () => this.live(), this.listeners)
      const links = new Links(this.db, this.models, this.overlay, this.loader, this.ensurer)
      this.leads = new Leads(this, this.db, this.models, this.relations, this.loader, this.ensurer, this.shown, links)
      const query = this.source?.query && ((statement: Statement) => this.query(statement))
      this.statements = new Statements(this.db, this.models, this.overlay, this.loader, this.ensurer, this.wish, query)
      this.stage = 'open'
    } catch (error) {
      this.stage = 'closed'
      await this.puller?.close()
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
    return this.wish.mode
  }

  set mode(mode: Mode) {
    if (!modes.includes(mode)) throw new StowageError('invalid_option', `view: mode must be one of ${modes.join(', ')}`)
    this.wish.mode = mode
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

  /**
   * Runs a statement that reads: see VIEW.md and SQL.md. Models are tables by their names. Where the shapes of all that it names
   * are here as a whole, it runs here, over their rows with what was changed here on them; the mode says whether the origin is
   * asked for news first. Else the origin is asked the statement, where the mode allows, and its answer is kept; `incomplete`
   * names the models that are not here where nobody may be asked, or answers.
   *
   *     const [{ n }] = await music.sql<{ n: number }>`SELECT count(*) AS n FROM albums WHERE year > ${1990}`
   */
  async sql<T = Doc>(text: TemplateStringsArray | string, ...values: unknown[]): Promise<T[]> {
    this.live()
    return this.statements.run<T>(typeof text === 'string' ? text : text.join('? '), values)
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
    await this.ensurer.askRows(model, [key])
    await this.shown.show(model, [key])
  }

  /** Loads everything once more that was ever loaded, and asks for what is new in shapes. */
  async refreshAll(): Promise<void> {
    this.live()
    this.mayAsk()
    this.loader.forget()
    const pulled = Object.keys(this.models).filter(name => this.ensurer.isPulled(name))
    await Promise.all(pulled.map(name => this.ensurer.refreshShape(name)))
    const records = (await this.db.table(loadedTable).find({})) as unknown as Loaded[]
    for (const [name, found] of grouped(records.filter(({ field }) => field === '-'), ({ model }) => model)) {
      if (name in this.models) await this.loader.rows(name, found.map(({ owner }) => owner!))
    }
    for (const [field, found] of grouped(records.filter(one => one.field !== '-'), one => one.field)) await this.leads.reload(field, found)
    for (const name in this.models) await this.shown.again(name)
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
    for (const [name, changes] of grouped(gone, one => one.model)) await this.shown.show(name, changes.map(one => one.key))
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
      where: async (where: string, params: readonly unknown[] = [], options?: LoadOptions<unknown>) => this.opened().where(name, where, params, options),
      include: async (items: object | readonly (object | undefined)[], plan: Preload) => this.opened().include(Array.isArray(items) ? items : [items], plan),
      change: (key: RowKey, row: Row) => this.change(name, checkKey(name, key, spec), 'changed', row),
      add: (row: Row) => this.add(name, row),
      remove: (key: RowKey) => this.change(name, checkKey(name, key, spec), 'removed', {}),
    }
    Object.defineProperty(this, name, { value: Object.assign((key: RowKey, options?: LoadOptions<unknown>) => get(key, options), members), enumerable: true })
  }

  private checkRelations(name: string, relations: Record<string, Relation>): void {
    if (!(name in this.models)) throw new StowageError('invalid_option', `view: relations of "${name}", which is no model`)
    for (const [field, relation] of Object.entries(relations)) {
      const others = modelsOf(relation)
      const wrong = (what: string) => new StowageError('invalid_option', `view: the relation "${name}.${field}" ${what}`)
      if (others.some(other => !(other in this.models))) throw wrong('leads to what is no model')
      if (new Set(others.map(other => this.models[other]!.pulled !== undefined)).size > 1) throw wrong('goes through a model that must be pulled as well, or neither')
      if (relation.kind === 'query' && this.models[relation.model]!.pulled !== undefined && relation.local === undefined) throw wrong('leads to a model that is pulled, and needs local')
      if (relation.kind !== 'parent' && relation.kind !== 'query' && this.models[name]!.keys.length > 1) throw wrong('needs an identity of one column')
    }
  }

  private async get(model: string, given: RowKey, options: LoadOptions<unknown> | undefined): Promise<object | undefined> {
    this.live()
    const { how, include } = readLoad('get', options)
    const key = checkKey(model, given, this.models[model]!)
    const found = orFallback(how, async () => {
      const [item] = await this.shown.get(model, [key], how)
      if (include !== undefined) await this.leads.include([item], include)
      return item
    })
    return found as Promise<object | undefined>
  }

  private async query(statement: Statement): Promise<Found | undefined> {
    if (this.source?.query === undefined) throw new StowageError('origin_failed', 'the view has no origin')
    return this.source.query(statement, { requests: this.requests, signal: this.ending.signal })
  }

  private async startPuller(): Promise<Puller | undefined> {
    const pulled = Object.entries(this.models).filter(([, { pulled }]) => pulled !== undefined)
    if (pulled.length === 0) return undefined
    const specs = pulled.map(([name, { table, columns, pulled }]) => [name, { table, ...(columns && { columns }), ...pulled }] as const)
    const { requests, retry, follows: live } = this
    const source: Source = this.source ?? { live: false, next: () => Promise.reject(new StowageError('origin_failed', 'the view has no origin')) }
    const held = (complete: boolean) => this.wish.mode === 'offline' || this.source === undefined || (complete && !live)
    const keys = Object.fromEntries(pulled.map(([name, one]) => [name, identity(one)]))
    return Puller.start(this.environment, this.place, { source, requests, retry, live, every: 60_000, held }, [...specs], keys)
  }

  // The overlay

  private async add(model: string, row: Row): Promise<object> {
    this.live()
    const { keys } = this.models[model]!
    const key = checkKey(model, keys.length === 1 ? row[keys[0]!] : keys.map(name => row[name]), this.models[model]!)
    await this.overlay.make(model, key, 'added', row)
    return (await this.shown.show(model, [key]))[0]!
  }

  private async change(model: string, key: RowKey, kind: 'changed' | 'removed', row: Row): Promise<object | undefined> {
    this.live()
    const { keys } = this.models[model]!
    if (keys.some(name => name in row)) throw new StowageError('invalid_argument', 'the identity of a row stays')
    if (kind === 'changed' && (await this.shown.get(model, [key], { mode: 'prefer-cache' }))[0] === undefined) throw new StowageError('not_found', `there is no such row of "${model}"`)
    await this.overlay.make(model, key, kind, row)
    return (await this.shown.show(model, [key]))[0]
  }

  // Lifetime

  /** @internal */
  live(): void {
    if (this.stage !== 'open') throw new StowageError('not_live', this.stage === 'closed' ? 'the view is closed' : 'the view is not open')
  }

  private opened(): Leads {
    this.live()
    return this.leads
  }

  /** @internal */
  mayAsk(): void {
    if (this.wish.mode === 'offline') throw new StowageError('offline', 'the view is offline')
  }

  /** @internal */
  heldOf(item: object): Held {
    this.live()
    const held = this.items.of(item)
    if (held === undefined) throw new StowageError('invalid_argument', 'this is no object of the view')
    return held
  }
}
