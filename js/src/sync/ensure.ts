/*
 * Has things be here as the mode says: rows and lists that are loaded when they are asked for, and shapes that are pulled. Go
 * programs have the same in sync/ensure.go.
 */
import { StowageError } from '../errors.js'
import type { About } from './item.js'
import { type Asked, type Loader, type Wanted, wantedRow } from './load.js'
import type { RowKey } from './message.js'
import { doing, least, type Mode, shows, type State } from './mode.js'
import type { ReadModel } from './model.js'
import type { Puller } from './pull.js'

/** How something is obtained. */
export interface How {
  mode?: Mode | undefined
  maxAge?: number | undefined
  /** In a list, for undefined is one. */
  fallback?: readonly [] | readonly [unknown]
}

/** What a view wants, unless something else is said. */
export interface Wish {
  mode: Mode
  maxAge: number
  /** How long an answer is waited for where there may be none, in milliseconds. */
  deadline: number
}

/** Loads what is wanted of one model. */
type Load = (wanted: readonly Wanted[]) => Promise<void>

/** What is asked of the origin, unless it was answered since. */
export interface Question {
  wanted: readonly Asked[]
  /** See Loader.once. */
  since: number
  load: (wanted: readonly Asked[]) => Promise<void>
  /** Told when it has come behind what was shown. */
  came: () => Promise<void>
  /** The error where it is not answered. */
  missing: (state: State, cause?: unknown) => StowageError
}

export class Ensurer {
  /** Shapes that were asked for news since the view was opened. */
  private readonly refreshed = new Set<string>()

  constructor(
    private readonly models: Readonly<Record<string, ReadModel>>,
    private readonly loader: Loader,
    private readonly puller: Puller | undefined,
    /** Changes as the view's mode does. */
    private readonly wish: Readonly<Wish>,
    /** Told when something of a model has come behind what was shown. */
    private readonly came: (model: string) => Promise<void>,
  ) {}

  /** Has things be here as the mode says. All of them are of one model. */
  async ensure(wanted: readonly Wanted[], how: How, load: Load): Promise<void> {
    if (wanted.length === 0) return
    const { model } = wanted[0]!
    const mode = least(how.mode ?? this.wish.mode, this.wish.mode, this.models[model]!.mode)
    const question = this.question(model, wanted, this.loader.answers, load)
    await this.meet(mode, await this.states(wanted, how), question)
  }

  /** Does what a mode does about the states of what a question is about. */
  async meet(mode: Mode, states: readonly State[], question: Question): Promise<void> {
    const ask: Asked[] = []
    const behind: Asked[] = []
    let tried: State | undefined
    question.wanted.forEach((one, i) => {
      const state = states[i]!
      const what = doing(mode, state)
      if (what === 'refuse') throw question.missing(state)
      if (what === 'ask' || what === 'try') ask.push(one)
      if (what === 'behind') behind.push(one)
      if (what === 'try' && (tried === undefined || shows(tried))) tried = state
    })
    if (behind.length > 0) this.behind({ ...question, wanted: behind })
    if (ask.length === 0) return
    const asked = this.ask({ ...question, wanted: ask })
    await (tried === undefined ? asked : this.attempt(tried, asked, question))
  }

  /** Has a shape be here as a whole, as the mode says, and tells whether it is. One that is not is waited for only where that is said. */
  async whole(model: string, waits: boolean): Promise<boolean> {
    if (!this.isPulled(model)) return false
    if (!waits && !shows(await this.shapeState(model, Infinity))) return false
    try {
      await this.ensure([wantedRow(model, '')], {}, async () => {})
      return true
    } catch (error) {
      if (error instanceof StowageError && (error.code === 'offline' || error.code === 'incomplete')) return false
      throw error
    }
  }

  private async states(wanted: readonly Wanted[], how: How): Promise<State[]> {
    const { model } = wanted[0]!
    const maxAge = how.maxAge ?? this.models[model]!.maxAge ?? this.wish.maxAge
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

  /** Of rows of a model, or of all of its shape. */
  private question(model: string, wanted: readonly Wanted[], since: number, load: Load): Question {
    const came = () => this.came(model)
    const lacks = (state: State, cause?: unknown) => missing(model, state, cause)
    if (this.isPulled(model)) return { wanted: [{ record: model }], since, load: () => this.refreshShape(model), came, missing: lacks }
    return { wanted, since, load: load as Question['load'], came, missing: lacks }
  }

  /** Asks, unless there was an answer since. */
  private ask({ wanted, since, load }: Question): Promise<void> {
    return this.loader.once(wanted, since, load)
  }

  /** Asks for the next time, and has what is shown change when it comes. */
  private behind(question: Question): void {
    this.ask(question)
      .then(question.came)
      .catch(() => {}) // what is here is shown
  }

  /** Waits for an answer for a while, and does without one where something whole is here. */
  private async attempt(state: State, asked: Promise<void>, question: Question): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new StowageError('origin_failed', 'the origin took too long')), this.wish.deadline)
    })
    try {
      await Promise.race([asked, late])
    } catch (error) {
      if (!(error instanceof StowageError) || !unanswered.has(error.code)) throw error
      if (!shows(state)) throw question.missing(state, error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Asks for what is new in a shape. */
  async refreshShape(model: string): Promise<void> {
    await this.puller!.refresh(model)
    this.refreshed.add(model)
  }

  /** Loads rows, whatever is here. */
  async askRows(model: string, keys: readonly RowKey[]): Promise<void> {
    const wanted = keys.map(key => wantedRow(model, key))
    await this.ask(this.question(model, wanted, this.loader.answers, some => this.loader.rows(model, some.map(({ owner }) => owner!))))
  }

  /** Where rows come from, and how old they are. */
  async abouts(model: string, keys: readonly RowKey[]): Promise<About[]> {
    const maxAge = this.models[model]!.maxAge ?? this.wish.maxAge
    if (this.isPulled(model)) {
      const state = await this.shapeState(model, maxAge)
      const { fetchedAt } = this.puller!.progress[model]!
      return keys.map(() => ({ source: state === 'fresh' ? 'origin' : 'cache', fetchedAt, stale: state === 'stale' }))
    }
    const found = await this.loader.states(keys.map(key => wantedRow(model, key)), () => maxAge)
    return found.map(({ state, at }) => ({ source: state === 'fresh' ? 'origin' : 'cache', fetchedAt: at, stale: state === 'stale' || state === 'partial' }))
  }

  /** Whether the rows of a model are those of a shape. */
  isPulled(model: string): boolean {
    return this.models[model]!.pulled !== undefined
  }
}

/** Failures of an origin that a view can do without. */
const unanswered = new Set(['origin_failed', 'denied'])

function missing(model: string, state: State, cause?: unknown): StowageError {
  const code = state === 'partial' ? 'incomplete' : 'offline'
  return new StowageError(code, state === 'partial' ? `of "${model}" only a part is here` : `what was asked of "${model}" is not here`, { cause })
}
