/*
 * A tier of rows that somebody else keeps, as the view of an origin: they are looked up as they are asked for, and cannot be written to.
 *
 * The other side is store/repository/rows.go.
 */
import { StowageError } from '../errors.js'
import { textOf } from './attribute.js'
import { parted } from './key.js'
import type { Read, Reply, Tier, Value } from './tier.js'

/** Finds a row by the parts of an entity's key; undefined or null where there is no such row. Nobody waits for it once the signal has come. */
export type Lookup = (key: readonly string[], signal: AbortSignal | undefined) => Promise<object | null | undefined>

/**
 * The tier of rows: by the name of a repository, what looks them up. A column stands in it as an attribute of a hash would. It is a fallback; hashes are
 * read there, and booleans, of which each is so whose row there is.
 *
 *     const fallback = rows({ person: ([id]) => music.people(Number(id)) })
 */
export function rows(lookups: Readonly<Record<string, Lookup>>): Tier {
  if (!Object.values(Object(lookups) as object).every(lookup => typeof lookup === 'function')) throw new StowageError('invalid_option', 'rows: each repository has a function that looks rows up')
  return new Rows(new Map(Object.entries(lookups)))
}

class Rows implements Tier {
  private closed = false

  constructor(private readonly lookups: ReadonlyMap<string, Lookup>) {}

  async read(reads: readonly Read[], signal?: AbortSignal): Promise<Reply[]> {
    this.usable()
    if (signal?.aborted) throw new StowageError('aborted', 'a call of the tier', { cause: signal.reason })
    return Promise.all(reads.map(read => this.answer(read, signal)))
  }

  async write(): Promise<void> {
    this.usable()
    throw new StowageError('read_only', 'rows that somebody else keeps')
  }

  async close(): Promise<void> {
    this.closed = true
  }

  private async answer({ key, kind, fields }: Read, signal: AbortSignal | undefined): Promise<Reply> {
    if (kind === 'sortedSet' || kind === 'geo') throw new StowageError('unsupported', 'a row is a hash')
    const [name, ...parts] = parted(key)
    const lookup = this.lookups.get(name!)
    if (lookup === undefined) throw new StowageError('invalid_key', `there are no rows of "${name}"`)
    const row = await lookup(parts, signal)
    return row === undefined || row === null ? { found: false, expiry: 0, value: {} } : { found: true, expiry: 0, value: valueOf(row, kind, fields) }
  }

  private usable(): void {
    if (this.closed) throw new StowageError('closed', 'the tier')
  }
}

/** What of a row is asked for. */
function valueOf(row: object, kind: Exclude<Read['kind'], 'sortedSet' | 'geo'>, asked: readonly string[] | undefined): Value {
  switch (kind) {
    case 'exists':
      return {}
    case 'boolean':
      return { is: true }
    case 'hash':
      return { fields: new Map(columns(row, asked)) }
    default:
      throw new StowageError('invalid_argument', `there is no kind "${String(kind satisfies never)}" of what tiers keep`)
  }
}

/** The columns of a row that are asked for, as text. */
function* columns(row: object, asked: readonly string[] | undefined): Generator<[string, string]> {
  for (const [name, value] of Object.entries(row) as [string, unknown][]) {
    if (value === undefined || value === null || asked?.includes(name) === false) continue
    yield [name, textOf(name, value)]
  }
}
