/*
 * A repository is entities of one kind by their keys, in two tiers.
 *
 * An entity is added to the fallback first, and then to the fast tier where that has it. Where the fast tier fails after the fallback has succeeded, the
 * repository notes that what is there may be old, and reads from the fallback until it has removed it. Within one repository adds and deletes of a key take
 * turns, and a read that began before one of them never puts back what it replaced.
 *
 * Between repositories, as of several tabs over one database, there is a window: what one has read from the fallback it may put into the fast tier after
 * another has added something newer. The old entity then stays there until it expires. The same goes for a write that a tier carries out after it was
 * given up. Give `expire` accordingly.
 *
 * The other side is store/repository/repository.go.
 */
import { asStowageError, StowageError } from '../errors.js'
import { isolated, Options } from '../options.js'
import { type Clock, longest, system } from './clock.js'
import { type Form, type Given, invalidEntity } from './form.js'
import { type Key, Keys } from './key.js'
import { type Change, Pair, sooner, type Wanted } from './pair.js'
import type { Landed } from './flight.js'
import { Many, mustList, Query, type QueryOptions, remembers, type Source } from './query.js'
import { mustHave, type Read, type Reply, type Tier, Timed, type Write } from './tier.js'

/** What every repository is made with. Times are milliseconds. */
export interface Config {
  /** The keys of its entities begin with it. */
  name: string
  /** They have no keys in common, and stay the caller's to close. */
  fast: Tier
  fallback: Tier
  /** How long the fast tier keeps what was added or read, and markers: for ever unless given. Reading does not prolong it. */
  expire?: number
  /** How long the fallback keeps what was added: for ever unless given. */
  fallbackExpiry?: number
  /** They bound each call of a tier: 1000 unless given. A fast tier that does not answer in time is taken not to know; a fallback is a `timeout`. */
  fastTimeout?: number
  fallbackTimeout?: number
  /** Told of what failed without failing a call: what the fast tier did not answer, or what it did not take. */
  onWarning?: (error: StowageError) => void
  clock?: Clock
}

/** What repositories are made with whose entities do not tell what their keys are like. */
export interface KeyedConfig extends Config {
  /** How many parts the keys have: 1 unless given. */
  parts?: number
}

/** How entities are added. */
export interface AddOptions {
  /** Has the fast tier keep the entities even where it did not have them. */
  memoryAlways?: boolean
  /** false adds to the fallback alone, and removes from the fast tier what would be old there. */
  memory?: boolean
  /** How many milliseconds the fallback keeps the entities; as the repository says unless given. */
  fallbackExpiry?: number
}

/** What a query gives whose options are A. */
export type Asked<E, A> = A extends { readonly fields: readonly (infer F)[] } ? Pick<E, F & keyof E> : E

/** Makes the repository of a form whose entities do not tell what their keys are like. */
export function keyed<E, O extends QueryOptions>(call: string, config: KeyedConfig, form: Form<E>): Repository<E, O> {
  const o = new Options(call, config)
  return Repository.of<E, O>(o, o.integer('parts', { least: 1 }) ?? 1, form)
}

/** Entities of type E, of which queries ask with O. */
export class Repository<E, O extends QueryOptions> {
  private constructor(
    /** @internal */ readonly name: string,
    /** @internal */ readonly keys: Keys,
    /** @internal */ readonly pair: Pair,
    /** @internal */ readonly clock: Clock,
    private readonly form: Form<E>,
    private readonly expire: number,
    private readonly fallbackExpiry: number,
  ) {}

  /** @internal Reads what is left of the options. */
  static of<E, O extends QueryOptions>(o: Options, parts: number, form: Form<E>): Repository<E, O> {
    const name = o.string('name') ?? ''
    if (name === '') throw o.wrong('name', 'a string, not empty')
    const clock = (o.any('clock') as Clock | undefined) ?? system
    mustHave(clock, 'now', 'after')
    const [fast, fallback] = [tier(o, 'fast'), tier(o, 'fallback')]
    if (fast === fallback) throw o.wrong('fast', 'not the fallback')
    const [fastTimeout, fallbackTimeout] = ['fastTimeout', 'fallbackTimeout'].map(which => o.integer(which, { least: 1, most: longest }) ?? 1000) as [number, number]
    const [expire, fallbackExpiry] = [o.integer('expire') ?? 0, o.integer('fallbackExpiry') ?? 0]
    const warn = isolated(o.function<(error: StowageError) => void>('onWarning') ?? (() => {}))
    o.done()
    const keys = new Keys(name, parts)
    const ends = { fast: new Timed(fast, fastTimeout, clock), fallback: new Timed(fallback, fallbackTimeout, clock), warn }
    const pair = Pair.of(name, keys.prefix, expire, 2 * (fastTimeout + fallbackTimeout), clock, ends)
    return new Repository<E, O>(name, keys, pair, clock, form, expire, fallbackExpiry)
  }

  /** @internal The same repository over another pair. */
  over(pair: Pair): Repository<E, O> {
    return new Repository<E, O>(this.name, this.keys, pair, this.clock, this.form, this.expire, this.fallbackExpiry)
  }

  /**
   * Stores entities, all of them or none: in the fallback, and where the fast tier has one already, there too. `invalid_document` for an entity that is
   * not valid, `invalid_key` for one without a key.
   */
  add(...entities: E[]): Promise<void> {
    return this.addWith(entities)
  }

  async addWith(entities: readonly E[], options?: AddOptions): Promise<void> {
    await this.store(await this.additions(entities, options))
  }

  /** Asks for the entity of a key. */
  query<const A extends O>(key: Key, options?: A): Query<Asked<E, A>> {
    return new Query(this.source<Asked<E, A>>(), key, options)
  }

  /** Asks for the entities of keys. */
  many<const A extends O>(keys: readonly Key[], options?: A): Many<Asked<E, A>> {
    return new Many(this.source<Asked<E, A>>(), keys, options)
  }

  /** @internal The changes that add entities. */
  async additions(entities: readonly E[], options: AddOptions | undefined): Promise<Change[]> {
    const o = new Options('add', options)
    const [always, memory] = [o.boolean('memoryAlways') ?? false, o.boolean('memory') ?? true]
    const fallbackExpiry = o.integer('fallbackExpiry', { least: 1 }) ?? this.fallbackExpiry
    o.done()
    if (always && !memory) throw o.wrong('memory', 'true with memoryAlways')
    mustList(entities)
    return Promise.all(entities.map(entity => this.addition(entity, memory ? (always ? 'always' : 'present') : 'never', fallbackExpiry)))
  }

  /** @internal */
  async store(changes: readonly Change[]): Promise<void> {
    if (changes.length > 0) await this.pair.write(changes)
  }

  /** @internal What options ask of a tier. Fails with `invalid_query`. */
  ask(options: Given): ReturnType<Form<E>['ask']> {
    return this.form.ask(options)
  }

  /** @internal The entities of keys. */
  async read(ids: readonly Key[], options: Given): Promise<Landed<E>[]> {
    const { read, partial } = this.ask(options)
    const wants = ids.map((id): Wanted => {
      const key = this.keys.text(id)
      return { key, read: { ...read, key }, whole: this.whole(key), partial }
    })
    const replies = await this.replies(wants, remembers(options))
    return replies.map(({ found, value }, i) => {
      try {
        return found ? { value: this.form.decode(ids[i]!, value) } : { value: undefined }
      } catch (error) {
        return { error: asStowageError(error, 'undecodable', `repository "${this.name}": a tier has no entity`) }
      }
    })
  }

  /** @internal */
  async exists(id: Key, memory: boolean): Promise<boolean> {
    const key = this.keys.text(id)
    const kind = this.form.kind === 'boolean' ? 'boolean' : 'exists' // others may have stored that it is not so
    const [reply] = await this.replies([{ key, read: { key, kind }, whole: undefined, partial: false }], memory)
    return reply!.found && (kind === 'exists' || reply!.value?.is === true)
  }

  /** @internal */
  async remove(id: Key, memory: boolean): Promise<void> {
    const key = this.keys.text(id)
    const { markers } = this.pair
    const gone: Write = { key, kind: 'none' }
    await this.pair.write([{ key, fallback: gone, fast: [gone, memory ? markers.mark(key) : markers.unmark(key)] }])
  }

  /** @internal */
  missing(): StowageError {
    return new StowageError('not_found', `repository "${this.name}": there is no such entity`)
  }

  private source<R>(): Source<R> {
    return this as unknown as Source<R> // what is asked for is less than E at most
  }

  private async addition(given: E, fast: 'always' | 'present' | 'never', fallbackExpiry: number): Promise<Change> {
    if (given === undefined || given === null) throw invalidEntity('an entity is missing')
    const entity = this.form.check === undefined ? given : await this.form.check(given)
    const key = this.keys.text(this.form.key(entity))
    const { kind, merges } = this.form
    const write: Write = { key, kind, value: this.form.encode(entity), merge: merges, expiry: fallbackExpiry }
    const unmark = this.pair.markers.unmark(key)
    const change = { key, fallback: write }
    if (fast === 'never') return { ...change, fast: [{ key, kind: 'none' }, unmark] }
    if (fast === 'always' && merges) return { ...change, whole: this.whole(key), fast: [unmark] }
    const copy: Write = { ...write, expiry: sooner(this.expire, fallbackExpiry), ...(fast === 'present' && { only: 'ifPresent' as const }) }
    return { ...change, fast: [copy, unmark] }
  }

  /** Reads all of what stands under a key. Places are read with their scores, which say more exactly where they are. */
  private whole(key: string): Read {
    return { key, kind: this.form.kind === 'geo' ? 'sortedSet' : this.form.kind }
  }

  /** Reads from both tiers, or from the fallback alone. */
  private replies(wants: readonly Wanted[], memory: boolean): Promise<Reply[]> {
    return memory ? this.pair.read(wants) : this.pair.readBehind(wants.map(({ read }) => read))
  }
}

function tier(o: Options, name: string): Tier {
  const given = o.any(name) as Tier | undefined
  mustHave(given, 'read', 'write')
  return given!
}
