/*
 * Statements over a view: here, over shapes that are here as a whole with what was changed here on them, or else at the origin,
 * whose answers are kept. Go programs have the same in sync/sql.go.
 */
import type { Doc } from '../document/types.js'
import type { Database } from '../environment/environment.js'
import { StowageError } from '../errors.js'
import { type Ensurer, type Question, type Wish } from './ensure.js'
import { answersTables, keepAnswer, type KeptAnswer, readAnswer } from './keptanswer.js'
import { type Loader, typed } from './load.js'
import { least, type Mode, type State } from './mode.js'
import { identified, type ReadModel, type Statement } from './model.js'
import { changed, type Overlay } from './overlay.js'
import { Unanswered } from './request.js'
import { type Position, shapesTable, tablesOf } from './shape.js'
import { type Found, named } from './source.js'
import { translated } from './statement.js'
import type { Row } from './value.js'

/** The tables that statements need beside those of models. */
export const statementTables = { ...answersTables, ...tablesOf([]) }

/** A statement that reads. */
interface Reading {
  text: string
  values: readonly unknown[]
  /** The models that it names. */
  names: string[]
  /** Those of them that are not here as a whole, where the origin can be asked. */
  lacking: string[]
}

export class Statements {
  constructor(
    private readonly db: Database,
    private readonly models: Readonly<Record<string, ReadModel>>,
    private readonly overlay: Overlay,
    private readonly loader: Loader,
    private readonly ensurer: Ensurer,
    private readonly wish: Readonly<Wish>,
    /** Asks the origin; undefined where it answers no statements. */
    private readonly query: ((statement: Statement) => Promise<Found | undefined>) | undefined,
  ) {}

  async run<T>(text: string, values: readonly unknown[]): Promise<T[]> {
    const statement = this.db.sql<T>(text, ...values)
    const [writes, ...tables] = await statement.tables()
    if (writes) throw new StowageError('read_only', 'a view is read')
    const names = tables.filter(name => this.models[name] !== undefined)
    const asks = this.query !== undefined && names.length === tables.length
    const lacking: string[] = []
    for (const name of names) if (!(await this.ensurer.whole(name, !asks))) lacking.push(name)
    if (lacking.length === 0) return this.here<T>(text, values, names)
    if (!asks) throw lacks(lacking)
    return this.asked<T>({ text, values, names, lacking })
  }

  /** Runs it over the rows as they are seen: local changes are made in a transaction that is never committed. */
  private async here<T = Doc>(text: string, values: readonly unknown[], names: readonly string[]): Promise<T[]> {
    const changes = (await Promise.all(names.map(name => this.overlay.list(name)))).flat()
    if (changes.length === 0) return this.db.sql<T>(text, ...values).all()
    const tx = await this.db.begin({ write: true })
    try {
      for (const change of changes) {
        const rows = tx.table(change.model)
        const row = changed((await rows.get(change.key)) as Row | undefined, change)
        if (row === undefined) await rows.delete(change.key)
        else await rows.put(identified(row, this.models[change.model]!).row)
      }
      return await tx.sql<T>(text, ...values).all()
    } finally {
      await tx.abort()
    }
  }

  /** Has the origin answer it. What it does not understand waits for the shapes. */
  private async asked<T>(reading: Reading): Promise<T[]> {
    try {
      return named(await this.answered(reading)) as T[]
    } catch (error) {
      if (!(error instanceof Unanswered) || error.status !== 400) throw error
      for (const name of reading.lacking) if (!(await this.ensurer.whole(name, true))) throw error
      return this.here<T>(reading.text, reading.values, reading.names)
    }
  }

  private async answered({ text, values, names, lacking }: Reading): Promise<Found> {
    const since = this.loader.answers
    const statement = translated(text, values.map(value => (value instanceof Date ? value.toISOString() : value ?? null)), this.models)
    const record = JSON.stringify([statement.sql, typed(statement.params)])
    const versions = await this.versions(names)
    const kept = await readAnswer(this.db, record, versions)
    const load = async () => {
      const found = await this.query!({ ...statement, etag: kept?.etag || undefined })
      const { at } = await keepAnswer(this.db, record, versions, found ?? kept!)
      this.loader.came(record, at)
    }
    const question: Question = { wanted: [{ record }], since, load, came: async () => {}, missing: (_, cause) => lacks(lacking, cause) }
    const { mode, maxAge } = this.wished(names)
    await this.ensurer.meet(mode, [this.state(kept, maxAge)], question)
    return (await readAnswer(this.db, record, versions)) ?? (await this.query!(statement))! // it gave way to others at once
  }

  private state(kept: KeptAnswer | undefined, maxAge: number): State {
    if (kept === undefined) return 'evicted'
    if (Date.now() - kept.at > maxAge) return 'stale'
    return this.loader.isFresh(kept.asked, kept.at) ? 'fresh' : 'complete'
  }

  /** What is wanted of all models: the least mode, and the least age that is too much. */
  private wished(names: readonly string[]): { mode: Mode; maxAge: number } {
    const specs = names.map(name => this.models[name]!)
    return { mode: least(this.wish.mode, ...specs.map(({ mode }) => mode)), maxAge: Math.min(...specs.map(({ maxAge }) => maxAge ?? this.wish.maxAge)) }
  }

  /** Of the shapes that are here as a whole. */
  private async versions(names: readonly string[]): Promise<string> {
    const pulled = names.filter(name => this.ensurer.isPulled(name))
    const positions = pulled.length === 0 ? [] : ((await this.db.table(shapesTable).getMany(pulled)) as (Position | undefined)[])
    return JSON.stringify(positions.flatMap(at => (at?.complete ? [at.shape, at.handle, at.offset] : [])))
  }
}

function lacks(names: readonly string[], cause?: unknown): StowageError {
  return new StowageError('incomplete', `not here as a whole: ${names.join(', ')}`, { cause })
}
