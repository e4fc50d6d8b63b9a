/*
 * Plain lists of JSON objects, a page at a time: each is asked for by the last key of the one before. What has changed cannot be asked for:
 * a shape is read as a whole each time, and shown when it is there. Go programs have the same in sync/rest.go.
 */
import { StowageError } from '../errors.js'
import { Options } from '../options.js'
import { parse } from './electric.js'
import { type Change, MustRefetch, type RowKey, strange } from './message.js'
import type { ShapeSpec } from './shape.js'
import type { Source } from './source.js'
import type { Columns, Row } from './value.js'

export interface RestOptions {
  /** The URL of the rows after a key, in ascending order of it, and `limit` of them at most; of the first ones where it is undefined. */
  page: (shape: ShapeSpec, after: RowKey | undefined, limit: number) => string
  /** The member with the identity. Default 'id'. */
  key?: string
  /** Takes the rows out of an answer that is not a list of them. */
  rows?: (answer: any) => readonly Row[]
  /** Default 1,000. */
  limit?: number
}

/**
 * Rows in pages: that of PostgREST, say:
 *
 *     rest({ page: ({ table }, after, limit) => `/${table}?order=id&limit=${limit}${after === undefined ? '' : `&id=gt.${after}`}` })
 */
export function rest(options: RestOptions): Source {
  const o = new Options('rest', options)
  const page = o.function<RestOptions['page']>('page')
  const key = o.string('key') ?? 'id'
  const rows = o.function<NonNullable<RestOptions['rows']>>('rows') ?? ((answer: readonly Row[]) => answer)
  const limit = o.integer('limit', { least: 1 }) ?? 1000
  o.done()
  if (page === undefined) throw o.wrong('page', 'a function that makes a URL')
  const columns: Columns = { [key]: { type: 'text', pk_index: 0 } }

  return {
    live: false,
    async next(shape, at, { requests, signal }) {
      if (at.offset === ended) throw new MustRefetch(at.handle)
      const after = at.offset === '' ? undefined : (JSON.parse(at.offset) as RowKey)
      const { text, bytes } = await requests.send({ url: page(shape, after, limit), signal })
      const found: unknown = rows(parse(text) as readonly Row[])
      if (!Array.isArray(found)) throw strange('no list of rows')
      const changes = found.map(row => insert(row, key))
      const last = changes.at(-1)?.key
      if (last !== undefined && last === after) throw strange('rows that do not follow the key')
      const upToDate = changes.length < limit
      return { handle: 'rest', offset: upToDate ? ended : JSON.stringify(last), columns, changes, bytes, upToDate }
    },
  }
}

/** The offset of a shape that was read to its end. */
const ended = 'end'

function insert(row: unknown, name: string): Change {
  const key = (row as Row | null)?.[name]
  if (typeof key !== 'string' && typeof key !== 'number') throw new StowageError('origin_failed', `the origin sent a row without "${name}"`)
  return { key, row: row as Row, added: false, partial: false, hash: 0n, exact: false }
}
