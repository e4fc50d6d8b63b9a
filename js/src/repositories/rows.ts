/*
 * A tier of rows that somebody else keeps, as the view of an origin: they are looked up as they are asked for, and cannot be written to.
 *
 * The other side is store/repository/rows.go.
 */
import { StowageError } from '../errors.js'
import { textOf } from './attribute.js'
import { parted } from './key.js'
import { invalid, mustAnswer, mustAsk, mustHave, type Read, type Reply, type Tier, unknown, type Value } from './tier.js'

/** Finds a row by the parts of an entity's key; undefined or null where there is no such row. Nobody waits for it once the signal has come. */
export type Lookup = (key: readonly string[], signal: AbortSignal | undefined) => Promise<object | null | undefined>

/**
 * The tier of rows: by the name of a repository, what looks them up. A column stands in it as an attribute of a hash would. It is a fallback; hashes are
 * read there, and booleans, of which each is so whose row there is.
 *
 *     const fallback = rows({ person: ([id]) => music.people(Number(id)) })
 */
export function rows(lookups: Readonly<Record<string, Lookup>>): Tier {
  const all = Object.entries(Object(lookups) as typeof lookups)
  if (all.length === 0) throw invalid('no rows')
  for (const [, lookup] of all) mustHave(lookup, 'call')
  return new Rows(new Map(all))
}

class Rows implements Tier {
  private closed = false

  constructor(private readonly lookups: ReadonlyMap<string, Lookup>) {}

  async read(reads: readonly Read[], signal?: AbortSignal): Promise<Reply[]> {
    mustAnswer(this.closed, signal)
    mustAsk(reads)
    return Promise.all(reads.map(read => this.answer(read, signal)))
  }

  async write(): Promise<void> {
    mustAnswer(this.closed, undefined)
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
    if (row === undefined || row === null) return { found: false, expiry: 0, value: {} }
    if (row !== Object(row)) throw new StowageError('undecodable', 'repository: no row')
    return { found: true, expiry: 0, value: valueOf(row, kind, fields) }
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
      throw unknown(kind)
  }
}

/** The columns of a row that are asked for, as text. */
function* columns(row: object, asked: readonly string[] | undefined): Generator<[string, string]> {
  for (const [name, value] of Object.entries(row) as [string, unknown][]) {
    if (value === undefined || value === null || asked?.includes(name) === false) continue
    yield [name, textOf(name, value)]
  }
}
